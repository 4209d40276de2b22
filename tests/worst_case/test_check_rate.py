"""check_rate and `compth refute`: true claims proved, false ones refuted by exact instances, bad input refused."""

import json
from fractions import Fraction as F

import numpy as np
import pytest

from compth.certificates import Verdict
from compth.cli import run
from compth.errors import InvalidParameter
from compth.worst_case import check_rate, tight_rate

EF = {"mu": 1, "L": 5, "delta": F(63, 64)}
NOISY = {"mu": 1, "L": 10, "omega": 3, "n": 4}
CLAIMS = [
    # method, claim, constants, verdict
    ("EF", {"rate": "9/16"}, EF, "PROVED"),
    ("EF21", {"rate": "9/16 + 1/1000"}, EF, "PROVED"),
    ("EF", {"rate": "9/16 - 1/100000"}, EF, "REFUTED"),
    ("EF21", {"rate": "9/16 - 1/100000"}, EF, "REFUTED"),
    ("EF21", {"rate": "1 - gamma*mu*delta/2", "stepsize": "1/(4*L)"}, {"mu": 1, "L": 10, "delta": F(1, 2)}, "PROVED"),
    ("EF21", {"rate": "1 - gamma*mu", "stepsize": "1/L"}, {"mu": 1, "L": 10, "delta": F(1, 4)}, "REFUTED"),
    ("CGD", {"rate": "1 - mu*delta/L", "stepsize": "1/L"}, {"mu": 1, "L": 10, "delta": F(1, 4)}, "PROVED"),
    ("CGD", {"rate": "1 - mu/L", "stepsize": "1/L"}, {"mu": 1, "L": 10, "delta": F(1, 4)}, "REFUTED"),
    ("CGD", {"rate": "1 - 2*mu*delta/L", "stepsize": "1/L"}, {"mu": 1, "L": 10, "delta": F(1, 4)}, "REFUTED"),
    ("DIANA", {"rate": "5/8"}, {"mu": 1, "L": 3, "omega": 1, "n": 4}, "PROVED"),
    ("DIANA", {"rate": "5/8 - 1/1000"}, {"mu": 1, "L": 3, "omega": 1, "n": 4}, "REFUTED"),
    ("DCGD", {"rate": "1 - gamma*mu", "stepsize": "1/(L*(1 + omega/n))"}, NOISY, "PROVED"),
    ("DCGD", {"rate": "1 - 2*gamma*mu", "stepsize": "1/(L*(1 + omega/n))"}, NOISY, "REFUTED"),
    ("DCGD", {"rate": "1 - gamma*mu", "stepsize": "2/L"}, NOISY, "REFUTED"),
    ("EF", {"rate": "9/16 + 1/1000", "lyapunov": [[1, -1], [-1, "1 + 1/s"]]}, EF, "PROVED"),
    ("EF", {"rate": "9/16 + 1/1000", "lyapunov": [[1, 0], [0, 1]]}, EF, "REFUTED"),
    ("EF21", {"rate": "9/16 + 1/1000", "lyapunov": [["1 + s", -1], [-1, 1]]}, EF, "PROVED"),
    ("EF21", {"rate": "9/16 + 1/1000", "lyapunov": [[1, 0], [0, 1]]}, EF, "REFUTED"),
    ("EF21", {"rate": "0.99"}, {**EF, "n": 3}, "CONSISTENT"),
    ("EF21", {"rate": "0.5"}, {**EF, "n": 3}, "REFUTED"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "claim", "constants", "verdict"), CLAIMS)
def test_claims_are_settled(method, claim, constants, verdict):
    report = check_rate(method, **claim, **constants)
    found = report.certificates[0]
    assert report.verdict == verdict
    assert type(report).from_json(report.to_json()).verdict == verdict
    if verdict == "REFUTED":
        assert float(found.estimate) > float(found.bound) or "grows" in found.technique
    if verdict == "CONSISTENT":
        assert found.details["looseness"] > 1


