"""Certificates and numbers from one seed, as JSON: run by test_determinism under other hash seeds, threads and starts.

python determined.py [here | fork | spawn] [NAME ...]
"""

import json
import re
import sys
from fractions import Fraction as F
from multiprocessing import get_context

import numpy as np

import compth as ct


@ct.method
def heavy_ball(w, x, h: ct.Worker, m: ct.Server, *, gamma, alpha, beta=0):
    c = w.compress(w.gradient(x) - h)
    m_next = beta * m + w.mean(h + c)
    return {"x": x - gamma * m_next, "h": h + alpha * c, "m": m_next}


def chosen(x, rng):
    y = np.zeros_like(x)
    kept = rng.choice(x.size, 2, replace=False)
    y[kept] = x[kept] * x.size / 2
    return y


def bent(x, rng):
    """Not unbiased: half a percent too large, on one side."""
    return np.where(rng.random(x.size) < 0.5, 2 * x, 0) * np.where(x > 0, 1.005, 1)


def hashed(x, rng):
    """The planted error: which coordinates it keeps hangs on the process's hash seed."""
    order = sorted(range(x.size), key=lambda i: hash(f"coordinate {i}"))
    y = np.zeros_like(x)
    y[order[: x.size // 2]] = x[order[: x.size // 2]]
    return y


def small():
    return ct.problems.random_quadratic(n=3, d=6, kappa=10, seed=1)


def large():
    return ct.problems.random_quadratic(n=3, d=150, kappa=100, seed=1)


def curve(trace):
    return [float(v).hex() for v in (*trace.mean_square, *trace.mean_gap)]


def report(found):
    """A report without how long its stages took."""
    return json.loads(
        found.to_json(), object_hook=lambda held: {k: v for k, v in held.items() if k != "seconds"}
    )


ADDRESS = re.compile(r" at 0x[0-9a-f]+")
JOBS = {
    "sampled": lambda: report(ct.certify(ct.RandomDithering(s=3), 24, budget="quick", seed=5)),
    "function": lambda: report(ct.certify(chosen, 6, claims=[ct.Unbiased(omega=2)], budget="quick", seed=5)),
    "refuted": lambda: report(ct.certify(bent, 24, claims=[ct.Unbiased(omega=1)], budget="quick", seed=5)),
    "estimated": lambda: repr(ct.estimate(chosen, 6, seed=5).to_dict()),
    "rate": lambda: report(
        ct.check_rate("DIANA", rate="1-gamma*mu/2", stepsize="1/(8*L)", mu=F(1, 10), L=1, omega=F(1), n=2)
    ),
    "false rate": lambda: report(
        ct.check_rate("EF21", rate="1-gamma*mu", stepsize="1/L", mu=F(1, 10), L=1, delta=F(1, 2))
    ),
    "class": lambda: repr(
        ct.tight_rate(
            heavy_ball, mu=F(1, 10), L=1, omega=3, n=5, gamma=F(1, 8), alpha=F(1, 4), beta=F(1, 10)
        ).certificate
    ),
    "rates": lambda: repr(
        [
            ct.exact_rate(ct.DIANA(ct.RandK(k=2)), small()),
            ct.best_step(ct.DCGD(ct.RandK(k=2)), small()),
            ct.stationary(ct.DCGD(ct.RandK(k=2)), small()),
        ]
    ),
    "problem": lambda: [float(v).hex() for v in (*large().x_star, large().L, large().mu)],
    "exact": lambda: curve(ct.exact(ct.DCGD(ct.RandK(k=12)), large(), 10)),
    "simulated": lambda: curve(ct.simulate(ct.DIANA(ct.RandK(k=15)), large(), 10, 70, seed=3, threads=2)),
    "fast": lambda: curve(
        ct.simulate(ct.DIANA(ct.RandK(k=15)), large(), 10, 70, seed=3, threads=2, engine="fast")
    ),
    "data": lambda: [
        float(v).hex()
        for v in (ct.problems.ridge("digits", 4).mu, ct.problems.ridge("wine", 3, "kmeans", seed=2).L_max)
    ],
    "tuned": lambda: repr(ct.tune(np.linspace(1, 9, 50) ** 2, "SS")),
}
PLANTED = {
    "hashed": lambda: (
        [*curve(ct.simulate(ct.GD(), small(), 2, 2, seed=0)), hashed(np.arange(1.0, 9), None).tolist()]
    )
}


def computed(names):
    known = JOBS | PLANTED
    return {name: ADDRESS.sub("", json.dumps(known[name]())) for name in names}


if __name__ == "__main__":
    how, names = sys.argv[1], sys.argv[2:] or list(JOBS)
    if how == "here":
        found = computed(names)
    else:
        with get_context(how).Pool(1) as pool:
            found = pool.apply(computed, (names,))
    print(json.dumps(found))
