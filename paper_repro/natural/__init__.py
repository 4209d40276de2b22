"""Natural compression: Table 1 and Table 5, the tight point, dithering, the bidirectional slowdown."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth import sources
from compth.claims import proved_index
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._exact import law, relative_error
from paper_repro._papers import Results
from paper_repro.natural._statements import draw_variance, statements

SOURCE = sources.NATURAL
D, Q = 10**6, 10**5
LEVELS = range(1, 24)


def omega(compressor: Any, d: Any) -> Any:
    """The declared omega as the paper states it (its own bound where compth has a sharper one beside it)."""
    claims = [c for c in compressor.claims(d) if isinstance(c, ct.Unbiased)]
    return next((c.omega for c in claims if c.name == "textbook"), claims[0].omega)


def standard(s: int) -> float:
    """omega of standard dithering with 2^(s-1) levels, p = 2, as in Table 1."""
    return float(omega(ct.RandomDithering(2 ** (s - 1)), D))


def natural(s: int) -> float:
    """omega of natural dithering with s levels, p = 2, as in Table 1."""
    return float(omega(ct.NaturalDithering(s), D))


def speedup(bits: float, zeta: float, theta: float) -> float:
    """32 d/(bits (1+omega)^theta)."""
    return float(ct.PAPER_BITS["natural: identity"](d=D) / (bits * zeta**theta))


def span(bits: float, zeta: float, low: float = 1, high: float = 0) -> list[float]:
    """Speed-ups at the two ends of theta."""
    return [speedup(bits, zeta, low), speedup(bits, zeta, high)]


def best(
    bits: Callable[[int], float], zeta: Callable[[int], float], low: float = 1, high: float = 0
) -> list[float]:
    """The same with the best s at each end."""
    return [max(speedup(bits(s), zeta(s), theta) for s in LEVELS) for theta in (low, high)]


def paper_bits(name: str) -> Callable[..., float]:
    """A row of Table 1 as a function of s (or of nothing)."""
    return lambda s: float(ct.PAPER_BITS[f"natural: {name}"](d=D, s=s))


def table1() -> dict[str, Any]:
    """Bits and speed-ups of Table 1."""
    count, named = ct.PAPER_BITS, "natural: "
    nat, rand = ct.NaturalCompression(), ct.RandK(Q)
    both = ct.Composed(nat, rand)
    rows = {
        "cnat": (count[named + "C_nat"](d=D), 1 + omega(nat, D)),
        "sq": (count[named + "S_q"](d=D, q=Q), 1 + omega(rand, D)),
        "cnat_sq": (count[named + "C_nat o S_q"](d=D, q=Q), 1 + omega(both, D)),
    }
    sta, nat_bits = paper_bits("standard dithering"), paper_bits("natural dithering")
    encoded = best(paper_bits("standard dithering, stated encoding"), lambda s: 1 + standard(s))
    # Table 1 prints 9/8 + kappa sqrt(d) 2^(1-s): Theorem 7's 1 + omega
    low, top = best(nat_bits, lambda s: 1 + natural(s))
    return {
        "table1.bits": [count[named + "identity"](d=D) / 1e6, *(b / 1e6 for b, _ in rows.values())],
        "table1.bits_dithering": [sta(8) / 1e6, nat_bits(8) / 1e6],
        **{f"table1.speedup.{name}": span(*row) for name, row in rows.items()},
        "table1.speedup.dsta": best(sta, lambda s: 1 + standard(s)),
        "table1.dsta_encoding_low": encoded[0],
        "table1.dsta_encoding_top": encoded[1],
        "table1.speedup.dnat_low": low,
        "table1.speedup.dnat_top": top,
        "table5.cnat": span(*rows["cnat"], 2, 1),
        "table5.sq": span(*rows["sq"], 2, 1),
        "table5.dsta": best(sta, lambda s: 1 + standard(s), 2, 1),
        "table5.dnat": best(nat_bits, lambda s: 1 + omega(ct.Composed(nat, ct.NaturalDithering(s)), D), 2, 1),
    }


def tight_point() -> tuple[float, Any, Any]:
    """(argmax, grid, exact relative variance on the grid) of C_nat over one octave."""
    grid = np.linspace(1, 2, 385)
    nat = ct.NaturalCompression()
    curve = np.array([relative_error(nat, [t]) for t in grid])
    low, high = grid[curve.argmax() - 1], grid[curve.argmax() + 1]
    for _ in range(60):  # the exact curve is unimodal there
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (a, high) if relative_error(nat, [a]) < relative_error(nat, [b]) else (low, b)
    return float((low + high) / 2), grid, curve


def theorems(quick: bool) -> dict[str, Any]:
    """Theorems 3-8 by exact laws."""
    nat, rng = ct.NaturalCompression(), np.random.default_rng(0)
    composed = ct.Composed(nat, ct.RandK(1))
    kept = 4 / 3 / 5 * np.array([1.0, 2.0, 4.0, 1.0, 8.0])  # times d/q = 5: (4/3) 2^a
    worst = 0.0
    for d in (1, 2, 9, 64):
        inputs = [np.ones(d), np.geomspace(1, 1e-3, d), *rng.standard_normal((3 if quick else 20, d))]
        for s in range(1, 6):
            for p in (1, 2, math.inf):
                dithering = ct.NaturalDithering(s, p)
                worst = max(
                    worst, *(relative_error(dithering, x) / float(omega(dithering, d)) for x in inputs)
                )
    x = np.array([1.0, -0.3])
    direct = law(ct.NaturalDithering(3, math.inf), x)
    nested: dict[tuple[float, ...], Fraction] = {}
    for y, probability in law(ct.RandomDithering(4, math.inf), x).items():
        for z, share in law(nat, y).items():
            nested[z] = nested.get(z, Fraction(0)) + probability * share
    outcomes = {*direct, *nested}
    distance = sum(abs(direct.get(z, Fraction(0)) - nested.get(z, Fraction(0))) for z in outcomes) / 2
    factors = [
        (1 + relative_error(ct.NaturalDithering(3), v))
        / (1.125 * (1 + relative_error(ct.RandomDithering(4), v)))
        for v in rng.standard_normal((10 if quick else 200, 8))
    ]
    large, s = 10**8, 8
    gain = omega(ct.RandomDithering(s), large) / omega(ct.NaturalDithering(s), large)
    return {
        "thm3.exact_sup": relative_error(nat, [4 / 3]),
        "thm3.declared": omega(nat, D) if nat.claims(D)[0].proof in proved_index() else math.nan,
        "thm3.powers": max(relative_error(nat, [2.0**e]) for e in (-5, 0, 7)),
        "thm4.ratio": 1 + relative_error(ct.IntegerRounding(1, nearest=False), [2.0**-10]),
        "thm5.declared": omega(ct.Composed(nat, ct.RandK(Q)), D),
        "thm5.attained": relative_error(composed, kept) / float(omega(composed, 5)),
        "thm7.bound": worst,
        "thm7.two_parts": omega(ct.NaturalDithering(8), D),
        "thm8.same_law": distance,
        "thm8.holds": max(factors),
        "thm8.factor": float(gain) * s / 2 ** (s - 1),
    }


def slowdown(n: int) -> float:
    """T(1/8, 1/8)/T(0, 0) of Theorem 9 at small eps/sigma^2, from the theorem object's own alpha and beta."""
    theorem = ct.methods.theorems()["dcgd.nonconvex"]
    eps, sigma2 = 1e-9 if n == 1 else 1.0, 1.0

    def rounds(compressor: Any, down: float) -> float:
        fleet = ct.as_fleet(compressor)
        constants = ct.Constants(n=n, d=4, L=1, mu=0, L_max=1, L_tilde=1, sigma2=sigma2, omega_down=down,
                                 L_plus=1, L_pm=0, claims=fleet.claims(n, 4))  # fmt: skip
        gamma = 0.25
        plan = theorem.plan(constants, gamma)
        slack = float(plan["slack"])  # 2 - beta L gamma; floor = alpha L gamma/slack
        return float(plan.floor) * slack / gamma + eps * (2 - slack) / gamma

    nat = ct.NaturalCompression()
    return rounds(nat, float(omega(nat, 4))) / rounds(ct.Identity(), 0.0)


