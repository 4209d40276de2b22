"""Canonical inner products and expected index sums against direct evaluation in random finite models."""

import json
import random
from fractions import Fraction as F

from compth.proof.kernel import read
from compth.proof.models import Model
from proofs_check._models import plain

VECTORS = [
    "common c",
    "family x",
    "family y @ 1",
    "common e @ 1",
    "family Q ~ x @ 0",
    "family R ~ x - 2*Q @ 1",
]
STATEMENT = {
    "name": "forms",
    "vectors": VECTORS,
    "operators": ["common A", "family B", "common S @ 1", "family T @ 1"],
    "claim": ["0 <= 0"],
}
OUTCOMES = [
    (F(1, 3), F(1, 2)),
    (F(1, 3), F(1, 2)),
    (F(2, 3), F(1, 4)),
    (F(2, 3), F(3, 4)),
]  # (first, second draw)


def numbers(rng, shape):
    if not shape:
        return F(rng.randint(-4, 4), rng.randint(1, 3))
    return [numbers(rng, shape[1:]) for _ in range(shape[0])]


def symmetric(rng):
    a, b, c = numbers(rng, (3,))
    return [[a, b], [b, c]]


def add(u, v, k=1):
    return [add(a, b, k) for a, b in zip(u, v, strict=True)] if isinstance(u, list) else u + k * v


def times(u, k):
    return [times(a, k) for a in u] if isinstance(u, list) else k * u


def random_model(rng):
    """Two workers, two coordinates, four outcomes; F_1 tells the first pair from the second."""
    prob = [a * b for a, b in OUTCOMES]
    x, noise, late = numbers(rng, (2, 2)), numbers(rng, (2, 2)), numbers(rng, (2, 2, 2))
    q = [add(x, noise, 2 if k < 2 else -1) for k in range(4)]
    second = [3, -3, 3, -1]  # mean zero within each cell
    r = [add(add(x, q[k], -2), times(late[k // 2], F(second[k]))) for k in range(4)]
    first = [numbers(rng, (2, 2)) for _ in range(2)]
    shared = [[numbers(rng, (2,))] * 2 for _ in range(2)]
    operators = {"A": symmetric(rng), "B": [symmetric(rng), symmetric(rng)]}
    common, own = ([symmetric(rng) for _ in range(2)] for _ in range(2))
    operators["S"] = [[common[k // 2]] * 2 for k in range(4)]
    operators["T"] = [[own[k // 2], own[1 - k // 2]] for k in range(4)]
    vectors = {"c": numbers(rng, (2,)), "x": x, "Q": q, "R": r}
    vectors |= {"y": [first[k // 2] for k in range(4)], "e": [shared[k // 2] for k in range(4)]}
    data = {"prob": prob, "vectors": vectors, "operators": operators, "cells": [[[0, 1], [2, 3]]]}
    return Model(
        json.dumps(STATEMENT),
        {
            **plain({k: v for k, v in data.items() if k != "cells"}),
            "cells": data["cells"],
            "workers": 2,
            "dim": 2,
        },
    )


def word(rng):
    out = rng.choice("cxyeQR")
    for _ in range(rng.randint(0, 3)):
        out = f"{rng.choice('PABSTP')}({out})"
    return out


def evaluate(model, polynomial):
    """A polynomial in Gram symbols <a|operators|b>, each read as the inner product that it names."""
    total = F(0)
    for monomial, coefficient in polynomial.items():
        for (name, _), exponent in monomial:
            left, operators, right = name[1:-1].split("|")
            for op in reversed([o for o in operators.split(".") if o]):
                right = f"{op}({right})"
            coefficient *= model.value(read(f"dot({left}, {right})", {})) ** exponent
        total += coefficient
    return total


def test_canonical_inner_products_mean_what_they_say():
    rng = random.Random(0)
    moved = 0
    for _ in range(12):
        model = random_model(rng)
        for _ in range(60):
            text = f"dot({word(rng)}, {word(rng)} - {word(rng)})"
            node = read(text, {})
            form = model.theory.scalar(node)
            assert evaluate(model, form) == model.value(node), text
            moved += any(s[0].count("P") < text.count("P") for m in form for s, _ in m)
    assert moved > 100


TERMS = ["u[i, j]*a[i, j]", "u[i, j]*a[i, j]*a[i, j]", "a[i, j]", "u[i, j]*y[j]", "u[i, j]", "y[j]"]


def sums(rng):
    inner = " + ".join(f"{rng.randint(-3, 3)}*{t}" for t in rng.sample(TERMS, 2))
    kind = rng.choice(["Sum(i, Sum(j, {}))", "Sum(j, Sum(i, {}))"])
    return rng.choice(["({})**2", "({0})*Sum(j, y[j]*Sum(i, u[i, j]))", "Sum(j, Sum(i, {1})**2)"]).format(
        kind.format(inner), inner
    )


def test_expected_index_sums_mean_what_they_say():
    rng = random.Random(1)
    for kind, parameter in (("deal", "q"), ("coins", "p[i]"), ("one", "p[i]/8")):
        statement = {
            "name": "sums",
            "params": "n d q",
            "domain": ["n >= 1", "q >= 0", "d >= 4", "d >= n*q"],
            "sizes": {"worker": "n", "col": "d"},
            "indices": {"i": "worker", "j": "col"},
            "arrays": {"a": "worker col", "y": "col", "p": "worker"},
            "law": {"indicator": "u", "kind": kind, "on": "worker col", "parameter": parameter},
            "given": {"low": "order(0, p[i])", "top": "order(p[i], 1)"},
            "claim": ["0 <= 0"],
        }
        data = {"params": {"n": 2, "d": 4, "q": 2}}
        data["arrays"] = {"a": numbers(rng, (2, 4)), "y": numbers(rng, (4,)), "p": [F(1, 3), F(3, 4)]}
        model = Model(json.dumps(statement), plain(data))
        for _ in range(15):
            text = f"E({sums(rng)})"
            form = model.theory.scalar(read(text, {}))
            assert total(model, form) == model.value(read(text, {})), text


def total(model, form):
    """A polynomial whose monomials have summed indices, added up directly."""
    out = F(0)
    for monomial, coefficient in form.items():
        out += coefficient * expand(model, monomial, {})
    return out


def expand(model, monomial, at):
    free = sorted({i for (_, idx), _ in monomial for i in idx if i not in at})
    if free:
        size = {"worker": 2, "col": 4}[free[0][1:].split(":")[0]]
        return sum(expand(model, monomial, {**at, free[0]: k}) for k in range(size))
    out = F(1)
    for (name, idx), exponent in monomial:
        if name in model.theory.inverses:
            out /= total(model, model.theory.inverses[name]) ** exponent
            continue
        entry = model.arrays[name] if idx else model.names[name]
        for i in idx:
            entry = entry[at[i]]
        out *= F(entry) ** exponent
    return out
