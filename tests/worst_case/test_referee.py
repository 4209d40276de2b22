"""The referee: false rates fall with an exact witness, true ones and strengthenings are proved or left standing."""

import json
import random
import re
from dataclasses import replace
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

import compth as ct
from compth.certificates import Report, Verdict
from compth.cli import run
from compth.errors import InvalidParameter
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import derived
from compth.methods.core.vectors import Vector
from compth.worst_case import told
from compth.worst_case.theorem_file import judge
from compth.worst_case.witness import exceeds
from tests.methods import bodies

EF21 = {"mu": F(1, 10), "L": 1, "delta": F(3, 4)}
DIANA = {"mu": F(1, 10), "L": 1, "omega": 9, "n": 10}

TRUE = [
    ("EF21", {"rate": "1-gamma*mu", "stepsize": "delta/(8*L)"}, EF21),
    ("EF21", {"rate": 0.885}, EF21),
    ("EF21", {"rate": 0.885}, {**EF21, "n": 3}),
    ("EF21", {"rate": 0.89, "lyapunov": "s*gbar**2 + (g-d)**2"}, {**EF21, "n": 4}),
    ("EF", {"rate": 0.89, "lyapunov": "(x-e)**2 + e**2/s"}, EF21),
    ("EF", {"rate": 0.89, "lyapunov": "(x-ebar)**2 + e**2/s"}, {**EF21, "n": 3}),
    ("CGD", {"rate": 0.876, "lyapunov": "gap"}, EF21),
    (
        "DIANA",
        {"rate": "max(1-gamma*mu, 1-alpha/2)", "stepsize": "1/((1+6*omega/n)*L)", "alpha": "1/(1+omega)"},
        DIANA,
    ),
    ("DIANA", {"rate": "0.926"}, DIANA),
    ("DIANA", {"rate": 0.926, "lyapunov": "x**2 + 7.7606*h**2"}, DIANA),
    (
        "MARINA",
        {"rate": "1-gamma*mu", "stepsize": "1/(L*(1+sqrt(2*(1-p)*omega/(p*n))))", "p": "1/(1+omega)"},
        DIANA,
    ),
    ("EF-BV", {"rate": "1-gamma*mu", "stepsize": 0.2}, DIANA),
    ("DCGD", {"rate": "1-gamma*mu", "stepsize": "1/(L*(1+omega/n))"}, DIANA),
    ("DCGD", {"rate": "(1-gamma*mu)**2 + omega/n*(gamma*mu)**2", "stepsize": "1/(L*(1+omega/n))"}, DIANA),
]
FALSE = [
    ("EF21", {"rate": 0.88}, EF21),
    ("EF21", {"rate": 0.884}, {**EF21, "n": 3}),
    ("EF21", {"rate": "1-gamma*mu", "stepsize": "1/L"}, EF21),
    ("EF21", {"rate": "1-gamma*mu", "stepsize": "2*(1-s)/((L+mu)*(1+s))*1.2"}, EF21),
    ("EF21", {"rate": 0.89, "lyapunov": "g**2 + (g-d)**2"}, EF21),
    ("EF", {"rate": 0.88, "lyapunov": "(x-e)**2 + e**2/s"}, EF21),
    ("EF", {"rate": 0.89, "lyapunov": "x**2 + e**2"}, EF21),
    ("CGD", {"rate": 0.87, "lyapunov": "gap"}, EF21),
    ("CGD", {"rate": 0.9, "lyapunov": "x**2"}, EF21),
    (
        "DIANA",
        {"rate": "max(1-2*gamma*mu, 1-alpha)", "stepsize": "1/((1+6*omega/n)*L)", "alpha": "1/(1+omega)"},
        DIANA,
    ),
    ("DIANA", {"rate": "1-gamma*mu", "stepsize": "2/L", "alpha": "1/(1+omega)"}, DIANA),
    ("DIANA", {"rate": 0.9259}, DIANA),
    ("DIANA", {"rate": 0.926, "lyapunov": "x**2 + h**2"}, DIANA),
    ("MARINA", {"rate": "1-4*gamma*mu", "stepsize": "1/L", "p": "1/(1+omega)"}, DIANA),
    ("EF-BV", {"rate": 0.9, "stepsize": 0.2, "eta": 0.3}, DIANA),
    ("DCGD", {"rate": "1-2*gamma*mu", "stepsize": "1/(L*(1+omega/n))"}, DIANA),
]


