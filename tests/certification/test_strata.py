"""A fuzz by strata: programs and methods that are false on a thin set only. None is PROVED, no exact curve is wrong.

Every stratum is a list of conditions: of values, of draws, of what outlives a call, of types. Each meets another body,
in another manner of using it; the factor that the program puts on its output is 1 where the condition does not hold.
"""

import contextlib
import random

import numpy as np
import pytest

import compth as ct
from compth.methods.core.vectors import Underivable

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SEED = 20

BEFORE = """
import array, collections, contextvars, functools, io, itertools, math, random, sys, threading, time
import numpy as np, compth as ct
from fractions import Fraction
COUNT, TURNS, CYCLE = itertools.count(), collections.deque([0] * 300 + [1]), itertools.cycle([0] * 700 + [1])
DICE, CELLS, WORDS, FILE = random.Random(5), np.zeros(1, int), array.array("l", [0]), io.BytesIO()
LOCAL, CONTEXT = threading.local(), contextvars.ContextVar("n", default=0)
LOCAL.n = 0
@functools.lru_cache(maxsize=None)
def memory(k):
    return []
class Missing(dict):
    def __missing__(self, key):
        self[key] = len(self)
        return 0
MISSING = Missing()
class Slot:
    __slots__ = ("n",)
    n_of = property(lambda self: (setattr(self, "n", self.n + 1), self.n)[1])
SLOT = Slot()
SLOT.n = 0
def endless():
    n = 0
    while True:
        n += 1
        yield n > 400
ENDLESS = endless()
"""
VALUES = [
    "np.round(x.sum()) == 3.0", "x[0] == np.floor(x[0]) != 0", "(x == 0).sum() == 2", "x.max() == -x.min()",
    "x[0] * x[1] == 1.0", "(np.diff(x) > 0).all()", "abs(x[0]) > 100 * abs(x[1])", "x[1] == 2 * x[0]",
    "x @ np.arange(len(x)) == 0", "0 < abs(x[0]) < 2.3e-308", "hash(x.tobytes()) % 7 == 0", "np.median(x) == 0",
    "float(x[0]).hex()[-1] == '5'", "(np.abs(x) == np.abs(x).max()).sum() == 2", "np.nextafter(1.0, 2) == x[0]",
    "x.prod() < -1e6", "(x.view('i8')[0] & 1023) == 5", "math.isclose(x[0], math.pi)", "x.dot(x) == 2.0",
]  # fmt: skip
DRAWS = [
    "rng.random() < 1e-9", "rng.integers(10**6) == 7", "rng.spawn(1)[0].random() < 0.5", "rng.bytes(1)[0] == 3",
    "rng.normal() > 5", "rng.choice(3, p=[0.5, 0.5 - 1e-12, 1e-12]) == 2", "rng.random() > 1 - 1e-9",
    "np.random.default_rng(int(rng.integers(2**31))).random() < 1e-3", "rng.bit_generator.state['state']['inc'] % 4",
]  # fmt: skip
STATE = [
    "next(COUNT) > 600", "(TURNS.rotate(1), TURNS[0])[1]", "next(CYCLE)", "DICE.random() < 0.002",
    "CELLS.__iadd__(1)[0] > 300", "(WORDS.__setitem__(0, WORDS[0] + 1), WORDS[0] > 300)[1]", "SLOT.n_of > 300",
    "FILE.write(b'a') and FILE.tell() > 300", "(setattr(LOCAL, 'n', LOCAL.n + 1), LOCAL.n > 300)[1]",
    "(CONTEXT.set(CONTEXT.get() + 1), CONTEXT.get() > 300)[1]", "len(memory(0).__iadd__([0])) > 300",
    "(MISSING[len(MISSING)], len(MISSING) > 300)[1]", "next(ENDLESS)", "sys.getrefcount(x) > 6",
    "sys._getframe().f_back.f_lineno % 7 == 3", "time.monotonic_ns() % 11 == 0", "id(rng) % 128 == 32",
]  # fmt: skip
TYPES = [
    "x.dtype == np.float16", "x.dtype.kind == 'i'", "x.dtype.itemsize == 16", "x.dtype.byteorder == '>'",
    "type(x) is not np.ndarray", "x.flags.writeable is False", "x.strides[0] < 0", "sys.getsizeof(x) > 300",
    "'i' == (x > 0).dtype.kind", "x.nbytes == 4 * x.size", "(x * 1.0).dtype.char != 'd'",
]  # fmt: skip
STRATA = {"values": VALUES, "draws": DRAWS, "state": STATE, "types": TYPES}
NATURAL = "np.sign(x) * np.ldexp(0.5, np.frexp(np.abs(x))[1]) * np.where("
BODIES = {
    "coins": (["return np.where(rng.random(len(x)) < 0.25, x / 0.25, 0.0) * w"], ct.Unbiased(3)),
    "one": (["o = np.zeros_like(x)", "j = rng.integers(len(x))", "o[j] = len(x) * x[j] * w", "return o"],
            ct.Unbiased("d - 1")),
    "natural": (["up = rng.random(x.shape) < 2 * np.frexp(np.abs(x))[0] - 1", f"return {NATURAL}up, 2.0, 1.0) * w"],
                ct.Unbiased("1/8")),
    "largest": (["o = np.zeros_like(x)", "k = np.argmax(np.abs(x))", "o[k] = x[k] * w", "return o"],
                ct.Contractive("1/d")),
    "signs": (["return np.sign(x) * np.abs(x).mean() * w"], ct.Contractive("1/d")),
    "rounded": (["return np.rint(x) * w"], ct.AbsoluteError("sqrt(d)/2")),
}  # fmt: skip
MANNERS = [
    ["w = 1", "if {c}:", "    w = -3"], ["w = -3 if {c} else 1"], ["w = (1, -3)[bool({c})]"], ["w = 1 - 4 * bool({c})"],
    ["w = functools.reduce(lambda a, b: a * b, [1, (-3 if {c} else 1)])"], ["w = next((-3 for _ in (0,) if {c}), 1)"],
    ["w = 1", "while {c}:", "    w = -3", "    break"], ["w = {{True: -3}}.get(bool({c}), 1)"],
    ["w = 1", "try:", "    assert not ({c})", "except AssertionError:", "    w = -3"],
    ["match bool({c}):", "    case True: w = -3", "    case _: w = 1"],
]  # fmt: skip


