"""What one task is: a JSON spec of strings and numbers, its key, and the deterministic row it gives."""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from compth._files import version
from compth.errors import CompthError, InvalidParameter, UnusableInput

SCALARS = {"steps": 1000, "runs": 16, "eps": 1e-3}
DATA_KEYS = {"dataset", "workers", "split", "regularisation", "seed"}
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


def read_toml(path: str | Path) -> dict[str, Any]:
    """The grid of a TOML file. Raises UnusableInput with one clear line."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise UnusableInput(f"spec={str(path)!r} cannot be read: {problem}") from None
    except tomllib.TOMLDecodeError as problem:
        raise UnusableInput(f"spec={str(path)!r} is not TOML: {problem}") from None


def expand(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every task of a grid {methods, problems, seeds, steps, runs, eps}, in order, without duplicates.

    methods: texts such as "DIANA(RandK(k=6))"; problems: {"dataset": ...} or {"random": true, "n": ..., "d": ...};
    seeds: integers. Raises InvalidParameter for what is unknown, empty or cannot be built, before anything runs.
    """
    unknown = set(grid) - {"methods", "problems", "seeds", *SCALARS}
    if unknown:
        raise InvalidParameter(
            f"grid holds unknown {sorted(unknown)}: known are methods, problems, seeds, {', '.join(SCALARS)}"
        )
    scalars = {name: grid.get(name, default) for name, default in SCALARS.items()}
    methods, problems = _listed(grid, "methods"), _listed(grid, "problems")
    seeds = list(grid.get("seeds", [0]))
    tasks: dict[str, dict[str, Any]] = {}
    for problem, method, seed in itertools.product(problems, methods, seeds):
        if not isinstance(method, str) or not isinstance(problem, Mapping):
            raise InvalidParameter(
                f"method={method!r}, problem={problem!r}: a method is a text, a problem a table"
            )
        spec = {"method": method, "problem": dict(problem), "seed": seed, **scalars}
        tasks[key_of(spec)] = spec
    for problem in problems:
        built = build_problem(problem)
        for method in methods:
            build_method(method).check(built)
    return list(tasks.values())


def _listed(grid: Mapping[str, Any], name: str) -> list[Any]:
    values = grid.get(name)
    if not isinstance(values, list | tuple) or not values:
        raise InvalidParameter(f"grid needs a non-empty list {name}")
    return list(values)


def canonical(spec: Mapping[str, Any]) -> str:
    """The spec as JSON with sorted keys: equal specs give equal texts."""
    return json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key_of(spec: Mapping[str, Any]) -> str:
    """sha256 of the spec and the package version: another version never reuses a row."""
    return hashlib.sha256(f"{version()}\n{canonical(spec)}".encode()).hexdigest()


def build_method(text: str) -> Any:
    """The method that the text spells."""
    from compth._specs import build
    from compth.methods import Method, vocabulary

    made = build(text, vocabulary())
    if not isinstance(made, Method):
        raise InvalidParameter(f"method={text!r} is not a method: write DCGD({text})")
    return made


def build_problem(spec: Mapping[str, Any]) -> Any:
    """The problem of a table; data sets are loaded once per process."""
    return _problem(canonical(spec))


@lru_cache(maxsize=16)
def _problem(text: str) -> Any:
    from compth import problems

    spec = json.loads(text)
    random = spec.pop("random", False)
    allowed = RANDOM_KEYS if random else DATA_KEYS
    if set(spec) - allowed:
        raise InvalidParameter(
            f"problem holds unknown {sorted(set(spec) - allowed)}: known are {sorted(allowed)}"
        )
    return problems.random_quadratic(**spec) if random else problems.ridge(**spec)


def run_task(spec: Mapping[str, Any]) -> dict[str, Any]:
    """One row: the guarantee and the simulation of one method on one problem. The same spec gives the same bits."""
    from compth.methods import plan_of
    from compth.simulation import simulate

    problem, method = build_problem(spec["problem"]), build_method(spec["method"])
    plan, found, reason = plan_of(method, problem, horizon=spec["steps"])
    trace = simulate(method, problem, spec["steps"], spec["runs"], spec["seed"])
    return {
        "method": method.label,
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
    return x if x - x == 0 else None


def attempt(spec: Mapping[str, Any]) -> str:
    """The row as canonical JSON; a task that cannot run gives a row with its error."""
    try:
        row: dict[str, Any] = run_task(spec)
    except CompthError as problem:
        row = {"method": spec["method"], "seed": spec["seed"], "error": str(problem)}
    return canonical(row)
