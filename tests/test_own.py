"""Identity of the package's own code: what is replaced, on whatever object, is seen; what is not, passes."""

import abc
import builtins
import copy
import importlib
import itertools
import json
import math
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import sympy

import compth as ct
from compth import _own, calculus
from compth._own import altered, base_of, changed, different, foreign, hidden, stranger
from compth.compressors import catalogue as compressors
from compth.compressors import rand_k
from compth.compressors.sampling import NiceSampling
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


def holding(thing, **values):
    """The object with values that no constructor saw."""
    for name, value in values.items():
        object.__setattr__(thing, name, value)
    return thing


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
        (holding(ct.RandK(2), k=Whole(2)), "RandK.k was replaced on the object"),
        ((ct.RandK(2), [Whole(2)]), "Whole is not the package's own"),
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


@pytest.mark.parametrize("looked", [True, False], ids=["after a look", "at the first look"])
def test_a_name_that_was_taken_away_and_given_again_covers_no_other(looked):
    """Names are found in the order in which they were given: one given again stands last, with its value."""
    assert altered() == ""
    if not looked:
        _own._SEEN.clear()
    kept = ct.RandK.draw
    try:
        del ct.RandK.draw
        # where a copy or pickle was made, Python has added a name: there are as many as before
        found = altered()
        lost = "has lost a name" if "__slotnames__" not in vars(ct.RandK) else "draw was replaced"
        assert lost in found
        ct.RandK.draw = kept
        assert altered() == ""
        ct.RandK.compress = lambda self, x, rng=None: x
        assert altered() == "compth.compressors.rand_k.RandK.compress was added after import"
    finally:
        ct.RandK.draw = kept
        if "compress" in vars(ct.RandK):
            del ct.RandK.compress
    assert altered() == ""


@pytest.mark.parametrize("owner", [ct.RandK, rand_k])
def test_the_last_name_of_a_class_or_module_cannot_be_renamed(owner):
    assert altered() == ""
    last = next(n for n in reversed(vars(owner)) if n in {name for k in _own._NAMESPACES for name in k.names})
    value = vars(owner)[last]
    try:
        delattr(owner, last)
        setattr(owner, "another", value)  # noqa: B010
        assert altered()
    finally:
        if "another" in vars(owner):
            delattr(owner, "another")
        setattr(owner, last, value)
    assert altered() == ""


def test_two_last_names_of_one_value_cannot_change_places_with_another():
    """Where the last two hold one object, another and the last put in their place leave values and last name."""
    assert altered() == ""
    several = [k for k in _own._NAMESPACES if type(k.space()) is dict and len(k.space()) == len(k.names) > 1]
    kept = next(k for k in several if k.values[-1] is k.values[-2])
    space, (first, last), value = kept.space(), kept.names[-2:], kept.values[-1]
    try:
        del space[first], space[last]
        space["another"] = space[last] = value
        assert altered() == f"{kept.where}.{first} was replaced after import"
    finally:
        for name in ("another", first, last):
            space.pop(name, None)
        space[first] = space[last] = value
    assert altered() == ""


def test_the_quick_look_is_the_one_that_is_used_and_agrees_with_the_slow_one(monkeypatch):
    assert altered() == ""
    seen = _own._SEEN[None]
    assert _own._as_seen(seen)
    assert len(seen.others) < len(seen.spaces) / 10
    monkeypatch.setattr(np, "sum", np.mean)
    assert altered() == "numpy.sum was replaced after import"
    monkeypatch.undo()
    monkeypatch.setitem(vars(rand_k), "ratio", lambda a, b: 1)
    assert not _own._as_seen(seen)
    assert "ratio" in altered()


@pytest.mark.parametrize("word", [ct.Standing.ASSUMED, ct.Verdict.CONSISTENT, ct.Attribution.RECALLED])
def test_a_word_cannot_be_made_another(word, monkeypatch):
    """What is printed of a member of an enumeration is kept in the member."""
    with monkeypatch.context() as patch:
        patch.setattr(word, "_value_", "PROVED")
        assert (
            altered()
            == f"compth.{'certificates' if word in ct.Verdict else 'claims'}.{type(word).__name__}."
            + (f"{word.name}._value_ was replaced after import")
        )
        assert ct.RandK(2).claims(10)[0].standing is ct.Standing.ASSUMED
    assert altered() == ""


