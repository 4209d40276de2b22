"""Methods written as one body: the catalogue's updates and others that it does not have, for the generated tests."""

from __future__ import annotations

from fractions import Fraction

import compth as ct


@ct.method
def Gradient(w, x, *, gamma):
    return dict(x=x - gamma * w.mean(w.gradient(x)))


@ct.method
def Compressed(w, x, *, gamma):
    return dict(x=x - gamma * w.broadcast(w.mean(w.compress(w.gradient(x)))))


@ct.method
def Feedback(w, x, e: ct.Worker, *, gamma):
    u = e + gamma * w.gradient(x)
    c = w.compress(u)
    return dict(x=x - w.broadcast(w.mean(c)), e=u - c)


@ct.method
def Learned(w, x, g: ct.Worker, *, gamma):
    xn = x - gamma * w.broadcast(w.mean(g))
    return dict(x=xn, g=g + w.compress(w.gradient(xn) - g))


@ct.method
def Shifted(w, x, h: ct.Worker, *, gamma, alpha):
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.broadcast(w.mean(h) + w.mean(c)), h=h + alpha * c)


@ct.method
def BiasVariance(w, x, h: ct.Worker, *, gamma, lam, nu):
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.broadcast(w.mean(h) + nu * w.mean(c)), h=h + lam * c)


@ct.method
def Marina(w, x, g: ct.Server = ct.gradient_at_start, *, gamma, p):
    xn = x - gamma * w.broadcast(g)
    new, old = w.gradient(xn), w.gradient(x)
    c = w.compress(new - old)
    return dict(x=xn, g=w.coin(p, w.mean(new), g + w.mean(c)))


@ct.method
def Extrapolated(w, x, v: ct.Server = ct.copy_of_start, *, gamma, mix, beta, momentum):
    y = mix * v + (1 - mix) * x
    q = w.broadcast(w.mean(w.compress(w.gradient(y))))
    return dict(x=y - gamma * q, v=beta * v + (1 - beta) * y - momentum * gamma * q)


@ct.method
def Accelerated(
    w,
    x,
    h: ct.Worker,
    z: ct.Server = ct.copy_of_start,
    v: ct.Server = ct.copy_of_start,
    *,
    gamma,
    theta,
    pace,
    beta,
    p,
    alpha,
):
    """Two compressions a step and a coin."""
    u = theta * z + v / 2 + (Fraction(1, 2) - theta) * x
    g = w.broadcast(w.mean(h + w.compress(w.gradient(u) - h)))
    learned = h + alpha * w.compress(w.gradient(v) - h)
    return dict(x=u - gamma * g, z=beta * z + (1 - beta) * u - pace * g, v=w.coin(p, x, v), h=learned)


@ct.method
def Iterates(w, x, *, gamma):
    """A compressed broadcast before the gradient: noise that reaches a gradient."""
    y = w.broadcast(x)
    return dict(x=y - gamma * w.mean(w.gradient(y)))


@ct.method
def DianaMomentum(w, x, h: ct.Worker, m: ct.Server, *, gamma, alpha, beta=0):
    """DIANA with heavy-ball momentum."""
    c = w.compress(w.gradient(x) - h)
    m_next = beta * m + w.mean(h + c)
    return dict(x=x - gamma * m_next, h=h + alpha * c, m=m_next)


@ct.method
def Control(w, x, h: ct.Worker, e: ct.Worker, *, gamma, eta):
    """Two memories."""
    g = w.gradient(x)
    c = w.compress(eta * e + g - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + c, e=e + g - h - c)


@ct.method
def Half(w, x, h: ct.Worker, *, gamma, alpha):
    """A gradient at a point that hangs on another gradient."""
    half = x - gamma * w.mean(w.gradient(x))
    c = w.compress(w.gradient(half) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c)


@ct.method
def Noisy(w, x, *, gamma):
    """Extragradient: noise of a compression reaches a gradient and a second compression."""
    half = x - gamma * w.mean(w.compress(w.gradient(x)))
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(half))))


@ct.method
def Twice(w, x, *, gamma):
    """The induced compressor as two compressions: C(g) + C(g - C(g))."""
    g = w.gradient(x)
    c = w.compress(g)
    return dict(x=x - gamma * w.mean(c + w.compress(g - c)))


@ct.method
def Slow(w, x, h: ct.Worker, s: ct.Server, *, gamma, alpha, beta):
    """A slow server memory that the workers' memories are pulled to."""
    c = w.compress(w.gradient(x) - h)
    pulled = h + alpha * c + beta * (s - h)
    return dict(x=x - gamma * w.mean(h + c), h=pulled, s=s + beta * (w.mean(h) - s))


@ct.method
def Reference(w, x, v: ct.Server = ct.copy_of_start, *, gamma, p):
    """L-SVRG: gradients at a reference point that a coin renews."""
    old = w.gradient(v)
    return dict(x=x - gamma * w.mean(old + w.compress(w.gradient(x) - old)), v=w.coin(p, x, v))


