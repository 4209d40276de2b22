"""Steps of catalogue methods written out on arrays, against which their bodies are held to the last bit."""

from __future__ import annotations

import numpy as np

from compth.compressors.perm_k import draw_weights


def efbv(method, problem, state, rng, plan, t):
    d = method.fleet.kernel(problem.gradients(state["x"]) - state["h"], rng)
    g = method.broadcast(state["h"].mean(axis=1) + float(plan["nu"]) * d.mean(axis=1), rng)
    x, h = state["x"] - plan.step(t) * g, state["h"] + float(plan["lambda"]) * d
    return {"x": x, "h": h}, method.uplink_bits(d), method.heard(g)


def memory(problem, x0):
    return {"x": x0, "h": np.zeros((len(x0), problem.n, problem.d))}


def adiana(method, problem, state, rng, plan, t):
    theta, step, beta = (float(plan[name]) for name in ("theta", "step", "beta"))
    x, z, w, h = (state[k] for k in ("x", "z", "w", "h"))
    u = theta * z + w / 2 + (0.5 - theta) * x
    m = method.fleet.kernel(problem.gradients(u) - h, rng)
    g = method.broadcast(h.mean(axis=1) + m.mean(axis=1), rng)
    shift = method.fleet.kernel(problem.gradients(w) - h, rng)
    move = rng.random(len(u)) < float(plan["p"])
    after = {
        "x": u - plan.step(t) * g,
        "z": beta * z + (1 - beta) * u - step * g,
        "w": np.where(move[:, None], x, w),
        "h": h + float(plan["alpha"]) * shift,
    }
    return after, method.uplink_bits(m) + method.uplink_bits(shift), method.heard(g)


def references(problem, x0):
    return memory(problem, x0) | {"z": x0, "w": x0}


def gdci(method, problem, state, rng, plan, t):
    member = method.fleet.member(0)
    y = member.kernel(state["x"], rng)
    varies = member.bits(problem.d).random
    heard = member.message_bits(y, 32) if varies else None
    return {"x": y - plan.step(t) * problem.gradient(y)}, 32.0 * problem.d, heard


def point(problem, x0):
    return {"x": x0}


def gd(method, problem, state, rng, plan, t):
    bits = float(method.fleet.bits(1, problem.d)[0].total)
    return {"x": state["x"] - plan.step(t) * problem.gradient(state["x"])}, bits, None


def sgd(method, problem, state, rng, plan, t):
    bits = float(method.fleet.bits(1, problem.d)[0].total)
    return {"x": state["x"] - plan.step(t) * problem.gradients(state["x"]).mean(axis=1)}, bits, None


def ist(method, problem, state, rng, plan, t):
    x = state["x"]
    w = draw_weights(method.fleet, (len(x), problem.n, problem.d), rng)
    model = w * x[:, None, :]
    messages = w * problem.gradients_at(model)
    moved = plan.step(t) * messages
    new = x - moved.mean(axis=1) if method.form == "estimator" else (model - moved).mean(axis=1)
    return {"x": new}, method.uplink_bits(messages), method.uplink_bits(model)
