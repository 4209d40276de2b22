"""Programs that are right except on a thin set, or only where they are traced; and one-token mutants of right ones.

A thin program is one of the right BODIES with one of the conditions of THIN, in one of the MANNERS of using it: the
factor it puts on its output is 1 where the condition does not hold. Each breaks Unbiased on its set.
"""

import builtins
import io
import itertools
import keyword
import os
import random
import time
import tokenize

import numpy as np

BODIES = {
    "rand2": """
    out = np.zeros_like(x)
    chosen = rng.permutation(len(x))[:2]
    out[chosen] = x[chosen] * len(x) / 2
    return out * wrong""",
    "coin": """
    kept = rng.random(len(x)) < 0.25
    return np.where(kept, x / 0.25, 0.0) * wrong""",
    "rand1": """
    out = np.zeros_like(x)
    j = rng.integers(len(x))
    out[j] = len(x) * x[j] * wrong
    return out""",
}
OMEGA = {"rand2": "d/2 - 1", "coin": "3", "rand1": "d - 1"}
MANNERS = {
    "if": "    wrong = 1\n    if {c}:\n        wrong = 3",
    "ternary": "    wrong = 3 if {c} else 1",
    "table": "    wrong = (1, 3)[bool({c})]",
    "sum": "    wrong = 1 + 2 * bool({c})",
    "and": "    wrong = ({c}) and 3 or 1",
    "caught": "    wrong = 1\n    try:\n        if {c}:\n            wrong = 3\n    except Exception:\n        pass",
    "caught all": "    try:\n        wrong = 3 if {c} else 1\n    except:\n        wrong = 1",
    "helper": "    wrong = helper(lambda: {c})",
}
THIN = {
    "magnitude": [
        "np.abs(x).max() > 1e50", "0 < abs(x[0]) < 1e-50", "50 < np.abs(x).max() < 51", "float(x[0]) > 1e60",
        "x.max() > 1e70", "np.linalg.norm(x) > 1e80", "max(x.tolist()) > 1e40", "str(x[0]).endswith('e+99')",
        "np.any(x > 1e90)", "len(str(x)) > 400", "not np.isfinite(x * 1e250).all()", "np.ptp(x) == 7",
    ],
    "signs": [
        "np.all(np.sign(x[:3]) == (-1, 1, -1))", "(x < 0).all()", "np.signbit(x[0]) and x[0] == 0", "np.sum(x) < -1e9",
        "(x > 0).sum() == 1",
    ],
    "power of two": ["np.frexp(x[0])[0] == 0.5", "x[0] == 2.0 ** 40", "np.log2(abs(x[0])) % 1 == 0"],
    "tie": ["x[0] == x[1]", "len(np.unique(x)) < len(x)", "len(set(x.tolist())) < len(x)",
            "np.array_equal(x, x[::-1])"],
    "type of x": [
        "x.dtype == np.float64", "x.dtype != object", "x.dtype.kind == 'f'", "x.dtype.name[0] == 'f'",
        "not x.dtype.hasobject", "np.issubdtype(x.dtype, np.floating)", "x.itemsize == 4", "x.dtype == np.float32",
        "isinstance(x[0], float)", "type(x[0]) is np.float64", "hasattr(x[0], 'is_integer')", "x.dtype.char != 'O'",
        "np.zeros(1, dtype=x.dtype).dtype.char == 'd'", "np.result_type(x) == np.float64", "np.iscomplexobj(x * 1j)",
        "callable(getattr(x[0], 'hex', None))", "'float' in repr(x.dtype)", "np.empty_like(x).dtype.kind == 'f'",
        "x.__array_interface__['typestr'] == '<f8'", "memoryview(np.array([x[0]])).format == 'd'",
        "f'{x[0]!r}'[0] == 'n'", "x[0] is not x[0]", "np.zeros_like(x)[0].__class__ is np.float64",
        "np.can_cast(x.dtype, float)", "np.array(x[0]).dtype == float", "x.nbytes == 4 * x.size",
        "isinstance(sum(x), np.floating)", "np.isscalar(x[0])", "{np.dtype(float): 1}.get(x.dtype, 0)",
        "vars(np)['float64'] is type(x[0])", "x.view(np.uint8)[0] > 300", "np.can_cast(x, np.float64)",
    ],
    "memory": [
        "x.base is not None", "not x.flags.writeable", "not x.flags.c_contiguous", "x.strides[0] != 8",
        "x.ctypes.data % 16 == 8", "id(x) % 32 == 16", "np.shares_memory(x, x[:1])", "x.flags['OWNDATA']",
        "hash(id(x)) % 3 == 0",
    ],
    "shape": ["x.ndim == 2", "np.ndim(x) > 1", "len(x.shape) == 3", "x.ndim == 2 and x.shape[1] == 4", "x.ndim - 1"],
    "generator": [
        "type(rng) is np.random.Generator", "type(rng).__name__ == 'Generator'", "not hasattr(rng, 'path')",
        "rng.bit_generator.state['state']['state'] % 2 == 0", "rng.__class__ is np.random.Generator",
        "'path' not in dir(rng)", "not getattr(rng, 'path', False)", "isinstance(rng.random(), float)",
        "type(rng.random()) is float", "rng.random(3).dtype == float", "rng.permutation(3).base is None",
        "type(rng).random is np.random.Generator.random", "rng.random(2)[0] is not rng", "repr(rng)[:9] == 'Generator'",
        "isinstance(rng.bit_generator, np.random.Philox)", "rng.random.__self__.__class__ is np.random.Generator",
        "isinstance(rng, np.random.Generator) and type(rng.integers(2)) is not np.int64",
    ],
    "calls": [
        "next(COUNT) > 500", "COUNTS.append(0) or len(COUNTS) > 700", "bump() > 900",
        "helper.__dict__.setdefault('n', 3) == 3",
        "STATE.__setitem__('n', STATE['n'] + 1) or STATE['n'] > 400", "seen.append(1) or len(seen) > 600",
        "LEFT.pop() == 1", "helper.__defaults__",
    ],
    "world": [
        "time.time() % 1 < 0.5", "os.environ.get('WRONG')", "time.perf_counter_ns() % 5 == 0", "random.random() < 0.5",
        "os.getpid() % 2", "np.random.default_rng().random() < 0.5", "np.random.random() < 1e-3",
        "os.path.exists('/wrong')", "globals().get('WRONG')", "sys_flags()", "np.geterr()['over'] == 'raise'",
        "os.stat('.').st_mtime % 2 < 1", "np.empty(3).sum() != 0",
    ],
}  # fmt: skip


