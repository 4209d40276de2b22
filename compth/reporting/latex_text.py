"""Any text as LaTeX prints it, whatever it holds: names of files, code points, long numbers that may break.

No input may break the document: whatever is not known is told by its code point.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from compth.reporting.formulas import GREEK

SPECIAL = {
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "<": r"\ensuremath{<}", ">": r"\ensuremath{>}", "|": r"\ensuremath{|}",
    '"': r"{\char34}", "`": r"{\char96}", "-": "{-}", "'": "{'}",
}  # fmt: skip
"""ASCII that LaTeX reads otherwise; hyphens and quotes in braces make no ligature, so that --omega stays as typed."""
SIGNS = {
    "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}", "≠": r"\ensuremath{\neq}", "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}", "±": r"\ensuremath{\pm}", "∞": r"\ensuremath{\infty}", "√": r"\ensuremath{\surd}",
    "ł": r"\l{}", "Ł": r"\L{}", "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "–": "--", "—": "---", "’": "{'}", "‘": "{'}", "“": "``", "”": "''", "…": r"\ldots{}", "²": r"\ensuremath{^2}",
    "\u00a0": " ",
}  # fmt: skip
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
"""Combining marks that every TeX font has."""
BREAKS = re.compile(r"(?<=[/,;:=+*()\[\]_.|<>\\-])(?=\S)|(?<=\w{8})(?=\w{8})")
"""Where a line may end in a long word: after punctuation, and in the midst of a run of sixteen letters or digits."""
BREAK = r"\allowbreak{}"
WHOLE = 24
"""Words up to so many characters stay whole: lines end between them."""
SPOKEN = {
    "||": r"\ensuremath{\|}",
    "<=": r"\ensuremath{\leq}",
    ">=": r"\ensuremath{\geq}",
    "^2": r"\ensuremath{^2}",
}
"""What prose means by two characters."""


def plain(text: object) -> str:
    """The text as it stands: every special character escaped, letters beyond ASCII by their names, lines may break."""
    return " ".join(map(_word, re.sub(r"\s+", " ", str(text)).split(" ")))


def _word(word: str) -> str:
    """One word, which may break where it is long."""
    # Long words (file names, fractions) may break after punctuation and within long runs, or they run over the
    # margin.
    parts = BREAKS.split(word) if len(word) > WHOLE else [word]
    return BREAK.join("".join(map(_letter, part)) for part in parts)


def prose(text: object) -> str:
    """The same of a sentence: its norms, squares and inequalities as signs."""
    parts = re.split(r"(\|\||<=|>=|\^2(?!\.?\d))", str(text))
    return "".join(SPOKEN.get(part) or plain(part) for part in parts)


def code(text: object) -> str:
    """The same in the typewriter font."""
    return rf"\texttt{{{plain(text)}}}"


def number(value: object) -> str:
    """Fractions as p/q with all digits, floats with those that give them back: each may break."""
    if isinstance(value, Fraction):
        return plain(value)
    if isinstance(value, float):
        return plain(repr(float(value)).removesuffix(".0"))  # numpy's say their type
    return plain(value)


def _letter(letter: str) -> str:
    """One letter as LaTeX prints it."""
    if letter.isascii():
        return SPECIAL.get(letter, letter if letter.isprintable() else "")
    if letter in SIGNS:
        return SIGNS[letter]
    return _greek(letter) or _accented(letter) or f"[U+{ord(letter):04X}]"


def _greek(letter: str) -> str:
    """A small or capital Greek letter that TeX names."""
    kind, _, name = unicodedata.name(letter, "").partition(" LETTER ")
    name = name.lower() if kind == "GREEK SMALL" else name.capitalize() if kind == "GREEK CAPITAL" else ""
    return rf"\ensuremath{{\{name}}}" if name in GREEK else ""


def _accented(letter: str) -> str:
    """A Latin letter with one mark."""
    # One base letter and one mark: TeX has an accent for it; anything else is told by its code point.
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in ACCENTS:
        base = rf"\{parts[0]}" if parts[0] in "ij" else parts[0]
        return (
            rf"\{ACCENTS[parts[1]]}{{{base}{{}}}}" if parts[0] in "ij" else rf"\{ACCENTS[parts[1]]}{{{base}}}"
        )
    return ""


__all__ = ["BREAK", "code", "number", "plain", "prose"]
