"""ATOMO: singular triplets against entries at equal floats where nothing is saturated, and how the norms compare.

Setting: an n x m matrix sent by s expected singular triplets, or by s (n + m) expected entries, which is as many
    floats; nothing saturated.
Symbols: m: columns of the matrix; r: its rank; s: expected number of triplets; N: nuclear norm, the sum of the
    weights; S: sum of |A_ij|; b: weights of the atoms, or |A_ij|; w: sign(A_ij)(U V')_ij; q: singular values; y:
    any vector
Guarantee: triplets have the second moment N^2/s, entries S^2/(s (n + m)): triplets win if and only if S^2 >= (n +
    m) N^2, which needs n m >= n + m.
Proof:
    An atom of weight b is sent with probability s b/N and value N/s, so its second moment is b N/s, and the sum
    over orthonormal atoms is N^2/s, whatever the atoms are (`most` and `least` make the sum N). The comparison of
    the two moments is one fraction. The 1-norm of a matrix against its nuclear norm: S^2 <= n m ||A||_F^2 by the
    variance of the entries' sizes, and ||A||_F^2 = sum q^2 <= N sum q = N^2 as each singular value is at most N:
    `frobenius` and `all`, each with n m. That is `lemma`, and with `wins` it gives n m >= n + m. N <= S is duality:
    N = <A, U V'> and entries of U V' are at most 1.
Tight: equality in the moments; the norms' inequalities by a flat rank-one matrix and by a single entry.
Source: Wang, Sievert, Liu, Charles, Papailiopoulos and Wright 2018 compares them by experiment; the criterion is
    ours.
"""

from compth.compressors.atomo import triplet_floats
from compth.compressors.core.probabilities import active_probability
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

b, s, n, m, N, S = symbols("b s n m N S")
P = active_probability(b, s, 0, N)
VALUE = text(b / P)


def second_moment(norm, budget):
    """sum b^2/p = norm sum b/budget at sum b = norm."""
    return norm * norm / budget


SPECTRAL = text(second_moment(N, s))
ENTRIES = text(second_moment(S, s * triplet_floats(n, m)))
ATOMS = {
    "name": "atomo.spectral.moment",
    "title": "orthonormal atoms of weights b_i >= 0 with N = sum b_i, none saturated: s b_i <= N",
    "params": "r s N",
    "domain": ["r >= 1", "s > 0", "N > 0"],
    "sizes": {"atom": "r"},
    "indices": {"i": "atom"},
    "arrays": {"b": "atom", "y": "atom"},
    "law": {"indicator": "u", "kind": "coins", "on": "atom", "parameter": text(P).replace("b", "b[i]")},
    "given": {
        "size": "order(0, b[i])",
        "balanced": "order(s*b[i]/N, 1)",
        "most": "order(Sum(i, b[i]), N)",
        "least": "order(N, Sum(i, b[i]))",
    },
    "claim": [
        f"E(Sum(i, (u[i]*{VALUE})**2)) <= {SPECTRAL}",
        f"E(Sum(i, (u[i]*{VALUE})**2)) >= {SPECTRAL}",
        f"E(Sum(i, u[i]*{VALUE}*y[i])) == Sum(i, b[i]*y[i])",
    ],
}
FLOATS = {
    "name": "atomo.spectral.floats",
    "title": "n x m matrices, s triplets against s (n+m) entries; N the nuclear norm, S the sum of |A_ij|",
    "params": "n m s N S",
    "domain": ["n >= 1", "m >= 1", "s > 0", "N > 0", "S > 0"],
    "claim": [f"{ENTRIES} - {SPECTRAL} == (S**2 - (n + m)*N**2)/(s*(n + m))"],
}
ROOM = {
    "name": "atomo.spectral.room",
    "title": "triplets win at equal floats only where n m >= n + m",
    "params": "n m s N S",
    "domain": ["n >= 1", "m >= 1", "s > 0", "N > 0", "S > 0"],
    "given": {"lemma": "order(S**2, n*m*N**2)", "wins": f"order({SPECTRAL}, {ENTRIES})"},
    "claim": ["n + m <= n*m"],
}
NORMS = {
    "name": "atomo.spectral.norms",
    "title": "b_ij = |A_ij|, q_l the singular values, N their sum = sum b_ij w_ij, w_ij = sign(A_ij) (U V')_ij",
    "params": "n m r N",
    "domain": ["n >= 1", "m >= 1", "r >= 1", "N > 0"],
    "sizes": {"row": "n", "col": "m", "atom": "r"},
    "indices": {"i": "row", "j": "col", "l": "atom"},
    "arrays": {"b": "row col", "w": "row col", "q": "atom"},
    "given": {
        "entries": "order(0, b[i, j])",
        "sign": "order(0, q[l])",
        "one": "order(q[l], N)",
        "all": "order(Sum(l, q[l]), N)",
        "frobenius": "order(Sum(i, Sum(j, b[i, j]**2)), Sum(l, q[l]**2))",
        "dual": "order(N, Sum(i, Sum(j, b[i, j]*w[i, j])))",
        "polar": "order(w[i, j], 1)",
    },
    "claim": [
        "Sum(i, Sum(j, b[i, j]))**2 <= n*m*N**2",
        "N <= Sum(i, Sum(j, b[i, j]))",
    ],
}

