"""Generated pages: text is escaped, formulas come from the objects, commands that fail break the build."""

import importlib
import json
from pathlib import Path

import pytest
import sympy

import compth as ct
from compth.methods import theorems
from compth.methods.core.symbols import GAMMA, facts_of
from tests.thorough import alone

pytest.importorskip("sphinx")
pytestmark = pytest.mark.optional
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("compth_pages")


@pytest.fixture
def proofs(pages):
    return importlib.import_module("proof_pages")


def test_every_object_and_theorem_gets_a_page(pages, tmp_path):
    for name, make in (("t", pages.theorem_pages), ("a", pages.api_pages)):
        (tmp_path / name).mkdir()
        make(tmp_path / name)
    written = {p.stem for p in (tmp_path / "t").glob("*.rst")}
    assert written == {"index", *(id_.replace(".", "_") for id_ in theorems())}
    api = (tmp_path / "a" / "index.rst").read_text()
    for name in ("certify", "simulate", "exact_rate", "tune", "random_quadratic", "DIANA", "NoGuarantee"):
        assert f".{name}\n" in api


@alone
@pytest.mark.slow
def test_catalogue_pages_show_claims_and_verdicts(pages, tmp_path, monkeypatch):
    """A few of the pages: `make docs` writes all, and a REFUTED breaks it (below)."""
    rows = [r for at, r in enumerate(pages.catalogue_rows()) if at % 5 == 0 or r.name == "RandK"]
    monkeypatch.setattr(pages, "catalogue_rows", lambda: rows)
    pages.catalogue_pages(tmp_path)
    assert len(list(tmp_path.glob("*.rst"))) == len(rows) + 1 > 8
    text = (tmp_path / "RandK.rst").read_text()
    assert "PROVED" in text
    assert r"\omega = " in text
    assert "inclusion probabilities" in text
    assert "REFUTED" not in "".join(p.read_text() for p in tmp_path.glob("*.rst"))


def test_method_pages_print_the_algorithm_from_the_trace(pages, tmp_path):
    pages.method_pages(tmp_path)
    assert {p.stem for p in tmp_path.glob("*.rst")} == {"index", *ct.methods.catalogue()}
    text = (tmp_path / "DIANA.rst").read_text()
    assert "every worker i: c_i = C_i(g_i - h_i), sent" in text
    assert r"h_{i}^{+} &= h_{i} + \alpha c_{i}" in text
    assert ":doc:`diana.unified <../theorems/diana_unified>`" in text
    assert "CAT is no body" in (tmp_path / "CAT.rst").read_text()


def test_a_refuted_object_breaks_its_page(pages):
    class Liar(ct.RandK):
        def claims(self, d):
            return (ct.Unbiased(0),)

    with pytest.raises(ct.errors.CompthError, match="REFUTED"):
        pages._verdicts(Liar(k=2))


def test_formulas_agree_with_numbers(pages):
    facts = facts_of(theorems()["dcgd.general"])
    A, B, L, L_max, mu = (sympy.Symbol(s, positive=True) for s in ("A", "B", "L", "L_max", "mu"))
    expected = 1 / (sympy.Max(1 - B, 0) * L + 2 * A * L_max)
    numbers = {A: sympy.Rational(1, 3), B: sympy.Rational(1, 4), L: 2, L_max: 5, mu: 1}
    assert facts.limit.subs(numbers) == expected.subs(numbers)
    assert facts.rate == 1 - GAMMA * mu
    text = "".join(pages.plan_section(facts))
    assert "0 < γ ≤ 1/(L + 2 A Lₘₐₓ)" in text
    assert r"\gamma_{\max} = \frac{1}{L \max\left(0, 1 - B\right) + 2 A L_{\max}}" in text


def test_escape_neutralises_markup(pages):
    assert pages.escape("|x|_* `a`") == r"\|x\|\_\* \`a\`"


