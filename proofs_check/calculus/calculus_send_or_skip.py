"""C(x)/p with probability p, else nothing: unbiased with (1 + omega)/p - 1.

Setting: C unbiased with variance omega; C(x)/p is sent with probability p, else 0, by a coin that knows nothing of
    C.
Symbols: p: probability of sending; y: any vector; Q: C(x); Y: what arrives
Guarantee: unbiased with 1 + omega' = (1 + omega)/p.
Proof:
    Given Q, `coin` says E||Y||^2 = p||Q/p||^2 = ||Q||^2/p. As Y has the mean x, E||Y - x||^2 = E||Y||^2 - ||x||^2,
    so the second moment is all that counts. E||Q||^2 = ||x||^2 + E||Q - x||^2 is at most (1 + omega)||x||^2 by
    `var`, whose multiplier is 1/p, the factor that the coin left. Together (1 + omega)/p - 1. The relation with y
    is unbiasedness: the coin's mean is Q, whose mean is x. It is calculus.composition with the skipping coin as
    outer compressor of variance 1/p - 1, but here its second moment is known exactly, hence no inequality besides
    `var`.
Tight: tight whenever omega is: everything but `var` is an equality.
Source: ours; skipping a message is standard.
"""

from fractions import Fraction as F

from compth.calculus import send_or_skip_omega
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

om, p = symbols("om p")
OMEGA = text(send_or_skip_omega(om, p))
STATEMENT = {
    "name": "calculus.send_or_skip",
    "title": "Q = C(x); Y = Q/p with probability p, else 0; the coin knows nothing of Q",
    "params": "om p",
    "domain": ["om >= 0", "p > 0", "p <= 1"],
    "vectors": ["common y", "family x", "family Q ~ x @ 0", "family Y ~ Q @ 1"],
    "given": {"var": "variance(Q, om)", "coin": "mixture(Y, p, Q/p, 0*Q)"},
    "claim": [f"sq(Y - x) <= {OMEGA}*sq(x)", "dot(Y, y) == dot(x, y)"],
}
VARIANCE, MEAN = STATEMENT["claim"]
BOTH = model(
    {"om": 1, "p": F(1, 2)},
    {"x": [1], "y": [3], "Q": [[[2]], [[2]], [[0]]], "Y": [[[4]], [[0]], [[0]]]},
    prob=[F(1, 4), F(1, 4), F(1, 2)],
    cells=[[[0, 1], [2]]],
)
SCRIPT = Script(
    "calculus.send_or_skip",
    "sent with probability p: (1 + omega)/p - 1",
    [
        Part(
            STATEMENT,
            [step(VARIANCE, {"coin": "1", "var": "1/p"}), step(MEAN)],
            BOTH,
            [
                ({"claim": [VARIANCE.replace(OMEGA, "(om/p)"), MEAN]}, BOTH),
                ({"claim": [VARIANCE.replace(OMEGA, f"9/10*{OMEGA}"), MEAN]}, BOTH),
                ({"claim": [VARIANCE.replace(OMEGA, "(om + 1/p - 1)"), MEAN]}, BOTH),
                ({"claim": [VARIANCE, MEAN.replace("== ", "== p*")]}, BOTH),
            ],
        )
    ],
)
