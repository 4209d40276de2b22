"""Methods as researchers write them, each with its step on plain arrays: what the public form must take.

A step is step(problem, state, draw, coin, **parameters) -> state, for one replicate: x (d,), workers' vectors (n, d).
draw() is one round's weights of all workers (n, d), anew at every call; coin(p) is a coin.
"""

import numpy as np

import compth as ct

ALL = {}


def unseen(step, name="", problem="quadratic", **params):
    def put(kind):
        ALL[name or kind.__name__] = (kind, step, params, problem)
        return kind

    return put


def gradients(problem, x):
    return problem.A @ x - problem.b


# -- heavy ball, by the last iterate ---------------------------------------------------------------------------------


def heavy_ball(problem, s, draw, coin, gamma, beta):
    g = (draw() * gradients(problem, s["x"])).mean(0)
    return {"x": s["x"] + beta * (s["x"] - s["last"]) - gamma * g, "last": s["x"]}


@unseen(heavy_ball, beta=0.25)
@ct.method
def HeavyBall(w, x, last: ct.Server = ct.copy_of_start, *, gamma, beta):
    """Polyak's momentum on compressed gradients."""
    g = w.mean(w.compress(w.gradient(x)))
    return {"x": x + beta * (x - last) - gamma * g, "last": x}


# -- EF21 with momentum on the worker and Nesterov's point: three vectors --------------------------------------------


def ef21_momentum(problem, s, draw, coin, gamma, eta, mix):
    x = s["x"] - gamma * s["g"].mean(0)
    y = x + mix * (x - s["x"])
    v = (1 - eta) * s["v"] + eta * gradients(problem, y)
    return {"x": x, "v": v, "g": s["g"] + draw() * (v - s["g"])}


@unseen(ef21_momentum, eta=0.5, mix=0.25)
@ct.method
def MomentumEF21(w, x, v: ct.Worker, g: ct.Worker, *, gamma, eta, mix):
    """EF21-SGDM, gradients at an extrapolated point."""
    xn = x - gamma * w.mean(g)
    y = xn + mix * (xn - x)
    vn = (1 - eta) * v + eta * w.gradient(y)
    return dict(x=xn, v=vn, g=g + w.compress(vn - g))


# -- two compressions, the second of what the first lost --------------------------------------------------------------


def corrected(problem, s, draw, coin, gamma, alpha):
    g, h = gradients(problem, s["x"]), s["h"]
    first = draw() * (g - h)
    rest = draw() * (g - h - first)
    return {"x": s["x"] - gamma * (h + first + rest).mean(0), "h": h + alpha * first}


@unseen(corrected, alpha=0.25)
@ct.method
def Corrected(w, x, h: ct.Worker, *, gamma, alpha):
    g = w.gradient(x)
    first = w.compress(g - h)
    rest = w.compress(g - h - first)
    return dict(x=x - gamma * w.mean(h + first + rest), h=h + alpha * first)


# -- a slow memory of the server, towards which the workers' are drawn ------------------------------------------------


def slow(problem, s, draw, coin, gamma, alpha, beta):
    c = draw() * (gradients(problem, s["x"]) - s["h"])
    g = s["h"].mean(0) + c.mean(0)
    return {
        "x": s["x"] - gamma * (0.5 * g + 0.5 * s["H"]),
        "H": (1 - beta) * s["H"] + beta * g,
        "h": s["h"] + alpha * c + beta * (s["H"] - s["h"].mean(0)),
    }


@unseen(slow, alpha=0.25, beta=0.125)
@ct.method
def SlowServer(w, x, H: ct.Server, h: ct.Worker, *, gamma, alpha, beta):
    c = w.compress(w.gradient(x) - h)
    g = w.mean(h) + w.mean(c)
    step = (g + H) / 2
    return dict(x=x - gamma * step, H=(1 - beta) * H + beta * g, h=h + alpha * c + beta * (H - w.mean(h)))


# -- a coin that renews the workers' memories by full gradients, and one that skips the step --------------------------


def coins(problem, s, draw, coin, gamma, p, q):
    g, h = gradients(problem, s["x"]), s["h"]
    c = draw() * (g - h)
    x = s["x"] - gamma * (h + c).mean(0)
    return {"h": g if coin(p) else h + c / 4, "x": s["x"] if coin(q) else x}


@unseen(coins, p=0.25, q=0.5)
@ct.method
def Renewed(w, x, h: ct.Worker, *, gamma, p, q):
    g = w.gradient(x)
    c = w.compress(g - h)
    memory = w.coin(p, g, h + c / 4)
    return dict(x=w.coin(q, x, x - gamma * w.mean(h + c)), h=memory)