def test_a_refutation_carries_an_exact_trajectory():
    found = check_rate("EF", rate="9/16 - 1/100000", **EF).certificates[0]
    lam, c, gamma = found.witness["lambda"], found.witness["C(v)/v"], F(7, 27)
    assert (c - 1) ** 2 <= 1 - EF["delta"]
    x, e, path = F(1), F(0), []
    for _ in range(6):
        path.append(x * x)
        p = e + gamma * lam * x
        x, e = x - c * p, p - c * p
    assert found.witness["squared_distance"] == path


def test_a_lyapunov_refutation_is_one_exact_step():
    found = check_rate("EF", rate="9/16 + 1/1000", lyapunov=[[1, 0], [0, 1]], **EF).certificates[0]
    x, e = found.witness["state"]
    lam, c, gamma = found.witness["lambda"], found.witness["C(v)/v"], F(7, 27)
    p = e + gamma * lam * x
    after = (x - c * p) ** 2 + (p - c * p) ** 2
    assert after > found.bound * (x * x + e * e)
    assert found.estimate == after / (x * x + e * e)


def test_verdicts_turn_exactly_at_the_tight_rate():
    """A scan of claims around the tight rate never proves a false one nor refutes a true one."""
    rng = np.random.default_rng(5)
    for _ in range(12):
        kappa, delta = F(int(rng.integers(2, 40))), F(int(rng.integers(1, 20)), 20)
        rho = tight_rate("EF21", mu=1, L=kappa, delta=delta).attained
        above = check_rate("EF21", rate=rho + 1e-4 * (1 - rho), mu=1, L=kappa, delta=delta)
        below = check_rate("EF21", rate=rho - 1e-4 * (1 - rho), mu=1, L=kappa, delta=delta)
        assert above.verdict == Verdict.PROVED
        assert below.verdict == Verdict.REFUTED


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        ({"rate": "import os"}, "rate"),
        ({"rate": "__import__('os')"}, "rate"),
        ({"rate": "x + 1"}, "x"),
        ({"rate": "-1"}, "rate="),
        ({"rate": float("nan")}, "not finite"),
        ({"rate": "0.9", "stepsize": "0"}, "gamma"),
        ({"rate": "0.9", "lyapunov": [[1, 2], [2, 1]]}, "positive semidefinite"),
        ({"rate": "0.9", "lyapunov": [[1, 2]]}, "2 x 2"),
    ],
)
def test_bad_claims(claim, rule):
    with pytest.raises(InvalidParameter, match=rule):
        check_rate("EF", **claim, **EF)


FILE = '''
"""A theorem."""
GOOD = {"method": "EF21", "rate": "1 - gamma*mu*delta/2", "stepsize": "1/(4*L)", "mu": 1, "L": [2, 10],
        "delta": [0.5, 0.9]}
BAD = {"method": "EF21", "rate": "1 - gamma*mu", "stepsize": "1/L", "mu": 1, "L": [2, 10], "delta": [0.25]}
CODE = dict(method="EF21")
TYPO = {"method": "EF", "rate": 0.9, "mu": 1, "L": 2, "delat": 0.5}
RUNS = {"method": "EF", "rate": open("/dev/null"), "mu": 1, "L": 2}
raise SystemExit("this file must not be run")
'''


def test_cli(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    assert run(["refute", f"{file}:GOOD"]) == 0
    out = capsys.readouterr().out
    assert "GOOD: EF21: PROVED" in out
    assert out.count("PROVED") >= 5
    assert run(["refute", f"{file}:BAD", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["verdict"] == "REFUTED"
    assert len(data["certificates"]) == 2
    assert run(["refute", f"{file}:BAD"]) == 1
    assert "squared_distance = [1, " in capsys.readouterr().out
    for name, rule in (
        ("CODE", "literals"),
        ("TYPO", "delat"),
        ("RUNS", "literals"),
        ("NONE", "not assigned"),
    ):
        assert run(["refute", f"{file}:{name}"]) == 2
        err = capsys.readouterr().err
        assert rule in err
        assert err.count("\n") == 1
    assert run(["refute", f"{tmp_path}/none.py:X"]) == 2
    assert run(["refute", "mine"]) == 2
