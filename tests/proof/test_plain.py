"""Proofs as text: what is printed is what is proved, hypotheses stand written out, k steps are an inequality."""

import json
import re

import pytest

from compth.proof.kernel import Theory, read
from compth.proof.plain import bare, over_steps, written_out
from compth.proof.printing import as_text, proof_latex, proof_text
from proofs_check._command import CERTIFICATES

PARTS = [
    part for path in sorted(CERTIFICATES.glob("*.json")) for part in json.loads(path.read_text())["parts"]
]


def stored(of):
    return next(part for part in PARTS if part["statement"]["of"] == of)


@pytest.mark.parametrize("part", PARTS[::9], ids=lambda part: part["statement"]["of"])
def test_what_is_printed_says_what_the_kernel_reads(part):
    statement = part["statement"]
    theory = Theory(statement)
    for name, text in statement.get("given", {}).items():
        said = read(written_out(statement, text).partition(" for every ")[0], theory.env)
        assert theory.relation(said) == theory.relation(theory.hypothesis(text)), name
    for claim in statement["claim"]:
        assert theory.relation(read(bare(claim), theory.env)) == theory.relation(read(claim, theory.env))
    changed = re.sub(r"(<=|>=|==)", r"+ 1 \1", statement["claim"][0], count=1)
    assert theory.relation(read(bare(changed), theory.env)) != theory.relation(
        read(bare(statement["claim"][0]), theory.env)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(1)*x - (0)*y + 0", "x"),
        ("0 - x", "-x"),
        ("(a)/1 + dot(0, v)/(2*L) + sq(v - 0)", "a + sq(v)"),
        ("S >= (0)", "S >= 0"),
        ("Sum(j, 0*x[j]) + ga**2*(A*L)", "ga**2*(A*L)"),
        ("a*(b + c) - (b - c)", "a*(b + c) - (b - c)"),
    ],
)
def test_zeros_and_ones_go(text, said):
    assert bare(text) == said


def test_hypotheses_stand_written_out_and_steps_go_by_their_number():
    part = stored("ef21.pl 2/2")
    text = as_text(part["statement"], part["certificate"])
    assert "(comp) sq(c - (gp - e)) <= (1 - (1 - r**2))*sq(gp - e): c = C(v)" in text
    assert "(pl) 2*mu*(f - fs) <= sq(P(g)): f satisfies" in text
    assert "(step 1) by ga/(1 - r) and add." in text
    assert "Vector:" not in text
    assert "contraction(" not in text


def test_indices_sums_and_draws_are_explained():
    text = proof_text([stored("sampling.independent 1/2"), stored("permk.joint 1/1")])
    assert "Sum(j, e)  the sum of e over every coordinate j" in text
    assert "E(e)       the expectation of e over the draw of u" in text
    assert "(noise) f[i] <= om*Sum(j, z[i, j]**2) for every i: assumed" in text
    assert "dealt at random like cards, q to each worker, none to two" in text


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (dict(rate="rho", gain="0", noise="0"), "V_k <= rho**k*V_0"),
        (dict(rate="1 - a", gain="0", noise="s"), "V_k <= (1 - a)**k*V_0 + s*(sum over t < k of (1 - a)**t)"),
        (dict(rate="1", gain="g*f", noise="s/n"), "V_k + (sum of (g*f) over the steps) <= V_0 + k*(s/n)"),
        (
            dict(rate="r", gain="g", noise="0"),
            "V_k + (sum over steps t of r**(k - 1 - t)*g) <= r**k*V_0",
        ),
    ],
)
def test_what_k_steps_give(run, said):
    assert over_steps(run) == said


def test_a_noise_of_several_terms_stands_in_brackets():
    [line] = [line for line in proof_latex([stored("dcgd.noisy 1/1")]).split("\n") if line.startswith("Over")]
    assert line.count(r"\left(A\,\gamma^{2}") == 1
    assert r"\right) \sum_{t<k} \left(1 - \gamma\,\mu\right)^t" in line
