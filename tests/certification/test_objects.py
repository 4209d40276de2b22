"""False objects are never PROVED: those that were, and a fuzz of subclasses, wrappers and one-token mutants."""

import contextlib
import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.certification import realised, statistics
from compth.certification.realised import forms
from compth.certification.run import BUDGETS, Run
from compth.certification.stages.proofs import proofs_of
from compth.certification.subject import as_subject
from compth.claims import how_sharp, sure
from compth.errors import CompthError, NoGuarantee, Unsupported
from tests.certification.strange import (
    BASES,
    DAMAGES,
    EVERYWHERE,
    LIES,
    THIN,
    D,
    Lying,
    Wrapped,
    lying,
    mutants,
    thin_subclass,
    values,
)

PROVED, REFUTED, ASSUMED = ct.Verdict.PROVED, ct.Verdict.REFUTED, ct.Standing.ASSUMED
PROBLEM = ct.problems.random_quadratic(n=2, d=D, kappa=4, seed=0)


def typed(thing, d=D, n=None):
    """Claims of an object whose standing is PROVED."""
    claims = thing.claims(d) if n is None else thing.claims(n, d)
    return [str(c) for c in claims if sure(c) is ct.Standing.PROVED]


def staged(thing, claims, d=D, n=None):
    """Claims that the proof stage, which alone makes proofs, proves of every form of an object."""
    subject, left = as_subject(thing, n), {str(c) for c in claims}
    for form in (subject, *forms(subject)):
        run = Run(form, BUDGETS["quick"], 1e-9, 0)
        stage = proofs_of(run, d, [c for c in claims if str(c) in left])
        left &= {c.claim for c in stage if c is not None and c.verdict is PROVED}
    return left


def proved(thing, d=D, n=None):
    """What of an object's claims is PROVED: by standing, or by the whole call where its proof stage has any."""
    claims = thing.claims(d) if n is None else thing.claims(n, d)
    left = staged(thing, [c for c in claims if n is None or isinstance(c, ct.JointVariance)], d, n)
    if not left:
        return typed(thing, d, n)
    report = ct.certify(thing, d, n=n, budget="quick")
    by_call = [c.claim for c in report.certificates if c.verdict is PROVED and report.verdict is not REFUTED]
    return typed(thing, d, n) + by_call


@pytest.mark.slow
def test_the_harness_sees_a_proof():
    assert proved(ct.RandK(2)) == ["Unbiased(omega=1)"] * 2
    assert proved(Lying()) == ["Unbiased(omega=3)"]  # honest: its draw is traced
    assert proved(Lying(), 40) == ["Unbiased(omega=39)"]


def impure(text):
    """A sketch whose claims() changes what it says."""
    space = {"ct": ct, "CALLS": []}
    exec(f"def claims(self, d):\n    {text}", space)
    return type("Lying", (Lying,), {"claims": space["claims"]})()


@pytest.mark.slow
def test_a_scaling_by_what_a_users_sketch_claims_is_proved_where_the_claim_is_plain():
    """The factor 1/(1+omega) comes out of the user's claims(), which was refused for making a claim."""
    plain = ct.Scaled(Lying())
    assert len(staged(plain, plain.claims(D))) == 2
    moving = "CALLS.append(0) or len(CALLS)"
    for text in (f"return (ct.Unbiased(d - 1 if {moving} < 40 else 9 * d),)", "return (ct.Unbiased((d - 1) / 2),)",
                 "return (ct.Unbiased(d - 1 if type(d) is int else 9 * d),)"):  # fmt: skip
        scaled = ct.Scaled(impure(text))
        assert staged(scaled, scaled.claims(D)) == set()


THINNED = list(itertools.product(BASES, ("_compress", "kernel"), THIN, DAMAGES))
SKETCHED = list(itertools.product([ct.RandK(2), ct.Bernoulli(0.5)], ("draw", "weights"), EVERYWHERE, DAMAGES))
"""Sketches of the package with another draw."""


def chosen(cases, count, seed):
    rng = np.random.default_rng(seed)
    return [cases[i] for i in sorted(rng.choice(len(cases), size=count, replace=False))]


@pytest.mark.parametrize("condition", THIN)
def test_no_thin_subclass_is_proved(condition):
    for base, hook, _, damage in chosen([c for c in THINNED if c[2] == condition], 9, 1):
        assert proved(thin_subclass(base, hook, condition, damage)) == [], (base, hook, damage)


