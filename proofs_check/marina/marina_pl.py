"""MARINA under the Polyak-Lojasiewicz condition, for any joint variance A >= B >= 0: one step and the whole run.

Setting: f is L-smooth with the PL condition, the f_i have L_+ (joint) and L_pm (their dissimilarity); messages of
    gradient differences of joint variance A >= B >= 0; with probability p all gradients; gamma <= min{1/(L + T),
    p/(2 mu)}.
Symbols: M: L_+^2; D: L_pm^2; p: probability of a full round; T: sqrt(2 (1 - p)/p ((A - B) L_+^2 + B L_pm^2)); e:
    the server's estimate of the gradient; Y: its error after the step
Guarantee: f(x) - f* + (gamma/p)||e - grad f(x)||^2 shrinks by the factor 1 - gamma mu in the mean.
Proof:
    `coin` says that the next error is 0 with probability p, else e + mean Q_i - mean gp_i, whose mean square is the
    old error's plus the noise of the messages. `joint` bounds the noise by A mean||gp - g||^2 - B||mean(gp -
    g)||^2, regrouped as (A - B) mean||gp - g||^2 plus B times the deviations from the mean, which `plus` and `pm`
    bound by L_+^2 and L_pm^2 of gamma^2||e||^2. The error weighs gamma/p, so gamma/p (1 - p) times that is gamma/2
    (gamma T)^2||e||^2: the definition of T. `smooth` and `pl` with gamma/2 are the descent along e; it costs
    gamma/2||e - grad f||^2, which with gamma/p (1 - p) makes gamma/p (1 - p/2), hence the limit p/(2 mu). What is
    left of ||e||^2 is gamma/2 (1 - gamma L - (gamma T)^2), nonnegative since gamma T <= 1 - gamma L <= 1.
Tight: upper: controls refute 1 - 2 gamma mu and the cube of the factor.
Source: Gorbunov, Burlachenko, Li and Richtárik 2021.
"""

from fractions import Fraction as F

import sympy

from compth.methods.core.symbols import Within
from compth.methods.marina import MARINA, MARINAPL, marina_step
from proofs_check._blocks import over_run, without
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._update import Update

L, M, D, mu, ga, B = symbols("L M D mu ga B")  # M = L_plus^2, D = L_pm^2
A, p = Within("A"), Within("p")
FLEET = constants(omega=0, A=A, B=B, L=L, mu=mu, L_plus=sympy.sqrt(M), L_pm=sympy.sqrt(D), params={"p": p})
PLAN, LIMIT = plan_of(MARINAPL(), FLEET, ga)
FIRST = marina_step(FLEET, p, 2)
[SECOND] = set(LIMIT.args) - {FIRST}
ROOT = text(sympy.simplify((1 / FIRST - L) ** 2))  # gamma <= 1/(L + T), T^2 = ROOT
RHO, WEIGHT, SLOW = text(PLAN.rho), text(PLAN["weight"]), text(SECOND)

