"""`compth list` and `compth theorems`: the catalogue with its constants."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from compth.cli._output import show_table


def _compressor_rows() -> list[dict[str, str]]:
    import sympy

    from compth.compressors import Compressor, catalogue

    d = sympy.Symbol("d", positive=True, integer=True)
    rows = []
    for name, cls in catalogue().items():
        if not issubclass(cls, Compressor):
            continue
        example = cls.examples()[0]
        rows += [
            {
                "name": name,
                "example": repr(example),
                "claim": str(claim) + (f" [{claim.name}]" if claim.name else ""),
                "sharpness": claim.sharpness.value,
                "standing": f"{claim.standing.value}/{claim.attribution.value}",
                "source": str(claim.source),
            }
            for claim in example.claims(d)
        ]
    return rows


def _method_rows() -> list[dict[str, str]]:
    from compth.methods import catalogue

    return [
        {
            "name": name,
            "about": (cls.__doc__ or "").strip().splitlines()[0],
            "requires": ", ".join(k.__name__ for k in cls.requires) or "any compressor",
            "theorems": ", ".join(t.id for t in cls.theorems()) or "-",
            "source": str(cls.source),
        }
        for name, cls in catalogue().items()
    ]


def _show(rows: list[dict[str, str]]) -> None:
    if rows:
        show_table(list(rows[0]), [list(r.values()) for r in rows])


def list_(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> int:
    """Compressors with their constants in d, fleets, and methods with their theorems."""
    from compth.compressors import Fleet, catalogue

    compressors, methods = _compressor_rows(), _method_rows()
    fleets = [
        {"fleet": name, "about": (cls.__doc__ or "").strip().splitlines()[0]}
        for name, cls in catalogue().items()
        if issubclass(cls, Fleet)
    ]
    if as_json:
        print(json.dumps({"compressors": compressors, "fleets": fleets, "methods": methods}, indent=1))
        return 0
    for rows in (compressors, fleets, methods):
        _show(rows)
        print()
    return 0


def theorem_rows() -> list[dict[str, Any]]:
    """Every theorem: id, statement, metric, what it needs, standing, sharpness, source."""
    from compth.methods import theorems as all_theorems

    return [
        {
            "theorem": th.id,
            "says": th.title,
            "metric": th.metric,
            "needs": ", ".join(k.__name__ for k in th.requires) or "-",
            "standing": f"{th.standing.value}/{th.attribution.value}",
            "sharpness": th.sharpness.value,
            "source": str(th.source),
        }
        for th in all_theorems().values()
    ]


def theorems(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> int:
    """The theorems: what each bounds, how sure it is and where it comes from."""
    rows = theorem_rows()
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        _show(rows)
    return 0