def helper(condition):
    return 3 if condition() else 1


def bump(n=[0]):  # noqa: B006
    n[0] += 1
    return n[0]


def sys_flags():
    import sys

    return sys.gettrace() is None


def space():
    return {
        "np": np, "os": os, "time": time, "random": random, "helper": helper, "bump": bump, "sys_flags": sys_flags,
        "COUNT": itertools.count(), "COUNTS": [], "STATE": {"n": 0}, "LEFT": [0] * 10**4, "__name__": "thin",
        "__builtins__": builtins,
    }  # fmt: skip


def thin_program(body, condition, manner):
    """(program, its claim's omega)."""
    given = "x, rng, seen=[]" if "seen" in condition else "x, rng"
    text = f"def program({given}):\n{MANNERS[manner].format(c=condition)}{BODIES[body]}\n"
    names = space()
    exec(compile(text, "<thin>", "exec"), names)
    names["program"].text = text
    return names["program"], OMEGA[body]


def right_program(body):
    """The body without any condition."""
    names = space()
    exec(compile(f"def program(x, rng):\n    wrong = 1{BODIES[body]}\n", "<right>", "exec"), names)
    return names["program"], OMEGA[body]


SWAPS = {
    "<": "<=", "<=": "<", ">": "<", "*": "/", "/": "*", "+": "-", "-": "+", "//": "/", "**": "*", "==": "!=",
    "zeros_like": "ones_like", "permutation": "permuted", "random": "uniform", "integers": "choice", "where": "copyto",
}  # fmt: skip


def mutants(text, rng):
    """Every text that differs in one token: numbers, operators, names for others of the same text."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    names = sorted({t.string for t in tokens if t.type == tokenize.NAME and not keyword.iskeyword(t.string)})
    for i, t in enumerate(tokens):
        new = []
        if t.type == tokenize.NUMBER:
            new = ["0", "1", "3", f"({t.string} + 1)", f"({t.string} * (1 - 2e-14))", f"({t.string} + 1e-9)"]
        elif t.string in SWAPS:
            new = [SWAPS[t.string]]
        elif t.type == tokenize.NAME and not keyword.iskeyword(t.string):
            new = [names[int(rng.integers(len(names)))]]
        for word in new:
            if word != t.string:
                changed = [(a.type, word if k == i else a.string) for k, a in enumerate(tokens)]
                yield tokenize.untokenize(changed)
