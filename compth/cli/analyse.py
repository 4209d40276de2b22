"""`compth analyse FILE.py:NAME`, or of a method of the catalogue: everything that follows from its body."""

from __future__ import annotations

import contextlib
import io
import json
import time
from typing import Annotated, Any

import typer

from compth.errors import InvalidParameter, UnusableInput

LIMIT = 900.0
"""Seconds after which an analysis that has not ended counts as a hang."""


def analyse(
    target: Annotated[
        str,
        typer.Argument(
            help="FILE.py:NAME, a function with or without @ct.method; or one of the catalogue: DIANA"
        ),
    ],
    compressor: Annotated[
        list[str] | None, typer.Option("--compressor", "-c", help='"RandK(k=2)" (repeatable)')
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the body, gamma included (repeatable)")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="as in compare; default: a small random problem")
    ] = None,
    workers: Annotated[int, typer.Option(help="workers of the problem")] = 4,
    split: Annotated[str, typer.Option(help="rows to workers: iid, label or kmeans")] = "label",
    dim: Annotated[int, typer.Option(help="dimension d of a random problem")] = 6,
    kappa: Annotated[float, typer.Option(help="condition number of a random problem")] = 10.0,
    interpolation: Annotated[
        bool, typer.Option(help="random problem: one minimiser for all workers")
    ] = False,
    seed: Annotated[int, typer.Option(help="seed of a random problem")] = 0,
    mu: Annotated[str | None, typer.Option(help="strong convexity of the class")] = None,
    smooth: Annotated[str | None, typer.Option("--L", help="smoothness of the class")] = None,
    omega: Annotated[str | None, typer.Option(help="variance of the class of compressors")] = None,
    delta: Annotated[str | None, typer.Option(help="contraction of the class of compressors")] = None,
    eta: Annotated[str | None, typer.Option(help="bias of the class of compressors, with --omega")] = None,
    n: Annotated[int | None, typer.Option("-n", help="workers of the class, without a problem")] = None,
    latex: Annotated[
        bool, typer.Option("--latex", help="print the algorithm as LaTeX, nothing else")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> int:
    """Analyse a method: algorithm, fixed point, bits, certified worst case, exact rates; and which line stops it."""

    file, colon, name = target.rpartition(":")
    if colon and not name.isidentifier():
        raise InvalidParameter(f"target={target!r} must be FILE.py:NAME, or a method such as DIANA")
    constants = {"mu": mu, "L": smooth, "omega": omega, "delta": delta, "eta": eta}
    problem: dict[str, Any] = {
        "dataset": dataset,
        "workers": workers,
        "split": split,
        "dim": dim,
        "kappa": kappa,
    }
    problem |= {"interpolation": interpolation, "seed": seed}
    request: dict[str, Any] = {
        "file": file,
        "name": name,
        "compressors": compressor or [],
        "params": param or [],
    }
    request |= {"constants": constants, "n": n, "problem": problem}
    answer = _of_file(file, name, request) if colon else _analysed(_of_catalogue(target), request)
    found = answer["analysis"]
    if latex and not as_json:
        if not found["latex"]:
            raise UnusableInput(found["stopped"])
        print(found["latex"])
    else:
        print(json.dumps(found, indent=2) if as_json else answer["text"])
    return 0


TRUSTED = (
    "trusted: the process of {file}, in which this was computed: what the file holds is more than one body whose "
    "coefficients are formulas of its parameters"
)
"""Said where the file could have forged what is shown."""


def _of_file(file: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """A body is told as data and analysed here; anything else is analysed in a child with the file, which is said."""
    from compth.certification import sandbox
    from compth.certification.supervisor import Worker
    from compth.worst_case.body_told import body_of, told_body
    from compth.worst_case.told import Statement

    with sandbox.naming(file), Worker() as worker:
        worker.first("load body", (file, name, {}, sandbox.LOAD_LIMIT), sandbox.LOAD_LIMIT)
        told = told_body(Statement(None, name, worker))
    if told:
        return _analysed(body_of(told), request)
    answer, code = sandbox.ask("compth.cli.analyse", request)
    if answer is None:
        raise UnusableInput(f"file={file!r}: the program {sandbox.ending(code)}")
    said = TRUSTED.format(file=file)
    answer["analysis"]["trusted"] = said
    return {**answer, "text": f"{answer['text']}\n{said}"}


def _of_catalogue(text: str) -> Any:
    """The class of a plain name, else the instance that a spec says."""
    from compth.methods import Method, catalogue, vocabulary
    from compth.text.specs import build

    if text in catalogue():
        return catalogue()[text]
    spec = "(" in text and not text.endswith(".py")
    found = build(text, vocabulary()) if spec else None
    if not isinstance(found, Method):
        known = ", ".join(catalogue())
        raise InvalidParameter(f"target={text!r} must be FILE.py:NAME or a method: {known}")
    return found


def _answer(request: dict[str, Any], pulse: Any) -> dict[str, Any]:
    """The child's side: load the file, analyse, and say so as JSON and as text."""
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
            return _analysed(thing, request)
    except CallTooLong:
        return {"unusable": f"file={file!r} takes more than {sandbox.LOAD_LIMIT:g} s to import"}
    except UnusableInput as problem:
        return {"unusable": str(problem)}
    except CompthError as problem:
        return {"invalid": str(problem)}


def _analysed(thing: Any, request: dict[str, Any]) -> dict[str, Any]:
    from compth.certificates import encode
    from compth.methods import vocabulary
    from compth.reporting.files import provenance
    from compth.studies.method_analysis import analyse as run
    from compth.text.specs import build

    given = {k: _number(k, v) for k, v in request["constants"].items() if v is not None}
    params = dict(_pair(text) for text in request["params"])
    gamma = params.pop("gamma", None)
    compressors = [build(text, vocabulary()) for text in request["compressors"]]
    alone = "mu" in given and request["problem"]["dataset"] is None
    problem = None if alone else _problem(**request["problem"])
    n = request["n"] if request["n"] is not None else 10 if alone else None
    found = run(thing, compressors, problem, n=n, gamma=gamma, params=params, **given)
    where = "" if problem is None else f"exact rates on {problem!r}: mu={problem.mu:.6g}, L={problem.L:.6g}"
    lines = [
        found.text(),
        *([where] if where and compressors else []),
        provenance(request["problem"]["seed"]),
    ]
    return {"analysis": encode(found.to_dict()), "text": "\n".join(lines)}


def _problem(
    dataset: str | None, workers: int, split: str, dim: int, kappa: float, interpolation: bool, seed: int
) -> Any:
    from compth import problems

    if dataset in (None, "random"):
        return problems.random_quadratic(workers, dim, kappa, seed, interpolation=interpolation)
    return problems.ridge(dataset, workers, split, 0.01, seed)


def _number(name: str, text: str) -> Any:
    from compth.worst_case.theorem_file import constant

    return constant(name, text)


def _pair(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise InvalidParameter(f"param={text!r} must be NAME=VALUE, such as alpha=1/4")
    return name, _number(name, value)


if __name__ == "__main__":
    from compth.certification.sandbox import serve

    serve(_answer)
