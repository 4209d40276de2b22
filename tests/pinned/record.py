"""Values that a rewrite must not move: `python -m tests.pinned.record` writes values.json.

Exact curves, rates, stable and best steps and stationary moments of every catalogue method on small problems of
ordinary scale, and tight rates with their certificates. The problems' numbers are stored too, so that a row depends on
the solvers alone. Record again only where a value was wrong, and say in the commit which and why.
"""

from __future__ import annotations

import itertools
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

import compth as ct
from compth.dynamics import best_step, exact, exact_rate, max_stable_step, stationary
from compth.methods import catalogue
from compth.problems import FiniteSum, distributed_quadratic, random_finite_sum, random_quadratic

FILE = Path(__file__).with_name("values.json")
TIMES = (1, 2, 5, 20)
HALF, MASK = Fraction(1, 2), ct.Scaled(ct.RandK(1))
WHOLE = {"A": [[[3, 1], [1, 2]], [[1, 0], [0, 1]]], "b": [[1, 0], [-1, 2]]}
"""Two workers in whole numbers, for curves in Fractions."""


def problems():
    """The problems by name."""
    return {
        "spread": random_quadratic(3, 4, 8, seed=5, minimisers=1.0),
        "shared": random_quadratic(2, 3, 20, seed=8, interpolation=True),
        "square": random_quadratic(2, 2, 6, seed=3, hessians=0.3),
        "sum": random_finite_sum(1, 3, 2, 6, seed=3, minimisers=1.0),
        "sums": random_finite_sum(2, 2, 2, 4, seed=1, minimisers=1.0),
        "line": distributed_quadratic([[[1.0]], [[3.0]]], [[1.0], [-2.0]]),
    }


def cases():
    """id -> (method, name of the problem)."""
    rand, half, one = ct.RandK(1), ct.Bernoulli(HALF), ct.Minibatch(1)
    methods = {
        "gd": (ct.GD(), "spread"),
        "dcgd": (ct.DCGD(rand), "spread"),
        "dcgd shared": (ct.DCGD(rand), "shared"),
        "dcgd perm-k": (ct.DCGD(ct.PermK(2), 0.4), "square"),
        "dcgd same seed": (ct.DCGD(ct.Shared(rand), 0.2), "spread"),
        "dcgd downlink": (ct.DCGD(rand, downlink=half), "square"),
        "dcgd noisy": (ct.DCGD(rand, 0.1, oracle=one), "sums"),
        "dcgd line": (ct.DCGD(half, 0.2), "line"),
        "ef": (ct.EF(MASK), "spread"),
        "ef downlink": (ct.EF(MASK, 0.1, downlink=half), "square"),
        "ef21": (ct.EF21(MASK), "spread"),
        "ef21 downlink": (ct.EF21(MASK, downlink=half), "square"),
        "ef21 noisy": (ct.EF21(MASK, 0.1, oracle=one), "sums"),
        "diana": (ct.DIANA(rand), "spread"),
        "diana line": (ct.DIANA(half, 0.2, alpha=0.3), "line"),
        "diana perm-k": (ct.DIANA(ct.PermK(2), 0.2, alpha=0.25), "square"),
        "diana downlink": (ct.DIANA(rand, downlink=half), "square"),
        "diana noisy": (ct.DIANA(rand, 0.1, alpha=0.3, oracle=one), "sums"),
        "marina": (ct.MARINA(rand), "spread"),
        "marina downlink": (ct.MARINA(rand, downlink=half), "square"),
        "efbv": (ct.EFBV(rand), "spread"),
        "adiana": (ct.ADIANA(rand), "spread"),
        "gdci": (ct.GDCI(ct.Bernoulli(Fraction(99, 100)), 0.3), "square"),
        "iasgd": (ct.IASGD(tau=HALF), "sum"),
        "ibcd": (ct.IBCD(tau=HALF, gamma=0.5), "spread"),
        "ibgd": (ct.IBGD(tau=HALF, gamma=0.5), "spread"),
        "isega": (ct.ISEGA(tau=HALF), "spread"),
        "ist": (ct.IST(ct.PermK(2), 0.1), "square"),
        "ist rand-k": (ct.IST(rand, 0.1), "spread"),
        "cat": (ct.CAT(), "square"),
        "vrdiana": (ct.VRDIANA(rand), "sum"),
        "isaga": (ct.ISAGA(tau=HALF), "sum"),
    }
    for name, kind in catalogue().items():
        if name.lower() not in methods and kind is not ct.VRDIANA:
            for i, method in enumerate(kind.examples()):
                methods[f"{name.lower()} {i}"] = (method, "sum")
    # its step is searched, to a share of 1 - rho that a plateau leaves open: the one of the search when it was pinned
    methods["dianamomentum 0"] = (ct.DIANAMomentum(beta=HALF, gamma=0.653), "sum")
    return methods


