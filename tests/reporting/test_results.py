"""Every result prints, shows itself in a notebook, is LaTeX, a data frame and a file; a file's words are the file's."""

import importlib
import inspect
import json
import re
import shutil
import subprocess
import typing
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth._shown import Shown
from compth.certification.adapting.adapted import Adapted
from compth.errors import CompthError, Unsupported, UnusableInput
from compth.reporting.formulas import formula, sentence, value
from compth.reporting.results import WORD


def halved(x, rng):
    """Rand-2 without its scale."""
    out = np.zeros(len(x))
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen]
    return out


PROBLEM = ct.problems.random_quadratic(n=3, d=4, kappa=20, seed=0)
DIANA, DCGD = ct.DIANA(ct.RandK(k=1)), ct.DCGD(ct.RandK(k=1))
MAKERS = {
    "proved": lambda: ct.certify(ct.RandK(k=2), d=3, budget="quick"),
    "refuted": lambda: ct.certify(halved, d=3, claims=ct.Unbiased("1/2"), budget="quick"),
    "rate claim": lambda: ct.check_rate("EF21", rate="1 - gamma*mu", stepsize="1/L", mu=1, L=10, delta=0.25),
    "estimate": lambda: ct.estimate(ct.TernGrad(), d=6, budget="quick"),
    "exact estimate": lambda: ct.estimate(ct.RandK(k=2), d=6),
    "rate": lambda: ct.guarantee(DIANA, PROBLEM),
    "trajectory": lambda: ct.exact(DIANA, PROBLEM, steps=20),
    "trace": lambda: ct.simulate(DIANA, PROBLEM, steps=20, runs=4, seed=0),
    "exact rate": lambda: ct.exact_rate(DIANA, PROBLEM),
    "floor": lambda: ct.stationary(DCGD, PROBLEM),
    "stable step": lambda: ct.max_stable_step(DCGD, PROBLEM),
    "best step": lambda: ct.best_step(DCGD, PROBLEM),
    "tight rate": lambda: ct.tight_rate("EF21", mu=1, L=5, delta=Fraction(63, 64)),
    "conjecture": lambda: ct.heterogeneous_feedback("EF21", (1, 1), (4, 6), Fraction(1, 2)),
    "comparison": lambda: ct.compare([ct.GD(), DIANA], PROBLEM, steps=20, runs=4),
    "steps": lambda: ct.step_sizes(DIANA, PROBLEM),
    "tuning": lambda: ct.tune(np.arange(1.0, 20), "S", ct.costs.Affine(per_element=1, fixed=64)),
    "means": lambda: ct.mean_estimation(np.arange(8.0).reshape(2, 4), 3),
    "analysis": lambda: ct.analyse(ct.DIANA),
    "derivation": lambda: ct.derive("EF21", mu=1, L=5, delta=Fraction(3, 4)),
    "compatibility": lambda: ct.compatibility([ct.RandK(k=2)])[0],
    "row": lambda: ct.unified_table()[0],
}
MADE = {}


def made(name):
    if not MADE:
        tight = ct.tight_rate("CGD", mu=1, L=5, delta=Fraction(1, 2))
        MADE.update({"certificate": tight.certificate, "worst case": tight.worst_case})
    if name not in MADE:
        MADE[name] = MAKERS[name]()
    return MADE[name]


RESULTS = [*MAKERS, "certificate", "worst case"]


def classes_in(hint):
    """The classes of the package in a return annotation."""
    if isinstance(hint, type):
        return [hint] if hint.__module__.startswith("compth.") else []
    return [c for part in typing.get_args(hint) for c in classes_in(part)]


OBJECTS = (ct.Compressor, ct.Fleet, ct.JointSketch, ct.Method, ct.Theorem, Adapted)
"""What functions give that is no result: things to compute with."""


def returned(function):
    try:
        return classes_in(typing.get_type_hints(function).get("return"))
    except NameError:  # a name that is imported for type checkers alone
        return []


def test_whatever_a_public_function_returns_can_be_shown():
    functions = [getattr(ct, name) for name in ct._OWNER]
    found = {c for f in functions if inspect.isfunction(f) for c in returned(f)}
    assert {ct.Report, ct.Rate, ct.Trace, ct.ExactRate, ct.Comparison, ct.Tuning} <= found
    missing = [c.__name__ for c in found if not issubclass(c, (Shown, *OBJECTS))]
    assert missing == []


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_prints_words_and_no_fields(name):
    text = str(made(name))
    assert not text.startswith(f"{type(made(name)).__name__}(")
    assert "array(" not in text
    assert "<function" not in text
    assert max(map(len, text.splitlines())) <= 200


