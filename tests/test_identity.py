"""Whose an object is, is told by identity: classes, names, namespaces and numbers that lie about being ours."""

import re
import subprocess
import sys
from abc import ABCMeta
from functools import partial

import numpy as np
import pytest
import sympy

import compth as ct
from compth._own import altered, foreign, looker, stranger

PROBLEM = ct.problems.random_quadratic(n=2, d=6, kappa=4, seed=0)


def keeps_all(self, shape, rng):
    return np.ones(shape)


def gives_nothing(self, x, rng):
    return 0 * x


DAMAGE = {
    "RandK": (ct.RandK, (2,), "draw", keeps_all),
    "TopK": (ct.TopK, (2,), "_compress", gives_nothing),
    "Bernoulli": (ct.Bernoulli, (0.5,), "weights", keeps_all),
    "Scaled": (ct.Scaled, (ct.RandK(2),), "kernel", gives_nothing),
    "NaturalCompression": (ct.NaturalCompression, (), "_compress", gives_nothing),
}


def equal_to(what, base=ABCMeta):
    """A metaclass whose classes have this hash and are equal to everything."""
    return base.__class__.__new__(
        type, "Meta", (base,), {"__eq__": lambda cls, other: True, "__hash__": lambda cls: hash(what)}
    )


class Name(str):
    """One name while it is stored, another one when it is asked for."""

    fake = ""

    def __hash__(self):
        return hash(self.fake or str.__str__(self))

    def __eq__(self, other):
        return True


def stored(space, name, value, fake):
    key = Name(name)
    space[key] = value
    key.fake = fake
    return space


class Hiding(dict):
    """Shows k alone; Python finds whatever lies in it."""

    def __iter__(self):
        return iter(["k"])

    def values(self):
        return [2]

    def items(self):
        return [("k", 2)]

    def get(self, key, default=None):
        return 2 if key == "k" else default


def of_equal_class(kind, args, name, value):
    return equal_to(float)(kind.__name__, (kind,), {name: value})(*args)


def with_two_names(kind, args, name, value):
    key = Name(name)
    made = type(kind.__name__, (kind,), {key: value})
    key.fake = "label"
    return made(*args)


def with_an_odd_attribute(kind, args, name, value):
    made = kind(*args)
    stored(vars(made), name, partial(value, made), "k")
    return made


def hiding_its_attribute(kind, args, name, value):
    made = kind(*args)
    object.__setattr__(made, "__dict__", Hiding({**vars(made), name: partial(value, made)}))
    return made


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "lies", [of_equal_class, with_two_names, with_an_odd_attribute, hiding_its_attribute]
)
def test_what_calls_itself_ours_is_not(lies, damage):
    kind, args, name, value = DAMAGE[damage]
    thing = lies(kind, args, name, value)
    assert foreign(kind(*args)) == "" != foreign(thing)
    assert {c.standing for c in thing.claims(6)} == {ct.Standing.ASSUMED}
    assert foreign((1, {"held": [thing]}))


class Half(float, metaclass=equal_to(float, type)):
    def __rtruediv__(self, other):
        return other


class Two(int, metaclass=equal_to(int, type)):
    def __rtruediv__(self, other):
        return 2 * other


class Numpy(np.float64, metaclass=type("M", (type,), {"__flags__": 0})):
    __module__ = "numpy"

    def item(self):
        return self


class Sympy(sympy.Symbol):
    __module__ = "sympy"


@pytest.mark.parametrize(
    "made",
    [
        lambda: ct.Bernoulli(Half(0.5)),
        lambda: ct.SendOrSkip(ct.RandK(2), Half(0.5)),
        lambda: ct.Scaled(ct.RandK(2), Half(0.5)),
        lambda: ct.RandK(Two(2)),
        lambda: ct.Scaled(ct.RandK(2), Numpy(0.5)),
    ],
)
def test_numbers_that_call_themselves_plain_are_not(made):
    assert foreign(made())
    assert {c.standing for c in made().claims(6)} == {ct.Standing.ASSUMED}


@pytest.mark.parametrize(("owner", "value"), [(np, Numpy(0.5)), (sympy, Sympy("k", positive=True))])
def test_a_class_put_into_numpy_or_sympy_is_none_of_theirs(monkeypatch, owner, value):
    monkeypatch.setattr(owner, type(value).__name__, type(value), raising=False)
    assert stranger((value,))
    assert stranger((np.float64(0.5), sympy.Symbol("k"), sympy.Rational(1, 2) + sympy.sqrt(2))) == ""


