"""Natural compression: rounding t in [l, 2l] to l or 2l without bias has variance at most t^2/8."""

import compth as ct
from compth.claims import Unbiased
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(d,) = symbols("d")
OMEGA = text(next(c for c in ct.NaturalCompression().claims(d) if isinstance(c, Unbiased)).omega)

STATEMENT = {
    "name": "natural.omega",
    "title": "one coordinate; signs drop out, coordinates add up",
    "params": "l t",
    "domain": ["l > 0", "t >= l", "t <= 2*l", "(t - l)/l >= 0", "(t - l)/l <= 1"],
    "sizes": {"one": "1"},
    "indices": {"i": "one"},
    "law": {"indicator": "u", "kind": "coins", "on": "one", "parameter": "(t - l)/l"},
    "claim": [f"E(Sum(i, (l + l*u[i] - t)**2)) <= {OMEGA}*t**2", "E(Sum(i, l + l*u[i])) == t"],
}
VARIANCE, MEAN = STATEMENT["claim"]
WORST = model({"l": 1, "t": "4/3"})
SCRIPT = Script(
    "natural.omega",
    "natural compression: omega = 1/8",
    [
        Part(
            STATEMENT,
            [step(VARIANCE, {}, ["(3*t - 4*l)**2/8"]), step(MEAN)],
            model({"l": 3, "t": 4}),
            [
                ({"claim": [VARIANCE.replace(OMEGA, "1/9"), MEAN]}, WORST),
                ({"claim": [VARIANCE.replace("t**2", "l**2"), MEAN]}, WORST),
                ({"claim": [VARIANCE, "E(Sum(i, l + l*u[i])) == 3/2*l"]}, WORST),
                (
                    {
                        "law": {**STATEMENT["law"], "parameter": "1 - (t - l)/l"},
                        "domain": [*STATEMENT["domain"], "1 - (t - l)/l >= 0"],
                    },
                    WORST,
                ),
            ],
            "one coordinate, two points",
        )
    ],
)
