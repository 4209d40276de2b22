"""The identity: omega = 0, delta = 1.

Setting: the identity, C(x) = x.
Symbols: C: C(x), which is x
Guarantee: omega = 0 and delta = 1.
Proof:
    Both claims are identities. C(x) - x = 0, so the variance is 0 times ||x||^2 and the contraction's right side is
    (1 - 1)||x||^2, and the kernel finds that both sides are the same polynomial. Nothing is assumed and nothing
    multiplied; the script exists because a claim without a proof is reported as missing, and because every theorem
    with omega or delta in it has gradient descent as its special case only if the identity's constants are the ones
    that are put in. Its negative controls are the only work: a smaller variance than 0 and a delta above 1 are
    refuted.
Tight: tight: omega and delta cannot be better.
Source: ours; a definition.
"""

import compth as ct
from compth.claims import Contractive, Unbiased
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
FOUND = {type(c): c for c in ct.Identity().claims(d)}
OMEGA, DELTA = text(FOUND[Unbiased].omega), text(FOUND[Contractive].delta)
STATEMENT = {
    "name": "identity.classes",
    "vectors": ["family x"],
    "let": {"C": "x"},
    "claim": [f"sq(C - x) <= {OMEGA}*sq(x)", f"sq(C - x) <= (1 - {DELTA})*sq(x)"],
}
ZERO, BALL = STATEMENT["claim"]
ONE = model({}, {"x": [1]})
SCRIPT = Script(
    "identity.classes",
    "the identity: omega = 0, delta = 1",
    [
        Part(
            STATEMENT,
            [step(ZERO), step(BALL)],
            ONE,
            [
                ({"let": {"C": "x/2"}}, ONE),
                ({"claim": [ZERO.replace("<= ", "<= -1 + "), BALL]}, ONE),
                ({"claim": [ZERO, BALL.replace(DELTA, f"2*{DELTA}")]}, ONE),
            ],
        )
    ],
)
