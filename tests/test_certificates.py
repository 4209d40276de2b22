"""Verdicts and certificates: the worst decides, JSON loses nothing."""

from fractions import Fraction

import numpy as np
import pytest

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


def test_a_report_from_a_file_is_the_files_word():
    """A JSON file that says PROVED has earned nothing."""
    made = Report("C", (Certificate("C", "Unbiased(omega=1)", Verdict.PROVED, "typed", scope={"d": 2}),))
    again = Report.from_json(made.to_json())
    assert again.stored
    assert not made.stored
    assert any("the file's word" in line for line in lines(again))
    assert not any("the file's word" in line for line in lines(made))
