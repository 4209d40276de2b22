"""`compth list` and `compth theorems`: the catalogue with its constants."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from compth.claims import Standing, coq_index, how_sharp, shown
from compth.cli._output import show_table


def _compressor_rows() -> list[dict[str, str]]:
    from compth.compressors.core.render import catalogue_rows

    return [
        {
            "name": row.name,
            "example": row.example,
            "claim": str(claim) + (f" [{claim.name}]" if claim.name else ""),
            "sharpness": claim.sharpness,
            "standing": f"{claim.standing}/{claim.attribution}",
            "source": claim.source,
            "bits": f"{row.bits} at {row.bits_at}",
        }
        for row in catalogue_rows()
        for claim in row.claims
    ]


def _latex() -> str:
    """A booktabs table of every claim: name, constants as formulas, standing and attribution, source."""
    from compth.compressors.core.render import catalogue_rows

    lines = [r"\begin{tabular}{llll}", r"\toprule", r"object & constants & standing & source \\", r"\midrule"]
    for row in catalogue_rows():
        for claim in row.claims:
            constants = ", ".join(f"${_SYMBOLS.get(c.name, c.name)} = {c.latex}$" for c in claim.constants)
            standing = _plain(f"{claim.standing}/{claim.attribution}")
            cells = [_plain(row.name), f"{_plain(claim.kind)}: {constants}", standing, _plain(claim.source)]
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


_SYMBOLS = {name: rf"\{name}" for name in ("omega", "delta", "eta", "alpha", "beta", "gamma", "Delta")}


def _plain(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return "".join(f"\\{c}" if c in "&%$#_{}" else c for c in text)


def _matrix(as_json: bool) -> None:
    """The compatibility matrix, and the reason of each pair without a theorem."""
    from compth.methods import compatibility

    cells = compatibility()
    if as_json:
        print(json.dumps([asdict(cell) for cell in cells], indent=1))
        return
    methods = list(dict.fromkeys(cell.method for cell in cells))
    table = {name: ["-"] * len(methods) for name in dict.fromkeys(cell.compressor for cell in cells)}
    for cell in cells:
        shown = str(len(cell.theorems)) if cell.verdict == "theorem" else cell.verdict
        table[cell.compressor][methods.index(cell.method)] = shown
    caption = "A number counts the theorems that apply; runs: no theorem; no: refused. Reasons:"
    show_table(["compressor", *methods], [[name, *row] for name, row in table.items()], caption)
    for cell in cells:
        if cell.reason:
            print(f"  {cell.method} with {cell.compressor}: {cell.verdict}, {cell.reason}")


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


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="print the constants as a LaTeX table")] = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="which method takes which compressor")] = False,
) -> int:
    """Compressors, fleets and three-point maps with their constants as formulas; methods with their theorems."""
    from compth.compressors import Fleet, catalogue
    from compth.compressors.core.render import map_rows
    from compth.errors import InvalidParameter

    if latex and (as_json or matrix):
        raise InvalidParameter("--latex prints the constants alone: leave out --json and --matrix")
    if latex:
        print(_latex())
        return 0
    if matrix:
        _matrix(as_json)
        return 0
    compressors, methods = _compressor_rows(), _method_rows()
    fleets = [
        {"fleet": name, "about": (cls.__doc__ or "").strip().splitlines()[0]}
        for name, cls in catalogue().items()
        if issubclass(cls, Fleet)
    ]
    maps = [
        {"three-point map": row.name} | {k: v for k, v in asdict(row).items() if k != "name"}
        for row in map_rows()
    ]
    if as_json:
        data = {"compressors": compressors, "fleets": fleets, "maps": maps, "methods": methods}
        print(json.dumps(data, indent=1))
        return 0
    for rows in (compressors, fleets, maps, methods):
        _show(rows)
        print()
    return 0


def theorem_rows() -> list[dict[str, Any]]:
    """Every theorem: id, statement, metric, what it needs, standing, sharpness, source; certified worst cases last."""
    from compth.methods import theorems as all_theorems
    from compth.worst_case.certified_theorem import certified_theorems

    return [
        {
            "theorem": th.id,
            "says": th.title,
            "metric": th.metric,
            "needs": ", ".join(k.__name__ for k in th.requires) or "-",
            "standing": f"{shown(th).value}/{th.attribution.value}",
            "sharpness": how_sharp(th),
            "coq": "one step" if th.proof in coq_index() and shown(th) is Standing.PROVED else "-",
            "source": str(th.source),
        }
        for th in (*all_theorems().values(), *certified_theorems().values())
    ]


def theorems(
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    unified: Annotated[bool, typer.Option("--unified", help="the rows of the unified theory of SGD")] = False,
) -> int:
    """The theorems: what each bounds, how sure it is and where it comes from."""
    from compth.methods._unified_table import unified_table

    rows = [row.cells() for row in unified_table()] if unified else theorem_rows()
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        _show(rows)
    return 0
