"""What one task is: a JSON spec of strings and numbers, its key, and the deterministic row it gives.

Whatever changes a row must be part of its spec, and so of its key: the version and a file's content are.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from compth._rng import check_seed
from compth._types import Json
from compth.errors import CompthError, InvalidParameter, UnusableInput
from compth.problems.interface import Problem
from compth.reporting.files import version

if TYPE_CHECKING:
    from compth.methods import Method, Plan
    from compth.methods.core.guarantee import Guarantee
    from compth.problems import DistributedQuadratic, RowQuadratic
    from compth.text.specs import Built

SCALARS = {"steps": 1000, "runs": 16, "eps": 1e-3}
DATA_KEYS = {"dataset", "workers", "split", "regularisation", "seed", "target"}
RANDOM_KEYS = {
    "n",
    "d",
    "kappa",
    "seed",
    "L",
    "spectrum",
    "hessians",
    "minimisers",
    "interpolation",
    "rank",
    "family",
}
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("dataset", "split", "spectrum", "family"), (str,)),
    **dict.fromkeys(("workers", "seed", "n", "d", "rank"), (int,)),
    **dict.fromkeys(("random", "interpolation"), (bool,)),
    "target": (str, int),
}
"""What a problem's values must be; other names take numbers."""


def read_toml(path: str | Path) -> dict[str, object]:
    """The grid of a TOML file. Raises UnusableInput with one clear line."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        said = getattr(problem, "strerror", None) or problem
        raise UnusableInput(f"spec={str(path)!r} cannot be read: {said}") from None
    except tomllib.TOMLDecodeError as problem:
        raise UnusableInput(f"spec={str(path)!r} is not TOML: {problem}") from None


def expand(grid: Mapping[str, object]) -> list[Json]:
    """Every task of a grid {methods, problems, seeds, steps, runs, eps}, in order, without duplicates.

    methods: texts such as "DIANA(RandK(k=6))"; problems: {"dataset": ...} or {"random": true, "n": ..., "d": ...};
    seeds: integers. A problem read from a file carries the sha256 of its content, so that a changed file is another
    task. Raises InvalidParameter or UnusableInput for what is unknown, empty or cannot be built, before anything runs.
    """
    # A misspelled key would silently mean its default: it is refused by name.
    unknown = set(grid) - {"methods", "problems", "seeds", *SCALARS}
    if unknown:
        raise InvalidParameter(
            f"grid holds unknown {sorted(unknown)}: known are methods, problems, seeds, {', '.join(SCALARS)}"
        )
    scalars = {name: grid.get(name, default) for name, default in SCALARS.items()}
    _check_scalars(scalars)
    methods, problems = _listed(grid, "methods"), _listed(grid, "problems")
    seeds = _listed(grid, "seeds") if "seeds" in grid else [0]
    for method in methods:
        if not isinstance(method, str):
            raise InvalidParameter(f'method={method!r} must be a text such as "DIANA(RandK(k=2))"')
    for problem in problems:
        _check_table(problem)
    for seed in seeds:
        check_seed(seed)
    tasks: dict[str, Json] = {}
    # By key, so that equal tasks are one; in the grid's order, in which rows are given back.
    for problem, method, seed in itertools.product(problems, methods, seeds):
        spec = {"method": method, "problem": dict(problem), "seed": seed, **scalars} | content_of(problem)
        tasks[key_of(spec)] = spec
    for problem in problems:
        # Everything is built once before anything runs: a slip in the last line of a grid is not found after a
        # night.
        built = build_problem(problem, content_of(problem).get("content", ""))
        for method in methods:
            build_method(method).check(built)
    return list(tasks.values())


def _check_scalars(scalars: Json) -> None:
    """InvalidParameter for steps, runs or eps out of range."""
    for name in ("steps", "runs"):
        if type(scalars[name]) is not int or scalars[name] < 1:
            raise InvalidParameter(f"{name}={scalars[name]!r} must be an integer >= 1")
    if type(scalars["eps"]) not in (int, float) or not 0 < scalars["eps"] < 1:
        raise InvalidParameter(
            f"eps={scalars['eps']!r} must lie between 0 and 1: it is relative to ||x_0 - x*||^2"
        )


def _check_table(problem: Problem) -> None:
    """A problem is a table of known names whose values are texts, truth values and finite numbers."""
    if not isinstance(problem, Mapping):
        raise InvalidParameter(
            f'problem={problem!r} must be a table such as {{dataset = "wine", workers = 3}}'
        )
    random = problem.get("random", False)
    if not isinstance(random, bool):
        raise InvalidParameter(f"random={random!r} must be true or false")
    unknown = sorted(set(problem) - (RANDOM_KEYS if random else DATA_KEYS) - {"random"}, key=str)
    if unknown:
        known = ", ".join(sorted(RANDOM_KEYS if random else DATA_KEYS))
        hint = "" if random or not set(unknown) <= RANDOM_KEYS else "; for a random problem add random = true"
        raise InvalidParameter(f"problem holds unknown {unknown}: known are {known}{hint}")
    for name, value in problem.items():
        wanted = KINDS.get(name, (int, float))
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise InvalidParameter(
                f"problem: {name}={value!r} must be {' or '.join(k.__name__ for k in wanted)}"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidParameter(f"problem: {name}={value!r} must be finite")


def content_of(problem: Mapping[str, object]) -> dict[str, str]:
    """{"content": sha256} of a problem that is read from a file, {} for any other."""
    name = problem.get("dataset")
    if not isinstance(name, str):
        return {}
    from compth.problems.datasets import is_data_file

    if not is_data_file(name):
        return {}
    try:
        return {"content": hashlib.sha256(Path(name).read_bytes()).hexdigest()}
    except OSError as problem_:
        raise UnusableInput(f"dataset={name!r} cannot be read: {problem_.strerror or problem_}") from None


def _listed(grid: Mapping[str, object], name: str) -> list[Built]:
    """A list of the grid that is not empty."""
    values = grid.get(name)
    if not isinstance(values, list | tuple) or not values:
        raise InvalidParameter(f"grid needs a non-empty list {name}")
    return list(values)


def canonical(spec: Mapping[str, object]) -> str:
    """The spec as JSON with sorted keys: equal specs give equal texts."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key_of(spec: Mapping[str, object]) -> str:
    """sha256 of the spec and the package version: another version never reuses a row."""
    return hashlib.sha256(f"{version()}\n{canonical(spec)}".encode()).hexdigest()


