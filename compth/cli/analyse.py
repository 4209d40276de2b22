"""`compth analyse FILE.py:NAME`, or of a method of the catalogue: everything that follows from its body.

Also run as `python -m compth.cli.analyse` beside a file that cannot be told as data: then it answers one request.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from compth._types import Json
from compth.cli._bodies import number, of_catalogue, of_file, pair, serve
from compth.errors import InvalidParameter, UnusableInput

if TYPE_CHECKING:
    from compth.problems import DistributedQuadratic, RowQuadratic


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
    # A request of plain values: it may cross to the process of a file.
    constants = {"mu": mu, "L": smooth, "omega": omega, "delta": delta, "eta": eta}
    problem: Json = {
        "dataset": dataset,
        "workers": workers,
        "split": split,
        "dim": dim,
        "kappa": kappa,
    }
    problem |= {"interpolation": interpolation, "seed": seed}
    request: Json = {
        "file": file,
        "name": name,
        "compressors": compressor or [],
        "params": param or [],
    }
    request |= {"constants": constants, "n": n, "problem": problem}
    # A file's body is asked beside the file or told as data; the catalogue's is ours and is asked here.
    if colon:
        answer = of_file(request, "compth.cli.analyse", "analysis", _analysed)
    else:
        answer = _analysed(of_catalogue(target), request)
    found = answer["analysis"]
    # Where nothing can be listed the reason is the answer: an empty LaTeX file would look like a result.
    if latex and not as_json:
        if not found["latex"]:
            raise UnusableInput(found["stopped"])
        print(found["latex"])
    else:
        print(json.dumps(found, indent=2) if as_json else answer["text"])
    return 0


def _analysed(thing: object, request: Json) -> Json:
    """{"analysis": as JSON, "text": as printed} of a method, in this process or beside its file.

    thing: a method, a class or a bare function. Raises what `studies.method_analysis.analyse` does.
    """
    from compth.certificates import encode
    from compth.methods import vocabulary
    from compth.reporting.files import provenance
    from compth.studies.method_analysis import analyse as run
    from compth.text.specs import build

    given = {k: number(k, v) for k, v in request["constants"].items() if v is not None}
    params = dict(pair(text) for text in request["params"])
    gamma = params.pop("gamma", None)
    compressors = [build(text, vocabulary()) for text in request["compressors"]]
    # With constants alone the class is asked about and no problem: then n is the class's.
    alone = "mu" in given and request["problem"]["dataset"] is None
    problem = None if alone else _problem(**request["problem"])
    n = request["n"] if request["n"] is not None else 10 if alone else None
    found = run(thing, compressors, problem, n=n, gamma=gamma, params=params, **given)
    # Exact rates belong to a problem: its constants are said, or the numbers could not be read.
    where = "" if problem is None else f"exact rates on {problem!r}: mu={problem.mu:.6g}, L={problem.L:.6g}"
    lines = [
        found.text(),
        *([where] if where and compressors else []),
        provenance(request["problem"]["seed"]),
    ]
    return {"analysis": encode(found.to_dict()), "text": "\n".join(lines)}


def _problem(
    dataset: str | None, workers: int, split: str, dim: int, kappa: float, interpolation: bool, seed: int
) -> DistributedQuadratic | RowQuadratic:
    """The problem on which exact rates are computed: data by name, or a small random one.

    dataset: a name, "random" or None. Ridge problems have regularisation 0.01 here; workers and seed as given.
    """
    from compth import problems

    if dataset in (None, "random"):
        return problems.random_quadratic(workers, dim, kappa, seed, interpolation=interpolation)
    return problems.ridge(dataset, workers, split, 0.01, seed)


if __name__ == "__main__":
    serve(_analysed)