# -- a compressed broadcast of the model's change: gradients at what the workers know ---------------------------------


def primal(problem, s, draw, coin, gamma):
    x = s["x"] - gamma * (draw() * gradients(problem, s["y"])).mean(0)
    return {"x": x, "y": s["y"] + draw("down") * (x - s["y"]) / 2}


@unseen(primal, problem="downlink")
@ct.method
def PrimalShift(w, x, y: ct.Server = ct.copy_of_start, *, gamma):
    """The workers hold y and hear compressed differences."""
    xn = x - gamma * w.mean(w.compress(w.gradient(y)))
    return dict(x=xn, y=y + w.broadcast(xn - y) / 2)


# -- local steps: a gradient at every worker's own point --------------------------------------------------------------


def local(problem, s, draw, coin, gamma, rounds):
    points = np.repeat(s["x"][None], problem.n, axis=0)
    for _ in range(int(rounds)):
        points = points - gamma * (np.einsum("iab,ib->ia", problem.A, points) - problem.b)
    return {"x": s["x"] + (draw() * (points - s["x"])).mean(0)}


@unseen(local, rounds=2)
@ct.method
def LocalSteps(w, x, *, gamma, rounds=2):
    """Local gradient descent with compressed updates; on different data it does not even rest at x*."""
    point = x
    for _ in range(int(rounds)):
        point = point - gamma * w.gradient(point)
    return dict(x=x + w.mean(w.compress(point - x)))


# -- local iterates with control variates that a coin brings together -------------------------------------------------


def skipping(problem, s, draw, coin, gamma, p):
    point = s["y"] - gamma * (np.einsum("iab,ib->ia", problem.A, s["y"]) - problem.b - s["h"])
    mean = point.mean(0)
    if coin(p):
        return {"x": mean, "y": np.repeat(mean[None], problem.n, 0), "h": s["h"] + p / gamma * (mean - point)}
    return {"x": s["x"], "y": point, "h": s["h"]}


@unseen(skipping, p=0.5)
@ct.method
def Skipping(w, x, h: ct.Worker, y: ct.Worker = ct.copy_of_start, *, gamma, p):
    """Scaffnew."""
    point = y - gamma * (w.gradient(y) - h)
    mean = w.mean(point)
    x, y, h = w.coin(p, (mean, mean, h + p / gamma * (mean - point)), (x, point, h))
    return dict(x=x, y=y, h=h)


# -- one part of every worker at two points: a drawn part, and an oracle whose draw is shared -------------------------


@unseen(None, problem="sum", p=0.5)
@ct.method
def Recursive(w, x, last: ct.Server = ct.copy_of_start, g: ct.Server = ct.gradient_at_start, *, gamma, p):
    """PAGE: the same component at the new point and the last one."""
    part = w.parts.sample()
    new = w.parts.gradient(x)
    moved = part(new - w.parts.gradient(last))
    est = w.coin(p, w.mean(w.parts.mean(new)), g + w.mean(w.compress(moved)))
    return dict(x=x - gamma * est, last=x, g=est)


@unseen(None, problem="oracle", beta=0.25)
@ct.method
def Storm(w, x, last: ct.Server = ct.copy_of_start, g: ct.Server = ct.gradient_at_start, *, gamma, beta):
    """STORM: two stochastic gradients of one draw."""
    new, old = w.gradient(x, draw="xi"), w.gradient(last, draw="xi")
    est = w.mean(w.compress(new)) + (1 - beta) * (g - w.mean(old))
    return dict(x=x - gamma * est, last=x, g=est)


# -- a cell of a notebook ---------------------------------------------------------------------------------------------

CELL = """
from fractions import Fraction
import compth as ct

K = Fraction(1, 2)  # learning rate of the shifts


@ct.method
def Cell(w, x, h: ct.Worker, m: ct.Server, *, gamma, beta=Fraction(1, 4)):
    def shifted(g, h):
        return w.compress(g - h)

    c = shifted(w.gradient(x), h)
    m = beta * m + sum([w.mean(h), w.mean(c)])
    return dict(x=x - gamma * m, h=h + K * c, m=m)
"""


def cell(problem, s, draw, coin, gamma):
    c = draw() * (gradients(problem, s["x"]) - s["h"])
    m = s["m"] / 4 + (s["h"] + c).mean(0)
    return {"x": s["x"] - gamma * m, "h": s["h"] + c / 2, "m": m}


def from_a_cell():
    space = {"__name__": "__main__"}
    exec(compile(CELL, "<ipython-input-7-0>", "exec"), space)
    return space["Cell"]


unseen(cell)(from_a_cell())
