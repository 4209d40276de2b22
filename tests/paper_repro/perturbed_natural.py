"""Perturbed product functions of natural compression, and the rows that must fail."""

import compth as ct
from compth import NaturalCompression, NaturalDithering, RandomDithering
from compth.compressors import natural_dithering
from paper_repro import natural
from paper_repro.natural import _statements

from .perturbing import Mutation, argument, bits, bounds, dearer, declared, entry, outcome, result, variance


def point():
    """The tight point."""
    return {"lemma.tight_point": natural.tight_point()[0]}


def theorems():
    """Theorems 3 to 8, few inputs."""
    return natural.theorems(True)


def theorem9():
    """The slowdown at both ends."""
    return {"thm9.one_worker": natural.slowdown(1), "thm9.many_workers": natural.slowdown(10**9)}


def real():
    """The run on real data."""
    return {"ours.bits_to_eps": natural.bits_to_eps()}


def bound():
    """Theorem 9's bound."""
    return {"thm9.holds": _statements.bound()}


def composition():
    """Theorem 5 on pairs."""
    return {"thm5.holds": _statements.composition()}


def variances():
    """Figures 16 to 18."""
    return _statements.dithering(10_000)[0]


COUNTED = {
    "C_nat": "table1.speedup.cnat table5.cnat",
    "S_q": "table1.speedup.sq table5.sq",
    "C_nat o S_q": "table1.bits table1.speedup.cnat_sq",
    "standard dithering": "table1.bits_dithering table1.speedup.dsta table5.dsta",
    "standard dithering, stated encoding": "table1.dsta_encoding_low table1.dsta_encoding_top",
    "natural dithering": "table1.speedup.dnat_low table1.speedup.dnat_top table5.dnat",
}
"""Rows of Tables 1 and 5 by the model of the bits."""


def octets(patch, factor, heard):
    """An encoder that writes more octets."""
    right = ct.encode
    patch.setattr(ct, "encode", lambda *given: bytes(round(factor * len(right(*given)) + 0.5)))


MUTATIONS = (
    Mutation(point, argument(NaturalCompression), "lemma.tight_point"),
    Mutation(theorems, outcome(NaturalCompression), "thm3.exact_sup thm3.powers thm5.attained thm8.same_law"),
    Mutation(theorems, declared(NaturalCompression), "thm3.declared"),
    Mutation(theorems, outcome(ct.IntegerRounding), "thm4.ratio"),
    Mutation(theorems, declared(ct.Composed), "thm5.declared"),
    Mutation(theorems, variance(natural, NaturalDithering), "thm7.bound"),
    Mutation(theorems, variance(natural, NaturalDithering, second=True), "thm8.holds"),
    Mutation(theorems, result(natural_dithering, "dithering_omega"), "thm7.two_parts thm8.factor"),
    *(Mutation(natural.table1, entry(ct.PAPER_BITS, f"natural: {k}"), rows) for k, rows in COUNTED.items()),
    Mutation(natural.wire, octets, "bits.cnat32 bits.cnat64"),
    Mutation(natural.wire, bits(NaturalCompression, "levels"), "bits.topk"),
    Mutation(theorem9, declared(NaturalCompression), "thm9.one_worker thm9.many_workers"),
    Mutation(real, dearer("Natural"), "ours.bits_to_eps"),
    Mutation(_statements.examples, argument(NaturalCompression), "fig2.example fig4.example"),
    Mutation(composition, declared(ct.Composed), "thm5.holds"),
    Mutation(bound, bounds, "thm9.holds"),
    Mutation(_statements.tables, bits(ct.TopK, "indices"), "table2.topk table2.both"),
    Mutation(_statements.tables, bits(ct.ScaledSign, "signs"), "table3.sign"),
    Mutation(variances, variance(_statements, NaturalDithering), "fig16.below fig16.gain fig18.natural"),
    Mutation(variances, variance(_statements, NaturalDithering, second=True), "fig17.close"),
    Mutation(variances, outcome(RandomDithering), "fig18.standard"),
)
