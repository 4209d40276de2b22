"""Check a user's file in a child process that can be killed: hangs, crashes and memory hogs are refuted contracts.

Requests and answers are JSON objects. The verdict is made in this process; the child only runs what the file defines.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from compth._earned import made
from compth.certificates import Certificate, Report, Verdict
from compth.certification.processes import STOPPED, look
from compth.errors import CompthError, InvalidParameter, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compth._types import Json
    from compth.certification.remote import About
    from compth.claims import Claim


MEMORY = 6 << 30
"""Address space of the child, bytes."""
SILENCE = 20.0
"""Seconds without a sign of life after which the child is killed."""
LOAD_LIMIT = 30.0
"""Seconds that importing the user's file may take."""


def check(request: Json) -> Report:
    """The report on {file, name, params, claims, dims, budget, alpha, seed, magnitudes, arithmetic, spelled, adapt}.

    adapt: settings of `adapting.adapted_as`, none for what is taken as it stands. portrait: True for one in the report.
    spelled: the text of params that are decimals, for the claims; the program gets the floats. The file runs in a
    worker, the stages and their verdicts here. Raises UnusableInput and InvalidParameter; where the machine or the
    package itself fails, the report is INCONCLUSIVE and says so.
    """
    from compth.claims.written import claims_of

    claims = claims_of(request["claims"], request["params"] | request.get("spelled", {}))
    try:
        return _judged(request, claims)
    except UnusableInput as problem:
        raise _named(request["file"], problem) from None
    except CompthError:
        raise
    except Exception as problem:
        return _inconclusive(request, problem)


def _judged(request: Json, claims: list[Claim] | None) -> Report:
    """The report: the file in a worker, the stages in this process."""
    from compth.certification import certify
    from compth.certification.adapting.layers import Layers, parsed
    from compth.certification.portrait import with_portrait
    from compth.certification.remote import Judged, about, packages_own
    from compth.certification.subject import joint_workers
    from compth.certification.supervisor import Worker

    file, name = request["file"], request["name"]
    adaptation = request.get("adapt") or {}
    question = (
        file,
        name,
        request["params"],
        (request.get("n"), joint_workers(claims)),
        adaptation,
        LOAD_LIMIT,
    )
    with Worker() as worker:
        with naming(file):
            says = about(worker.first("load", question, LOAD_LIMIT))
        judged, dims = Judged(worker, says), request["dims"]
        # Layers, or a size that was given to the constructor, leave one dimension at which the program means
        # anything.
        if dims is None and adaptation.get("shapes") is not None:
            only = Layers(parsed(adaptation["shapes"])).d
            dims = None if only is None else [only]
        if dims is None and isinstance(says.parameters.get("d"), int):
            dims = [says.parameters["d"]]  # the program was made for this dimension
        thing = packages_own(judged, dims) or judged
        settings = {k: request[k] for k in ("alpha", "budget", "seed")}
        report = certify(
            thing,
            dims,
            claims=claims,
            magnitudes=tuple(request["magnitudes"]),
            arithmetic=request.get("arithmetic"),
            n=request.get("n"),
            **settings,
        )
        if request.get("portrait"):
            report = with_portrait(report, thing, claims)
        # Without a claim there is nothing to settle: then the constants that could be claimed are the answer.
        if not claims and report.verdict is not Verdict.REFUTED and says.kind == "callable":
            report.info["estimates"] = _estimates(thing, report.info["dims"], request)
    return made(_with_script(report, request, says))


@contextlib.contextmanager
def naming(file: str) -> Iterator[None]:
    """What makes a file unusable names the file; the machine's failure is said, too."""
    from compth.certification.supervisor import OutsideFailure

    try:
        yield
    except (UnusableInput, OutsideFailure) as problem:
        raise _named(file, problem) from None


def _named(file: str, problem: Exception) -> UnusableInput:
    """The problem as one that names the file, once."""
    text = str(problem)
    return UnusableInput(text if text.startswith("file=") else f"file={file!r}: {text}")


