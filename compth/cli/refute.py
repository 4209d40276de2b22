"""`compth refute FILE.py:THEOREM`: prove or refute a claimed rate, step rule or Lyapunov function."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import typer

from compth.cli._output import show_table
from compth.errors import InvalidParameter, UnusableInput

KEYS = ("method", "rate", "stepsize", "lyapunov", "alpha", "mu", "L", "delta", "omega", "n")
LISTS = ("mu", "L", "delta", "omega", "n")
LARGEST_GRID = 500


def refute(
    target: Annotated[
        str,
        typer.Argument(
            help="FILE.py:NAME, NAME a dictionary of literals: method, rate, stepsize, mu, L, ..."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Settle a theorem at every listed constant. Exit code 0 proved or consistent, 1 refuted, 2 unusable input."""
    from compth.certificates import EXIT_CODE, Report
    from compth.worst_case import check_rate

    theorem = read_theorem(target)
    grids = [
        (k, theorem[k] if isinstance(theorem.get(k), list) else [theorem[k]]) for k in LISTS if k in theorem
    ]
    rest = {k: v for k, v in theorem.items() if k not in LISTS}
    cells = _product(grids)
    found = [
        check_rate(rest["method"], **{k: v for k, v in rest.items() if k != "method"}, **cell)
        for cell in cells
    ]
    certificates = tuple(c for report in found for c in report.certificates)
    report = Report(f"{target.rpartition(':')[2]}: {rest['method']}", certificates, {"target": target})
    if as_json:
        print(report.to_json())
    else:
        _print(report, cells)
    return EXIT_CODE[report.verdict]


def _product(grids: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = [{}]
    for name, values in grids:
        cells = [{**cell, name: value} for cell in cells for value in values]
        if not values or len(cells) > LARGEST_GRID:
            raise InvalidParameter(
                f"{name}={values!r}: the lists span {len(cells)} cells, need 1 to {LARGEST_GRID}"
            )
    return cells


def read_theorem(target: str) -> dict[str, Any]:
    """The dictionary of literals assigned to NAME in FILE; the file is read, not run."""
    file, colon, name = target.rpartition(":")
    if not colon or not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME")
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, SyntaxError, RecursionError, MemoryError) as problem:
        raise UnusableInput(f"{file}: cannot be read as Python ({type(problem).__name__})") from None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            try:
                found = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                raise UnusableInput(
                    f"{name} in {file} is not a dictionary of literals (text, numbers, lists)"
                ) from None
            return _checked(name, found)
    raise UnusableInput(f"{name} is not assigned at the top level of {file}")


def _checked(name: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or not {"method", "rate", "mu", "L"} <= found.keys():
        raise InvalidParameter(f"{name} needs the keys method, rate, mu and L; also {', '.join(KEYS[2:])}")
    unknown = [str(k) for k in found if k not in KEYS]
    if unknown:
        raise InvalidParameter(f"{name} has the unknown key {unknown[0]!r}: use {', '.join(KEYS)}")
    for key in LISTS:
        values = found.get(key, [])
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InvalidParameter(f"{name}[{key!r}]={value!r} needs a number or a list of numbers")
    return found


def _print(report: Any, cells: list[dict[str, Any]]) -> None:
    from compth._files import provenance

    head = ["constants", "claimed", "worst attained", "verdict", "looseness"]
    table = []
    for cell, c in zip(cells, report.certificates, strict=True):
        loose = c.details.get("looseness")
        table.append(
            [
                ", ".join(f"{k}={v:g}" for k, v in cell.items()),
                f"{float(c.bound):.8g}",
                "-" if c.estimate is None else f"{float(c.estimate):.8g}",
                c.verdict.value,
                "-" if loose is None else f"{loose:.3g}",
            ]
        )
    show_table(head, table, caption=f"{report.subject}: {report.verdict.value}")
    for c in report.certificates:
        if c.verdict.value == "REFUTED":
            print(f"counterexample at {c.scope['constants']}: {c.technique}")
            for key, value in c.witness.items():
                print(f"  {key} = {_plain(value)}")
            break
    print(provenance())


def _plain(value: Any) -> str:
    return "[" + ", ".join(str(v) for v in value) + "]" if isinstance(value, list) else str(value)
