"""Bodies that do otherwise when nobody looks: they read what moves unseen, or go on where symbols stop."""

import collections
import contextlib
import decimal
import functools
import io
import itertools
import math
import time
import weakref
from types import ModuleType

import numpy as np
import pytest

import compth as ct
from compth.methods.core.vectors import Underivable

PROBLEM = ct.problems.random_quadratic(2, 3, 4, seed=0)


def body_of(lines, **names):
    """A method whose body is these lines after g, the averaged message, and what they give as its factor s."""
    text = "def M(w, x, *, gamma):\n    'A method.'\n    g = w.mean(w.compress(w.gradient(x)))\n    s = 1\n"
    space = {"ct": ct, "np": np, "__name__": "somebodys", **names}
    exec(text + "".join(f"    {line}\n" for line in lines) + "    return dict(x=x - gamma * s * g)", space)
    return ct.method(space["M"])


class Ticking:
    """Its property is another one at each look."""

    seen = itertools.count()

    @property
    def factor(self):
        return 3 if next(self.seen) > 40 else 1


class Slotted:
    __slots__ = ("held",)

    def __init__(self):
        self.held = itertools.count()

    def factor(self):
        return next(self.held) % 2


def helper(x):
    return HOLD[0]() if HOLD else 1


HOLD = [itertools.count().__next__]


def counting():
    counting.n = getattr(counting, "n", 0) + 1
    return 1 if counting.n < 40 else 3


class Counted:
    n = 0

    @classmethod
    def count(cls):
        cls.n += 1
        return 1 if cls.n < 40 else 3


LIKE_MATH = ModuleType("math")
LIKE_MATH.tau, LIKE_MATH.seen = math.tau, 0


def in_math():
    """A class that says that it is math's, with a factor that moves."""
    found = type("Factor", (type,), {"factor": property(lambda cls: counting())})("Factor", (), {})
    found.__module__ = "math"
    return found