def test_a_table_of_the_package_may_grow_but_not_change(monkeypatch):
    from compth.tuning.schemes import SCHEMES

    monkeypatch.setitem(SCHEMES, "mine", SCHEMES["SS"])
    assert altered() == ""
    monkeypatch.setitem(SCHEMES, "S", SCHEMES["SS"])
    assert "SCHEMES" in altered()


@pytest.mark.parametrize(
    "where", ["certification.vocabulary.WORDS", "proof.axioms.SCHEMAS", "certification.remote.KINDS"]
)
def test_a_table_that_says_what_a_proof_may_use_does_not_grow(monkeypatch, where):
    module, _, name = where.rpartition(".")
    table = getattr(importlib.import_module(f"compth.{module}"), name)
    assert altered() == ""
    monkeypatch.setitem(table, "mine", len)
    assert f"{name}.mine was added" in altered()
    monkeypatch.undo()
    assert altered() == ""


@pytest.mark.parametrize(
    "change", [lambda x: x.append(1), lambda x: x.insert(0, x.pop()), lambda x: x.__setitem__(0, 1)]
)
def test_a_list_of_the_package_is_looked_at_each_time(change):
    from compth.certification.adversary import STEPS

    before = [*STEPS]
    assert altered() == altered() == ""  # the second is the quick look
    try:
        change(STEPS)
        assert "STEPS" in altered()
    finally:
        STEPS[:] = before
    assert altered() == ""


def test_what_the_package_knows_by_identity_does_not_grow():
    def mine():
        return 1

    plain, held = _own.PLAIN.ids, _own._FUNCTIONS._held
    try:
        object.__setattr__(_own.PLAIN, "ids", plain | {id(mine)})
        assert "PLAIN.ids" in altered()
        object.__setattr__(_own.PLAIN, "ids", plain)
        assert altered() == ""
        _own._FUNCTIONS.add(mine)
        assert "beside those of the package" in altered()
    finally:
        object.__setattr__(_own.PLAIN, "ids", plain)
        held.pop(id(mine), None)
    assert altered() == ""


def test_nothing_is_proved_with_a_word_that_was_added(monkeypatch):
    from compth.certification.vocabulary import WORDS

    calls = itertools.count().__next__

    def program(x, rng):
        return x * (1 + (calls() > 10**6))

    monkeypatch.setitem(WORDS, id(calls), calls)
    assert ct.certify(program, 2, claims=ct.Unbiased(0), budget="quick").verdict is ct.Verdict.CONSISTENT


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
    assert stranger((half(0.5),)) == "half is not the package's own"
    assert type(ct.Bernoulli(half(0.5)).p) is float  # what is computed with is a plain number
    base = type("Base", (), {"__module__": "abc", "draw": lambda self, shape, rng: np.ones(shape)})
    monkeypatch.setattr(abc, "Base", base, raising=False)
    assert stranger(type("RandK", (base, ct.RandK), {})(2)) == "Base.draw is not the package's own"


def patched(owner, name, value, call):
    before = vars(owner)[name]
    setattr(owner, name, value)
    try:
        return call()
    finally:
        setattr(owner, name, before)


LEANT = [
    (np, "argsort", lambda *a, **k: np.zeros(3, int)),
    (np, "where", lambda *a: 0),
    (np, "put_along_axis", lambda *a, **k: None),
    (np.linalg, "norm", lambda *a, **k: 1.0),
    (np.random, "default_rng", lambda *a: None),
    (math, "sqrt", lambda x: 0.0),
    (math, "isqrt", lambda x: 0),
    (builtins, "max", lambda *a: 0),
    (builtins, "sum", lambda *a: 0),
    (Fraction, "__truediv__", lambda a, b: Fraction(0)),
    (Fraction, "_operator_fallbacks", None),
    (sympy, "factor", lambda *a, **k: 0),
    (sympy, "sympify", lambda *a, **k: 0),
    (sympy.Expr, "expand", lambda *a, **k: 0),
    (sympy.Expr, "__add__", lambda a, b: b),
    (sympy.Basic, "subs", lambda *a, **k: 0),
    (sympy.Poly, "terms", lambda *a: []),
    (mpmath, "eig", lambda *a, **k: 0),
    (scipy.optimize, "minimize", lambda *a, **k: 0),
    (_own, "different", lambda *a: ""),
    (_own, "_strange", lambda *a: ""),
    (_own, "_matters", lambda *a: False),
    (_own, "altered", lambda *a: ""),
    (_own, "_CLASSES", set()),
]