def wire() -> dict[str, float]:
    """Bits that C_nat's encoder writes for 64 values, against plain floats."""
    values = np.random.default_rng(1).standard_normal(64)
    nat = ct.NaturalCompression()
    sent = nat.compress(values, np.random.default_rng(2))
    found = {}
    for width in (32, 64):
        octets = len(ct.encode(nat, values, sent, width))
        found[f"bits.cnat{width}"] = 64 * width / (8 * octets)
    found["bits.topk"] = 1 - (32 + nat.bits(1).total) / 64
    return found


def bits_to_eps() -> float:
    """Uplink bits to 1e-6 of GD at 1/L over those of DCGD with C_nat at 1/((1+omega)L); one worker, real data."""
    problem = ct.problems.ridge("breast_cancer", workers=1)
    nat = ct.DCGD(ct.NaturalCompression())
    step = ct.guarantee(nat, problem, "dcgd.interpolation").stepsize
    methods: list[Any] = [ct.GD(1 / problem.L), ct.DCGD(ct.NaturalCompression(), step)]
    spent = [ct.simulate(m, problem, 4000, 256).bits_to(1e-6) for m in methods]
    return math.nan if None in spent else spent[0] / spent[1]


def run(quick: bool) -> Results:
    """All targets; --quick leaves the run on real data out and tries fewer inputs."""
    point, grid, curve = tight_point()
    values = {"lemma.tight_point": point, **theorems(quick), **wire(), **table1()}
    values |= {"thm9.one_worker": slowdown(1), "thm9.many_workers": slowdown(10**9)}
    if not quick:
        values["ours.bits_to_eps"] = bits_to_eps()
    sta, nat_bits = paper_bits("standard dithering"), paper_bits("natural dithering")
    figure = {
        "t": grid.tolist(),
        "variance": curve.tolist(),
        "s": list(LEVELS)[:16],
        "standard": [[speedup(sta(s), 1 + standard(s), t) for s in list(LEVELS)[:16]] for t in (1, 0)],
        "natural": [[speedup(nat_bits(s), 1 + natural(s), t) for s in list(LEVELS)[:16]] for t in (1, 0)],
    }
    more, variance = statements()
    return Results({**values, **more}, {"natural": figure, "natural_variance": variance})


