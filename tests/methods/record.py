"""How loose every theorem is, as one number with the quadratic that attains it: `python -m tests.methods.record`.

Writes looseness.json. Measures: "rate" for a linear rate (log of the exact factor over log of the promised one, at the
theorem's step), "floor" where the rate is the mean's (promised floor over exact stationary moment), "scale" for bounds
that start at infinity (bound over exact metric), "pace" for bounds attained at t = 0 (factor on t), each the smallest
found over extremal and random quadratics. Simulated where the second moments do not close (CAT).
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

import compth as ct
from compth.dynamics import rate_ratio, stationary
from compth.dynamics.study import study
from compth.errors import NoGuarantee, Unsupported
from compth.methods import catalogue, find_guarantee
from compth.problems import (
    FiniteSum,
    additive_noise,
    distributed_quadratic,
    random_finite_sum,
    random_quadratic,
)

from .grid import Spoiled

FILE = Path(__file__).with_name("looseness.json")
STEPS, COUNT, BEYOND = 60, 25, 1.05
"""Rounds looked at, random quadratics tried, and how far beyond the record the planted strengthening goes."""
ONE, MASK, HALF = ct.RandK(1), ct.Scaled(ct.RandK(1)), Fraction(1, 2)
BROADCAST = {
    "dcgd.bidirectional": ct.DCGD,
    "diana.bidirectional": ct.DIANA,
    "marina.bidirectional": ct.MARINA,
}


ORACLES = {
    "dcgd.noisy": ct.DCGD,
    "dcgd.no_memory_noisy": ct.DCGD,
    "dcsgd.noisy": ct.DCGD,
    "dcgd.expected_smoothness": ct.DCGD,
    "sgd.quantized": ct.DCGD,
    "diana.noisy": ct.DIANA,
    "diana.shift_noisy": ct.DIANA,
    "diana.original_noisy": ct.DIANA,
}


def rebuilt(a, b):
    """A problem from stored arrays: a finite sum where they hold components."""
    return FiniteSum(a, b) if a.ndim == 4 else distributed_quadratic(a, b)


def arrays(q):
    """What is stored of a problem."""
    return (q.parts, q.offsets) if isinstance(q, FiniteSum) else (q.A, q.b)


def method_for(identifier, problem):
    """The method that stands for a theorem on this problem."""
    kind = next(k for k in catalogue().values() if identifier in [t.id for t in k.theorems()])
    if identifier in ORACLES:
        return ORACLES[identifier](ONE, oracle=ct.Minibatch())
    if identifier in BROADCAST:
        return BROADCAST[identifier](ONE, downlink=ONE)
    if identifier == "ef21.bidirectional":
        return ct.EF21(MASK, downlink=ONE)
    if identifier.startswith("gdci"):
        return ct.GDCI(ct.Bernoulli(Fraction(999, 1000)))
    if identifier.startswith("ist.neighbourhood"):
        return ct.IST(ct.ScaledPermK.preconditioned(problem.A))
    if identifier.startswith("ist"):
        return ct.IST(ct.PermK(problem.n))
    if not kind.takes_compressor or kind is ct.CAT:
        return kind.examples()[0]
    return kind(MASK if kind in (ct.EF, ct.EF21) else ONE)


def problems(identifier):
    """Quadratics that suit a theorem with more hypotheses than the random ones meet; None: those of `study`."""
    if identifier in ORACLES:
        spread = [
            {"kappa": (1.0, 2.0, 10.0)[s % 3], "hessians": (s % 2) / 2, "seed": s} for s in range(COUNT)
        ]
        if (
            theorem_of(identifier).gradient_noise == "any"
        ):  # a shared minimiser: the rate is the second moments'
            n = 1 if identifier == "sgd.quantized" else 2
            return [random_finite_sum(n, 3, 2, **how, interpolation=True) for how in spread]
        return [additive_noise(random_quadratic(2, 3, **how, interpolation=True), 3) for how in spread]
    if identifier.startswith("ist.neighbourhood"):
        return [random_quadratic(3, 3, 4, seed=s, minimisers=1.0) for s in range(COUNT)]
    if identifier.startswith("ist"):
        found = [random_quadratic(3, 3, 6, seed=s, hessians=0.3) for s in range(COUNT)]
        return [distributed_quadratic(q.A, np.zeros((3, 3))) for q in found]
    if identifier.startswith("gdci"):
        flat = np.diag([1.0, 1.0, 0.1])[None]
        return [distributed_quadratic(flat, np.array([[0.0, 0.0, 0.5]]))]
    if identifier.startswith("cat"):
        n = 1 if identifier == "cat.single" else 2
        return [random_quadratic(n, 4, k, seed=s) for s, k in enumerate((1.0, 2.0, 10.0))]
    return None


def theorem_of(identifier):
    return ct.methods.theorems()[identifier]


def measure_of(identifier, problem):
    theorem, method = theorem_of(identifier), method_for(identifier, problem)
    if identifier.startswith("gdci"):
        return "floor"
    promised = find_guarantee(method, problem, theorem, horizon=STEPS)
    if promised.plan.rho is not None and promised.plan.schedule is None and not identifier.startswith("cat"):
        return "rate"
    return "scale" if not np.isfinite(promised.rate.bound(0)) else "pace"


def curve(method, problem, theorem):
    """(metric at 0..STEPS, its standard error, the theorem's bound as a function of t)."""
    promised = find_guarantee(method, problem, theorem, horizon=STEPS)
    if isinstance(method, ct.CAT):
        trace = ct.simulate(method, problem, STEPS, 256, 0, theorem=theorem)
        return theorem.trajectory(trace) - 7 * theorem.error(trace), promised.rate.bound
    return theorem.trajectory(ct.exact(method, problem, STEPS, theorem=theorem)), promised.rate.bound


def violated(method, problem, theorem, measure):
    """True when the theorem is false on this problem, to rounding."""
    if measure == "rate":
        return rate_ratio(method, problem, theorem) > 1 + 1e-9
    if measure == "floor":
        return stationary(method, problem).mean_square > find_guarantee(method, problem, theorem).rate.floor
    seen, bound = curve(method, problem, theorem)
    limit = np.array([bound(t) for t in range(STEPS + 1)])
    use = ~np.isnan(seen) & np.isfinite(limit)
    use[0] = False
    return bool((seen[use] > limit[use] * (1 + 1e-9)).any())


def spoiled(method, problem, theorem, measure, factor):
    """The theorem made stronger by this factor in its measure; a rate rho becomes rho^factor."""
    rate = 1.0
    if measure == "rate":
        rho = float(find_guarantee(method, problem, theorem).rate.rho)
        rate = (1 - rho**factor) / (1 - rho)
    how = {"rate": {"rate": rate}, "floor": {"floor": 1 / factor}, "scale": {"scale": 1 / factor}}
    return Spoiled(theorem, **how.get(measure, {"pace": factor}))


def looseness(method, problem, theorem, measure):
    """The largest factor that the theorem could be strengthened by on this problem."""
    if measure == "rate":
        ratio = rate_ratio(method, problem, theorem)
        if not ratio > 0:
            raise NoGuarantee("the run is over at once")
        return 1 / ratio
    if measure == "floor":
        return find_guarantee(method, problem, theorem).rate.floor / stationary(method, problem).mean_square
    seen, bound = curve(method, problem, theorem)
    t = np.arange(STEPS + 1)

    def fits(s):
        limit = np.array([bound(s * k) if measure == "pace" else bound(k) / s for k in t])
        use = ~np.isnan(seen) & np.isfinite(limit) & (t > 0)
        return not (seen[use] > limit[use] * (1 + 1e-9)).any()

    if not fits(1.0):
        return 0.0
    low, high = 1.0, 2.0
    while fits(high):
        low, high = high, 2 * high
        if high > 1e9:
            raise NoGuarantee("nothing is promised here")
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def record(identifier):
    """One row of the table."""
    theorem, own = theorem_of(identifier), problems(identifier)
    kinds = []

    def score(q):
        q = rebuilt(*arrays(q))  # as it is read back
        method = method_for(identifier, q)
        kind = measure_of(identifier, q)
        value = looseness(method, q, theorem, kind)
        kinds.append((value, kind))
        return 1 / value

    if own is None:
        found = study(score, COUNT, 3, largest=3, climb=25)
        worst, problem = found.looseness, found.problem
    else:
        rows = []
        for q in own:
            try:
                rows.append((1 / score(q), q))
            except (NoGuarantee, Unsupported):
                continue
        worst, problem = min(rows, key=lambda r: r[0])
    a, b = arrays(problem)
    return {
        "theorem": identifier,
        "method": method_for(identifier, problem).label,
        "measure": min(kinds)[1],
        "looseness": worst,
        "A": a.tolist(),
        "b": b.tolist(),
    }


def main():
    rows = []
    for identifier in ct.methods.theorems():
        rows.append(record(identifier))
        print(f"{identifier:28s} {rows[-1]['measure']:6s} {rows[-1]['looseness']:.4g}", flush=True)
    FILE.write_text(json.dumps({"rows": rows}, indent=0) + "\n")


if __name__ == "__main__":
    main()
