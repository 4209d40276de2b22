"""Samplings with probabilities that differ: A = max_i (v_i + omega)/p_i / n, v_i = 1 - p_i where all decide alone.

Setting: worker i takes part with probability p_i, its message divided by p_i; messages are unbiased with variance
    omega. Second part: any sampling whose pair probabilities obey P - p p' <= Diag(p v).
Symbols: top: the largest (v_i + omega)/p_i, v_i = 1 - p_i for independent workers; p: probabilities of taking part;
    z: worker i's vector over p_i; f: variance of worker i's message over p_i^2; y: any vector; v: bounds of the
    sampling's spread; P_: P_ik, the probability that i and k both take part
Guarantee: joint variance A = max_i (v_i + omega)/p_i/n, B = 0.
Proof:
    Two sources of noise add up because the messages are unbiased given the sample. Who takes part: for independent
    coins the variance of sum (u_i - p_i) z_i is sum p_i (1 - p_i)||z_i||^2, and in general the quadratic form of P
    - p p', which `joint` bounds by sum p_i v_i||z_i||^2. What is sent: p_i times the variance of a message, at most
    omega||z_i||^2 (`noise`), the first term. Together p_i (v_i + omega)||z_i||^2, to be compared with top
    (p_i)^2||z_i||^2, as p_i z_i is the worker's own vector: `top` says v_i + omega <= top p_i for each worker. So A
    is a maximum of ratios and the slack is worker by worker.
Tight: upper; equality where all workers attain the maximum and omega.
Source: Horváth and Richtárik 2021.
"""

import sympy

from compth.calculus import sampled_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

p, v, om = symbols("p v om")
LOAD, SHARE = (text(c) for c in sympy.fraction(sampled_joint((p,), (v,), om)[0]))
A, B = (text(c) for c in sampled_joint((1,), symbols("top")))


def row(formula, spread):
    return formula.replace("p", "p[i]").replace("v", spread)


FIELDS = {
    "params": "n d om top",
    "domain": ["n >= 1", "d >= 1", "om >= 0", "top >= 0"],
    "sizes": {"worker": "n", "col": "d"},
}
LIMIT = f"{A}*Sum(i, Sum(j, (p[i]*z[i, j])**2))/n**2 - {B}*Sum(j, (Sum(i, p[i]*z[i, j])/n)**2)"
ALONE = {
    "name": "sampling.independent",
    "title": "top: the largest (v_i + om)/p_i; given the sample the members are independent",
    **FIELDS,
    "indices": {"i": "worker", "j": "col"},
    "arrays": {"p": "worker", "z": "worker col", "f": "worker", "y": "col"},
    "law": {"indicator": "u", "kind": "coins", "on": "worker", "parameter": "p[i]"},
    "given": {
        "some": "order(0, p[i])",
        "most": "order(p[i], 1)",
        "top": f"order({row(LOAD, '(1 - p[i])')}, top*{row(SHARE, '')})",
        "noise": "order(f[i], om*Sum(j, z[i, j]**2))",
    },
    "claim": [
        f"E(Sum(j, (Sum(i, (u[i] - p[i])*z[i, j])/n)**2)) + E(Sum(i, u[i]*f[i]))/n**2 <= {LIMIT}",
        "E(Sum(j, Sum(i, u[i]*z[i, j])/n*y[j])) == Sum(j, Sum(i, p[i]*z[i, j])/n*y[j])",
    ],
}
PAIRS = "Sum(i, Sum(k, (P_[i, k] - p[i]*p[k])*z[i, j]*z[k, j]))"
DIAGONAL = "Sum(i, p[i]*v[i]*z[i, j]**2)"
ANY = {
    "name": "sampling.arbitrary",
    "title": "P_ik: the probability that i and k both take part; P - p p' <= Diag(p v)",
    **FIELDS,
    "indices": {"i": "worker", "k": "worker", "j": "col"},
    "arrays": {"p": "worker", "v": "worker", "P_": "worker worker", "z": "worker col", "f": "worker"},
    "given": {
        "some": "order(0, p[i])",
        "top": f"order({row(LOAD, 'v[i]')}, top*{row(SHARE, '')})",
        "noise": "order(f[i], om*Sum(j, z[i, j]**2))",
        "joint": f"order({PAIRS}, {DIAGONAL})",
    },
    "claim": [
        f"Sum(j, {PAIRS})/n**2 + Sum(i, p[i]*f[i])/n**2 <= {LIMIT}",
    ],
}
SPREAD, MEAN = ALONE["claim"]
[JOINT] = ANY["claim"]
NOISE = "Sum(i, p[i]*(om*Sum(j, z[i, j]**2) - f[i]))/n**2"


def room(spread):
    return f"Sum(i, p[i]*(top*{row(SHARE, '')} - {row(LOAD, spread)})*Sum(j, z[i, j]**2))/n**2"


TWO = model(
    {"n": 2, "d": 2, "om": 1, "top": 8},
    arrays={"p": ["1/2", "1/4"], "z": [[1, 2], [3, -1]], "f": [5, 4], "y": [1, 2]},
)
FULL = model(
    {"n": 2, "d": 1, "om": 1, "top": 3}, arrays={"p": ["1/2", "1/2"], "z": [[1], [2]], "f": [1, 4], "y": [1]}
)
PAIR = model(
    {"n": 2, "d": 2, "om": 1, "top": 4},
    arrays={
        "p": ["1/2"] * 2,
        "v": [1, 1],
        "P_": [["1/2", "1/2"], ["1/2", "1/2"]],
        "z": [[1, 1], [1, 1]],
        "f": [2, 2],
    },
)


def low(found, **values):
    """The model with a smaller constant."""
    return {**found, "params": {**found["params"], **values}}


SCRIPT = Script(
    "sampling.independent",
    "samplings with unequal probabilities: A = max (v_i + omega)/p_i / n",
    [
        Part(
            ALONE,
            [step(SPREAD, {}, [NOISE, room("(1 - p[i])")]), step(MEAN)],
            TWO,
            [
                ({"claim": [SPREAD.replace(f"<= {A}", f"<= 9/10*{A}"), MEAN]}, FULL),
                ({"claim": [SPREAD.replace("/n**2 - ", "/n**3 - "), MEAN]}, FULL),
                ({"claim": [SPREAD, MEAN.replace("u[i]*z", "u[i]*p[i]*z")]}, FULL),
                ({"given": {"top": None}}, low(FULL, top="2")),
                ({"given": {"noise": None}}, low(FULL, om="0", top="1")),
            ],
            "inclusion probabilities",
        ),
        Part(
            ANY,
            [step(JOINT, {}, [NOISE, room("v[i]"), f"Sum(j, {DIAGONAL} - {PAIRS})/n**2"])],
            PAIR,
            [
                ({"claim": [JOINT.replace(f"<= {A}", f"<= 9/10*{A}")]}, PAIR),
                ({"given": {"top": None}}, low(PAIR, top="3")),
                ({"given": {"joint": None}}, {**PAIR, "arrays": {**PAIR["arrays"], "P_": [["1", "1"]] * 2}}),
            ],
            "inclusion probabilities",
        ),
    ],
)
