"""CAT's descent lemmas: what the best step along a compressed gradient buys, in general and for S, S+Q and SS.

Setting: f L-smooth on one worker; directions Q of CAT: the T largest entries (S), their signs times the norm (S+Q),
    random entries (SS); the step is 1/(t L).
Symbols: T: how many entries are kept; t: E||Q||^2 <= t <g, E Q>, or the budget of SS; p: <g, E Q> >= p||g||^2; H:
    sum of the kept squares; N: ||g||^2; h: sum of the kept sizes; r: ||g||; om: share of SS, ||g||^2/E||Q||^2; c:
    scale of the probabilities of SS; m: entries that may be skipped; Q: the direction; a: entries kept for sure; b:
    sizes of the others
Guarantee: E f(x+) <= f(x) - alpha||g||^2/(2 L) with alpha = p/t; H/N for S, h^2/(T r^2) for S+Q,
    1/E(||Q||^2/||g||^2) for SS.
Proof:
    `smooth` with 1 gives f(x+) <= f - gamma<g, Q> + L gamma^2/2||Q||^2. At gamma = 1/(t L) the square is at most
    half of the linear term, `size` with 1/(2 L t^2), and the other half is `along` with 1/(2 L t): p||g||^2/(2 L
    t). As a function of gamma the guarantee is a parabola whose vertex is this step, the square (1 - L t gamma)^2.
    The three compressors only differ in p and t: a selection has <g, Q> = ||Q||^2, so t = 1 and p is its share H/N;
    signs times the norm have <g, Q> = r h and ||Q||^2 = T r^2; an unbiased direction has p = 1 and t its relative
    second moment, and `size` is its variance. The last part bounds SS's second moment by its budget.
Tight: tight for what smoothness alone can promise: no other step is guaranteed more (second part).
Source: Khirirat, Magnússon, Aytekin and Johansson 2021, the descent lemmas.
"""

from fractions import Fraction as F

from compth.tuning.moments import of_moments
from compth.tuning.schemes import alpha, beta, improvement, omega
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

L, p, t, ga, H, N, h, T, r, om = symbols("L p t ga H N h T r om")


def bought(share):
    """The guaranteed improvement as a text in sq(g)."""
    return text(improvement(share, N, L)).replace("N", "sq(g)")


def lemma(name, title, params, domain, vectors, step_size, share, given):
    """Smoothness at the step along Q (in units of 1/L), and what it buys."""
    return {
        "name": f"cat.descent.{name}",
        "title": title,
        "params": f"L {params}",
        "domain": ["L > 0", *domain],
        "vectors": ["common x", "common g", *vectors],
        "values": "fp f",
        "given": {"smooth": f"descent(fp, f, g, x - {text(step_size)}/L*Q, x, L)", **given},
        "claim": [f"fp <= f - {share}"],
    }


