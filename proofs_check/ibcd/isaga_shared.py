"""ISAGA on shared data: one step of its Lyapunov function, and the whole run.

Setting: f = mean of N components, each convex and L-smooth, f mu-strongly convex; n workers draw n different
    components of shared data, send a block of each with probability tau and renew it in a table; gamma L (max{tau,
    1/n} + 3/n) < 1.
Symbols: N: number of components; n: number of workers, and of components drawn; T: max{tau, 1/n}, or more; S: joint
    variance of the draw of n of N components; c: weight of the table, (1/(gamma L) - 1/n - T)/n; e: error of the
    table, which is hs + e; Q: what is sent, over its mean share; Y: the next error of the table; R: the rate; g:
    gradients of the components at x; hs: gradients of the components at x*
Guarantee: ||x - x*||^2 + c gamma^2 sum||e_j||^2 shrinks by the factor R = 1 - tau min{gamma mu, n/N - 2/(N c n)}.
Proof:
    With u = g - hs, `each` times 2 gamma tau gives gamma tau/L mean||u||^2. The table takes up a share tau n/N of u
    (`renewed`), in the weight of the Lyapunov function gamma^2 tau n c mean||u||^2; c is defined so that gamma^2
    tau (1/n + T) mean||u||^2 is left for the step itself. The step's noise, `joint` with gamma^2 tau^2, has S <=
    1/n from the draw and (1/tau - 1)/n from the blocks, at most 1/(n tau) in all, on the deviations of u - e:
    split, each of u and e gets 2 gamma^2 tau/n. The part of u fits into 1/n + T since T >= 1/n, the mean of u since
    T >= tau. The part of e is what the table's own loss tau n/N must cover, hence n/N - 2/(N c n) in R. The second
    part shows S <= 1/n.
Tight: upper: controls show that both members of R and T >= 1/n are needed.
Source: Mishchenko, Hanzely and Richtárik 2020, the theorem on ISAGA with shared data; max{tau, 1/n} for n tau < 1
    is ours.
"""

from fractions import Fraction as F
from itertools import combinations, product

import sympy

from compth.calculus import nice_joint
from compth.methods.isaga import isaga_limit, isaga_memory, isaga_pace
from proofs_check._blocks import AT_SOLUTION, over_run
from proofs_check._models import model, quadratic
from proofs_check._own_step import TableStep
from proofs_check._script import Part, Script, members, step, symbols, text, without_max
from proofs_check._update import Update

n, N, L, mu, tau, ga, c, T, S = symbols("n N L mu tau ga c T S")
WEIGHT, LARGER = without_max(isaga_memory(ga, L, n, tau), "T")
LIMIT, _ = without_max(isaga_limit(L, n, tau), "T")
FAST, SLOW = sorted(members(isaga_pace(ga, mu, n, N, tau, c) / tau), key=lambda t: "mu" not in t)
SAMPLE = sympy.simplify(nice_joint(n, N)[0])
if sympy.simplify(nice_joint(n, N, 1 / tau - 1)[0] - SAMPLE - (1 / tau - 1) / n) != 0:
    raise AssertionError("the members' noise adds omega/n to the sample's variance")
SHORT, DEFINED = f"ga*{text(1 / LIMIT)} < 1", f"c == {text(WEIGHT)}"
R1, R2 = f"R >= 1 - tau*{FAST}", f"R >= 1 - tau*{SLOW}"
POTENTIAL = "sq(x - xs) + c*ga**2*N*sq(e)"
OWN = TableStep()
MOVES, (NEW, OLD) = OWN.next(), OWN.renewed()
LATER = Update.after(POTENTIAL, MOVES)