@pytest.mark.parametrize("condition", [*THIN, *EVERYWHERE])
def test_no_thin_wrapper_is_proved(condition):
    for inner, damage in chosen(list(itertools.product(BASES, DAMAGES)), 4, 2):
        assert proved(Wrapped(inner, condition, damage)) == [], (inner, damage)


def test_no_subclass_that_is_wrong_everywhere_is_proved():
    every = itertools.product(BASES[:10], ("_compress", "kernel", "compress"), EVERYWHERE, DAMAGES)
    for base, hook, condition, damage in [*chosen(list(every), 24, 3), *SKETCHED]:
        if (type(base), damage) == (ct.Identity, "clipped"):
            continue
        assert proved(thin_subclass(base, hook, condition, damage)) == [], (base, hook, damage)


COMBINATORS = [
    (lambda c: ct.Scaled(c), None),
    (lambda c: ct.Averaged(c, 2), None),
    (lambda c: ct.Composed(c, ct.Identity()), None),
    (lambda c: ct.Composed(ct.Identity(), c), None),
    (lambda c: ct.Induced(ct.TopK(1), c), None),
    (lambda c: ct.SendOrSkip(c, 0.5), None),
    (lambda c: ct.Independent(c), 2),
    (lambda c: ct.Shared(c), 2),
    (lambda c: ct.Independent([ct.Identity(), c]), 2),
]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.slow
def test_no_combinator_of_a_lying_sketch_is_proved(lie):
    assert proved(lying(lie)) == []
    for make, n in COMBINATORS:
        if (lie, n) == ("vectors", 2):  # a fleet draws rows, and there the sketch is right
            continue
        assert proved(make(lying(lie)), 3, n) == [], make(lying(lie))


KINDS = [
    (ct.RandK, ("draw", "inclusion", "claims", "weights")),
    (ct.Bernoulli, ("draw", "inclusion", "claims", "weights")),
    (ct.TopK, ("_compress", "kernel", "claims")),
    (ct.NaturalCompression, ("_compress", "kernel", "claims")),
    (ct.ScaledSign, ("_compress", "claims")),
    (ct.Scaled, ("_compress", "kernel", "scale", "claims")),
    (ct.TernGrad, ("_compress", "claims")),
    (ct.BiasedSparsification, ("_compress", "claims", "draw")),
    (ct.RandomBlocks, ("_compress", "claims", "draw")),
]


def law(c, x):
    """Outcomes of a compressor at x and of its kernel on two rows, as many as some seeds show."""
    seen = set()
    for seed in range(60):
        for call, given in ((c._compress, x), (c.kernel, np.stack([x, 2 * x])), (c._compress, x[None])):
            seen.add((given.shape, np.asarray(call(given.copy(), np.random.default_rng(seed))).tobytes()))
    return seen


@pytest.mark.parametrize(("kind", "functions"), KINDS, ids=lambda v: getattr(v, "__name__", ""))
@pytest.mark.slow
def test_a_one_token_mutant_is_proved_only_where_it_does_the_same(kind, functions):
    """No claim of a mutant is proved by its proof id, by a certificate only one that does what the original does."""
    seen, original = 0, kind.examples()[0]
    for number, mutant in mutants(kind, functions, 12, 5):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                thing = mutant(**values(original))
                claims = thing.claims(D)
                found = staged(thing, claims)
        except (CompthError, ArithmeticError, TypeError, ValueError, IndexError):
            continue
        seen += 1
        assert [c for c in claims if sure(c) is not ASSUMED] == [], number
        if found and law(thing, X) == law(original, X):
            assert staged(original, [c for c in claims if str(c) in found]) == found, number
        elif found:
            assert proved(thing) == [], number
    assert seen >= 3


X = np.array([1.7, -0.4, 3.0, -2.2])


# what was PROVED once


class Drops(ct.RandK):
    def _compress(self, x, rng):
        y = super()._compress(x, rng).copy()
        y[..., 7:8] = 0
        return y


class KernelDrops(ct.RandK):
    def kernel(self, x, rng):
        y = super().kernel(x, rng).copy()
        y[..., 7:8] = 0
        return y


class Clips(ct.Bernoulli):
    def kernel(self, x, rng):
        return np.clip(super().kernel(x, rng), -50, 50)


class Nothing(ct.RandK):
    def _compress(self, x, rng):
        return np.zeros_like(x)