@pytest.fixture(autouse=True, scope="module")
def _all_of_it():
    """What is named elsewhere is known from the import of the module that names it."""
    for name in (
        "worst_case.units",
        "dynamics.rational",
        "studies.derivation.proofs",
        "proof",
        "methods",
        "_numbers",
    ):
        importlib.import_module(f"compth.{name}")


@pytest.mark.parametrize(("owner", "name", "value"), LEANT, ids=lambda v: str(getattr(v, "__name__", v))[:20])
def test_what_our_code_names_elsewhere_is_watched(owner, name, value):
    """A function of numpy, math, builtins or Fraction that our code calls, and this very record."""
    claims = [*ct.RandK(2).claims(10), *ct.TopK(2).claims(10)]
    said = patched(owner, name, value, lambda: [c.standing for c in claims])
    assert set(said) == {ct.Standing.ASSUMED}
    assert altered() == ""
    assert claims[0].standing is ct.Standing.PROVED


@pytest.mark.parametrize(
    ("part", "value"), [("default", 3), ("compare", False), ("init", False), ("default_factory", list)]
)
def test_a_field_that_was_rewritten_is_seen(part, value):
    """What a constructor puts into a field is asked of the field itself."""
    entry = ct.RandK.__dataclass_fields__["k"]
    before = getattr(entry, part)
    setattr(entry, part, value)
    try:
        assert altered() == "field k of a dataclass of the package was rewritten after import"
    finally:
        setattr(entry, part, before)
    assert altered() == ""


