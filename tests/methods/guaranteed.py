"""Settings in which a guarantee is held against exact curves, or against runs at a stated error level.

A setting is a method of the catalogue with its compressors and parameters, a problem and a theorem, at a step the user
set: mostly the largest one. Nothing is compared on a problem to which the theorem does not speak.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import find_guarantee
from compth.problems import additive_noise, distributed_quadratic, random_finite_sum, random_quadratic
from compth.worst_case.certified_theorem import certified

from .bent import Bent, Wavy

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
ALPHA = 1e-10
"""Of one setting that is held against runs: 2,000 of them give a false alarm with probability 2e-7 at most."""
RUNS, BETS = 96, (0.05, 0.2, 0.5, 0.9)
EXACT_STEPS, RUN_STEPS, CHECKED = 8, 24, (1, 3, 8, 24)
CLOSED = ("GD", "DCGD", "EF", "EF21", "DIANA")
"""Methods whose certificates are closed forms: a setting takes a tenth of a second, others seconds."""


# -- methods ---------------------------------------------------------------------------------------------------------


def unbiased(rng, n, d):
    """A compressor or fleet for n workers."""
    some = [
        ct.RandK(1), ct.RandK(1), ct.Bernoulli(HALF), ct.Bernoulli(QUARTER), ct.NaturalCompression(), ct.TernGrad(),
        ct.RandomDithering(1), ct.Shared(ct.RandK(1)), ct.Identity(), ct.Induced(ct.TopK(1), ct.RandK(1)),
        ct.Independent([ct.Bernoulli(Fraction(1, 2 + i)) for i in range(n)]),
    ]  # fmt: skip
    if d % n == 0:
        some.append(ct.PermK(n))
    return some[rng.integers(len(some))]


def contractive(rng, n, d):
    """The same of contractions."""
    some = [
        ct.Scaled(ct.RandK(1)), ct.Scaled(ct.RandK(1)), ct.Scaled(ct.Bernoulli(HALF)), ct.TopK(1), ct.ScaledSign(),
        ct.Scaled(ct.NaturalCompression()), ct.Identity(),
        ct.Independent([ct.Scaled(ct.Bernoulli(Fraction(1, 2 + i))) for i in range(n)]),
    ]  # fmt: skip
    return some[rng.integers(len(some))]


def _downlink(rng, kind):
    some = (ct.RandK(1), ct.Bernoulli(HALF), ct.NaturalCompression())
    one = some[rng.integers(len(some))]
    return ct.Scaled(one) if kind in ("EF21P", "EF21BC", "MCM") else one


OWN = {
    "DIANA": {"alpha": (None, None, Fraction(1, 8))}, "MARINA": {"p": (None, HALF, Fraction(1, 10))},
    "EControl": {"eta": (None, Fraction(1, 20))}, "EF21SGDM": {"eta": (None, 1, QUARTER)},
    "RandDIANA": {"p": (None, HALF, Fraction(1, 10))}, "MARINAP": {"p": (None, HALF, 1)},
    "LoCoDL": {"p": (None, HALF, 1)}, "PAGE": {"p": (None, HALF)}, "LSVRG": {"p": (None, QUARTER)},
    "DIANAMomentum": {"beta": (0, Fraction(1, 10))},
}  # fmt: skip
"""Parameters that a user may set."""
BOTH_WAYS = {"DCGD", "DIANA", "EF21", "MARINA", "EF21P", "EF21BC", "Artemis", "MCM"}
SAMPLED = {"SGD", "SGDStar", "SAGA", "NSAGA", "LSVRG", "JacSketch", "VRDIANA", "PAGE", "DASHAPAGE"}
"""Methods of finite sums."""


def method_of(name, rng, n, d, noisy):
    """An instance of the catalogue's class for n workers in d dimensions."""
    kind, given = ct.methods.catalogue()[name], {}
    for parameter, values in OWN.get(name, {}).items():
        given[parameter] = values[rng.integers(len(values))]
    if name in BOTH_WAYS and rng.random() < (0.3 if name in ("DCGD", "DIANA", "EF21", "MARINA") else 0.9):
        given["downlink"] = _downlink(rng, name)
    if noisy and kind.takes_oracle and name not in ("SGD", "SGDStar"):
        given["oracle"] = ct.Minibatch(1)
    if name in ("SGD", "SGDStar"):
        return kind(oracle=(ct.Minibatch(1), ct.Minibatch(2, replace=True), ct.Importance())[rng.integers(3)])
    if name in ("IBCD", "IBGD", "ISAGA", "ISEGA", "IASGD"):
        return kind(tau=(HALF, Fraction(1, 3), QUARTER)[rng.integers(3)])
    if name == "CompressedScaffnew":
        return kind(workers=n, owners=int(rng.integers(2, n + 1)), p=(None, HALF)[rng.integers(2)])
    if name == "LAG":
        return kind(zeta=Fraction(int(rng.integers(0, 9))))
    if name == "CLAG":
        return kind(contractive(rng, n, d), zeta=Fraction(int(rng.integers(0, 9))))
    if name == "GDCI":
        return kind((ct.Bernoulli(Fraction(999, 1000)), ct.NaturalCompression())[rng.integers(2)])
    if name in ("IST", "LocalIST"):
        return kind(ct.PermK(n))
    if name == "EFBV":
        return kind((unbiased if rng.random() < 0.5 else contractive)(rng, n, d))
    if name == "EF21P" and rng.random() < 0.3:
        return kind(ct.Identity(), **given)
    if not kind.takes_compressor:
        return kind(**given)
    return kind((contractive if ct.Contractive in kind.requires else unbiased)(rng, n, d), **given)


