"""One draw for all workers: (A, B) = (0, -omega) for a linear sketch, (omega, 0) for any unbiased compressor.

Setting: n workers that use one draw; first part: the same linear sketch S at all workers; second part: any unbiased
    compressor with one seed.
Symbols: S: the sketch, a random linear map; a: what the workers compress
Guarantee: linear sketches have E||mean S a_i - mean a_i||^2 <= omega||mean a_i||^2; others at most omega
    mean||a_i||^2.
Proof:
    A linear map commutes with the mean: mean S a_i = S (mean a_i), so a shared sketch acts on the average as on one
    vector, and its variance there, `var` with 1, is the claim; in the language of joint variances A = 0 and B =
    -omega. No bound on the separate a_i is needed, which is what makes shared seeds good for workers that agree. A
    compressor that is not linear may err in the same direction at every worker: then only ||mean(Q_i - a_i)||^2 <=
    mean||Q_i - a_i||^2 holds, the square that is given away, and `var` bounds the right side. No 1/n appears, as
    nothing averages out.
Tight: tight for linear sketches where omega is; upper for others, attained where all workers err alike.
Source: ours.
"""

from fractions import Fraction as F

import compth as ct
from compth.calculus import shared_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

om, n, d, p = symbols("om n d p")
A, B = (text(c) for c in shared_joint(om))
PAIR = ct.Shared(ct.NaturalCompression()).joint(n, d)
ANY = (text(PAIR.A / ct.NaturalCompression().claims(d)[0].omega * om), text(PAIR.B))

LINEAR = {
    "name": "calculus.shared.linear",
    "title": "S: the sketch, the same at every worker; its variance at the mean of the inputs",
    "params": "om",
    "domain": ["om >= 0"],
    "operators": ["common S @ 1"],
    "vectors": ["family a"],
    "given": {"var": "loewner(S(P(a)) - P(a), P(a), P(a), om)"},
    "claim": [f"sq(P(S(a)) - P(a)) <= {A}*sq(a) - {B}*sq(P(a))"],
}
OTHER = {
    "name": "calculus.shared.any",
    "title": "Q_i = C(a_i) with one seed: the errors may add up",
    "params": "om",
    "domain": ["om >= 0"],
    "vectors": ["family a", "family Q ~ a @ 0"],
    "given": {"var": "variance(Q, om)"},
    "claim": [f"sq(P(Q) - P(a)) <= {ANY[0]}*sq(a) - {ANY[1]}*sq(P(a))"],
}
[ONE], [ALL] = LINEAR["claim"], OTHER["claim"]
HALVES = {"prob": [F(1, 2)] * 2, "workers": 2}
MASK = model({"om": 1}, {"a": [[1], [3]]}, operators={"S": [[[[2]]] * 2, [[[0]]] * 2]}, **HALVES)
SAME = model({"om": 1}, {"a": [[1], [1]], "Q": [[[2], [2]], [[0], [0]]]}, **HALVES)
SCRIPT = Script(
    "calculus.shared",
    "a shared draw: omega at the mean of the inputs for linear sketches, omega for others",
    [
        Part(
            LINEAR,
            [step(ONE, {"var": "1"})],
            MASK,
            [
                ({"claim": [ONE.replace(f"- {B}*", f"- 9/10*{B}*")]}, MASK),
                ({"claim": [ONE.replace(f"- {B}*", f"- {B}/4*")]}, MASK),
                ({"given": {"var": None}}, {**MASK, "params": {"om": "1/2"}}),
            ],
        ),
        Part(
            OTHER,
            [step(ALL, {"var": "1"}, ["sq(Q - a - P(Q - a))"])],
            SAME,
            [
                ({"claim": [ALL.replace(ANY[0], f"{ANY[0]}/2")]}, SAME),
                ({"claim": [ALL.replace(ANY[0], f"9/10*{ANY[0]}")]}, SAME),
                ({"given": {"var": None}}, {**SAME, "params": {"om": "1/2"}}),
            ],
        ),
    ],
)
