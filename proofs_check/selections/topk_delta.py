"""Top-K by a threshold: what is dropped is at most (1 - k/d) of everything.

Setting: C keeps the k largest of d entries (or, for matrices, of the singular values).
Symbols: t: any number between kept and dropped squares; a: squares of the kept entries; b: squares of the dropped
    entries
Guarantee: ||C(x) - x||^2 <= (1 - k/d)||x||^2, so delta = k/d.
Proof:
    Let t lie between the smallest kept and the largest dropped square; sorting provides it, and `top` and `rest`
    say so entry by entry. The claim is k/d of the dropped squares' sum against (d - k)/d of the kept ones': k sum b
    <= (d - k) sum a. The k kept squares are at least t each, the d - k dropped ones at most t each, so both sides
    are compared with k (d - k) t: the two terms are (d - k)/d times sum(a - t) and k/d times sum(t - b), and the t
    in them cancel because there are k and d - k summands. Multipliers are counts of entries, which is why delta is
    a ratio of counts. For singular values squares add up to the Frobenius norm in the same way.
Tight: tight: with all entries equal t is both and no term is positive.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023; for singular values Vogels, Karimireddy and Jaggi 2019 has
    the compressor.
"""

import compth as ct
from compth.claims import Contractive
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, k = symbols("d k")
DELTA = text(next(c for c in ct.TopK(k=k).claims(d) if isinstance(c, Contractive)).delta)

STATEMENT = {
    "name": "topk.delta",
    "title": "a, b: squares of the kept and of the dropped entries (or singular values), t between them",
    "params": "d k t",
    "domain": ["k >= 1", "d >= k", "t >= 0"],
    "sizes": {"kept": "k", "dropped": "d - k"},
    "indices": {"i": "kept", "j": "dropped"},
    "arrays": {"a": "kept", "b": "dropped"},
    "given": {"top": "order(t, a[i])", "rest": "order(b[j], t)"},
    "claim": [f"Sum(j, b[j]) <= (1 - {DELTA})*(Sum(i, a[i]) + Sum(j, b[j]))"],
}
FLAT = model({"d": 3, "k": 1, "t": 1}, arrays={"a": [1], "b": [1, 1]})
CLAIM = STATEMENT["claim"][0]
SCRIPT = Script(
    "topk.delta",
    "Top-K: delta = k/d",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {}, ["(d - k)/d*Sum(i, a[i] - t)", "k/d*Sum(j, t - b[j])"])],
            model({"d": 5, "k": 2, "t": 1}, arrays={"a": [1, 3], "b": [1, 0, 1]}),
            [
                ({"claim": [CLAIM.replace(DELTA, "(k + 1)/d")]}, FLAT),
                ({"claim": [CLAIM.replace(f"1 - {DELTA}", f"1 - {DELTA} - 1/d**2")]}, FLAT),
                ({"given": {"top": None}}, model({"d": 3, "k": 1, "t": 1}, arrays={"a": [0], "b": [1, 1]})),
                ({"given": {"rest": None}}, model({"d": 3, "k": 1, "t": 1}, arrays={"a": [1], "b": [4, 1]})),
            ],
            "sorting",
        )
    ],
)
