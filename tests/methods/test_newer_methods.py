"""The field's newer methods: identities of their papers, theorems on extremal and random quadratics, spoiled ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee, Unsupported
from compth.methods.compressed_scaffnew import Owners
from compth.methods.local_ist import rest_of_mean
from compth.problems import distributed_quadratic, random_finite_sum, random_quadratic
from tests.unwatched import unwatched

from .grid import Spoiled

HALF = Fraction(1, 2)
ONE, MASK = ct.RandK(1), ct.Scaled(ct.RandK(1))
COIN, KEPT = ct.Bernoulli(HALF), ct.Scaled(ct.Bernoulli(HALF))
EVEN = random_quadratic(2, 2, 2, seed=1, minimisers=1.0)
SPREAD = random_quadratic(2, 3, 6, seed=5, minimisers=1.0)


def curve(method, problem=SPREAD, steps=12):
    """E||x_t - x*||^2."""
    return ct.exact(method, problem, steps).mean_square


def assert_same(a, b):
    """The curves are equal, relative to their size."""
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


# -- identities ------------------------------------------------------------------------------------------------------


def test_econtrol_without_feedback_is_ef21():
    """EF21 moves before it learns: its curve is EControl's, a round later."""
    assert_same(curve(ct.EControl(MASK, 0.1, eta=0), steps=11), curve(ct.EF21(MASK, 0.1))[1:])


def test_ef21_sgdm_that_forgets_at_once_is_ef21():
    assert_same(curve(ct.EF21SGDM(MASK, 0.1, eta=1)), curve(ct.EF21(MASK, 0.1)))


def test_ef21_sgdm_that_forgets_at_once_is_ef21_with_drawn_gradients_too():
    noisy = ct.problems.additive_noise(random_quadratic(2, 2, 4, seed=1), 2)
    one = ct.Minibatch(1)
    found = [
        curve(k, noisy) for k in (ct.EF21SGDM(MASK, 0.1, eta=1, oracle=one), ct.EF21(MASK, 0.1, oracle=one))
    ]
    assert_same(*found)


def test_diana_without_momentum_is_diana():
    assert_same(
        curve(ct.DIANAMomentum(ONE, 0.1, alpha=HALF / 2, beta=0)), curve(ct.DIANA(ONE, 0.1, alpha=HALF / 2))
    )


def test_dasha_of_exact_messages_is_gradient_descent():
    assert_same(curve(ct.DASHA(ct.Identity(), 0.3)), curve(ct.GD(gamma=0.3)))


def test_econtrol_of_exact_messages_is_gradient_descent():
    assert_same(curve(ct.EControl(ct.Identity(), 0.3, eta=HALF)), curve(ct.GD(gamma=0.3)))


def test_rand_diana_of_exact_messages_is_gradient_descent():
    assert_same(curve(ct.RandDIANA(ct.Identity(), 0.3, p=HALF)), curve(ct.GD(gamma=0.3)))


def test_ef21_bc_without_downlink_compression_is_ef21():
    assert_same(curve(ct.EF21BC(MASK, 0.1)), curve(ct.EF21(MASK, 0.1)))


def test_ef21_bc_of_exact_messages_is_gradient_descent():
    """Its theorem's metric is known too: it was refused, as the normal form follows no mean of exact memories."""
    bound = ct.guarantee(ct.EF21BC(ct.Identity(), 0.3), SPREAD)
    run = ct.exact(ct.EF21BC(ct.Identity(), 0.3), SPREAD, 12)
    assert_same(run.mean_square[1:], curve(ct.GD(gamma=0.3), steps=11))
    assert (run.mean_metric <= [bound.bound(t) * (1 + 1e-9) for t in range(13)]).all()
    assert run.mean_metric[0] == pytest.approx(bound.start)


def test_ef21_p_without_downlink_compression_is_diana():
    assert_same(curve(ct.EF21P(ONE, 0.1, alpha=HALF / 2)), curve(ct.DIANA(ONE, 0.1, alpha=HALF / 2)))


