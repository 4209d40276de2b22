"""`compth refute`: prove or refute a claimed rate, of a file, of the catalogue or typed.

The file says what it claims from a process of its own; the verdict is made here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compth._types import Json
from compth.cli._bodies import number
from compth.cli._output import check_file, say_written, show_result, write_appendix, write_page
from compth.errors import InvalidParameter

if TYPE_CHECKING:
    from compth.certificates import Report
    from compth.methods import Theorem

OPTIONS = {
    k: f"--{k}" for k in ("method", "rate", "stepsize", "lyapunov", "mu", "L", "delta", "omega", "eta")
}
OPTIONS["n"] = "-n"


def refute(
    target: Annotated[
        str | None,
        typer.Argument(
            help="FILE.py:NAME, a dict, a compth Theorem or a function of constants; or a theorem of the catalogue, "
            "such as ef21.pl; without one, the claim of --method, --rate and --stepsize"
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="a body of the catalogue, such as CGD, EF21, DIANA, EF-BV")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="claimed factor, arithmetic in gamma, mu, L, delta ...")
    ] = None,
    stepsize: Annotated[
        str | None,
        typer.Option(help="step rule, arithmetic in mu, L, delta, omega, n; without one the best step"),
    ] = None,
    lyapunov: Annotated[str | None, typer.Option(help='V, such as "(x - ebar)**2 + e**2/s"')] = None,
    mu: Annotated[list[str] | None, typer.Option(help="strong convexity (repeatable)")] = None,
    smooth: Annotated[list[str] | None, typer.Option("--L", help="smoothness (repeatable)")] = None,
    delta: Annotated[list[str] | None, typer.Option(help="contraction (repeatable)")] = None,
    omega: Annotated[list[str] | None, typer.Option(help="variance (repeatable)")] = None,
    eta: Annotated[list[str] | None, typer.Option(help="bias, for EF-BV (repeatable)")] = None,
    n: Annotated[list[int] | None, typer.Option("-n", help="workers (repeatable)")] = None,
    alpha: Annotated[
        str | None,
        typer.Option(help="the method's alpha, arithmetic as in --stepsize; else chosen, and said"),
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=EXPR: any parameter of the method (repeatable)")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    report: Annotated[Path | None, typer.Option(help="write a self-contained HTML report")] = None,
    script: Annotated[
        Path | None, typer.Option(help="write a refutation as a script that needs Python alone")
    ] = None,
    appendix: Annotated[
        Path | None, typer.Option(help="write LaTeX: statement, assumptions, proof, witness, hashes")
    ] = None,
) -> int:
    """Judge a theorem. Exit code 0 proved or consistent, 1 refuted, 2 unusable input, 3 inconclusive."""
    from compth.certificates import EXIT_CODE
    from compth.reporting.files import provenance

    for path in (report, script, appendix):
        check_file(path)
    given = {"mu": mu, "L": smooth, "delta": delta, "omega": omega, "eta": eta}
    claim = {"method": method, "rate": rate, "stepsize": stepsize, "lyapunov": lyapunov, "n": n or None}
    # Repeated options are lists of constants: the claim is judged at every combination.
    overrides = {k: [number(k, x) for x in v] for k, v in given.items() if v}
    result = _answered(target, overrides | claim | _parameters(alpha, param or []))
    write_page(result, report)  # before the lines: they may be cut short, as by head
    if as_json:
        print(json.dumps(json.loads(result.to_json()), indent=2), flush=True)
    else:
        show_result(result, provenance(None))
    _write_script(result, script, target or "", quiet=as_json)
    write_appendix(result, appendix, (target or "").rpartition(":")[0])
    if not as_json:
        say_written(report, appendix)
    return EXIT_CODE[result.verdict]


def _parameters(alpha: str | None, param: list[str]) -> dict[str, str]:
    """The method's own parameters by name, as text. InvalidParameter for what is no NAME=EXPR or comes twice."""
    out = {} if alpha is None else {"alpha": alpha}
    for text in param:
        name, _, value = (part.strip() for part in text.partition("="))
        if not value or not name.isidentifier():
            raise InvalidParameter(f"param={text!r} must be NAME=EXPR, as in alpha=1/(1+omega)")
        # A parameter that has an option of its own must come by that, or it could be said twice.
        option = "--stepsize" if name == "gamma" else OPTIONS.get(name)
        if option:
            raise InvalidParameter(f"param={text!r}: {name} has an option of its own, {option}")
        if name in out:
            raise InvalidParameter(f"param={text!r}: {name} is given twice")
        out[name] = value
    return out


