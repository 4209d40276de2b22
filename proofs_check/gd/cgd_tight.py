"""Compressed gradient descent's tight rate for f - f*: one step at the best step size, and the whole run.

Setting: one worker, f mu-strongly convex and L-smooth, C contractive: ||C(v) - v||^2 <= (1 - delta) ||v||^2; the
    step is 2/((1 - s) mu + (1 + s) L).
Symbols: s: sqrt(1 - delta); N: (1 + s) L + (1 - s) mu; q: (1 + s) L - (1 - s) mu; c: the message C(g)
Guarantee: f(x+) - f* <= (q/N)^2 (f(x) - f*), gradient descent's factor at the condition number kappa (1 + s)/(1 -
    s).
Proof:
    Write r = q/N. Three interpolation inequalities speak of values: `star` of f* and f(x), `last` of f* and f(x+),
    `move` of f(x) and f(x+). Their multipliers r(1 - r), 1 - r and r are the ones by which the values add up to
    f(x+) - f* <= r^2 (f(x) - f*), as in the proof of gradient descent with exact line search. The message enters by
    `comp` alone, and its multiplier r/(s N) is the one at which the remaining quadratic form in x - x*, g, g+ and c
    is a sum of two squares. Both squares vanish where f has curvature mu and C(v) = (1 - s) v, and where f has
    curvature L and C(v) = (1 + s) v. These are the two instances of the second part, which attain the rate.
Tight: attained, on the two one-dimensional quadratics of the second part.
Source: Berg Thomsen, Taylor and Dieuleveut 2025; written in s, N and q here, so that every divisor has one term.
"""

from fractions import Fraction as F

import sympy

from compth.methods.core.closed_forms import cgd_factor, cgd_step
from compth.methods.dcgd import DCGD
from proofs_check._blocks import over_run
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._update import Update

# s = sqrt(1 - delta); N, q = (1 + s) L +- (1 - s) mu reach every mu < L with one-term divisors
s, N, q = symbols("s N q")
SMOOTH, MU = (N + q) / (1 + s) / 2, (N - q) / (1 - s) / 2
GAMMA, RHO = (text(sympy.simplify(f(MU, SMOOTH, 1 - s**2))) for f in (cgd_step, cgd_factor))


def pair(a, b):
    """The inequality between the points a = (value, gradient, place) and b."""
    return f"sector({', '.join(map(', '.join, zip(a, b, strict=True)))}, mu, L)"


HERE, NEXT, STAR = ("f", "g", "x"), ("fp", "gp", "xp"), ("fs", "0", "xs")
UPDATE = Update(DCGD, {"gradient": "g", "mean message": "c"}, {"gamma": "ga"}, ahead={"gp": "x"}, workers=1)
MOVES = UPDATE.next("x", f="fp") | UPDATE.next("g")
STATEMENT = {
    "name": "cgd.tight",
    "params": "s N q",
    "domain": ["s > 0", "s < 1", "q > s*N", "N > q", "N > 0"],
    "vectors": ["common x", "common xs", "common g", "common gp @ 1", "common c @ 1"],
    "values": "f fp fs",
    "let": {"mu": text(MU), "L": text(SMOOTH), "ga": GAMMA, "xp": MOVES["x"]},
    "given": {
        "comp": f"contraction(c, {UPDATE.argument('message')}, {text(1 - s**2)})",
        "star": pair(STAR, HERE),
        "last": pair(STAR, NEXT),
        "move": pair(HERE, NEXT),
    },
    "claim": [f"fp - fs <= {RHO}*(f - fs)"],
    "run": over_run("f - fs", MOVES | {"x": "xp"}, RHO, "fs"),
}
CLAIM = STATEMENT["claim"][0]
FIRST = "sq(2*L*mu*(1 + s)*(x - xs) - q*g - N*gp - 2*mu*c)"
SECOND = "sq(q*(g - c) - s*N*gp)"
STEPS = [
    step("1 - s > 0", {"s < 1": "1"}),
    step("q - s*N > 0", {"q > s*N": "1"}),
    step("N - q > 0", {"N > q": "1"}),
    step("q > 0", {"q - s*N > 0": "1"}, ["s*N"]),
    step("L - mu > 0", {"q - s*N > 0": "1/((1 + s)*(1 - s))"}),
    step(
        CLAIM,
        {"star": "q*(N - q)/N**2", "last": "(N - q)/N", "move": "q/N", "comp": "q/(s*N**2)"},
        [
            f"(1 - s)**2/(2*(q - s*N)*N**2)*{FIRST}",
            f"(1 - s)/(s*(q - s*N)*N**2)*{SECOND}",
        ],
    ),
]