def _curve(method, problem):
    run = exact(method, problem, max(TIMES))
    names = ("mean_square", "mean_gap", "mean_gradient_square", "mean_metric")
    seen = {name: getattr(run, name) for name in names}
    out = {name: [float(v[t]) for t in TIMES] for name, v in seen.items() if v is not None}
    return {**out, "mean": run.mean[max(TIMES)].tolist()}


def _rate(method, problem):
    found = exact_rate(method, problem)
    return {"rho": found.rho, "rho_noise": found.rho_noise, "rho_mean": found.rho_mean}


def _stationary(method, problem):
    found = stationary(method, problem)
    return {"mean_square": found.mean_square, "gap": found.gap}


def _best(method, problem):
    gamma, found = best_step(method, problem)
    return {"gamma": float(gamma), "rho": found.rho}


ASKED = {
    "curve": _curve,
    "rate": _rate,
    "stationary": _stationary,
    "stable": lambda method, problem: {"gamma": float(max_stable_step(method, problem))},
    "best": _best,
}
"""What is asked of every case; refused questions are recorded as the name of the error."""


def answers(method, problem):
    """Every answer of one case."""
    out = {}
    for name, ask in ASKED.items():
        try:
            out[name] = ask(method, problem)
        except (ct.errors.Unsupported, ct.errors.NoGuarantee) as refused:
            out[name] = type(refused).__name__
    return out


def in_fractions():
    """E||x_t - x*||^2 and E f(x_t) - f* at t = 1, 2, 3 and a rate's proved bracket, as "p/q"."""
    problem = distributed_quadratic(np.array(WHOLE["A"], float), np.array(WHOLE["b"], float))
    step = Fraction(1, 8)
    methods = {
        "dcgd": ct.DCGD(ct.RandK(1), step),
        "diana": ct.DIANA(ct.RandK(1), step, alpha=Fraction(1, 4)),
        "ef": ct.EF(MASK, step),
        "ef21": ct.EF21(MASK, step),
        "marina": ct.MARINA(ct.RandK(1), step, p=Fraction(1, 4)),
        "efbv": ct.EFBV(ct.RandK(1), step),
        "ibcd": ct.IBCD(tau=HALF, gamma=step),
        "ist": ct.IST(ct.PermK(2), step),
    }
    out = {}
    for name, method in methods.items():
        run = exact(method, problem, 3, rational=True)
        out[name] = [[str(v) for v in values[1:]] for values in (run.mean_square, run.mean_gap)]
    return out


def questions():
    """id -> arguments of tight_rate."""
    rational = {
        "ef": ("EF", {"mu": 1, "L": 5, "delta": Fraction(63, 64)}),
        "ef21": ("EF21", {"mu": 1, "L": 5, "delta": Fraction(63, 64)}),
        "ef21 7/2": ("EF21", {"mu": 2, "L": 7, "delta": Fraction(15, 16), "n": 3}),
        "cgd": ("CGD", {"mu": 1, "L": 4, "delta": Fraction(15, 16)}),
        "dcgd": ("DCGD", {"mu": 1, "L": 3, "omega": 2, "n": 4}),
        "gd": ("DCGD", {"mu": 1, "L": 3, "omega": 0}),
        "induced": ("DCGD", {"mu": 1, "L": 3, "omega": 2, "delta": Fraction(1, 3), "n": 2}),
    }
    diana = ((3, 1, 1), (3, 1, 4), (3, 2, 4), (3, 5, 4), (7, 5, 8), (2, 2, 2), (5, 2, 4), (3, 8, 4))
    rational |= {f"diana {k},{w},{n}": ("DIANA", {"mu": 1, "L": k, "omega": w, "n": n}) for k, w, n in diana}
    table = ((10, 0.1), (10, 0.25), (10, 0.75), (2, 0.25), (100, 0.25))
    floats = {
        f"{m.lower()} {k},{e}": (m, {"mu": 1 / k, "L": 1.0, "delta": 1 - e})
        for m in ("CGD", "EF", "EF21")
        for k, e in table
    }
    floats |= {
        "ef21 at a step": ("EF21", {"mu": 0.1, "L": 1.0, "delta": 0.75, "gamma": 0.4}),
        "ef at a step": ("EF", {"mu": 0.1, "L": 1.0, "delta": 0.75, "gamma": 0.7}),
        "diana at a step": ("DIANA", {"mu": 0.1, "L": 1.0, "omega": 2, "n": 3, "gamma": 0.5, "alpha": 0.2}),
        "diana 10,9,10": ("DIANA", {"mu": 0.1, "L": 1.0, "omega": 9, "n": 10}),
        "marina": ("MARINA", {"mu": 0.2, "L": 1.0, "omega": 2, "n": 4, "gamma": 0.4}),
        "ef-bv": ("EF-BV", {"mu": 0.2, "L": 1.0, "eta": 0.3, "omega": 1, "n": 3, "gamma": 0.3}),
    }
    return rational | floats