MOVES = {
    "a counter": (["s = next(C)"], {"C": itertools.count()}),
    "its method": (["s = C()"], {"C": itertools.count().__next__}),
    "a generator": (["s = next(C)"], {"C": (k for k in range(10**6))}),
    "an iterator": (["s = next(C)"], {"C": iter([1] * 10**6)}),
    "a property": (["s = C.factor"], {"C": Ticking()}),
    "a slot": (["s = C.factor()"], {"C": Slotted()}),
    "a helper": (["s = C(x)"], {"C": helper}),
    "a cached helper": (["s = C(3)"], {"C": functools.lru_cache(helper)}),
    "a partial": (["s = C()"], {"C": functools.partial(helper, 3)}),
    "numpy's generator": (["s = C.random()"], {"C": np.random.default_rng(0)}),
    "a function's attribute": (["s = C()"], {"C": counting}),
    "a class": (["s = C.count()"], {"C": Counted}),
    "a large array": (["A[1500] += 1", "s = 1 if A[1500] < 40 else 3"], {"A": np.zeros(2000)}),
    "a cache": (["C(C.cache_info().misses)", "s = 1"], {"C": functools.lru_cache(lambda v: v)}),
    "numpy's settings": (["s = 1 if np.geterr()['over'] == 'warn' else 3"], {}),
    "decimal's settings": (["C.getcontext().prec += 1", "s = C.getcontext().prec / 28"], {"C": decimal}),
    "a module's own name": (["C.tau += 0", "C.seen = C.seen + 1", "s = C.seen"], {"C": LIKE_MATH}),
    "what a text reaches": (["s = getattr(np, 'ge' + 'terr')()['over'] == 'warn'"], {}),
    "a class in a module": (["s = C.factor"], {"C": in_math()}),
    "its bound method": (["s = C()"], {"C": np.random.default_rng(0).random}),
    "numpy.random": (["s = np.random.random()"], {}),
    "a clock": (["s = 3 if C.time() > 2e9 else 1"], {"C": time}),
    "a clock by name": (["s = 3 if C() > 2e9 else 1"], {"C": time.time}),
    "an import": (["import sys", "s = len(sys.modules)"], {}),
    "a queue": (["s = C.popleft()"], {"C": collections.deque([1] * 10**6)}),
    "a file": (["s = len(C.read())"], {"C": io.StringIO("1")}),
    "a weak reference": (["s = 1 if C() is None else 2"], {"C": weakref.ref(Ticking)}),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_body_that_reads_what_moves_unseen_derives_nothing(name):
    lines, names = MOVES[name]
    kind = body_of(lines, **names)
    for call in (ct.exact, ct.exact_rate):
        with pytest.raises(Underivable, match=r"not followed|other than on symbols|values that it reads"):
            call(kind(ct.Identity(), gamma=0.1), PROBLEM, *([3] if call is ct.exact else []))
    with pytest.raises(ct.errors.CompthError):
        ct.guarantee(kind(ct.Identity(), gamma=0.1), PROBLEM, kind.__name__.lower() + ".certified")


LARGE = "np.abs(x).max() > 1e6"
"""On arrays of any natural size false, on symbols an exception that the package does not raise itself."""
SWALLOWS = {
    "except": ["try:", f"    s = 3 if {LARGE} else 1", "except Exception:", "    s = 1"],
    "bare": ["try:", f"    s = 3 if {LARGE} else 1", "except:", "    s = 1"],
    "finally": ["try:", f"    s = 3 if {LARGE} else 1", "finally:", "    return dict(x=x - gamma * g)"],
    "suppress": ["with C(Exception):", f"    s = 3 if {LARGE} else 1"],
    "in a helper": ["s = H(lambda: np.abs(x).max() > 1e6)"],
    "of a message": ["try:", "    g = np.where(np.abs(g) > 1e6, 3 * g, g)", "except TypeError: pass"],
    "by math": ["try:", "    s = 3 if math.fabs(x) > 1e6 else 1", "except Exception: pass"],
    "by a format": ["try:", "    s = 3 if f'{x:.2f}' == '0' else 1", "except Exception: pass"],
    "by an index": ["try:", "    s = [1, 2][x]", "except Exception: pass"],
    "by a call": ["try:", "    s = x()", "except Exception: pass"],
    "by a lookup": ["try:", "    s = {}[x]", "except Exception: pass"],
}


def caught(call):
    try:
        return 3 if call() else 1
    except Exception:
        return 1


@pytest.mark.parametrize("name", SWALLOWS)
def test_a_body_that_goes_on_after_any_exception_derives_nothing(name):
    kind = body_of(SWALLOWS[name], C=contextlib.suppress, H=caught, math=math)
    with pytest.raises(Underivable, match=r"goes on after (an exception|a refusal)|not followed"):
        ct.exact(kind(ct.Identity(), gamma=0.1), PROBLEM, 3)


def test_a_body_may_read_what_stays():
    """Constants, tables, arrays, functions, classes, compressors: what is derived of them is right."""

    class Steps:
        def __init__(self, factor):
            self.factor = factor

        @property
        def half(self):
            return self.factor / 2

    steady = {"T": {"a": [1, (2, 0.5)]}, "A": np.array([0.5, 2.0]), "F": math.sqrt, "S": Steps(2), "Q": ct.RandK(1),
              "H": functools.partial(max, 1), "L": functools.lru_cache(lambda v: v)}  # fmt: skip
    lines = ["s = T['a'][1][1] * A[1] * F(4.0) * S.half * H(0.5) * L(0.5) * len([k for k in range(1)])"]
    kind = body_of(lines, **steady)
    other = body_of(["s = 1.0"])
    ours, theirs = (ct.exact(k(ct.RandK(1), gamma=0.1), PROBLEM, 4).mean_square for k in (kind, other))
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_a_body_whose_code_is_replaced_is_derived_anew():
    kind, other = body_of(["s = 1"]), body_of(["s = 3"])
    before = ct.exact_rate(kind(ct.Identity(), gamma=0.1), PROBLEM).rho
    kind.body.__code__ = other.body.__code__
    after = ct.exact_rate(kind(ct.Identity(), gamma=0.1), PROBLEM).rho
    assert after == ct.exact_rate(other(ct.Identity(), gamma=0.1), PROBLEM).rho != before


def test_an_instance_with_another_step_has_no_certified_rate():
    m = body_of(["s = 1"])(ct.Identity(), gamma=0.1)
    object.__setattr__(m, "step", lambda problem, state, rng, plan, t: state)
    with pytest.raises(ct.errors.Unsupported, match="changes what its body says"):
        ct.certified(m, PROBLEM)