def test_mcm_that_moves_its_memory_at_once_is_ef21_p():
    both = ct.MCM(ONE, 0.1, alpha=HALF / 2, alpha_down=1, downlink=MASK)
    assert_same(curve(both), curve(ct.EF21P(ONE, 0.1, alpha=HALF / 2, downlink=MASK)))


def test_artemis_without_downlink_memory_is_diana_with_a_compressed_broadcast():
    both = {"alpha": HALF / 2, "downlink": ONE}
    assert_same(curve(ct.Artemis(ONE, 0.1, **both)), curve(ct.DIANA(ONE, 0.1, **both)))


def test_relaxed_gdci_of_exact_messages_is_gradient_descent():
    assert_same(curve(ct.RelaxedGDCI(ct.Identity(), 0.6, eta=HALF)), curve(ct.GD(gamma=0.3)))


def test_relaxed_gdci_of_one_worker_that_takes_all_is_gdci_half_a_round_on():
    """Both alternate C and T = id - gamma grad f; relaxed GDCI ends with C, GDCI begins with it: T(C(..)) from T(x)."""
    one, coin = random_quadratic(1, 2, 4, seed=2, minimisers=1.0), ct.Bernoulli(Fraction(3, 4))
    moved = one.start - 0.2 * one.gradient(one.start)
    after = ct.exact(ct.GDCI(coin, 0.2), one, 6, x0=moved).mean
    before = ct.exact(ct.RelaxedGDCI(coin, 0.2, eta=1), one, 6).mean
    np.testing.assert_allclose(after, before - 0.2 * one.gradient(before), rtol=1e-12, atol=1e-13)


def test_vr_gdci_of_exact_messages_is_gradient_descent():
    assert_same(curve(ct.VRGDCI(ct.Identity(), 0.6, eta=HALF)), curve(ct.GD(gamma=0.3)))


def test_dcgd_star_is_diana_that_has_learned():
    """The shifts stand at grad f_i(x*): DCGD on what is left, in one step of every outcome of the coins."""
    star, x, gamma = SPREAD.gradients_at_star, SPREAD.start, 0.1
    weights = [np.array(w).reshape(2, 3) for w in product((0.0, 2.0), repeat=6)]
    moved = [x - gamma * (star + w * (SPREAD.gradients(x) - star)).mean(axis=0) for w in weights]
    want = np.mean([SPREAD.distance_squared(v) for v in moved])
    assert curve(ct.DCGDStar(COIN, gamma), steps=1)[1] == pytest.approx(want, rel=1e-12)


def test_rand_diana_that_always_refreshes_is_not_dcgd_star():
    """Its shifts are last round's gradients and not those at x*: the two differ from the second round on."""
    always, star = curve(ct.RandDIANA(ONE, 0.1, p=1)), curve(ct.DCGDStar(ONE, 0.1))
    assert abs(always[3] / star[3] - 1) > 1e-3


def test_page_is_marina_whose_workers_are_its_parts():
    """One of m parts, drawn uniformly, is the fleet in which one of m workers speaks."""
    sums = random_finite_sum(1, 3, 2, 5, seed=4, minimisers=1.0)
    parts = distributed_quadratic(sums.parts[0], sums.offsets[0])
    one = ct.Sampled(ct.Identity(), ct.NiceSampling(3, 1))
    assert_same(curve(ct.PAGE(0.1, p=HALF), sums), curve(ct.MARINA(one, 0.1, p=HALF), parts))


def test_dasha_page_that_always_takes_full_gradients_is_dasha():
    sums = random_finite_sum(2, 2, 2, 5, seed=4, minimisers=1.0)
    assert_same(curve(ct.DASHAPAGE(ONE, 0.1, p=1), sums), curve(ct.DASHA(ONE, 0.1), sums))


def test_dasha_page_of_exact_messages_is_page():
    sums = random_finite_sum(2, 2, 2, 5, seed=4, minimisers=1.0)
    assert_same(curve(ct.DASHAPAGE(ct.Identity(), 0.1, p=HALF), sums), curve(ct.PAGE(0.1, p=HALF), sums))


def test_mast_of_shared_out_coordinates_is_ist():
    both = random_quadratic(2, 4, 5, seed=3, minimisers=1.0)
    assert_same(curve(ct.MAST(ct.PermK(2), 0.1), both), curve(ct.IST(ct.PermK(2), 0.1), both))


