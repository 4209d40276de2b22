"""Top-K by a threshold: what is dropped is at most (1 - k/d) of everything."""

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
