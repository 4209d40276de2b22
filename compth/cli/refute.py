"""`compth refute FILE.py:THEOREM`: prove or refute a claimed rate."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from compth.errors import InvalidParameter, UnusableInput

CELL_LIMIT = 120.0
"""Seconds after which a choice of constants that is still not judged counts as a hang."""


def refute(
    target: Annotated[
        str, typer.Argument(help="FILE.py:NAME, a dict, a compth Theorem or a function of constants")
    ],
    method: Annotated[str | None, typer.Option(help="CGD, EF, EF21, DCGD, DIANA, MARINA or EF-BV")] = None,
    rate: Annotated[
        str | None, typer.Option(help="claimed factor, arithmetic in gamma, mu, L, delta ...")
    ] = None,
    stepsize: Annotated[
        str | None, typer.Option(help="step rule, arithmetic in mu, L, delta, omega, n")
    ] = None,
    lyapunov: Annotated[str | None, typer.Option(help='V, such as "(x - ebar)**2 + e**2/s"')] = None,
    mu: Annotated[list[str] | None, typer.Option(help="strong convexity (repeatable)")] = None,
    smooth: Annotated[list[str] | None, typer.Option("--L", help="smoothness (repeatable)")] = None,
    delta: Annotated[list[str] | None, typer.Option(help="contraction (repeatable)")] = None,
    omega: Annotated[list[str] | None, typer.Option(help="variance (repeatable)")] = None,
    eta: Annotated[list[str] | None, typer.Option(help="bias, for EF-BV (repeatable)")] = None,
    n: Annotated[list[int] | None, typer.Option("-n", help="workers (repeatable)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Judge a theorem. Exit code 0 proved or consistent, 1 refuted, 2 unusable input, 3 inconclusive."""
    from compth.certificates import EXIT_CODE, Verdict
    from compth.certification import sandbox
    from compth.worst_case.theorem_file import constant as read_constant

    file, colon, name = target.rpartition(":")
    if not colon or not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME")
    given = {"mu": mu, "L": smooth, "delta": delta, "omega": omega, "eta": eta}
    for constant, texts in given.items():
        for text in texts or ():
            read_constant(constant, text)
    claim = {"method": method, "rate": rate, "stepsize": stepsize, "lyapunov": lyapunov, "n": n or None}
    request = {"file": file, "name": name, "given": given, "claim": claim, "limit": sandbox.LOAD_LIMIT}
    answer, code = sandbox.ask("compth.cli.refute", {**request, "silence": sandbox.SILENCE})
    if answer is None:
        raise UnusableInput(f"file={file!r}: the program {sandbox.ending(code)}")
    print(json.dumps(answer["report"], indent=2) if as_json else answer["text"])
    return EXIT_CODE[Verdict(answer["verdict"])]


def _answer(request: dict[str, Any], pulse: Any) -> dict[str, Any]:
    """The child's side: load the file, judge, and say so as JSON and as text."""
    from compth.certification.sandbox import load
    from compth.certification.subject import CallTooLong, time_limit
    from compth.errors import CompthError
    from compth.worst_case.theorem_file import constant as read_constant
    from compth.worst_case.theorem_file import judge

    file, name, limit = request["file"], request["name"], request["limit"]

    @contextlib.contextmanager
    def guard() -> Iterator[None]:
        """The user's code runs: it is stopped at the limit, and where it cannot be, the parent hears no more of it."""
        start = time.monotonic()
        pulse.until = start + max(limit - request["silence"], 0.0) + 1.0
        try:
            with contextlib.redirect_stdout(io.StringIO()), time_limit(limit):
                yield
        except BaseException:
            if time.monotonic() - start >= limit:  # whatever the interrupted code made of it
                raise CallTooLong from None
            raise
        finally:
            pulse.until = time.monotonic() + CELL_LIMIT

    overrides: dict[str, Any] = {
        k: [read_constant(k, x) for x in v] for k, v in request["given"].items() if v
    }
    try:
        with guard():
            thing = load(file, name, {})
        report = judge(thing, name, overrides | request["claim"], guard)
    except CallTooLong:
        return {"unusable": f"file={file!r}: {name!r} takes more than {limit:g} s"}
    except UnusableInput as problem:
        return {"unusable": str(problem)}
    except CompthError as problem:
        return {"invalid": str(problem)}
    return {"report": json.loads(report.to_json()), "verdict": report.verdict.value, "text": _text(report)}


def _text(result: Any) -> str:
    from compth._files import provenance
    from compth.certification.text import LADDER

    lines = [f"{result.subject}: {result.verdict.value} ({LADDER[result.verdict]})"]
    for c in result.certificates:
        at = ", ".join(f"{k} = {v}" for k, v in c.scope.items() if k != "method")
        lines.append(f"  {c.verdict.value:<12} {c.subject}: {c.claim} at {at}; {_why(c)}")
    assumed = dict.fromkeys(a for c in result.certificates for a in c.assumptions)
    return "\n".join([*lines, *(f"  assumed: {a}" for a in assumed), provenance(None)])


def _why(c: Any) -> str:
    from compth.certificates import Verdict
    from compth.certification.text import short

    if c.verdict is Verdict.REFUTED:
        kind = "mean squares" if "mean squares" in c.witness else "state"
        return f"{c.details['says']}: {kind} {short([float(x) for x in c.witness[kind]])}"
    factor = c.details["looseness"]
    loose = "" if factor is None else f"; {factor:.4g} x the rounds of the worst quadratic found"
    return f"{c.technique}{loose}"


if __name__ == "__main__":
    from compth.certification.sandbox import serve

    serve(_answer)
