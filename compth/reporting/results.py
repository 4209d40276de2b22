"""Any result for a reader: text, notebook, LaTeX, data frame, a file and back; `told` has what is said of each.

What was read from a file is a `Stored`: its numbers are kept, and every word that only a computation earns is taken
back. That must stay so: a file proves nothing.
"""

from __future__ import annotations

import html
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path

from compth._shown import Shown
from compth._types import Json, Tensor
from compth.certificates import Report, decode, encode
from compth.claims import Claim
from compth.errors import Unsupported, UnusableInput
from compth.reporting.files import MARK, provenance, version, write_all
from compth.reporting.page import html_table
from compth.reporting.reports import latex_escape, latex_table, text_table, wrapped
from compth.reporting.told import told

WORD = "the file's word"
"""What a standing reads in a result that was read from a file."""
STANDINGS = ("standing", "theorem_standing", "certified_standing")
EARNED = {"tight": False, "closed_form": False, "converged": False, "basis": WORD,
          "sharpness": WORD, "declared": WORD, "proof": WORD}  # fmt: skip
"""Words of results that only a computation gives: what they read in a file's result."""


def text(result: object, width: int = 100) -> str:
    """As on the command line: the head, facts with a heading each, the table, what follows, wrapped to the width.

    width: characters of a line; tables keep theirs.
    """
    t = told(result)
    # Headings are padded to one width, so that facts stand in a column.
    across = max((len(heading) for heading, _ in t.facts), default=0)
    facts = [f"  {heading.ljust(across)}  {said}".rstrip() for heading, said in t.facts]
    table = [text_table(t.header, t.rows)] if t.rows else []
    table = ["", *table, ""] if table and facts and t.notes else table
    notes = [n if n.startswith("| ") else wrapped(n, width) for n in t.notes]  # a file's lines are quoted
    listed = [wrapped(f, width) for f in facts]
    return "\n".join([*([wrapped(t.head, width)] if t.head else []), *listed, *table, *notes])


COLOURS = {"PROVED": "#00734f", "CONSISTENT": "#0062a3", "INCONCLUSIVE": "#8a5a00", "REFUTED": "#b3261e"}
"""Of verdicts, readable on white; dark pages lighten them."""


def badge(verdict: str) -> str:
    """A verdict that is seen at a glance.

    verdict: one of COLOURS.
    """
    return (
        f'<span class="badge" style="background:{COLOURS[verdict]};color:#fff;padding:.1em .5em;'
        f'border-radius:.3em;font-weight:700">{html.escape(verdict)}</span>'
    )


def fragment(result: object) -> str:
    """A notebook's output: head, facts and table, without scripts; everything escaped.

    Every text is escaped: names of methods and files are somebody else's words.
    """
    t = told(result)
    mark = f"{badge(t.verdict)} " if t.verdict in COLOURS else ""
    facts = "".join(
        f'<tr><td style="text-align:left">{html.escape(k)}</td><td style="text-align:left">{html.escape(v)}</td></tr>'
        for k, v in t.facts
    )
    listed = f"<table><tbody>{facts}</tbody></table>" if facts else ""
    notes = "".join(f"<li>{html.escape(n)}</li>" for n in t.notes if n.strip())
    head = html.escape(t.head).replace("\n", "<br>")
    parts = [f"<p>{mark}{head}</p>" if t.head else "", listed]
    parts += [html_table(t.header, t.rows) if t.rows else "", f"<ul>{notes}</ul>" if notes else ""]
    return f'<div class="compth">{"".join(parts)}</div>'


def latex(result: object) -> str:
    """Its statements as sentences, else the table, else the facts as one; the head as the caption.

    Carries our mark and names its packages in a comment.
    """
    t = told(result)
    start = f"% {MARK} {version()}; packages: amsmath, amssymb, booktabs\n"
    # A sentence if the result has one, else its table, else its facts as a table: never nothing.
    if t.statements:
        return start + "\n\n".join(t.statements) + "\n"
    if t.rows:
        return latex_table(t.header, t.rows, caption=t.head)
    if t.facts:
        return latex_table(("quantity", "value"), t.facts, caption=t.head)
    return start + latex_escape(" ".join([t.head, *(n.removeprefix("| ") for n in t.notes)])) + "\n"


def frame(result: object) -> Tensor:
    """The numbers as a DataFrame: curves by t, certificates or methods by row, else one row of fields.

    Raises Unsupported where pandas is not installed.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        raise Unsupported("to_frame() needs pandas, which is not installed: pip install pandas") from None
    return pandas.DataFrame(_columns(result))


def _columns(result: object) -> dict[str, object]:
    """Columns of the data frame: the curves or rows, else one row of plain fields."""
    # What is told of a result wins over its bare fields, as in the text.
    given = told(result).columns
    if given:
        return dict(given)
    return {k: [v] for k, v in plain(result).items() if not isinstance(v, list | tuple | dict)}


def plain(result: object) -> Json:
    """The fields that are values, by name: functions, plans and what is private stay out.

    Results within results become dicts of their own.

    Values may be arrays, fractions or enums: `certificates.encode` makes JSON of them.
    """
    if isinstance(result, Stored):
        return dict(result.stored_values)
    # Named tuples and plain objects have fields in other ways; private ones and functions stay out of all.
    own = [f.name for f in fields(result)] if is_dataclass(result) else None
    names = own or [*getattr(result, "_fields", vars(result))]
    kept = {n: getattr(result, n) for n in names if not n.startswith("_") and n not in UNTOLD}
    kept |= {"value": float(result)} if isinstance(result, float) else {}
    kept = _of_claim(result, kept) if isinstance(result, Claim) else kept
    return {n: _value(v) for n, v in kept.items() if not callable(v) or is_dataclass(v)}


def _of_claim(claim: Claim, kept: Mapping[str, object]) -> dict[str, object]:
    """A claim's fields with the standing that it has; a source only where what the source says is this very claim."""
    unsaid = ("declared",) if claim.issued else ("declared", "source", "attribution")
    return {**{k: v for k, v in kept.items() if k not in unsaid}, "standing": claim.standing}


