"""What a script says to readers, read from its docstring: setting, symbols, guarantee, proof, tight or not, source.

    \"""The one line that says what is proved.

    Setting: what is assumed of f, of the messages, of the step.
    Symbols: T: what T stands for; e: what e is. Only letters that `legend.STANDARD` does not have, or not so.
    Guarantee: the bound in the words of the paper.
    Proof: 4 to 8 lines: why the multipliers are what they are. A hypothesis stands in backticks: `smooth`.
    Tight: begins with "attained" (the index lists an instance), "equality", "tight" or "upper", and says why.
    Source: a work of `compth/sources.py` with its place, or "ours", and what differs.
    \"""

No part of soundness: nothing here is proved. `tests/proofs_check/test_told.py` holds that every script has it, that
names in backticks are names of the proof, and that no letter of a statement goes unexplained.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from compth.proof.legend import Told

FIELDS = ("Setting", "Symbols", "Guarantee", "Proof", "Tight", "Source")
HERE = Path(__file__).resolve().parent
_FIELD = re.compile(rf"^({'|'.join(FIELDS)}):", re.M)


def parsed(doc: str) -> Told:
    """The fields of a docstring; what it lacks is empty."""
    summary, *_ = doc.strip().split("\n", 1)
    pieces = _FIELD.split(doc)
    raw = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    lines = {name: [t.strip() for t in text.split("\n") if t.strip()] for name, text in raw.items()}
    flat = {name: " ".join(texts) for name, texts in lines.items()}
    pairs = (entry.split(": ", 1) for entry in flat.get("Symbols", "").rstrip(".").split("; ") if entry)
    return Told(
        summary,
        flat.get("Setting", ""),
        {name.strip(): meaning for names, meaning in pairs for name in names.split(",")},
        flat.get("Guarantee", ""),
        tuple(lines.get("Proof", ())),
        flat.get("Tight", ""),
        flat.get("Source", ""),
    )


def script_file(theorem: str) -> Path:
    """The script's file; FileNotFoundError where there is none."""
    found = sorted(HERE.glob(f"[a-z]*/{theorem.replace('.', '_')}.py"))
    if not found:
        raise FileNotFoundError(f"{theorem} has no script")
    return found[0]


def told(theorem: str) -> Told:
    """What the script of a theorem says; it is read and not run."""
    tree = ast.parse(script_file(theorem).read_text(encoding="utf-8"))
    return parsed(ast.get_docstring(tree) or "")