def draw(data: Any) -> Any:
    """What a bit of mantissa costs, and what dithering gains.

    Left: exact variance E(C_nat(t)-t)^2/t^2 over one octave; its maximum 1/8 is at t = 4/3 (Theorem 3), powers of two
    are exact. Right: speed-up 32d/(bits (1+omega)^theta) at d = 10^6 and p = 2 by the printed formulas of Table 1, for
    natural dithering with s levels and standard dithering with 2^(s-1); solid theta = 1 (small n), dashed theta = 0
    (large n). Natural dithering is ahead at every s.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(data["t"], data["variance"], color=COLOURS[0])
        left.plot([4 / 3], [1 / 8], "o", color=COLOURS[1])
        left.annotate(
            "(4/3, 1/8)", (4 / 3, 1 / 8), (0, 5), textcoords="offset points", fontsize=8, ha="center"
        )
        left.set_xlabel("t")
        left.set_ylabel("relative variance")
        left.set_ylim(0, 0.14)
        for i, name in enumerate(("natural", "standard")):
            for line, curve in zip(("-", "--"), data[name], strict=True):
                theta = 1 if line == "-" else 0
                right.plot(data["s"], curve, line, color=COLOURS[i], marker="os"[i], markersize=3,
                           label=f"{name}, θ = {theta}")  # fmt: skip
        right.set_yscale("log")
        right.set_xticks(data["s"][::3])
        right.set_xlabel("s")
        right.set_ylabel("speed-up over 32-bit floats")
        right.legend(fontsize=7)
    return figure


FIGURES = {"natural": draw, "natural_variance": draw_variance}
