"""False theorems that no script knows: slightly too good rates, too long steps, dropped hypotheses, small omegas, runs.

Each is a stored theorem with one thing changed in the statement and, where it is named there, in the certificate. Our
kernel refuses all of them, and so does Coq, to which the exporter gives them with every step taken at its word.
"""

import json

import pytest

from compth.proof.kernel import Refused, check, identity
from compth.proof.models import counterexample
from proofs_check.coq import build, controls
from proofs_check.coq.export import assembled, module

from .needs_coq import NEEDS_COQ

# theorem, kind, old, new; a hypothesis that is dropped stands alone
FALSE = [
    ("gd.contraction", "rate", "<= rho*sq(x - xs)", "<= 999/1000*rho*sq(x - xs)"),
    ("dcgd.tight", "rate", "<= rho*sq(x - xs)", "<= 999/1000*rho*sq(x - xs)"),
    ("diana.tight", "rate", "<= rho*(sq(x - xs)", "<= 999/1000*rho*(sq(x - xs)"),
    ("ef21.tight", "rate", "<= (r**2)*(s*sq(P(g))", "<= 999/1000*(r**2)*(s*sq(P(g))"),
    ("topk.delta", "rate", "(1 - (k/d))*", "(1 - 101/100*(k/d))*"),
    ("marina.pl", "step", "ga*(L + T) <= 1", "ga*(L + T) <= 3"),
    ("dcgd.interpolation", "step", "ga*(A*Lm + L*S) <= 1", "ga*(A*Lm + L*S) <= 3"),
    ("dcgd.noisy", "step", "ga*(2*A*Lm + L*S) <= 1", "ga*(2*A*Lm + L*S) <= 3"),
    ("dcgd.tight", "dropped", "var", ""),
    ("diana.convex", "dropped", "ind", ""),
    ("topk.delta", "dropped", "top", ""),
    ("bernoulli.omega", "omega", "== (-1 + 1/p)*", "== 999/1000*(-1 + 1/p)*"),
    ("natural.omega", "omega", "<= (1/8)*", "<= 31/250*"),
    ("permk.joint", "omega", "== (1)*Sum(i, Sum(j", "== 999/1000*Sum(i, Sum(j"),
    ("dcgd.interpolation", "run", "(-ga*mu + 1)", "(-ga*mu + 999/1000)"),
]

ONE = {"prob": ["1"], "workers": 1}
# gradient descent on x^2/2 with steps of 3 or 1/10000; one worker whose message is as noisy as 1000 dependent ones
MODELS = {
    ("marina.pl", "step"): {
        **ONE,
        "params": {
            "L": "1",
            "M": "1",
            "D": "0",
            "mu": "1/10",
            "ga": "3",
            "A": "0",
            "B": "0",
            "p": "1",
            "T": "0",
        },
        "vectors": {"x": ["1"], "e": ["1"], "g": [["1"]], "gp": [["-2"]], "Q": [[["-3"]]], "Y": [[["0"]]]},
        "values": {"f": "1/2", "fp": "2", "fs": "0"},
    },
    ("dcgd.noisy", "step"): {
        **ONE,
        "params": dict(L="1", Lm="1", mu="1/10", ga="3", A="0", B="0", S="1", s2="0", n="1"),
        "vectors": {"x": ["1"], "xs": ["0"], "g": [["1"]], "hs": [["0"]], "G": [[["1"]]], "Q": [[["1"]]]},
        "values": {"f": "1/2", "fs": "0"},
        "cells": [[[0]]],
    },
    ("diana.convex", "dropped"): {
        "prob": ["1/2", "1/2"],
        "workers": 1,
        "params": {"n": "1000", "mu": "1", "om": "1", "ga": "1/2", "al": "1/4", "L": "2", "rho": "3/4"},
        "vectors": {
            **{"x": ["1"], "xs": ["0"], "g": [["1"]], "h": [["-10"]], "hs": [["0"]]},
            "Q": [[["22"]], [["0"]]],
        },
    },
    ("dcgd.interpolation", "run"): {
        **ONE,
        "params": {"L": "1", "Lm": "1", "mu": "1", "ga": "1/10000", "A": "0", "B": "0", "S": "1"},
        "vectors": {"x": ["1"], "xs": ["0"], "g": [["1"]], "Q": [[["1"]]]},
        "values": {"f": "1/2", "fs": "0"},
    },
}