def verdict_of(method, claim, constants):
    return ct.check_rate(method, **{**constants, **claim})


@pytest.mark.parametrize(("method", "claim", "constants"), TRUE)
def test_true_claims_are_proved(method, claim, constants):
    report = verdict_of(method, claim, constants)
    assert report.verdict is Verdict.PROVED
    (c,) = report.certificates
    assert c.evidence == "rational certificate"
    assert c.details["looseness"] >= 1 - 1e-9
    assert Report.from_json(report.to_json()).verdict is Verdict.PROVED


@pytest.mark.parametrize(("method", "claim", "constants"), FALSE)
def test_false_claims_fall_with_an_exact_witness(method, claim, constants):
    report = verdict_of(method, claim, constants)
    assert report.verdict is Verdict.REFUTED
    (c,) = report.certificates
    if "mean squares" in c.witness:
        assert all(isinstance(x, F) for x in c.witness["mean squares"])
        assert c.estimate > c.bound
    else:
        assert c.witness["E V+ - rate V"] > 0
        assert all(isinstance(x, F) for x in c.witness["state"])
    assert json.loads(report.to_json())["verdict"] == "REFUTED"


def test_the_tight_rate_itself_is_never_refuted_and_anything_beyond_is():
    rng = random.Random(0)
    for _ in range(12):
        mu, delta = F(rng.randint(1, 40), 50), F(rng.randint(1, 19), 20)
        rho = forms.feedback_factor(mu, F(1), delta)
        constants = {"mu": mu, "L": 1, "delta": delta, "n": rng.choice([1, 2, 5])}
        for method in ("EF", "EF21"):
            at = ct.check_rate(method, rate=float(rho), **constants).verdict
            assert at in (Verdict.CONSISTENT, Verdict.PROVED)
            assert ct.check_rate(method, rate=float(rho) - 1e-7, **constants).verdict is Verdict.REFUTED
            weaker = float(rho) + 1e-4 * (1 - float(rho))
            assert ct.check_rate(method, rate=weaker, **constants).verdict is Verdict.PROVED
        omega, n = rng.randint(1, 9), rng.randint(1, 8)
        best = float(forms.diana_plan(float(mu), 1.0, omega, n).rho)
        exact = {"mu": mu, "L": 1, "omega": omega, "n": n}
        assert ct.check_rate("DIANA", rate=best - 1e-7, **exact).verdict is Verdict.REFUTED
        assert ct.check_rate("DIANA", rate=best + 1e-5 * (1 - best), **exact).verdict is Verdict.PROVED


def test_rational_tight_rates_are_proved_at_equality_and_refuted_just_below():
    exact = {"mu": F(2, 7), "L": 1, "delta": F(15, 16)}
    assert ct.check_rate("EF21", rate=F(9, 16), **exact, n=2).verdict is Verdict.PROVED
    assert ct.check_rate("EF21", rate=F(9, 16) - F(1, 10**15), **exact).verdict is Verdict.REFUTED


def test_the_witness_runs_as_the_package_runs():
    # the exact trajectory of the refutation against the package's own EF21 on that quadratic
    report = ct.check_rate("EF21", rate=0.88, **EF21)
    w = report.certificates[0].witness
    lam = 0.1 if "1/10" in w["f_i(x)"] else 1.0
    problem = ct.problems.distributed_quadratic([[[lam]]], [[0.0]])
    method = ct.EF21(ct.Scaled(ct.Identity(), factor=float(w["factor"])), gamma=float(w["gamma"]))
    run_ = ct.simulate(method, problem, len(w["mean squares"]) - 1, 1, 0, x0=np.array([1 / lam]))
    assert np.allclose(run_.mean_square * lam**2, [float(v) for v in w["mean squares"]], rtol=1e-9)


def test_exceeds_needs_an_eigenvalue_above():
    m = [[F(1, 2), F(1, 4)], [F(0), F(1, 3)]]
    assert exceeds(m, F(49, 100)) is not None
    assert exceeds(m, F(1, 2)) is None
    assert exceeds(m, F(6, 10)) is None