VECTORS = {
    "CGD": {"x": {"x": 1}},
    "EF": {"x": {"x": 1}, "e": {"e": 1}},
    "EF21": {"gradient at x": {"g": 1}, "g": {"g": 1, "r": -1}},
    "DCGD": {"x": {"z": 1}},
    "DIANA": {"x": {"z": 1}, "h": {"e": 1}},
}
"""The vectors of a body in those of the pinned certificates: EF21's V was pinned in g = grad f(x) and r = g - g_i."""


def pinned_v(name, v):
    """The nonzero coefficients of V in the pinned vectors."""
    out = {}
    for key, c in v.items():
        if key == "f":
            out[key] = c
            continue
        vectors = VECTORS[name]
        a, b = (vectors.get(k, {}) for k in key[2:-1].split(","))
        for (u, p), (w, q) in itertools.product(a.items(), b.items()):
            first, second = sorted((u, w), key="xzgre".index)
            twice = 1 if key[2:-1].split(",")[0] == key[2:-1].split(",")[1] else 2
            into = f"{key[0]}[{first},{second}]"
            out[into] = out.get(into, 0) + c * p * q * Fraction(twice, 1 if first == second else 2)
    return {k: str(c) for k, c in out.items() if c}


def pinned_multipliers(name, multipliers):
    """The nonzero multipliers; both inequalities of the pair (x, x+), alike, are one "interpolation" of EF21's pins."""
    out = dict(multipliers)
    if name == "EF21" and out.get("f(x) >= f(x+)", 0) == out.get("f(x+) >= f(x)", 1):
        out["interpolation"] = out.pop("f(x) >= f(x+)") + out.pop("f(x+) >= f(x)")
    return {k: str(x) for k, x in out.items() if x}


def worst_case(name, given):
    """What one tight_rate says; exact numbers as "p/q"."""
    found = ct.tight_rate(name, **given)
    certificate = found.certificate
    proof = None
    if certificate is not None:
        proof = {"rho": str(certificate.rho)}
    if certificate is not None and found.closed_form:
        proof["v"] = pinned_v(name, certificate.v)
        proof["multipliers"] = pinned_multipliers(name, certificate.multipliers)
    exactly = isinstance(found.rho, int | Fraction)
    return {
        "rho": str(Fraction(found.rho)) if exactly else float(found.rho),
        "stepsize": str(found.stepsize) if exactly else float(found.stepsize),
        "attained": found.attained,
        "certified": found.certified,
        "closed": found.closed_form,
        "certificate": proof,
    }


def stored(problem):
    """The numbers of a problem."""
    one = isinstance(problem, FiniteSum)
    a, b = (problem.parts, problem.offsets) if one else (problem.A, problem.b)
    return {"A": a.tolist(), "b": b.tolist()}


def made(numbers):
    """The problem of stored numbers."""
    a, b = np.array(numbers["A"]), np.array(numbers["b"])
    return FiniteSum(a, b) if a.ndim == 4 else distributed_quadratic(a, b)


def add_missing():
    """Pin the cases that have no values yet; all that is pinned stays."""
    whole = json.loads(FILE.read_text())
    known = {key: case for key, case in cases().items() if key not in whole["dynamics"]}
    for key, (method, on) in known.items():
        whole["dynamics"][key] = answers(method, made(whole["problems"][on]))
    FILE.write_text(json.dumps(whole, indent=0) + "\n")
    sys.stdout.write(f"{len(known)} methods more\n")


def main():
    """Write the file."""
    numbers = {name: stored(p) for name, p in problems().items()}
    values = {key: answers(method, made(numbers[on])) for key, (method, on) in cases().items()}
    rates = {key: worst_case(*asked) for key, asked in questions().items()}
    whole = {"problems": numbers, "dynamics": values, "fractions": in_fractions(), "worst_case": rates}
    FILE.write_text(json.dumps(whole, indent=0) + "\n")
    sys.stdout.write(f"{len(values)} methods, {len(rates)} worst cases\n")


if __name__ == "__main__":
    add_missing() if "--missing" in sys.argv else main()