UPDATE = Update(
    MARINA,
    {"g": "e", "gradient": "gp", "gradient 1": "g", "message": "Q"},
    {"gamma": "ga"},
    called={"xp": "gradient"},
)
CHANCE, (FULL, SHORTER) = UPDATE.outcomes("g", "g")
MOVES = UPDATE.next("x", f="fp") | UPDATE.next("g", e="Y + P(gp)")
CLAIM = f"fp - fs + {WEIGHT}*sq(Y) <= {RHO}*(f - fs + {WEIGHT}*sq(e - P(g)))"
SMALL, SHORT, SQUARE = "ga*(L + T) <= 1", f"ga <= {SLOW}", f"T**2 == {ROOT}"
STATEMENT = {
    "name": "marina.pl",
    "title": "e the estimate, Y its error after the step: 0 in a full round, else e + mean Q_i - mean gp_i",
    "params": "L M D mu ga A B p T",
    "domain": [
        "L > 0",
        "M > 0",
        "D >= 0",
        "mu > 0",
        "ga > 0",
        "B >= 0",
        "A >= B",
        "p > 0",
        "p <= 1",
        "T >= 0",
        SQUARE,
        SMALL,
        SHORT,
    ],
    "vectors": [
        "common x",
        "family g",
        "family gp",
        "common e",
        f"family Q ~ {UPDATE.mean('message')} @ 0",
        "common Y ~ (1 - p)*(e - P(g)) @ 0",
    ],
    "values": "f fp fs",
    "let": UPDATE.let(),
    "given": {
        "smooth": "descent(fp, f, P(g), xp, x, L)",
        "pl": "polyak(f, fs, P(g), mu)",
        "plus": "lipschitz(gp, g, xp, x, M)",
        "pm": "lipschitz(gp - P(gp), g - P(g), xp, x, D)",
        "joint": "joint(Q, A, B)",
        "coin": f"mixture(Y, {CHANCE}, {FULL}, {SHORTER})",
    },
    "claim": [CLAIM],
    "run": over_run(f"f - fs + {WEIGHT}*sq(e - P(g))", MOVES, RHO, "fs"),
}
# the estimate's error weighs ga/p; the coin leaves (1 - p) of the messages' noise in it
USE = {
    "smooth": "1",
    "pl": "ga/2",
    "coin": "ga/p",
    "joint": "ga/p*(1 - p)",
    "plus": "ga/p*(1 - p)*(A - B)",
    "pm": "ga/p*(1 - p)*B",
}
STEPS = [
    step("1 - ga*L - ga*T >= 0", {SMALL: "1"}),
    step("1 - ga*T >= 0", {SMALL: "1"}, ["ga*L"]),
    step("1 - p >= 0", {"p <= 1": "1"}),
    step("p/2 - ga*mu >= 0", {SHORT: "mu"}),
    step(f"{RHO} >= 0", {"p/2 - ga*mu >= 0": "1", "p <= 1": "1/2"}, ["1/2"]),
    step(
        CLAIM,
        {**USE, SQUARE: "-ga**3/2*sq(e)"},
        ["ga/2*((1 - ga*L - ga*T) + ga*T*(1 - ga*T))*sq(e)", "ga/p*(p/2 - ga*mu)*sq(e - P(g))"],
    ),
]


def at(curvatures, e, step_size, p=F(1, 2), gap=2, **params):
    """f_i = l_i x^2/2 at x = gap, messages sent with probability 1/2, a full round with probability p."""
    mean, gap, step_size = sum(map(F, curvatures)) / len(curvatures), F(gap), F(step_size)
    after = gap - step_size * F(e)
    g, gp = ([F(c) * x for c in curvatures] for x in (gap, after))
    drawn, message = coins([a - b for a, b in zip(gp, g, strict=True)], F(1, 2))
    prob = [q * w for w in (p, 1 - p) for q in drawn]
    error = [[F(e) + sum(m[0] for m in q) / len(g) - mean * after] for q in message]
    vectors = {"x": [gap], "e": [F(e)], "g": per_worker(g), "gp": per_worker(gp)}
    vectors |= {"Q": message * 2, "Y": [[[0]] * len(g)] * len(drawn) + [[v] * len(g) for v in error]}
    base = {"L": 3, "M": 12, "D": 4, "mu": 1, "ga": step_size, "A": F(3, 4), "B": F(1, 8), "p": p, "T": 4}
    values = {"f": mean * gap**2 / 2, "fp": mean * after**2 / 2, "fs": 0}
    return model({**base, **params}, vectors, prob=prob, workers=len(g), values=values)


EXACT = {"L": 1, "M": 2, "D": 0, "mu": 1, "A": 1, "B": 0, "T": 2}
SCRIPT = Script(
    "marina.pl",
    "MARINA under the PL condition: linear, no floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], 1, F(1, 10)),
            [
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - 2*ga*mu)*")]}, at([1], 1, F(1, 4), **EXACT)),
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - ga*mu)**3*")]}, at([1], 1, F(1, 4), **EXACT)),
                (
                    without(STATEMENT, SMALL, SHORT),
                    at([1], 8, F(1), **EXACT),
                ),
                (
                    {"given": {"coin": None, "smooth": None}},
                    at([1], 2, F(1, 4), **EXACT) | {"values": {"f": "1/2", "fp": "9", "fs": "0"}},
                ),
            ],
            update=UPDATE,
        )
    ],
)