MOST, LEAST, FAIR = ATOMS["claim"]
[GAP], [ONLY], [UPPER, LOWER] = FLOATS["claim"], ROOM["claim"], NORMS["claim"]
PAIR = model({"r": 2, "s": "3/2", "N": 3}, arrays={"b": [2, 1], "y": [1, 3]})
WIDE = model({"n": 3, "m": 4, "s": 2, "N": 1, "S": 3})
FLAT = model(
    {"n": 2, "m": 2, "r": 2, "N": 2}, arrays={"b": [[1, 1], [1, 1]], "w": [["1/2"] * 2] * 2, "q": [2, 0]}
)
DIAGONAL = model(
    {"n": 2, "m": 2, "r": 2, "N": 3}, arrays={"b": [[2, 0], [0, 1]], "w": [[1, 0], [0, 1]], "q": [2, 1]}
)
SCRIPT = Script(
    "atomo.spectral",
    "ATOMO: singular triplets against entries at equal floats",
    [
        Part(
            ATOMS,
            [step(MOST, {"most": "N/s"}), step(LEAST, {"least": "N/s"}), step(FAIR)],
            PAIR,
            [
                ({"claim": [MOST.replace("<= ", "<= 9/10*"), LEAST, FAIR]}, PAIR),
                ({"claim": [MOST, LEAST.replace(">= ", ">= 11/10*"), FAIR]}, PAIR),
                ({"claim": [MOST, LEAST, FAIR.replace(f"*{VALUE}", "")]}, PAIR),
                (
                    {"given": {"most": None}},
                    {
                        **PAIR,
                        "params": {**PAIR["params"], "N": "2"},
                        "arrays": {"b": ["1"] * 2, "y": ["1"] * 2},
                    }
                    | {"params": {"r": "2", "s": "1", "N": "1"}},
                ),
                (
                    {"given": {"least": None}},
                    {
                        **PAIR,
                        "params": {"r": "2", "s": "1", "N": "4"},
                        "arrays": {"b": ["1"] * 2, "y": ["1"] * 2},
                    },
                ),
            ],
            "inclusion probabilities",
        ),
        Part(
            FLOATS,
            [step(GAP)],
            WIDE,
            [
                ({"claim": [GAP.replace("(n + m)*N**2", "N**2")]}, WIDE),
                ({"claim": [GAP.replace("/(s*(n + m))", "/s")]}, WIDE),
                ({"claim": [GAP.replace("(n + m)*N**2", "n*m*N**2")]}, WIDE),
            ],
            "polynomial",
        ),
        Part(
            ROOM,
            [step(ONLY, {"wins": "s*(n + m)/N**2", "lemma": "1/N**2"})],
            model({"n": 3, "m": 4, "s": 2, "N": 1, "S": 3}),
            [
                ({"claim": ["n + m <= 9/10*n*m"]}, model({"n": 2, "m": 2, "s": 1, "N": 1, "S": 2})),
                ({"given": {"lemma": None}}, model({"n": 1, "m": 1, "s": 1, "N": 1, "S": 2})),
                ({"given": {"wins": None}}, model({"n": 1, "m": 3, "s": 1, "N": 1, "S": 1})),
            ],
            "polynomial",
        ),
        Part(
            NORMS,
            [
                step(
                    UPPER,
                    {"frobenius": "n*m", "all": "n*m*N"},
                    [
                        "n*m*Sum(i, Sum(j, (b[i, j] - Sum(i, Sum(j, b[i, j]))/(n*m))**2))",
                        "n*m*Sum(l, q[l]*(N - q[l]))",
                    ],
                ),
                step(LOWER, {"dual": "1"}, ["Sum(i, Sum(j, b[i, j]*(1 - w[i, j])))"]),
            ],
            FLAT,
            [
                ({"claim": [UPPER.replace("n*m*", "9/10*n*m*"), LOWER]}, FLAT),
                ({"claim": [UPPER, LOWER.replace("<= ", "<= 9/10*")]}, DIAGONAL),
                ({"claim": [UPPER.replace("n*m*", "(n + m - 1)*"), LOWER]}, FLAT),
                (
                    {"given": {"polar": None}},
                    {
                        **DIAGONAL,
                        "arrays": {
                            **DIAGONAL["arrays"],
                            "b": [["1", "0"], ["0", "1"]],
                            "w": [["2", "0"], ["0", "1"]],
                        },
                    },
                ),
            ],
            "square, duality",
        ),
    ],
)