@pytest.mark.parametrize("name", RESULTS)
def test_a_notebook_shows_the_same_words_escaped(name):
    result = made(name)
    held = result._repr_html_()
    assert "<script" not in held
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", held))
    first = str(result).split()[0].split("||")[0]
    assert first in plain


def test_a_hostile_name_is_text_in_a_notebook_and_in_latex():
    report = ct.Report("<img src=x onerror=alert(1)>_%$", made("proved").certificates)
    assert "<img" not in report._repr_html_()
    assert "&lt;img" in report._repr_html_()
    assert r"{" + "_" not in report.to_latex().splitlines()[1]


def in_mathematics(text):
    return re.findall(r"(?<!\\)\$(.+?)(?<!\\)\$", text, re.S)


@pytest.mark.parametrize("name", RESULTS)
def test_latex_is_balanced_and_its_mathematics_can_be_set(name):
    from matplotlib.mathtext import MathTextParser

    text = made(name).to_latex()
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0
    assert len(re.findall(r"\\begin", text)) == len(re.findall(r"\\end", text))
    parse = MathTextParser("agg").parse
    for formula_ in in_mathematics(text):
        parse(f"${formula_}$")
    rest = re.sub(r"\\begin{align\*}.+?\\end{align\*}", "", text, flags=re.S)
    outside = re.sub(r"(?<!\\)\$.+?(?<!\\)\$", "", rest, flags=re.S)
    assert not re.search(r"(?<!\\)[_^#]", "\n".join(x for x in outside.splitlines() if not x.startswith("%")))


def test_an_underscore_outside_mathematics_would_be_seen():
    assert formula("L_max") == r"L_{\mathrm{max}}"
    assert sentence("as_is, V+ <= 0.9 V") == r"as\_is, $V^{+} \leq  0.9 V$"
    assert value(1e-9) == r"1\cdot 10^{-9}"
    assert value("1/2") == r"\frac{1}{2}"


DOCUMENT = r"\documentclass{article}\usepackage{amsmath,amssymb,booktabs}\begin{document}%s\end{document}"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.slow
def test_latex_compiles(tmp_path):
    (tmp_path / "all.tex").write_text(DOCUMENT % "\n\n".join(made(name).to_latex() for name in RESULTS))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_statement_of_omega_has_its_evidence():
    text = made("proved").to_latex()
    assert r"\textbf{PROVED}" in text
    assert r"\omega = \frac{1}{2}" in text
    assert "inclusion probabilities" in text
    assert r"all $x \in \mathbb{R}^d$" in text
    refuted = made("refuted").to_latex()
    assert "PROVED" not in refuted
    assert r"$x = (1, 0, 0)$" in refuted
    assert "1/9" in refuted


def test_every_kind_of_claim_has_its_inequality():
    from compth.claims.written import KINDS
    from compth.reporting.statements import INEQUALITY

    assert set(KINDS) == set(INEQUALITY)
    for kind, (_, names) in KINDS.items():
        letters = {
            "omega": r"\omega",
            "delta": r"\delta",
            "Delta": r"\Delta",
            "eta": r"\eta",
            "alpha": r"\alpha",
        }
        assert all(
            letters.get(n, {"beta": r"\beta", "gamma": r"\gamma"}.get(n, n)) in INEQUALITY[kind]
            for n in names
        )


def test_a_proof_on_a_domain_does_not_say_all_x():
    from dataclasses import replace

    (certificate,) = made("proved").certificates
    some = replace(certificate, scope={**certificate.scope, "inputs": "the listed inputs"})
    assert "the listed inputs" in some.to_latex()
    assert r"\mathbb{R}^d" not in some.to_latex()


def test_a_bound_in_latex_is_rounded_against_itself():
    known = made("estimate")
    shown = float(re.search(r"\\omega \\geq ([\d.]+)", known.to_latex())[1])
    assert known.bound - 1e-5 < shown <= known.bound
    assert "seems unbiased" in known.to_latex()
    assert "proved" in made("exact estimate").to_latex()
    assert "proved" not in known.to_latex()


def test_a_declared_claim_is_a_sentence():
    import sympy

    (claim,) = [
        c for c in ct.RandK(k=5).claims(sympy.Symbol("d", positive=True)) if isinstance(c, ct.Unbiased)
    ]
    assert r"\omega = \frac{d}{5} - 1" in claim.to_latex()
    assert claim.standing.value in claim.to_latex()
    assert "ASSUMED" in ct.Unbiased(3).to_latex()


@pytest.mark.parametrize("name", RESULTS)
def test_a_frame_has_a_row_for_each_thing(name):
    pytest.importorskip("pandas")
    frame = made(name).to_frame()
    assert len(frame) >= 1
    assert len(set(frame.columns)) == len(frame.columns)
    rows = {"trace": 21, "trajectory": 21, "comparison": 2, "proved": 1}
    assert len(frame) == rows.get(name, len(frame))


