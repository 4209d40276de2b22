"""The referee's side of a worker: ask, watch, and say whose failure it was. Verdicts are made on this side only.

A call of the program may use so much processor time, or wait so long while nothing else keeps it waiting. Time counts
only in looks of the supervisor itself: neither its own suspension, nor a stopped worker, nor a busy machine adds any.
A worker that was killed from outside is replaced, and asked again.

Blame is decided here: the program's failure is a breach of its contract, the file's makes it unusable, the machine's
and the package's refute nobody. When in doubt it is not the program's.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import cast

from compth._types import Json
from compth.certification import channel
from compth.certification.allowance import charge
from compth.certification.beside import Misfit, Plain, marked
from compth.certification.processes import STOPPED, busy_threads, family, look, processor_seconds
from compth.certification.remote import formed
from compth.certification.subject import CALL_LIMIT, IDLE_LIMIT, TICK, CallTooLong, Subject
from compth.certification.tracer import NotTraceable, Strange, TooManyLeaves
from compth.errors import InvalidParameter, NoGuarantee, Unsupported, UnusableInput

PLAIN, TRACED, LOADING = 0, 1, 2
"""What a worker does while its flag is set."""
TRACE_LIMIT = 60.0
"""Processor seconds of one traced call: symbols are slow."""
GRACE = 1.0
"""Seconds beyond the limit that the worker has for stopping the call itself."""
OWN_LIMIT = 300.0
"""Processor seconds, or idle ones, for the package's own work on one question."""
TRIES = 20
"""Workers that one question is asked before the referee gives up: kills from outside are not the program's."""
CONTINUES = 40
"""Times that a stopped worker is continued during one call."""
OUTSIDE = (
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
"""Signals that others may send: the machine's, until it is the program's memory."""
HOG = 0.5
"""A worker killed with this part of the machine's memory, or of its limit, ran out of memory by itself."""


class Ended(Exception):
    """The program's process ended during a call."""


class OutsideFailure(Exception):
    """The machine or the package itself failed: nobody is refuted by that."""


RAISED: dict[str, type[Exception]] = {
    c.__name__: c
    for c in (
        NotTraceable, Strange, TooManyLeaves, CallTooLong, MemoryError, RecursionError,
        InvalidParameter, Misfit, Plain, Unsupported, UnusableInput, NoGuarantee,
    )
}  # fmt: skip
"""Exceptions of a worker that keep their type here."""


class Worker:
    """A process that answers questions about one program; `first` is asked again after every replacement.

    Used as a context: at its end the warden kills and reaps whatever the program started.
    """

    def __init__(self) -> None:
        self._first: list[tuple[str, tuple[object, ...]]] = []
        self._load_limit = 0.0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the worker)
        self._file.truncate(4096)
        self._memory = mmap.mmap(self._file.fileno(), 4096)
        # [inside a call, calls so far, what it is doing]: written by the worker, read here while it runs or
        # after its end
        self.state: memoryview[int] = memoryview(self._memory).cast("q")
        self.pid = 0
        self._hire()

    def _hire(self) -> None:
        """Start the warden, who forks the workers."""
        ours, theirs = socket.socketpair()
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
        }
        self._warden = subprocess.Popen(
            [sys.executable, "-m", "compth.certification.worker", str(theirs.fileno())], pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
            start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._control, self._heard = ours, b""
        self._channel: socket.socket | None = None

    def __enter__(self) -> Worker:
        return self

    def _dismiss(self) -> None:
        """The warden clears up and ends."""
        self._control.close()
        if self._channel is not None:
            self._channel.close()
        self._wake()
        try:
            self._warden.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._warden.kill()
            self._warden.wait()

    def _wake(self) -> None:
        """A warden that somebody stopped goes on."""
        found = look(self._warden.pid)
        if found is not None and found.state in STOPPED:
            with contextlib.suppress(OSError):
                os.kill(self._warden.pid, signal.SIGCONT)

    def __exit__(self, *_: object) -> None:
        self._dismiss()
        self.state.release()
        self._memory.close()
        self._file.close()

    def first(self, name: str, arguments: tuple[object, ...], limit: float) -> object:
        """Ask the question that prepares every worker: loading the file. Failing there makes the file unusable."""
        self._load_limit = limit
        answer = self.ask(name, arguments, lambda _: True)
        self._first.append((name, arguments))
        return answer

    def ask(
        self, name: str, arguments: tuple[object, ...], check: Callable[[object], bool], form: str = ""
    ) -> object:
        """The answer, once `check` accepts its shape. Raises what the program raised, CallTooLong, Ended, UnusableInput
        for data that is no answer, and OutsideFailure where the machine or the package failed."""
        # A kill from outside (a machine that runs out of memory, an operator) says nothing of the program:
        # another worker is loaded and asked the same. Answers hang on seeds alone, so asking again changes
        # nothing.
        for attempt in range(TRIES):
            try:
                if self._channel is None:
                    self._start()
                return self._checked(self._exchange(name, arguments, form), check)
            except channel.Malformed as problem:
                self._stop()
                raise UnusableInput(f"the judged program's process sent malformed data: {problem}") from None
            except _Killed as death:
                if self._warden.poll() is not None:
                    self._dismiss()
                    self._hire()
                if attempt + 1 == TRIES:
                    raise OutsideFailure(f"{TRIES} workers were killed from outside ({death})") from None
        raise AssertionError

    def form(self, subject: Subject, name: str) -> Subject:
        """Another program of the same object (`realised.formed`)."""
        return formed(subject, name)

    def _start(self) -> None:
        """A fresh worker, prepared by the first questions again."""
        ours, theirs = socket.socketpair()
        self.state[0] = self.state[1] = self.state[2] = 0
        try:
            socket.send_fds(self._control, [b"S"], [theirs.fileno(), self._file.fileno()])
            self.pid = int(self._wait_for("pid")["pid"])
        except OSError:
            raise self._gone() from None
        finally:
            theirs.close()
        self._channel = ours
        for name, arguments in self._first:
            self._checked(self._exchange(name, arguments), lambda _: True)

    def _stop(self) -> dict[str, object]:
        """End the worker; how it ended."""
        found = look(self.pid) if self.pid else None
        if found is not None and found.parent == self._warden.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            self._control.sendall(b"K")
        return self._ending()

    def _ending(self) -> Json:
        """Close the channel; how the worker ended, as the warden saw it."""
        assert self._channel is not None
        self._channel.close()
        self._channel = None
        return self._wait_for("ended")

    def _wait_for(self, key: str) -> Json:
        """The warden's next line with this key."""
        while b"\n" not in self._heard:
            # A stopped warden would never answer: it is woken at every look, whoever stopped it.
            if not select.select([self._control], [], [], TICK)[0]:
                self._wake()
                continue
            try:
                more = self._control.recv(4096)
            except OSError:
                more = b""
            if not more:
                raise self._gone()
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        message: Json = json.loads(line)
        return message if key in message else self._wait_for(key)

    def _gone(self) -> Exception:
        """The warden ended, which nothing but a signal makes it do."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._warden.wait(timeout=5)
        return _Killed("its warden was killed")

    def _checked(self, reply: object, check: Callable[[object], bool]) -> object:
        """The answer of a reply ("answer", value, seconds), or its exception ("raised", (...), seconds) raised."""
        if not isinstance(reply, tuple) or len(reply) != 3 or not isinstance(reply[2], float):
            raise channel.Malformed("no answer")
        kind, value, seconds = reply
        charge(max(0.0, seconds))
        if kind == "answer":
            if not check(value):
                raise channel.Malformed("an answer of another shape than was asked for")
            return value
        if kind != "raised" or not isinstance(value, tuple) or len(value) != 4:
            raise channel.Malformed("no answer")
        raise _exception(*value)

    def _exchange(self, name: str, arguments: tuple[object, ...], form: str = "") -> object:
        """Send one question and read its answer while the watch looks on. Raises what the end of the worker means."""
        assert self._channel is not None
        # A fresh token a question: bytes that a worker sent earlier, or that code of the file forged, answer
        # no later one. The channel never blocks, so that the watch looks at clocks every TICK whatever the
        # worker does with it.
        token, watch = secrets.token_bytes(16), _Watch(self.pid, self.state, self._load_limit)
        self._channel.setblocking(False)
        out = memoryview(b"".join(channel.pack(token, [name, arguments, form])))
        inbox, poll = channel.Inbox(token), select.poll()
        poll.register(self._channel, select.POLLIN | select.POLLOUT)
        poll.register(self._control, select.POLLIN)
        while True:
            events = dict(poll.poll(TICK * 1000))
            try:
                if out and events.get(self._channel.fileno(), 0) & select.POLLOUT:
                    out = out[self._channel.send(out) :]
                    if not out:
                        poll.modify(self._channel, select.POLLIN)
                if events.get(self._channel.fileno(), 0) & (select.POLLIN | select.POLLHUP):
                    self._take(inbox)
                elif self._control.fileno() in events:  # the worker ended, and all that it sent is read
                    raise self._death()
            except OSError:
                raise self._death() from None
            if inbox.whole:
                return inbox.value()
            reason = watch.reason()
            if reason:
                doing = int(self.state[2])
                self._stop()
                raise _late(reason, doing)

    def _take(self, inbox: channel.Inbox) -> None:
        """What has come; the end of the channel is the end of the worker."""
        assert self._channel is not None
        count = self._channel.recv_into(inbox.wanted)
        if not count:
            raise self._death()
        inbox.filled(count)

    def _death(self) -> Exception:
        """What the end of the worker means: the program's doing, or the machine's."""
        # Whose failure was it? Dead by a signal that others send: the machine's, unless the program held much
        # of its memory. Dead outside of any call: the package's. Dead inside a call: the program's, which
        # then breaks its contract.
        inside, doing = bool(self.state[0]), int(self.state[2])
        with contextlib.suppress(OSError):
            self._control.sendall(b"K")  # a closed channel without an end
        ending = self._ending()
        code, memory = int(ending["ended"]), int(ending["memory"]) * (1 if sys.platform == "darwin" else 1024)
        if -code in OUTSIDE:
            if inside and memory > HOG * min(_machine_memory(), 6 << 30):
                return _by_program("ran out of memory", doing)
            return _Killed(f"signal {-code}")
        if not inside:
            return OutsideFailure(f"the worker {ending_words(code)} outside the program")
        return _by_program(f"the program {ending_words(code)}", doing)


class _Killed(Exception):
    """The worker was killed from outside."""


def ending_words(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by signal {-code}" if code < 0 else f"ended its process with exit code {code}"


def _by_program(what: str, doing: int) -> Exception:
    """The program's own failure: while it is loaded the file is unusable, in a call the contract is broken."""
    if doing == LOADING:
        return UnusableInput(what)
    return marked(Ended(what), None)


def _late(reason: str, doing: int) -> Exception:
    """What it means that something took too long: of loading, a trace, a call, or the package's own work."""
    if doing == LOADING:
        return UnusableInput(f"hung: it {reason}")
    if doing == TRACED:
        return NotTraceable(f"one traced call {reason}")
    return CallTooLong(f"one call {reason}") if doing == PLAIN else OutsideFailure(reason)


def _machine_memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _exception(name: object, message: object, own: object, x: object) -> Exception:
    """The worker's exception with its type, where it is a listed one or the program's."""
    if not isinstance(name, str) or not isinstance(message, str) or not name.isidentifier():
        return channel.Malformed("no exception")
    # What the program raised keeps its name in a class made here, so that no class of the user's is ever
    # imported.
    kind = RAISED.get(name)
    if own is True:
        problem = cast("type[Exception]", kind or type(name, (Exception,), {}))(message)
        return marked(problem, x)
    return kind(message) if kind is not None else OutsideFailure(f"{name} in the worker: {message[:200]}")


class _Watch:
    """Counts what one question uses, look by look."""

    def __init__(self, pid: int, state: memoryview[int], load_limit: float) -> None:
        self.pid, self.state = pid, state
        self.limits = {PLAIN: CALL_LIMIT, TRACED: TRACE_LIMIT, LOADING: load_limit}
        self.seen, self.call = time.monotonic(), (-1, -1)
        self.start = self.last = self.idle = 0.0
        self.continued = 0

    def reason(self) -> str:
        """ "" while all is well, else what the running call did for too long."""
        now = time.monotonic()
        if now - self.seen < TICK:
            return ""
        # A late look counts as two ticks at most: where this process was suspended or starved, nobody used
        # the time.
        step, self.seen = min(now - self.seen, 2 * TICK), now
        doing = (int(self.state[0]), int(self.state[1]))
        if doing != self.call:
            self.call, self.idle, self.continued = doing, 0.0, 0
            self.start = self.last = processor_seconds(self.pid)
            return ""
        return self._judged(step)

    def _judged(self, step: float) -> str:
        """Compare what the present call, or the package's work between calls, has used with its limits."""
        inside, kind = self.call[0], int(self.state[2])
        limit = self.limits.get(kind, CALL_LIMIT) if inside else OWN_LIMIT
        found, used = look(self.pid), processor_seconds(self.pid)
        if found is not None and found.state in STOPPED:
            return self._continue()
        # Idle only where neither the worker, nor a thread of it that waits for a core, nor a child of it
        # moved: else a busy machine would make a call too long.
        moved, self.last = used - self.last, used
        if moved < step / 20 and not busy_threads(self.pid):
            others = family(self.pid).values()
            if not any(o.state in "RD" for o in others):
                self.idle += step
            used += sum(o.seconds for o in others)
        if used - self.start > limit + GRACE:
            return f"took more than {limit:g} s of processor time"
        most = limit if kind == LOADING and inside else IDLE_LIMIT
        if self.idle > most + GRACE:
            return f"waited for more than {most:g} s"
        return ""

    def _continue(self) -> str:
        """A stopped worker goes on: nobody but the program or a passer-by stops it."""
        self.continued += 1
        if self.continued > CONTINUES:
            return "stopped its own process"
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGCONT)
        return ""
