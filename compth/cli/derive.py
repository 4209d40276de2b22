"""`compth derive FILE.py:METHOD`, or of a method of the catalogue: from the body to its theorem.

Also run as `python -m compth.cli.derive` beside a file that cannot be told as data: then it answers one request.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from compth._types import Json
from compth.cli._bodies import number, of_catalogue, of_file, pair, serve
from compth.cli._output import check_file, say_written
from compth.errors import InvalidParameter, UnusableInput

OPTIONS = {"mu", "L", "delta", "omega", "n", "search", "window", "conjecture", "proof", "method"}


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
        bool, typer.Option("--proof", help="fit V and multipliers in symbols, and ask the kernel")
    ] = False,
    certificates: Annotated[
        Path | None,
        typer.Option(help="folder for what recheck.py reads; with --proof also recheck_symbols.py"),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="print the theorem as LaTeX, nothing else")] = False,
    appendix: Annotated[
        Path | None, typer.Option(help="write LaTeX: statement, assumptions, proof, instance, hashes")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Derive a method's theorem: best step, exact bracket of its worst rate, closed form by elimination."""
    # The last colon: paths may hold others.
    file, colon, name = target.rpartition(":")
    if colon and not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:METHOD, or a method such as EF21")
    request: Json = {"file": file, "name": name, "mu": mu, "L": smooth or ["1"], "delta": delta}
    request |= {"omega": omega, "n": n, "params": param or [], "search": search or [], "window": window}
    request |= {"conjecture": conjecture, "certificates": certificates is not None, "proof": proof}
    # Paths stay here: a file's process writes nothing, it answers.
    request |= {"appendix": appendix is not None}
    check_file(appendix)
    answer = (
        of_file(request, "compth.cli.derive", "json", _derived)
        if colon
        else _derived(_named(target), request)
    )
    if certificates is not None:
        _write(certificates, answer["certificates"])
    # One text for --json and for the appendix's hash: what is hashed is what is printed.
    told = json.dumps(answer["json"], indent=2)
    if appendix is not None:
        _write_appendix(appendix, answer, told, file)
    print(told if as_json else answer["latex" if latex else "text"])
    if not (as_json or latex):
        say_written(appendix, certificates)
    return 1 if answer["refuted"] else 0


def _write_appendix(path: Path, answer: Json, told: str, file: str) -> None:
    """The theorem as a paper's appendix, with the hash of the file.

    The JSON that is hashed is the one that --json prints.
    """
    from compth.cli._output import command_line
    from compth.reporting.appendix import Section, document, reproduction
    from compth.reporting.files import write_all

    parts = [Section(title, body) for title, body in answer["appendix"]]
    end = reproduction(command_line(), told, [file] if file else [])
    text = document(f"Worst rate of {answer['json']['method']}", [*parts, end])
    write_all(path.parent, {path.name: text.encode()})


def _named(target: str) -> object:
    """A name that a worst case may be asked of (CGD, too), else what the catalogue has. Raises InvalidParameter."""
    from compth.worst_case.bodies import names

    return target if target in names() else of_catalogue(target)


def _write(folder: Path, certificates: list[Json | None]) -> None:
    """One file a cell; those without one are left out, and said by the text.

    Raises UnusableInput where there is nothing to write.
    """
    from compth.reporting.files import write_all

    # What `recheck.py` reads has a number for its cell, what
    # `recheck_symbols.py` reads is told by its symbols.
    files = {
        f"{data['method'].lower()}_{'proof' if 'symbols' in data else k + 1}.json": (
            json.dumps(data, indent=1) + "\n"
        ).encode()
        for k, data in enumerate(certificates)
        if data is not None
    }
    if not files:
        raise UnusableInput(
            f"certificates={str(folder)!r}: recheck.py reads none of these (unbiased, or none below 1)"
        )
    write_all(folder, files)


def _derived(thing: object, request: Json) -> Json:
    """The derivation as text, LaTeX, JSON, certificates and appendix, in this process or beside its file.

    thing: a method, a class or a bare function. request: plain values only, since it may come from another process.
    """
    from compth.certificates import Verdict, encode
    from compth.methods.core.body import method
    from compth.reporting.derived import sections
    from compth.studies.derivation import derive as run

    # A bare function is a body, too: it becomes a method as the decorator would make it.
    thing = (
        method(thing)
        if callable(thing) and not isinstance(thing, type) and not hasattr(thing, "init")
        else thing
    )
    params = dict(pair(text) for text in request["params"])
    # --param mu=1 would be the class's mu under another name: one option for one thing.
    if taken := sorted(params.keys() & OPTIONS):
        raise InvalidParameter(
            f"--param {taken[0]}=...: {taken[0]} is no parameter of a body but an option of its own"
        )
    lists = {k: [number(k, v) for v in request[k]] for k in ("mu", "L", "delta", "omega") if request[k]}
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
    # A conjecture that fails is a refutation: the exit code says so.
    refuted = found.report is not None and found.report.verdict is Verdict.REFUTED
    kept = [c.bracket.data for c in found.cells] if request["certificates"] else []
    kept += [found.proof_file()] if request["certificates"] and found.proof is not None else []
    return {
        "text": str(found),
        "latex": found.to_latex().rstrip("\n"),
        "json": encode(found.to_dict()),
        "refuted": refuted,
        "certificates": kept,
        "appendix": [(s.title, list(s.body)) for s in sections(found)] if request["appendix"] else [],
    }


if __name__ == "__main__":
    serve(_derived)
