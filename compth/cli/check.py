"""`compth check FILE.py:NAME`: certify declared constants or refute them.

The file runs in a process of its own; the verdict, the page and the script that reproduces a refutation are made
here.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compth._numbers import Number
from compth._types import Json
from compth.cli._output import check_file, say, say_written, write_appendix, write_page
from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth.certificates import Report
    from compth.claims import Claim
    from compth.text.specs import Built


def check(
    target: Annotated[
        str,
        typer.Argument(
            help='FILE.py:NAME, a Compressor or a function f(x, rng) or f(x); or one of the catalogue: "RandK(k=2)"'
        ),
    ],
    omega: Annotated[str | None, typer.Option(help="claim Unbiased(omega), an expression in d")] = None,
    delta: Annotated[str | None, typer.Option(help="claim Contractive(delta), an expression in d")] = None,
    claim: Annotated[
        list[str] | None, typer.Option(help='"BiasVariance(eta, omega)", "AbsoluteError(Delta)"...')
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for expressions and the program")
    ] = None,
    dim: Annotated[list[int] | None, typer.Option("-d", help="dimension (repeatable)")] = None,
    budget: Annotated[str, typer.Option(help="how hard to look: quick, normal or thorough")] = "normal",
    alpha: Annotated[float, typer.Option(help="error level of all statistical statements together")] = 1e-9,
    seed: Annotated[int, typer.Option(help="seed of everything that is drawn")] = 0,
    least: Annotated[
        float | None, typer.Option(help="the claim speaks of non-zero entries |x_j| from here on")
    ] = None,
    largest: Annotated[
        float | None, typer.Option(help="the claim speaks of entries |x_j| up to here")
    ] = None,
    arithmetic: Annotated[
        str | None, typer.Option(help="it computes in float64, float32, float16 or bfloat16 (else as seen)")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("-n", help="number of workers of a function f(X, rng) of an (n, d) array")
    ] = None,
    adapt: Annotated[
        bool, typer.Option("--adapt", help="take lists, tables and other shapes that it returns")
    ] = False,
    pair: Annotated[
        bool, typer.Option("--pair", help="an object with compress and decompress, or FILE.py:NAME,NAME")
    ] = False,
    backend: Annotated[str | None, typer.Option(help="the tensors that it takes: torch or jax")] = None,
    dtype: Annotated[str | None, typer.Option(help="dtype of its input: float32, bfloat16 ...")] = None,
    shapes: Annotated[str | None, typer.Option(help='layers: "3x4,4", "w:3x4,b:4" or "2x-1"')] = None,
    state: Annotated[
        str | None, typer.Option(help="an object with memory is copied for every call, or made fresh")
    ] = None,
    after: Annotated[int, typer.Option(help="judge an object with memory after so many calls")] = 0,
    generators: Annotated[
        str | None, typer.Option(help="global: it draws from np.random, random or torch, which are seeded")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    report: Annotated[Path | None, typer.Option(help="write a self-contained HTML report")] = None,
    script: Annotated[Path | None, typer.Option(help="write the reproduction script of a refutation")] = None,
    appendix: Annotated[
        Path | None, typer.Option(help="write LaTeX: statement, assumptions, evidence, witness, hashes")
    ] = None,
) -> int:
    """Certify or refute. Exit code 0 proved or consistent, 1 refuted, 2 unusable input, 3 inconclusive."""
    from compth.certificates import EXIT_CODE
    from compth.certification.sandbox import check as run_check
    from compth.claims.written import claims_of

    # An object of the catalogue is certified here; a file's in a process of its own, by the same request.
    file, name, listed = _read(target, pair)
    adaptation = _adaptation(
        adapt, pair, backend, dtype=dtype, shapes=shapes, state=state, after=after, generators=generators
    )
    if listed is not None and adaptation:
        given = ", ".join("--state" if k == "fresh" else f"--{k}" for k in adaptation)
        raise InvalidParameter(
            f"target={target!r} is of the catalogue and needs no adapter: leave out {given}"
        )
    # --omega and --delta are short for the two claims that most compressors make.
    texts = list(claim or [])
    texts += [f"Unbiased({omega})"] if omega is not None else []
    texts += [f"Contractive({delta})"] if delta is not None else []
    parameters, spelled = _parameters(param or [])
    claims = claims_of(texts, parameters | spelled)  # refuse an unreadable claim before anything runs
    # All that the question is, in plain values: it crosses to the process of the file, and a script can repeat
    # it.
    request = {
        "file": file, "name": name, "params": parameters, "spelled": spelled, "claims": texts, "dims": dim or None,
        "budget": budget, "alpha": alpha, "seed": seed, "magnitudes": [least, largest], "arithmetic": arithmetic,
        "adapt": adaptation, "n": workers, "portrait": report is not None,
    }  # fmt: skip
    for path in (report, script, appendix):
        check_file(path)
    result = run_check(request) if listed is None else _certified(listed, claims, request)
    # Files before lines: output may be cut short, as by head, and what was asked for must still be there.
    write_page(result, report)
    _write_script(result, script)
    write_appendix(result, appendix, file)
    if as_json:
        print(result.to_json(), flush=True)
    else:
        _print(result, script)
        say_written(report, appendix)
    return EXIT_CODE[result.verdict]


def _certified(listed: Built, claims: list[Claim] | None, request: Json) -> Report:
    """The report on an object of the catalogue, by what a file's would be asked.

    listed: the object. claims: None for its own.

    Raises what `certify` does.
    """
    from compth.certification import certify
    from compth.certification.portrait import with_portrait

    # The same request as for a file: alpha is the level of all statistical statements of the report together.
    settings = {k: request[k] for k in ("alpha", "budget", "seed", "params", "arithmetic", "n")}
    result = certify(
        listed, request["dims"], claims=claims, magnitudes=tuple(request["magnitudes"]), **settings
    )
    return with_portrait(result, listed, claims, request["params"]) if request["portrait"] else result


def _adaptation(
    adapt: bool,
    pair: bool,
    backend: str | None,
    dtype: str | None,
    shapes: str | None,
    state: str | None,
    after: int,
    generators: str | None,
) -> Json:
    """Settings of `compth.adapt`, {} for none. Raises InvalidParameter for what cannot be read.

    shapes: layers as text. state: copied or fresh. after: calls before the first that is judged.
    """
    from compth.certification.adapting.layers import parsed

    if state not in (None, "copied", "fresh"):
        raise InvalidParameter(f"state={state!r} is not known: copied or fresh")
    if shapes is not None:
        parsed(shapes)
    given = {
        "pair": pair or None, "backend": backend, "dtype": dtype, "shapes": shapes, "after": after or None,
        "fresh": True if state == "fresh" else None, "generators": generators, "adapt": adapt or state or None,
    }  # fmt: skip
    return {k: v for k, v in given.items() if v is not None}


def _read(target: str, pair: bool = False) -> tuple[str, str, Built]:
    """(file, name, None), or ("", "", the compressor or fleet of the catalogue that is spelled so).

    pair: the name may be two with a comma. Raises InvalidParameter, with a near name where there is one.
    """
    from compth.compressors import names
    from compth.text.specs import build, nearest

    file, colon, name = target.rpartition(":")
    parts = name.split(",") if pair else [name]
    if colon and len(parts) <= 2 and all(n.isidentifier() for n in parts):
        return file, name, None
    # A bare name that is known stands for the object with its defaults.
    if colon or ("(" not in target and target not in names()):
        near = "" if colon else nearest(target, names())
        raise InvalidParameter(
            f'target={target!r} must be FILE.py:NAME, or an object of the catalogue as in "RandK(k=2)"'
            + (f": did you mean {near}?" if near else "")
        )
    return "", "", build(target, names())


def _parameters(texts: list[str]) -> tuple[dict[str, Number], dict[str, str]]:
    """(numbers by name, the texts of those that are floats: a claim takes the decimal that was spelled).

    texts: NAME=VALUE each. Raises InvalidParameter.
    """
    # 0.1 is a float for the program and a tenth for the claim: both forms are kept.
    numbers = dict(_parameter(text) for text in texts)
    spelled = dict(text.split("=", 1) for text in texts)
    return numbers, {k: text for k, text in spelled.items() if isinstance(numbers[k], float)}


def _parameter(text: str) -> tuple[str, Number]:
    """(name, number) of NAME=VALUE. InvalidParameter for what is none."""
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise InvalidParameter(f"param={text!r} must be NAME=VALUE")
    # Whole numbers stay whole: k=2 is a level. A fraction becomes a float for the program, and keeps its text
    # for claims.
    for kind in (int, float, lambda text: float(Fraction(text))):
        try:
            return name, kind(value)
        except (ValueError, ZeroDivisionError, OverflowError):
            continue
    raise InvalidParameter(f"param={text!r}: {value!r} is not a number")


def _print(result: Report, script: Path | None) -> None:
    """The report's lines and where it comes from.

    A refutation's script is named where it was written.
    """
    from compth.reporting.certification import lines
    from compth.reporting.files import provenance

    say(*lines(result, "" if script is None else str(script)), provenance(result.info.get("seed")))


def _write_script(result: Report, path: Path | None) -> None:
    """The script that reproduces a refutation; nothing without a path, or where nothing is refuted.

    It is marked as ours, so that it may be overwritten by the next.
    """
    from compth.reporting.files import MARK, write_all

    text = result.info.get("reproduction", "")
    if path is not None and text:
        write_all(path.parent, {path.name: f"# {MARK}\n{text}".encode()})