def _answered(target: str | None, overrides: Json) -> Report:
    """The report of what the target names: a file's theorem, the catalogue's, or what the options say.

    overrides: constants and the claim as typed, None where they are not. Raises InvalidParameter and UnusableInput.
    """
    if target is None and (overrides["method"] is None or overrides["rate"] is None):
        raise InvalidParameter("target is missing: give FILE.py:NAME, a theorem's id, or --method and --rate")
    # In this order: a file's theorem, the catalogue's by id, or what the options say by themselves.
    file, colon, name = (target or "").rpartition(":")
    if colon and name.isidentifier():
        return _judged(file, name, overrides)
    theorem = None if target is None else _of_catalogue(target)
    from compth.worst_case.theorem_file import judge

    if theorem is None:
        return judge({}, f"{overrides['method']} with rate {overrides['rate']}", overrides)
    # Options override what the theorem says of itself.
    kind = getattr(theorem, "kind", None)  # a certified worst case is of one method
    return judge(theorem, target or "", overrides if kind is None else {"method": kind.__name__, **overrides})


def _of_catalogue(target: str) -> Theorem:
    """The theorem with this id. InvalidParameter, with near ids."""
    if ".py" in target:
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME: say which name of the file")
    from compth.cli.theorems import known_theorems
    from compth.text.specs import nearest

    known = known_theorems()
    if target not in known:
        close = nearest(target, known)
        near = f"near it: {close}" if close else "`compth theorems` lists them"
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME or the id of a theorem ({near})")
    return known[target]


def _judged(file: str, name: str, overrides: Json) -> Report:
    """The report: the file answers from a worker what it claims, the verdict is made here.

    The worker ends with the call.
    """
    from compth.certification import sandbox
    from compth.certification.supervisor import Worker
    from compth.worst_case.theorem_file import judge
    from compth.worst_case.told import Statement

    with sandbox.naming(file), Worker() as worker:
        worker.first("load theorem", (file, name, {}, sandbox.LOAD_LIMIT), sandbox.LOAD_LIMIT)
        return judge(Statement(None, name, worker), name, overrides)


def _write_script(result: Report, path: Path | None, target: str, *, quiet: bool) -> None:
    """The worst refutation that a script can run again, and a line that says where it is or that there is none.

    target: FILE.py:NAME, so that the script can read the claim again; "" where it was typed. quiet: no line.
    """
    from compth.certificates import Verdict
    from compth.cli._output import say
    from compth.reporting.files import write_all
    from compth.reporting.rate_claims import refutations
    from compth.worst_case.reproduce import script

    if path is None:
        return
    file, colon, name = target.rpartition(":")
    # The script reads the claim again from where it stands, so that a mended claim is judged anew.
    source = (str(Path(file).resolve()), name) if colon else None
    texts = {k: result.info[k] for k in ("rate", "stepsize") if isinstance(result.info.get(k), str)}
    # Refutations come worst first; the first that can be written as a plain run is the script.
    scripts = (script(c, texts, source) for c in refutations(result))
    text = next((found for found in scripts if found), None)
    if text is not None:
        write_all(path.parent, {path.name: text.encode()})
    none = (
        "nothing is refuted"
        if result.verdict is not Verdict.REFUTED
        else "the witness is no run of a plain step"
    )
    if not quiet:
        say(f"a reproduction script is written to {path}" if text else f"no reproduction script: {none}")
