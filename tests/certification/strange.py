"""Objects that are not the package's own and false: subclasses, wrappers, and one-token mutants of the catalogue.

A thin subclass or wrapper does what its base does, except where a condition on its input holds; there its output is
damaged. Every claim that it inherits or repeats is false, on that set alone.
"""

import ast
import inspect
import itertools
import random
from dataclasses import dataclass, fields
from types import ModuleType

import numpy as np

import compth as ct
from compth.compressors import DiagonalSketch

EVERYWHERE = {"always": lambda x: True}
THIN = {
    "a magnitude band": lambda x: np.any((np.abs(x) > 1.21) & (np.abs(x) < 1.23)),
    "large entries": lambda x: np.any(np.abs(x) > 50),
    "a sign pattern": lambda x: np.all(np.sign(x[..., :3]) == np.array([-1.0, 1.0, -1.0])[: x.shape[-1]]),
    "a power of two": lambda x: np.any(np.frexp(np.abs(np.asarray(x, float)))[0] == 0.5),
    "a tie": lambda x: np.any(x[..., 0] == x[..., -1]),
    "single precision": lambda x: x.dtype == np.float32,
    "a batch": lambda x: x.ndim == 2,
    "seven rows": lambda x: x.ndim == 2 and len(x) == 7,
    "a block": lambda x: x.ndim == 3,
    "a view": lambda x: not x.flags.c_contiguous,
}
DAMAGES = {
    "zeros": lambda y: 0 * y,
    "a tenth more": lambda y: 1.1 * y,
    "one entry lost": lambda y: y * (np.arange(y.shape[-1]) != y.shape[-1] - 1),
    "clipped": lambda y: np.clip(y, -1, 1),
}
BASES = [
    ct.RandK(2), ct.Bernoulli(0.5), ct.Identity(), ct.TopK(2), ct.NaturalCompression(), ct.ScaledSign(), ct.TernGrad(),
    ct.RandomDithering(2), ct.TopKSign(2), ct.BiasedSparsification(0.5), ct.Scaled(ct.RandK(2)),
    ct.Averaged(ct.RandK(1), 2), ct.Composed(ct.Bernoulli(0.5), ct.RandK(2)), ct.SendOrSkip(ct.RandK(2), 0.5),
]  # fmt: skip
D = 4
"""Dimension at which strange objects are judged: symbolic traces are affordable."""


def values(thing):
    """An object's parameters by name."""
    return {f.name: getattr(thing, f.name) for f in fields(thing)}


def thin_subclass(base, hook, condition, damage):
    """base with a `hook` (_compress, kernel, compress, draw, weights) that is damaged where the condition holds."""
    applies, harm = {**EVERYWHERE, **THIN}[condition], DAMAGES[damage]
    original = getattr(type(base), hook)

    def changed(self, x, *rest):
        y = original(self, x, *rest)
        shown = np.empty(x) if isinstance(x, tuple) else np.asarray(x)  # draw and weights see the shape alone
        return harm(y) if applies(shown) else y

    kind = type(type(base).__name__, (type(base),), {hook: changed, "__module__": type(base).__module__})
    return kind(**values(base))


@dataclass(frozen=True)
class Wrapped(ct.Compressor):
    """Another compressor, damaged on a set; it repeats its claims, proof ids included."""

    inner: object
    condition: str
    damage: str
    batches: bool = False

    def _compress(self, x, rng):
        y = (self.inner.kernel if self.batches else self.inner._compress)(x, rng)
        return DAMAGES[self.damage](y) if {**EVERYWHERE, **THIN}[self.condition](x) else y

    def claims(self, d):
        return self.inner.claims(d)

    def bits(self, d, float_bits=64):
        return self.inner.bits(d, float_bits)

    @classmethod
    def examples(cls):
        return (cls(ct.RandK(1), "a tie", "zeros"),)


class Lying(DiagonalSketch):
    """A sketch of one uniform entry whose declarations are wrong in one way, or, honest, in none."""

    lie = ""

    def inclusion(self, d, order=1):
        p = 1 if self.lie == "inclusion" else ct.calculus.ratio(1, d)
        return p if order == 1 else p * p if self.lie == "pairs" else 0

    def draw(self, shape, rng):
        j = rng.integers(shape[-1] - (self.lie == "never the last"), size=shape[:-1])
        w = np.zeros(shape)
        size = 2.0 if self.lie == "weights" else float(shape[-1])
        np.put_along_axis(w, np.asarray(j)[..., None], size, -1)
        return w * 1.5 if self.lie == "vectors" and len(shape) == 1 else w

    def claims(self, d):
        omega = 0.5 if self.lie == "omega" else d - 1
        return (ct.Unbiased(omega, proof="randk.omega"),)

    def bits(self, d, float_bits=64):
        return ct.BitCost(floats=1, float_bits=float_bits)

    @classmethod
    def examples(cls):
        return (cls(),)


def lying(lie):
    return type("Lying", (Lying,), {"lie": lie})()


LIES = ["inclusion", "weights", "vectors", "never the last", "omega"]


SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
TURNS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def sites(tree, functions):
    """Nodes of the named functions in which one token can be changed."""
    for f in ast.walk(tree):
        if isinstance(f, ast.FunctionDef) and f.name in functions:
            for node in ast.walk(f):
                number = isinstance(node, ast.Constant) and type(node.value) in (int, float, bool)
                sign = isinstance(node, ast.BinOp) and type(node.op) in SWAPS
                order = isinstance(node, ast.Compare) and type(node.ops[0]) in TURNS
                if number or sign or order:
                    yield node


def change(node):
    """One token of the node is another afterwards."""
    if isinstance(node, ast.Constant):
        node.value = not node.value if type(node.value) is bool else node.value + 1
    elif isinstance(node, ast.BinOp):
        node.op = SWAPS[type(node.op)]()
    else:
        node.ops[0] = TURNS[type(node.ops[0])]()


def mutants(kind, functions, count, seed):
    """`count` copies of a class of the catalogue, in a module of the same name, each with one token changed."""
    module = inspect.getmodule(kind)
    text = inspect.getsource(module)
    at = list(range(len(list(sites(ast.parse(text), functions)))))
    random.Random(seed).shuffle(at)
    for number in at[:count]:
        tree = ast.parse(text)
        change(next(itertools.islice(sites(tree, functions), number, None)))
        made = ModuleType(module.__name__)
        made.__file__, made.__package__ = module.__file__, module.__package__
        exec(compile(ast.fix_missing_locations(tree), module.__file__, "exec"), vars(made))
        yield number, getattr(made, kind.__name__)
