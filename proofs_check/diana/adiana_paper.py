"""ADIANA at the step of its paper: 64 omega (1+2q)^2 L eta <= n implies the condition of `adiana.accelerated`."""

from compth.methods.adiana import ADIANAPaper
from proofs_check._script import Part, Script, step
from proofs_check.diana.adiana_accelerated import (
    ALGEBRA,
    FIT,
    LAST,
    SHORT,
    controls,
    inside,
    statement,
    update,
)

STATEMENT = statement(ADIANAPaper())
[SMALL] = [t for t in STATEMENT["domain"] if t.startswith("eta*") and t != SHORT]
STEPS = [*ALGEBRA, step(FIT, {SMALL: "n"}, ["8*L*(o - 1)*eta*(7 + 24*p*o + 16*(p*o)**2)"]), *LAST]
SCRIPT = Script(
    "adiana.paper",
    "ADIANA at the step size of its paper: accelerated, without a floor",
    [Part(STATEMENT, STEPS, inside(), controls(STATEMENT, SMALL)[:4], update=update(ADIANAPaper()))],
)
