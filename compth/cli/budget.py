"""`compth budget`: how far one may compress a method's messages within rounds, bits, or times uncompressed.

The text of a family holds "?" where its level stands; what is typed becomes a function level -> compressor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compth._numbers import Number
from compth._types import Json
from compth.cli._output import check_file, command_line, progress, say, say_written, show_table
from compth.cli._problem import (
    Dataset,
    Interpolation,
    Kappa,
    Regularisation,
    Split,
    Target,
    problem_of,
)
from compth.errors import InvalidParameter, require

if TYPE_CHECKING:
    from compth.compressors import Compressor
    from compth.studies.budget import Budget
    from compth.text.specs import Built

LEVEL = "?"
"""What stands for the level in a family's text."""
PICTURES = (".svg", ".png", ".pdf")


def _number(text: str) -> float:
    """A decimal or a fraction. Raises typer's own error, which names the option."""
    try:
        # A fraction is read exactly and rounded once; the studies
        # round outward where a certificate is asked for.
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        raise typer.BadParameter(f"{text!r} is not a number such as 0.1 or 1/10") from None


def budget(
    method: Annotated[
        str,
        typer.Option(
            "--method", "-m", help='DIANA, "DIANA(gamma=0.1)", or with its family "DIANA(RandK(k=?))"'
        ),
    ],
    compressor: Annotated[
        str | None,
        typer.Option(
            "--compressor",
            "-c",
            help='the family: RandK, "Scaled(RandK(k=?))", "mine.py:f(k=?)"; ? is the level',
        ),
    ] = None,
    levels: Annotated[
        str | None, typer.Option(help='levels that are open, "1,2,4" or "1..64"; default all there are')
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="target: reach eps within so many rounds")] = None,
    bits: Annotated[float | None, typer.Option(help="target: within so many uplink bits per worker")] = None,
    times: Annotated[
        float | None, typer.Option(help="target: within so many times the rounds uncompressed")
    ] = None,
    eps: Annotated[float, typer.Option(help="E||x_t-x*||^2 / ||x_0-x*||^2 to reach")] = 1e-3,
    by: Annotated[
        str | None,
        typer.Option(help="evidence: some of theorem,certified,exact,best; default the first three"),
    ] = None,
    dataset: Dataset = "digits",
    target: Target = None,
    split: Split = "label",
    regularisation: Regularisation = 0.01,
    kappa: Kappa = 100.0,
    interpolation: Interpolation = False,
    mu: Annotated[
        float | None, typer.Option(parser=_number, help="instead of a problem: strong convexity of every f_i")
    ] = None,
    smooth: Annotated[
        float | None, typer.Option("--L", parser=_number, help="and smoothness of every f_i")
    ] = None,
    zeta2: Annotated[
        float, typer.Option(help="and mean ||grad f_i(x*)||^2 for ||x_0-x*|| = 1; 0: one minimiser")
    ] = 0.0,
    omega: Annotated[
        list[float] | None, typer.Option(help="instead of a family: variances to choose from (repeatable)")
    ] = None,
    delta: Annotated[
        list[float] | None, typer.Option(help="instead of a family: contractions to choose from (repeatable)")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", "-n", help="number of workers n")] = 10,
    dim: Annotated[
        int | None, typer.Option("--dim", "-d", help="dimension d of constants, or of a random problem (20)")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="ask every evidence of every member")] = False,
    details: Annotated[bool, typer.Option("--details", help="also print every member")] = False,
    figure: Annotated[Path | None, typer.Option(help="write the picture: .svg, .png or .pdf")] = None,
    report: Annotated[Path | None, typer.Option(help="write a self-contained HTML report")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Say how far one may compress: the strongest of a family within a target."""
    # Before the work: a search of minutes should not end in a path that cannot be written.
    _check_outputs(figure, report)
    from compth.studies.budget import budget as find

    # Constants of a class in the place of a problem: nothing is loaded, and what is certified holds for all of
    # the class.
    alone = mu is not None or smooth is not None
    constants: Json = {"mu": mu, "L": smooth, "n": workers, "d": dim} if alone else {}
    constants |= {"omega": omega or None, "delta": delta or None}
    size = 20 if dim is None else dim
    problem = (
        None
        if alone
        else problem_of(
            dataset,
            workers,
            split,
            reg=regularisation,
            dim=size,
            kappa=kappa,
            interpolation=interpolation,
            seed=0,
            m=None,
            target=target,
        )
    )
    # Files run as long as something may still ask them, the referee at the end included.
    with Spec(method, compressor, levels, dim or 1 if problem is None else problem.d) as spec:
        with progress(None) as advance:
            b = find(
                spec.method, spec.family, problem, rounds=rounds, bits=bits, times=times, eps=eps, by=by,
                levels=spec.levels, zeta2=zeta2, whole_family=whole, progress=advance, **constants,
            )  # fmt: skip
        checked = spec.checked(b)
    _write(b, figure, report)  # before the lines: they may be cut short, as by head
    if as_json:
        print(b.to_json(), end="", flush=True)
    else:
        _print(b, details, checked)
        say_written(figure, report)
    return 0


def _check_outputs(figure: Path | None, report: Path | None) -> None:
    """Refuse now what could not be written after the work.

    Raises InvalidParameter for a picture of another kind, UnusableInput for a path that cannot be written.
    """
    check_file(report)
    check_file(figure)
    if figure is not None and figure.suffix not in PICTURES:
        raise InvalidParameter(f"figure={str(figure)!r} must end in {', '.join(PICTURES)}")


class Spec:
    """What is typed, as `ct.budget` takes it: a method, a family level -> compressor, the levels that are open.

    A context: files that are named run in processes that end with it.

    method, family and levels are set when it is entered; they must not be used after it has ended, since hosted
    compressors need their process.
    """

    def __init__(self, method: str, compressor: str | None, levels: str | None, d: int) -> None:
        from compth.certification.hosted import Host
        from compth.cli._files import Files
        from compth.studies.budget_members import whole_levels

        # A host of processes only where a file is named.
        self._host = Host() if ".py:" in f"{method} {compressor}" else None
        self._files = Files(self._host, d)
        self._used: dict[Number, list[str]] = {}
        self.levels = None if levels is None else whole_levels(levels)
        self._d, self._text = d, (method, compressor)
        self.method: Built = None
        self.family: Built = None

    def __enter__(self) -> Spec:
        """Start the files' processes and read the texts."""
        if self._host is not None:
            # A text that cannot be read must not leave processes behind.
            self._host.__enter__()
        try:
            self._read(*self._text)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *problem: object) -> None:
        """End the files' processes."""
        if self._host is not None:
            self._host.__exit__(*problem)

    def _read(self, method: str, compressor: str | None) -> None:
        """The method and its family from the two texts. InvalidParameter where they do not go together."""
        from compth.methods import vocabulary

        known = vocabulary()
        if LEVEL in method:
            require(compressor is None, f"method={method!r} names its family: leave --compressor out")
            self.family = self._template(method, lambda made: made.compressor, known)
            # The method is built at its first level: theorems ask for a compressor, and which does not matter
            # to the search.
            first = str((self.levels or [1])[0])
            self.method = self._built(method.replace(LEVEL, first), known)
            return
        self.method = known[method] if method in known else self._built(method, known)
        if compressor is None or compressor in known:
            self.family = None if compressor is None else known[compressor]
            return
        found = LEVEL in compressor
        require(
            found,
            f"compressor={compressor!r} has no level: write RandK, or {LEVEL} for the level, RandK(k={LEVEL})",
        )
        self.family = self._template(compressor, lambda made: made, known)

    def _built(self, text: str, known: Mapping[str, object]) -> Built:
        """The object of a text; files by their hosts."""
        return self._files.build(text, known)

    def _template(
        self, text: str, part: Callable[[Built], Compressor], known: Mapping[str, object]
    ) -> Callable[[Number], Compressor]:
        """level -> compressor, from a text in which ? stands for the level; the levels where none are given.

        part: what of the object that is built is the compressor: itself, or a method's.
        """
        from compth.tuning.families import default_levels

        def family(level: Number) -> Compressor:
            # Which files a level used is noted as it is built: only the recommended level's claims are judged
            # at the end.
            self._files.asked.clear()
            made = part(self._built(text.replace(LEVEL, str(level)), known))
            self._used[level] = list(self._files.asked)
            return made

        family.__name__ = text
        if self.levels is None:
            # The parameter that holds "?" says which range of levels is natural.
            named = re.search(rf"(\w+) *= *\{LEVEL}", text)
            self.levels = default_levels(named[1] if named else "", family, self._d)
        return family

    def checked(self, b: Budget) -> list[str]:
        """What the referee says of the answers' files: those that are recommended, not all that were looked at.

        One line a file; [] where none is named.
        """
        # Each evidence has its own answer: the files of all that are recommended are judged, once.
        chosen = [a.chosen.level for a in b.answers.values() if a.chosen is not None]
        return self._files.checked({label for level in chosen for label in self._used.get(level, ())})


def _print(b: Budget, details: bool, checked: list[str]) -> None:
    """The tables, what they mean, and what the referee says of files.

    details: also every member by every evidence.
    """
    from compth.reporting.budgets import said
    from compth.reporting.files import provenance

    # Two key columns: evidence and member, without which a cut table would not be read.
    for header, rows in (b.columns(), *([b.details()] if details else [])):
        show_table(header, rows, keys=2)
    say(*said(b), *checked, provenance())


def _write(b: Budget, figure: Path | None, report: Path | None) -> None:
    """The picture and the page, where they are asked for."""
    from compth.reporting.files import write_all
    from compth.reporting.reports import figure_bytes

    if figure is not None:
        write_all(figure.parent, {figure.name: figure_bytes(b.plot(), figure.suffix[1:])})
    if report is not None:
        write_all(report.parent, {report.name: b.to_html(command_line()).encode()})