@pytest.mark.parametrize("local", [1, 3])
def test_ist_with_local_steps_ends_where_its_closed_form_says(local):
    run = ct.exact(ct.LocalIST(ct.PermK(2), 0.5, local=local), EVEN, 260)
    rest = rest_of_mean(EVEN, 0.5, local)
    np.testing.assert_allclose(run.mean[-1], rest, rtol=1e-12)
    assert np.abs(rest - EVEN.x_star).max() > 0.1


def test_a_closed_form_of_other_steps_is_seen():
    run = ct.exact(ct.LocalIST(ct.PermK(2), 0.5, local=3), EVEN, 260)
    assert np.abs(run.mean[-1] / rest_of_mean(EVEN, 0.5, 2) - 1).max() > 1e-3


def test_ist_with_one_local_step_is_ist_on_a_larger_model():
    """Masks against PermK's n times as large: IST with gamma/n on n b_i takes the same steps."""
    larger = distributed_quadratic(EVEN.A, 2 * EVEN.b)
    x0 = EVEN.start
    ours = ct.exact(ct.LocalIST(ct.PermK(2), 0.2), EVEN, 6, x0=x0).mean
    np.testing.assert_allclose(ours, ct.exact(ct.IST(ct.PermK(2), 0.1), larger, 6, x0=x0).mean, rtol=1e-12)


def test_marina_p_that_always_tells_the_model_is_gradient_descent():
    assert_same(curve(ct.MARINAP(ONE, 0.3, p=1), EVEN), curve(ct.GD(gamma=0.3), EVEN))


def test_marina_p_whose_messages_are_exact_is_gradient_descent():
    assert_same(curve(ct.MARINAP(ct.Identity(), 0.3, p=HALF), EVEN), curve(ct.GD(gamma=0.3), EVEN))


def test_marina_p_pays_the_downlink():
    run = ct.simulate(ct.MARINAP(ONE, 0.1, p=HALF), EVEN, 400, 64)
    message = float(ONE.bits(2).total)
    assert run.bits[-1] == 400 * 64
    assert run.downlink_bits[-1] / 400 == pytest.approx((64 + message) / 2, rel=0.05)


def test_clag_that_always_speaks_is_ef21():
    """The trigger fires at zeta = 0, but where nothing moved at all."""
    pair = (ct.CLAG(ct.TopK(1), 0.1, zeta=0), ct.EF21(ct.TopK(1), 0.1))
    assert_same(*(ct.simulate(m, SPREAD, 30, 2, 0).mean_square for m in pair))


def test_clag_of_exact_messages_is_lag():
    pair = (ct.CLAG(ct.Identity(), 0.1, zeta=4), ct.LAG(0.1, zeta=4))
    assert_same(*(ct.simulate(m, SPREAD, 30, 2, 0).mean_square for m in pair))


def test_lag_that_always_speaks_is_gradient_descent_a_round_later():
    late = ct.simulate(ct.LAG(0.1, zeta=0), SPREAD, 12, 2, 0).mean_square
    assert_same(late[1:], curve(ct.GD(gamma=0.1), steps=11))


def test_lag_says_a_bit_where_it_is_silent():
    """With zeta = 10^6 nothing is sent but the first gradients."""
    run = ct.simulate(ct.LAG(0.1, zeta=10**6), SPREAD, 9, 2, 0)
    assert run.bits[-1] == 9 + 3 * 32


def scaffnew(problem, gamma, p, steps):
    """Scaffnew (ProxSkip) by hand, E||mean x_i - x*||^2: with probability p everybody takes the mean of the models."""
    start = (np.tile(problem.start, (problem.n, 1)), np.zeros((problem.n, problem.d)))
    runs, out = [(1.0, *start)], []
    for _ in range(steps):
        after = []
        for chance, x, h in runs:
            mine = x - gamma * (np.einsum("ijk,ik->ij", problem.A, x) - problem.b) + gamma * h
            met = np.tile(mine.mean(axis=0), (problem.n, 1))
            after += [(chance * p, met, h + p / gamma * (met - mine)), (chance * (1 - p), mine, h)]
        runs = after
        out.append(sum(c * problem.distance_squared(x.mean(axis=0)) for c, x, _ in runs))
    return np.array(out)