def stored(theorem):
    return json.loads((build.CERTIFICATES / f"{theorem}.json").read_text())["parts"][0]


def false_version(theorem, kind, old, new):
    """(statement, certificate) with the change in both."""
    part = stored(theorem)
    statement, steps = part["statement"], part["certificate"]["steps"]
    if kind == "dropped":
        statement["given"].pop(old)
        for step in steps:
            step["use"].pop(old, None)
        return statement, {"steps": steps}
    if kind == "run":
        assert statement["run"]["rate"] == old
        statement["run"]["rate"] = new
        return statement, {"steps": steps}
    place = "domain" if kind == "step" else "claim"
    texts = statement[place]
    assert any(old in text for text in texts)
    changed = {text: text.replace(old, new) for text in texts}
    statement[place] = list(changed.values())
    for step in steps:
        step["show"] = changed.get(step["show"], step["show"])
        step["use"] = {changed.get(name, name): m for name, m in step["use"].items()}
    return statement, {"steps": steps}


@pytest.mark.parametrize("case", FALSE, ids=lambda case: f"{case[0]}-{case[1]}")
def test_our_kernel_refuses(case):
    part = stored(case[0])
    check(json.dumps(part["statement"]), json.dumps(part["certificate"]))
    statement, certificate = false_version(*case)
    text = json.dumps(statement)
    with pytest.raises(Refused):
        check(text, json.dumps({"statement": identity(text), **certificate}))


def step_of_the_run(statement):
    """The statement with its run's one step as the claim."""
    run = statement["run"]
    old = stored("dcgd.interpolation")["statement"]
    claim = old["claim"][0].replace(old["run"]["rate"], run["rate"])
    return {**{k: v for k, v in statement.items() if k != "run"}, "claim": [claim]}


@pytest.mark.parametrize("case", FALSE, ids=lambda case: f"{case[0]}-{case[1]}")
def test_each_is_false(case):
    """In a model in rational numbers all that is assumed holds, and the claim does not."""
    theorem, kind = case[:2]
    statement, _ = false_version(*case)
    statement = step_of_the_run(statement) if kind == "run" else statement
    models = [c["model"] for c in stored(theorem)["controls"]]
    models = [MODELS[theorem, kind]] if (theorem, kind) in MODELS else models
    refuted = []
    for model in models:
        try:
            refuted.append(counterexample(json.dumps(statement), model))
        except Refused:
            continue
    assert refuted
    assert min(refuted) < 0


FORCED = [case for case in FALSE if case[0] in {"gd.contraction", "topk.delta", "permk.joint", "marina.pl"}]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held_back")
    build.export(folder, ["gd.contraction"])
    build.compile_library(folder)
    return folder


class TestCoq:
    """With Coq, to which every step is given at its word."""

    pytestmark = NEEDS_COQ

    def compiled(self, out, name, text):
        (out / f"{name}.v").write_text(text)
        return build.coqc(out, name)[1]

    def test_the_checker_says_no_to_all_of_them(self, out):
        texts = [controls.HEAD]
        for k, case in enumerate(case for case in FALSE if case[1] != "run"):
            part = controls.false_part(*false_version(*case), stored(case[0])["witness"])
            texts.append(part.refused(f"held_{k}"))
        assert self.compiled(out, "held", "\n".join(texts)) == ""

    @pytest.mark.parametrize("case", FORCED, ids=lambda case: f"{case[0]}-{case[1]}")
    def test_a_theorem_that_is_exported_by_force_does_not_compile(self, out, case):
        part = controls.false_part(*false_version(*case), stored(case[0])["witness"])
        text = assembled([(part.names()[:1], part.text())])
        assert "Theorem" in text
        assert self.compiled(out, "forced", text)

    def test_a_run_with_a_better_rate_does_not_compile(self, out):
        part = stored("dcgd.interpolation")
        text = module([(part["statement"], part["certificate"], part["witness"])])
        old, new = "(((- ga) * mu) + 1) ^ steps", "(((- ga) * mu) + (999 / 1000)) ^ steps"
        assert old in text
        assert self.compiled(out, "better", text) == ""
        assert self.compiled(out, "better", text.replace(old, new))
