"""SwitchML's random rounding as a fleet, block by block: A = d n^2 s^2/(4 e^2), B = 0, e = 2^(width-1) - 1 - n.

Setting: n workers round blocks of c entries at random to integers on a common scale g_b n/e, g_b from the block's
    largest entry; sums are exact.
Symbols: c: entries per block; e: 2^(width-1) - 1 - n, the integers that are left; m: number of blocks; x: the
    workers' entries; h: fractional parts of the scaled entries; g: scale of the block; y: any vector
Guarantee: joint variance A = d n^2/(4 e^2) times 1, or times 4 where the scale is rounded up to a power of two; B =
    0.
Proof:
    Workers round independently, so the variance of the mean is the sum of the workers' variances over n^2, and each
    entry has at most 1/4 of the squared unit (g n/e)^2: first term, sum (h - 1/2)^2. That leaves c/4 units per
    worker and block, so g_b^2 has to be compared with the vectors: `unit` says that the scale's square is at most
    that of one entry, hence at most the square sum of the block over all workers (four times that for exponents).
    One entry's square against a whole block is the loss, and it brings the factor c of the block, which is at most
    d: the third term is d - c. Unbiasedness along y holds entry by entry as the coins' means are h.
Tight: upper: a block has one largest entry, and all workers' squares are counted for it.
Source: Sapio, Canini, Ho, Nelson, Kalnis, Kim, Krishnamurthy, Moshref, Ports and Richtárik 2021; as a joint
    variance ours.
"""

import sympy

import compth as ct
from compth.calculus import no_overflow_scale
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

n, d, e, W = symbols("n d e W")


def plain(formula):
    return text(sympy.factor(formula.subs(2 ** (W - 1), n + e + 1)))


CAP = plain(no_overflow_scale(n, 1, W))
ERROR = f"E(Sum(b, Sum(j, (Sum(i, (u[i, b, j] - h[i, b, j])*g[b]/{CAP})/n)**2)))"
X2 = "Sum(i, Sum(b, Sum(j, x[i, b, j]**2)))"


def rounded(up):
    """The averaged message, less its whole units, along any y: `up` says which entries are rounded up."""
    return f"Sum(b, Sum(j, Sum(i, {up}[i, b, j])*g[b]/{CAP}/n*y[b, j]))"


def part(spread):
    joint = ct.SwitchML(n, False, exponent=spread == 2, width=W).joint(n, d)
    A, B = plain(joint.A), text(joint.B)
    statement = {
        "name": "switchml.mean" + ".exponent" * (spread == 2),
        "title": "h: fractional parts of the scaled entries, up with probability h; c entries a block",
        "params": "n d c m e",
        "domain": ["n >= 1", "c >= 1", "d >= c", "m >= 1", "e > 0"],
        "sizes": {"worker": "n", "block": "m", "col": "c"},
        "indices": {"i": "worker", "b": "block", "j": "col"},
        "arrays": {**dict.fromkeys("xh", "worker block col"), "g": "block", "y": "block col"},
        "law": {"indicator": "u", "kind": "coins", "on": "worker block col", "parameter": "h[i, b, j]"},
        "given": {
            "down": "order(0, h[i, b, j])",
            "up": "order(h[i, b, j], 1)",
            "unit": f"order(g[b]**2, {spread**2}*Sum(i, Sum(j, x[i, b, j]**2)))",
        },
        "claim": [
            f"{ERROR} <= {A}*{X2}/n - {B}*Sum(b, Sum(j, (Sum(i, x[i, b, j])/n)**2))",
            f"E({rounded('u')}) == {rounded('h')}",
        ],
    }
    claim, mean = statement["claim"]
    steps = [
        step(
            claim,
            {},
            [
                f"Sum(b, g[b]**2*Sum(i, Sum(j, (h[i, b, j] - 1/2)**2)))/({CAP}**2*n**2)",
                f"c/(4*n*{CAP}**2)*Sum(b, {spread**2}*Sum(i, Sum(j, x[i, b, j]**2)) - g[b]**2)",
                f"(d - c)*{spread**2}/(4*n*{CAP}**2)*{X2}",
            ],
        ),
        step(mean),
    ]
    one = model(
        {"n": 1, "d": 1, "c": 1, "m": 1, "e": 2},
        arrays={"x": [[[1]]], "h": [[["1/2"]]], "g": [spread], "y": [[1]]},
    )
    two = model(
        {"n": 2, "d": 3, "c": 2, "m": 2, "e": 5},
        arrays={
            "x": [[[1, 2], [0, 1]], [[2, 1], [1, 0]]],
            "h": [[["1/2"] * 2] * 2] * 2,
            "g": [2, 1],
            "y": [[1, 2], [3, 1]],
        },
    )
    spoils = [
        ({"claim": [claim.replace(f"<= {A}", f"<= 9/10*{A}"), mean]}, one),
        ({"claim": [claim.replace(f"<= {A}", f"<= {spread**2}*d/(4*(e + n)**2)"), mean]}, one),
        ({"claim": [claim, mean.replace("E(", "2*E(")]}, one),
        ({"given": {"unit": None}}, {**one, "arrays": {**one["arrays"], "g": ["9"]}}),
    ]
    return Part(statement, steps, two, spoils, "inclusion probabilities")


SCRIPT = Script(
    "switchml.mean", "SwitchML with random rounding: A, B of the averaged message", [part(1), part(2)]
)