def test_compressed_scaffnew_with_all_owners_is_scaffnew():
    ours = curve(ct.CompressedScaffnew(workers=2, owners=2, gamma=0.3, p=0.25), EVEN, steps=7)
    assert_same(ours[1:], scaffnew(EVEN, 0.3, 0.25, 7))


def test_locodl_that_always_meets_with_exact_messages_is_gradient_descent_on_doubled_weight():
    """y and x_i agree then: x+ = x - (gamma/2)(grad (f - ridge)(x) + ridge x), half of it for f, half for g."""
    ours = ct.LoCoDL(ct.Identity(), 0.6, p=1, mix=1, lift=1, ridge=0)
    assert_same(curve(ours, EVEN), curve(ct.GD(gamma=0.3), EVEN))


def test_owners_share_every_coordinate_out():
    drawn = Owners(4, 2).draw((50, 4, 3), np.random.default_rng(0))
    assert (np.count_nonzero(drawn, axis=1) == 2).all()
    fleet, x = Owners(3, 2), np.random.default_rng(1).standard_normal((3, 1))
    masks = [np.array(m)[:, None] * 1.5 for m in ((0, 1, 1), (1, 0, 1), (1, 1, 0))]
    variance = np.mean([((m * x).mean() - x.mean()) ** 2 for m in masks])
    joint = fleet.joint(3, 1)
    assert variance == pytest.approx(
        float(joint.A) * (x**2).mean() - float(joint.B) * x.mean() ** 2, rel=1e-12
    )


def test_ef21_w_of_homogeneous_compressors_is_ef21_and_of_others_is_not():
    for compressor, alike in ((ct.TopK(1), True), (ct.Scaled(ct.NaturalCompression()), False)):
        pair = (ct.EF21W.weighted(compressor, SPREAD.L_i, 0.1), ct.EF21(compressor, 0.1))
        ours, plain = (ct.simulate(m, SPREAD, 20, 2, 0).mean_square for m in pair)
        assert (np.abs(ours / plain - 1).max() < 1e-12) == alike


def test_the_arithmetic_mean_allows_longer_steps_than_the_quadratic():
    ours, plain = (ct.guarantee(kind(MASK), SPREAD).stepsize for kind in (ct.EF21W, ct.EF21))
    assert np.ptp(SPREAD.L_i) > 0.1
    assert ours > plain * 1.001


def test_the_mean_of_mast_rests_at_the_minimiser_of_the_sketched_objective():
    """E S A S = A + (1/p - 1) Diag(A) for masks with probability p; not where f has its own."""
    round_one = random_quadratic(2, 2, 2, seed=1, minimisers=1.0)
    run = ct.exact(ct.MAST(COIN, 0.3), round_one, 150)
    sketched = round_one.hessian + np.diag(np.diag(round_one.hessian))
    rest = np.linalg.solve(sketched, round_one.b.mean(axis=0))
    np.testing.assert_allclose(run.mean[-1], rest, rtol=1e-12)
    assert np.abs(rest - round_one.x_star).max() > 0.1


# -- theorems --------------------------------------------------------------------------------------------------------

