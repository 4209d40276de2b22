"""What can only refuse: statements that declare what cannot be, or that a reader would misread.

The kernel takes declarations as hypotheses. Here they have to make sense: a draw's mean is measurable and as common
as the draw, sorts have sizes, a law exists, no key stands twice, every field is known. `check` is the kernel's check
behind this guard, with the record written out and every failure as one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

from . import kernel
from .kernel import Refused, Theory, add, constant, multiply, parts, require
from .roles import Roles, is_common
from .survival import Survival

FIELDS = {"name", "of", "title", "params", "domain", "sizes", "indices", "arrays", "law", "operators"}
FIELDS |= {"vectors", "values", "let", "given", "claim", "run"}
RUN = {"potential", "next", "rate", "gain", "noise", "fixed"}
DRAWS = {
    "variance",
    "independent",
    "joint",
    "mixture",
    "spread",
    "mean_spread",
    "noise",
}  # of a declared draw
FAMILIES = {"independent", "joint"}  # of a draw that may differ between workers


@contextmanager
def refusing() -> Iterator[None]:
    """Every failure of reading is a refusal."""
    try:
        yield
    except SyntaxError as error:
        raise Refused(f"cannot read {error.text!r:.80}: {error.msg}") from None
    except (RecursionError, MemoryError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"malformed: {type(error).__name__}: {error}") from None


def _unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len(dict(items)) == len(items), f"a key twice in {[k for k, _ in items]}")
    return dict(items)


def guard(statement: str) -> Theory:
    """The statement, read; Refused when it declares what cannot be."""
    with refusing():
        data = json.loads(statement, object_pairs_hook=_unique)
        require(type(data) is dict, "a statement is a JSON object")
        require(set(data) <= FIELDS, f"unknown fields {sorted(set(data) - FIELDS)}")
        require(bool(data.get("claim")), "nothing is claimed")
        require("run" not in data or set(data["run"]) == RUN, "a run has six fields")
        twice = set(data.get("given", {})) & {*data.get("domain", []), "1 > 0"}
        require(not twice, f"two relations are called {sorted(twice)}")
        theory = Theory(data)
        _sorts(theory)
        require(not (theory.law and data.get("vectors")), "a law and vectors do not mix")
        _draws(theory)
        declared = {*theory.scalars, *theory.arrays, *theory.level} - {"P"}
        said = all(kernel.names_in(kernel.read(c, theory.env)) & declared for c in theory.claims)
        require(said, "a claim speaks of nothing that the statement declares")
        roles = Roles(theory)
        if "run" in data:
            _moves(theory, roles, data["run"])
    return theory


def _sorts(theory: Theory) -> None:
    """Sorts have sizes >= 0 and the law's probabilities are in [0, 1]."""
    sorts = set(theory.indices.values()).union(*theory.arrays.values())
    require(sorts <= set(theory.sizes), f"unknown sorts {sorted(sorts - set(theory.sizes))}")
    for sort, size in theory.sizes.items():
        require(theory.leaf(size) > 0, f"the size of {sort} was not shown nonnegative")
    if theory.law:
        require(set(theory.law) == {"indicator", "kind", "on", "parameter"}, "a law has four fields")
        require(theory.law["kind"] in {"deal", "coins", "one"}, "a law deals, tosses coins or picks one")
        *hands, last = theory.law["on"].split()
        room, asked = constant(1), theory.chance
        if theory.law["kind"] == "one":
            for index, sort in zip(theory.first, theory.law["on"].split(), strict=True):
                asked = theory.total(index, sort, asked)
        if theory.law["kind"] == "deal":
            room, asked = theory.sizes[last], reduce(multiply, (theory.sizes[h] for h in hands), asked)
        shown = theory.leaf(theory.chance) and theory.leaf(add(room, asked, -1))
        require(shown > 0, f"{theory.law['parameter']} was not shown to be a share the law can give")


def _draws(theory: Theory) -> None:
    """Means are measurable, a common draw has a common mean, schemas of draws are about draws."""
    for name, (centre, time) in theory.draws.items():
        require(name not in theory.ops, f"{name}: operators have no declared mean")
        past = all(theory.level[k] <= time for _, w, a in parts(centre) for k in (*w, a))
        require(past, f"{name}: mean not measurable")
        shared = name not in theory.common or is_common(theory, centre)
        require(shared, f"{name} is common, its mean is not")
    for text in theory.given.values():
        node = kernel.read(text, theory.env)
        schema, first = node.func.id, getattr(node.args[0], "id", "")
        require(schema not in DRAWS or first in theory.draws, f"{text!r:.80}: not a draw")
        require(schema not in FAMILIES or first not in theory.common, f"{text!r:.80}: not a family")


def _moves(theory: Theory, roles: Roles, run: dict[str, Any]) -> None:
    """After a step the state is of the same kind, and what belongs to a moving point moves with it."""
    for name, text in run["next"].items():
        node = kernel.read(text, theory.env)
        v = theory.value(node, {1}) if name in theory.level else theory.scalar(node)
        shared = name not in theory.common or is_common(theory, v)
        require(shared, f"{name} is common, after a step it is not")
    Survival(roles).survive(run)


def check(statement: str, certificate: str) -> dict[str, Any]:
    """Refused, or a record of what was proved: name, identity, the hypotheses used and unused, runs."""
    require(type(statement) is str and type(certificate) is str, "statement and certificate are JSON texts")
    theory = guard(statement)
    with refusing():
        data, proof = json.loads(statement), json.loads(certificate)
        require(set(proof) == {"statement", "steps"}, "a certificate has the fields statement and steps")
        known = {"show", "use", "terms"}
        require(all(set(step) <= known for step in proof["steps"]), "a step has show, use and terms")
        leaned = theory.leaned | kernel.check(statement, certificate).leaned
        used = {k: v for k, v in theory.given.items() if k in leaned}
        unused, runs = sorted(set(theory.given) - set(used)), lifted(data["run"]) if "run" in data else ""
    return {
        "name": data.get("name", ""),
        "statement": kernel.identity(statement),
        "claims": theory.claims,
        "runs": runs,
        "hypotheses": used,
        "unused": unused,
        "steps": len(proof["steps"]),
    }


def lifted(run: dict[str, str]) -> str:
    """What the one-step claim says of a whole run."""
    total = f" + sum_(t<k) r**(k-1-t)*({run['gain']})_t" if run["gain"] != "0" else ""
    last = f"r**k*V_0 + ({run['noise']})*sum_(t<k) r**t, r = {run['rate']}, V = {run['potential']}"
    return f"V_k{total} <= {last}"