def build_method(text: str) -> Method:
    """The method that the text spells."""
    from compth.methods import Method, vocabulary
    from compth.text.specs import build

    made = build(text, vocabulary())
    if not isinstance(made, Method):
        raise InvalidParameter(f"method={text!r} is not a method: write DCGD({text})")
    return made


def build_problem(spec: Mapping[str, object], content: str = "") -> DistributedQuadratic | RowQuadratic:
    """The problem of a table; data sets are loaded once per process. content: the sha256 that its file must have.

    Raises UnusableInput where the file is another by now.
    """
    # A file that changed while the sweep runs would give rows of two data sets under one key.
    if content_of(spec).get("content", "") != content:
        raise UnusableInput(f"dataset={spec['dataset']!r} has changed since the sweep began: run it again")
    return _problem(canonical(spec), content)


@lru_cache(maxsize=16)
def _problem(text: str, content: str) -> DistributedQuadratic | RowQuadratic:
    """One entry for each table and each content of its file."""
    from compth import problems

    spec = json.loads(text)
    random = spec.pop("random", False)
    return problems.random_quadratic(**spec) if random else problems.ridge(**spec)


@lru_cache(maxsize=64)
def _planned(text: str, problem: str, content: str, steps: int) -> tuple[Method, Plan, Guarantee | None, str]:
    """(method, plan, guarantee, reason for none): what tasks share that differ in their seed, runs and target only."""
    from compth.methods import plan_of

    method = build_method(text)
    return method, *plan_of(method, _problem(problem, content), horizon=steps)


def run_task(spec: Json) -> Json:
    """One row: the guarantee and the simulation of one method on one problem. The same spec gives the same bits.

    Raises CompthError for a task that cannot run: `attempt` makes a row of it.
    """
    from compth._threads import one_blas_thread
    from compth.simulation.driver import simulate_planned

    # A row is a function of its spec alone: streams by seed, one thread, and data by the hash of its file.
    content = spec.get("content", "")
    problem = build_problem(spec["problem"], content)
    with one_blas_thread:
        # Planning is shared by all seeds: it depends on the problem and the horizon alone.
        method, plan, found, reason = _planned(
            spec["method"], canonical(spec["problem"]), content, spec["steps"]
        )
        theorem = None if found is None else found.theorem
        trace = simulate_planned(
            method, problem, plan, used=theorem, steps=spec["steps"], runs=spec["runs"], seed=spec["seed"]
        )
    return {
        "method": method.label,
        "version": version(),
        "problem": repr(problem),
        "n": problem.n,
        "d": problem.d,
        "kappa": problem.kappa,
        "seed": spec["seed"],
        "steps": spec["steps"],
        "runs": spec["runs"],
        "eps": spec["eps"],
        "stepsize": float(plan.gamma),
        "theorem": "" if found is None else found.theorem.id,
        "guaranteed_rate": None if found is None else found.rate.rho,
        "simulated_rate": trace.fitted_rate(),
        "rounds": trace.rounds_to(spec["eps"]),
        "bits": trace.bits_to(spec["eps"]),
        "final": _finite(float(trace.mean_square[-1] / trace.mean_square[0])),
        "final_se": _finite(float(trace.se_square[-1] / trace.mean_square[0])),
        "diverged": int((trace.diverged >= 0).sum()),
        "note": reason,
    }


def _finite(x: float) -> float | None:
    """The number, None for inf and nan, which JSON has not."""
    return x if x - x == 0 else None


def attempt(spec: Json) -> str:
    """The row as canonical JSON; a task that cannot run gives a row with its error."""
    try:
        row = run_task(spec)
    except CompthError as problem:
        row = error_row(spec, str(problem))
    return canonical(row)


def error_row(spec: Mapping[str, object], error: str) -> Json:
    """The row of a task that gave none: the columns that every row has, and the error."""
    return {"method": spec["method"], "version": version(), "seed": spec["seed"], "error": error}
