"""`compth compare`: methods on one problem, guarantee beside simulation.

The work is `studies.comparison`; here texts become methods, and results become a table, figures, data and a page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compth.cli._output import command_line, progress, say, show_table
from compth.cli._problem import (
    Components,
    Dataset,
    Dim,
    Interpolation,
    Kappa,
    Regularisation,
    Split,
    Target,
    Workers,
    problem_of,
)
from compth.errors import CompthError, InvalidParameter
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.cli._files import Files
    from compth.methods import Method
    from compth.studies.comparison import Comparison

FILES = ("comparison.svg", "comparison.png", "comparison.pdf", "comparison.json", "comparison.html")


def compare(
    dataset: Dataset = "digits",
    target: Target = None,
    workers: Workers = 10,
    split: Split = "label",
    regularisation: Regularisation = 0.01,
    dim: Dim = 20,
    kappa: Kappa = 100.0,
    interpolation: Interpolation = False,
    components: Components = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method", "-m", help='"DIANA(RandK(k=6))", "EF21(mine.py:f)", or a name to take with each -c'
        ),
    ] = None,
    compressor: Annotated[
        list[str] | None, typer.Option("--compressor", "-c", help='"RandK(k=6)" (repeatable)')
    ] = None,
    steps: Annotated[
        str,
        typer.Option(
            help="rounds, and whose step sizes: theorem, certified, best (exact), tuned (pilot runs);"
            " 2000, or best, or 500,theorem,best"
        ),
    ] = "2000",
    runs: Annotated[int, typer.Option(help="replicates")] = 64,
    eps: Annotated[float, typer.Option(help="target for E||x_t-x*||^2 / ||x_0-x*||^2")] = 1e-3,
    seed: Annotated[int, typer.Option(help="seed of every random stream")] = 0,
    threads: Annotated[
        int, typer.Option(help="threads over replicate blocks (results do not depend on it)")
    ] = 2,
    engine: Annotated[
        str, typer.Option(help="numpy, fast (numba) or torch; the law is the same, the streams are not")
    ] = "numpy",
    out: Annotated[Path, typer.Option(help="folder for the figure, data and report")] = Path(
        "compth-compare"
    ),
    force: Annotated[bool, typer.Option(help="overwrite files that compth did not write")] = False,
    details: Annotated[
        bool, typer.Option("--details", help="also print constants, standings, rates and floors (wide)")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print the data as JSON instead of the table")
    ] = False,
) -> int:
    """Compare methods: what is guaranteed, what is seen, at equal rounds and equal bits."""
    from compth.reporting.files import check_outputs

    _check_words(method, compressor, runs, eps)  # before numbers are loaded: a slip is answered at once
    # Outputs are refused before data are loaded, for the same reason.
    rounds, stepsizes = _steps(steps)
    check_outputs(out, FILES, force)
    from compth.certification.hosted import Host
    from compth.cli._files import Files
    from compth.studies.comparison import compare as run_comparison

    problem = problem_of(
        dataset,
        workers,
        split,
        reg=regularisation,
        dim=dim,
        kappa=kappa,
        interpolation=interpolation,
        seed=seed,
        m=components,
        target=target,
    )
    # Methods may hold compressors of files: their processes live as long as the comparison.
    with Host() as host:
        files = Files(host, problem.d)
        methods, skipped = _methods(method, compressor, problem, files)
        with progress(len(methods) * len(stepsizes)) as advance:
            # Progress counts rows: every method with every kind of step.
            result = run_comparison(
                methods, problem, rounds, runs, seed, eps=eps, threads=threads, progress=advance, engine=engine,
                stepsizes=stepsizes,
            )  # fmt: skip
    # JSON alone on standard output, for the next program; the files are written all the same.
    if as_json:
        print(result.to_json(), end="")
        _write(result, out, force)
        return 0
    _print(result, details, files, skipped)
    paths = _write(result, out, force)
    print("written: " + ", ".join(str(p) for p in paths))
    return 0


def _print(result: Comparison, details: bool, files: Files, skipped: list[str]) -> None:
    """The tables, what they mean, and what the referee says of the files' claims.

    details: also the wide table. skipped: combinations that were left out, with the reason.
    """
    from compth.reporting.comparison import SEARCHED
    from compth.reporting.files import provenance

    show_table(*result.columns(), keys=1 if result.several else 2)
    if details:
        show_table(*result.details(), keys=2)
    say(result.caption(), result.legend(), *result.answers(), *result.remarks())
    # What is promised of a file's compressor rests on its word: whether the word holds is said below the
    # table.
    said = _claims_judged(files)
    said += [f"skipped: {line}" for line in skipped]
    said += [
        f"no guarantee: {row.note}" for row in result.rows if row.note and row.stepsize_from not in SEARCHED
    ]
    said += [f"diverged: {r.label} in {r.diverged} of {result.runs} runs" for r in result.rows if r.diverged]
    say(*said, provenance(result.seed))


def _claims_judged(files: Files) -> list[str]:
    """What the referee says of every file's claims, the table being out: it takes as long as a check.

    [] where no file is named.
    """
    if not files.requests:
        return []
    # The table is there to be read while the referee works.
    sys.stdout.flush()
    with progress(len(files.requests)) as advance:
        return files.checked(advance=advance)


def _check_words(methods: list[str] | None, compressors: list[str] | None, runs: int, eps: float) -> None:
    """Refuse what can be seen without a problem: names that are not known, runs and eps out of range.

    Texts that name files are left for later: they need a process.

    Raises InvalidParameter. Nothing is loaded: an error in the last word must not cost the minutes of the first.
    """
    from compth.compressors import names
    from compth.errors import require
    from compth.methods import vocabulary
    from compth.text.specs import build

    require(runs >= 1, f"runs={runs} must be at least 1")
    require(0 < eps < 1, f"eps={eps} must lie between 0 and 1: it is relative to ||x_0 - x*||^2")
    for texts, known in ((methods, vocabulary()), (compressors, names())):
        for text in texts or ():
            if ".py:" not in text:
                build(text, known)


def _steps(text: str) -> tuple[int, tuple[str, ...]]:
    """(rounds, whose step sizes) from "2000", "best" or "500,theorem,best". InvalidParameter for other words.

    Words are keys of CHOICES: theorem, certified, best, tuned.
    """
    if text.strip().isdigit():
        rounds = int(text)
        if rounds < 1:
            raise InvalidParameter(f"steps={rounds} must be at least 1: it counts rounds")
        return rounds, ("theorem",)
    from compth.studies.chosen_steps import CHOICES

    # A number is the rounds, a word says whose steps; either may be left out, in any order.
    words = [word.strip() for word in text.split(",")]
    numbers = [word for word in words if word.isdigit()]
    names = tuple(word for word in words if not word.isdigit())
    if len(numbers) > 1 or not set(names) <= set(CHOICES):
        raise InvalidParameter(
            f"steps={text!r}: give the number of rounds, or whose steps ({', '.join(CHOICES)}), or both with a comma"
        )
    return int(numbers[0]) if numbers else 2000, names or ("theorem",)


def default_methods(d: int) -> list[str]:
    """The comparison that the README shows: about a tenth of the coordinates per message.

    d: of the problem.
    """
    # The usual tenth of the coordinates; an induced compressor shares it between its two parts.
    k = max(1, d // 10)
    half = max(1, k // 2)
    return [
        "GD()",
        f"DCGD(RandK(k={k}))",
        f"DCGD(Induced(TopK(k={half}), RandK(k={max(1, k - half)})))",
        f"EF(TopK(k={k}))",
        f"EF21(TopK(k={k}))",
        f"DIANA(RandK(k={k}))",
        "DIANA(NaturalCompression())",
    ]


def _methods(
    specs: list[str] | None, compressors: list[str] | None, problem: Problem, files: Files
) -> tuple[list[Method], list[str]]:
    """Methods to run and, for bare names, the combinations left out with the reason.

    specs: texts of --method, None for the default list. compressors: texts of --compressor. Raises InvalidParameter,
    and what a method says of a compressor that was asked for by name.
    """
    from compth.compressors import names
    from compth.methods import Method, plan_of, vocabulary
    from compth.methods import catalogue as method_catalogue

    methods = dict(method_catalogue())
    known, everything = names(), vocabulary()
    chosen, skipped = [], []
    # A bare name goes with each -c; a spec brings its compressor along.
    free = [name for name, kind in methods.items() if kind.takes_compressor]
    if specs and compressors and not set(free) & set(specs):
        raise InvalidParameter(
            f"compressor={compressors[0]!r} goes to no method: each -m has its own; name one without, as -m EF21"
        )
    for spec in specs or (free if compressors else default_methods(problem.d)):
        if spec in free and compressors:
            for text in compressors:
                try:
                    candidate = methods[spec](files.build(text, known))
                    plan_of(candidate, problem)
                    chosen.append(candidate)
                except CompthError as reason:
                    # What was asked for by both names fails; what was only one of many combinations is
                    # skipped, and said.
                    if spec in (specs or ()) and len(compressors) == 1:
                        raise
                    skipped.append(str(reason))
        else:
            made = files.build(spec, everything)
            if not (isinstance(made, Method) and isinstance(made, tuple(methods.values()))):
                raise InvalidParameter(
                    f"method={spec!r} is not a method: write DCGD({spec}), or use --compressor"
                )
            chosen.append(made)
    if not chosen:
        raise InvalidParameter("no method can take these compressors: " + "; ".join(skipped))
    return chosen, skipped


def _write(result: Comparison, out: Path, force: bool) -> list[Path]:
    """The figures, the data and the page; the paths that were written.

    Raises UnusableInput for files there that are not ours, unless force is given.
    """
    from compth.reporting.files import write_all
    from compth.reporting.reports import figure_bytes

    # One figure for three formats; the page has its own, panel by panel.
    figure = result.plot()
    contents = {
        "comparison.svg": figure_bytes(figure, "svg"),
        "comparison.png": figure_bytes(figure, "png"),
        "comparison.pdf": figure_bytes(figure, "pdf"),
        "comparison.json": result.to_json().encode(),
        "comparison.html": result.to_html(command_line()).encode(),
    }
    return write_all(out, contents, force)
