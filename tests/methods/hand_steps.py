"""Steps of catalogue methods written out on arrays, against which their bodies are held to the last bit."""

from __future__ import annotations

import numpy as np

from compth.bits import FLOAT_BITS
from compth.compressors.perm_k import draw_weights
from compth.methods.core.components import components, subsets


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


def saga(method, problem, state, rng, plan, t):
    table, size = state["table"], method.fleet.size
    n = table.shape[1]
    drawn = (subsets(n, size, len(table), rng)[..., None] == np.arange(n)).any(axis=1)[..., None]
    change = np.where(drawn, components(problem).gradients(state["x"]) - table, 0.0)
    g = table.mean(axis=1) + change.sum(axis=1) / size
    return (
        {"x": state["x"] - plan.step(t) * g, "table": table + change},
        method.one_sends(problem, t, size),
        None,
    )


def table(problem, x0):
    return {"x": x0, "table": components(problem).gradients(x0)}


def l_svrg(method, problem, state, rng, plan, t):
    own, x = components(problem), state["x"]
    j = rng.integers(own.n, size=len(x))
    new, old = own.gradients(x), own.gradients(state["w"])
    rows = np.arange(len(x))
    g = new[rows, j] - old[rows, j] + old.mean(axis=1)
    renew = rng.random(len(x)) < float(plan["p"])
    sent = method.one_sends(problem, t) + np.where(renew, float(problem.d * FLOAT_BITS), 0.0)
    return {"x": x - plan.step(t) * g, "w": np.where(renew[:, None], x, state["w"])}, sent, None


def reference(problem, x0):
    return {"x": x0, "w": x0}


def sega(method, problem, state, rng, plan, t):
    h = state["h"]
    learned = method.fleet.kernel((problem.gradient(state["x"]) - h)[:, None], rng)[:, 0] / problem.d
    g = h + problem.d * learned
    return {"x": state["x"] - plan.step(t) * g, "h": h + learned}, float(FLOAT_BITS), None


def learned(problem, x0):
    return {"x": x0, "h": np.zeros_like(x0)}


def vr_diana(method, problem, state, rng, plan, t):
    x, h, w = state["x"], state["h"], state["w"]
    new, old = problem.part_gradients(x), problem.part_gradients(w)
    m = new.shape[2]
    j = rng.integers(m, size=(len(x), problem.n))[..., None, None]
    drawn = np.take_along_axis(new, j, axis=2) - np.take_along_axis(old, j, axis=2)
    g = drawn[:, :, 0] + old.mean(axis=2)
    message = method.fleet.kernel(g - h, rng)
    after = x - plan.step(t) * (h.mean(axis=1) + message.mean(axis=1))
    renew = rng.random(len(x)) < 1 / m
    moved = {"x": after, "h": h + float(plan["alpha"]) * message, "w": np.where(renew[:, None], x, w)}
    return moved, method.uplink_bits(message), None


def shifts(problem, x0):
    return {"x": x0, "h": np.zeros((len(x0), problem.n, problem.d)), "w": x0}