def test_a_command_that_ends_otherwise_is_an_error(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    terminal = importlib.import_module("terminal")
    assert "compth" in terminal.run(["compth", "--version"], {}, 0)
    with pytest.raises(RuntimeError, match="ended with 2"):
        terminal.run(["compth", "no-such-command"], {}, 0)
    assert "no-such-command" in terminal.run(["compth", "no-such-command"], {}, 2)


def test_conf_is_offline():
    text = (ROOT / "docs" / "conf.py").read_text()
    assert "http" not in text


def test_proofs_are_checked_while_printed(proofs, tmp_path, monkeypatch):
    """A stored proof is printed only where the kernel takes it and the index holds it."""
    proof = pytest.importorskip("compth.proof")
    name = "randk.omega"
    assert "**Claim.**" in proofs.proof_section([name])
    assert proofs.stored_parts("no.such") == []
    stored = json.loads((proofs.CERTIFICATES / f"{name}.json").read_text())
    stored["parts"][0]["statement"]["claim"] = ["d/k <= 0"]
    (tmp_path / f"{name}.json").write_text(json.dumps(stored))
    monkeypatch.setattr(proofs, "CERTIFICATES", tmp_path)
    with pytest.raises(proof.Refused):
        proofs.proof_section([name])


@pytest.mark.parametrize(
    ("name", "kinds", "attained"),
    [
        ("randk.omega", ["equality"], True),
        ("terngrad.omega", ["bound", "the bound is attained"], True),
        ("ef.tight", ["bound, one step and the whole run", "the bound is attained"], True),
        ("topk.delta", ["bound"], False),
        ("saga.linear", ["equality", "bound, one step and the whole run"], False),
    ],
)
def test_pages_say_what_is_proved_and_what_is_tested(proofs, name, kinds, attained):
    """Attainment is proved where a statement says so, and tested elsewhere; only a tight constant asks for it."""
    lines = proofs.proved_and_tested(name, True)
    assert [line.split(", ", 1)[1].split(":")[0] for line in lines[: len(kinds)]] == kinds
    assert ("* tested, not proved: that the bound is attained" in lines) == (not attained)
    assert not any("attained" in line for line in proofs.proved_and_tested(name, False)[len(kinds) :])
    assert lines[-1].startswith("* tested, not proved: that the code")
    assert lines[0] in proofs.proof_section([name], [name])


def test_a_page_without_a_proof_says_so(proofs):
    assert "No machine-checked proof" in proofs.proof_section(["", "no.such"])


def test_a_proof_is_told_from_its_letters_to_its_steps(proofs):
    """Legend first, then the author's words, then each part: hypotheses as inequalities, claim, numbered steps."""
    text = proofs.proof_section(["dcgd.general"])
    marks = [
        "stands for",
        r":math:`\operatorname{mean}_i`",
        "**Setting.**",
        "**Proof.**",
        "``convex``:",
        "**Claim.**",
    ]
    places = [text.index(mark) for mark in [*marks, "**Step by step.**", "#. Add", "Hence the claim."]]
    assert places == sorted(places)
    assert r"\gamma\,\bar{Q}" in text
    assert "strongly_convex(" not in text, "a schema is written out"
    assert "gamma" not in text.split("**Setting.**")[1].split("**Tight.**")[0], "signs in sentences, too"


def test_a_letter_that_changes_its_meaning_stands_with_its_part(proofs):
    parts = proofs.stored_parts("dcgd.stochastic")
    shared, own = proofs.letters_of(parts, proofs.told("dcgd.stochastic"))
    sigma = r":math:`\sigma^{2}`"
    assert sigma not in [name for name, _ in shared]
    first = dict(map(tuple, own[0]))
    assert first[sigma].endswith(r"\right\|^2`")
    assert not {name for name, _ in shared} & {name for rows in own for name, _ in rows}


@pytest.mark.parametrize("name", ["ef.explicit", "diana.noisy", "nsaga.neighbourhood"])
def test_a_minimum_that_the_rate_has_is_printed_once(pages, name):
    """The floor speaks of 1 - rho, and is the same number."""
    facts = facts_of(theorems()[name])
    told = pages.by_the_rate({r"\rho": facts.formulas["rate"], "floor": facts.formulas["floor"]})
    assert "\n".join(pages.plan_section(facts)).count(r"\min\left(") <= 2  # the largest step may have one
    assert sympy.Symbol("rho") in told["floor"].free_symbols
    assert not told["floor"].has(sympy.Min, sympy.Max)
    values = {
        s: sympy.Rational(k + 2, 37)
        for k, s in enumerate(sorted(facts.formulas["floor"].free_symbols, key=str))
    }
    rho = told[r"\rho"].subs(values)
    assert told["floor"].subs({sympy.Symbol("rho"): rho, **values}) == facts.formulas["floor"].subs(values)


def test_another_rate_is_not_put_into_a_floor(pages):
    gamma, mu, nu = sympy.symbols("gamma mu nu", positive=True)
    floor = 1 / sympy.Min(gamma, nu)
    assert pages.by_the_rate({r"\rho": 1 - sympy.Min(gamma, mu), "floor": floor})["floor"] == floor