def test_the_numbers_of_a_frame_are_numbers():
    pytest.importorskip("pandas")
    trace = made("trace")
    assert list(trace.to_frame()["mean_square"]) == list(trace.mean_square)
    assert made("comparison").to_frame()["guaranteed_rounds"].tolist() == [
        r.guaranteed_rounds for r in made("comparison").rows
    ]
    rate = made("rate")
    assert rate.to_frame().set_index("t")["bound"][100] == rate.bound(100)


def test_without_pandas_a_frame_is_one_line(monkeypatch):
    monkeypatch.setitem(importlib.sys.modules, "pandas", None)
    with pytest.raises(Unsupported, match=r"needs pandas, which is not installed: pip install pandas"):
        made("trace").to_frame()


@pytest.mark.parametrize("name", RESULTS)
def test_a_saved_result_says_that_it_is_the_files_word(name, tmp_path):
    result = made(name)
    loaded = ct.load(result.save(tmp_path / "result.json"))
    assert WORD in str(loaded)
    assert WORD in re.sub(r"&#x27;", "'", loaded._repr_html_())
    if isinstance(result, ct.Report):
        assert loaded.stored
        assert loaded.to_json() == result.to_json()
    else:
        assert loaded.stored_kind == type(result).__name__
        again = ct.load(loaded.save(tmp_path / "again.json"))
        assert WORD in str(again)


def test_words_that_are_earned_are_not_read(tmp_path):
    """The planted error: a file that says of itself what it likes."""
    path = made("tight rate").save(tmp_path / "r.json")
    data = json.loads(path.read_text())
    data["values"] |= {"standing": "PROVED", "tight": True, "closed_form": True, "converged": True}
    path.write_text(json.dumps(data))
    loaded = ct.load(path)
    assert (loaded.standing, loaded.tight, loaded.closed_form, loaded.converged) == (
        WORD,
        False,
        False,
        False,
    )
    assert loaded.rho == Fraction(9, 16)
    assert WORD in str(loaded).splitlines()[0]
    comparison = ct.load(made("comparison").save(tmp_path / "c.json"))
    if pytest.importorskip("pandas"):
        assert set(comparison.to_frame()["standing"]) == {WORD}


def test_arrays_come_back_as_arrays(tmp_path):
    trace = made("trace")
    loaded = ct.load(trace.save(tmp_path / "t.json"))
    assert np.array_equal(loaded.mean_square, trace.mean_square)
    with pytest.raises(AttributeError, match="this stored Trace holds no 'nothing': it has label"):
        loaded.nothing  # noqa: B018


