"""Identity of the package's own code: what is replaced, on whatever object, is seen; what is not, passes."""

import abc
import builtins
from dataclasses import dataclass, field

import numpy as np
import pytest
import sympy

import compth as ct
from compth import _own, calculus
from compth._own import altered, base_of, changed, different, foreign, hidden
from compth.compressors import catalogue as compressors
from compth.compressors import rand_k
from compth.methods import catalogue as methods
from compth.methods import theorems

PROBLEM = ct.problems.random_quadratic(n=2, d=3, kappa=4, seed=0)


def test_all_of_the_package_is_its_own():
    for kind in (*compressors().values(), *methods().values()):
        assert [foreign(e) for e in kind.examples()] == [""] * len(kind.examples())
    assert {foreign(th) for th in theorems().values()} == {""}
    assert foreign(PROBLEM) == foreign(ct.problems.random_finite_sum(d=3, m=2)) == ""
    assert foreign(ct.RandK(sympy.Symbol("k", positive=True) / 2)) == ""


def test_using_objects_does_not_make_them_strange():
    ct.simulate(ct.DIANA(ct.RandK(1)), PROBLEM, 3, 2)
    ct.exact(ct.DIANA(ct.RandK(1)), PROBLEM, 3)
    repr(ct.certify(ct.RandK(1), 3, budget="quick"))
    assert foreign(PROBLEM) == altered() == ""


def of(*bases, **names):
    return type("RandK", bases, {"__module__": "compth.compressors.rand_k", **names})


class Whole(int):
    """A number that may lie."""


class Meta(type(ct.RandK)):
    """Says that its classes are Rand-K."""

    __mro__ = property(lambda cls: ct.RandK.__mro__)


class Masked(ct.RandK, metaclass=Meta):
    def draw(self, shape, rng):
        return np.ones(shape)


class Disguised(ct.RandK):
    __class__ = property(lambda self: ct.RandK)


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        (Masked(2), "Masked has a metaclass of its own"),
        (Disguised(2), "Disguised.__class__ is not the package's own"),
        (
            of(ct.RandK, draw=lambda self, shape, rng: np.ones(shape))(2),
            "RandK.draw is not the package's own",
        ),
        (of(ct.RandK, __getattribute__=object.__getattribute__)(2), "RandK.__getattribute__"),
        (ct.Scaled(of(ct.RandK, inclusion=lambda self, d, order=1: 1)(2)), "RandK.inclusion"),
        (ct.Independent([ct.Identity(), of(ct.TopK, kernel=lambda s, x, rng: 0 * x)(1)]), "RandK.kernel"),
        (ct.RandK(Whole(2)), "Whole is not the package's own"),
        (ct.DCGD(ct.RandK(1), downlink=of(ct.Identity, _compress=lambda s, x, rng: 2 * x)()), "_compress"),
        (of(ct.SAGA, step=lambda self, *a: a[1])(), "RandK.step"),
        (of(ct.problems.DistributedQuadratic, L=0.1)(PROBLEM.A, PROBLEM.b), "RandK.L"),
        (lambda x: x, "<lambda> is not the package's own"),
        (object(), "object is not the package's own"),
    ],
)
def test_what_is_not_the_packages_own(thing, says):
    assert says in foreign(thing)


def test_a_subclass_that_only_speaks_is_the_package_still():
    class Renamed(ct.RandK):
        """Says more."""

        @classmethod
        def examples(cls):
            return (cls(7),)

        def wombats(self):
            return 3

    assert foreign(Renamed(2)) == ""
    assert Renamed(2).claims(10)[0].standing is ct.Standing.PROVED
    assert base_of(Renamed(2)) is ct.RandK


def test_a_name_that_the_package_asks_for_is_no_addition():
    """`affine` is no attribute of DCGD, but exact dynamics ask every method for it."""
    assert "affine" in different(of(ct.DCGD, affine=True)(ct.RandK(1)))


def test_members_of_a_method_are_not_its_own_code():
    theirs = ct.DCGD(of(ct.RandK, draw=lambda self, shape, rng: np.ones(shape))(2))
    assert changed(theirs) == "" != foreign(theirs)
    assert changed(of(ct.DCGD, theorems=classmethod(lambda cls: ()))(), frozenset({"theorems"})) == ""


