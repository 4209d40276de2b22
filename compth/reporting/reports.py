"""Tables and pages: plain text, LaTeX and self-contained static HTML (inline SVG, no scripts, everything escaped).

Numbers become text here, and in one way each: `number`, `rate`, `bits`.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compth.reporting.files import MARK
from compth.reporting.page import names, numeric, spans

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned plain text: columns of numbers to the right, the others and the first to the left.

    Columns under a common heading (`page.spans`) have it in a line above.

    rows: as long as the header. Trailing blanks are dropped; the rule is as long as the longest line.
    """
    # Widths are those of the widest cell, the heading's own name included.
    cells = [names(header), *[list(r) for r in rows]]
    widths = [max(len(r[j]) for r in cells) for j in range(len(header))]
    over = _over(header, widths)
    right = [j > 0 and numeric([r[j] for r in rows]) for j in range(len(header))]
    lines = []
    for row in cells:
        columns = zip(row, widths, right, strict=True)
        lines.append("  ".join(c.rjust(w) if to else c.ljust(w) for c, w, to in columns).rstrip())
    return "\n".join([*over, lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def _over(header: Sequence[str], widths: list[int]) -> list[str]:
    """The line of common headings, each amid dashes over its columns; one too narrow for it is made wider."""
    if names(header) == list(header):
        return []
    parts, j = [], 0
    for title, count in spans(header):
        # A heading wider than its columns widens the first of them.
        missing = len(title) - sum(widths[j : j + count]) - 2 * (count - 1)
        widths[j] += max(missing, 0)
        across = sum(widths[j : j + count]) + 2 * (count - 1)
        parts.append(
            f" {title} ".center(across, "-") if 0 < len(title) < across - 3 else title.center(across)
        )
        j += count
    return ["  ".join(parts).rstrip()]


def wrapped(text: str, width: int = 100) -> str:
    """A remark as lines of at most this width, those after the first indented; words and short brackets stay whole."""
    return _filled(text, width, "", " " * (len(text) - len(text.lstrip()) + 2))


def hanging(heading: str, text: str, width: int = 100) -> str:
    """A heading and its text, whose further lines stand below its first. width: of the whole line."""
    return _filled(text, width, heading, " " * len(heading)) or heading.rstrip()


_SHORT_BRACKETS = re.compile(r"[({\[][^(){}\[\]]{1,36}[)}\]]")
"""Innermost brackets that a line end would make hard to read: min{1/(2 L), ...}, (1 + omega/n)."""
_TIED = "\x00"


def _filled(text: str, width: int, first: str, others: str) -> str:
    """Wrapped text, with what stands before its first line and the others."""
    # Blanks inside short brackets are tied, the text is wrapped, and they are untied.
    # A formula that is broken inside of its brackets reads as two.
    tied = _SHORT_BRACKETS.sub(lambda found: found[0].replace(" ", _TIED), text)
    lines = textwrap.wrap(
        tied,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_TIED, " ")


_LATEX = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}
_LATEX |= {
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "$": r"\$",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
}


def latex_escape(text: str) -> str:
    """Text that LaTeX prints as it stands.

    Every special character of LaTeX, backslash and dollar included: no text of a user becomes a command.
    """
    return "".join(_LATEX.get(c, c) for c in text)


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A booktabs table environment that fits a page: small, long text in columns that wrap, numbers to the right.

    header: names, "group: name" under a common heading. Everything is escaped.

    Packages: booktabs. Columns with a cell longer than WRAPPED are set as paragraphs.
    """
    lines = [" & ".join(latex_escape(c) for c in row) + r" \\" for row in (names(header), *rows)]
    columns = [[row[j] for row in rows] for j in range(len(header))]
    kinds = [_column(cells, first=not j) for j, cells in enumerate(columns)]
    return "\n".join(
        [
            f"% {MARK}",
            r"\begin{table}",
            r"\caption{" + latex_escape(caption) + "}",
            r"\centering\small\setlength{\tabcolsep}{2.5pt}",
            r"\begin{tabular}{@{}" + "".join(kinds) + "@{}}",
            r"\toprule",
            *_latex_over(header),
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _latex_over(header: Sequence[str]) -> list[str]:
    """The row of common headings and a rule below each; nothing where there are none."""
    if names(header) == list(header):
        return []
    cells, rules, j = [], [], 1
    for title, count in spans(header):
        cells.append(
            rf"\multicolumn{{{count}}}{{c}}{{{latex_escape(title)}}}" if title else " &" * (count - 1)
        )
        rules += [rf"\cmidrule(lr){{{j}-{j + count - 1}}}"] if title else []
        j += count
    return [" & ".join(cells) + r" \\", "".join(rules)]


def _column(cells: Sequence[str], first: bool) -> str:
    """How a column of a LaTeX table is set."""
    # Prose in a cell wraps; LaTeX would otherwise set it in one line across the margin.
    if max(map(len, cells), default=0) > WRAPPED:
        return r"p{0.55\linewidth}"
    return "l" if first or not numeric(cells) else "r"


WRAPPED = 40
"""Characters of a cell from which its column wraps."""


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as svg, pdf or png bytes, the same for the same data and carrying our mark.

    kind: "svg", "pdf" or "png".
    """
    import matplotlib as mpl

    out = io.BytesIO()
    # Fixed metadata and a fixed salt: the same figure is the same bytes, and carries our mark.
    keys = {"svg": {"Creator": MARK, "Date": None}, "png": {"Software": MARK}}
    keys["pdf"] = {"Creator": MARK, "CreationDate": None, "Producer": None}
    with mpl.rc_context({"svg.hashsalt": "compth", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, metadata=keys[kind], dpi=160)
    return out.getvalue()


def inline_svg(figure: Figure) -> str:
    """The figure's <svg> element alone, for a page."""
    return inline(figure_bytes(figure, "svg").decode())


def inline(text: str) -> str:
    """The <svg> element of a whole SVG file.

    ValueError where there is none.
    """
    return text[text.index("<svg") :]


def number(value: float | int | None, digits: int = 4) -> str:
    """A short number, '-' for None."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and value < 10**7 else f"{value:.{digits}g}"


def rate(value: float | None) -> str:
    """A one-step factor: 1 - 3.2e-04 where it is close to 1, "-" for None."""
    if value is None:
        return "-"
    return f"1-{1 - value:.2e}" if 0.99 < value < 1 else f"{value:.4f}"


def bits(value: float | None) -> str:
    """Bits with a decimal prefix."""
    if value is None:
        return "-"
    digits, prefix = _prefixed(value)
    return f"{digits} {prefix}bit"


def short_bits(value: float | None) -> str:
    """Bits as 106k, for a column that says of what."""
    return "-" if value is None else "".join(_prefixed(value))


def _prefixed(value: float) -> tuple[str, str]:
    """Three digits and a decimal prefix; 999,600 is 1 M, not 1e+03 k."""
    # The prefix is chosen for the rounded number: 999,600 rounds to 1000 thousand, which nobody writes.
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * factor:
            return f"{value / factor:.3g}", prefix
    return f"{value:.0f}", ""
