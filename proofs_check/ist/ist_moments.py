"""E[x'C L C x] of Rand-k and Bernoulli sketches C: (1/p)[(1-s) x'Dx + s x'Lx], D the diagonal of L, s = p_2/p.

Setting: x in R^d, C = diag(c_1, ..., c_d) the sketch of Rand-K (d/k on a random k-subset) or Bernoulli (1/p with
    probability p), L any matrix.
Symbols: L: any matrix; p: probability with which a coordinate is kept
Guarantee: E[(C x)' L (C x)] = c ((1 - q) x' diag(L) x + q x' L x), with c = d/k, q = (k - 1)/(d - 1), or c = 1/p, q
    = p.
Proof:
    The double sum over j and l is split by whether j = l. On the diagonal u_j^2 = u_j has the mean k/d (or p),
    times (d/k)^2: the factor c. Off the diagonal the mean of u_j u_l is the probability that both are kept, k (k -
    1)/(d (d - 1)) for a k-subset dealt without replacement, and p^2 for coins; times the scaling it is c q. The
    off-diagonal sum is the full sum less the diagonal, which gives 1 - q to diag(L). Nothing is estimated: the
    claim is an identity of polynomials in x and L, and the kernel's rules for inclusion probabilities are the whole
    proof, so the certificate uses no hypothesis and leaves no term.
Tight: attained: both are equalities for every x and L.
Source: Shulgin and Richtárik 2024, the second moments behind its theorems.
"""

import compth as ct
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, k, p = symbols("d k p")


def scales(sketch):
    """(1/p, s) from the sketch's own inclusion probabilities."""
    return text(1 / sketch.inclusion(d, 1)), text(sketch.inclusion(d, 2) / sketch.inclusion(d, 1))


def part(name, sketch, params, domain, law, wrong, witness):
    scale, s = scales(sketch)
    claim = (
        f"E(Sum(j, Sum(l, {scale}*u[j]*x[j]*L[j, l]*{scale}*u[l]*x[l]))) == "
        f"{scale}*((1 - {s})*Sum(j, L[j, j]*x[j]**2) + {s}*Sum(j, Sum(l, x[j]*L[j, l]*x[l])))"
    )
    statement = {
        "name": name,
        "params": params,
        "domain": domain,
        "sizes": {"col": "d"},
        "indices": {"j": "col", "l": "col"},
        "arrays": {"x": "col", "L": "col col"},
        "law": {"indicator": "u", "on": "col", **law},
        "claim": [claim],
    }
    head, tail = claim.split(" == ")
    spoils = [
        ({"claim": [claim.replace(f"(1 - {s})*", "")]}, witness),
        ({"claim": [f"{head} == {tail.replace(s, wrong)}"]}, witness),
        ({"claim": [f"{head} == {scale}*Sum(j, Sum(l, x[j]*L[j, l]*x[l]))"]}, witness),
    ]
    return Part(statement, [step(claim)], witness, spoils, "inclusion probabilities")


MATRIX = {"x": [1, 2, 1], "L": [[2, 1, 0], [1, 3, 1], [0, 1, 5]]}
DEAL, COINS = {"kind": "deal", "parameter": "k"}, {"kind": "coins", "parameter": "p"}
SCRIPT = Script(
    "ist.moments",
    "second moments of Rand-k and Bernoulli sketches through a matrix",
    [
        part(
            "ist.moments.randk",
            ct.RandK(k=k),
            "d k",
            ["k >= 1", "d >= k", "d >= 2"],
            DEAL,
            "(k/d)",
            model({"d": 3, "k": 2}, arrays=MATRIX),
        ),
        part(
            "ist.moments.bernoulli",
            ct.Bernoulli(p=p),
            "d p",
            ["d >= 1", "p > 0", "p <= 1"],
            COINS,
            "(p**2)",
            model({"d": 3, "p": "1/3"}, arrays=MATRIX),
        ),
    ],
)
