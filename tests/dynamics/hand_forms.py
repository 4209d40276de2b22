"""Schemes worked out by hand, against which those that are read off the bodies are held."""

from __future__ import annotations

from collections.abc import Mapping

from compth._numbers import Number
from compth.dynamics.forms import Branch, Broadcast, Scheme, Sketches


def dcgd_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """z+ = z - gamma mean S_i (A_i z + s_i)."""
    down = Broadcast((0,), (s.delta,), 1, (-gamma,))
    return Scheme((1,), (0,), 1, 0, (Branch(1, ((1,),), ((-gamma * s.delta,),), (-gamma,)),), down=down)


def diana_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """y_i = h_i - s_i, u_i = A_i z - y_i, y_i+ = y_i + a S_i u_i, z+ = z - gamma (ybar + mean S_i u_i).

    For independent unbiased sketches ybar cancels in z+ and its block is not needed.
    """
    a = params["alpha"]
    memory = (1, a * s.delta, a)
    if s.cross is None and s.delta == 1:
        down = Broadcast((0,), (1,), 1, (-gamma,))
        return Scheme((1,), (0,), 0, -1, (Branch(1, ((1,),), ((-gamma,),), (-gamma,)),), memory, None, down)
    tau = ((1, -gamma * (1 - s.delta)), (0, 1 - a * s.delta))
    theta = ((-gamma * s.delta, 0), (a * s.delta, 0))
    down = Broadcast((0, 1 - s.delta), (s.delta, 0), 1, (-gamma, 0))
    return Scheme((1, 0), (0, 0), 0, -1, (Branch(1, tau, theta, (-gamma, a)),), memory, 1, down)


def ef_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """y_i = e_i, u_i = e_i + gamma (A_i z + s_i), z+ = z - mean S_i u_i, e_i+ = u_i - S_i u_i."""
    keep = 1 - s.delta
    tau, theta = ((1, -s.delta), (0, keep)), ((-gamma * s.delta, 0), (keep * gamma, 0))
    down = Broadcast((0, s.delta), (gamma * s.delta, 0), 1, (-1, 0))
    return Scheme((gamma, 0), (0, 0), gamma, 1, (Branch(1, tau, theta, (-1, -1)),), (0, keep, -1), 1, down)


def ef21_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """y_i = g_i - s_i, z+ = z - gamma ybar, u_i = A_i z+ - y_i, y_i+ = y_i + S_i u_i."""
    tau, theta = ((1, -gamma), (0, 1 - s.delta)), ((0, 0), (s.delta, -gamma * s.delta))
    return Scheme((1, -gamma), (0, 0), 0, -1, (Branch(1, tau, theta, (0, 1)),), (1, s.delta, 1), 1)


def marina_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """z+ = z - gamma g; g+ = A z+ with probability p, else g + mean S_i A_i (z+ - z): common vectors z, g."""
    p = params["p"]
    full = Branch(p, ((1, -gamma), (0, 0)), ((0, 0), (1, -gamma)), (0, 0))
    part = Branch(1 - p, ((1, -gamma), (0, 1)), ((0, 0), (0, -gamma * s.delta)), (0, 1))
    return Scheme((0, -gamma), (0, 0), 0, 0, (full, part))


def iasgd_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """Common vectors z = x - x*, v - x*; y = a v + (1-a) z, z+ = y - gamma q, v+ = b v + (1-b) y - m gamma q."""
    a, b, m = params["mix"], params["beta"], params["momentum"]
    y = (1 - a, a)
    tau = (y, ((1 - b) * (1 - a), b + (1 - b) * a))
    first = gamma * s.delta
    theta = ((-first * (1 - a), -first * a), (-m * first * (1 - a), -m * first * a))
    down = Broadcast((0, 0), (s.delta * (1 - a), s.delta * a), 1, (-gamma, -m * gamma))
    return Scheme(y, (0, 0), 1, 0, (Branch(1, tau, theta, (-gamma, -m * gamma)),), down=down)


def ef_bv_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """y_i = h_i - s_i, u_i = A_i z - y_i, y_i+ = y_i + lambda S_i u_i, z+ = z - gamma (ybar + nu mean S_i u_i)."""
    lam, nu = params["lambda"], params["nu"]
    tau = ((1, -gamma * (1 - nu * s.delta)), (0, 1 - lam * s.delta))
    theta = ((-gamma * nu * s.delta, 0), (lam * s.delta, 0))
    branch = Branch(1, tau, theta, (-gamma * nu, lam))
    down = Broadcast((0, 1 - nu * s.delta), (nu * s.delta, 0), nu, (-gamma, 0))
    return Scheme((1, 0), (0, 0), 0, -1, (branch,), (1, lam * s.delta, lam), 1, down)
