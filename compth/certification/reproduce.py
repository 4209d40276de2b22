"""A counterexample as a script: numpy and the user's file only; exits 1 while the defect stands, 0 when it is gone."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np

from compth.certificates import Certificate
from compth.certification.arithmetic import JUDGING

HEAD = '''\
"""{title}

Needs numpy and {file} only. Exits with 1 while the defect stands, with 0 once it is gone.
"""
import importlib.util, json, math, sys
from fractions import Fraction
import numpy as np

spec = importlib.util.spec_from_file_location("checked", {file!r})
module = importlib.util.module_from_spec(spec)
sys.modules["checked"] = module
spec.loader.exec_module(module)
thing = getattr(module, {name!r})
PARAMETERS = {parameters!r}
if isinstance(thing, type):
    thing = thing(**PARAMETERS)
    PARAMETERS = {{}}
program = getattr(thing, "_compress", thing)
x = np.array([float.fromhex(v) for v in {x!r}])
d = {d}
SLACK = {slack!r}  # the rounding that the program's arithmetic is granted, relative to ||C(x)|| + ||x||


{judging}


def run(rng):
    arguments = (x.copy(), rng) if {takes_rng} else (x.copy(),)
    out = program(*arguments, **PARAMETERS)
    return np.asarray(out.detach().cpu().double() if hasattr(out, "detach") else out, dtype=float)


def judge(mean, second, error):
    """The inequality that the claim makes at x."""
    xx = float(x @ x)
{judge}

'''

PATHS = '''\
PATHS = json.loads({paths!r})


class Replay(np.random.Generator):
    """Returns the recorded draws of one path, whatever method is called."""

    def __new__(cls, draws):
        return super().__new__(cls, np.random.PCG64(0))

    def __init__(self, draws):
        super().__init__(np.random.PCG64(0))
        self.draws = list(draws)

    def _next(self, *args, **kwargs):
        held = self.draws.pop(0)
        if "order" in held:
            target = args[0]
            target[:] = [target[i] for i in held["order"]]
            return None
        if "value" in held:
            v = held["value"]
            return float.fromhex(v) if isinstance(v, str) else v
        values = [float.fromhex(v) if isinstance(v, str) else v for v in held["values"]]
        return np.array(values).reshape(held["shape"])


for name in dir(np.random.Generator):
    if not name.startswith("_") and name != "bit_generator":
        setattr(Replay, name, Replay._next)

mean, second, error = np.zeros(d), 0.0, 0.0
for probability, draws in PATHS:
    p = float(Fraction(probability))
    out = run(Replay(draws))
    mean += p * out
    second += p * float(out @ out)
    error += p * float((out - x) @ (out - x))
print(f"{{len(PATHS)}} paths enumerated at x = {{x.tolist()}}")
sys.exit(1 if judge(mean, second, error) else 0)
'''

SAMPLES = """\
COUNT, LEVEL = {count}, {level}
outs = np.array([run(np.random.default_rng([{seed}, t])) for t in range(COUNT)])
z = ((outs - x) ** 2).sum(axis=1)
mean, second, error = outs.mean(axis=0), float((outs ** 2).sum(axis=1).mean()), float(z.mean())
print(f"{{COUNT}} seeded samples at x = {{x.tolist()[:8]}}...")
sys.exit(1 if judge(mean, second, error) else 0)
"""

CONTRACT = """\
import random
before = np.random.get_state()[1].tobytes(), random.getstate()
outs, given = [], x.copy()
try:
    for seed in (7, 7, 1):
        rng = np.random.default_rng(seed)
        y = program(given, rng, **PARAMETERS) if {takes_rng} else program(given, **PARAMETERS)
        outs.append(y)
    kept = isinstance(outs[0], np.ndarray) and outs[0].shape == (d,) and np.isfinite(np.asarray(outs[0], float)).all()
    kept = kept and np.array_equal(outs[0], outs[1]) and np.array_equal(given, x)
    kept = kept and (np.random.get_state()[1].tobytes(), random.getstate()) == before
    kept = kept and (x.any() or not any(np.asarray(y).any() for y in outs))
except Exception as problem:
    print(type(problem).__name__, problem)
    kept = False
print({breach!r}, "- the contract is kept here" if kept else "- confirmed")
sys.exit(0 if kept else 1)
"""

JUDGES = {
    "||E C(x) - x||^2": [
        "gap = float((mean - x) @ (mean - x))",
        'allowed = limit("||E C(x) - x||^2", {bound} * xx, SLACK, second, xx)',
    ],
    "E||C(x)-x||^2": [
        "gap = error",
        'allowed = limit("E||C(x)-x||^2", {bound} * {unit}, SLACK, second, xx)',
    ],
    "E||C(x)-E C(x)||^2": [
        "gap = second - float(mean @ mean)",
        'allowed = limit("E||C(x)-E C(x)||^2", {bound} * xx, SLACK, second, xx)',
    ],
}


def _judge(inequality: str, bound: float, relative: bool) -> str:
    unit = "xx" if relative else "1.0"
    lines = JUDGES.get(inequality)
    if lines is None:
        lines = (
            ["gap = second", "allowed = {bound} * xx"]
            if inequality == "E||C(x)||^2"
            else ["gap, allowed = 1.0, 0.0"]
        )
    filled = [line.format(bound=repr(float(bound)), unit=unit) for line in lines]
    filled += [
        f'print(f"{inequality} = {{gap / {unit}:.12g}}, allowed {{allowed / {unit}:.12g}} (times {unit})")'
    ]
    return "\n".join(f"    {line}" for line in [*filled, "return gap > allowed"])


def script(
    certificate: Certificate, file: str, name: str, takes_rng: bool, parameters: dict[str, Any]
) -> str:
    """The reproduction script of a REFUTED certificate for FILE.py:NAME ("" when it carries no witness)."""
    if certificate.witness is None:
        return ""
    x = np.asarray(certificate.witness, dtype=np.float64)
    details = certificate.details
    bound = float(certificate.bound) if certificate.bound is not None else 0.0
    head = HEAD.format(
        title=f"{certificate.claim} of {name}: REFUTED at d = {len(x)}",
        file=file, name=name, parameters=parameters, x=[float(v).hex() for v in x], d=len(x), takes_rng=takes_rng,
        slack=float(details.get("slack", 0.0)), judging="\n\n".join(inspect.getsource(f) for f in JUDGING),
        judge=_judge(details.get("inequality") or "E||C(x)-x||^2", bound, "AbsoluteError" not in certificate.claim),
    )  # fmt: skip
    if certificate.claim == "contract":
        return head + CONTRACT.format(
            takes_rng=takes_rng, breach=details.get("breach", certificate.technique)
        )
    replay = details.get("replay") or {"kind": "none"}
    if replay["kind"] == "paths":
        return head + PATHS.format(paths=json.dumps(replay["paths"]))
    return head + SAMPLES.format(count=4000, level=0, seed=certificate.seed or 0)