class Size:
    """No symbol of sympy's: d / k is whatever it says."""

    __module__ = "sympy"
    is_number = False

    def __truediv__(self, other):
        return 1.1


def test_a_size_that_lies_gets_no_proof():
    claims = type(ct.RandK(2)).claims.__wrapped__(ct.RandK(2), 6)
    assert [str(c) for c in claims] == [str(c) for c in ct.RandK(2).claims(6)]
    sized = _quietly(lambda: ct.Bernoulli(0.5).claims(Size()))
    assert ct.Standing.PROVED not in {c.standing for c in sized}
    assert ct.Bernoulli(0.5).claims(sympy.Symbol("d"))[0].standing is ct.Standing.PROVED


def _quietly(call):
    try:
        return call()
    except TypeError:  # a closed form may ask it for more than it has
        return ()


@pytest.mark.parametrize("function", [np.argsort, np.linalg.norm, np.linalg.eigvalsh, np.take_along_axis])
def test_the_code_of_numpys_functions_is_watched(function):
    inner = function._implementation
    code = inner.__code__
    inner.__code__ = code.replace(co_name="other")
    try:
        assert inner.__name__ in altered()
    finally:
        inner.__code__ = code
    assert altered() == ""


EARLY = """
import numpy as np, mpmath, scipy.stats
import compth as ct

ct.RandK(1)
f = np.trace._implementation
f.__code__ = f.__code__.replace(co_name="t")
before = [(np.linalg, "eigvals"), (mpmath, "eig"), (scipy.stats, "hypergeom")]
before = [(owner, name, getattr(owner, name)) for owner, name in before]
for owner, name, _ in before:
    setattr(owner, name, None)

from compth._own import altered
import compth.certification.realised, compth.dynamics, compth.worst_case.tight

for owner, name, value in before:
    setattr(owner, name, value)
print("before:", altered())
for owner, name, value in before:
    setattr(owner, name, None)
    print(name, altered())
    setattr(owner, name, value)
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "import compth"])
def test_what_is_replaced_before_it_is_first_needed_is_seen(first):
    """Modules of ours are imported when they are first used: what they lean on is known from before."""
    out = subprocess.run([sys.executable, "-c", first + EARLY], capture_output=True, text=True, check=True)
    before, *each = out.stdout.splitlines()
    assert before.endswith("trace was rewritten after import")
    assert len(each) == 3
    for line in each:
        name, _, said = line.partition(" ")
        assert re.fullmatch(rf"(numpy\.linalg|mpmath|scipy\.stats)\.{name} was replaced after import", said)


def test_a_looker_is_not_reached_by_the_names_of_the_record(monkeypatch):
    from compth import _own

    look = looker()
    assert look() == ""
    monkeypatch.setattr(_own.altered, "__code__", (lambda parts=None: "").__code__)
    assert _own.altered() == "" != look()


@pytest.mark.parametrize("name", ["eig", "System.__call__", "quantities"])
def test_answers_of_a_changed_package_have_no_words(monkeypatch, name):
    from compth.dynamics import system, trajectory
    from compth.worst_case import exact_algebra

    ct.exact(ct.GD(gamma=0.1), PROBLEM, 2)
    if name == "eig":
        monkeypatch.setattr(exact_algebra, "is_psd", lambda m: True)
    elif name == "quantities":
        monkeypatch.setattr(trajectory, "quantities", lambda s, m: np.zeros(3))
    else:
        monkeypatch.setattr(system.System, "__call__", lambda self, m: m)
    assert ct.exact(ct.GD(gamma=0.1), PROBLEM, 2).mode == "assumed"
    assert not ct.exact_rate(ct.DCGD(ct.RandK(1), gamma=0.1), PROBLEM).converged
    assert not ct.stationary(ct.DCGD(ct.RandK(1), gamma=0.1), PROBLEM).converged
    asked = {"rate": "1 - gamma*mu/9", "stepsize": "1/(9*L)", "mu": 0.1, "L": 1, "delta": 0.5}
    assert ct.check_rate("EF21", **asked).verdict is not ct.Verdict.PROVED
    monkeypatch.undo()
    assert ct.check_rate("EF21", **asked).verdict is ct.Verdict.PROVED
