"""Verdicts on programs as bug reports have them, against what was worked out beforehand."""

import argparse
import shlex
from collections import Counter

import pytest

import compth as ct
from compth.certificates import EXIT_CODE
from compth.certification import certify
from compth.claims.written import claims_of
from compth.cli import run
from compth.errors import UnusableInput
from tests.thorough import thorough, tries

from . import reported
from .reported import CASES

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
IDS = [f"{f.__name__} {options}" for f, options, _ in CASES]


def read(options):
    """certify's arguments for options of the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-d", type=int, action="append")
    for name in ("--omega", "--delta", "--claim", "--arithmetic"):
        parser.add_argument(name)
    parser.add_argument("--least", type=float)
    parser.add_argument("--largest", type=float)
    given = parser.parse_args(shlex.split(options))
    text = given.claim or (f"Unbiased({given.omega})" if given.omega else f"Contractive({given.delta})")
    magnitudes = (given.least, given.largest)
    return given.d, {
        "claims": claims_of([text], {}),
        "magnitudes": magnitudes,
        "arithmetic": given.arithmetic,
    }


def test_there_are_enough_of_all_kinds():
    count = Counter(code for *_, code in CASES)
    assert len({f for f, *_ in CASES}) >= 74
    assert min(count[0], count[1]) >= 40
    assert count[2] >= 2


@thorough
@pytest.mark.parametrize(("program", "options", "code"), CASES[:: tries(3, 1)], ids=IDS[:: tries(3, 1)])
def test_the_verdict_is_the_truth(program, options, code):
    """Right programs at a small budget: no look may refute them. Wrong ones at the usual one."""
    if program is reported.loops_on_ties:
        pytest.skip("ends in the worker alone: see below")
    d, settings = read(options)
    try:
        found = EXIT_CODE[certify(program, d, budget="quick" if code == 0 else "normal", **settings).verdict]
    except UnusableInput:
        found = 2
    assert found == code


@pytest.mark.parametrize(
    "name", ["loops_on_ties", "talks", "spawned", "in_threads", "wants_torch", "remembers"]
)
def test_the_command_says_the_same(name, capsys):
    options, code = next((o, c) for f, o, c in CASES if f.__name__ == name)
    assert run(["check", f"{reported.__file__}:{name}", *shlex.split(options), "--budget", "quick"]) == code
    out, err = capsys.readouterr()
    assert ("adapt(wants_torch, 'torch')" in err) == (code == 2)
    assert (out == "") == (code == 2)


def test_the_worst_input_of_a_hidden_basis_is_found():
    """Top-10 of 200 cosine coefficients: flat in a basis that no list of inputs knows, 1 - 10/d to a thousandth."""
    report = certify(lambda x: reported.topk_of_dct(x, 10), 200, claims=ct.Contractive("10.2/d"))
    assert EXIT_CODE[report.verdict] == 1
