"""Tables and progress: rich in a terminal, plain text otherwise.

All commands print through here: colours, widths and where lines break are decided once.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from compth.reporting.files import check_outputs, is_own

if TYPE_CHECKING:
    from compth.certificates import Report


def terminal() -> bool:
    """True when standard output is a terminal that takes styling.

    NO_COLOR and dumb terminals say that they do not.
    """
    # NO_COLOR counts where it is there and not empty.
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")


def command_line() -> str:
    """The command as it was given, for the reproduction line.

    Quoted for a shell.
    """
    return "compth " + shlex.join(sys.argv[1:])


def check_file(path: Path | None, own: Callable[[Path], bool] = is_own) -> None:
    """Refuse an output file now that could not be written after the work. own: whether a file there is ours."""
    if path is not None:
        # Now, and not after an hour: a folder that is missing, or a file that is somebody else's.
        check_outputs(path.parent, [path.name], own=own)


def write_page(report: Report, path: Path | None) -> None:
    """A verdict's report as a self-contained HTML page; nothing without a path. Raises UnusableInput.

    The command is printed on it, so that a reader can repeat it.
    """
    if path is None:
        return
    from compth.reporting.files import write_all
    from compth.reporting.verdict_page import html_page

    write_all(path.parent, {path.name: html_page(report, command_line()).encode()})


def write_appendix(report: Report, path: Path | None, file: str = "") -> None:
    """The report as a paper's appendix, with the hash of the file that was judged; nothing without a path.

    file: of the claim, "" where it is of the catalogue. Raises UnusableInput.
    """
    if path is None:
        return
    from compth.reporting.appendix import appendix
    from compth.reporting.files import write_all

    text = appendix(report, command_line(), [file] if file else [])
    write_all(path.parent, {path.name: text.encode()})


def say_written(*paths: Path | None) -> None:
    """A line that says where the files are which were asked for; nothing without any.

    Paths that are None were not asked for.
    """
    named = [str(p) for p in paths if p is not None]
    say("written: " + ", ".join(named) if named else "")


def show_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", keys: int = 1
) -> None:
    """Print a table; where the width is too small for it, several, each repeating the first `keys` columns.

    header: names, or "group | name" where columns have a heading in common. caption: a remark below.
    """
    from compth.reporting.page import names, numeric, spans
    from compth.reporting.reports import text_table

    # Headings over several columns are drawn by our own text table; rich draws the plain ones.
    own = names(header)
    # A table that does not fit is cut into several, and each repeats the columns that name its rows.
    lengths = [max(len(str(r[j])) for r in [own, *rows]) for j in range(len(header))]
    counts = [count for _, count in spans(header)]
    if not terminal() or own != list(header):
        blocks = _fitting([n + 2 for n in lengths], keys, columns() + 2, counts)
        tables = [text_table([header[j] for j in b], [[r[j] for j in b] for r in rows]) for b in blocks]
        print("\n\n".join(_bold_header(table) if terminal() else table for table in tables))
        say(caption)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
    for block in _fitting([n + 3 for n in lengths], keys, console.width - 2):
        # Numbers to the right, so that digits stand under each other; words to the left.
        table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for j in block:
            number = j >= keys and numeric([r[j] for r in rows])
            table.add_column(header[j], justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(row[j] for j in block))
        console.print(table)
    say(caption)


def _bold_header(table: str) -> str:
    """The lines above the rule in bold, for a terminal."""
    head, rule, body = re.split(r"^(-+)$", table, maxsplit=1, flags=re.MULTILINE)
    return "\n".join(f"\x1b[1m{line}\x1b[0m" for line in head.splitlines()) + f"\n{rule}{body}"


def columns() -> int:
    """Characters of a line: the terminal's, COLUMNS where it is set, else 100.

    The same for pipes, so that what is written to a file does not depend on the window.
    """
    return shutil.get_terminal_size((100, 24)).columns


def show_list(rows: Sequence[Mapping[str, str]], shares: Mapping[str, int]) -> None:
    """A line for each row, no wider than the terminal (piped: 100, separated by tabs).

    The columns in `shares` divide what the others leave, in these proportions, and end in "..." where they are cut.
    rows: dicts of the same keys, which are the headings.
    """
    from compth.reporting.reports import text_table

    header = list(rows[0])
    # Columns of fixed content take what they need; the others share the rest, and are cut rather than wrapped:
    # a line a row.
    natural = {h: max(len(h), *(len(r[h]) for r in rows)) for h in header}
    left = columns() - sum(natural[h] + 2 for h in header if h not in shares) - 2 * (len(shares) - 1)
    width = {h: max(12, left * share // sum(shares.values())) for h, share in shares.items()}
    cells = [[_cut(r[h], width.get(h, natural[h])) for h in header] for r in rows]
    if not terminal():
        print("\n".join("\t".join(row) for row in [header, *cells]))
        return
    first, *rest = text_table(header, cells).splitlines()
    print(f"\x1b[1m{first}\x1b[0m", *map(coloured, rest), sep="\n")


def _cut(text: str, width: int) -> str:
    """The text, ended by "..." where it is longer.

    width: at least 4 characters, the dots included.
    """
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."


def show_about(title: str, statement: Sequence[str], lines: Sequence[tuple[str, str]]) -> None:
    """One object: its name, what it is, and lines with a heading each, said once where it repeats.

    statement: paragraphs of its definition. lines: (heading, text), wrapped with the text hanging below its first
    line.
    """
    from compth.reporting.reports import hanging

    # Prose is not set wider than 100 columns, however wide the terminal.
    width = min(100, columns())
    print(title, "", sep="\n")
    for paragraph in "\n".join(statement).split("\n\n"):
        fits = max(map(len, paragraph.splitlines()), default=0) <= width
        print(paragraph if fits else hanging("", " ".join(paragraph.split()), width), "", sep="\n")
    # One indent for all texts, so that headings stand in a column of their own.
    across = max((len(heading) for heading, _ in lines), default=0)
    last = ""
    for heading, text in lines:
        named = ("" if heading == last else heading).ljust(across)
        print(coloured_in_terminal(hanging(f"{named}  ", text, width)))
        last = heading


def say(*lines: str) -> None:
    """Print remarks, each wrapped to the terminal (at most 100 columns) with a hanging indent; "" is nothing."""
    from compth.reporting.reports import wrapped

    # Flushed: a long piece of work may follow, and the remark must be seen before it.
    text = "\n".join(wrapped(line, min(100, columns())) for line in lines if line)
    if text:
        print(coloured_in_terminal(text), flush=True)


def show_result(result: object, *remarks: str) -> None:
    """Print a result as `print` would in Python, wrapped to the terminal, then remarks.

    remarks: further lines, such as where it comes from.
    """
    from compth.reporting.results import text

    print(coloured_in_terminal(text(result, min(100, columns()))), flush=True)
    say(*remarks)


def coloured_in_terminal(text: str) -> str:
    """The verdicts in colours where these are shown; NO_COLOR and dumb terminals have none."""
    return coloured(text) if terminal() else text


COLOURS = {"PROVED": "32", "CONSISTENT": "36", "INCONCLUSIVE": "33", "REFUTED": "31"}
"""ANSI colours of verdicts."""


def coloured(text: str) -> str:
    """The verdicts in bold colours, for a terminal.

    Only whole words in capitals: a verdict inside a longer word keeps its letters as they are.
    """
    return re.sub(
        r"\b(" + "|".join(COLOURS) + r")\b",
        lambda found: f"\x1b[1;{COLOURS[found[1]]}m{found[1]}\x1b[0m",
        text,
    )


def _fitting(widths: Sequence[int], keys: int, width: int, counts: Sequence[int] = ()) -> list[list[int]]:
    """Columns of each table: the keys and as many of the others, in order, as fit.

    widths: characters of each column. keys: how many first columns stand in every table. counts: how many neighbours
    belong together, the keys among them; they part only where they do not fit otherwise.
    """
    # Greedy, in the table's order: a reader finds columns where the documentation has them.
    blocks: list[list[int]] = [list(range(keys))]
    # Columns under a common heading go to the next table together, unless they alone are too wide.
    for unit in _units(widths, keys, width, counts or [1] * len(widths)):
        if len(blocks[-1]) > keys and sum(widths[i] for i in [*blocks[-1], *unit]) > width:
            blocks.append(list(range(keys)))
        blocks[-1] += unit
    return blocks


def _units(widths: Sequence[int], keys: int, width: int, counts: Sequence[int]) -> list[list[int]]:
    """Columns that stay together: those of a common heading, one by one where they are too wide beside the keys.

    Indices of columns; the keys belong to every table and stand in no unit.
    """
    # Counts run over the table's columns from the left, the keys among them.
    units, j = [], 0
    for count in counts:
        unit = [i for i in range(j, j + count) if i >= keys]
        wide = sum(widths[:keys]) + sum(widths[i] for i in unit) > width
        units += [[i] for i in unit] if wide else [unit] if unit else []
        j += count
    return units


@contextlib.contextmanager
def progress(total: int | None) -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each piece of work as it starts; shown in a terminal only. total: if known.

    Its `note` changes the words within a piece. When all is done, a line says how long it took. Nothing is written to
    standard output: that is the command's.
    """
    # No bar in files and pipes, and none where standard output is no terminal: it would stand between the
    # lines.
    if not (terminal() and sys.stderr.isatty()):
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bar:
        # A piece counts as done when the next one starts: only then is it known to be finished.
        task = bar.add_task("starting", total=total)
        started = 0

        def advance(name: str) -> None:
            nonlocal started
            bar.update(task, description=name, completed=started)
            started += 1

        advance.note = lambda text: bar.update(task, description=text)  # type: ignore[attr-defined]
        begun = time.monotonic()
        yield advance
        all_of = "" if total is None else f" of {total}"
        bar.console.print(f"{started}{all_of} done in {time.monotonic() - begun:.1f} s")
