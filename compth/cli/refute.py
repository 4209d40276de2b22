"""`compth refute FILE.py:THEOREM`: prove or refute a claimed rate."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from compth.errors import InvalidParameter


def refute(
    target: Annotated[
        str,
        typer.Argument(help="FILE.py:NAME, a dict, a compth Theorem or a function of constants; of any body"),
    ],
    method: Annotated[
        str | None, typer.Option(help="a body of the catalogue, such as CGD, EF21, DIANA, EF-BV")
    ] = None,
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
    from compth.worst_case.theorem_file import constant as read_constant

    file, colon, name = target.rpartition(":")
    if not colon or not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME")
    given = {"mu": mu, "L": smooth, "delta": delta, "omega": omega, "eta": eta}
    for constant, texts in given.items():
        for text in texts or ():
            read_constant(constant, text)
    claim = {"method": method, "rate": rate, "stepsize": stepsize, "lyapunov": lyapunov, "n": n or None}
    overrides = {k: [read_constant(k, x) for x in v] for k, v in given.items() if v}
    result = _judged(file, name, overrides | claim)
    print(json.dumps(json.loads(result.to_json()), indent=2) if as_json else _text(result))
    return EXIT_CODE[result.verdict]


def _judged(file: str, name: str, overrides: dict[str, Any]) -> Any:
    """The report: the file answers from a worker what it claims, the verdict is made here."""
    from compth.certification import sandbox
    from compth.certification.supervisor import Worker
    from compth.worst_case.theorem_file import judge
    from compth.worst_case.told import Statement

    with sandbox.naming(file), Worker() as worker:
        worker.first("load theorem", (file, name, {}, sandbox.LOAD_LIMIT), sandbox.LOAD_LIMIT)
        return judge(Statement(None, name, worker), name, overrides)


def _text(result: Any) -> str:
    from compth.reporting.files import provenance

    return f"{result}\n{provenance(None)}"