GENERAL = of_moments(p * N, t * p * N, N)
GENERIC = lemma(
    "generic",
    "any direction with <g, EQ> >= p ||g||^2 and E||Q||^2 <= t <g, EQ>",
    "p t",
    ["p > 0", "t > 0"],
    ["common Q @ 1"],
    GENERAL.step,
    bought(GENERAL.share),
    {"along": "b2_lower(Q, g, p)", "size": "b_upper(Q, g, t)"},
)
BEST = {
    "name": "cat.descent.best_step",
    "title": "with <g, EQ> = p ||g||^2 and E||Q||^2 = t <g, EQ> no other step is guaranteed more",
    "params": "L p t ga",
    "domain": ["L > 0", "p > 0", "t > 0"],
    "claim": [f"ga*p - L*ga**2/2*t*p <= {text(improvement(GENERAL.share, 1, L))}"],
}
TOP = lemma(
    "s",
    "S: Q the T largest entries, H the sum of their squares, N = ||g||^2; the step is 1/L",
    "H N",
    ["H > 0", "N > 0"],
    ["common Q @ 1"],
    of_moments(H, H, N).step,
    f"{text(alpha(H, N))}*sq(g)/(2*L)",
    {"along": f"b1_lower(Q, g, {text(alpha(H, N))})", "size": "b_upper(Q, g, 1)"},
)
SIGNED = of_moments(r * h, T * r**2, r**2)
SIGN = lemma(
    "sq",
    "S+Q: Q = r sign(g_j) on the T largest entries, h the sum of their sizes, r = ||g||",
    "h T r",
    ["h > 0", "T >= 1", "r > 0"],
    ["common Q @ 1"],
    SIGNED.step,
    f"{text(beta(h, T, r**2))}*sq(g)/(2*L)",
    {"along": f"b2_lower(Q, g, {text(h / r)})", "size": f"b_upper(Q, g, {text(T * r / h)})"},
)
SIGN["claim"].append(f"{text(SIGNED.step**2)} == {text(beta(h, T, r**2))}/T")
SAMPLED = of_moments(N, N / om, N)
SAMPLE = lemma(
    "ss",
    "SS: E||Q||^2 = ||g||^2/om, Q unbiased; f at the next point in the mean",
    "om",
    ["om > 0", "om <= 1"],
    ["common Q ~ g @ 0"],
    SAMPLED.step,
    bought(SAMPLED.share),
    {"size": "variance(Q, 1/om - 1)"},
)
SECOND = text(1 / omega(1, H, h, t)).replace("H", "Sum(i, a[i]**2)").replace("h", "Sum(j, b[j])")
MOMENT = {
    "name": "cat.descent.omega",
    "title": "SS: a: entries kept for sure, b: sizes of the others, kept with probability c b_j, in all t of them",
    "params": "k m c t",
    "domain": ["k >= 0", "m >= 1", "c > 0", "t > 0"],
    "sizes": {"full": "k", "rest": "m"},
    "indices": {"i": "full", "j": "rest"},
    "arrays": {"a": "full", "b": "rest"},
    "law": {"indicator": "u", "kind": "coins", "on": "rest", "parameter": "c*b[j]"},
    "given": {
        "pos": "order(0, b[j])",
        "top": "order(c*b[j], 1)",
        "budget": "order(t, c*Sum(j, b[j]))",
    },
    "claim": [f"E(Sum(i, a[i]**2) + Sum(j, (u[j]/c)**2)) <= {SECOND}"],
}
[ANY], [ONLY], [HEAD], [ONE, ROOT], [MEAN], [ENERGY] = (
    s["claim"] for s in (GENERIC, BEST, TOP, SIGN, SAMPLE, MOMENT)
)


def at(step_size, Q, x=1, prob=None, curvature=None, **params):
    """f = curvature ||x||^2/2 (by default L) at x; Q: the messages of the outcomes."""
    params = {"L": 2, **params}
    low, x = F(curvature or params["L"]), x if isinstance(x, list) else [x]
    messages = [q if isinstance(q, list) else [q] for q in Q]
    prob = prob or [F(1)]
    value = sum(
        w * low * (F(a) - F(step_size) / params["L"] * F(b)) ** 2 / 2
        for w, q in zip(prob, messages, strict=True)
        for a, b in zip(x, q, strict=True)
    )
    vectors = {"x": x, "g": [low * c for c in x], "Q": [[q] for q in messages]}
    values = {"fp": value, "f": low * sum(F(c) ** 2 for c in x) / 2}
    return model(params, vectors, prob=prob, dim=len(x), values=values)


def risen(found):
    """The model with f larger after the step than smoothness allows."""
    return {**found, "values": {**found["values"], "fp": "100"}}