def test_unjudged_is_said_with_its_bracket():
    found = ct.tight_rate("MARINA", mu=0.1, L=1, omega=4, n=3, gamma=0.49)
    assert found.attained < found.certified
    middle = (found.attained + found.certified) / 2
    (c,) = ct.check_rate("MARINA", rate=middle, stepsize=0.49, mu=0.1, L=1, omega=4, n=3).certificates
    assert c.verdict is Verdict.CONSISTENT
    assert c.details["attained"] < middle < c.details["certified"]


@pytest.mark.parametrize(
    ("claim", "match"),
    [
        ({"rate": "1 - gamma*zeta"}, "zeta"), ({"rate": -0.1}, "rate="), ({"rate": None}, "rate="),
        ({"rate": 0.9, "stepsize": "0"}, "stepsize="), ({"rate": 0.9, "lyapunov": "g**3"}, "quadratic"),
        ({"rate": 0.9, "lyapunov": "g**2 - 2*d**2"}, "negative"), ({"rate": 0.9, "lyapunov": "y**2"}, "y"),
        ({"rate": 0.9, "alpha": 0.5}, "alpha="),
    ],
)  # fmt: skip
def test_unreadable_claims_are_refused(claim, match):
    with pytest.raises(InvalidParameter, match=match):
        ct.check_rate("EF21", **EF21, **claim)


THEOREMS = """
import compth as ct
GOOD = {"method": "EF21", "rate": "1 - gamma*mu", "stepsize": "(1-s)/(4*L)", "delta": [0.5], "mu": [0.1]}
BAD = {"method": "EF21", "rate": "1 - gamma*mu", "stepsize": "1/L"}
def dcgd(mu, L, omega, n):
    return 1 / ((1 + omega / n) * L), 1 - mu / ((1 + omega / n) * L)
dcgd.method = "DCGD"
PRINTED = ct.DIANA.theorems()[0]
class TooFast(type(PRINTED)):
    id = "too fast"
    method = "DIANA"
    def plan(self, c, gamma=None, horizon=None):
        from dataclasses import replace
        plan = super().plan(c, gamma, horizon)
        return replace(plan, rho=plan.rho - 0.6 * plan.gamma * c.mu - 0.1 * plan["alpha"])
@ct.method
def Mine(w, x, h: ct.Worker, m: ct.Server, *, gamma, alpha, beta=0):
    c = w.compress(w.gradient(x) - h)
    m_next = beta * m + w.mean(h + c)
    return dict(x=x - gamma * m_next, h=h + alpha * c, m=m_next)
@ct.method
def Noisy(w, x, *, gamma):
    y = x - gamma * w.mean(w.compress(w.gradient(x)))
    return dict(x=y - gamma * w.mean(w.gradient(y)))
AT = {"stepsize": "1/(4*L)", "omega": [1], "mu": [0.1], "n": [2]}
OWN = {"method": Mine, "rate": "1 - gamma*mu/2", "alpha": "1/4", "beta": "1/10", **AT}
OWN_V = {"method": Mine, "rate": "1 - gamma*mu/2", "alpha": "1/4", "lyapunov": "x**2 + h**2/4 + m**2/100", **AT}
OWN_FAST = {"method": Mine(ct.RandK(1), 0.25, 0.25), "rate": "1 - 3*gamma*mu", **AT}
def own(mu, L, omega, n):
    return {"stepsize": 1 / (4 * L), "rate": 1 - mu / (8 * L), "alpha": 1 / (2 + 2 * omega)}
own.method = Mine
OWN_NOISY = {"method": Noisy, "rate": "1 - gamma*mu", **AT}
OWN_DOWN = {"method": ct.DIANA(ct.RandK(1), downlink=ct.RandK(1)), "rate": "1 - gamma*mu", **AT}
OWN_NONE = {"method": int, "rate": "1 - gamma*mu", **AT}
OWN_TYPO = {"method": Mine, "rate": "1 - gamma*mu", "alpha": 0.1, "betta": 0.1, **AT}
MISSPELT = {"method": "EF21", "rates": "1"}
NOTHING = 3
"""


@pytest.fixture
def theorems(tmp_path):
    file = tmp_path / "theorems.py"
    file.write_text(THEOREMS)
    return str(file)


