"""Tables and progress: rich in a terminal, plain text otherwise."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from compth.reporting.files import check_outputs, is_own


def terminal() -> bool:
    """True when standard output is a terminal that takes styling."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ


def command_line() -> str:
    """The command as it was given, for the reproduction line."""
    return "compth " + shlex.join(sys.argv[1:])


def check_file(path: Path | None, own: Callable[[Path], bool] = is_own) -> None:
    """Refuse an output file now that could not be written after the work."""
    if path is not None:
        check_outputs(path.parent, [path.name], own=own)


def show_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", keys: int = 1
) -> None:
    """Print a table; in a terminal too narrow for it, several, each repeating the first `keys` columns."""
    from compth.reporting.page import numeric
    from compth.reporting.reports import text_table

    if not terminal():
        print(text_table(header, rows))
        if caption:
            print(caption)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)
    widths = [max(len(str(r[j])) for r in [header, *rows]) + 3 for j in range(len(header))]
    for columns in _fitting(widths, keys, console.width - 2):
        table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for j in columns:
            number = j >= keys and numeric([r[j] for r in rows])
            table.add_column(header[j], justify="right" if number else "left", overflow="fold")
        for row in rows:
            table.add_row(*(row[j] for j in columns))
        console.print(table)
    if caption:
        console.print(caption)


def show_rows(rows: Sequence[Mapping[str, str]]) -> None:
    """A table of rows that all have the same columns; nothing for none."""
    if rows:
        show_table(list(rows[0]), [list(r.values()) for r in rows])


def show_about(title: str, statement: Sequence[str], lines: Sequence[tuple[str, str]]) -> None:
    """One object: its name, what it is, and lines with a heading each, said once where it repeats."""
    print("\n".join([title, "", *statement, ""]))
    width = max((len(heading) for heading, _ in lines), default=0)
    last = ""
    for heading, text in lines:
        print(f"{('' if heading == last else heading).ljust(width)}  {text}".rstrip())
        last = heading


def say(*lines: str) -> None:
    """Print remarks, each wrapped to the terminal (at most 100 columns) with a hanging indent; "" is nothing."""
    from compth.reporting.reports import wrapped

    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    _print("\n".join(wrapped(line, width) for line in lines if line))


def show_result(result: Any, *remarks: str) -> None:
    """Print a result as `print` would in Python, wrapped to the terminal, then remarks."""
    from compth.reporting.results import text

    _print(text(result, min(100, shutil.get_terminal_size((100, 24)).columns)))
    say(*remarks)


def _print(text: str) -> None:
    print(coloured(text) if terminal() else text, flush=True)


COLOURS = {"PROVED": "32", "CONSISTENT": "36", "INCONCLUSIVE": "33", "REFUTED": "31"}
"""ANSI colours of verdicts."""


def coloured(text: str) -> str:
    """The verdicts in bold colours, for a terminal."""
    return re.sub(
        r"\b(" + "|".join(COLOURS) + r")\b",
        lambda found: f"\x1b[1;{COLOURS[found[1]]}m{found[1]}\x1b[0m",
        text,
    )


def _fitting(widths: Sequence[int], keys: int, width: int) -> list[list[int]]:
    """Columns of each table: the keys and as many of the others, in order, as fit."""
    blocks: list[list[int]] = [list(range(keys))]
    for j in range(keys, len(widths)):
        if len(blocks[-1]) > keys and sum(widths[i] for i in [*blocks[-1], j]) > width:
            blocks.append(list(range(keys)))
        blocks[-1].append(j)
    return blocks


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each piece of work as it starts; shown in a terminal only."""
    if not (terminal() and sys.stderr.isatty()):
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task("starting", total=total)
        started = 0

        def advance(name: str) -> None:
            nonlocal started
            bar.update(task, description=name, completed=started)
            started += 1

        yield advance
