"""Tables and progress: rich in a terminal, plain text otherwise."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence


def terminal() -> bool:
    """True when standard output is a terminal that takes styling."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> None:
    """Print a table."""
    if terminal():
        from rich.console import Console
        from rich.table import Table

        table = Table(caption=caption or None, caption_justify="left", header_style="bold")
        for j, name in enumerate(header):
            table.add_column(name, justify="left" if j == 0 else "right", overflow="fold")
        for row in rows:
            table.add_row(*row)
        Console(markup=False).print(table)
    else:
        from compth.reports import text_table

        print(text_table(header, rows))
        if caption:
            print(caption)


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