@pytest.mark.parametrize("name", ["draw", "inclusion", "claims", "kernel", "check"])
def test_an_attribute_of_the_object_is_seen(name):
    c = ct.RandK(2)
    object.__setattr__(c, name, lambda *a: None)
    assert f"RandK.{name} was replaced on the object" in (foreign(c), hidden(c))
    assert foreign(ct.Scaled(c))


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (ct.RandK, "draw", lambda self, shape, rng: np.ones(shape)),
        (ct.RandK, "kernel", lambda self, x, rng: x),  # inherited before
        (ct.DCGD, "step", lambda self, *a: a[1]),
        (ct.Compressor, "compress", lambda self, x, rng=None: x),
        (calculus, "delta_of_scaled_unbiased", lambda omega: 1),
        (rand_k, "ratio", lambda a, b: 1),
        (rand_k, "float", int),
        (ct.claims, "proved_index", frozenset),
    ],
)
def test_a_patch_is_seen_while_it_lasts(monkeypatch, owner, name, value):
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, value, raising=False)
        assert name in altered()
        assert ct.RandK(2).claims(10)[0].standing is ct.Standing.ASSUMED
        assert foreign(ct.RandK(2))
    assert altered() == ""


def test_rewritten_functions_and_their_variables_are_seen():
    f = ct.RandK.draw
    code, defaults = f.__code__, f.__defaults__
    try:
        f.__code__ = (lambda self, shape, rng: np.ones(shape)).__code__
        assert altered() == "compth.compressors.rand_k.RandK.draw was rewritten after import"
        f.__code__, f.__defaults__ = code, (3,)
        assert "was rewritten" in altered()
    finally:
        f.__code__, f.__defaults__ = code, defaults
    cell = ct.RandK.claims.__closure__[0]
    kept = cell.cell_contents
    try:
        cell.cell_contents = lambda self, d: (ct.Unbiased(0),)
        assert "a variable of a function" in altered()
    finally:
        cell.cell_contents = kept
    assert altered() == ""


def test_a_table_of_the_package_may_grow_but_not_change(monkeypatch):
    from compth.tuning.schemes import SCHEMES

    monkeypatch.setitem(SCHEMES, "mine", SCHEMES["SS"])
    assert altered() == ""
    monkeypatch.setitem(SCHEMES, "S", SCHEMES["SS"])
    assert "SCHEMES" in altered()


def test_the_first_import_is_the_one_that_counts():
    """Loading a module of the package again makes other classes, which are not the package's own."""
    from importlib.util import find_spec, module_from_spec

    spec = find_spec("compth.compressors.top_k")
    again = module_from_spec(spec)
    spec.loader.exec_module(again)
    assert again.TopK is not ct.TopK
    assert foreign(again.TopK(1)) == "TopK.deterministic is not the package's own"
    assert altered() == ""


def test_names_that_hide_a_builtin_are_known():
    assert _own._of_module({"float", "wombat"}) == {"float"} <= set(vars(builtins))


def test_fields_of_a_users_dataclass_are_searched():
    @dataclass(frozen=True)
    class Holder:
        held: object = field(default=None)

    assert "Holder is not the package's own" in foreign((1, [2.0, {"a": Holder(ct.RandK(1))}]))
    assert foreign((1, [2.0, {"a": ct.RandK(1)}, np.eye(2), np.float64(3)])) == ""


def test_a_class_put_into_a_module_of_python_or_numpy_is_none_of_theirs(monkeypatch):
    half = type("half", (np.float64,), {"__module__": "numpy", "__gt__": lambda a, b: True})
    monkeypatch.setattr(np, "half", half)
    assert foreign(ct.Bernoulli(half(0.5))) == "half is not the package's own"
    base = type("Base", (), {"__module__": "abc", "draw": lambda self, shape, rng: np.ones(shape)})
    monkeypatch.setattr(abc, "Base", base, raising=False)
    assert foreign(type("RandK", (base, ct.RandK), {})(2)) == "Base.draw is not the package's own"
