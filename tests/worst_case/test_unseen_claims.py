"""Claims that no theorem of the package makes: workers that differ, memories alone, strengthenings and their limits."""

from fractions import Fraction as F

import pytest

import compth as ct
from compth.certificates import Verdict
from compth.errors import InvalidParameter
from compth.worst_case import families, referee
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.lyapunov import coefficients

A = {"mu": F(1, 10), "L": 1}
HALF, MOST, FLEET = {**A, "delta": F(1, 2)}, {**A, "delta": F(3, 4)}, {**A, "omega": 4, "n": 3}
FALSE = [
    ("EF21", {"rate": "1-2*gamma*mu*(1+s)", "stepsize": "(1-s)/(1+s)/L"}, {**HALF, "n": 5}),
    ("EF21", {"rate": "(1-delta/2)*(1-mu/L)"}, {**A, "delta": F(9, 10)}),
    ("EF21", {"rate": "s"}, MOST),
    ("EF21", {"rate": 0.94, "lyapunov": "s*gbar**2 + (gbar-dbar)**2"}, {**HALF, "n": 3}),
    ("EF", {"rate": 0.94, "lyapunov": "(x-ebar)**2 + ebar**2/s"}, {**HALF, "n": 3}),
    ("EF", {"rate": 0.94, "lyapunov": "(x-e)**2 + e**2/s"}, {**HALF, "n": 3}),
    ("EF", {"rate": 0.96, "lyapunov": "(x-ebar)**2 + e**2/100"}, {**HALF, "n": 3}),
    ("CGD", {"rate": "1-1.5*delta*mu/L", "stepsize": "1/L", "lyapunov": "gap"}, MOST),
    ("CGD", {"rate": "(1-(1-s)*gamma*mu)**2", "stepsize": "2/(L*(1+s))"}, MOST),
    ("DCGD", {"rate": "1-4*L*mu/((1+omega/n)*(L+mu)**2)-1/10**9"}, FLEET),
    ("DIANA", {"rate": "max((1-gamma*mu)**2, 1-alpha)", "stepsize": "1/((1+6*omega/n)*L)", "alpha": "1/(1+omega)"},
     {**A, "omega": 9}),
    ("DIANA", {"rate": 0.95, "lyapunov": "x**2 + 7.76*hbar**2"}, {**A, "omega": 9, "n": 10}),
    ("MARINA", {"rate": "1-p", "stepsize": "0.1/L", "p": "1/(1+omega)"}, FLEET),
    ("MARINA", {"rate": "1-gamma*mu", "stepsize": "0.1", "p": "1/5", "lyapunov": "gap+gamma/(2*p)*(q-gbar)**2"},
     {**FLEET, "n": 4}),
    ("EF-BV", {"rate": "1-gamma*mu", "stepsize": "1/L", "eta": F(1, 2)}, {**A, "omega": 1, "n": 2}),
    ("EF-BV", {"rate": 0.97, "stepsize": 0.2, "lyapunov": "gap"}, {**A, "omega": 4, "n": 2}),
]  # fmt: skip
TRUE = [
    ("EF21", {"rate": "1-gamma*mu", "stepsize": "(1-s)/(2*L)"}, {**HALF, "n": 3}),
    ("EF21", {"rate": "1-gamma*mu", "stepsize": "(1-s)/(4*L)", "lyapunov": "s*gbar**2+(g-d)**2"}, {**HALF, "n": 3}),
    ("EF", {"rate": 0.95, "lyapunov": "(x-ebar)**2 + 1.1*e**2/s"}, {**HALF, "n": 3}),
    ("CGD", {"rate": "1-delta*mu/L", "stepsize": "1/L", "lyapunov": "gap"}, MOST),
    ("DCGD", {"rate": "1-2*gamma*mu*L/(L+mu)", "stepsize": "1/(L*(1+omega/n))"}, FLEET),
    ("DIANA", {"rate": "max(1-2*gamma*mu*L/(L+mu), 1-alpha)", "stepsize": "2/((1+2*omega/n)*(L+mu))",
               "alpha": "1/(2*(1+omega))"}, {**A, "omega": 9}),
    ("MARINA", {"rate": "1-1.5*gamma*mu", "stepsize": "0.1/L", "p": "1/(1+omega)"}, {**A, "omega": 4}),
    ("MARINA", {"rate": "1-gamma*mu", "stepsize": "0.1", "p": "1/5", "lyapunov": "gap+gamma/p*(q-gbar)**2"},
     {**FLEET, "n": 4}),
    ("EF-BV", {"rate": "1-gamma*mu", "stepsize": "0.05/L", "eta": F(1, 2)}, {**A, "omega": 1, "n": 2}),
    ("EF-BV", {"rate": "1-1.5*gamma*mu", "stepsize": "0.05/L"}, {**A, "omega": 4, "n": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "claim", "constants"), FALSE)
def test_false_claims_fall(method, claim, constants):
    (c,) = ct.check_rate(method, **{**constants, **claim}).certificates
    assert c.verdict is Verdict.REFUTED
    facts = c.witness.get("mean squares") or [*c.witness["state"], c.witness["E V+ - rate V"]]
    assert all(isinstance(x, F) for x in facts)


@pytest.mark.parametrize(("method", "claim", "constants"), TRUE)
def test_true_claims_are_proved(method, claim, constants):
    assert ct.check_rate(method, **{**constants, **claim}).verdict is Verdict.PROVED


@pytest.mark.parametrize("method", ["EF", "EF21"])
def test_the_workers_that_differ_break_it_in_a_loop_of_ones_own(method):
    # one round written out worker by worker, from the witness's numbers alone
    text = "(x-ebar)**2 + ebar**2/s" if method == "EF" else "s*gbar**2 + (gbar-dbar)**2"
    rate, n, s = F(95, 100), 4, F(1, 2)
    (c,) = ct.check_rate(method, rate=rate, lyapunov=text, n=n, **MOST).certificates
    w = c.witness
    lam = F(1, 10) if "1/10" in w["f_i(x)"] else F(1)
    first, *memory = w["state"]
    memory += [F(0)] * (n - len(memory))
    factors = [1 + s if i % 2 == 0 else 1 - s for i in range(n)]
    gamma = w["gamma"]

    def value(first, memory):
        mean = sum(memory) / n
        return (first - mean) ** 2 + mean**2 / s if method == "EF" else s * first**2 + mean**2

    if method == "EF":
        wanted = [e + gamma * lam * first for e in memory]
        sent = [f * u for f, u in zip(factors, wanted, strict=True)]
        after = first - sum(sent) / n
    else:
        after = first - gamma * lam * sum(first - r for r in memory) / n
        wanted = [r + after - first for r in memory]
        sent = [f * u for f, u in zip(factors, wanted, strict=True)]
    left = [u - m for u, m in zip(wanted, sent, strict=True)]
    assert value(after, left) - rate * value(first, memory) == w["E V+ - rate V"] > 0


def test_dianas_memories_alone_break_a_function_that_does_not_see_them():
    # h_1 - h_1* = a, h_2 - h_2* = -a at x = x*: V is 0 there and E V+ is the noise's mean square
    constants = {**A, "omega": 9, "n": 10}
    (c,) = ct.check_rate("DIANA", rate=F(95, 100), lyapunov="x**2 + 7.76*hbar**2", **constants).certificates
    w = c.witness
    assert "worker 2" in w["the state is"]
    (a,) = w["state"]
    noise = 9 * (2 * a**2 / 10) / 10  # omega mean|e_i|^2/n
    assert w["E V+ - rate V"] == (w["gamma"] ** 2 + F("7.76") * w["alpha"] ** 2) * noise > 0


def test_what_the_state_does_not_hold_is_refused():
    with pytest.raises(InvalidParameter, match="gbar"):
        ct.check_rate("EF21", rate=0.95, lyapunov="s*gbar**2 + (g-e)**2", **HALF, n=3)
    for rate, verdict in (
        (1, Verdict.REFUTED),
        (F(6, 5), Verdict.PROVED),
    ):  # single workers' gradients are in V too
        found = ct.check_rate("EF21", rate=rate, lyapunov="s*g**2 + (g-d)**2", **HALF, n=3)
        assert found.verdict is verdict
    with pytest.raises(InvalidParameter, match="gap"):
        ct.check_rate("MARINA", rate=0.99, stepsize=0.1, lyapunov="gap*q + q**2", **FLEET)


def test_workers_of_different_curvature_break_what_equal_ones_do_not(monkeypatch):
    claim = {"rate": 0.86416, "lyapunov": "x**2 + 9/10*hbar**2 + 2*h**2"}
    constants = {"mu": F(3, 20), "L": 1, "omega": 1, "n": 2}
    (c,) = ct.check_rate("DIANA", **claim, **constants).certificates
    assert c.verdict is Verdict.REFUTED
    assert "even i" in c.witness["f_i(x)"]
    monkeypatch.setattr(families, "_partner", lambda *given: False)
    monkeypatch.setattr(referee, "worst_state", lambda *given: None)
    assert ct.check_rate("DIANA", **claim, **constants).verdict is Verdict.CONSISTENT


def test_the_matrix_of_workers_that_differ_is_the_enumerated_expectation():
    gamma, alpha, n, omega, rate = F(1, 2), F(1, 4), 2, 1, F("0.9")
    text = "x**2 + 4/5*hbar**2 + 1/10*h**2"
    q = question(asked_for("DIANA"), F(3, 20), F(1), None, F(omega), None, n)
    model = q.model(gamma, {"alpha": alpha}, full=False)
    v = coefficients(model, text, {})
    (family,) = (f for f in families.families(model) if "even i" in f.functions)
    found = families.excess_of(model, families.excess_form(model, v, rate), family)
    for z, e1, e2 in ((F(1), F(0), F(0)), (F(1), F(1, 3), F(-2)), (F(0), F(1), F(-1)), (F(-2), F(5), F(1))):
        # E V+ over the two coins of each worker, C(v) = 2 v or 0, against the matrix
        g = [F(3, 20) * z, z]
        gaps = [g[0] - e1, g[1] - e2]
        value = lambda z, a, b: z**2 + F(4, 5) * ((a + b) / 2) ** 2 + F(1, 10) * (a**2 + b**2) / 2  # noqa: E731
        expected = F(0)
        for first in (0, 2):
            for second in (0, 2):
                m = [first * gaps[0], second * gaps[1]]
                mean = (e1 + m[0] + e2 + m[1]) / 2
                expected += value(z - gamma * mean, e1 + alpha * m[0], e2 + alpha * m[1]) / 4
        state = [z, e1, e2]
        form = sum(found[i][j] * state[i] * state[j] for i in range(3) for j in range(3))
        assert form == expected - rate * value(z, e1, e2)


def test_a_rotation_between_the_coarse_ones_is_found():
    constants = {"mu": F(1, 4), "L": 1, "delta": F(2, 5)}
    assert ct.check_rate("CGD", rate=1.2895, lyapunov="x**2", **constants).verdict is Verdict.REFUTED
    assert ct.check_rate("CGD", rate=1.2915, lyapunov="x**2", **constants).verdict is Verdict.PROVED


def test_a_function_of_deviations_alone_is_judged_where_workers_are_equal_too():
    claim = {"rate": 0.5, "lyapunov": "h**2 - hbar**2", "stepsize": F(1, 4), "alpha": F(1, 4)}
    (c,) = ct.check_rate("DIANA", **claim, **A, omega=1, n=2).certificates
    assert c.verdict is Verdict.REFUTED  # the gradients' deviations enter the memories'
    assert c.witness["E V+ - rate V"] > 0
