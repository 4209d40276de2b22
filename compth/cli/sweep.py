"""`compth sweep spec.toml`: a grid of experiments in one store that survives being killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compth.cli._output import terminal


def sweep(
    spec: Annotated[Path, typer.Argument(help="TOML file: methods, [[problems]], seeds, steps, runs, eps")],
    store: Annotated[Path, typer.Option(help="SQLite file of the rows; run again to resume")] = Path(
        "sweep.sqlite"
    ),
    workers: Annotated[int, typer.Option(help="worker processes")] = 2,
    csv: Annotated[Path | None, typer.Option(help="export all rows of the store as CSV")] = None,
    parquet: Annotated[Path | None, typer.Option(help="export all rows as Parquet (extra `cluster`)")] = None,
) -> int:
    """Run what the store does not hold yet, then export."""
    import sys

    from compth._files import provenance
    from compth.sweeps import Store, read_toml
    from compth.sweeps import sweep as run_sweep

    def show(done: int, total: int, left: float) -> None:
        if terminal():
            print(f"\r{done}/{total} tasks, about {left:.0f} s left   ", end="", file=sys.stderr, flush=True)

    result = run_sweep(read_toml(spec), store=store, workers=workers, progress=show)
    if terminal():
        print(file=sys.stderr)
    with Store(result.store) as held:
        written = [held.to_csv(csv)] if csv else []
        written += [held.to_parquet(parquet)] if parquet else []
    errors = [row for row in result.rows if "error" in row]
    print(f"{len(result.rows)} rows ({result.computed} computed now, {len(errors)} with errors) in {store}")
    for row in errors[:10]:
        print(f"error: {row['method']}: {row['error']}")
    for path in written:
        print(f"written: {path}")
    print(provenance())
    return 0