STATEMENT = {
    "name": "isaga.shared",
    "title": "g, hs: gradients of the components at x, x*; the table is hs + e; T = max{tau, 1/n}",
    "params": "n N L mu tau ga c T S R",
    "domain": [
        *["n >= 1", "N >= n", "L > 0", "mu > 0", "mu <= L", "tau > 0", "tau <= 1", "ga > 0", "c > 0"],
        *[*LARGER, SHORT, DEFINED, "S >= 0", "S <= 1/n", R1, R2],
    ],
    "vectors": [
        *["common x", "common xs", "family g", "family hs", "family e"],
        f"family Q ~ {OWN.mean()} @ 0",
        f"family Y ~ tau*n/N*({NEW}) + (1 - tau*n/N)*{OLD} @ 0",
    ],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "each": "cocoercive(f, fs, g, hs, x, xs, L)",
        **AT_SOLUTION,
        "joint": "joint(Q, S + (1/tau - 1)/n, S)",
        "renewed": f"mixture(Y, tau*n/N, {NEW}, {OLD})",
    },
    "claim": [f"{LATER} <= R*({POTENTIAL})"],
    "run": over_run(POTENTIAL, MOVES, "R", "xs"),
}
CLAIM = STATEMENT["claim"][0]
WIDE, BROAD = LARGER if "tau" in LARGER[0] else LARGER[::-1]
U = "g - hs"
STEPS = [
    step("1/n - S >= 0", {"S <= 1/n": "1"}),
    step("T - tau >= 0", {WIDE: "1"}),
    step("T - 1/n >= 0", {BROAD: "1"}),
    step("1 - ga*L*T >= 0", {SHORT: "1"}, ["3*ga*L/n"]),
    step("1 - ga*mu*tau >= 0", {"1 - ga*L*T >= 0": "1"}, ["ga*L*(T - tau)", "ga*tau*(L - mu)"]),
    step("R >= 0", {R1: "1", "1 - ga*mu*tau >= 0": "1"}),
    step(
        CLAIM,
        {
            "convex": "2*ga*tau",
            "each": "2*ga*tau",
            "optimal": "-2*ga*tau",
            "joint": "ga**2*tau**2",
            "renewed": "c*ga**2*N",
            DEFINED: f"ga**2*tau*n*sq({U})",
            "sum": "2*ga**2*tau*(1/n - tau/n + tau)",
            "still": "-ga**2*tau*(1/n - tau/n + tau)",
        },
        [
            f"ga**2*tau**2*(1/n - S)*sq({U} - P({U}) - e + P(e))",
            f"ga**2*tau/n*sq({U} - P({U}) + e - P(e))",
            "2*ga**2*tau/n*sq(P(e))",
            f"ga**2*tau*(T - 1/n)*sq({U} - P({U}))",
            f"ga**2*tau*((T - tau) + tau/n)*sq(P({U}))",
            f"(R - (1 - tau*{FAST}))*sq(x - xs)",
            f"(R - (1 - tau*{SLOW}))*c*ga**2*N*sq(e)",
        ],
    ),
]


def at(curvatures, slopes, error, workers, d, step_size, at=1, noise=1, **params):
    """Components l_j ||x||^2/2 + s_j x, x* = 0 moved to (1, ..., 1), tau = 1/d: one coordinate is sent.

    e = error_j in every coordinate. noise: the factor on the messages' deviation from their mean.
    """
    n, count, tau, ga = workers, len(curvatures), F(1, d), F(step_size)
    q = quadratic(curvatures, slopes, at)
    e, u = [F(b) for b in error], [g - h for g, h in zip(q["g"], q["hs"], strict=True)]
    mean = sum(e) / count
    message = [a - b + mean for a, b in zip(u, e, strict=True)]
    Q, Y = [], []
    for drawn, blocks in product(combinations(range(count), n), product(range(d), repeat=n)):
        seen = {(j, k) for j, k in zip(drawn, blocks, strict=True)}
        share = count / (n * tau)
        Q.append(
            [
                [m + noise * (share * ((j, k) in seen) - 1) * m for k in range(d)]
                for j, m in enumerate(message)
            ]
        )
        Y.append([[u[j] if (j, k) in seen else e[j] for k in range(d)] for j in range(count)])
    wide = {"g": q["g"], "hs": q["hs"], "e": e}
    vectors = {name: [[v] * d for v in values] for name, values in wide.items()}
    vectors |= {"x": q["x"] * d, "xs": q["xs"] * d, "Q": Q, "Y": Y}
    numbers = {
        "n": n,
        "N": count,
        "L": max(map(F, curvatures)),
        "mu": sum(map(F, curvatures)) / count,
        "tau": tau,
    }
    numbers |= {"ga": ga, "S": nice_joint(n, count)[0], "T": max(tau, F(1, n)), **params}
    numbers["c"] = (1 / (ga * numbers["L"]) - F(1, n) - numbers["T"]) / n
    pace = isaga_pace(ga, numbers["mu"], n, count, tau, numbers["c"])
    numbers = {"R": 1 - pace, **numbers}
    values = {"f": 1 + d * (F(q["f"]) - 1), "fs": 1}
    return model(numbers, vectors, prob=[F(1, len(Q))] * len(Q), workers=count, dim=d, values=values)


