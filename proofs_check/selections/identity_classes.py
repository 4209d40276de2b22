"""The identity: omega = 0, delta = 1."""

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
