"""The options that name a problem: data split over workers, or random quadratics.

Shared by the commands, so that the same words mean the same problem everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth.problems import DistributedQuadratic, RowQuadratic

Dataset = Annotated[
    str,
    typer.Option(
        help="digits, diabetes, breast_cancer, wine, mnist5k, keel:NAME, FILE.csv, FILE.npz (X, y), a file in"
        " LIBSVM's format, or random"
    ),
]
Target = Annotated[
    str | None,
    typer.Option(help="CSV: the column that is y, by its header's name or number from 1; default the last"),
]
Workers = Annotated[int, typer.Option(help="number of workers n")]
Split = Annotated[str, typer.Option(help="rows to workers: iid, label (sorted), kmeans or order")]
Regularisation = Annotated[float, typer.Option(help="ridge parameter relative to the data's smoothness")]
Dim = Annotated[int, typer.Option(help="dimension d of a random problem")]
Kappa = Annotated[float, typer.Option(help="condition number of a random problem")]
Interpolation = Annotated[bool, typer.Option(help="random problem: one minimiser for all workers")]
Components = Annotated[int | None, typer.Option(help="components per worker, for oracles: m of a finite sum")]


def problem_of(
    dataset: str,
    workers: int,
    split: str,
    reg: float,
    dim: int,
    kappa: float,
    interpolation: bool,
    seed: int,
    m: int | None,
    target: str | None,
) -> DistributedQuadratic | RowQuadratic:
    """The problem that the options name. InvalidParameter for options that do not go together.

    m: components a worker, None for a problem without. reg: relative to the data's smoothness, not of random
    problems.
    """
    from compth import problems

    # Options that would be ignored are refused: what was typed is what was meant.
    if dataset == "random" and target is not None:
        raise InvalidParameter(
            f"target={target!r} is an option for CSV files: leave it out with --dataset random"
        )
    if dataset == "random":
        if m is None:
            return problems.random_quadratic(workers, dim, kappa, seed, interpolation=interpolation)
        return problems.random_finite_sum(workers, m, dim, kappa, seed, interpolation=interpolation)
    return problems.ridge(dataset, workers, split, reg, seed=seed, components=m, target=target)