def _with_script(report: Report, request: Json, says: About) -> Report:
    """The report with a reproduction script of its first refutation, where there is one."""
    from compth.certification.reproduce import Program, script

    refuted = next((c for c in report.certificates if c.verdict is Verdict.REFUTED), None)
    if refuted is not None:
        file = str(Path(request["file"]).resolve())
        adaptation = {k: v for k, v in (request.get("adapt") or {}).items() if v is not None}
        # a function with claims, or an adapted one, asks for the package itself
        own = says.kind != "callable" or says.batched or bool(adaptation)
        program = Program(file, request["name"], says.parameters, says.workers, own, adaptation)
        names = ("seed", "alpha", "budget", "magnitudes", "arithmetic")
        settings = {name: request[name] for name in names if request.get(name) is not None}
        report.info["reproduction"] = script(refuted, program, settings)
    return report


def _inconclusive(request: Json, problem: Exception) -> Report:
    """The machine's failure, or the package's own: nobody is refuted."""
    said = f"{type(problem).__name__}: {str(problem)[:300]}"
    certificate = Certificate(
        request["name"], "all claims", Verdict.INCONCLUSIVE, "none", scope={"d": request["dims"]},
        technique="the referee itself failed", details={"failure": said},
    )  # fmt: skip
    info = {"dims": request["dims"], "budget": request["budget"], "seed": request["seed"]}
    return made(
        Report(
            request["name"], (certificate,), {**info, "not_checked": [f"the referee itself failed ({said})"]}
        )
    )


def ask(module: str, request: Mapping[str, object]) -> tuple[Json | None, int]:
    """(answer of `python -m MODULE`, which calls `serve`; exit code). The answer is None when the child ended without.

    An answer carries the request's token: other lines on its descriptor are nobody's. Raises UnusableInput or
    InvalidParameter where the child says so.
    """
    # The child runs a user's code, which may print anything: an answer is only what begins with a secret that
    # it was sent.
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", module]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps({**request, "token": token}).encode())
    child.stdin.close()
    lines = _listen(child)
    mark = token.encode() + b" "
    answer = next((json.loads(line[len(mark) :]) for line in lines if line.startswith(mark)), None)
    if answer is not None and "unusable" in answer:
        raise UnusableInput(answer["unusable"])
    if answer is not None and "invalid" in answer:
        raise InvalidParameter(answer["invalid"])
    return answer, child.returncode


def _listen(child: subprocess.Popen[bytes]) -> list[bytes]:
    """Collect the child's lines; kill it when it falls silent. Silence counts in looks of this process alone."""
    lines: list[bytes] = []
    silence = [0.0]

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            silence[0] = 0.0
            if line.strip() != b".":
                lines.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while child.poll() is None and silence[0] <= SILENCE:
            # Each look adds at most a tenth of a second of silence: when this process itself is suspended or
            # starved, or the child is stopped, nobody's silence grows.
            before = time.monotonic()
            time.sleep(0.02)
            seen = look(child.pid)
            if seen is None or seen.state not in STOPPED:
                silence[0] += min(time.monotonic() - before, 0.1)
    finally:  # silent for too long, or Ctrl-C here: the child may not heed it
        if child.poll() is None:
            child.kill()
        child.wait()
    reader.join(timeout=5)
    if not reader.is_alive() and child.stdout is not None:
        child.stdout.close()
    return lines


def ending(code: int) -> str:
    """How a child ended, in words."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended its process with exit code {code}"
    return f"hung or {how}" if code == -9 else how


class Pulse:
    """Signs of life to the parent, twice a second until `until` (seconds of time.monotonic, None: for ever)."""

    def __init__(self, out: TextIO) -> None:
        self.until: float | None = None
        self._out, self._stop = out, threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._stop.wait(0.5):
            if self.until is None or time.monotonic() < self.until:
                try:
                    self._out.write(".\n")
                    self._out.flush()
                except OSError:  # the parent is gone: nobody waits for an answer
                    os._exit(1)

    def stop(self) -> None:
        """No further sign."""
        self._stop.set()


def serve(answer: Callable[[Json, Pulse], Json]) -> None:
    """The child: read a request, answer it, write one JSON line. Whatever the user's code prints is lost."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pulse = Pulse(out)
    request = json.loads(sys.stdin.read())
    token = request.pop("token")
    made = json.dumps(answer(request, pulse))
    pulse.stop()
    out.write(f"{token} {made}\n")
    out.flush()
    os._exit(0)


def _estimates(thing: object, dims: list[int], request: Json) -> list[dict[str, object]]:
    """Which constants could be declared, at each dimension."""
    from compth.certification import estimate

    given: Json = {name: request.get(name) for name in ("budget", "seed", "arithmetic")}
    return [estimate(thing, d, **given).to_dict() for d in dims]
