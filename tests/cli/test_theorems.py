"""`compth theorems ID`: all that the objects say of one theorem, its stored proof and its Coq file."""

import json
import re

import pytest

import compth as ct
from compth.cli import run
from compth.cli.theorems import about_theorem, known_theorems, stored_proof
from compth.methods import theorems
from compth.methods.dcgd import DCGDGeneral
from compth.proof import Refused


def shown(capsys, *arguments):
    assert run(["theorems", *arguments]) == 0
    return capsys.readouterr().out


def test_one_theorem_in_text(capsys):
    text = shown(capsys, "dcgd.general")
    for line in (
        "dcgd.general: DCGD on heterogeneous data: linear to a floor of order gamma",
        "E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + (gamma/mu) 2A zeta2*, gamma <= 1/(max{1-B,0}L + 2 A L_max).",
        "method        DCGD",
        "needs         JointVariance",
        "hypotheses    every f_i must be convex",
        "steps         0 < gamma <= 1/(L + 2 A L_max)",
        "largest step  1/(L*Max(0, 1 - B) + 2*A*L_max)",
        "rate          1 - gamma*mu",
        "floor         2*A*gamma*zeta2_star/mu",
        "standing      PROVED/OURS; upper",
        "loose         at most 1.45 on quadratics",
        "proof         checked by the kernel",
    ):
        assert " ".join(line.split()) in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100


def test_special_constants_of_a_formula_are_told(capsys):
    assert "formulas for  equal Hessians\n" in shown(capsys, "iasgd.growth")


@pytest.mark.slow
def test_everything_of_every_theorem_is_json():
    known = known_theorems()
    assert set(theorems()) < set(known)
    for identifier, theorem in known.items():
        found = json.loads(json.dumps(about_theorem(theorem)))
        assert found["theorem"] == identifier
        assert found["methods"]
        assert found["steps"]
        assert ("rate" in found["formulas"]) <= ("largest step" in found["formulas"])
        assert (found["proof"] is None) == (not found["standing"].startswith("PROVED"))
    assert about_theorem(known["diana.certified"])["methods"] == ["DIANA"]
    assert about_theorem(known["diana.certified"])["steps"].startswith("any at which a certificate is found")


def test_a_theorem_of_a_user_is_assumed():
    class Typed(DCGDGeneral):
        """As dcgd.general."""

        id = "typed"

    assert about_theorem(Typed())["standing"] == "ASSUMED/OURS"


def test_json_carries_the_proof_where_it_is_asked_for(capsys):
    found = json.loads(shown(capsys, "gd.contraction", "--json", "--proof"))
    assert found["proof"] == "gd.contraction"
    assert found["proof_text"].startswith("Setting: f is mu-strongly convex")
    assert "\n\nTheorem gd.contraction." in found["proof_text"]
    assert "proof_text" not in json.loads(shown(capsys, "gd.contraction", "--json"))


def test_the_proof_in_words_and_in_latex(capsys):
    text = shown(capsys, "gd.contraction", "--proof")
    assert "Multiply (convex) by" in text
    places = [text.index(t) for t in ("Setting:", "Guarantee:", "Proof:", "Source:", "Letters:", "Theorem")]
    assert places == sorted(places), "why it holds and what the letters mean, then the statement"
    assert "\n  xs         x*, the minimiser; the same at every worker\n" in text
    assert "Theorem gd.contraction.equal." in text, "every part"
    latex = shown(capsys, "gd.contraction", "--proof", "--latex")
    assert r"\mu" in latex
    assert latex.count("$") % 2 == 0


def test_a_stored_proof_that_fails_is_not_printed(monkeypatch, tmp_path):
    """It is checked again: a certificate that somebody edited shows nothing."""
    file = __import__("compth.cli.theorems", fromlist=["x"])._certificate("gd.contraction")
    data = json.loads(file.read_text())
    data["parts"][0]["certificate"]["steps"][-1]["use"]["convex"] += " + 1"
    spoiled = tmp_path / file.name
    spoiled.write_text(json.dumps(data))
    monkeypatch.setattr("compth.cli.theorems._certificate", lambda _: spoiled)
    with pytest.raises(Refused):
        stored_proof("gd.contraction")


def test_the_formulas_in_latex(capsys):
    text = shown(capsys, "dcgd.general", "--latex")
    assert text.count(r"\begin{align*}") == text.count(r"\end{align*}") == 1
    assert r"\text{rate} &= 1 - \gamma \mu" in text
    assert r"L_{\max}" in text


def test_the_proof_as_a_coq_file(capsys):
    text = shown(capsys, "gd.contraction", "--coq")
    assert text.startswith("(* Setting: f is mu-strongly convex")
    assert re.search(r"^From Coq Require", text, re.M)
    assert text.count("(*") == text.count("*)")
    assert re.search(r"^(Theorem|Lemma) gd_contraction", text, re.M)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dcgd.generl"], "did you mean dcgd.general, "),
        (["DIANA"], "did you mean "),
        ([""], "`compth theorems` lists them"),
        (["zzz"], "`compth theorems` lists them"),
        (["cat.workers", "--proof"], "has no machine-checked proof: its standing is DERIVED/OURS"),
        (["cat.workers", "--coq"], "has no machine-checked proof"),
        (["diana.certified", "--latex"], "has no formula for its step"),
        (["--proof"], "compth theorems ID --proof"),
        (["gd.contraction", "--coq", "--json"], "leave out"),
        (["gd.contraction", "--unified"], "leave out the theorem"),
    ],
)
def test_what_cannot_be_shown_is_one_line(capsys, words, said):
    assert run(["theorems", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    if "mean" in said:
        near = re.search(r"did you mean (.*) or (.*)\?", error)
        assert len({*near[1].split(", "), near[2]} & set(known_theorems())) == 3


def test_the_list_shows_steps_and_rates(capsys):
    rows = {r["theorem"]: r for r in json.loads(shown(capsys, "--json"))}
    assert rows["gd.contraction"]["steps"] == "0 < gamma < 2/L"
    assert rows["dcgd.general"]["rate"] == "1 - gamma*mu"
    assert rows["cat.workers"]["rate"] == "-"
    assert {"steps", "rate", "standing"} <= set(rows["diana.certified"])


def test_the_step_that_is_shown_is_the_step_that_is_refused():
    with pytest.raises(ct.errors.NoGuarantee) as refused:
        ct.guarantee(
            ct.DCGD(ct.RandK(1), gamma=9), ct.problems.random_quadratic(n=2, d=3, seed=0), "dcgd.general"
        )
    assert about_theorem(theorems()["dcgd.general"])["steps"] in str(refused.value)


def test_a_proof_of_a_constant_is_shown_in_the_same_ways(capsys):
    """No method has it: its script's words, its proof, LaTeX and Coq file."""
    text = shown(capsys, "topk.delta")
    assert text.startswith("topk.delta: Top-K")
    assert "guarantee" in text
    assert "checked by the kernel" in text
    assert "Theorem topk.delta." in shown(capsys, "topk.delta", "--proof")
    assert r"\sum_{j} b_{j} \le" in shown(capsys, "topk.delta", "--latex")
    assert "Theorem topk_delta" in shown(capsys, "topk.delta", "--coq")
    found = json.loads(shown(capsys, "topk.delta", "--json", "--proof"))
    assert found["words"]["Setting"].startswith("C keeps the k largest")
    assert found["proof_text"].startswith("Setting:")
