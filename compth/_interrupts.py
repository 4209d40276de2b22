"""Ctrl-C in a command: one line that says what is kept, exit code 130 within two seconds, no file half-written.

KeyboardInterrupt unwinds the work. Where that takes too long (a solver's inner loop, a thread that finishes a step,
a library that swallows the exception), a watching thread ends the process, but never inside `undisturbed`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

PATIENCE = 1.0
"""Seconds that the work has to unwind before the process is ended."""
SHOWN = 3
"""Files named one by one; more are counted."""


def _nothing() -> str:
    return ""


@dataclass
class _Command:
    """The running command: its name, what it has written, and whether it has said its last word."""

    name: str = ""
    kept: Callable[[], str] = _nothing
    written: list[Path] = field(default_factory=list)
    raised: bool = False
    said: bool = False


_COMMAND = _Command()
_WRITING = threading.RLock()


def keeps(what: Callable[[], str]) -> None:
    """From now on an interrupt says what(), where that is not "", instead of naming the files that were written."""
    _COMMAND.kept = what


def wrote(paths: Iterable[Path]) -> None:
    """These files are whole."""
    _COMMAND.written.extend(paths)


def interrupted() -> bool:
    """True once Ctrl-C was raised in this command: what fails after it fails by it."""
    return _COMMAND.raised


def last_words() -> str:
    """The line for an interrupted command."""
    files = list(dict.fromkeys(map(str, _COMMAND.written)))
    more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
    named = f"written: {', '.join(files[:SHOWN])}{more}" if files else "nothing was written"
    return f"{_COMMAND.name}: interrupted; {_COMMAND.kept() or named}"


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until this short piece of writing is done, then counts."""
    with _WRITING:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # The handler only notes that it was called; the signal is raised again once the file is whole.
        came: list[int] = []
        before = signal.getsignal(signal.SIGINT)
        if before is None:  # set outside Python: it cannot be put back, so it stays
            yield
            return
        signal.signal(signal.SIGINT, lambda number, _: came.append(number))
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)


def interruptible(name: str, work: Callable[[], int]) -> int:
    """work()'s exit code; after Ctrl-C the process ends with 130. For a process's main function alone."""
    try:
        _COMMAND.name = name
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # nohup and a shell's background mean it
            signal.signal(signal.SIGINT, _raise)
        sys.unraisablehook = _again(sys.unraisablehook)
        threading.excepthook = _until_interrupted(threading.excepthook)
        # Python runs signal handlers between bytecodes of the main thread, which a solver in C may not reach
        # for minutes. The wakeup descriptor is written by the C handler at once, so a thread of its own
        # learns of Ctrl-C in any case.
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        threading.Thread(target=_watch, args=(reader,), daemon=True).start()
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        code = work()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: Python's own end takes a moment
        return code
    except KeyboardInterrupt:
        _say()
        atexit._run_exitfuncs()
        _end()


def _raise(number: int, frame: FrameType | None) -> None:
    """The first Ctrl-C unwinds the work; a second one would only break the clearing up."""
    if not _COMMAND.raised:
        _COMMAND.raised = True
        raise KeyboardInterrupt


def _again(
    before: Callable[[sys.UnraisableHookArgs], object],
) -> Callable[[sys.UnraisableHookArgs], None]:
    """A KeyboardInterrupt that Python drops, as in a finaliser, is raised once more."""

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if not isinstance(dropped.exc_value, KeyboardInterrupt):
            before(dropped)
        elif not _COMMAND.said:
            threading.Timer(0.02, _once_more).start()  # not here: the hook's own exceptions are dropped too

    return hook


def _until_interrupted(
    before: Callable[[threading.ExceptHookArgs], object],
) -> Callable[[threading.ExceptHookArgs], None]:
    """What fails in a thread while interrupted work is cleared away (a pool whose workers were stopped) is no news."""

    def hook(failed: threading.ExceptHookArgs) -> None:
        if not _COMMAND.raised:
            before(failed)

    return hook


def _once_more() -> None:
    """Ctrl-C again, as if the user had pressed it now."""
    _COMMAND.raised = False
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _say() -> None:
    """The last words, once, past every buffer."""
    if not _COMMAND.said:
        _COMMAND.said = True
        line = last_words().encode(sys.stderr.encoding or "utf-8", "backslashreplace") + b"\n"
        with contextlib.suppress(OSError):
            os.write(2, line)


def _watch(reader: int) -> None:
    """Wait for the first Ctrl-C, which C code notes at once, and end the process where nothing else does in time."""
    while signal.SIGINT not in os.read(reader, 64):
        pass
    # Unwinding may run into code that swallows KeyboardInterrupt, or into a thread that is waited for: then
    # the process is ended from here, with what was written whole and the last words said.
    time.sleep(PATIENCE)
    with _WRITING:
        _say()
        _end_children()
        _end()


def _end() -> NoReturn:
    """The process's end, now: Python would wait for threads, and turn some interrupts into another exit code."""
    flushing = threading.Thread(target=sys.stdout.flush, daemon=True)
    flushing.start()
    flushing.join(0.3)  # a reader that does not read must not keep us
    os._exit(130)


def _end_children() -> None:
    # Only where multiprocessing was used at all: importing it here would take longer than the children have.
    processes = sys.modules.get("multiprocessing.process")
    for child in processes.active_children() if processes is not None else ():
        child.terminate()
