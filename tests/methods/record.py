"""How loose every theorem is, as one number with the quadratic that attains it: `python -m tests.methods.record`.

Writes looseness.json, and what the package shows of it. Measures: "rate" for a linear rate (log of the exact factor
over log of the promised one, at the theorem's step), "floor" where the rate is the mean's (promised floor over exact
stationary moment), "scale" for bounds that start at infinity (bound over exact metric), "pace" for bounds attained at
t = 0 (factor on t), each the smallest found over extremal and random quadratics. Simulated where the second moments do
not close (CAT).
"""

from __future__ import annotations

import json
import re
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

import compth as ct
from compth.claims import Contractive
from compth.dynamics import stationary
from compth.errors import NoGuarantee, Unsupported
from compth.methods import catalogue, find_guarantee
from compth.methods.core import looseness as looseness_module
from compth.problems import (
    FiniteSum,
    additive_noise,
    distributed_quadratic,
    random_finite_sum,
    random_quadratic,
)
from compth.studies.problem_search import rate_ratio, study

from .grid import Spoiled

FILE = Path(__file__).with_name("looseness.json")
SHIPPED = Path(looseness_module.__file__).with_name(looseness_module.FILE)
STEPS, COUNT, BEYOND = 60, 25, 1.05
"""Rounds looked at, random quadratics tried, and how far beyond the record the planted strengthening goes."""
ONE, MASK, HALF = ct.RandK(1), ct.Scaled(ct.RandK(1)), Fraction(1, 2)
BROADCAST = {
    "dcgd.bidirectional": ct.DCGD,
    "diana.bidirectional": ct.DIANA,
    "marina.bidirectional": ct.MARINA,
}

BOTH_WAYS = {
    "artemis.linear": ct.Artemis(ONE, downlink=ONE),
    "ef21p.exact": ct.EF21P(ct.Identity(), downlink=MASK),
    "ef21p.diana": ct.EF21P(ONE, downlink=MASK),
    "ef21bc.pl": ct.EF21BC(MASK, downlink=MASK),
}
SINGLE, PAIR = ct.Minibatch(1), ct.Minibatch(2, replace=True)
NOISY = {
    "sgd.uniform": ct.SGD(),
    "sgd.reweighted": ct.SGD(oracle=ct.Importance()),
    "sgd.minibatch": ct.SGD(oracle=PAIR),
    "sgd_star.linear": ct.SGDStar(),
    "sgd_star.sharp": ct.SGDStar(),
    "dcgd.stochastic": ct.DCGD(ONE, oracle=SINGLE),
    "diana.noisy": ct.DIANA(ONE, oracle=SINGLE),
    "ef21sgdm.noisy": ct.EF21SGDM(MASK, oracle=SINGLE),
    "ef.noisy": ct.EF(MASK, oracle=SINGLE),
    "ef21.noisy": ct.EF21(MASK, oracle=SINGLE),
    "dcgd.noisy": ct.DCGD(ONE, oracle=SINGLE),
    "dcgd.no_memory_noisy": ct.DCGD(ONE, oracle=SINGLE),
    "dcsgd.noisy": ct.DCGD(ONE, oracle=SINGLE),
    "diana.shift_noisy": ct.DIANA(ONE, oracle=SINGLE),
    "diana.original_noisy": ct.DIANA(ONE, oracle=SINGLE),
}
"""Theorems of stochastic gradients: measured on finite sums."""


def method_for(identifier, problem):
    """The method that stands for a theorem on this problem."""
    kind = next(k for k in catalogue().values() if identifier in [t.id for t in k.theorems()])
    if identifier in BROADCAST:
        return BROADCAST[identifier](ONE, downlink=ONE)
    if identifier in BOTH_WAYS:
        return BOTH_WAYS[identifier]
    if identifier == "ef21.bidirectional":
        return ct.EF21(MASK, downlink=ONE)
    if identifier in NOISY:
        return NOISY[identifier]
    if identifier.startswith("gdci"):
        return ct.GDCI(ct.Bernoulli(Fraction(999, 1000)))
    if identifier.startswith("ist.neighbourhood"):
        return ct.IST(ct.ScaledPermK.preconditioned(problem.A))
    if identifier.startswith("ist"):
        return ct.IST(ct.PermK(problem.n))
    if identifier.startswith("cgd"):
        return ct.DCGD(ct.TopKSign(1))
    if not kind.takes_compressor or kind is ct.CAT:
        return kind.examples()[0]
    return kind(MASK if Contractive in kind.requires else ONE)


