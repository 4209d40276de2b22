"""`compth refute FILE.py:THEOREM`: prove or refute a claimed rate."""

from __future__ import annotations

import contextlib
import io
from typing import Annotated, Any

import typer

from compth.errors import InvalidParameter, UnusableInput


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
    from compth.certificates import EXIT_CODE
    from compth.worst_case.theorem_file import judge

    file, colon, name = target.rpartition(":")
    if not colon or not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME")
    given = {"mu": mu, "L": smooth, "delta": delta, "omega": omega, "eta": eta}
    overrides: dict[str, Any] = {k: [_exact(k, x) for x in v] for k, v in given.items() if v}
    overrides |= {"method": method, "rate": rate, "stepsize": stepsize, "lyapunov": lyapunov, "n": n or None}
    result = judge(_load(file, name), name, overrides)
    if as_json:
        print(result.to_json())
    else:
        _print(result)
    return EXIT_CODE[result.verdict]


def _exact(name: str, text: str) -> Any:
    from compth._expressions import parse

    try:
        return parse(text, frozenset())()
    except InvalidParameter as reason:
        raise InvalidParameter(f"{name}={text!r} is not a number: {reason}") from None


def _load(file: str, name: str) -> Any:
    """The object of the user's file, imported within a time limit and without its output."""
    from compth.certification.sandbox import LOAD_LIMIT, load
    from compth.certification.subject import CallTooLong, time_limit

    try:
        with contextlib.redirect_stdout(io.StringIO()), time_limit(LOAD_LIMIT):
            return load(file, name, {})
    except CallTooLong:
        raise UnusableInput(f"file={file!r} takes more than {LOAD_LIMIT:g} s to import") from None


def _print(result: Any) -> None:
    from compth._files import provenance
    from compth.certification.text import LADDER

    print(f"{result.subject}: {result.verdict.value} ({LADDER[result.verdict]})")
    for c in result.certificates:
        at = ", ".join(f"{k} = {v}" for k, v in c.scope.items() if k != "method")
        print(f"  {c.verdict.value:<12} {c.subject}: {c.claim} at {at}; {_why(c)}")
    for assumption in dict.fromkeys(a for c in result.certificates for a in c.assumptions):
        print(f"  assumed: {assumption}")
    print(provenance(None))


def _why(c: Any) -> str:
    from compth.certificates import Verdict
    from compth.certification.text import short

    if c.verdict is Verdict.REFUTED:
        kind = "mean squares" if "mean squares" in c.witness else "state"
        return f"{c.details['says']}: {kind} {short([float(x) for x in c.witness[kind]])}"
    factor = c.details["looseness"]
    loose = "" if factor is None else f"; {factor:.4g} x the rounds of the worst quadratic found"
    return f"{c.technique}{loose}"