@ct.method
def Copied(w, x, H: ct.Server, h: ct.Worker, *, gamma, alpha):
    """DIANA with the server's own copy of the mean memory: an invariant."""
    c = w.compress(w.gradient(x) - h)
    m = w.mean(c)
    return dict(x=x - gamma * (H + m), H=H + alpha * m, h=h + alpha * c)


@ct.method
def Sketched(w, x, *, gamma, beta):
    """One sketch applied to two vectors."""
    s = w.sketch()
    g = w.gradient(x)
    return dict(x=x - gamma * w.mean(s(g)) - beta * w.mean(s(g - w.mean(g))))


@ct.method
def Spread(w, x, h: ct.Worker, *, gamma, alpha):
    """A server term inside a worker's memory."""
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c + alpha / 2 * (w.mean(h) - h))


@ct.method
def Centred(w, x, *, gamma):
    """Compresses deviations from the mean."""
    g = w.gradient(x)
    return dict(x=x - gamma * w.mean(g + w.compress(g - w.mean(g))))


@ct.method
def TwoCoins(w, x, h: ct.Worker, *, gamma, p, q):
    """A coin for the memory and one for the step."""
    c = w.compress(w.gradient(x) - h)
    step = w.mean(h + c)
    return dict(x=w.coin(q, x - gamma * step, x - gamma / 2 * step), h=w.coin(p, h + c / 4, h))


@ct.method
def Pulled(w, x, h: ct.Worker, s: ct.Server, *, gamma):
    """A server memory inside what is compressed, means inside a worker's memory."""
    c = w.compress(w.gradient(x) - h - s)
    m = w.mean(h)
    return dict(x=x - gamma * (s + m + w.mean(c)), h=h + c / 4 - m / 8, s=s / 2 + m / 8 + w.mean(c) / 4)


@ct.method
def Chain(w, x, h: ct.Worker, *, gamma):
    """Noise in both scopes, own and mean, goes through a second compression."""
    a = w.compress(w.gradient(x) - h)
    b = w.compress(a - w.mean(a) / 2)
    return dict(x=x - gamma * w.mean(h + b + w.mean(a) / 2), h=h + b / 8)


@ct.method
def Subnetwork(w, x, *, gamma, kept):
    """IST whose server keeps a part of its own model: one sketch of model and gradient."""
    s = w.sketch()
    y = s(x)
    return dict(x=kept * x + (1 - kept) * w.mean(y) - gamma * w.mean(s(w.gradient(y))))


@ct.method
def Counted(w, x, h: ct.Worker, *, gamma):
    """Its learning rate is 1/d, and its step hangs on n."""
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma / w.n * w.mean(h + c), h=h + c / w.d)


@ct.method
def Parted(w, x, h: ct.Worker, v: ct.Server = ct.copy_of_start, *, gamma, alpha, p):
    """One part of every worker against a reference point, shifted and compressed: no floor."""
    part = w.parts.sample()
    old = w.parts.gradient(v)
    g = part(w.parts.gradient(x) - old) + w.parts.mean(old)
    c = w.compress(g - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c, v=w.coin(p, x, v))


@ct.method
def Sampling(w, x, m: ct.Server, *, gamma, beta):
    """One part of every worker, compressed, with momentum: a floor."""
    part = w.parts.sample()
    m_next = beta * m + w.mean(w.compress(part(2 * w.parts.gradient(x) - w.parts.gradient(x))))
    return dict(x=x - gamma * m_next, m=m_next)


PARAMS = {
    "Counted": {},
    "Parted": {"alpha": 0.25, "p": 0.5},
    "Sampling": {"beta": 0.25},
    "Subnetwork": {"kept": 0.25},
    "Centred": {},
    "TwoCoins": {"p": 0.5, "q": 0.25},
    "Pulled": {},
    "Chain": {},
    "Gradient": {},
    "Compressed": {},
    "Feedback": {},
    "Learned": {},
    "Shifted": {"alpha": 0.25},
    "BiasVariance": {"lam": 0.25, "nu": 0.75},
    "Marina": {"p": 0.25},
    "Extrapolated": {"mix": 0.25, "beta": 0.5, "momentum": 0.5},
    "Accelerated": {"theta": 0.25, "pace": 0.5, "beta": 0.5, "p": 0.25, "alpha": 0.25},
    "DianaMomentum": {"alpha": 0.25, "beta": 0.25},
    "Control": {"eta": 0.25},
    "Half": {"alpha": 0.25},
    "Noisy": {},
    "Twice": {},
    "Slow": {"alpha": 0.25, "beta": 0.125},
    "Reference": {"p": 0.25},
    "Copied": {"alpha": 0.25},
    "Sketched": {"beta": 0.125},
    "Spread": {"alpha": 0.25},
}
"""Parameters besides gamma, exact in binary."""


def made(name, compressor, gamma=0.25, **more):
    """An instance by name."""
    return globals()[name](compressor, gamma=gamma, **{**PARAMS.get(name, {}), **more})