# -- problems --------------------------------------------------------------------------------------------------------


def _extremal(rng, n, d, scale):
    """Equal scalars, both ends of the spectrum, opposed workers: where theorems are attained."""
    low = float(rng.choice([1.0, 0.3, 0.01]))
    curvatures = rng.choice([low, 1.0], (n, d))
    if rng.random() < 0.5:
        curvatures[:] = curvatures[0]
    minimisers = rng.standard_normal((n, d)) * float(rng.choice([0.0, 1.0, 10.0]))
    a = curvatures[:, :, None] * np.eye(d)
    return distributed_quadratic(scale * a, scale * curvatures * minimisers)


def _random(rng, n, d, scale):
    q = random_quadratic(
        n, d, float(rng.choice([1.0, 3.0, 30.0, 1000.0])) if d > 1 else 1.0, seed=int(rng.integers(2**31)),
        hessians=float(rng.choice([0.0, 0.5, 1.0])), minimisers=float(rng.choice([0.1, 1.0, 5.0])),
        interpolation=bool(rng.random() < 0.25),
    )  # fmt: skip
    return distributed_quadratic(scale * q.A, scale * q.b)


def _singular(rng, n, d, scale):
    if d < 2:
        return _random(rng, n, d, scale)
    q = random_quadratic(n, d, 10 if d > 2 else 1, seed=int(rng.integers(2**31)), rank=d - 1)
    return distributed_quadratic(scale * q.A, scale * q.b)


def _bent(rng, n, d, scale):
    kappa = float(rng.choice([1.5, 10.0, 300.0]))
    return Bent(int(rng.integers(10**6)), n, d, kappa, scale, shared=bool(rng.random() < 0.3))


def _wavy(rng, n, d, scale):
    return Wavy(int(rng.integers(10**6)), n, d, scale)


CLASSES = (_extremal, _extremal, _random, _random, _singular, _bent, _bent, _wavy)


def _nearly_round(rng, n, d, scale):
    """kappa close to 1, all that GDCI's theorem speaks of."""
    a = rng.uniform(0.99, 1, (n, d))[:, :, None] * np.eye(d)
    return distributed_quadratic(scale * a, scale * rng.standard_normal((n, d)))


