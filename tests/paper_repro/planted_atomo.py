"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

import compth as ct
from paper_repro import atomo
from paper_repro.atomo import _lemmas

from .planting import scaled


def one_clip_of_lists(monkeypatch):
    """One clip in place of Algorithm 1: what saturated entries leave over is not spent."""

    def slip(weights, budget):
        total = sum(weights)
        return [min(1, budget * w / total) for w in weights]

    right = ct.sampling_probabilities
    monkeypatch.setattr(
        ct, "sampling_probabilities", lambda w, s: slip(w, s) if isinstance(w, list) else right(w, s)
    )


PLANTED = {
    "alg1.values": (lambda: atomo.golden()["alg1.values"], one_clip_of_lists),
    "lemma2.value": (
        lambda: _lemmas.balance(20)["lemma2.value"],
        scaled(ct, "sampling_probabilities", 0.99),
    ),
    "thm5.kkt": (lambda: atomo.optimality(True)["thm5.kkt"], scaled(ct, "sampling_probabilities", 0.99)),
    "eq18.sign": (lambda: atomo.golden()["eq18.sign"], scaled(ct, "sampling_probabilities")),
}