def problems(identifier):
    """Quadratics that suit a theorem with more hypotheses than the random ones meet; None: those of `study`."""
    if identifier.startswith("ist.neighbourhood"):
        return [random_quadratic(3, 3, 4, seed=s, minimisers=1.0) for s in range(COUNT)]
    if identifier.startswith("ist"):
        found = [random_quadratic(3, 3, 6, seed=s, hessians=0.3) for s in range(COUNT)]
        return [distributed_quadratic(q.A, np.zeros((3, 3))) for q in found]
    if identifier.startswith("gdci"):
        flat = np.diag([1.0, 1.0, 0.1])[None]
        return [distributed_quadratic(flat, np.array([[0.0, 0.0, 0.5]]))]
    if identifier == "diana.noisy":
        plain = [random_quadratic(2, 2, 6, seed=s, minimisers=1.0) for s in range(COUNT)]
        return [additive_noise(q, 2, 0.3, seed=s) for s, q in enumerate(plain)]
    if identifier in NOISY and theorem_of(identifier).gradient_noise == "bounded":
        spread = [
            {"kappa": (1.0, 2.0, 10.0)[s % 3], "hessians": (s % 2) / 2, "seed": s} for s in range(COUNT)
        ]
        plain = [random_quadratic(2, 3, **how, interpolation=True) for how in spread]
        return [additive_noise(q, 3) for q in plain]
    if identifier in NOISY:
        shapes = ((1, 1.5), (2, 4.0), (3, 10.0))
        return [
            random_finite_sum(1, m, d, kappa, seed=s).at_rest  # no floor that would hide the rate
            for s in range(COUNT // 3)
            for m in (2, 3)
            for d, kappa in shapes
        ]
    if identifier.startswith("compressed_scaffnew"):
        return [
            random_quadratic(2, 1 + s % 2, (1.0, 4.0)[s % 2], seed=s, minimisers=1.0) for s in range(COUNT)
        ]
    if identifier.startswith(("lag", "clag")):
        return [random_quadratic(1 + s % 2, 2, 4.0**s, seed=s, minimisers=1.0) for s in range(1, 4)]
    if identifier.startswith(("vrdiana", "page")):
        return [random_finite_sum(1 + s % 2, 2, 2, 1.5 + s, seed=s, minimisers=1.0) for s in range(COUNT)]
    if identifier.startswith("isaga"):
        return [random_quadratic(2 + s % 2, 2, 1.5 + s, seed=s, minimisers=1.0) for s in range(COUNT)]
    if identifier.startswith("cgd"):
        return [random_quadratic(1, 1 + s % 3, (1.0, 1.0, 4.0)[s % 3], seed=s) for s in range(9)]
    if identifier.startswith("cat"):
        n = 1 if identifier == "cat.single" else 2
        return [random_quadratic(n, 4, k, seed=s) for s, k in enumerate((1.0, 2.0, 10.0))]
    return None


def theorem_of(identifier):
    return ct.methods.theorems()[identifier]


def measure_of(identifier, problem):
    theorem, method = theorem_of(identifier), method_for(identifier, problem)
    if identifier.startswith(("gdci", "relaxed_gdci")):
        return "floor"
    promised = find_guarantee(method, problem, theorem, horizon=STEPS)
    if (
        promised.plan.rho is not None
        and promised.plan.schedule is None
        and not identifier.startswith(("cat", "lag", "clag", "cgd"))
    ):
        return "rate"
    return "scale" if not np.isfinite(promised.rate.bound(0)) else "pace"


def curve(method, problem, theorem):
    """(metric at 0..STEPS, its standard error, the theorem's bound as a function of t)."""
    promised = find_guarantee(method, problem, theorem, horizon=STEPS)
    if isinstance(method, ct.CAT | ct.LAG | ct.CLAG) or isinstance(method.compressor, ct.TopKSign):
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
        if not stationary(method, problem).mean_square > 0:
            raise NoGuarantee("there is no floor here")
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


def stored(problem):
    """(A, b) of every worker, or of every component of a finite sum."""
    return (problem.parts, problem.offsets) if hasattr(problem, "parts") else (problem.A, problem.b)


def made(A, b):
    """The problem of a row."""
    A, b = np.array(A), np.array(b)
    return FiniteSum(A, b) if A.ndim == 4 else distributed_quadratic(A, b)


def record(identifier):
    """One row of the table."""
    theorem, own = theorem_of(identifier), problems(identifier)
    kinds = []

    def score(q):
        q = made(*stored(q))  # as it is read back
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
    return {
        "theorem": identifier,
        "method": method_for(identifier, problem).label,
        "measure": min(kinds)[1],
        "looseness": worst,
        "A": stored(problem)[0].tolist(),
        "b": stored(problem)[1].tolist(),
    }


def main(wanted):
    """Measure the theorems asked for (all by default); the other rows stay."""
    kept = {r["theorem"]: r for r in json.loads(FILE.read_text())["rows"]} if FILE.exists() and wanted else {}
    for identifier in wanted or ct.methods.theorems():
        kept[identifier] = row = record(identifier)
        print(f"{identifier:28s} {row['measure']:6s} {row['looseness']:.4g}", flush=True)
    rows = [kept[i] for i in ct.methods.theorems() if i in kept]
    FILE.write_text(json.dumps({"rows": rows}, indent=0) + "\n")
    SHIPPED.write_text(shipped(rows))


def shipped(rows):
    """What the package shows of the record: no problem, the method's name short."""
    return json.dumps({r["theorem"]: told(r) for r in rows}, indent=0) + "\n"


def told(row):
    """One row."""
    method = re.sub(r"scaling=.*", "scaling=...)", row["method"])
    return {"factor": float(f"{row['looseness']:.6g}"), "measure": row["measure"], "method": method}


if __name__ == "__main__":
    main(sys.argv[1:])
