"""What can only refuse: statements that declare what cannot be, or that a reader would misread.

The kernel takes declarations as hypotheses. Here they have to make sense: a draw's mean is measurable and as common
as the draw, sorts have sizes, a law exists, no key stands twice, every field is known. `check` is the kernel's check
behind this guard, with the record written out and every failure as one line.

The kernel is sound without this file: it proves "if these declarations hold, so do the claims". What is refused here
are premises that cannot hold, whose theorem would be true and worthless. `roles` says what a hypothesis may speak of,
`survival` which hypotheses hold again after a step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce

from . import kernel
from .kernel import Refused, Theory, add, constant, multiply, parts, require
from .roles import Data, Roles, is_common
from .survival import Survival

FIELDS = {"name", "of", "title", "params", "domain", "sizes", "indices", "arrays", "law", "operators"}
FIELDS |= {"vectors", "values", "let", "given", "claim", "run"}
RUN = {"potential", "next", "rate", "gain", "noise", "fixed"}
# Schemas that speak of mean(Q): of anything else that mean is not declared.
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


def _unique(items: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose keys are all different: the second of two would replace the first unseen."""
    require(len(dict(items)) == len(items), f"a key twice in {[k for k, _ in items]}")
    return dict(items)


def guard(statement: str) -> Theory:
    """The statement, read; Refused when it declares what cannot be.

    Runs before the kernel on the same text. It can only refuse: what the kernel proves does not lean on it.
    """
    with refusing():
        data = json.loads(statement, object_pairs_hook=_unique)
        require(type(data) is dict, "a statement is a JSON object")
        require(set(data) <= FIELDS, f"unknown fields {sorted(set(data) - FIELDS)}")
        require(bool(data.get("claim")), "nothing is claimed")
        require("run" not in data or set(data["run"]) == RUN, "a run has six fields")
        # Relations are used by name: two of one name, and a step could mean the other.
        twice = set(data.get("given", {})) & {*data.get("domain", []), "1 > 0"}
        require(not twice, f"two relations are called {sorted(twice)}")
        theory = Theory(data)
        _sorts(theory)
        # E of the law and E of the Hilbert space are two expectations; a statement has one.
        require(not (theory.law and data.get("vectors")), "a law and vectors do not mix")
        _draws(theory)
        declared = {*theory.scalars, *theory.arrays, *theory.level} - {"P"}
        # 1 <= 2 is true, and a theorem of nothing.
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
    # A sum over a sort of negative size would have a negative number of terms.
    for sort, size in theory.sizes.items():
        require(theory.leaf(size) > 0, f"the size of {sort} was not shown nonnegative")
    if theory.law:
        require(set(theory.law) == {"indicator", "kind", "on", "parameter"}, "a law has four fields")
        require(theory.law["kind"] in {"deal", "coins", "one"}, "a law deals, tosses coins or picks one")
        # coins: each probability in [0, 1]. one: their sum as well. deal: no more cards asked for than
        # there are.
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
        # Else E[Q | F_t] = v would make v known at t, and the tower rule be applied where it does not hold.
        past = all(theory.level[k] <= time for _, w, a in parts(centre) for k in (*w, a))
        require(past, f"{name}: mean not measurable")
        shared = name not in theory.common or is_common(theory, centre)
        require(shared, f"{name} is common, its mean is not")
    for text in theory.given.values():
        node = kernel.read(text, theory.env)
        schema, first = node.func.id, getattr(node.args[0], "id", "")
        require(schema not in DRAWS or first in theory.draws, f"{text!r:.80}: not a draw")
        require(schema not in FAMILIES or first not in theory.common, f"{text!r:.80}: not a family")


def _moves(theory: Theory, roles: Roles, run: Data) -> None:
    """After a step the state is of the same kind, and what belongs to a moving point moves with it."""
    for name, text in run["next"].items():
        node = kernel.read(text, theory.env)
        v = theory.value(node, {1}) if name in theory.level else theory.scalar(node)
        shared = name not in theory.common or is_common(theory, v)
        require(shared, f"{name} is common, after a step it is not")
    Survival(roles).survive(run)


def check(statement: str, certificate: str) -> Data:
    """Refused, or a record of what was proved: name, identity, the hypotheses used and unused, runs.

    statement, certificate: JSON texts. A hypothesis counts as used where some step or some sign leaned on it; a
    script with unused ones is refused, since its theorem would ask for more than it needs.
    """
    require(type(statement) is str and type(certificate) is str, "statement and certificate are JSON texts")
    theory = guard(statement)
    with refusing():
        data, proof = json.loads(statement), json.loads(certificate)
        require(set(proof) == {"statement", "steps"}, "a certificate has the fields statement and steps")
        known = {"show", "use", "terms"}
        require(all(set(step) <= known for step in proof["steps"]), "a step has show, use and terms")
        # Reading the statement uses relations, too: the sign of a divisor, say.
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
