"""`compth list`: the catalogue with its constants, and one object with all its claims.

Everything is read from the objects themselves: nothing is written here that a class does not say.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

from compth._types import Json
from compth.cli._output import say, show_about, show_list, show_table, terminal
from compth.errors import CompthError, InvalidParameter
from compth.text.specs import Built, meant

if TYPE_CHECKING:
    from compth.compressors import Compressor, Fleet
    from compth.compressors.three_point import ThreePoint
    from compth.methods import Method

Listed = Built


# Constants are rendered from the claims themselves, traced with symbols for parameters and d.
def _compressor_rows() -> list[dict[str, str]]:
    """A row for every claim of every compressor, as text.

    The rows of the JSON, not of the table: those are `short_rows`.
    """
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


def _latex(thing: type[Compressor | Fleet] | None = None) -> str:
    """A table of every claim, or one object's, over pages: name, constants as formulas, standing, source.

    thing: a class, None for all.
    """
    from compth.compressors.core.render import catalogue_row, catalogue_rows

    # longtable, for the catalogue is longer than a page; the packages that it needs are said first.
    lines = [
        "% packages: amsmath, booktabs, longtable",
        r"{\footnotesize\raggedright\setlength{\tabcolsep}{3pt}",
        r"\begin{longtable}{@{}lp{0.27\linewidth}lp{0.19\linewidth}@{}}",
        r"\toprule",
        r"object & constants & standing & source \\",
        r"\midrule",
        r"\endhead",
    ]
    for row in catalogue_rows() if thing is None else (catalogue_row(thing),):
        for claim in row.claims:
            constants = ", ".join(f"${_SYMBOLS.get(c.name, c.name)} = {c.latex}$" for c in claim.constants)
            standing = _plain(f"{claim.standing}/{claim.attribution}")
            cells = [_plain(row.name), f"{_plain(claim.kind)}: {constants}", standing, _plain(claim.source)]
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{longtable}}"])


_SYMBOLS = {name: rf"\{name}" for name in ("omega", "delta", "eta", "alpha", "beta", "gamma", "Delta")}


def _plain(text: str) -> str:
    """Text with LaTeX's special characters escaped.

    For names and sources alone: formulas are LaTeX already.
    """
    return "".join(f"\\{c}" if c in "&%$#_{}" else c for c in text)


def _matrix(as_json: bool) -> None:
    """The compatibility matrix, and the reason of each pair without a theorem.

    as_json: a list of cells in place of the table.
    """
    from compth.methods import compatibility

    cells = compatibility()
    if as_json:
        print(json.dumps([asdict(cell) for cell in cells], indent=1))
        return
    # In the order of the catalogue on both sides, so that the matrix looks the same each time.
    methods = list(dict.fromkeys(cell.method for cell in cells))
    table = {name: ["-"] * len(methods) for name in dict.fromkeys(cell.compressor for cell in cells)}
    for cell in cells:
        shown = str(len(cell.theorems)) if cell.verdict == "theorem" else cell.verdict
        table[cell.compressor][methods.index(cell.method)] = shown
    caption = "A number counts the theorems that apply; runs: no theorem; no: refused. Reasons:"
    show_table(["compressor", *methods], [[name, *row] for name, row in table.items()], caption)
    for cell in cells:
        if cell.reason:
            say(f"  {cell.method} with {cell.compressor}: {cell.verdict}, {cell.reason}")


def _method_rows() -> list[dict[str, str]]:
    """A row for every method, as text.

    What it is, the claims that it needs of a compressor, and the ids of its theorems.
    """
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


def _named(name: str) -> tuple[str, Listed]:
    """(kind, class) of an object of the catalogue, in any case of letters. InvalidParameter, with near names.

    kind: compressor, fleet, three-point map or method.
    """
    from compth.compressors import ALIASES, Fleet, catalogue, unfinished
    from compth.compressors.three_point import ThreePoint
    from compth.methods import catalogue as methods
    from compth.methods.core.catalogue import ALIASES as METHOD_ALIASES

    # One table of all that can be named; aliases stand for what they name.
    known: dict[str, tuple[str, type]] = {
        k: ("fleet" if issubclass(v, Fleet) else "compressor", v) for k, v in catalogue().items()
    }
    own = [k for k in ThreePoint.__subclasses__() if k.__module__ == ThreePoint.__module__]
    known |= {k.__name__: ("three-point map", k) for k in own}
    known |= {k: ("method", v) for k, v in methods().items()}
    known |= {also: known[k] for also, k in {**ALIASES, **METHOD_ALIASES}.items()}
    # Exact names first: two objects may differ in the case of letters alone.
    found = name if name in known else next((k for k in known if k.lower() == name.lower()), None)
    if found is None:
        why = unfinished(name) or meant(name, known, "`compth list` shows it")
        raise InvalidParameter(f"name={name!r} is not in the catalogue: {why}")
    return known[found]


def about(name: str) -> Json:
    """All that the catalogue says of one object: what it is, its parameters, claims or theorems, and bits.

    name: in any case of letters. Raises InvalidParameter for one that is not there.
    """
    kind, thing = _named(name)
    head = {"name": thing.__name__, "kind": kind, "definition": inspect.cleandoc(thing.__doc__ or "")}
    return head | {"method": _about_method, "three-point map": _about_map}.get(kind, _about_sender)(thing)


def _about_sender(thing: type[Compressor | Fleet]) -> Json:
    """A compressor or fleet: parameters, an example, bits, and every claim with its standing."""
    from compth.compressors.core.render import catalogue_row

    row = catalogue_row(thing)
    claims = [
        {
            "claim": str(claim) + (f" [{claim.name}]" if claim.name else ""),
            "latex": {c.name: c.latex for c in claim.constants},
            "sharpness": claim.sharpness,
            "standing": f"{claim.standing}/{claim.attribution}",
            "for": claim.domain,
            "source": claim.source,
        }
        for claim in row.claims
    ]
    return {
        "parameters": list(row.parameters),
        "example": row.example,
        "symbols": list(row.symbols),
        "bits": f"{row.bits} at {row.bits_at}",
        "claims": claims,
    }


def _about_map(thing: type[ThreePoint]) -> Json:
    """A three-point map: an example and its bound.

    Constants of a three-point compressor, E |C_{h,y}(x) - x|^2 <= (1 - A) |h - y|^2 + B |x - y|^2.
    """
    from compth.compressors.core.render import map_rows

    row = next(r for r in map_rows() if r.name == thing.__name__)
    bound = {"claim": f"ThreePointBound(A = {row.A}, B = {row.B})", "source": row.source}
    return {"example": row.example, "claims": [bound | {"standing": f"{row.standing}/{row.attribution}"}]}


def _about_method(thing: type[Method]) -> Json:
    """A method: what it requires, its parameters, its theorems with their steps and standing.

    Parameters are those that a call may set; steps are the theorems' own rules.
    """
    from compth.claims import shown
    from compth.methods.core.symbols import facts_of

    theorems = [
        {
            "theorem": th.id,
            "says": th.title,
            "steps": facts_of(th).rule,
            "standing": f"{shown(th).value}/{th.attribution.value}",
        }
        for th in thing.theorems()
    ]
    return {
        "parameters": [f.name for f in fields(thing) if f.init],
        "example": _example(thing),
        "requires": [k.__name__ for k in thing.requires],
        "source": str(thing.source),
        "theorems": theorems,
    }


def _example(thing: type[Method]) -> str:
    """An instance of a method; "-" for a plug-in that names none and needs arguments."""
    try:
        return repr(thing.examples()[0])
    except (CompthError, TypeError, IndexError):
        return "-"


LABEL = {"for": "for ", "steps": "steps: "}
"""What stands before the words of a claim or theorem that do not speak for themselves."""


def _show_one(found: Json) -> None:
    """The object's definition, a line for each of its facts, a line for each of its claims or theorems.

    found: as `about` gives it; a fleet or combinator without claims of its own is said to have none.
    """
    lines = [("kind", found["kind"]), ("parameters", ", ".join(found.get("parameters", ())) or "none")]
    free = f"   ({', '.join(found['symbols'])} and d stand as symbols)" if found.get("symbols") else ""
    lines.append(("shown for", found["example"] + free))
    if found["kind"] == "method":
        lines.append(("requires", ", ".join(found["requires"]) or "any compressor"))
    lines += [(key, found[key]) for key in ("bits", "source") if key in found]
    show_about(found["name"], found["definition"].splitlines(), lines)
    rows: list[Json] = found.get("theorems") or found.get("claims") or []
    print()
    for row in rows:
        # Each claim or theorem is one line: its statement, then whatever else is said of it.
        first, *others = [(k, v) for k, v in row.items() if k != "latex" and v not in ("", "-")]
        words = "; ".join(f"{LABEL.get(k, '')}{v}" for k, v in others)
        say(f"{first[1]}: {words}")
    if not rows:
        print("It declares no constants of its own: they follow from its members, or there are none.")


def _list_one(name: str, as_json: bool, latex: bool, matrix: bool) -> None:
    """One object as text, JSON or the LaTeX table of its constants. InvalidParameter where options do not fit."""
    if matrix:
        raise InvalidParameter("--matrix is a table of all methods and compressors: leave out the name")
    kind, thing = _named(name)
    if latex and kind not in ("compressor", "fleet"):
        raise InvalidParameter(
            f"{thing.__name__} is a {kind}: --latex prints the constants of a compressor or fleet"
        )
    if latex:
        print(_latex(thing))
    elif as_json:
        print(json.dumps(about(name), indent=1))
    else:
        _show_one(about(name))


def list_(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="one object, e.g. RandK or DIANA")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="print the constants as a LaTeX table")] = False,
    matrix: Annotated[bool, typer.Option("--matrix", help="which method takes which compressor")] = False,
) -> int:
    """Compressors, fleets and three-point maps with their constants as formulas; methods with their theorems."""
    from compth.compressors import Fleet, catalogue
    from compth.compressors.core.render import map_rows

    if latex and (as_json or matrix):
        raise InvalidParameter("--latex prints the constants alone: leave out --json and --matrix")
    if name is not None:
        _list_one(name, as_json, latex, matrix)
        return 0
    if latex:
        print(_latex())
        return 0
    if matrix:
        _matrix(as_json)
        return 0
    # The JSON has every claim of every object; the printed list a line an object, or it would be pages long.
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
    show_list(short_rows(), {"constants, or what it takes": 1})
    if terminal():
        say(
            "",
            "`compth list NAME` shows all of one; --json everything; --matrix which method takes which compressor",
        )
    return 0


def short_rows() -> list[dict[str, str]]:
    """A line for each object and each further name: kind, its first constants, or what a method takes.

    Keys are the columns' headings.
    """
    from compth.compressors import ALIASES, Fleet, catalogue
    from compth.compressors.core.render import catalogue_rows, map_rows
    from compth.methods import catalogue as methods
    from compth.methods.core.catalogue import ALIASES as METHOD_ALIASES

    def row(name: str, kind: str, what: str, standing: str = "-") -> dict[str, str]:
        return {"name": name, "kind": kind, "constants, or what it takes": what, "standing": standing}

    # One line an object: its first claim stands for it, and how many more there are is said.
    kinds = {name: "fleet" if issubclass(cls, Fleet) else "compressor" for name, cls in catalogue().items()}
    claimed = {r.name: r.claims for r in catalogue_rows()}
    out = []
    for name, kind in kinds.items():
        # Fleets and combinators declare nothing of their own: their constants are those of their members.
        first, *more = claimed.get(name, ()) or (None,)
        if first is None:
            out.append(row(name, kind, "as its members"))
            continue
        constants = ", ".join(f"{c.name} = {c.text}" for c in first.constants)
        others = f" (and {len(more)} more)" if more else ""
        out.append(row(name, kind, f"{constants}{others}", f"{first.standing}/{first.attribution}"))
    out += [row(r.name, "map", f"A = {r.A}, B = {r.B}", f"{r.standing}/{r.attribution}") for r in map_rows()]
    for name, cls in methods().items():
        takes = ", ".join(k.__name__ for k in cls.requires) or "any compressor"
        count = len(tuple(cls.theorems()))
        out.append(row(name, "method", f"{takes}; {count} theorem{'s' * (count != 1)}"))
    return out + [row(also, "name", f"of {kind}") for also, kind in {**ALIASES, **METHOD_ALIASES}.items()]
