"""What can only refuse: statements that declare what cannot be, or that a reader would misread.

The kernel takes declarations as hypotheses. Here they have to make sense: a draw's mean is measurable and as common
as the draw, sorts have sizes, a law exists, no key stands twice, every field is known. `check` is the kernel's check
behind this guard, with the record written out and every failure as one line.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from typing import Any

from . import kernel
from .axioms import SCHEMAS
from .kernel import Poly, Refused, Theory, add, constant, multiply, parts, require

FIELDS = {"name", "title", "params", "domain", "sizes", "indices", "arrays", "law", "operators"}
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
# where the schemas of functions name points and values
POINTS = {
    "strongly_convex": (3, 4),
    "cocoercive": (4, 5),
    "coercive": (1,),
    "descent": (4,),
    "lipschitz": (2, 3),
}
GRADIENTS = {
    "strongly_convex": (2,),
    "cocoercive": (2, 3),
    "coercive": (0,),
    "descent": (2,),
    "lipschitz": (0, 1),
}
BELONGING = {  # a point, and the value and gradient that belong to it
    "strongly_convex": ((3, (0, 2)), (4, (1,))),
    "cocoercive": ((4, (0, 2)), (5, (1, 3))),
    "descent": ((3, (0,)), (4, (1, 2))),
    "lipschitz": ((2, (0,)), (3, (1,))),
}
MESSAGES = {"contraction", "bias", "b1_lower", "b2_lower", "b_upper"}  # of a vector that was sent
VALUES = {"strongly_convex": 2, "cocoercive": 2, "descent": 2, "polyak": 2, "quadratic": 2}


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
        _meanings(theory)
        if "run" in data:
            _moves(theory, data["run"])
    return theory


def _sorts(theory: Theory) -> None:
    """Sorts have sizes >= 0 and the law's probabilities are in [0, 1]."""
    sorts = set(theory.indices.values()).union(*theory.arrays.values())
    require(sorts <= set(theory.sizes), f"unknown sorts {sorted(sorts - set(theory.sizes))}")
    for sort, size in theory.sizes.items():
        require(theory.leaf(size) > 0, f"the size of {sort} was not shown nonnegative")
    if theory.law:
        require(set(theory.law) == {"indicator", "kind", "on", "parameter"}, "a law has four fields")
        require(theory.law["kind"] in {"deal", "coins"}, "a law deals or tosses coins")
        *hands, last = theory.law["on"].split()
        room, asked = constant(1), theory.chance
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
        shared = name not in theory.common or _is_common(theory, centre)
        require(shared, f"{name} is common, its mean is not")
    for text in theory.given.values():
        node = kernel.read(text, theory.env)
        schema, first = node.func.id, getattr(node.args[0], "id", "")
        wanted = SCHEMAS[schema][0]
        require(len(node.args) == len(wanted.split()), f"{text!r:.80}: the arguments are {wanted}")
        require(schema not in DRAWS or first in theory.draws, f"{text!r:.80}: not a draw")
        require(schema not in FAMILIES or first not in theory.common, f"{text!r:.80}: not a family")


def _meanings(theory: Theory) -> None:
    """Schemas that could say anything of any vectors or scalars: here they say what they are for."""
    calls = [(text, kernel.read(text, theory.env)) for text in theory.given.values()]
    points, values, alone = set[str](), set[str](), set[str]()
    for _, node in calls:
        named = (*POINTS.get(node.func.id, ()), *GRADIENTS.get(node.func.id, ()))
        alone |= {arg.id for k in named if isinstance(arg := node.args[k], ast.Name)}
        points |= {n for k in POINTS.get(node.func.id, ()) for n in _atoms(theory, node.args[k])}
        values |= {n for arg in node.args[: VALUES.get(node.func.id, 0)] for n in kernel.names_in(arg)}
    for text, node in calls:
        match node.func.id, node.args:
            case schema, [sent, *_] if schema in MESSAGES:
                name = getattr(sent, "id", "")
                own = name in set(theory.level) - theory.ops - alone
                require(own, f"{text!r:.80}: the message is a vector of its own, no point and no gradient")
            case "growth", [a, s, *_]:
                found = _atoms(theory, a) | _atoms(theory, s)
                require(
                    not found & points, f"{text!r:.80}: growth of gradients, not of distances between points"
                )
                require(not found & values, f"{text!r:.80}: growth of gradients, not of values of f")
            case "loewner", [v, u, w, _]:
                at = theory.value(u, {1})
                drawn = _averaged(theory, theory.value(v, {1}))
                require(_is_image(theory, drawn, at), f"{text!r:.80}: v is no B u")
                form = theory.value(w, {1})
                single = any(form == theory.applied(p, at) for p in _prefixes(form, at))
                require(single, f"{text!r:.80}: w is no W u with one product W of operators")


