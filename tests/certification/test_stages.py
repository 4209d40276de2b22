"""The stages of certify are a literal list: what is not in it is not looked at, and what closes a case is the last."""

import ast
import inspect

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify, pipeline
from compth.certification.stages.audits import ROWS
from compth.certification.stages.case import Case


class Together(ct.RandK):
    """Rand-2 whose rows, each right by itself, are drawn together."""

    def kernel(self, x, rng):
        return x * self.draw((1, x.shape[-1]), rng)


def without(monkeypatch, name):
    kept = tuple(s for s in pipeline.STAGES if s.__name__ != name)
    assert len(kept) == len(pipeline.STAGES) - 1, name
    monkeypatch.setattr(pipeline, "STAGES", kept)


def test_the_list_is_written_out_and_of_public_stages():
    tree = ast.parse(inspect.getsource(pipeline))
    (found,) = [n for n in tree.body if isinstance(n, ast.AnnAssign) and n.target.id == "STAGES"]
    names = [e.id for e in found.value.elts]
    assert names == [s.__name__ for s in pipeline.STAGES]
    assert not any(name.startswith("_") for name in names)
    for stage in pipeline.STAGES:
        assert list(inspect.signature(stage).parameters) == ["case"]
        assert stage.__module__.startswith("compth.certification.stages.")


def test_a_stage_that_closes_is_the_last(monkeypatch):
    def never(case):
        raise AssertionError("looked at a closed case")

    def closes(case):
        assert isinstance(case, Case)
        return case.ended(
            pipeline.certificate_at(case.run, case.d, "contract", Verdict.INCONCLUSIVE, "none", technique="t")
        )

    monkeypatch.setattr(pipeline, "STAGES", (closes, never))
    (found,) = certify(ct.RandK(1), 3).certificates
    assert found.technique == "t"


def test_rows_are_looked_at_by_their_stage_alone(monkeypatch):
    def judged():
        return {c.claim: c.verdict for c in certify(Together(2), 4, budget="quick").certificates}

    assert judged()[ROWS] is Verdict.REFUTED
    without(monkeypatch, "rows_as_the_reference")
    assert ROWS not in judged()


@pytest.mark.parametrize("name", ["keeps_its_contract", "draws_as_declared"])
def test_a_list_that_somebody_shortened_proves_nothing(monkeypatch, name):
    assert certify(ct.RandK(2), 4, budget="quick").verdict is Verdict.PROVED
    without(monkeypatch, name)
    report = certify(ct.RandK(2), 4, budget="quick")
    assert report.verdict is Verdict.CONSISTENT
    assert "STAGES was replaced" in " ".join(report.info["not_checked"])


def test_a_case_is_not_changed_in_place():
    case = Case(None, 3, [])
    with pytest.raises(AttributeError):
        case.closed = True
    assert np.array_equal(case.certificates, [])
