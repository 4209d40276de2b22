"""Random straight-line programs: what a trace says of one must be what numpy makes of it."""

import math
import random

import numpy as np

UNARY = [
    "np.abs({a})",
    "np.floor({a})",
    "np.ceil({a})",
    "np.rint({a})",
    "np.trunc({a})",
    "np.sign({a})",
    "np.sqrt(np.abs({a}))",
    "-{a}",
    "+{a}",
    "({a}).astype(int)",
    "({a}).astype(float)",
    "({a}).astype(bool)",
    "({a}).copy()",
    "np.square({a})",
    "({a}).sum()",
    "({a}).mean()",
    "({a}).max()",
    "({a}).min()",
    "({a}).any()",
    "({a}).all()",
    "np.cumsum({a})",
    "np.frexp({a})[0]",
    "np.frexp({a})[1]",
    "np.modf({a})[0]",
    "np.modf({a})[1]",
    "({a}).round()",
    "np.count_nonzero({a})",
    "({a})[0]",
    "({a})[-1]",
    "({a})[1:]",
    "({a})[::-1]",
    "({a})[::2]",
    "({a})[...]",
    "({a})[None]",
    "({a}).reshape(-1, 1)",
    "({a}).T",
    "({a}).ravel()",
    "({a}).flatten()",
    "np.asarray({a})",
    "np.array({a})",
    "np.copy({a})",
    "np.zeros_like({a})",
    "np.ones_like({a})",
    "np.full_like({a}, 2)",
    "np.full_like({a}, 1.5)",
    "np.zeros_like({a}, dtype=int)",
    "np.full(3, {a})",
    "np.array([v for v in {a}])",
    "np.array([2 * v for v in {a}])",
    "sum({a})",
    "max({a})",
    "min({a})",
    "any({a})",
    "all({a})",
    "float({a})",
    "int({a})",
    "bool({a})",
    "abs({a})",
    "round({a})",
    "math.floor({a})",
    "math.ceil({a})",
    "math.trunc({a})",
    "math.frexp({a})[0]",
    "math.frexp({a})[1]",
    "math.modf({a})[0]",
    "math.fabs({a})",
    "math.sqrt(abs({a}))",
    "({a}).tolist()",
    "({a}).item()",
    "list({a})",
    "tuple({a})",
    "np.digitize({a}, [-0.5, 0.5, 1.5])",
    "np.digitize({a}, [-1, 0, 1], right=True)",
    "np.searchsorted([-0.5, 0.0, 1.0], {a})",
    "np.searchsorted(np.array([-1, 0, 2]), {a}, side='right')",
    "np.logical_not({a})",
    "~{a}",
    "not {a}",
    "({a}) * 1.0",
    "({a}) + 0",
    "({a}) ** 2",
    "({a}) ** 3",
    "({a}) ** 0",
    "2.0 ** np.sign({a})",
    "2 ** (np.sign({a}).astype(int) + 1)",
    "np.exp2(np.sign({a}))",
    "({a}).clip(-1, 1)",
    "np.clip({a}, 0, None)",
    "np.clip({a}, 1, 0.5)",
    "np.negative({a})",
    "np.fabs({a})",
    "np.atleast_1d({a})",
    "({a}).prod()",
    "np.prod({a})",
    "np.sort(np.abs({a}))",
    "sorted(np.abs({a}))",
    "np.argmax(np.abs({a}))",
    "np.linalg.norm({a})",
    "np.linalg.norm({a}, 1)",
    "np.linalg.norm({a}, np.inf)",
    "len({a})",
    "({a}).size",
    "({a}).shape[0]",
    "({a}).ndim",
    "np.vectorize(lambda v: 2 * v)({a})",
    "np.vectorize(lambda v: v > 0)({a})",
    "np.vectorize(lambda v: int(v), otypes=[float])({a})",
    "np.where({a})[0]",
    "isinstance({a}, np.ndarray)",
    "({a}) @ ({a})",
    "np.dot({a}, {a})",
    "np.flatnonzero({a}).size",
    "np.put({a}, [0], 1)",
    "np.concatenate([{a}, {a}])[:3]",
    "np.hstack([{a}, {a}])",
    "divmod({a}, 2)[0]",
    "divmod({a}, 2)[1]",
    "pow({a}, 2)",
    "np.take({a}, [0, -1, 1])",
    "np.bincount(np.array([0, 1, 1]), minlength=3)",
    "np.reshape({a}, (1, -1))[0]",
    "np.select([{a} > 0, {a} < -1], [{a}, 5])",
]
"""Expressions of one variable."""
BINARY = [
    "{a} + {b}",
    "{a} - {b}",
    "{a} * {b}",
    "{a} / {b}",
    "{a} < {b}",
    "{a} <= {b}",
    "{a} == {b}",
    "{a} != {b}",
    "{a} > {b}",
    "{a} & {b}",
    "{a} | {b}",
    "{a} ^ {b}",
    "np.maximum({a}, {b})",
    "np.minimum({a}, {b})",
    "np.copysign({a}, {b})",
    "np.where({a}, {b}, 0)",
    "np.where({a} > 0, {a}, {b})",
    "np.logical_and({a}, {b})",
    "np.logical_or({a}, {b})",
    "({a} if {b} else 0.0)",
    "({a} and {b})",
    "({a} or {b})",
    "max({a}, {b})",
    "min({a}, {b})",
    "np.ldexp({a}, {b})",
    "({a})[{b}]",
    "np.where({b}, {a}, {a} + 1)",
    "({a})[{b} > 0].sum()",
    "np.array([{a}, {b}])",
    "np.array([{a}, {b}]).sum()",
    "sum([{a}, {b}])",
    "np.less({a}, {b})",
    "np.greater_equal({a}, {b})",
    "{a} in ({b}, 1.0)",
    "[{a}, {b}].index({b})",
    "np.dot({a}, {b})",
    "np.multiply({a}, {b}, where={b} > 0, out=np.zeros(3))",
    "np.add({a}, 1, out=np.zeros(3))",
    "np.concatenate([{a}, {b}])",
    "np.power({a}, 2)",
    "np.take({a}, {b})",
    "np.vectorize(lambda u, v: u - v)({a}, {b})",
    "1.5 * {a} - {b}",
    "{a} - 2",
    "3 - {a}",
    "{a} // 1",
    "{a} % 1",
    "{a} * True",
    "{a} + True",
    "True + {a}",
    "{a} / 2",
    "{a} ** {b}",
    "np.dot({a} > 0, {b} > 0)",
    "({a} > 0) @ ({b} > 0)",
    "({a} > 0) * ({b} > 0)",
    "({a} > 0) + ({b} > 0)",
    "({a} > 0).sum() + ({b} > 0).sum()",
    "({a} > 0).mean()",
    "np.cumsum({a} > 0)",
    "np.prod({a} > 0)",
    "np.square({a} > 0)",
    "np.maximum({a} > 0, {b})",
    "np.sum({a} > 0) / 3",
    "np.where({a} > 0, True, {b})",
    "np.sign({a}).astype(int) * np.floor({b}).astype(int)",
    "np.floor({a}).astype(int) // 2",
    "np.floor({a}).astype(int) % 3",
    "np.floor({a}).astype(int) ** 2",
    "np.floor({a}).astype(int) / 2",
    "-(np.floor({a}).astype(int))",
    "abs(np.floor({a}).astype(int))",
    "np.floor({a}).astype(int).mean()",
    "np.floor({a}).astype(int).tolist()",
    "np.array([[1, 2, 3], {a}])[1]",
    "np.array([{a}, {b}])[:, 0]",
    "np.array([{a}, {b}]).T[0]",
    "np.zeros((3, 2))[:, 0] + {a}",
    "np.ones((2, 3))[1] * {a}",
    "np.searchsorted([0, 1], {a}) + {b}",
    "np.full((2, 3), {a})[1]",
    "np.array([{a} for _ in range(2)])[1]",
    "[v for v in {a}][1]",
    "np.sort({a})",
    "list(map(abs, {a}))[0]",
    "[u + v for u, v in zip({a}, {b})][2]",
    "np.array(list(reversed({a})))",
    "np.array([k * v for k, v in enumerate({a})])",
]
"""Of two."""
STORES = [
    "{a} += {b}",
    "{a} -= {b}",
    "{a} *= {b}",
    "{a} /= 2",
    "{a} //= 2",
    "{a} %= 2",
    "{a} |= {b} > 0",
    "{a} &= {b} > 0",
    "{a}[0] = {b}",
    "{a}[{b} > 0] = 1.5",
    "{a}[{b} > 0] += 1",
    "{a}[...] = {b}",
    "{a}[1:] = {b}",
    "{a}[::-1] = {b}",
    "{a}[[0, 2]] = 7",
    "{a}[[0, 0]] += 1",
    "{a}[:2] *= 3",
    "{a}.fill(2.7)",
    "np.multiply({a}, 2, out={a})",
    "np.add.at({a}, [0, 0], 1)",
    "np.put({a}, [1], 4)",
    "{a}[-1] += {b}",
    "{a}[np.argmax(np.abs(x))] = 0",
    "{a}[{b}] = 1",
    "{a} **= 2",
    "np.maximum({a}, {b}, out={a})",
    "{a}[{b} == 0] -= 1",
    "{a}[0], {a}[1] = {a}[1], {a}[0]",
]
"""Statements that change one."""
NUMBERS = [
    "1.5",
    "2",
    "0.5",
    "-1",
    "True",
    "np.array([1, 0, 2])",
    "np.array([0.5, -1.0, 2.0])",
    "np.array([True, False, True])",
]
INPUTS = [
    np.array(v)
    for v in ([1.25, -0.75, 2.25], [0.0, 1.0, -2.0], [0.5, 0.5, -0.5], [-3.0, 2.5, 1.5], [1.5, -1.0, 0.25])
]
"""Of few bits: of numbers that float64 rounds a trace may differ by what rounding does."""