UNTOLD = ("plan", "origin", "model")
"""Fields that are no values."""


def _value(value: object) -> object:
    """Results within results by their fields; the rest as it is."""
    if isinstance(value, Shown) and is_dataclass(value):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(k): _value(v) for k, v in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(v, Shown) for v in value):
        return [_value(v) for v in value]
    return value


def json_of(result: object) -> str:
    """One JSON object with our mark.

    The object has generator, kind, provenance, said, columns and values.
    """
    # What a result tells of itself wins over its bare fields: it may name things that no field holds.
    values = json.loads(result.to_json()) if isinstance(result, Report) else encode(plain(result))
    values |= encode(result.to_dict()) if hasattr(result, "to_dict") else {}
    # The words are stored beside the numbers, so that a reader of the
    # file sees what was said; they are quoted on return.
    data = {
        "generator": MARK,
        **_head(result),
        "columns": encode(dict(told(result).columns)),
        "values": values,
    }
    return json.dumps(data, indent=1) + "\n"


def _head(result: object) -> dict[str, str]:
    """What it is, who computed it and its text; a stored result is saved as the file had it."""
    if isinstance(result, Stored):
        return {
            "kind": result.stored_kind,
            "provenance": result.stored_provenance,
            "said": result.stored_said,
        }
    return {"kind": type(result).__name__, "provenance": provenance(), "said": text(result)}


def save(result: object, path: str | Path) -> Path:
    """The JSON in a file, all or nothing. Raises UnusableInput for a file there that compth did not write."""
    target = Path(path)
    return write_all(target.parent, {target.name: json_of(result).encode()})[0]


@dataclass(frozen=True, eq=False)
class Stored(Shown):
    """A result that was read from a file: its numbers by name as attributes, its words as the file's.

    Nothing was computed: a standing reads "the file's word", and what only a computation earns (tight, converged)
    is False. kind, said, provenance, values and columns are the result's own where it has such a field, else the file's
    (stored_kind, ...): its class, its text, who computed it, its fields and its data frame.
    """

    stored_kind: str
    stored_said: str
    stored_provenance: str
    stored_values: Mapping[str, object] = field(repr=False)
    stored_columns: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __getattr__(self, name: str) -> Tensor:
        # Attributes are the file's values by name; looked up without recursion, for pickles and copies ask
        # before any are set.
        own = object.__getattribute__(self, "__dict__")
        held = own.get("stored_values", {})
        if name not in held and f"stored_{name}" in own:
            return own[f"stored_{name}"]
        if name not in held:
            kind = own.get("stored_kind", "result")
            raise AttributeError(
                f"this stored {kind} holds no {name!r}: it has {', '.join(held) or 'nothing'}"
            )
        value = held[name]
        # Lists of numbers come back as arrays, as they were before they were written.
        if isinstance(value, list) and value and all(isinstance(v, int | float) for v in value):
            import numpy as np

            return np.asarray(value, dtype=float)
        return value


def load(path: str | Path) -> Report | Stored:
    """A result that `save`, or --json, wrote: a Report as `stored`, anything else as a Stored. Nothing is run.

    Raises UnusableInput for a file that cannot be read or holds no result.

    Never raises anything else for a bad file. A Report keeps its numbers and says that it was stored.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise UnusableInput(f"path={str(path)!r} cannot be read: {problem}") from None
    try:
        return _loaded(data)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as problem:
        raise UnusableInput(
            f"path={str(path)!r} holds no result of compth ({type(problem).__name__}: {problem}): "
            "give a file that save() or --json wrote"
        ) from None


def _loaded(data: Json) -> Report | Stored:
    """The result in the file's object. Raises what a caller turns into one line.

    data: without "values" it is what --json of a comparison printed.
    """
    inside = data.get("values", data)
    # Reports are read back as reports, marked as stored; anything else keeps its numbers and loses its words.
    if "certificates" in inside:
        return Report.from_json(json.dumps(inside))
    if data.get("generator") != MARK:
        raise ValueError("it does not carry the mark of compth")
    values = (
        {k: v for k, v in data.items() if k not in ("generator", "provenance")}
        if "values" not in data
        else inside
    )
    kind = data.get("kind", "Comparison" if "curves" in data else "result")
    return Stored(str(kind), str(data.get("said", "")), str(data["provenance"]), _doubted(decode(values)),
                  _doubted(decode(data.get("columns", {}))))  # fmt: skip


def _doubted(value: Tensor) -> Tensor:
    """The values with every word that only a computation gives taken back, at any depth."""
    # By name and at any depth: a file could hold a standing inside of a list of rows.
    if isinstance(value, dict):
        return {
            k: WORD if k in STANDINGS else EARNED[k] if k in EARNED else _doubted(v) for k, v in value.items()
        }
    return [_doubted(v) for v in value] if isinstance(value, list) else value