def test_a_field_that_was_exchanged_is_seen(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(ct.RandK.__dataclass_fields__, "k", ct.TopK.__dataclass_fields__["k"])
        assert altered() == "compth.compressors.rand_k.RandK.__dataclass_fields__.k was replaced after import"
    assert altered() == ""


@pytest.mark.parametrize(
    "function", [sympy.cancel, sympy.Expr.expand, scipy.linalg.lu_factor, ct.tune], ids=lambda f: f.__name__
)
def test_the_code_of_what_was_imported_by_name_is_watched(function):
    """A function of sympy, and one that a decorator of Python's or of scipy's wraps: by the code of what is called."""
    before = function.__code__
    function.__code__ = compile_like(before)
    try:
        assert altered().endswith("was rewritten after import")
    finally:
        function.__code__ = before
    assert altered() == ""


def compile_like(code):
    return code.replace(co_name="other")


def test_a_function_replaced_before_the_import_that_names_it_is_seen():
    """`from scipy.optimize import brentq` in a module that is imported late took what somebody had put there."""
    program = (
        "import compth, scipy.optimize, sys; from compth._own import altered;"
        "assert 'compth.dynamics.steps' not in sys.modules;"
        "true = scipy.optimize.brentq; scipy.optimize.brentq = lambda *a, **k: 1.0;"
        "import compth.dynamics.steps as steps; scipy.optimize.brentq = true;"
        "print(altered()); steps.brentq = true; print(altered())"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "compth.dynamics.steps.brentq was replaced after import\n\n"


def test_nothing_is_proved_in_a_changed_package(monkeypatch):
    program = lambda x, rng: 2 * x * (rng.random(len(x)) < 0.5)  # noqa: E731
    monkeypatch.setattr(np.linalg, "eigvalsh", lambda *a, **k: None)
    for thing in (program, ct.RandK(1)):
        report = ct.certify(thing, 2, claims=ct.Unbiased(1), budget="quick")
        assert "PROVED" not in {c.verdict for c in report.certificates}
        assert any("numpy.linalg.eigvalsh was replaced" in note for note in report.info["not_checked"])


def test_what_is_kept_from_a_changed_package_is_forgotten(monkeypatch):
    """The index read through another json.loads: nothing while it lasts, the true one afterwards."""
    ct.claims.proved_index.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(json, "loads", lambda text: {"proved": ["mine"]})
        assert ct.claims.proved_index() == frozenset()
    assert ct.RandK(2).claims(10)[0].standing is ct.Standing.PROVED


def test_a_module_from_elsewhere_is_not_the_packages(tmp_path, monkeypatch):
    import compth.compressors as home

    (tmp_path / "strange_one.py").write_text(
        "import numpy as np\nfrom compth.compressors.rand_k import RandK as Base\n"
        "class RandK(Base):\n    def draw(self, shape, rng):\n        return np.ones(shape)\n"
    )
    monkeypatch.setattr(home, "__path__", [*home.__path__, str(tmp_path)])
    strange = importlib.import_module("compth.compressors.strange_one")
    monkeypatch.undo()
    assert foreign(strange.RandK(2)) == "RandK.draw is not the package's own"
    del sys.modules["compth.compressors.strange_one"], home.strange_one


UNMADE = [
    (ct.Bernoulli(0.5), "p", 1.5), (ct.SendOrSkip(ct.RandK(1), 0.5), "p", 1.5), (ct.RandK(2), "k", 1.5),
    (ct.TopK(2), "k", -1), (ct.TopK(2), "k", np.int8(2)), (ct.Scaled(ct.RandK(2), 0.5), "factor", -0.5),
    (ct.Averaged(ct.RandK(2), 2), "m", 2.5), (ct.RandomDithering(2), "s", 2.5), (ct.RandomDithering(2), "p", 0.5),
    (ct.DCGD(ct.RandK(1), gamma=0.1), "gamma", -1.0), (ct.MARINA(ct.RandK(1), p=0.5), "p", 2.0),
    (ct.problems.Minibatch(1), "size", 1.5), (ct.RandK(2), "deterministic", True), (ct.RandK(2), "source", None),
    (ct.DCGD(ct.RandK(1)), "planned", {"gamma": "alpha"}), (ct.DIANA(ct.RandK(1)), "requires", ()),
    (ct.EF21(ct.TopK(1)), "known", ()), (ct.GD(), "takes_oracle", True),
]  # fmt: skip


@pytest.mark.parametrize(("thing", "name", "value"), UNMADE, ids=str)
def test_what_no_constructor_makes_is_not_the_packages(thing, name, value):
    assert foreign(thing) == ""
    forged = copy.copy(thing)
    object.__setattr__(forged, name, value)
    assert foreign(forged), name
    assert foreign(pickle.loads(pickle.dumps(forged)))


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (ct.Bernoulli, (sympy.Rational(3, 2),)),
        (ct.SendOrSkip, (ct.RandK(1), sympy.Rational(3, 2))),
        (ct.RandK, (sympy.Integer(-3),)),
        (ct.TopK, (sympy.Rational(3, 2),)),
        (ct.TopK, (sympy.nan,)),
        (ct.BiasedSparsification, (sympy.Rational(3, 2),)),
        (ct.Averaged, (ct.RandK(1), sympy.Rational(1, 2))),
        (ct.RandomDithering, (sympy.Integer(-2),)),
    ],
)
def test_numbers_of_sympy_keep_to_the_rules(kind, args):
    with pytest.raises(ct.errors.InvalidParameter):
        kind(*args)


def test_narrow_numbers_are_computed_with_as_pythons():
    half, k = np.float16(0.1), np.int8(100)
    assert ct.Bernoulli(half).claims(5)[0].omega == 1 / float(half) - 1  # float16 says 9
    assert (ct.RandK(k), ct.RandK(sympy.Integer(100))) == (ct.RandK(100), ct.RandK(100))
    assert ct.RandK(2).claims(np.int8(100))[0].omega == 49
    assert type(ct.DCGD(ct.RandK(1), gamma=np.float32(0.1)).gamma) is float
    assert type(NiceSampling(np.int64(3), np.int64(2)).m) is int
