"""Verdicts and certificates: the worst decides, JSON loses nothing."""

import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.certificates import EXIT_CODE, Certificate, Report, Verdict, decode, encode, worst
from compth.reporting.certification import lines


def test_the_worst_verdict_decides():
    order = [Verdict.PROVED, Verdict.CONSISTENT, Verdict.INCONCLUSIVE, Verdict.REFUTED]
    for i, good in enumerate(order):
        for bad in order[i:]:
            assert worst([good, bad]) is bad
    assert worst([]) is Verdict.INCONCLUSIVE
    assert [EXIT_CODE[v] for v in order] == [0, 0, 3, 1]


@pytest.mark.parametrize(
    "value", [Fraction(1, 3), 2, 0.1, float("inf"), None, "x", [1, [2.5]], {"a": Fraction(2, 7)}]
)
def test_encode_and_decode_are_inverse(value):
    assert decode(encode(value)) == value


def test_a_report_survives_json():
    c = Certificate(
        "C", "Unbiased(omega=1)", Verdict.REFUTED, "exact", estimate=Fraction(9, 16), bound=Fraction(1, 2),
        witness=np.array([1.0, -0.0]), scope={"d": 2}, assumptions=("a",), details={"exact": Fraction(1, 7)},
    )  # fmt: skip
    again = Report.from_json(Report("C", (c,), {"seed": 3}).to_json())
    assert again.certificates[0].estimate == Fraction(9, 16)
    assert again.certificates[0].witness == [1.0, 0.0]
    assert again.certificates[0].details["exact"] == Fraction(1, 7)
    assert again.certificates[0].assumptions == ("a",)
    assert again.info == {"seed": 3}
    assert again.verdict is Verdict.REFUTED


def overwritten(report):
    object.__setattr__(report.certificates[0], "claim", "Unbiased(omega=0)")
    return report


@pytest.mark.parametrize(
    "forged",
    [
        lambda r: Report.from_json(r.to_json()),
        lambda r: replace(Report.from_json(r.to_json()), stored=False),
        lambda r: Report(r.subject, r.certificates, r.info),
        lambda r: replace(r, certificates=(replace(r.certificates[0], claim="Unbiased(omega=0)"),)),
        lambda r: pickle.loads(pickle.dumps(r)),
        overwritten,
        lambda r: r.certificates[0].details.update(constants={}) or r,
        lambda r: r.info.update(estimates=[]) or r,
    ],
)
def test_a_report_that_was_not_made_here_is_somebodys_word(forged):
    """A JSON file, or a typed certificate, that says PROVED has earned nothing."""
    made = ct.certify(ct.RandK(1), 2, budget="quick")
    assert not made.stored
    assert not any("the file's word" in line for line in lines(made))
    assert forged(made).stored
    assert any("the file's word" in line for line in lines(forged(made)))