def test_what_compare_wrote_can_be_loaded(tmp_path):
    (tmp_path / "comparison.json").write_text(made("comparison").to_json())
    loaded = ct.load(tmp_path / "comparison.json")
    assert loaded.kind in ("Comparison",)
    assert WORD in str(loaded)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"a": 1}',
        '{"certificates": 3}',
        '{"generator": "generated by compth"}',
        '{"generator": "generated by compth", "provenance": "", "values": {"rho": {"exact": "1/0", "float": 1}}}',
        '{"verdict": "PROVED", "subject": "x", "info": {}, "certificates": [{"verdict": "SURE"}]}',
    ],
)
def test_what_is_no_result_is_one_line(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(UnusableInput) as caught:
        ct.load(path)
    assert "\n" not in str(caught.value)
    assert "r.json" in str(caught.value)
    with pytest.raises(UnusableInput, match="cannot be read"):
        ct.load(tmp_path / "missing.json")


def test_a_foreign_file_is_not_overwritten(tmp_path):
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(CompthError, match="was not written by compth"):
        made("trace").save(tmp_path / "mine.json")
    assert (tmp_path / "mine.json").read_text() == "{}"


def test_an_unconverged_step_is_not_printed_as_a_number():
    from compth._earned import kept
    from compth.dynamics.steps import StepSize

    assert str(kept(StepSize(0.5, (0.5, 0.5), True))) == "0.5"
    assert str(kept(StepSize(0.5, (0.1, 0.9), False))) == "0.5 (only known to lie in [0.1, 0.9])"
    assert "only the bracket is known" in StepSize(0.5, (0.1, 0.9), False).to_latex()


@pytest.mark.parametrize(
    "change", [{"claim": "Contractive(delta=1)"}, {"verdict": ct.Verdict.PROVED, "subject": "mine"}, {}]
)
def test_a_typed_certificate_is_somebodys_word_in_every_format(change):
    """The planted error: a proof of one claim relabelled as a proof of another."""
    from dataclasses import replace

    (judged,) = made("proved").certificates
    typed = replace(judged, **change)
    assert "somebody's word" in str(typed)
    assert "background:#00734f" not in typed._repr_html_()
    assert "word of a file" in typed.to_latex()
    assert "word" not in str(judged)
    assert "background:#00734f" in judged._repr_html_()
    assert "word of a file" not in judged.to_latex()


def test_a_certificate_whose_words_were_edited_is_somebodys_word():
    (judged,) = ct.certify(ct.RandK(k=2), d=3, budget="quick").certificates
    judged.scope["d"] = 1000
    assert "somebody's word" in str(judged)


def test_a_stored_report_has_no_badge(tmp_path):
    from compth.reporting.verdict_page import html_page

    report = made("proved")
    loaded = ct.load(report.save(tmp_path / "r.json"))
    for held in (loaded, ct.Report("mine", report.certificates), loaded.certificates[0]):
        assert 'class="badge"' not in held._repr_html_()
    assert 'class="badge"' in report._repr_html_()
    assert 'class="verdict PROVED"' in html_page(report)
    assert 'class="verdict PROVED"' not in html_page(loaded)


@pytest.mark.parametrize("name", ["estimate", "exact rate", "trace", "comparison", "row"])
def test_a_stored_result_is_saved_as_the_file_had_it(name, tmp_path):
    once = ct.load(made(name).save(tmp_path / "once.json"))
    twice = ct.load(once.save(tmp_path / "twice.json"))
    assert vars(twice) == vars(once)
    assert str(twice) == str(once)
    assert twice.stored_kind == type(made(name)).__name__


def test_a_results_own_fields_come_before_the_files():
    from compth.reporting.results import Stored

    own = {"kind": "unbiased", "said": "a", "provenance": "b", "values": 3, "columns": 4}
    held = Stored("Estimate", "text", "compth", own)
    assert {k: getattr(held, k) for k in own} == own
    assert held.stored_kind == "Estimate"
    none = Stored("Trace", "text", "compth", {})
    assert (none.kind, none.said) == ("Trace", "text")


def test_a_saved_claim_has_its_standing_and_no_source_that_is_not_its_own(tmp_path):
    """The planted errors: a user's constant under our name, or under that of the paper whose claim was changed."""
    (ours,) = [c for c in ct.RandK(k=2).claims(6) if isinstance(c, ct.Unbiased)]
    assert json.loads(ours.to_json())["values"]["standing"] == ours.standing.value == "PROVED"
    assert str(ours.source) in json.loads(ours.to_json())["values"]["source"]
    for typed in (ct.Contractive("1/d"), ours.with_constants(omega=1)):
        values = json.loads(typed.to_json())["values"]
        assert values["standing"] == "ASSUMED"
        assert not {"declared", "source", "attribution"} & set(values)
        assert "OURS" not in typed.to_latex()
        assert "Horv" not in typed.to_latex()
    loaded = ct.load(ours.save(tmp_path / "claim.json"))
    assert {loaded.standing, loaded.sharpness, loaded.proof} == {WORD}
    assert loaded.omega == 2


def test_powers_and_roots_reach_as_far_as_in_the_text():
    """The planted error: 2**22 printed as 2^2 2."""
    told = {
        "1-1/2**22": "1-1/2^{22}",
        "10**-5": "10^{-5}",
        "sqrt(d)/2**25": r"\sqrt{d}/2^{25}",
        "sqrt((d+1)*2)": r"\sqrt{(d+1)\,2}",
        "2**-(d+1)": "2^{-(d+1)}",
        "(d+1)**(k-1)": "(d+1)^{k-1}",
        "2**3**2": "2^{3^2}",
        "2**sqrt(d)": r"2^{\sqrt{d}}",
        "x^-1": "x^{-1}",
        "||x_t - x*||^2": r"\|x_{t} - x^{*}\|^2",
        "x^*": "x^*",
        "2**": "2^{}",
    }
    assert {text: formula(text) for text in told} == told
    assert "2^{22}" in ct.RelativeAbsoluteError("1-1/2**22", "sqrt(d)/2**25").to_latex()


def test_an_assumption_is_called_so_once_and_quotes_have_no_bars(tmp_path):
    """The planted errors: "Assumed: assumed: ...", and a file's quotation marks in prose."""
    from dataclasses import replace

    typed = replace(made("rate"), rho=Fraction(1, 2))
    assert "Assumed: a rate that was not derived here" in typed.to_latex()
    loaded = ct.load(made("rate").save(tmp_path / "r.json"))
    assert "| " in str(loaded)
    assert "| " not in loaded.to_latex()


def test_a_joint_claim_says_for_how_many():
    assert "$n = 7$" in ct.JointContractive("1/2", n=7).to_latex()
    assert "$n = " not in ct.Contractive("1/2").to_latex()
