"""`compth tune`: the compression level and step size with the most guaranteed improvement for what a message costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compth.cli._output import check_file, command_line, say, say_written, show_table
from compth.errors import InvalidParameter, UnusableInput

if TYPE_CHECKING:
    from compth._types import Json, Numbers
    from compth.tuning import Tuning
    from compth.tuning.costs import Cost

BUNDLED = ("breast_cancer", "diabetes", "digits", "wine")
COSTS = ("Affine", "BitPacket", "Packet", "Payload", "Time")


def tune(
    gradient: Annotated[
        str,
        typer.Argument(
            help="FILE.npy, .csv, .txt or .json with a vector or matrix, or a data set for its ridge gradient"
        ),
    ],
    scheme: Annotated[
        list[str] | None,
        typer.Option(
            "--scheme",
            "-s",
            help='S, S+Q, SS, or a compressor: RandK, "AtomoSpectral(1, (8, 8))" (repeatable)',
        ),
    ] = None,
    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            "-c",
            help='"Affine(1, 64)", "Packet(85)", "Payload(1, 640)", "BitPacket(4096)" or a link',
        ),
    ] = "Payload(1, 0)",
    smoothness: Annotated[float, typer.Option("--smoothness", "-L", help="L of the objective")] = 1.0,
    curve: Annotated[
        int, typer.Option(help="also print about this many points of each efficiency curve")
    ] = 0,
    report: Annotated[Path | None, typer.Option(help="write a self-contained HTML report")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the data as JSON")] = False,
) -> int:
    """Choose what to send at one gradient over one link."""
    from compth.reporting.files import provenance, write_all

    check_file(report)
    g = read_gradient(gradient)
    from compth import tuning

    price = _cost(cost)
    found = [tuning.tune(g, _scheme(name), price, L=smoothness) for name in scheme or ["S", "S+Q", "SS"]]
    head = ["scheme", "level", "share", "step size", "improvement", "cost", "per cost"]
    caption = f"{gradient}: d={g.size}, L={smoothness:g}; cost {price!r}. {_bases(found)}"

    def write() -> None:
        if report is not None:
            from compth.reporting.tables_pages import tuning_page

            text = tuning_page(found, head, [_row(t) for t in found], caption, command_line())
            write_all(report.parent, {report.name: text.encode()})

    # The answer first, then the page: output may be cut short.
    if as_json:
        print(json.dumps(_data(gradient, g, price, found, curve), indent=1, allow_nan=False), flush=True)
        write()
        return 0
    show_table(head, [_row(t) for t in found], caption=caption)
    say(*(f"{t.scheme}: {t.note}" for t in found if t.note))
    if curve:
        for t in found:
            say(f"efficiency of {t.scheme}: " + ", ".join(f"{a}: {b:.4g}" for a, b in points(t, curve)))
    say(provenance())
    write()
    say_written(report)
    return 0


def _row(t: Tuning) -> list[str]:
    """The answer as a row of the table.

    Five significant digits; the JSON has all.
    """
    numbers = (t.share, t.stepsize, t.improvement, t.cost, t.efficiency)
    return [t.scheme, str(t.level), *(f"{float(v):.5g}" for v in numbers)]


def _bases(found: list[Tuning]) -> str:
    """Where the shares are from, once where it is the same for all.

    found: answers with their `basis`.
    """
    # A share may be exact at this gradient or bounded by a claim: the caption says which.
    bases = dict.fromkeys(t.basis for t in found)
    if len(bases) == 1:
        return f"Shares: {found[0].basis}."
    return "Shares: " + "; ".join(f"{t.scheme}: {t.basis}" for t in found) + "."


def points(t: Tuning, count: int) -> list[tuple[float, float]]:
    """About `count` (level, efficiency) pairs, geometrically spaced, with the chosen level among them.

    At least two, the first and the last level.
    """
    import numpy as np

    last = len(t.levels) - 1
    chosen = np.flatnonzero(np.asarray(t.levels) == t.level)
    # Geometric, for efficiency varies with the ratio of levels; the chosen one must be among the points that
    # are shown.
    index = np.unique([*np.rint(np.geomspace(1, last + 1, max(count, 2)) - 1).astype(int), *chosen])
    return [(np.asarray(t.levels)[i].item(), float(t.curve[i])) for i in index]


def _data(name: str, g: Numbers, price: Cost, found: list[Tuning], curve: int) -> Json:
    """The answers as JSON.

    Plain values only: NaN and infinities are refused by the writer rather than printed as no JSON.
    """
    from compth.reporting.files import provenance

    rows = []
    for t in found:
        row: Json = {
            "scheme": t.scheme,
            "level": t.level,
            "compressor": t.compressor and repr(t.compressor),
        }
        for key in ("share", "stepsize", "improvement", "cost", "efficiency", "L"):
            row[key] = float(getattr(t, key))
        row |= {"basis": t.basis, "note": t.note}
        if curve:
            row["curve"] = points(t, curve)
        rows.append(row)
    return {"gradient": name, "d": int(g.size), "cost": repr(price), "provenance": provenance(), "rows": rows}


def read_gradient(name: str) -> Numbers:
    """A vector (or matrix) from .npy, .csv, .txt or .json, or grad f(0) of the ridge problem on a bundled data set.

    Raises UnusableInput with the reason in one line.
    """
    import numpy as np

    # A data set's gradient at 0 is a realistic one without a file.
    if name in BUNDLED:
        from compth import problems

        problem = problems.ridge(name, 1)
        return problem.gradient(np.zeros(problem.d))
    path = Path(name)
    if path.suffix not in (".npy", ".csv", ".txt", ".json"):
        raise UnusableInput(
            f"gradient={name!r} must be a .npy, .csv, .txt or .json file, or a data set: {', '.join(BUNDLED)}"
        )
    try:
        # Pickles stay unread: a data file may not run code.
        if path.suffix == ".npy":
            found: Numbers = np.load(path, allow_pickle=False)
            return found
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            return _numbers(json.loads(text))
        # Commas, semicolons and blanks all separate; a single row or column becomes a vector.
        rows = [
            line.replace(",", " ").replace(";", " ").split() for line in text.splitlines() if line.strip()
        ]
        return np.array([[float(v) for v in row] for row in rows]).squeeze() if rows else np.array([])
    except (OSError, ValueError, EOFError, OverflowError, RecursionError) as problem:
        reason = (str(problem).splitlines() or ["empty file"])[0]
        raise UnusableInput(f"gradient={name!r} cannot be read: {reason}") from None


def _numbers(data: object) -> Numbers:
    """An array from a JSON list of numbers, or of rows of numbers; ValueError for anything else."""
    import numpy as np

    rows = data if isinstance(data, list) and data and all(isinstance(v, list) for v in data) else [data]
    lists = [row for row in rows if isinstance(row, list)]
    plain = all(isinstance(v, int | float) and not isinstance(v, bool) for row in lists for v in row)
    if len(lists) < len(rows) or not plain:
        raise ValueError("a JSON list of numbers, or of rows of numbers, is needed")
    return np.array([[float(v) for v in row] for row in lists]).squeeze()


def _scheme(text: str) -> object:
    """A scheme's name, a compressor class by its bare name, or a spelled instance. InvalidParameter for others."""
    from compth.compressors import Compressor, catalogue
    from compth.text.specs import build
    from compth.tuning.schemes import SCHEMES

    if text in SCHEMES:
        return text
    known = {k: v for k, v in catalogue().items() if issubclass(v, Compressor)}
    if text in known:
        return known[text]
    if "(" not in text:
        raise InvalidParameter(
            f"scheme={text!r} is not known: choose {', '.join(SCHEMES)} or a compressor such as RandK"
        )
    return build(text, known)


def _cost(text: str) -> Cost:
    """A link by name or a spelled cost model. InvalidParameter for others."""
    from compth.text.specs import build
    from compth.tuning import costs

    if text in costs.LINKS:
        return costs.LINKS[text].cost
    if "(" not in text:
        raise InvalidParameter(
            f"cost={text!r} is not known: a link ({', '.join(costs.LINKS)}) or a model such as Affine(1, 64)"
        )
    return costs.of(build(text, {name: getattr(costs, name) for name in COSTS}))
