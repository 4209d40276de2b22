"""The exported data against a second reading of the statements, which shares no code with the exporter.

The scripts derive the statements from the catalogue's objects as they are now; `models.Model` evaluates their texts.
The data that Coq was given come from the stored statements; they are evaluated here as Compth.v says. Both must give
the same number for every hypothesis and claim, at random values. That a theorem's words are its data Coq checks itself.
"""

import ast
import json
import random
from fractions import Fraction

import pytest

from compth.proof.kernel import read
from compth.proof.models import Model
from proofs_check._command import CERTIFICATES, scripts
from proofs_check.coq.controls import FalsePart

SCRIPTS = scripts()


class Values:
    """What `sden` and `vden` of Compth.v say of data, in a model with random numbers."""

    def __init__(self, part, model):
        self.model, self.reader = model, part.reader
        self.divisors = {k: deep for deep, (k, _) in part.reader.divisors.items()}

    def number(self, e):
        match e:
            case ("SC", z):
                return Fraction(z)
            case ("SV", i) if i in self.divisors:
                return 1 / self.number(self.divisors[i])
            case ("SV", i):
                return self.model.names[self.reader.scalars[i]]
            case ("SAdd", a, b):
                return self.number(a) + self.number(b)
            case ("SSub", a, b):
                return self.number(a) - self.number(b)
            case ("SMul", a, b):
                return self.number(a) * self.number(b)
            case ("SNeg", a):
                return -self.number(a)
            case ("SPow", a, n):
                return self.number(a) ** n
            case ("SDot", u, v):
                return self.inner(self.vector(u), self.vector(v))
            case ("SSq", u):
                return self.inner(self.vector(u), self.vector(u))

    def inner(self, u, v):
        """E (1/n) sum_i <u_i, v_i>, outcome by outcome."""
        total = Fraction(0)
        for p, a, b in zip(self.model.prob, u, v, strict=True):
            total += p * sum(x * y for s, t in zip(a, b, strict=True) for x, y in zip(s, t, strict=True))
        return total / self.model.workers

    def vector(self, v):
        m = self.model
        match v:
            case ("VZ",):
                return [[[Fraction(0)] * m.dim for _ in range(m.workers)] for _ in m.prob]
            case ("VA", i):
                return m.names[self.reader.vectors[i]]
            case ("VAdd" | "VSub" as head, a, b):
                sign = 1 if head == "VAdd" else -1
                return self.each(lambda x, y: x + sign * y, self.vector(a), self.vector(b))
            case ("VScal", s, a):
                factor = self.number(s)
                return self.each(lambda x, _: factor * x, self.vector(a), self.vector(a))
            case ("VOp", 0, a):
                means = [[sum(c) / m.workers for c in zip(*o, strict=True)] for o in self.vector(a)]
                return [[mean] * m.workers for mean in means]
            case ("VOp", k, a):
                matrices = m.names[self.reader.operators[k - 1]]
                return [
                    [
                        [sum(r * x for r, x in zip(row, w, strict=True)) for row in mat]
                        for mat, w in zip(o, v, strict=True)
                    ]
                    for o, v in zip(matrices, self.vector(a), strict=True)
                ]

    def each(self, f, u, v):
        return [
            [[f(x, y) for x, y in zip(s, t, strict=True)] for s, t in zip(a, b, strict=True)]
            for a, b in zip(u, v, strict=True)
        ]

    def relation(self, data):
        """(kind, right side minus left side)"""
        _, (kind,), a, b = data
        return kind, self.number(b) - self.number(a)


def randomised(model, seed):
    """The model with random numbers and vectors in the places of its own: nothing has to hold there."""
    draw = random.Random(seed)

    def scrambled(value):
        return (
            list(map(scrambled, value))
            if isinstance(value, list)
            else Fraction(draw.randint(-9, 9), draw.randint(1, 7))
        )

    for name, value in model.names.items():
        model.names[name] = (
            scrambled(value) if isinstance(value, list) else Fraction(draw.randint(11, 99), 97)
        )
    return model


def spoken(model, node):
    """The same of a statement's text."""
    a, b = model.value(node.left), model.value(node.comparators[0])
    if isinstance(node.ops[0], ast.GtE | ast.Gt):
        a, b = b, a
    kind = {ast.Eq: "KEq", ast.Lt: "KLt", ast.Gt: "KLt"}.get(type(node.ops[0]), "KLe")
    return kind, b - a


def compared(theorem, k, change=str):
    """Pairs of what the exported data and the catalogue's statement say."""
    stored = json.loads(change((CERTIFICATES / f"{theorem}.json").read_text()))["parts"][k]
    fresh = SCRIPTS[theorem].parts[k].statement
    part = FalsePart(
        stored["statement"], stored["certificate"], stored["witness"]
    )  # its steps are not judged here
    model = randomised(Model(json.dumps(fresh), stored["witness"]), f"{theorem} {k}")
    data = Values(part, model)
    theory = model.theory
    nodes = [read(t, {}) for t in fresh.get("domain", [])]
    nodes += [theory.hypothesis(t) for t in theory.given.values()]
    nodes += [read(c, theory.env) for c in theory.claims]
    relations = [*part.script.facts, *(c[1] for c in part.script.claims)]
    assert len(nodes) == len(relations)
    return [(data.relation(r), spoken(model, n)) for r, n in zip(relations, nodes, strict=True)]


def with_vectors():
    for theorem in SCRIPTS:
        stored = json.loads((CERTIFICATES / f"{theorem}.json").read_text())["parts"]
        for k, part in enumerate(stored):
            if not part["statement"].get("indices"):
                yield theorem, k


QUICK = {"dcgd.interpolation", "diana.convex", "ef21.pl", "ist.theorem1", "cgd.tight"}


@pytest.mark.parametrize(
    ("theorem", "k"),
    [pytest.param(t, k, marks=() if t in QUICK else pytest.mark.slow) for t, k in with_vectors()],
)
def test_the_data_say_what_the_catalogue_says(theorem, k):
    pairs = compared(theorem, k)
    assert all(exported == spoken for exported, spoken in pairs)


@pytest.mark.parametrize(
    "old", ["-ga*mu + 1", "joint(Q, A, B)", "ga*(A*Lm + L*S) <= 1", "cocoercive(f, fs, g, 0"]
)
def test_an_easier_statement_is_seen(old):
    """A stored statement that says something else than the catalogue differs at random values."""
    new = {
        "-ga*mu + 1": "-ga*mu + 2",
        "joint(Q, A, B)": "joint(Q, A, A)",
        "ga*(A*Lm + L*S) <= 1": "ga*(A*Lm + L*S) < 1",
        "cocoercive(f, fs, g, 0": "cocoercive(f, fs, P(g), 0",
    }[old]

    pairs = compared("dcgd.interpolation", 0, lambda text: text.replace(old, new))
    assert any(exported != spoken for exported, spoken in pairs)