THEOREMS = {
    "econtrol.pl": [ct.EControl(KEPT), ct.EControl(KEPT, eta=Fraction(1, 10))],
    "ef21sgdm.pl": [ct.EF21SGDM(KEPT), ct.EF21SGDM(KEPT, eta=1)],
    "randdiana.linear": [ct.RandDIANA(COIN), ct.RandDIANA(COIN, p=Fraction(1, 4))],
    "dasha.pl": [ct.DASHA(COIN)],
    "dasha.nonconvex": [ct.DASHA(COIN)],
    "ef21p.exact": [ct.EF21P(ct.Identity(), downlink=KEPT)],
    "ef21p.diana": [ct.EF21P(COIN, downlink=KEPT)],
    "ef21bc.pl": [ct.EF21BC(KEPT, downlink=KEPT), ct.EF21BC(KEPT)],
    "artemis.linear": [ct.Artemis(COIN, downlink=COIN)],
    "relaxed_gdci.neighbourhood": [ct.RelaxedGDCI(COIN)],
    "vrgdci.linear": [ct.VRGDCI(COIN)],
    "dcgd_star.linear": [ct.DCGDStar(COIN)],
    "marinap.pl": [ct.MARINAP(COIN), ct.MARINAP(ct.Shared(COIN))],
    "locodl.linear": [ct.LoCoDL(COIN), ct.LoCoDL(COIN, p=HALF)],
    "compressed_scaffnew.linear": [
        lambda q: ct.CompressedScaffnew(workers=q.n, owners=2),
        lambda q: ct.CompressedScaffnew(workers=q.n, owners=q.n, p=HALF),
    ],
    "ef21w.pl": [lambda q: ct.EF21W.weighted(KEPT, q.L_i), lambda q: ct.EF21W(KEPT)],
    "page.pl": [ct.PAGE(), ct.PAGE(p=HALF)],
}
"""What is held against settings in turn."""
SPOIL = {"dasha.nonconvex": {"pace": 8.0}, "relaxed_gdci.neighbourhood": {"floor": 0.01}}
"""What a spoil changes, where it is not the rate, eight times as fast."""
STEPS = 10


def settings(name, count):
    """Finite sums for samplers; else extremal quadratics (one curvature, both ends, opposed ones), then random ones."""
    if name.startswith("page"):
        for s in range(count):
            yield random_finite_sum(
                1 + s % 2, 2 + s % 2, 1 + s % 2, (1.0, 4.0)[s % 2], seed=s, minimisers=1.0
            )
        return
    few = 2 if name.startswith("compressed_scaffnew") else 1
    for low in (1.0, 0.3, 0.01):
        yield distributed_quadratic(np.array([[[low]]] * few), np.array([[low]] * few))
        yield distributed_quadratic(np.array([np.diag([low, 1.0])] * 2), np.array([[1.0, 0.0], [-1.0, low]]))
        yield distributed_quadratic(np.array([[[low]], [[2 - low]]]), np.array([[1.0], [-1.0]]))
    rng = np.random.default_rng(0)
    for s in range(count - 9):
        n, d = few + s % (4 - few), 2 if s % 10 == 0 else 1
        if d == 2:
            yield random_quadratic(n, d, (1.5, 10.0, 100.0)[s % 3], seed=s, hessians=0.8, minimisers=1.0)
        else:
            yield distributed_quadratic(
                rng.uniform(0.02, 1, (n, 1, 1)), rng.standard_normal((n, 1)) * (s % 5 > 0)
            )


def excess(method, theorem, problem):
    """max over t of metric/bound - 1 on exact curves; None where the theorem does not speak."""
    method = method(problem) if callable(method) else method
    try:
        promised = ct.methods.find_guarantee(method, problem, theorem, horizon=STEPS)
        run = ct.exact(method, problem, STEPS, theorem=promised.theorem)
    except (NoGuarantee, Unsupported):  # a step that ends the run leaves rounding, which no enumeration takes
        return None
    seen = promised.theorem.trajectory(run)
    bound = np.array([promised.rate.bound(t) for t in range(STEPS + 1)])
    use = ~np.isnan(seen) & np.isfinite(bound)
    return float(np.max(seen[use] / (bound[use] + 1e-14 * promised.rate.start))) - 1


def excesses(name, theorem, count):
    methods = THEOREMS[name]
    found = (excess(methods[k % len(methods)], theorem, q) for k, q in enumerate(settings(name, count)))
    return (v for v in found if v is not None)


@pytest.mark.slow
@pytest.mark.parametrize("name", THEOREMS)
@unwatched()
def test_no_bound_is_violated_and_a_spoiled_one_is(name):
    theorem = ct.methods.theorems()[name]
    held = list(excesses(name, theorem, 105))
    assert len(held) >= 100
    assert max(held) <= 1e-9
    spoil = SPOIL.get(name, {"rate": 8.0})
    assert any(v > 1e-6 for v in excesses(name, Spoiled(theorem, **spoil), 105))
