"""Every theorem and every claim of the catalogue has a script or a reason; none has both."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth._numbers import sqrt
from compth.claims import B1, B2, BiasVariance, Contractive, Standing
from compth.compressors import Fleet, NaturalCompression, RandK, TopK, catalogue
from compth.compressors.core.render import smallest_size
from compth.methods import theorems
from proofs_check._command import main, scripts
from proofs_check._coverage import catalogue_objects, claims_of, missing, stale
from proofs_check._found import families
from proofs_check.not_provable import REASONS

SCRIPTS = set(scripts())
OBJECTS = catalogue_objects()


def test_every_theorem_and_claim_has_a_script_or_a_reason():
    assert missing(OBJECTS, SCRIPTS, REASONS) == {}


def test_a_stray_script_is_one_line(monkeypatch, capsys, tmp_path):
    """A script outside the families, or a family without an __init__.py, ended in a traceback."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine_one.py").write_text("")
    monkeypatch.setattr("proofs_check._command.scripts", lambda: families(tmp_path))
    assert main(["--check"]) == 2
    assert capsys.readouterr().err == (
        "proofs_check: error: proofs_check/mine/ has scripts and no __init__.py: add one\n"
    )
    (tmp_path / "stray.py").write_text("")
    assert main(["--check"]) == 2
    assert capsys.readouterr().err.startswith("proofs_check: error: proofs_check/stray.py is in no family")


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
    planted = {"TopK.B3": {""}, "RandK.Unbiased": {"", "randk.omega"}, "topk.lemma": {"topk.unwritten"}}
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


def claims():
    """Every claim of the examples at a size that each supports, with its object."""
    for cls in catalogue().values():
        for example in cls.examples():
            n, d = smallest_size(example, 4)
            for claim in example.claims(n, d) if isinstance(example, Fleet) else example.claims(d):
                yield example, d, claim


def test_projections_and_deterministic_maps_take_their_constants_from_delta():
    """What `classes.selection` and `classes.deterministic` prove starts from the object's own contraction."""
    seen = set()
    for example, d, claim in claims():
        if claim.proof in {"classes.selection", "classes.deterministic"} and not isinstance(example, Fleet):
            ball = example.claim(Contractive, d)
            assert ball.standing is Standing.PROVED
            expected = {
                B1: {"alpha": ball.delta, "beta": 1},
                B2: {"gamma": ball.delta, "beta": 1},
                BiasVariance: {"eta": sqrt(1 - ball.delta), "omega": 0},
            }
            assert claim.constants == expected[type(claim)]
            seen.add(f"{type(example).__name__}.{type(claim).__name__}")
    assert {"TopK.B1", "RankR.B2", "ScaledSign.BiasVariance", "AdaptiveRandom.B2"} <= seen


class Unproved(RandK):
    """Rand-K whose claim names no proof."""

    def claims(self, d):
        return tuple(replace(c, proof="") for c in super().claims(d))


@pytest.mark.parametrize(
    "make",
    [
        lambda c: ct.Averaged(c, 2),
        lambda c: ct.Scaled(c),
        lambda c: ct.Composed(NaturalCompression(), c),
        lambda c: ct.Composed(c, NaturalCompression()),
        lambda c: ct.Induced(TopK(1), c),
        lambda c: ct.SendOrSkip(c, 0.5),
        lambda c: ct.Independent(c),
        lambda c: ct.Shared(c),
        lambda c: ct.Sampled(c, ct.NiceSampling(3, 2)),
    ],
)
def test_a_rule_proves_nothing_about_members_that_are_not_proved(make):
    """The rule is proved; the constant it starts from has to be as well."""

    def standings(thing):
        found = thing.claims(3, 4) if isinstance(thing, Fleet) else thing.claims(4)
        return {c.standing for c in found}

    assert standings(make(RandK(1))) == {Standing.PROVED}
    assert standings(make(Unproved(1))) == {Standing.ASSUMED}


def test_the_printed_constant_of_dithering_below_two_is_refuted():
    """Flat x, p = 1, d = 100, s = 12: every entry is kept with probability s/d, so the variance is d/s - 1 exactly."""
    d, s = 100, 12
    compressor = ct.RandomDithering(s, 1)
    x = np.ones(d)
    sent = compressor.compress(x, np.random.default_rng(0))
    assert set(np.unique(sent)) == {0.0, d / s}
    exact = Fraction(d, s) - 1
    printed = min(Fraction(1), Fraction(10, s)) * Fraction(d, s)
    assert exact > printed
    [claim] = compressor.claims(d)
    assert exact <= claim.omega


def test_no_statement_stands_twice():
    """One and the same part may serve two theorems; two parts may not state the same."""
    found = {}
    for script in scripts().values():
        for part in script.parts:
            claim = json.dumps([{k: v for k, v in part.statement.items() if k not in {"name", "title"}}])
            assert found.setdefault(claim, part) is part, (script.id, part.statement["name"])
    assert len(found) > 150
