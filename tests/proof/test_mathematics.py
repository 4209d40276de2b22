"""Texts as mathematics: the notation of papers, and simplifying changes no value."""

import ast
import json
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest

import proofs_check
from compth.proof import mathematics
from compth.proof.mathematics import Mathematics, named, parsed
from compth.proof.prose import in_latex, on_page

CERTIFICATES = sorted((Path(proofs_check.__file__).parent / "certificates").glob("*.json"))
STATEMENT = {
    "params": "mu L ga p",
    "vectors": ["common x", "common xs", "family g", "family Q ~ g @ 0", "common c @ 1"],
    "let": {"xp": "x - ga*P(Q)", "w": "ga/p"},
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(-ga*mu + 1)", r"1 - \gamma\,\mu"),
        ("1 - (1 - p)", "p"),
        ("2*(2*L)*mu", r"4\,L\,\mu"),
        ("ga*ga/(mu*ga)", r"\frac{\gamma}{\mu}"),
        ("ga/(L*(1 - p))*(1 - p)", r"\frac{\gamma}{L}"),
        ("(0)*sq(x) + L", "L"),
        ("2*(L - mu)/4", r"\frac{L - \mu}{2}"),
        ("(L/mu)**2", r"\left(\frac{L}{\mu}\right)^{2}"),
        ("ga**2*(L + mu)", r"\gamma^{2}\,\left(L + \mu\right)"),
        ("-L*ga", r"-L\,\gamma"),
        ("x - ga*P(Q) - xs", r"x - \gamma\,\bar{Q} - x^{\star}"),
        ("sq(g - P(g))", r"\operatorname*{mean}_i \left\|g_{i} - \bar{g}\right\|^2"),
        ("sq(P(Q - g))", r"\mathbb{E}\left\|\overline{Q - g}\right\|^2"),
        ("sq(xp)", r"\mathbb{E}\left\|x^{+}\right\|^2"),
        ("sq(x)/w", r"\frac{1}{w}\,\left\|x\right\|^2"),
        ("dot(g, x)", r"\operatorname*{mean}_i \left\langle g_{i}, x\right\rangle"),
        ("E(Sum(j, (u[j] - p)**2))", r"\mathbb{E}\left[\sum_{j} \left(u_{j} - p\right)^{2}\right]"),
        ("w*(x - xs)/(L - mu)", r"\frac{w\,\left(x - x^{\star}\right)}{L - \mu}"),
    ],
)
def test_notation(text, shown):
    assert Mathematics(STATEMENT)(text) == shown


def test_a_schema_is_the_inequality_with_the_mean_put_in():
    found = Mathematics(STATEMENT).hypothesis("variance(Q, p)")
    means = r"\operatorname*{mean}_i \left\|g_{i}\right\|^2"
    assert found == rf"\mathbb{{E}}\operatorname*{{mean}}_i \left\|Q_{{i}} - g_{{i}}\right\|^2 \le p\,{means}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("tau", r"\tau"),
        ("xs", r"x^{\star}"),
        ("D1", "D_{1}"),
        ("s2w", r"\sigma_{w}^{2}"),
        ("past", r"\mathrm{past}"),
    ],
)
def test_names(name, shown):
    assert named(name) == shown


def scalars(path):
    """(printer, text) of every scalar text of a certificate: multipliers, domains, abbreviations."""
    for part in json.loads(path.read_text())["parts"]:
        statement, maths = part["statement"], Mathematics(part["statement"])
        texts = [m for s in part["certificate"]["steps"] for m in s.get("use", {}).values()]
        texts += [side for t in statement.get("domain", []) for side in re.split("[<>=]=?", t)]
        vectors = {v.split()[1] for v in statement.get("vectors", ())}
        for text in texts:
            names = mathematics.names_in(parsed(text))
            if not names & {"sq", "dot", "Sum", "E", *vectors, *statement.get("arrays", {})}:
                yield maths, text, names


def value(node, numbers):
    match node:
        case ast.Constant(value=c):
            return Fraction(c)
        case ast.Name(id=name):
            return numbers[name]
        case ast.UnaryOp(operand=a):
            return -value(a, numbers)
        case ast.BinOp(left=a, op=op, right=b):
            left, right = value(a, numbers), value(b, numbers)
            return {
                ast.Add: lambda: left + right,
                ast.Sub: lambda: left - right,
                ast.Mult: lambda: left * right,
                ast.Div: lambda: left / right,
                ast.Pow: lambda: left ** int(right),
            }[type(op)]()
    raise ValueError(ast.dump(node))


def read_back(latex, names):
    """The text that a formula says: fractions, powers, thin spaces as products."""
    for macro, sign in ((r"\left(", "("), (r"\right)", ")"), (r"\,", "*"), (r"\frac", "|")):
        latex = latex.replace(macro, sign)
    order = sorted(names, key=lambda n: -len(named(n)))
    for k, name in enumerate(order):
        latex = latex.replace(named(name), f"<{k}>")
    while "|" in latex:
        latex, count = re.subn(r"\|\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", powers(latex))
        assert count, latex
    return re.sub(r"<(\d+)>", lambda found: order[int(found[1])], powers(latex))


def powers(latex):
    return re.sub(r"\^\{(\d+)\}", r"**\1", latex)


def agrees(maths, text, names, draw):
    numbers = {n: Fraction(draw.randint(2, 999), 1009) for n in names}
    said = read_back(maths(text), names)
    return value(parsed(said), numbers) == value(parsed(text), numbers)


def test_simplifying_changes_no_value():
    draw, seen = random.Random(0), 0
    for path in CERTIFICATES:
        for maths, text, names in scalars(path):
            seen += 1
            assert agrees(maths, text, names, draw), (path.stem, text, maths(text))
    assert seen > 1500


@pytest.mark.parametrize(
    ("old", "new"),
    [("_cancelled", lambda above, below: (above, {})), ("_numbers", lambda factors: 1)],
)
def test_a_printer_that_errs_is_caught(monkeypatch, old, new):
    monkeypatch.setattr(mathematics, old, new)
    draw = random.Random(0)
    triples = [t for path in CERTIFICATES[:40] for t in scalars(path)]
    assert not all(agrees(*t, draw) for t in triples)


def test_sentences():
    text = "gamma^2 ||x - x*||^2 <= omega_M h_i of `gamma`, grad f -> L_max {50%}"
    assert on_page(text) == "γ² ‖x - x⋆‖² ≤ ω_M hᵢ of `gamma`, ∇f → Lₘₐₓ {50%}"
    latex = in_latex(text)
    assert latex.startswith(r"$\gamma$$^2$ $\|$x - x$^\star$$\|$$^2$ $\le$ $\omega$$_{M}$")
    assert r"\texttt{gamma}" in latex
    assert latex.endswith(r"L$_{\mathrm{max}}$ \{50\%\}")
    assert on_page("commuting, normal, munich") == "commuting, normal, munich"
