"""ADIANA: one step of its Lyapunov function and the whole run.

Setting: f is mu-strongly convex, every f_i L-smooth and convex; messages of variance omega at u = theta_1 z + w/2 +
    (1/2 - theta_1) y, where w is renewed with probability p; theta_1 <= 1/4, eta <= min{1/(2L), n/(8 L omega (1 + 4
    p (1 + omega))^2)}.
Symbols: o: 1 + omega; p: probability with which w becomes y; eta: the step; th: theta_1; s: step of z; c: weight of
    f(y) - f*; b: weight of the memories; R: the rate; z, y, u: the method's points; l: gradients at u; k: gradients
    at w; kp: gradients at y; e: error of the memories, h = k + e; Q: h + C(l - h); M: the second message, C of -e;
    Y: the next e; fu, fy, fw: f at u, y, w; fyp: f at the next y
Guarantee: ||z - x*||^2 + c (f(y) - f*) + c_w (f(w) - f*) + b mean||e_i||^2 shrinks by the factor R = 1 - min{s mu,
    theta_1/2, theta_1 p/(1 + theta_1), 1/(4 (1 + omega))}.
Proof:
    z moves by s along the direction: `strong` with 2 s leaves 2 s (1 - s mu) <grad f(u), z - u>. The momentum
    writes z - u by w - u and y - u, so `at_w` with c/2 and `at_y` with c (1/2 - theta_1) turn it into values; c = 2
    s (1 - s mu)/theta_1 is the weight at which both meet, and `smooth` with c is the descent of y. The squared
    direction weighs S = s^2 + c L eta^2/2, so its noise is omega S/n mean||l - h||^2 (`var`, `ind`), split between
    k - l and e; b = 8 omega (1 + omega) S/n makes e's part b/(4 (1 + omega)), a quarter of what the memories lose.
    Another half pays for the renewed reference, the rest is 1/(4 (1 + omega)) in R. k - l and kp - l are paid by
    the co-coercivity left in `at_w` and `at_y`, c/(4L) and at least c/(8L); that this suffices is the second limit
    of eta.
Tight: upper; the controls show that the rate's members and that limit are needed.
Source: Li, Kovalev, Qian and Richtárik 2020, Algorithm 2; Lyapunov function and constants are ours.
"""

from fractions import Fraction as F
from itertools import product

import sympy

from compth.methods.adiana import ADIANA, ADIANAAccelerated
from compth.methods.core.symbols import Within
from proofs_check._blocks import over_run, without
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._update import Update

n, L, mu, o, eta, th, s, c = symbols("n L mu o eta th s c")
p = Within("p")
FLEET = constants(omega=o - 1, A=(o - 1) / n, n=n, L=L, L_max=L, mu=mu, params={"p": p})


def formulas(theorem):
    """(the plan's numbers by th, s and c, one minus the members of its rate, the members of 1/(its largest step))."""
    plan, limit = plan_of(theorem, FLEET, eta)
    least = plan["theta"]  # the inner minimum is gone before the outer one is split
    if not isinstance(least, sympy.Min) or sympy.Rational(1, 4) not in least.args:
        raise AssertionError("theta_1 is at most 1/4")
    plain = {k: sympy.sympify(v).subs(least, th) for k, v in plan.params.items()}
    found = {k: v.subs(plain["step"], s) for k, v in plain.items() if k != "step"}
    beta, gap = found["beta"], found["gap"]
    for name in ("reference", "shifts"):
        found[name] = sympy.expand(found[name].subs(beta, c * beta / gap))
    [slowest] = (1 - plan.rho).subs(least, th).subs(plain["step"], s).atoms(sympy.Min)
    over, under = sympy.fraction(plain["step"])
    numbers = {"step": f"s*{text(under)} == {text(over)}", **{k: text(v) for k, v in found.items()}}
    return numbers, list(map(text, slowest.args)), [text(sympy.factor(1 / m)) for m in limit.args]