class Never(ct.RandK):
    def draw(self, shape, rng):
        w = super().draw(shape, rng)
        w[..., 7:8] = 0
        return w


@pytest.mark.parametrize("budget", ["quick", pytest.param("normal", marks=pytest.mark.slow)])
@pytest.mark.parametrize("c", [Drops(3), KernelDrops(3), Nothing(3), Never(3), ct.Scaled(Never(3))], ids=repr)
def test_a_sketch_with_another_program_is_refuted(c, budget):
    report = ct.certify(c, 20, budget=budget)
    assert report.verdict is REFUTED
    assert [v for v in report.certificates if v.verdict is PROVED] == []


def test_a_kernel_that_clips_is_refuted_where_it_clips():
    report = ct.certify(Clips(0.5), 20, budget="quick")
    assert report.verdict is REFUTED


@pytest.mark.parametrize("d", [5, 40])
def test_a_deterministic_kernel_is_held_to_its_reference(d):
    zero = thin_subclass(ct.TopK(2), "kernel", "always", "zeros")
    report = ct.certify(zero, d, budget="quick")
    assert report.verdict is REFUTED
    assert "what _compress never does" in report.certificates[0].technique


@pytest.mark.parametrize("lie", ["vectors", "weights", "never the last"])
@pytest.mark.parametrize("make", [lambda c: c, ct.Scaled], ids=["alone", "scaled"])
def test_wrong_weights_are_refuted(make, lie):
    report = ct.certify(make(lying(lie)), 6, budget="quick")
    assert report.verdict is REFUTED


def test_pair_inclusions_are_traced_before_a_curve_rests_on_them():
    honest, pairs = ct.DCGD(Lying(), gamma=0.1), ct.DCGD(lying("pairs"), gamma=0.1)
    same = ct.DCGD(ct.RandK(1), gamma=0.1)
    assert ct.exact(honest, PROBLEM, 5).mean_square == pytest.approx(
        ct.exact(same, PROBLEM, 5).mean_square, rel=1e-12
    )
    with pytest.raises(Unsupported, match="noise\\(\\) at d = 4 is not that of its draws"):
        ct.exact(pairs, PROBLEM, 5)


def test_rows_that_are_drawn_together_are_no_independent_workers():
    class Tied(Lying):
        def draw(self, shape, rng):
            return np.broadcast_to(super().draw((shape[-1],), rng), shape)

    with pytest.raises(Unsupported, match="rows of its draw are not independent"):
        ct.exact(ct.DCGD(Tied(), gamma=0.1), PROBLEM, 5)
    assert ct.exact(ct.DCGD(ct.Shared(Tied()), gamma=0.1), PROBLEM, 5).mean_square[0] > 0


# methods and problems


def slowed(kind):
    """A method whose step moves a tenth as far."""

    def step(self, problem, state, rng, plan, t):
        after = kind.step(self, problem, state, rng, plan, t)
        return replace(after, x=state.x + (after.x - state.x) / 10)

    return type(kind.__name__, (kind,), {"step": step, "__module__": kind.__module__})


def keeps_its_step(m):
    """True when engine `fast` refuses the method or runs its own step, or a round made from its own trace."""
    from compth.methods import Plan
    from compth.methods.core.body import runs_its_body
    from compth.simulation.engines import engine_of
    from compth.simulation.engines.looped import LoopedEngine

    try:
        found = engine_of("fast", m, PROBLEM, Plan(0.01), 0)
    except CompthError:
        return True
    if type(found) is LoopedEngine:
        return type(found._quick) is type(m)
    return found.body is m and runs_its_body(type(m))  # a round that was made from its own trace