def _atoms(theory: Theory, node: Any) -> set[str]:
    """The vectors and values in an expression, and those in the means of its draws."""
    found = kernel.names_in(node) - theory.ops
    for name in found & set(theory.draws):
        found |= _behind(theory, name)
    return found & ({*theory.level} | theory.scalars - theory.params)


def _behind(theory: Theory, draw: str) -> set[str]:
    """The vectors in a draw's mean, through all draws."""
    inner = {a for _, _, a in parts(theory.draws[draw][0])}
    return inner.union(*(_behind(theory, a) for a in inner & set(theory.draws)))


def _averaged(theory: Theory, v: Poly) -> Poly:
    """v with every draw replaced by its mean."""
    out = constant(0)
    for c, word, atom in parts(v):
        centre = theory.draws[atom][0] if atom in theory.draws else kernel.symbol("|" + atom)
        out = add(out, multiply(c, theory.applied(word, centre)))
    return out


def _prefixes(v: Poly, u: Poly) -> list[tuple[str, ...]]:
    """The operators that would turn the first term of u into terms of v."""
    _, word, atom = next(parts(u))
    ends = (w for _, w, a in parts(v) if a == atom and w[len(w) - len(word) :] == word)
    return [w[: len(w) - len(word)] for w in ends]


def _is_image(theory: Theory, v: Poly, u: Poly) -> bool:
    """True when v is a sum of multiples of products of operators applied to u."""
    require(bool(u), "loewner at the zero vector")
    scale, word, atom = next(parts(u))
    rest = v
    for prefix in _prefixes(v, u):
        terms = (c for c, w, a in parts(v) if (w, a) == ((*prefix, *word), atom))
        factor = reduce(add, terms, constant(0))
        if scale == constant(-1):
            factor = add({}, factor, -1)
        rest = add(rest, multiply(factor, theory.applied(prefix, u)), -1)
    return not rest


def _moves(theory: Theory, run: dict[str, Any]) -> None:
    """After a step the state is of the same kind, and what belongs to a moving point moves with it."""
    for name, text in run["next"].items():
        node = kernel.read(text, theory.env)
        v = theory.value(node, {1}) if name in theory.level else theory.scalar(node)
        shared = name not in theory.common or _is_common(theory, v)
        require(shared, f"{name} is common, after a step it is not")
    still, moving = set(run["fixed"].split()), set(run["next"])
    for text in theory.given.values():
        node = kernel.read(text, theory.env)
        for point, belonging in BELONGING.get(node.func.id, ()):
            for arg in (node.args[k] for k in belonging if _atoms(theory, node.args[point]) & moving):
                moves = not (atoms := _atoms(theory, arg)) or not atoms <= still
                require(moves, f"{text!r:.80}: {ast.unparse(arg)} is fixed, its point moves")


def _is_common(theory: Theory, v: Poly) -> bool:
    def first_private(word: tuple[str, ...], atom: str) -> str:
        return next((k for k in (*word, atom) if k == "P" or k not in theory.common), "P")

    return all(first_private(w, a) == "P" for _, w, a in parts(v))


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