def update(theorem):
    """The step: w by the point u, the shifts h and the first message by e = h - k and Q."""
    return Update(
        ADIANA,
        {
            "x": "y",
            "w": {"u": 2, "z": "-2*th", "y": "-(1 - 2*th)"},
            "h": {"k": 1, "e": 1},
            "gradient": "l",
            "gradient 1": "k",
            "message": {"Q": 1, "k": -1, "e": -1},
            "message 1": "M",
        },
        {"gamma": "eta", "theta": "th", "stride": "s", "beta": "be", "alpha": formulas(theorem)[0]["alpha"]},
        at={"kp": "x"},
    )


def statement(theorem):
    """The theorem's one step and run."""
    numbers, slow, limits = formulas(theorem)
    followed = update(theorem)
    moves = followed.next("z", "y")
    chance, (renewed, learned) = followed.outcomes("h", "k")
    potential = "sq(z - xs) + c*(fy - fs) + cw*(fw - fs) + b*sq(e)"
    return {
        "name": theorem.id,
        "title": "gradients l, k, kp at u, w, y; k + e the shifts; u = th*z + w/2 + (1/2 - th)*y; fwp: the next f(w)",
        "params": "n L o p mu eta th s c b R",
        "domain": [
            *["n >= 1", "L > 0", "o >= 1", "p > 0", "p <= 1", "mu > 0", "eta > 0", "th > 0", "th <= 1/4"],
            *[
                "s > 0",
                "c > 0",
                "b >= 0",
                numbers["step"],
                f"c == {numbers['gap']}",
                f"b == {numbers['shifts']}",
            ],
            *[f"eta*{limit} <= 1" for limit in sorted(limits, key=len)],
            *[f"R >= 1 - {member}" for member in sorted(slow)],
        ],
        "vectors": [
            *["common z", "common y", "common u", "common xs"],
            *[
                "family l",
                "family k",
                "family kp",
                "family e",
                f"family Q ~ {followed.mean('message', 'Q')} @ 0",
                f"family M ~ {followed.mean('message 1')} @ 0",
            ],
            f"family Y ~ {chance}*({renewed}) + (1 - {chance})*({learned}) @ 1",
        ],
        "values": "fu fy fw fs fyp",
        "let": {
            "be": numbers["beta"],
            "cw": numbers["reference"],
            "fwp": "p*fy + (1 - p)*fw",
            "w": "2*u - 2*th*z - (1 - 2*th)*y",
            "zp": moves["z"],
        },
        "given": {
            "strong": "strongly_convex(fu, fs, P(l), u, xs, mu)",
            "smooth": f"descent(fyp, fu, P(l), {moves['y']}, u, L)",
            "at_w": "cocoercive(fw, fu, k, l, w, u, L)",
            "at_y": "cocoercive(fy, fu, kp, l, y, u, L)",
            "least": "least(fu, fs)",
            "least_w": "least(fw, fs)",
            "least_y": "least(fy, fs)",
            "var": f"spread(Q, {followed.argument('message')}, o - 1)",
            "ind": "independent(Q, n)",
            "shift": "variance(M, o - 1)",
            "coin": f"mixture(Y, {chance}, {renewed}, {learned})",
        },
        "claim": [f"sq(zp - xs) + c*(fyp - fs) + cw*(fwp - fs) + b*sq(Y) <= R*({potential})"],
        "run": over_run(
            potential, {"z": "zp", "y": moves["y"], "fy": "fyp", "fw": "fwp", "e": "Y"}, "R", "xs fs"
        ),
    }


def rates(found):
    """The domain's texts for ||z - x*||^2, y, w and the shifts."""
    said = [t for t in found["domain"] if t.startswith("R >=")]
    of = {"z": "mu", "w": "p", "e": "o"}
    named = {k: next(t for t in said if letter in t.split("- ", 1)[1]) for k, letter in of.items()}
    [named["y"]] = set(said) - set(named.values())
    return named


