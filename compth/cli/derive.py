"""`compth derive FILE.py:METHOD`, or of a method of the catalogue: from the body to its theorem."""

from __future__ import annotations

import contextlib
import io
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from compth.cli._output import check_file, say_written
from compth.cli.analyse import TRUSTED, _number, _of_catalogue, _pair
from compth.errors import InvalidParameter, UnusableInput

OPTIONS = {"mu", "L", "delta", "omega", "n", "search", "window", "conjecture", "proof", "method"}
LIMIT = 900.0
"""Seconds after which a derivation that has not ended counts as a hang."""


def derive(
    target: Annotated[str, typer.Argument(help="FILE.py:METHOD, a body with or without @ct.method; or EF21")],
    mu: Annotated[list[str], typer.Option(help="strong convexity of the class (repeatable)")],
    smooth: Annotated[
        list[str] | None, typer.Option("--L", help="smoothness of the class, 1 by default")
    ] = None,
    delta: Annotated[
        list[str] | None, typer.Option(help="contraction of the compressors (repeatable)")
    ] = None,
    omega: Annotated[
        list[str] | None, typer.Option(help="variance of unbiased compressors (repeatable)")
    ] = None,
    n: Annotated[int, typer.Option("-n", help="workers")] = 1,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the body, gamma included (repeatable)")
    ] = None,
    search: Annotated[
        list[str] | None, typer.Option(help="a parameter whose best value is looked for (repeatable)")
    ] = None,
    window: Annotated[int, typer.Option(help="past rounds that V may see, at most")] = 3,
    conjecture: Annotated[
        str | None, typer.Option(help="a claimed rate: a number or text in the constants")
    ] = None,
    proof: Annotated[
        bool, typer.Option("--proof", help="fit and check V and multipliers in symbols")
    ] = False,
    certificates: Annotated[
        Path | None, typer.Option(help="folder for the certificates that recheck.py reads")
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="print the theorem as LaTeX, nothing else")] = False,
    appendix: Annotated[
        Path | None, typer.Option(help="write LaTeX: statement, assumptions, proof, instance, hashes")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Derive a method's theorem: best step, exact bracket of its worst rate, closed form by elimination."""
    file, colon, name = target.rpartition(":")
    if colon and not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:METHOD, or a method such as EF21")
    request: dict[str, Any] = {"file": file, "name": name, "mu": mu, "L": smooth or ["1"], "delta": delta}
    request |= {"omega": omega, "n": n, "params": param or [], "search": search or [], "window": window}
    request |= {"conjecture": conjecture, "certificates": certificates is not None, "proof": proof}
    request |= {"appendix": appendix is not None}
    check_file(appendix)
    answer = _of_file(file, name, request) if colon else _derived(_named(target), request)
    if certificates is not None:
        _write(certificates, answer["certificates"])
    told = json.dumps(answer["json"], indent=2)
    if appendix is not None:
        _write_appendix(appendix, answer, told, file)
    print(told if as_json else answer["latex" if latex else "text"])
    if not (as_json or latex):
        say_written(appendix, certificates)
    return 1 if answer["refuted"] else 0


def _write_appendix(path: Path, answer: dict[str, Any], told: str, file: str) -> None:
    from compth.cli._output import command_line
    from compth.reporting.appendix import Section, document, reproduction
    from compth.reporting.files import write_all

    parts = [Section(title, body) for title, body in answer["appendix"]]
    end = reproduction(command_line(), told, [file] if file else [])
    text = document(f"Worst rate of {answer['json']['method']}", [*parts, end])
    write_all(path.parent, {path.name: text.encode()})


def _named(target: str) -> Any:
    """A name that a worst case may be asked of (CGD, too), else what the catalogue has."""
    from compth.worst_case.bodies import names

    return target if target in names() else _of_catalogue(target)


def _write(folder: Path, certificates: list[dict[str, Any] | None]) -> None:
    """One file a cell; those without one are left out, and said by the text."""
    from compth.reporting.files import write_all

    files = {
        f"{data['method'].lower()}_{k + 1}.json": (json.dumps(data, indent=1) + "\n").encode()
        for k, data in enumerate(certificates)
        if data is not None
    }
    if not files:
        raise UnusableInput(
            f"certificates={str(folder)!r}: recheck.py reads none of these (unbiased, or none below 1)"
        )
    write_all(folder, files)


def _of_file(file: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """A body is told as data and derived from here; anything else in a child with the file, which is said."""
    from compth.certification import sandbox
    from compth.certification.supervisor import Worker
    from compth.worst_case.body_told import body_of, told_body
    from compth.worst_case.told import Statement

    with sandbox.naming(file), Worker() as worker:
        worker.first("load body", (file, name, {}, sandbox.LOAD_LIMIT), sandbox.LOAD_LIMIT)
        told = told_body(Statement(None, name, worker))
    if told:
        return _derived(body_of(told), request)
    answer, code = sandbox.ask("compth.cli.derive", request)
    if answer is None:
        raise UnusableInput(f"file={file!r}: the program {sandbox.ending(code)}")
    said = TRUSTED.format(file=file)
    answer["json"]["trusted"] = said
    return {**answer, "text": f"{answer['text']}\n{said}"}


def _answer(request: dict[str, Any], pulse: Any) -> dict[str, Any]:
    """The child's side: load the file, derive, and say so as JSON and as text."""
    from compth.certification import sandbox
    from compth.certification.loading import load
    from compth.certification.subject import CallTooLong, time_limit
    from compth.errors import CompthError

    pulse.until = time.monotonic() + sandbox.LOAD_LIMIT
    file, name = request["file"], request["name"]
    try:
        with contextlib.redirect_stdout(io.StringIO()), time_limit(sandbox.LOAD_LIMIT):
            thing = load(file, name, {})
        pulse.until = time.monotonic() + LIMIT
        with contextlib.redirect_stdout(io.StringIO()):
            return _derived(thing, request)
    except CallTooLong:
        return {"unusable": f"file={file!r} takes more than {sandbox.LOAD_LIMIT:g} s to import"}
    except UnusableInput as problem:
        return {"unusable": str(problem)}
    except CompthError as problem:
        return {"invalid": str(problem)}


def _derived(thing: Any, request: dict[str, Any]) -> dict[str, Any]:
    from compth.certificates import Verdict, encode
    from compth.methods.core.body import method
    from compth.reporting.derived import sections
    from compth.studies.derivation import derive as run

    thing = (
        method(thing)
        if callable(thing) and not isinstance(thing, type) and not hasattr(thing, "init")
        else thing
    )
    params = dict(_pair(text) for text in request["params"])
    if taken := sorted(params.keys() & OPTIONS):
        raise InvalidParameter(
            f"--param {taken[0]}=...: {taken[0]} is no parameter of a body but an option of its own"
        )
    lists = {k: [_number(k, v) for v in request[k]] for k in ("mu", "L", "delta", "omega") if request[k]}
    found = run(
        thing,
        **lists,
        n=request["n"],
        gamma=params.pop("gamma", None),
        search=tuple(request["search"]),
        window=request["window"],
        conjecture=request["conjecture"],
        proof=request["proof"],
        **params,
    )
    refuted = found.report is not None and found.report.verdict is Verdict.REFUTED
    kept = [c.bracket.data for c in found.cells] if request["certificates"] else []
    return {
        "text": str(found),
        "latex": found.to_latex().rstrip("\n"),
        "json": encode(found.to_dict()),
        "refuted": refuted,
        "certificates": kept,
        "appendix": [(s.title, list(s.body)) for s in sections(found)] if request["appendix"] else [],
    }


if __name__ == "__main__":
    from compth.certification.sandbox import serve

    serve(_answer)
