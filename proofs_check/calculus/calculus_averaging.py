"""The mean of n independent unbiased messages has joint variance (A, B) = (omega/n, 0).

Setting: n workers, unbiased compressors of variance omega, drawn independently; each compresses a vector of its
    own, or all the same one.
Symbols: a: what the workers compress
Guarantee: E||mean Q_i - mean a_i||^2 <= (omega/n) mean||a_i||^2, the joint variance (omega/n, 0); for one vector a,
    omega/n.
Proof:
    The mean of the messages is unbiased, so its square error is the square of the mean of the errors Q_i - a_i.
    Independence says that errors of different workers are orthogonal: n||mean(Q_i - a_i)||^2 = mean||Q_i - a_i||^2,
    an equality, `ind` with 1/n. The right side is omega mean||a_i||^2 by `var`, and its multiplier is 1/n as well
    because the first relation already divided by n. No square is given away, so the constant is as good as omega
    itself: where the compressors attain omega, the mean attains omega/n. The second part is the first with a common
    vector, where mean||a_i||^2 is ||a||^2.
Tight: tight whenever omega is: no inequality but the compressor's own is used.
Source: ours; independence of workers is used like this throughout Mishchenko, Gorbunov, Takáč and Richtárik 2019.
"""

from fractions import Fraction as F

from compth.calculus import averaged_omega, independent_joint
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, step, symbols, text

om, n = symbols("om n")
A, B = (text(c) for c in independent_joint(om, n))
COPIES = text(averaged_omega(om, n))


def at(values, shared=False):
    prob, q = coins(values, F(1, 2), shared)
    return model(
        {"om": 1, "n": len(values)}, {"a": per_worker(values), "Q": q}, prob=prob, workers=len(values)
    )


JOINT = {
    "name": "calculus.averaging.joint",
    "params": "om n",
    "domain": ["om >= 0", "n >= 1"],
    "vectors": ["family a", "family Q ~ a @ 0"],
    "given": {"var": "variance(Q, om)", "ind": "independent(Q, n)"},
    "claim": [f"sq(P(Q) - P(a)) <= {A}*sq(a) - {B}*sq(P(a))"],
}
ONE = {
    **JOINT,
    "name": "calculus.averaging",
    "vectors": ["common a", "family Q ~ a @ 0"],
    "claim": [f"sq(P(Q) - a) <= {COPIES}*sq(a)"],
}
USE = {"var": "1/n", "ind": "1/n"}
SCRIPT = Script(
    "calculus.averaging",
    "independent messages: omega/n",
    [
        Part(
            JOINT,
            [step(JOINT["claim"][0], USE)],
            at([1, 3]),
            [
                ({"claim": [f"sq(P(Q) - P(a)) <= {A}*sq(P(a))"]}, at([1, 3])),
                ({"claim": [f"sq(P(Q) - P(a)) <= {A}/n*sq(a)"]}, at([1, 3])),
                ({"given": {"ind": None}}, at([1, 1], shared=True)),
            ],
        ),
        Part(
            ONE,
            [step(ONE["claim"][0], USE)],
            at([1, 1]),
            [
                ({"claim": [f"sq(P(Q) - a) <= {COPIES}*9/10*sq(a)"]}, at([1, 1])),
                ({"claim": ["sq(P(Q) - a) <= om/n**2*sq(a)"]}, at([1, 1])),
                ({"given": {"ind": None}}, at([1, 1], shared=True)),
            ],
        ),
    ],
)