@pytest.mark.parametrize(
    ("name", "code", "verdict"),
    [("GOOD", 0, "PROVED"), ("BAD", 1, "REFUTED"), ("dcgd", 0, "PROVED"), ("PRINTED", 0, "PROVED"),
     ("TooFast", 1, "REFUTED"), ("OWN", 0, "PROVED"), ("OWN_FAST", 1, "REFUTED"), ("own", 1, "REFUTED")],
)  # fmt: skip
@pytest.mark.slow
def test_refute_command(theorems, capsys, name, code, verdict):
    assert run(["refute", f"{theorems}:{name}", "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == verdict
    for c in answer["certificates"]:
        assert {"claim", "verdict", "estimate", "bound", "witness", "technique"} <= set(c)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("OWN_NOISY", r"line \d+: noise of a compression reaches a gradient's argument"),
        ("OWN_DOWN", "compressed broadcast"),
        ("OWN_NONE", "no method written as a body"),
        ("OWN_TYPO", "gives betta"),
    ],
)
def test_bodies_that_no_worst_case_speaks_of_are_one_line(theorems, capsys, name, says):
    assert run(["refute", f"{theorems}:{name}"]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.count("\n") == 1
    assert re.search(says, seen.err)


@pytest.mark.slow
def test_a_body_in_a_file_is_judged_as_the_same_body_here(theorems, capsys):
    """The program crosses in plain values, the verdict is made here: and is that of the class itself."""
    assert run(["refute", f"{theorems}:OWN_V", "--json"]) in (0, 1)
    told = json.loads(capsys.readouterr().out)["certificates"][0]
    space = {}
    exec(compile(Path(theorems).read_text(), theorems, "exec"), space)
    given = {k: v for k, v in space["OWN_V"].items() if k != "method"} | {"omega": 1, "mu": 0.1, "n": 2}
    same = json.loads(ct.check_rate(space["Mine"], L=1, **given).to_json())["certificates"][0]
    assert told["verdict"] == same["verdict"]
    for key in ("bound", "estimate", "witness", "scope"):
        assert told[key] == same[key], key
    assert set(told["assumptions"]) - set(same["assumptions"]) == {
        "the step is that of Mine as its own process traced it"
    }
    judged = judge(space["OWN"], "OWN", {})
    assert judged.verdict is Verdict.PROVED


def test_a_program_that_is_none_is_not_judged():
    """What a file's process sends is checked: probabilities, the order of operations, scopes, numbers."""
    good = derived(bodies.Marina, (("gamma", F(1, 4)), ("p", F(1, 4))), 2, 5, False)
    assert told._whole(good)
    first, second = good.leaves
    later = replace(good.ops[0], argument=Vector({(told.OWN, told.GRADIENT, 1): 1}))
    own = {**first.following, "x": Vector({(told.OWN, told.GRADIENT, 0): 1})}
    big = {**first.following, "x": Vector({(told.COMMON, told.STATE, "x"): float("inf")})}
    strange = {**first.following, "x": Vector({(told.COMMON, told.STATE, "y"): 1})}
    spoiled = [
        replace(good, leaves=(replace(first, probability=F(1, 2)), second)),
        replace(
            good, leaves=(replace(first, probability=F(-1, 4)), second, replace(first, probability=F(1, 2)))
        ),
        replace(good, ops=(later, *good.ops[1:])),
        *(replace(good, leaves=(replace(first, following=f), second)) for f in (own, big, strange)),
        replace(good, leaves=(replace(first, following={"x": first.following["x"]}), second)),
    ]
    assert not any(told._whole(program) for program in spoiled)


def test_refute_prints_a_cell_per_choice_of_constants(theorems, capsys):
    assert run(["refute", f"{theorems}:BAD", "--mu", "1/10", "-n", "2"]) == 1
    seen = capsys.readouterr().out
    assert seen.startswith("BAD: REFUTED: 3 refuted\n")
    lines = seen.splitlines()
    heads = next(i for i, line in enumerate(lines) if line.lstrip().startswith("delta = "))
    assert lines[heads].split("  ")[1:] == ["delta = 9/10", "delta = 1/2", "delta = 1/10"]
    assert lines[heads + 2].split() == ["x"] * 3
    assert "x refuted; mu = 1/10, L = 1, n = 2" in lines


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MISSPELT", "NOTHING", "MISSING", "not a name"])
def test_refute_unusable_input_is_one_line(theorems, capsys, name):
    assert run(["refute", f"{theorems}:{name}"]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.count("\n") == 1


@pytest.mark.parametrize("method", ["DIANA", "MARINA", "EF21", "EF", "DCGD", "EFBV"])
def test_every_linear_theorem_of_the_package_stands(method):
    # the printed theorems, on the class where every f_i is strongly convex, are proved at each cell they cover
    from compth.errors import UnusableInput

    judged = 0
    for theorem in ct.methods.catalogue()[method].theorems():
        try:
            report = judge(theorem, theorem.id, {"mu": [F(1, 10)]})
        except UnusableInput:
            continue
        judged += 1
        assert report.verdict is Verdict.PROVED, theorem.id
    assert judged >= 1


def gap_scaled(rho, factor):
    """1 - factor (1 - rho)."""
    return 1 - (1 - float(rho)) * factor


@pytest.mark.parametrize("method", ["CGD", "EF", "EF21", "DCGD", "DIANA"])
def test_the_tight_rate_itself_is_proved_and_what_is_beyond_it_falls(method):
    # an irrational rate is claimed as the float nearest to it, which may lie below: only its last digit is forgiven
    rng = random.Random(len(method))
    for _ in range(6):
        constants = {
            "mu": F(rng.randint(1, 49), 50),
            "L": 1,
            "n": 1 if method == "CGD" else rng.choice([1, 2, 9]),
        }
        if method in ("DCGD", "DIANA"):
            constants["omega"] = F(rng.choice([1, 2, 8, 200]), 2)
        else:
            constants["delta"] = F(rng.randint(1, 39), 40)
        rho = ct.tight_rate(method, **constants).rho
        proved = [rho, float(rho), gap_scaled(rho, 1 - 1e-6), gap_scaled(rho, 0.9)]
        for rate in proved:
            (c,) = ct.check_rate(method, rate=rate, **constants).certificates
            assert c.verdict is Verdict.PROVED, (constants, rate)
        for rate in (gap_scaled(rho, 1 + 1e-6), gap_scaled(rho, 1.02)):
            (c,) = ct.check_rate(method, rate=rate, **constants).certificates
            assert c.verdict is Verdict.REFUTED, (constants, rate)


def test_what_floats_cannot_say_is_not_proved():
    constants = {"mu": F(1, 7), "L": 1, "delta": F(1, 3)}
    rho = F(ct.tight_rate("EF", **constants).rho)
    below = rho * (1 - F(1, 10**13))
    assert ct.check_rate("EF", rate=float(below), **constants).verdict is Verdict.CONSISTENT
    (c,) = ct.check_rate("EF", rate=float(rho), **constants).certificates
    assert F(c.details["proof"]["rho"]) <= rho * (1 + F(1, 10**13))


def test_a_given_function_is_proved_at_the_tight_rate_only_if_it_is_the_one():
    constants = {"mu": F(1, 7), "L": 1, "delta": F(3, 4), "n": 3}
    rate = float(ct.tight_rate("EF", **constants).rho)
    assert (
        ct.check_rate("EF", rate=rate, lyapunov="3*((x-ebar)**2 + e**2/s)", **constants).verdict
        is Verdict.PROVED
    )
    other = ct.check_rate("EF", rate=rate, lyapunov="(x-ebar)**2 + 1.01*e**2/s", **constants)
    assert other.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (F(81, 100), "0.81"),
        (0.81, "0.81"),
        (F(2, 3), "2/3"),
        (F(81, 100) - F(1, 10**16), "0.8099999999999999"),
        ("0.8099999999999999", "0.8099999999999999"),
        (F(81, 100) - F(1, 10**30), "0.81 - 1e-30"),
    ],
)
def test_the_claim_is_printed_with_all_of_its_digits(rate, said):
    """A refuted rate just below a true one must not print as the true one."""
    report = ct.check_rate("CGD", rate=rate, stepsize=F(1, 10), mu=1, L=10, delta=1)
    assert report.certificates[0].claim.startswith(f"E V+ <= {said} V ")
    true = report.verdict is ct.Verdict.PROVED
    assert true == (spelled_out(said) >= F(81, 100))


def spelled_out(text):
    """The number that is printed."""
    first, _, less = text.partition(" - ")
    return F(first) - (F(less) if less else 0)