def text(seed):
    """A function f(x) of a few lines."""
    rng, names, lines = random.Random(seed), ["x"], []
    for k in range(rng.randint(2, 6)):
        kind, a, b = rng.random(), rng.choice(names[-3:] + names), rng.choice(names)
        if rng.random() < 0.15:
            b = rng.choice(NUMBERS)
        if kind < 0.75 or a == "x":
            form = rng.choice(UNARY if kind < 0.4 else BINARY) if kind < 0.75 else "({a}).copy()"
            lines.append(f"v{k} = {form.format(a=a, b=b)}")
            names.append(f"v{k}")
        else:
            lines.append(rng.choice(STORES).format(a=a, b=b))
    more = f" + {rng.choice(names)}" if rng.random() < 0.4 else ""
    body = [*lines, f"return np.zeros(3) + {names[-1]}{more}"]
    return "def f(x):\n    x = x.copy()\n" + "".join(f"    {line}\n" for line in body)


def program(seed):
    """The function, or None where it is no Python."""
    names = {"np": np, "math": math}
    try:
        exec(compile(text(seed), f"<random program {seed}>", "exec"), names)
    except SyntaxError:
        return None
    return names["f"]


def real(f, x):
    """What it returns, None where it fails or returns something else than a vector."""
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(f(x.copy()))
        return y.astype(float) if y.shape == (3,) else None
    except Exception:
        return None