STATEMENT = statement(ADIANAAccelerated())
CLAIM = STATEMENT["claim"][0]
SHORT, SMALL = (t for t in STATEMENT["domain"] if t.startswith("eta*"))
STEP, GAP, SHIFTS = (t for t in STATEMENT["domain"] if "==" in t)
S, V = "(s**2 + c*L*eta**2/2)", "(1 + 4*p*o)**2"  # b = 8 omega o S/n; the step's (1+4q)^2, q = p(1+omega)
FIT, ROOM = f"n - 8*L*(o - 1)*{V}*eta >= 0", f"c*eta/2 - {S} >= 0"
LEFT = "c/(8*L) - 2*b*p*(1 + 2*p*o) - b/(4*o) >= 0"
RATES = rates(STATEMENT)
PACE = {k: t.removeprefix("R >= ") for k, t in RATES.items()}
ALGEBRA = [
    step("o - 1 >= 0", {"o >= 1": "1"}),
    step("1/4 - th >= 0", {"th <= 1/4": "1"}),
    step("1 - 2*L*eta >= 0", {SHORT: "1"}),
    step("1 - 2*s*mu > 0", {STEP: "1/eta"}, ["2*s*th/eta"]),
    step("1 - s*mu > 0", {"1 - 2*s*mu > 0": "1"}, ["s*mu"]),
]
LAST = [
    step(
        "c*eta/4 - s**2 >= 0",
        {STEP: "c/(4*(1 - s*mu))", GAP: "-s*th/(2*(1 - s*mu))"},
        ["s*mu*c*eta/(4*(1 - s*mu))"],
    ),
    step(ROOM, {"c*eta/4 - s**2 >= 0": "1"}, ["c*eta/4*(1 - 2*L*eta)"]),
    step(LEFT, {FIT: "c/(8*L*n)", ROOM: f"2*(o - 1)/n*{V}", SHIFTS: f"{V}/(4*o)"}),
    step("R >= 0", {RATES["y"]: "1"}, ["1/4 - th", "3/4 + th/2"]),
    step(
        CLAIM,
        {
            "strong": "2*s",
            "smooth": "c",
            "at_w": "c/2",
            "at_y": "c*((1/4 - th) + 1/4)",
            "least": "2*s*s*mu",
            "least_w": f"(R - ({PACE['w']}))*cw",
            "least_y": f"(R - ({PACE['y']}))*c",
            "var": f"{S}/n",
            "ind": f"{S}/n",
            "shift": "b/o**2",
            "coin": "b",
            GAP: "th*(dot(l, z - u) + fu - fs)",
            SHIFTS: "-(sq(e) + sq(k - l))/(4*o)",
        },
        [
            "be*s*mu*sq(z - u)",
            f"((c*eta/2 - {S}) + c*eta/2)*sq(P(l))",
            f"(o - 1)*{S}/n*sq(l - k + e)",
            "b/(2*o)*sq(e - 2*p*(o - 1)*(k - kp))",
            "2*b*p**2*(2*(o - 1) + 1)/o*sq(k - kp)",
            "b*p*(1 + 2*p*o)*sq(k + kp - 2*l)",
            "((c/(8*L) - 2*b*p*(1 + 2*p*o) - b/(4*o)) + c/(8*L))*sq(k - l)",
            "((c/(8*L) - 2*b*p*(1 + 2*p*o) - b/(4*o)) + b/(4*o) + c/(2*L)*(1/4 - th))*sq(kp - l)",
            f"(R - ({PACE['z']}))*sq(z - xs)",
            f"(R - ({PACE['e']}))*b*sq(e)",
        ],
    ),
]
STEPS = [*ALGEBRA, step(FIT, {SMALL: "n"}), *LAST]


def weights(n, L, o, mu, eta, th):
    """s, c and b."""
    s = eta / (2 * (th + eta * mu))
    c = 2 * s * (1 - s * mu) / th
    return {"s": s, "c": c, "b": 8 * (o - 1) * o / n * (s * s + c * L * eta * eta / 2)}