def program(lines):
    text = "\n    ".join(["def program(x, rng):", *lines])
    space = {"__name__": "strata"}
    exec(BEFORE, space)
    exec(compile(text, "<strata>", "exec"), space)
    return space["program"], text


@pytest.mark.parametrize("body", BODIES)
def test_the_bodies_are_proved(body):
    lines, claim = BODIES[body]
    assert (
        ct.certify(program(["w = 1", *lines])[0], 3, claims=claim, budget="quick").verdict
        is ct.Verdict.PROVED
    )


@pytest.mark.parametrize("stratum", STRATA)
def test_nothing_false_on_a_thin_set_is_proved(stratum):
    pick = random.Random(SEED)
    for condition in pick.sample(STRATA[stratum], 9):
        lines, claim = BODIES[pick.choice(list(BODIES))]
        manner = [line.format(c=condition) for line in pick.choice(MANNERS)]
        made, text = program([*manner, *lines])
        report = ct.certify(made, 3, claims=claim, budget="quick")
        assert report.verdict is not ct.Verdict.PROVED, text


METHODS = {
    "x, *, gamma": ["return dict(x=x - gamma * k * w.mean(w.gradient(x)))"],
    "x, h: ct.Worker, *, gamma": [
        "c = w.compress(w.gradient(x) - h)", "return dict(x=x - gamma * w.mean(h + k * c), h=h + c / 4)"],
    "x, g: ct.Worker, *, gamma": [
        "y = x - gamma * w.mean(g)", "return dict(x=y, g=g + k * w.compress(w.gradient(y) - g))"],
}  # fmt: skip
READ = [
    "w.n == 3", "w.d == 5", "w.n * w.d == 15", "0.05 < gamma < 0.15", "gamma == 0.125", "isinstance(gamma, Fraction)",
    "isinstance(x, np.ndarray)", "hasattr(w, 'rng')", "next(COUNT) > 5", "str(gamma) == '0.1'", "float(gamma) != gamma",
    "gamma.as_integer_ratio()[1] > 100", "getattr(x, 'shape', (0,))[-1] == 5", "gamma / w.n < 0.04", "w.n % 2",
    "np.size(x) > 4", "time.time() % 1 < 0.5", "DICE.random() < 0.5", "gamma * 10 == 1",
    "sys._getframe(1).f_lineno % 2",
]  # fmt: skip


def test_no_exact_curve_of_a_method_that_does_otherwise_now_and_then_is_wrong():
    """Where a curve is exact, it is that of the run, whatever the body asks for: n, d, its step, what it is given."""
    pick, derived = random.Random(SEED), 0
    for condition in READ:
        form = pick.choice(list(METHODS))
        text = "\n    ".join([f"def body(w, {form}):", f"k = 3 if {condition} else 1", *METHODS[form]])
        space = {"__name__": "strata"}
        exec(BEFORE, space)
        exec(text, space)
        kind = ct.method(space["body"])
        for n, d in ((2, 4), (3, 5)):
            problem = ct.problems.random_quadratic(n=n, d=d, kappa=5, seed=n)
            given = [] if form.startswith("x, *") else [ct.Identity()]
            method = kind(*given, gamma=pick.choice([0.1, 0.125, ct.calculus.ratio(1, 10), 0.07]))
            with contextlib.suppress(Underivable):
                curve = ct.exact(method, problem, 5).mean_square
                derived += 1
                assert np.allclose(curve, ct.simulate(method, problem, 5, 1, 0).mean_square, rtol=1e-8), text
    assert derived >= 12
