"""`compth sweep spec.toml`: a grid of experiments in one store that survives being killed.

Run again, it computes what the store does not hold; exports are made of all that it holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compth.cli._output import check_file, command_line, terminal
from compth.reporting.files import is_own


def sweep(
    spec: Annotated[Path, typer.Argument(help="TOML file: methods, [[problems]], seeds, steps, runs, eps")],
    store: Annotated[Path, typer.Option(help="SQLite file of the rows; run again to resume")] = Path(
        "sweep.sqlite"
    ),
    workers: Annotated[int, typer.Option(help="worker processes")] = 2,
    csv: Annotated[Path | None, typer.Option(help="export all rows of the store as CSV")] = None,
    report: Annotated[
        Path | None, typer.Option(help="write the rows as a self-contained HTML report")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="export all rows as Parquet (extra `cluster`)")] = None,
) -> int:
    """Run what the store does not hold yet, then export. Exit code 3: some rows hold an error.

    A spec, every method on every problem with every seed:

    \b
      methods = ["DIANA(RandK(k=2))", "EF21(TopK(k=2))", "GD()"]
      seeds = [0, 1, 2]
      steps = 500
      runs = 16
      eps = 1e-3

    \b
      [[problems]]
      random = true            # a random quadratic
      n = 8
      d = 20
      kappa = 50

    \b
      [[problems]]
      dataset = "wine"         # or digits, diabetes, breast_cancer, mnist5k,
      workers = 4              # keel:NAME, FILE.csv, FILE.npz, a LIBSVM file
      split = "label"          # or iid, kmeans, order
    """
    import sys

    from compth._interrupts import keeps
    from compth.reporting.files import provenance, write_all
    from compth.sweeps import Store, read_toml
    from compth.sweeps import sweep as run_sweep
    from compth.sweeps.store import own_csv, own_parquet

    # Exports overwrite only what is an export of ours: checked by content before anything runs.
    for path, own in ((csv, own_csv), (parquet, own_parquet), (report, is_own)):
        check_file(path, own=own)

    def show(done: int, total: int, left: float) -> None:
        if terminal():
            print(f"\r{done}/{total} tasks, about {left:.0f} s left   ", end="", file=sys.stderr, flush=True)

    grid = read_toml(spec)
    # What an interrupted sweep has kept is said where the interrupt is.
    keeps(lambda: _kept(store))
    result = run_sweep(grid, store=store, workers=workers, progress=show)
    if terminal():
        print(file=sys.stderr)
    # A row that failed is a row: the sweep goes on, and the exit code says that not all is well.
    errors = [row for row in result.rows if "error" in row]
    # Rows that the store held already are counted apart: a resumed sweep must not look like a whole one.
    print(f"{len(result.rows)} rows ({result.computed} computed now, {len(errors)} with errors) in {store}")
    for row in errors[:10]:
        print(f"error: {row['method']}: {row['error']}")
    if len(errors) > 10:
        print(f"error: {len(errors) - 10} more rows with errors")
    # Exports are made of the store, so that rows of earlier sweeps are in them, too.
    with Store(result.store) as held:
        written = [held.to_csv(csv)] if csv else []
        written += [held.to_parquet(parquet)] if parquet else []
    if report is not None:
        from compth.reporting.tables_pages import sweep_page

        text = sweep_page(result.rows, f"{len(result.rows)} tasks of {spec}", command_line())
        written += write_all(report.parent, {report.name: text.encode()})
    for path in written:
        print(f"written: {path}")
    print(provenance())
    return 3 if errors else 0


def _kept(store: Path) -> str:
    """What is left of an interrupted sweep, "" where there is no store yet.

    Told where Ctrl-C ends the sweep.
    """
    return f"finished rows are kept in {store}: run the same command to go on" if store.exists() else ""
