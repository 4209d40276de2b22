"""Each method as a Model: EF, EF21, CGD for contractive compressors, DCGD, DIANA, MARINA, EF-BV for random ones.

The noise of an unbiased compressor enters E V+ only through its mean square, with a coefficient that is >= 0 because
V's matrices are: putting omega |D|^2 there IS the worst case, and no vector stands for the compressor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import permutations

from compth._numbers import Number, ratio
from compth.worst_case.model import (
    NEXT,
    NOW,
    Form,
    Forms,
    Model,
    Quadratic1D,
    Space,
    Vector,
    add,
    plus,
    quadratic_terms,
    unit,
)

ONE = 1
CLASS_A = "every f_i is L-smooth and mu-strongly convex"
SHARED = "all f_i have the same minimiser"
INDEPENDENT = "workers compress independently"
Point = tuple[Vector, Vector, str]
"""x, gradient, block of f - f*."""


def strongly_monotone(space: Space, dx: Vector, dg: Vector, mu: Number, L: Number) -> Form:
    """(L+mu) <dg, dx> - mean|dg|^2 - L mu |dx|^2 >= 0: the two interpolation inequalities of a pair, dx common."""
    return space.total((-ONE, dg, dg), common=[(L + mu, dg, dx), (-L * mu, dx, dx)])


def contraction(space: Space, u: Vector, c: Vector, square: Number) -> Form:
    """square mean|u|^2 - mean|c - u|^2 >= 0."""
    off = plus((1, c), (-1, u))
    return space.total((square, u, u), (-ONE, off, off))


def interpolation(
    space: Space, points: Mapping[str, Point], mu: Number, L: Number
) -> dict[str, Callable[[], Form]]:
    """The interpolation inequalities of all ordered pairs of points, times 2(L - mu), averaged over workers.

    2(L-mu)(f_i - f_j - <g_j, dx>) - |dg|^2 - L mu |dx|^2 + 2 mu <dg, dx> >= 0.
    """
    scale = 2 * (L - mu)

    def form(i: Point, j: Point) -> Form:
        (xi, gi, fi), (xj, gj, fj) = i, j
        dx, dg = plus((1, xi), (-1, xj)), plus((1, gi), (-1, gj))
        gaps = {f: ((c,),) for c, f in ((scale, fi), (-scale, fj)) if f}
        slope = plus((2 * mu, dg), (-scale, gj), (-L * mu, dx))
        return {**gaps, **space.total((-ONE, dg, dg), common=[(ONE, slope, dx)])}

    return {f"f({i}) >= f({j})": partial(form, points[i], points[j]) for i, j in permutations(points, 2)}


def _signs(s: Number) -> tuple[tuple[str, Number], ...]:
    return (("C(v) = (1+s) v", 1 + s), ("C(v) = (1-s) v", 1 - s))


def _bernoulli(omega: Number) -> str:
    return f"C(v) = {1 + omega} v with probability {ratio(1, 1 + omega)}, else 0"


def cgd(mu: Number, L: Number, delta: Number, gamma: Number, s: Number) -> Model:
    """x+ = x - gamma c, ||c - g||^2 <= (1-delta) ||g||^2, one worker; V in f - f* and ||x - x*||^2."""
    space = Space(("x", "g", "c", "G"))
    x, g, c, G = (unit(k, L) for k in space.common)
    after = plus((1, x), (-gamma, c))
    points: dict[str, Point] = {"x*": ({}, {}, ""), "x": (x, g, NOW), "x+": (after, G, NEXT)}
    known = interpolation(space, points, mu, L)
    known["compression"] = partial(contraction, space, g, c, 1 - delta)
    quadratics = []
    for lam in (mu, L):
        for text, f in _signs(s):
            common = {"x": x, "g": plus((lam, x)), "c": plus((f * lam, x)),
                      "G": plus((lam * (1 - gamma * f * lam), x))}  # fmt: skip
            quadratics.append(Quadratic1D(lam, text, f, common, {}))
    return Model(
        "CGD",
        {"mu": mu, "L": L, "delta": delta, "gamma": gamma, "n": 1},
        space,
        {"mean": 1},
        ("x",),
        {"f": {NOW: ((ONE,),)}, "P[x,x]": space.of_mean(x, x)},
        {"f": {NEXT: ((ONE,),)}, "P[x,x]": space.of_mean(after, after)},
        Forms(known),
        {NOW: ((ONE,),)},
        tuple(quadratics),
        (CLASS_A,),
        gaps=True,
        first=("f(x) >= f(x+)", "f(x*) >= f(x+)", "f(x*) >= f(x)", "compression"),
        curved=((x, "g"), (after, "G")),
        sent=((g, "c", 1 - delta),),
    )


def ef(mu: Number, L: Number, delta: Number, gamma: Number, s: Number, n: int) -> Model:
    """c = C(e + gamma g), x+ = x - mean c, e+ = e + gamma g - c; V in x - x* and e; every f_i stationary at x*."""
    space = Space(("x", "e", "g", "c"), ("e", "g", "c") if n > 1 else ())
    x, e, g, c = (unit(k, L) for k in space.common)
    u = plus((1, e), (gamma, g))
    following = {"x": [(ONE, plus((1, x), (-1, c)))], "e": [(ONE, plus((1, u), (-1, c)))]}
    now, after = quadratic_terms(space, ("x", "e"), ("e",) if n > 1 else (), following, {}, {}, n)
    known = {
        "interpolation": strongly_monotone(space, x, g, mu, L),
        "compression": contraction(space, u, c, 1 - delta),
    }
    quadratics = []
    for lam in (mu, L):
        for text, f in _signs(s):
            common = {"x": x, "e": e, "g": plus((lam, x)), "c": plus((f, e), (f * gamma * lam, x))}
            quadratics.append(Quadratic1D(lam, text, f, common, {"e": e, "c": plus((f, e))}))
    return Model(
        "EF",
        {"mu": mu, "L": L, "delta": delta, "gamma": gamma, "n": n},
        space,
        {"mean": 2, "deviation": 1},
        ("x", "e"),
        now,
        after,
        known,
        space.of_mean(x, x),
        tuple(quadratics),
        (CLASS_A, *((SHARED,) if n > 1 else ())),
        curved=((x, "g"),),
        sent=((u, "c", 1 - delta),),
    )


def ef21(mu: Number, L: Number, delta: Number, gamma: Number, s: Number, n: int) -> Model:
    """x+ = x - gamma mean d, d+ = d + C(g+ - d); V in gbar and the errors r = g - d; w = g+ - g, c the message."""
    space = Space(("g", "r", "w", "c"), ("r", "w", "c") if n > 1 else ())
    g, r, w, c = (unit(k, L) for k in space.common)
    u = plus((1, r), (1, w))
    move = plus((-gamma, g), (gamma, r))
    following = {"g": [(ONE, plus((1, g), (1, w)))], "r": [(ONE, plus((1, u), (-1, c)))]}
    now, after = quadratic_terms(space, ("g", "r"), ("r",) if n > 1 else (), following, {}, {}, n)
    known = {
        "interpolation": strongly_monotone(space, move, w, mu, L),
        "compression": contraction(space, u, c, 1 - delta),
    }
    quadratics = []
    for lam in (mu, L):
        for text, f in _signs(s):
            step = plus((-gamma * lam, g), (gamma * lam, r))
            common = {"g": g, "r": r, "w": step, "c": plus((f, r), (f, step))}
            quadratics.append(Quadratic1D(lam, text, f, common, {"r": r, "c": plus((f, r))}))
    return Model(
        "EF21",
        {"mu": mu, "L": L, "delta": delta, "gamma": gamma, "n": n},
        space,
        {"mean": 2, "deviation": 1},
        ("g", "r"),
        now,
        after,
        known,
        space.of_mean(g, g),
        tuple(quadratics),
        (CLASS_A,),
        curved=((move, "w"),),
        sent=((u, "c", 1 - delta),),
    )


def dcgd(mu: Number, L: Number, omega: Number, gamma: Number, n: int) -> Model:
    """x+ = x - gamma mean C_i(g_i), unbiased with variance omega, independent; V = ||x - x*||^2, shared minimiser."""
    space = Space(("z", "g"), ("g",) if n > 1 else ())
    z, g = unit("z", L), unit("g", L)
    following = {"z": [(ONE, plus((1, z), (-gamma, g)))]}
    variance = add((omega, space.mean(g, g)))
    now, after = quadratic_terms(space, ("z",), (), following, {"z": -gamma}, variance, n)
    quadratics = tuple(
        Quadratic1D(lam, _bernoulli(omega), 1 + omega, {"z": z, "g": plus((lam, z))}, {}) for lam in (mu, L)
    )
    return Model(
        "DCGD",
        {"mu": mu, "L": L, "omega": omega, "gamma": gamma, "n": n},
        space,
        {"mean": 1},
        ("z",),
        now,
        after,
        {"interpolation": strongly_monotone(space, z, g, mu, L)},
        space.of_mean(z, z),
        quadratics,
        (CLASS_A, INDEPENDENT, *((SHARED,) if n > 1 else ())),
        curved=((z, "g"),),
    )


def diana(mu: Number, L: Number, omega: Number, gamma: Number, alpha: Number, n: int) -> Model:
    """z = x - x*, e_i = h_i - grad f_i(x*), g_i likewise; m_i = C_i(g_i - e_i); V in z and e; any minimisers."""
    space = Space(("z", "e", "g"), ("e", "g") if n > 1 else ())
    z, e, g = (unit(k, L) for k in space.common)
    gap = plus((1, g), (-1, e))
    following = {"z": [(ONE, plus((1, z), (-gamma, g)))], "e": [(ONE, plus((1 - alpha, e), (alpha, g)))]}
    now, after = quadratic_terms(
        space, ("z", "e"), ("e",) if n > 1 else (), following, {"z": -gamma, "e": alpha},
        add((omega, space.mean(gap, gap))), n,
    )  # fmt: skip
    quadratics = tuple(
        Quadratic1D(lam, _bernoulli(omega), 1 + omega, {"z": z, "e": e, "g": plus((lam, z))}, {"e": e})
        for lam in (mu, L)
    )
    return Model(
        "DIANA",
        {"mu": mu, "L": L, "omega": omega, "gamma": gamma, "alpha": alpha, "n": n},
        space,
        {"mean": 2, "deviation": 1},
        ("z", "e"),
        now,
        after,
        {"interpolation": strongly_monotone(space, z, g, mu, L)},
        space.of_mean(z, z),
        quadratics,
        (CLASS_A, INDEPENDENT),
        curved=((z, "g"),),
    )


def marina(mu: Number, L: Number, omega: Number, gamma: Number, p: Number, n: int) -> Model:
    """z+ = z - gamma q; q+ = Gbar with probability p, else q + mean C_i(G_i - g_i); V in z, q, g and f - f*."""
    space = Space(("z", "q", "g", "G"), ("g", "G") if n > 1 else ())
    z, q, g, G = (unit(k, L) for k in space.common)
    after = plus((1, z), (-gamma, q))
    change = plus((1, G), (-1, g))
    following = {
        "z": [(p, after), (1 - p, after)],
        "q": [(p, G), (1 - p, plus((1, q), (1, change)))],
        "g": [(p, G), (1 - p, G)],
    }
    now, later = quadratic_terms(
        space, ("z", "q", "g"), ("g",) if n > 1 else (), following, {"q": ONE},
        add(((1 - p) * omega, space.mean(change, change))), n,
    )  # fmt: skip
    quadratics = []
    for lam in (mu, L):
        common = {"z": z, "q": q, "g": plus((lam, z)), "G": plus((lam, after))}
        quadratics.append(Quadratic1D(lam, _bernoulli(omega), 1 + omega, common, {}))
    return Model(
        "MARINA",
        {"mu": mu, "L": L, "omega": omega, "gamma": gamma, "p": p, "n": n},
        space,
        {"mean": 3, "deviation": 1},
        ("z", "q"),
        now | {"f": {NOW: ((ONE,),)}},
        later | {"f": {NEXT: ((ONE,),)}},
        Forms(interpolation(space, {"x*": ({}, {}, ""), "x": (z, g, NOW), "x+": (after, G, NEXT)}, mu, L)),
        space.of_mean(z, z),
        tuple(quadratics),
        (CLASS_A, INDEPENDENT),
        gaps=True,
        curved=((z, "g"), (after, "G")),
    )


def ef_bv(
    mu: Number, L: Number, eta: Number, omega: Number, gamma: Number, lam: Number, nu: Number, n: int
) -> Model:
    """z+ = z - gamma q, D_i = G_i - h_i, m_i = d_i + noise, q+ = hbar + nu mbar, h_i+ = h_i + lambda m_i.

    |d_i - D_i| <= eta |D_i|, noise of variance omega |D_i|^2; for eta = 0, d is D. V in z, q, h, g and f - f*.
    """
    extra = ("d",) if eta else ()
    space = Space(("z", "q", "h", "g", "G", *extra), ("h", "g", "G", *extra) if n > 1 else ())
    z, q, h, g, G = (unit(k, L) for k in space.common[:5])
    D = plus((1, G), (-1, h))
    d = unit("d", L) if eta else D
    after = plus((1, z), (-gamma, q))
    following = {
        "z": [(ONE, after)],
        "q": [(ONE, plus((1, h), (nu, d)))],
        "h": [(ONE, plus((1, h), (lam, d)))],
        "g": [(ONE, G)],
    }
    now, later = quadratic_terms(
        space, ("z", "q", "h", "g"), ("h", "g") if n > 1 else (), following, {"q": nu, "h": lam},
        add((omega, space.mean(D, D))), n,
    )  # fmt: skip
    known = interpolation(space, {"x*": ({}, {}, ""), "x": (z, g, NOW), "x+": (after, G, NEXT)}, mu, L)
    if eta:
        known["bias"] = partial(contraction, space, D, d, eta * eta)
    return Model(
        "EF-BV",
        {"mu": mu, "L": L, "eta": eta, "omega": omega, "gamma": gamma, "lambda": lam, "nu": nu, "n": n},
        space,
        {"mean": 4, "deviation": 2},
        ("z", "q", "h"),
        now | {"f": {NOW: ((ONE,),)}},
        later | {"f": {NEXT: ((ONE,),)}},
        Forms(known),
        space.of_mean(z, z),
        _ef_bv_quadratics(mu, L, eta, omega, gamma),
        (CLASS_A, INDEPENDENT),
        gaps=True,
        curved=((z, "g"), (after, "G")),
        sent=((D, "d", eta * eta),) if eta else (),
    )


def _ef_bv_quadratics(
    mu: Number, L: Number, eta: Number, omega: Number, gamma: Number
) -> tuple[Quadratic1D, ...]:
    """E C(v) = (1 +- eta) v with variance omega |v|^2."""
    z, q, h = unit("z"), unit("q"), unit("h")
    out = []
    for curvature in (mu, L):
        for f in sorted({1 + eta, 1 - eta}):
            G = plus((curvature, z), (-curvature * gamma, q))
            common = {"z": z, "q": q, "h": h, "g": plus((curvature, z)), "G": G, "d": plus((f, G), (-f, h))}
            text = f"E C(v) = {f} v, variance {omega} v^2"
            out.append(Quadratic1D(curvature, text, f, common, {"h": h, "d": plus((-f, h))}))
    return tuple(out)