def problem_of(name, identifier, rng, n, d, noisy):
    """A problem of one of the classes; finite sums for samplers and oracles."""
    scale = float(10.0 ** rng.integers(-2, 3))
    seed = int(rng.integers(2**31))
    if name in ("SGD", "SGDStar", "SAGA", "NSAGA", "LSVRG", "JacSketch"):
        return random_finite_sum(1, int(rng.integers(2, 4)), d, 4.0 if d > 1 else 1.0, seed=seed)
    if name in SAMPLED:
        return random_finite_sum(n, 2, d, 4.0 if d > 1 else 1.0, seed=seed, minimisers=1.0)
    if noisy:
        q = random_quadratic(n, d, 4.0 if d > 1 else 1.0, seed=seed, minimisers=1.0)
        if rng.random() < 0.5:
            return random_finite_sum(n, 2, d, 4.0 if d > 1 else 1.0, seed=seed)
        return additive_noise(q, 2, 0.3, seed=seed)
    if name == "ISAGA":  # it splits f into coordinates' quadratics
        return (_extremal, _random)[rng.integers(2)](rng, n, d, scale)
    if name == "GDCI":
        return _nearly_round(rng, n, d, scale)
    if name == "IST":
        q = random_quadratic(n, d, 6, seed=seed, hessians=0.3, minimisers=1.0)
        return q if "neighbourhood" in identifier else distributed_quadratic(q.A, np.zeros((n, d)))
    return CLASSES[rng.integers(len(CLASSES))](rng, n, d, scale)


# -- settings --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A method at a step of its own on a problem, and a theorem that speaks of it."""

    seed: int
    method: Any
    problem: Any
    theorem: Any
    share: float
    """Of the largest step."""

    def __str__(self):
        kind = type(self.problem).__name__
        return f"seed {self.seed}: {self.theorem.id}, {self.method!r} on {kind}, {self.share} of the largest step"


PAIRS = tuple(
    (name, th.id) for name, kind in ct.methods.catalogue().items() for th in kind.theorems() if name != "CAT"
) + tuple((name, "certified") for name in CLOSED)
"""Methods with their theorems, and with the certified one where it is cheap; CAT is held in tests/tuning."""
ATTEMPTS = 200


def draw(seed, pair=None):
    """The seed's setting: its draws are repeated until the theorem speaks of them."""
    name, identifier = pair or PAIRS[seed % len(PAIRS)]
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng((20, seed, attempt))
        try:
            return _drawn(seed, rng, name, identifier)
        except (NoGuarantee, Unsupported, InvalidParameter):
            continue
    raise NoGuarantee(f"no setting of {identifier} in {ATTEMPTS} draws of seed {seed}")


def _drawn(seed, rng, name, identifier):
    kind = ct.methods.catalogue()[name]
    n, d = int(rng.integers(2 if name == "CompressedScaffnew" else 1, 4)), int(rng.integers(1, 4))
    if name == "IST":
        n = d = int(rng.integers(2, 4))
    theorem = next((th for th in kind.theorems() if th.id == identifier), None)
    speaks_of_noise = theorem is not None and theorem.gradient_noise != "none"
    noisy = kind.takes_oracle and bool(speaks_of_noise and rng.random() < 0.8)
    problem = problem_of(name, identifier, rng, n, d, noisy)
    method = method_of(name, rng, n, d, noisy)
    if identifier.startswith("cgd"):
        some = (ct.TopKSign(1), ct.TopKSign(1), ct.TopK(1), ct.NearestRounding(2), ct.AdaptiveRandom())
        method = kind(some[rng.integers(len(some))])
    if identifier.startswith("ist.neighbourhood"):
        method = kind(ct.ScaledPermK.preconditioned(problem.A))
    if theorem is None:
        theorem = certified(method, problem)
    return _at_step(seed, method, problem, theorem, float(rng.choice([1.0, 1.0, 1.0, 0.5, 0.1])))


def _at_step(seed, method, problem, theorem, share):
    """The setting at this share of the theorem's largest step; its own schedule where it has one."""
    if theorem.own_steps:
        find_guarantee(method, problem, theorem)
        return Setting(seed, method, problem, theorem, 1.0)
    c = method.check(problem)
    reason = theorem.why_not(c)
    if reason:
        raise NoGuarantee(reason)
    chosen = replace(method, gamma=float(largest(theorem, c)) * share)
    find_guarantee(chosen, problem, theorem)
    return Setting(seed, chosen, problem, theorem, share)


