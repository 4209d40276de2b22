"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from dataclasses import replace

import compth as ct
from compth.compressors import natural_dithering
from paper_repro import natural
from paper_repro.natural import _statements

from .planting import scaled, scaled_entry


def without_eighth(monkeypatch):
    """omega of natural dithering without its 1/8: a slip that another paper has in print."""
    right = natural_dithering.dithering_omega
    slip = ct.NaturalCompression().claims(1)[0].omega
    monkeypatch.setattr(natural_dithering, "dithering_omega", lambda *given: right(*given) - slip)


def longer_positions(monkeypatch):
    """Positions of 33 bits in place of 32."""
    right = ct.TopK.bits

    def slip(self, d, *given):
        cost = right(self, d, *given)
        return replace(cost, indices=cost.indices * 33 // 32)

    monkeypatch.setattr(ct.TopK, "bits", slip)


PLANTED = {
    "thm7.two_parts": (lambda: natural.omega(ct.NaturalDithering(8), natural.D), without_eighth),
    "table2.topk": (lambda: _statements.tables()["table2.topk"], longer_positions),
    "thm8.factor": (
        lambda: natural.theorems(True)["thm8.factor"],
        scaled(natural_dithering, "dithering_omega"),
    ),
    "table1.speedup.cnat": (
        lambda: natural.table1()["table1.speedup.cnat"],
        scaled_entry(ct.PAPER_BITS, "natural: C_nat"),
    ),
    "table1.dsta_encoding_low": (
        lambda: natural.table1()["table1.dsta_encoding_low"],
        scaled_entry(ct.PAPER_BITS, "natural: standard dithering, stated encoding"),
    ),
}
