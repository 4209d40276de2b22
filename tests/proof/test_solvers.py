"""The solver fallback: true facts are signed, false ones and vacuous premises refused, and nothing signed is PROVED."""

from __future__ import annotations

import json

import pytest

from compth.proof import Refused
from compth.proof.solvers import answers, sign, smt
from proofs_check import _command as command
from proofs_check._models import model
from proofs_check._script import Part, Script, run, step

pytest.importorskip("z3")
pytest.importorskip("cvc5")
TRUE = "a**3 + b**3 >= a*b*(a + b)"  # (a + b)(a - b)^2
DOMAIN = ["a > 0", "b > 0"]
CLAIM = "(a**3 + b**3 - a*b*(a + b))*sq(v) >= 0"


def test_a_true_fact_is_signed_by_both_on_the_same_text():
    found = sign("a b", DOMAIN, TRUE)
    assert found.negation == {"z3": "unsat", "cvc5": "unsat"}
    assert found.premises == {"z3": "sat", "cvc5": "sat"}
    assert answers(found.smt) == found.negation


@pytest.mark.parametrize(
    "false", ["a**3 + b**3 >= a*b*(a + b) + 1", "a**2 >= 2*a*b", "a > b", "a**2 - 2*a + 1 > 0", "a = b"]
)
def test_a_false_fact_is_refused(false):
    with pytest.raises(Refused):
        sign("a b", DOMAIN, false.replace(" = ", " == "))


def test_impossible_premises_sign_nothing():
    with pytest.raises(Refused, match="satisfiable"):
        sign("a b", [*DOMAIN, "a + b < 0"], "a > 5")


@pytest.mark.parametrize(
    "text", ["a >= c", "a*b", "a >= 1.5", "a**b >= 0", "a/b >= 0", "f(a) >= 0", "a >= 0 >= b", "a > 0) (exit"]
)
def test_only_polynomial_inequalities_in_the_parameters_are_read(text):
    with pytest.raises((Refused, SyntaxError)):
        sign("a b", DOMAIN, text)


def test_one_sat_outvotes_an_unsat(monkeypatch):
    monkeypatch.setattr("compth.proof.solvers._cvc5", lambda text: "sat")
    with pytest.raises(Refused, match="not signed"):
        sign("a b", DOMAIN, TRUE)


def part(signed):
    at = model({"a": 1, "b": 2}, {"v": [1]})
    low = model({"a": 1, "b": 1}, {"v": [1]})
    statement = {
        "name": "toy",
        "params": "a b",
        "domain": DOMAIN,
        "vectors": ["common v"],
        "claim": [CLAIM],
    }
    spoils = [
        ({"claim": [CLAIM.replace(">= 0", ">= sq(v)")]}, low),
        ({"claim": [CLAIM.replace("a*b*(a", "2*a*b*(a")]}, low),
        ({"claim": [CLAIM.replace(">= 0", ">= a*sq(v)")]}, low),
    ]
    steps = [step(CLAIM, {TRUE: "sq(v)"} if signed else {})]
    return Part(statement, steps, at, spoils, signed=(TRUE,) if signed else ())


def test_a_theorem_that_leans_on_solvers_is_marked_and_not_proved(monkeypatch, tmp_path, capsys):
    with pytest.raises(Refused):
        run(Script("toy", "toy", [part(signed=False)]))
    result = run(Script("toy", "toy", [part(signed=True)]))
    assert result.records[0]["technique"] == "solver-signed"
    assert "SIGNED" in command.row(result)
    monkeypatch.setattr(command, "CERTIFICATES", tmp_path / "certificates")
    monkeypatch.setattr(command, "INDEX", tmp_path / "index.json")
    command.store([result])
    index = json.loads((tmp_path / "index.json").read_text())
    assert "toy" not in index["proved"]
    from proofs_check import recheck

    assert recheck.main([str(tmp_path / "certificates"), "--index", str(tmp_path / "index.json")]) == 0
    said = capsys.readouterr().out
    assert "toy: solver-signed, not proved" in said
    assert "0 theorems rechecked" in said
    index["proved"], index["solver_signed"] = index["solver_signed"], {}
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert recheck.main([str(tmp_path / "certificates"), "--index", str(tmp_path / "index.json")]) == 1


def test_names_cannot_leave_the_question():
    text = smt("a let", ["a > 0"], "let >= 0")
    assert "p_let" in text
    assert "(let" not in text
