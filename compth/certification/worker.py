"""The judged program's side: a warden that forks workers and clears up after them; a worker that answers questions.

The warden imports the package once and never runs the user's code. It ends with its supervisor, and takes every
process with it that a worker left behind.

Two processes, since the one that runs the user's code can be trusted to clean up nothing: the warden forks, watches and
kills. Nothing here knows of claims or verdicts.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, cast

from compth.certification.processes import kill_family

if TYPE_CHECKING:
    from compth.certification.channel import Inbox


MEMORY = 6 << 30
"""Address space of a worker, bytes."""
CHANNEL = 3
"""The only descriptor that a worker keeps beside 0, 1, 2, which lead nowhere."""
SUBREAPER, DEATH_SIGNAL = 36, 1
"""prctl options of Linux: orphans come to the warden; a worker dies with the warden."""
SPAWN, KILL = b"S", b"K"


def _control(option: int, value: int) -> None:
    """A prctl option, where the system has it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def warden(control: socket.socket) -> None:
    """Fork a worker when asked, say how it ended, and leave nothing behind."""
    # A daemon that a program forks twice would outlive its worker; as the subreaper of its descendants the
    # warden still finds it.
    _control(SUBREAPER, 1)
    child = 0
    while True:
        ready = select.select([control], [], [], 0.02 if child else None)[0]
        if ready:
            order, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if order == SPAWN:
                child = _spawn(control, descriptors)
            elif child:
                _end(child)
            if not order:  # the supervisor is gone
                _clear(child)
                return
        if child:
            done, status, usage = os.wait4(child, os.WNOHANG)
            if done:
                _clear(child)
                child = 0
                _say(control, {"ended": os.waitstatus_to_exitcode(status), "memory": usage.ru_maxrss})


def _say(control: socket.socket, message: dict[str, object]) -> None:
    """A line to the supervisor, which may be gone."""
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(message).encode() + b"\n")


def _end(child: int) -> None:
    """Kill the worker."""
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)


def _clear(child: int) -> None:
    """End and reap what the worker left: its process group, and on Linux every descendant."""
    if not child:
        return
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    kill_family(os.getpid())
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _spawn(control: socket.socket, descriptors: list[int]) -> int:
    """Fork a worker with these descriptors; in the child this never returns."""
    # A fork of the warden has the package imported already: a fresh worker costs milliseconds, so that one
    # can be replaced after every failure.
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            _become_worker(*descriptors)
        os._exit(70)
    for descriptor in descriptors:
        os.close(descriptor)
    _say(control, {"pid": pid})
    return pid


def _become_worker(channel: int, memory: int) -> None:
    """No descriptor but the channel, no terminal, limited memory; then questions until the channel closes."""
    from compth.certification.beside import CALLS

    # Nothing of the supervisor's is left within reach: no descriptor to write to, no terminal to type into,
    # no session to signal. Everything that a program may raise is caught here, since a KeyboardInterrupt has
    # nobody who typed it.
    _control(DEATH_SIGNAL, signal.SIGKILL)
    os.setsid()
    CALLS.caught = (BaseException,)
    CALLS.state = memoryview(mmap.mmap(memory, 4096)).cast("q")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.dup2(channel, CHANNEL)
    os.closerange(CHANNEL + 1, 1 << 16)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answer_questions(socket.socket(fileno=CHANNEL))


def answer_questions(channel: socket.socket) -> None:
    """Read a question (name, arguments), answer it, until the channel closes."""
    from compth.certification.channel import Inbox, pack
    from compth.certification.remote import Answers

    answers = Answers()
    while (question := _received(channel, Inbox())) is not None:
        token, (name, arguments, form) = cast("tuple[bytes, tuple[str, tuple[object, ...], str]]", question)
        # The processor time of a question is charged to whoever asked: budgets' caps count both processes.
        start = time.process_time()
        made = answers.to(name, arguments, form)
        try:
            frame = pack(token, (*made, time.process_time() - start))
        except TypeError as problem:  # what the file holds is neither number, text nor list
            said = ("UnusableInput", f"the answer is of no use: {problem}", False, None)
            frame = pack(token, ("raised", said, time.process_time() - start))
        for part in frame:
            channel.sendall(part)


def _received(channel: socket.socket, inbox: Inbox) -> tuple[bytes, object] | None:
    """(token, value) of the next frame, None at the end."""
    while not inbox.whole:
        count = channel.recv_into(inbox.wanted)
        if not count:
            return None
        inbox.filled(count)
    return inbox.token or b"", inbox.value()


if __name__ == "__main__":
    import compth.certification
    import compth.certification.remote  # noqa: F401  (once, before the workers are forked)

    warden(socket.socket(fileno=int(sys.argv[1])))