def at(points, error, curvatures, eta, th, p=1, o=1, noisy=True, jolt=0, declared=0, **params):
    """f_i = l_i x^2/2 in 1-D, x* = 0 moved to 1, at the points z, y, w; h_i = grad f_i(w) + error_i.

    A message is its mean times o with probability 1/o, else 0; noisy=False: the first message is its mean. jolt: what
    the coin adds to e when it shows w = y (p = 1/2: and takes otherwise). declared: another o for the statement.
    """
    z, y, w = map(F, points)
    o, p, eta, th = F(o), F(p), F(eta), F(th)
    lam, e = [F(v) for v in curvatures], [F(v) for v in error]
    count, mean = len(lam), sum(lam) / len(lam)
    numbers = {"n": count, "L": max(lam), "o": declared or o, "p": p, "eta": eta, "th": th, "R": 1}
    numbers |= {"mu": mean, **params}
    numbers |= weights(**{k: F(v) for k, v in numbers.items() if k not in ("p", "R")})
    u = th * z + w / 2 + (F(1, 2) - th) * y
    message = [v * (u - w) - b for v, b in zip(lam, e, strict=True)]
    kept = list(product((1, 0), repeat=count)) if o > 1 else [(1,) * count]
    sent = [[b * o * v for b, v in zip(up, message, strict=True)] for up in kept] if noisy else [message]
    moves = [(1, p), (0, 1 - p)][: 1 + (p < 1)]
    prob, Q, M, Y, low = [], [], [], [], F(0)

    def chance(up):
        return (1 / o) ** sum(up) * (1 - 1 / o) ** (count - sum(up))

    for j, q in enumerate(sent):
        total = [v * w + b + d for v, b, d in zip(lam, e, q, strict=True)]
        G = sum(total) / count
        first = chance(kept[j]) if noisy else F(1)
        low += first * mean / 2 * (u - eta * G) ** 2
        for up, (move, weight) in product(kept, moves):
            m = [-b * o * bit for b, bit in zip(e, up, strict=True)]
            kick = F(jolt) * (2 * move - 1)
            after = [b + v / o + move * c * (w - y) + kick for b, v, c in zip(e, m, lam, strict=True)]
            prob.append(first * chance(up) * weight)
            Q.append(per_worker(total))
            M.append(per_worker(m))
            Y.append(per_worker(after))
    vectors = {
        "z": [1 + z],
        "y": [1 + y],
        "u": [1 + u],
        "xs": [1],
        "e": per_worker(e),
        "Q": Q,
        "M": M,
        "Y": Y,
    }
    vectors |= {k: per_worker([v * x for v in lam]) for k, x in (("l", u), ("k", w), ("kp", y))}
    gaps = {"fu": mean / 2 * u**2, "fy": mean / 2 * y**2, "fw": mean / 2 * w**2, "fs": F(0), "fyp": low}
    size = len(moves)
    cells = [[list(range(k, k + size)) for k in range(0, len(prob), size)]]
    values = {k: 1 + v for k, v in gaps.items()}
    return model(numbers, vectors, prob=prob, workers=count, values=values, cells=cells)


def controls(found, small):
    """The false versions; `small` is the second limit of the step."""
    [claim] = found["claim"]
    quarter, tiny = F(1, 4), F(1, 1000)
    wide = {"eta": F(1, 2), "th": quarter, "p": F(1, 10), "o": 100, "n": 10**7}
    return [
        (without(found, RATES["z"]), at((1, 0, 0), [0], [tiny], F(1, 2), quarter, L=1, R=1 - 3 * tiny)),
        (without(found, RATES["e"]), at((0, 0, 0), [1], [1], noisy=False, R=F(49, 50), **wide)),
        (without(found, small), at((0, 0, 10), [0], [1], F(1, 2), quarter, o=100)),
        ({"claim": [claim.replace("+ cw*(fwp", "+ 2*cw*(fwp")]}, at((0, 1, 0), [0], [1], tiny, quarter)),
        ({"given": {"var": None}}, at((0, 0, 10), [0], [1], F(1, 2), quarter, o=100, declared=1)),
        (
            {"given": {"strong": None}},
            at((1, 1, 1), [0], [tiny], F(1, 2), quarter, L=1, mu=1, R=F(9, 10)),
        ),
        ({"given": {"coin": None}}, at((1, 0, 0), [1], [1], tiny, quarter, F(1, 2), 2, jolt=9)),
    ]


def inside():
    """Everything alive, nothing on an edge."""
    return at((1, 2, 3), [1, 2], [1, 2], F(1, 1000), F(1, 8), F(1, 2), 2, L=3)


SCRIPT = Script(
    "adiana.accelerated",
    "ADIANA: accelerated, without a floor",
    [Part(STATEMENT, STEPS, inside(), controls(STATEMENT, SMALL), update=update(ADIANAAccelerated()))],
)
