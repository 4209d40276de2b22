"""Steps of catalogue methods written out on arrays, against which their bodies are held to the last bit."""

from __future__ import annotations

import numpy as np


def efbv(method, problem, state, rng, plan, t):
    d = method.fleet.kernel(problem.gradients(state["x"]) - state["h"], rng)
    g = method.broadcast(state["h"].mean(axis=1) + float(plan["nu"]) * d.mean(axis=1), rng)
    x, h = state["x"] - plan.step(t) * g, state["h"] + float(plan["lambda"]) * d
    return {"x": x, "h": h}, method.uplink_bits(d), method.heard(g)


def memory(problem, x0):
    return {"x": x0, "h": np.zeros((len(x0), problem.n, problem.d))}