SCALED = ct.Scaled(ct.RandK(1))
METHODS = [
    (ct.GD, ()), (ct.DCGD, (ct.RandK(1),)), (ct.EF, (SCALED,)), (ct.EF21, (SCALED,)), (ct.DIANA, (ct.RandK(1),)),
    (ct.MARINA, (ct.RandK(1),)), (ct.ADIANA, (ct.RandK(1),)), (ct.SAGA, ()), (ct.LSVRG, ()),
    (ct.SEGA, ()), (ct.VRDIANA, (ct.RandK(1),)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given"), METHODS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_changed_step_inherits_nothing(kind, given):
    m = slowed(kind)(*given, gamma=0.01)
    with pytest.raises(NoGuarantee, match="step is not the package's own"):
        ct.guarantee(m, PROBLEM)
    for call in (
        ct.exact_rate,
        ct.max_stable_step,
        ct.stationary,
        ct.best_step,
        lambda m, p: ct.exact(m, p, 3),
    ):
        with pytest.raises(Unsupported, match=r"not the package's own|changes what its body says"):
            call(m, PROBLEM)
    from compth.studies.step_sizes import worst_case_rate

    assert worst_case_rate(m, PROBLEM, 0.01) is None
    assert keeps_its_step(m)


def test_an_attribute_of_the_method_itself_is_a_changed_step():
    m = ct.DCGD(ct.RandK(1))
    object.__setattr__(m, "step", lambda problem, state, rng, plan, t: state)
    with pytest.raises(NoGuarantee, match=r"DCGD\.step was replaced on the object"):
        ct.guarantee(m, PROBLEM)


@pytest.mark.parametrize("name", ["gradients", "gradient", "L", "mu", "x_star"])
def test_a_problem_that_changes_what_it_inherits_has_no_guarantee(name):
    def other(self, *x):
        return getattr(super(liar, self), name)(*x) / 10 if x else getattr(PROBLEM, name) / 10

    liar = type(
        "Liar", (ct.problems.DistributedQuadratic,), {name: other if "grad" in name else property(other)}
    )
    p = object.__new__(liar)
    p.__dict__.update(PROBLEM.__dict__)
    m = ct.DCGD(ct.RandK(1), gamma=0.01)
    with pytest.raises(NoGuarantee, match=f"Liar.{name} is not the package's own"):
        ct.guarantee(m, p)
    with pytest.raises(Unsupported, match=f"Liar.{name}"):
        ct.exact(m, p, 3)


# standing cannot be typed


class Typed(ct.Unbiased):
    standing = ct.Standing.PROVED


def test_typed_proofs_are_assumed():
    claim = ct.Unbiased(0.001, proof="randk.omega")
    assert claim.standing is ASSUMED
    proved_one = ct.RandK(1).claims(10)[0]
    assert proved_one.standing is ct.Standing.PROVED
    assert proved_one.with_constants(omega=0.1).standing is ASSUMED
    assert replace(proved_one, sharpness=ct.Sharpness.UPPER).standing is ASSUMED
    object.__setattr__(proved_one, "omega", 0.1)
    assert proved_one.standing is ASSUMED
    assert sure(Typed(0.001)) is ASSUMED
    assert Never(1).claims(10)[0].standing is ASSUMED


def test_a_claim_marked_by_hand_is_asked_again():
    class Equal(ct.Unbiased):
        def __eq__(self, other):
            return True

        __hash__ = None

    for forged in (ct.Unbiased(0.001, proof="randk.omega"), Equal(0.001, proof="randk.omega")):
        object.__setattr__(forged, "_issuer", (ct.RandK(1), (10,), {}))
        assert forged.standing is ASSUMED


def test_a_fleet_is_proved_only_where_every_member_is():
    fleet = ct.Independent([ct.RandK(2), Never(3)])
    assert {c.standing for c in fleet.claims(2, 10)} == {ASSUMED}
    unproved = next(e for e in ct.LpQuantization.examples() if e.claim(ct.Unbiased, 6).standing != "PROVED")
    mixed = ct.Independent([ct.RandK(1), unproved]).claims(2, 6)
    assert all(c.standing is not ct.Standing.PROVED for c in mixed)


def test_a_users_claim_reads_assumed_in_a_guarantee_and_a_comparison():
    class Optimist(ct.RandK):
        def claims(self, d):
            return (ct.Unbiased(0.001, proof="randk.omega"),)

    m = ct.DCGD(Optimist(1))
    rate = ct.guarantee(m, PROBLEM, "dcgd.general")
    assert rate.standing == "ASSUMED"
    assert any(line.startswith("assumed: JointVariance(A=0.0005") for line in rate.assumed)
    assert ct.guarantee(ct.DCGD(ct.RandK(1)), PROBLEM, "dcgd.general").standing == "PROVED"
    found = ct.compare([m], PROBLEM, 20, 2)
    assert found.rows[0].standing.startswith("ASSUMED")
    assert found.rows[0].theorem_standing.startswith("ASSUMED")
    assert found.rows[0].tight_rate is None
    assert "PROVED" not in found.table() + found.to_json()
    assert all("assumed: Joint" in text for text in (found.table(), found.to_html()))


def test_a_users_theorem_and_downlink_read_assumed():
    from compth.methods.dcgd import DCGDGeneral

    class Mine(DCGDGeneral):
        id = "mine"
        standing = ct.Standing.PROVED

    rate = ct.guarantee(ct.DCGD(ct.RandK(1)), PROBLEM, Mine())
    assert (rate.standing, rate.assumed) == ("ASSUMED", ("assumed: the theorem mine",))
    rate = ct.guarantee(ct.DCGD(ct.RandK(1), downlink=Never(1)), PROBLEM, "dcgd.bidirectional")
    assert "assumed: omega = 3 of the downlink Never(k=1)" in rate.assumed


def test_a_theorem_of_another_method_does_not_apply():
    from compth.methods.dcgd import DCGDGeneral

    with pytest.raises(NoGuarantee, match="it is no theorem of DIANA"):
        ct.guarantee(ct.DIANA(ct.RandK(1)), PROBLEM, DCGDGeneral())


def test_tight_is_plain_only_where_attainment_is_proved():
    said = [
        (ct.RandK(1), "tight"),  # equality at every input
        (ct.NaturalCompression(), "tight"),  # equality on a named instance
        (ct.TopK(1), "tight: bound proved, attained in tests"),
        (ct.Composed(ct.NaturalCompression(), ct.RandK(1)), "upper"),
        (Never(1), "tight: assumed"),
    ]
    for c, words in said:
        assert how_sharp(c.claims(6)[0]) == words, c
    assert how_sharp(ct.RandK(1).claims(6)[0].with_constants(omega=0.1)) == "tight: assumed"


CODE = ("step", "body")
STEPS = [(ct.GD, CODE), (ct.DCGD, CODE), (ct.EF, CODE), (ct.DIANA, CODE), (ct.MARINA, CODE),
         (ct.SAGA, CODE), (ct.SEGA, CODE)]  # fmt: skip


@pytest.mark.parametrize(("kind", "functions"), STEPS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_mutant_of_a_method_promises_nothing_that_is_proved(kind, functions):
    """Its theorems are copies too: what they promise is assumed. Exact is what its own body gives, if anything."""
    seen = 0
    for number, mutant in mutants(kind, functions, 6, 7):
        m = mutant(*([] if kind in (ct.GD, ct.SAGA, ct.SEGA) else [ct.RandK(1)]), gamma=0.01)
        with contextlib.suppress(CompthError):
            assert ct.guarantee(m, PROBLEM).standing == "ASSUMED", number
        traced = (ct.exact_rate, ct.max_stable_step) if "body" not in vars(kind) else ()
        for call in traced:
            with pytest.raises(CompthError):
                call(m, PROBLEM)
        assert keeps_its_step(m)
        seen += 1
    assert seen


class ThreeForms(ct.Compressor):
    """Noise of a tenth of the norm, with a kernel and a compress of its own: three programs that are sampled."""

    def _compress(self, x, rng):
        return x + 0.1 * np.linalg.norm(x, axis=-1, keepdims=True) * rng.standard_normal(x.shape)

    def kernel(self, x, rng):
        return self._compress(x, rng)

    def compress(self, x, rng):
        return self._compress(x, rng)

    def claims(self, d):
        return (ct.Unbiased(d / 100),)

    def bits(self, d, float_bits=64):
        return ct.BitCost(floats=d, float_bits=float_bits)

    @classmethod
    def examples(cls):
        return (cls(),)


def test_one_alpha_pays_for_all_forms_and_audits(monkeypatch):
    """Every stage that spends the level is asked what it spends: samples all of it, two tails over rows a half."""
    spent = []
    settle, rows = statistics.settle, realised.one_hot_breach

    def settled(run, *rest):
        spent.append(run.alpha)
        return settle(run, *rest)

    def looked(subject, d, alpha, seed):
        spent.append(alpha / 2)
        return rows(subject, d, alpha, seed)

    monkeypatch.setattr(statistics, "settle", settled)
    monkeypatch.setattr(realised, "one_hot_breach", looked)
    report = ct.certify(ThreeForms(), (3, 4), alpha=1e-6, budget="quick")
    assert report.verdict is not REFUTED
    assert len(spent) == 2 * 3 * 2  # two dimensions, three forms, samples and rows
    assert 4e-7 < sum(spent) <= 1e-6