FULL = at(1, [2], p=1, t=1)
HALF = at(F(1, 2), [[4, 0]], x=[1, 1], p=1, t=2)  # twice one of two equal entries
S_HALF = at(1, [[2, 0]], x=[1, 1], H=4, N=8)
S_UNEVEN = at(1, [[6, 4, 0]], x=[3, 2, 1], H=52, N=56)
NORM = at(F(7, 10), [[10, 10]], x=[3, 4], L=2, curvature=2, h=14, T=2, r=10)
ALONE = at(1, [[2, 0]], x=[1, 0], h=2, T=1, r=2)
COINS = at(F(1, 2), [4, 0], prob=[F(1, 2), F(1, 2)], om=F(1, 2))
RARE = model({"k": 1, "m": 2, "c": F(1, 2), "t": F(1, 2)}, arrays={"a": [3], "b": [1, F(1, 2)]})
EXACT = model({"k": 1, "m": 2, "c": F(1, 2), "t": 1}, arrays={"a": [3], "b": [1, 1]})
SCRIPT = Script(
    "cat.descent",
    "communication-aware tuning: the descent lemmas",
    [
        Part(
            GENERIC,
            [step(ANY, {"smooth": "1", "along": "1/(2*L*t)", "size": "1/(2*L*t**2)"})],
            at(F(1, 2), [[2, 0]], x=[1, 1], curvature=1, p=1, t=2),
            [
                ({"claim": [ANY.replace("f - ", "f - 2*")]}, FULL),
                ({"claim": [ANY.replace("f - ", "f - t*")]}, HALF),
                ({"given": {"along": None}}, at(1, [1], p=2, t=1)),
                ({"given": {"size": None}}, at(1, [8], p=1, t=1)),
                ({"given": {"smooth": None}}, risen(FULL)),
            ],
        ),
        Part(
            BEST,
            [step(ONLY, {}, ["p/(2*L*t)*(1 - L*t*ga)**2"])],
            model({"L": 2, "p": 1, "t": 3, "ga": 1}),
            [
                (
                    {"claim": [ONLY.replace("<= ", "<= 9/10*")]},
                    model({"L": 2, "p": 1, "t": 3, "ga": F(1, 6)}),
                ),
                ({"claim": [ONLY.replace("/2*t", "/4*t")]}, model({"L": 2, "p": 1, "t": 3, "ga": F(1, 3)})),
                ({"claim": [ONLY.replace("t*p", "p")]}, model({"L": 2, "p": 1, "t": 3, "ga": F(1, 2)})),
            ],
            "square",
        ),
        Part(
            TOP,
            [step(HEAD, {"smooth": "1", "along": "1/(2*L)", "size": "1/L"})],
            S_UNEVEN,
            [
                ({"claim": [HEAD.replace("f - ", "f - 11/10*")]}, S_HALF),
                ({"claim": [HEAD.replace("/(2*L)", "/L")]}, S_HALF),
                ({"given": {"along": None}}, at(1, [[2, 0]], x=[1, 1], H=8, N=8)),
                ({"given": {"size": None}}, at(1, [6], H=4, N=4)),
            ],
        ),
        Part(
            SIGN,
            [
                step(ONE, {"smooth": "1", "along": "h/(2*L*T*r)", "size": "h**2/(2*L*T**2*r**2)"}),
                step(ROOT),
            ],
            NORM,
            [
                ({"claim": [ONE.replace("f - ", "f - 11/10*"), ROOT]}, ALONE),
                ({"claim": [ONE.replace("/(2*L)", "*T/(2*L)"), ROOT]}, NORM),
                ({"claim": [ONE, ROOT.replace("/T", "")]}, NORM),
                ({"given": {"size": None}}, at(1, [[20, 0]], x=[1, 0], h=2, T=1, r=2)),
            ],
        ),
        Part(
            SAMPLE,
            [step(MEAN, {"smooth": "1", "size": "om**2/(2*L)"})],
            COINS,
            [
                ({"claim": [MEAN.replace("f - ", "f - 11/10*")]}, COINS),
                ({"claim": [f"fp <= f - {bought(1)}"]}, COINS),
                ({"given": {"size": None}}, at(F(1, 2), [16, 0], prob=[F(1, 8), F(7, 8)], om=F(1, 2))),
                ({"given": {"smooth": None}}, risen(COINS)),
            ],
        ),
        Part(
            MOMENT,
            [step(ENERGY, {"budget": "Sum(j, b[j])/(c*t)"})],
            RARE,
            [
                ({"claim": [ENERGY.replace("<= ", "<= 9/10*")]}, EXACT),
                ({"claim": [ENERGY.replace("/t", "/(2*t)")]}, EXACT),
                (
                    {"given": {"budget": None}},
                    model({"k": 1, "m": 2, "c": F(1, 4), "t": 1}, arrays={"a": [3], "b": [1, 1]}),
                ),
            ],
            "inclusion probabilities",
        ),
    ],
)