SENT = {
    "name": "isaga.shared.sample",
    "title": "the joint variance of n of N >= 2 components is such an S; of a single one it is 0",
    "params": "n N",
    "domain": ["n >= 1", "N >= n", "N >= 2"],
    "claim": [f"{text(SAMPLE)} >= 0", f"{text(SAMPLE)} <= 1/n"],
}
if nice_joint(1, 1)[0] != 0:
    raise AssertionError("a single component has no sampling noise")
POSITIVE, BELOW = SENT["claim"]
SENT_STEPS = [
    step("N - 1 > 0", {"N >= 2": "1"}, ["1"]),
    step("N - n >= 0", {"N >= n": "1"}),
    step("n - 1 >= 0", {"n >= 1": "1"}),
    step(POSITIVE, {}, ["(N - n)/((N - 1)*n)"]),
    step(BELOW, {}, ["(n - 1)/((N - 1)*n)"]),
]


def without(*names):
    return {"domain": [t for t in STATEMENT["domain"] if t not in names]}


FLAT, SIX = ([1], [0], [0]), ([1] + [0] * 5, [0] * 6)
SMALL = model({"n": 2, "N": 4})
SCRIPT = Script(
    "isaga.shared",
    "ISAGA on shared data: linear without a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at(
                [2, 1, 1],
                [1, -1, 0],
                [1, 2, 0],
                2,
                2,
                F(1, 12),
                S=F(1, 3),
                T=F(3, 5),
                L=3,
                mu=1,
                R=F(99, 100),
            ),
            [
                # the paper's T = tau
                (without(BROAD), at(*SIX, [F(-7, 10)] + [F(1, 5)] * 5, 1, 2, F(2, 9), T=F(1, 2))),
                (without(R1), at(*FLAT, 1, 1, F(1, 100), R=F(1, 2))),
                (without(R2), at([1] * 3, [0] * 3, [1, -1, 0], 1, 1, F(6, 25), at=0, R=F(19, 25))),
                ({"claim": [CLAIM.replace("c*", "2*c*", 1)]}, at(*FLAT, 1, 1, F(1, 10))),
                ({"given": {"joint": None}}, at([1] * 3, [0] * 3, [1, -1, 0], 1, 1, F(1, 9), at=0, noise=9)),
                ({"given": {"each": None}}, at(*SIX, [0] * 6, 1, 1, F(1, 5), L=F(1, 2))),
            ],
            own_step=OWN,
        ),
        Part(
            SENT,
            SENT_STEPS,
            model({"n": 2, "N": 3}),
            [
                ({"claim": [POSITIVE, BELOW.replace("1/n", "1/n**2")]}, SMALL),
                ({"claim": [POSITIVE.replace(">= 0", ">= 1/n"), BELOW]}, SMALL),
                ({"domain": ["n >= 1", "N >= 2"]}, model({"n": 3, "N": 2})),
            ],
            "polynomial",
        ),
    ],
)
