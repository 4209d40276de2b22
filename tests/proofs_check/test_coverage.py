"""Every theorem and every claim of the catalogue has a script or a reason; none has both."""

from compth.claims import Contractive
from compth.compressors import RandK, TopK
from compth.methods import theorems
from proofs_check.__main__ import scripts
from proofs_check._coverage import catalogue_objects, claims_of, missing, stale
from proofs_check.not_provable import REASONS

SCRIPTS = set(scripts())
OBJECTS = catalogue_objects()
# being written; an entry whose script exists, or that has a reason, fails below
PENDING = {
    "AdaptiveRandom.B1",
    "AdaptiveRandom.B2",
    "AdaptiveRandom.Contractive",
    "AtomoEntrywise.Unbiased",
    "AtomoFourier.Unbiased",
    "AtomoSpectral.Unbiased",
    "BiasedSparsification.B1",
    "BiasedSparsification.B2",
    "BiasedSparsification.BiasVariance",
    "BiasedSparsification.Contractive",
    "BinaryQuantization.Unbiased.sharp",
    "BinaryQuantization.Unbiased.textbook",
    "CLAGMap",
    "ExponentialDithering.Unbiased.one level",
    "ExponentialDithering.Unbiased.textbook",
    "Identity.Contractive",
    "Identity.Unbiased",
    "Independent.BiasVariance",
    "IntegerRounding.AbsoluteError",
    "LAGMap",
    "LpQuantization.Unbiased",
    "MARINAMap",
    "NaturalDithering.Unbiased.one level",
    "NaturalDithering.Unbiased.textbook",
    "NearestRounding.B1",
    "NearestRounding.B2",
    "NearestRounding.Contractive",
    "NonUniformRand1.Unbiased",
    "PermK.JointVariance",
    "PowerSGD.B1",
    "PowerSGD.B2",
    "PowerSGD.Contractive",
    "RandomBlocks.B1",
    "RandomBlocks.B2",
    "RandomBlocks.BiasVariance",
    "RandomBlocks.Contractive",
    "RandomBlocks.Unbiased",
    "RandomDithering.Unbiased.one level",
    "RandomDithering.Unbiased.sharp",
    "RandomDithering.Unbiased.textbook",
    "RankR.B1",
    "RankR.B2",
    "RankR.BiasVariance",
    "RankR.Contractive",
    "Sampled.JointVariance",
    "Sampled.Unbiased",
    "Scaled.BiasVariance",
    "Scaled.Contractive",
    "ScaledPermK.BiasVariance",
    "ScaledPermK.Contractive",
    "ScaledSign.BiasVariance",
    "SendOrSkip.Unbiased",
    "Shared.JointVariance",
    "StochasticRounding.Unbiased",
    "SwitchML.JointVariance",
    "TopK.B1",
    "TopK.B2",
    "TopK.BiasVariance",
    "TopKSign.B1",
    "TopKSign.B2",
    "VariableSupport.Unbiased",
    "Wangni.Unbiased",
    "cat.workers",
}


def test_every_theorem_and_claim_has_a_script_or_a_reason():
    open_ones = missing(OBJECTS, SCRIPTS, REASONS)
    assert {name: why for name, why in open_ones.items() if name not in PENDING} == {}
    assert set(open_ones) >= PENDING, "done: take it from the list"


def test_no_reason_outlives_its_script():
    assert stale(OBJECTS, SCRIPTS, REASONS) == []


def test_the_enumeration_sees_theorems_claims_and_maps():
    assert set(theorems()) < set(OBJECTS)
    assert OBJECTS["TopK.Contractive"] == {"topk.delta"}
    assert OBJECTS["EF21Map"] == {"three_point.ef21"}
    assert OBJECTS["Sampled.JointVariance"] >= {"sampling.nice"}
    assert len(OBJECTS) > 130
    assert ("RandK.Unbiased", "randk.omega") in set(claims_of(RandK(k=1)))


def test_what_has_neither_script_nor_reason_is_found():
    planted = {"TopK.B3": {""}, "PermK.JointVariance": {"", "permk.joint"}, "topk.lemma": {"topk.unwritten"}}
    assert set(missing(planted, SCRIPTS, REASONS)) == set(planted)
    assert missing({"TopK.B3": {""}}, SCRIPTS, {"TopK.B3": "why"}) == {}
    assert missing({"TopK.Contractive": {"topk.delta"}}, SCRIPTS, {}) == {}
    assert stale({"TopK.Contractive": {"topk.delta"}}, SCRIPTS, ["TopK.Contractive"]) == ["TopK.Contractive"]
    assert stale({}, SCRIPTS, ["topk.delta"]) == ["topk.delta"]


def test_a_new_claim_without_a_proof_is_found(monkeypatch):
    claims = TopK.claims

    def more(self, d):
        return (*claims(self, d), extra)

    extra = Contractive(delta=0, name="planted")
    monkeypatch.setattr(TopK, "claims", more)
    assert "TopK.Contractive.planted" in missing(catalogue_objects(), SCRIPTS, REASONS)