def largest(theorem, c):
    """The largest step, or nearly: of a certified theorem the one of least rate, as its range is found by search."""
    if theorem.derived:
        return theorem.plan(c).gamma
    limit = theorem.step_limit(c)[0]
    return limit * (1 - 1e-6) if theorem.open_range else limit


# -- what is seen ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """excess: the exact metric over the bound less 1, largest over the rounds; of runs log evidence over log 1/alpha.

    exact: whether it is the former. A guarantee is refuted above 1e-9, by runs above 1.
    """

    exact: bool
    excess: float

    @property
    def violated(self):
        return self.excess > (1e-9 if self.exact else 1.0)


def look(setting, theorem=None, steps=EXACT_STEPS):
    """A setting's theorem (or another in its place) held against the exact curve, by runs where there is none."""
    theorem = setting.theorem if theorem is None else theorem
    method, problem = setting.method, setting.problem
    try:
        run = ct.exact(method, problem, steps, theorem=theorem)
    except Unsupported:
        return _runs(setting, find_guarantee(method, problem, theorem, horizon=RUN_STEPS))
    promised = find_guarantee(method, problem, theorem, horizon=steps)  # some speak of the last round alone
    seen = promised.theorem.trajectory(run)
    return Seen(True, _over(seen, promised.rate))


def _over(seen, rate):
    bound = np.array([rate.bound(t) for t in range(len(seen))])
    use = ~np.isnan(seen) & np.isfinite(bound)
    use[0] = False
    floor = 1e-13 * max(rate.start, float(seen[0]) if np.isfinite(seen[0]) else 0.0)
    return float(np.max((seen[use] / (bound[use] + floor)), initial=0.0)) - 1


def _runs(setting, promised):
    """Every run's metric; one run is all where nothing is drawn."""
    values = _metrics(setting, promised)
    if np.ptp(values[:, 1:], axis=0).max() == 0:
        return Seen(True, _over(values[0], promised.rate))
    return Seen(False, _evidence(values, promised.rate) / np.log(1 / ALPHA))


def _metrics(setting, promised):
    """(RUNS, T+1): the theorem's metric on each run."""
    method, problem, plan, theorem = setting.method, setting.problem, promised.plan, promised.theorem
    rng = np.random.default_rng((21, setting.seed))
    state = method.init(problem, np.tile(np.asarray(problem.start, dtype=float), (RUNS, 1)), plan)
    rows = {"mean_square": [], "mean_gap": [], "mean_gradient_square": [], "mean_metric": []}
    for t in range(RUN_STEPS + 1):
        if t:
            state = method.step(problem, state, rng, plan, t - 1)
        distance, gap, gradient = problem.measures(state.x)
        own = theorem.observe(problem, state, plan)
        for key, value in zip(rows, (distance, gap, gradient, own), strict=True):
            rows[key].append(np.full(RUNS, np.nan) if value is None else value)
    kept = {k: np.array(v) for k, v in rows.items()}
    own = not np.isnan(kept["mean_metric"]).all()
    traces = [
        SimpleNamespace(
            plan=plan, **{k: v[:, r] if k != "mean_metric" or own else None for k, v in kept.items()}
        )
        for r in range(RUNS)
    ]
    return np.array([theorem.trajectory(trace) for trace in traces])


def _evidence(values, rate):
    """log of an e-value against E metric_t <= bound(t) at every t looked at.

    For X >= 0 with E X <= 1 the product of 1 + b (X_r - 1) over independent runs has mean <= 1, for every b in [0, 1]:
    it exceeds 1/alpha with probability <= alpha, whatever the tails. Averaged over b and over the times.
    """
    logs = []
    for t in CHECKED:
        bound = rate.bound(t)
        if not np.isfinite(bound) or np.isnan(values[:, t]).any():
            continue
        x = np.maximum(values[:, t], 0) / (bound + 1e-13 * rate.start + 1e-300)
        logs += [np.log1p(b * (x - 1)).sum() for b in BETS]
    return float(np.logaddexp.reduce(logs) - np.log(len(logs))) if logs else -np.inf