def at(slope, keep, x=1, s=F(1, 2), L=2, mu=1, after=None):
    """1-D, f = slope x^2/2 with x* = 0 moved to 1, C(v) = keep v."""
    slope, x, s = F(slope), F(x), F(s)
    g = slope * x
    xp = x - F(keep) * g * 2 / ((1 - s) * mu + (1 + s) * L)
    vectors = {"x": [1 + x], "xs": [1], "g": [g], "gp": [slope * xp], "c": [F(keep) * g]}
    values = {"f": 1 + slope * x * x / 2, "fp": 1 + slope * xp * xp / 2 if after is None else after, "fs": 1}
    return model(
        {"s": s, "N": (1 + s) * L + (1 - s) * mu, "q": (1 + s) * L - (1 - s) * mu}, vectors, values=values
    )


SHORT, LONG = at(1, F(1, 2)), at(2, F(3, 2))  # slope mu and a shrunken message, slope L and a stretched one
# f = lam/2 |x - x*|^2 with lam = mu and C(v) = (1 - s) v, or lam = L and C(v) = (1 + s) v: both attain the rate
BOTH = [("mu", "(1 - s)"), ("L", "(1 + s)")]
INSTANCE = {
    "name": "cgd.tight.attained",
    "title": "f = mu/2 |x - x*|^2 with C(v) = (1 - s) v, f = L/2 |x - x*|^2 with C(v) = (1 + s) v: equality",
    "params": "s N q",
    "domain": STATEMENT["domain"],
    "vectors": ["common x", "common xs"],
    "let": {k: STATEMENT["let"][k] for k in ("mu", "L", "ga")},
    "claim": [
        *(
            f"sq({k}*{lam}*(x - xs) - {lam}*(x - xs)) == (1 - {text(1 - s**2)})*sq({lam}*(x - xs))"
            for lam, k in BOTH
        ),
        *(
            f"{lam}/2*sq({UPDATE.after(MOVES['x'], {'c': f'{k}*{lam}*(x - xs)'})} - xs) == {RHO}*{lam}/2*sq(x - xs)"
            for lam, k in BOTH
        ),
    ],
}
SHRUNK, STRETCHED, AT_MU, AT_L = INSTANCE["claim"]
ONE = model({"s": F(1, 2), "N": 4, "q": 3}, {"x": [2], "xs": [1]})


SCRIPT = Script(
    "cgd.tight",
    "Compressed gradient descent at its best step: the tight rate",
    [
        Part(
            STATEMENT,
            STEPS,
            at(F(3, 2), F(5, 4)),
            [
                ({"claim": [CLAIM.replace(RHO, f"(99/100)*{RHO}")]}, SHORT),
                ({"claim": [CLAIM.replace(RHO, f"q/N*{RHO}")]}, LONG),
                ({"given": {"comp": None}}, at(1, 0)),
                ({"given": {"last": None, "move": None}}, at(1, F(1, 2), after=8)),
            ],
            update=UPDATE,
        ),
        Part(
            INSTANCE,
            [step("1 - s > 0", {"s < 1": "1"}), *map(step, INSTANCE["claim"])],
            ONE,
            [
                ({"claim": [SHRUNK, STRETCHED, AT_MU.replace(f"== {RHO}", f"== (99/100)*{RHO}"), AT_L]}, ONE),
                ({"claim": [SHRUNK, STRETCHED, AT_MU, AT_L.replace(f"== {RHO}", f"== (99/100)*{RHO}")]}, ONE),
                ({"claim": [SHRUNK.replace("(1 - s)", "(1 - 2*s)"), STRETCHED, AT_MU, AT_L]}, ONE),
            ],
        ),
    ],
)
