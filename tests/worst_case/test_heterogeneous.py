"""Brackets for EF and EF21 with unequal workers: both sides exact, and no instance above what is certified."""

import copy
import itertools
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods.core import closed_forms as forms
from compth.worst_case.heterogeneous import attained, bracket, recheck
from compth.worst_case.heterogeneous.attained import axes_of, exact_mode, slowest
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

FILE = Path(recheck.__file__)
ROWS = [  # mu, L, s; the best quadratic and the best certificate that were known, and the cubic of arXiv 2605.31594
    ((F(1, 10), F(9, 10)), (1, 1), F(1, 2), 0.632556, F(426601, 663958), 0.643271),
    ((F(1, 2), F(1, 2)), (1, 5), F(1, 2), 0.824242, F(682351, 824944), 0.827194),
    ((F(1, 4), F(9, 10)), (2, F(7, 2)), F(2, 5), 0.736922, F(484038, 656245), 0.737588),
]


@pytest.fixture(scope="module", params=["EF21", "EF"])
def found(request):
    mu, L, s, *_ = ROWS[0]
    return ct.heterogeneous_feedback(request.param, mu, L, 1 - s * s)


@pytest.mark.parametrize(("mu", "L", "s", "quadratic", "certified", "cubic"), ROWS)
def test_the_rows_that_were_known_are_beaten_on_both_sides(mu, L, s, quadratic, certified, cubic):
    found = ct.heterogeneous_feedback("EF21", mu, L, 1 - s * s)
    assert float(found.lower) > quadratic + 5e-4
    assert found.certified < certified
    assert float(found.certified) < cubic
    assert found.width < 1e-6
    assert found.certificate.check()


def cells(count, seed):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.integers(2, 4))
        mu = np.exp(rng.uniform(-3, 0, n)).round(4)
        L = (mu * np.exp(rng.uniform(0.05, 3.5, n))).round(3) + 0.001
        yield mu.tolist(), L.tolist(), round(float(rng.uniform(0.05, 0.98)), 3)


def widths(method, count):
    out = []
    for mu, L, delta in cells(count, 20):
        found = ct.heterogeneous_feedback(method, mu, L, delta)
        assert found.certificate.check()
        out.append(found.width)
    return out


def test_brackets_of_random_cells_are_narrow():
    assert max(widths("EF21", 2)) < 1e-4
    assert np.mean(widths("EF", 2)) < 5e-3


@thorough
@pytest.mark.slow
@unwatched()
def test_brackets_of_many_random_cells_are_narrow():
    """EF21's two sides meet as far as the solver's margins reach, which shrink like the square of the width."""
    count = tries(12, 50)
    both = widths("EF21", count)
    assert max(both) < 1e-3
    assert np.median(both) < 2e-6
    assert np.mean(widths("EF", count)) < 5e-3


def test_a_fresh_process_rechecks_the_file_with_the_standard_library_alone(found, tmp_path):
    path = found.certificate.save(tmp_path / "bracket.json")
    told = subprocess.run(
        [sys.executable, "-I", "-S", FILE, path], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.count("holds") == 2
    assert f"rho <= {float(found.certified):.9f}" in told.stdout


def test_the_name_in_a_file_is_the_files_word(found, tmp_path, capsys):
    """It stood beside the round as if it had been checked, and could bring lines of its own."""
    path = tmp_path / "named.json"
    path.write_text(json.dumps({**found.certificate.data, "method": "GD\n  upper: rho <= 0.1 holds"}))
    assert recheck.main([str(path)]) == 0
    first, *_, upper, lower = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{found.certificate.data['round']}, which the file calls GD?  upper")
    assert (upper[:8], lower[:8]) == ("  upper:", "  lower:")


def changed(data):
    """Copies of a file with one number moved so that the statement is stronger, or the proof another's."""
    for rho in (F(data["upper"]["rho"]) - F(1, 500), F(data["lower"]["factor"]) ** 2 - F(1, 10**6)):
        yield "rho", ("upper", "rho"), str(rho)
    for key in ("mu", "L"):
        for i in range(2):
            less = F(9, 10) if key == "mu" else F(11, 10)
            yield f"{key}[{i}] of the class", (key, i), str(F(data[key][i]) * less)
    yield "delta", ("delta",), str(F(data["delta"]) * F(19, 20))
    yield "gamma", ("gamma",), str(F(data["gamma"]) * F(21, 20))
    kinds = {recheck.ERRORS, recheck.DIFFERENCES}
    yield "round", ("round",), (kinds - {data["round"]}).pop()
    yield "weight", ("upper", "weight"), "1"
    for i in range(2):
        yield f"message {i}", ("upper", "messages", i), "0"
        yield f"bregman {i}", ("upper", "bregman", i), "1"
        for key in data["upper"]["interpolation"][i]:
            yield f"{key} {i}", ("upper", "interpolation", i, key), "-1"
    for i, j in itertools.combinations_with_replacement(range(5), 2):
        yield f"V[{i}][{j}]", ("upper", "quadratic", i, j), str(F(data["upper"]["quadratic"][i][j]) - F(1, 3))
    yield "factor", ("lower", "factor"), str(F(data["lower"]["factor"]) + F(1, 10**9))
    for i, j in itertools.product(range(2), range(2)):
        yield "memory", ("lower", "memory", i, j), str(F(data["lower"]["memory"][i][j]) + F(1, 10**6))
        yield "curvature", ("lower", "curvature", i, j), "2"


def test_a_file_with_one_number_changed_is_refused(found):
    data, tried = found.certificate.data, 0
    assert found.certificate.check()
    for what, (*way, last), value in changed(data):
        spoiled = copy.deepcopy(data)
        place = spoiled
        for key in way:
            place = place[key]
        place[last] = value
        assert not (recheck.upper_holds(spoiled) and recheck.lower_holds(spoiled)), what
        tried += 1
    assert tried > 40


def test_a_run_whose_messages_lose_too_much_is_refused(found):
    """A true run of a wider class of messages, at the same step: every equation holds, the messages do not."""
    mu, L, *_ = ROWS[0]
    wider = ct.heterogeneous_feedback(found.method, mu, L, found.delta - F(1, 100), stepsize=found.stepsize)
    assert wider.lower > found.lower
    assert recheck.lower_holds(wider.certificate.data)
    assert not recheck.lower_holds({**found.certificate.data, "lower": wider.certificate.data["lower"]})


def test_a_spoiled_file_fails_in_the_script(found, tmp_path, capsys):
    data = copy.deepcopy(found.certificate.data)
    data["upper"]["rho"] = "1/2"
    path = tmp_path / "bracket.json"
    path.write_text(json.dumps(data))
    assert recheck.main([str(path)]) == 1
    assert "FAILS" in capsys.readouterr().out


def test_the_instance_runs_at_its_rate_by_the_methods_own_step(found):
    sizes = found.instance.run(40)
    assert sizes[1:] / sizes[:-1] == pytest.approx(np.full(40, float(found.lower)), rel=1e-9)
    assert found.instance.rho == found.lower
    assert found.instance.problem.n == 2


def plain_run(instance, rounds):
    """The same run written down again, with whole matrices for the messages."""
    A = [np.diag(np.array(c, dtype=float)) for c in instance.curvature]
    D = np.diag(np.array(instance.signs, dtype=float))
    u, e = (np.array(v, dtype=float) for v in (instance.inputs, instance.errors))
    missed = [np.outer(b, a) / (a @ a) for a, b in zip(u, e, strict=True)]
    x, memory, gamma = (
        np.array(instance.x, dtype=float),
        np.array(instance.memory, dtype=float),
        float(instance.gamma),
    )
    sizes, turn = [x @ x], np.eye(len(x))
    for _ in range(rounds):
        messages = [np.eye(len(x)) - turn @ m @ turn for m in missed]
        if instance.method == "EF21":
            x = x - gamma * memory.mean(axis=0)
            memory = np.array([m + C @ (a @ x - m) for m, C, a in zip(memory, messages, A, strict=True)])
        else:
            given = [m + gamma * a @ x for m, a in zip(memory, A, strict=True)]
            sent = [C @ v for C, v in zip(messages, given, strict=True)]
            x, memory = x - np.mean(sent, axis=0), np.array(given) - np.array(sent)
        sizes.append(x @ x)
        turn = D @ turn
    return np.array(sizes), missed


def test_the_instance_written_down_again_runs_at_its_rate(found):
    sizes, missed = plain_run(found.instance, 40)
    assert (sizes[-1] / sizes[0]) ** (1 / 40) == pytest.approx(float(found.lower), rel=1e-9)
    assert max(np.linalg.norm(m, 2) for m in missed) <= float(1 - found.delta) ** 0.5 * (1 + 1e-12)


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def drawn_rate(found, rng):
    """Squared rate of the method on rotated quadratics, messages I + s (rotation or reflection), two rounds in turn."""
    n, s, gamma = len(found.mu), float(1 - found.delta) ** 0.5, float(found.stepsize)
    A = []
    for low, high in zip(found.mu, found.L, strict=True):
        turn = rotation(rng.uniform(0, np.pi))
        A.append(turn @ np.diag(rng.choice([float(low), float(high)], 2)) @ turn.T)
    mean, both, whole = np.tile(np.eye(2) / n, n), np.vstack(A), np.eye(2 * (1 + n))
    for _ in range(2):
        flip = [np.diag([1, rng.choice([-1.0, 1.0])]) for _ in range(n)]
        miss = np.zeros((2 * n, 2 * n))
        for i in range(n):
            miss[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = s * rotation(rng.uniform(0, 2 * np.pi)) @ flip[i]
        I = np.eye(2 * n)
        if found.method == "EF21":
            step = np.block([np.eye(2), -gamma * mean])
            after = (I - miss) @ both @ step + np.block([np.zeros((2 * n, 2)), miss])
        else:
            given = np.block([gamma * both, I])
            step = np.block([np.eye(2), np.zeros((2, 2 * n))]) - mean @ (I - miss) @ given
            after = miss @ given
        whole = np.vstack([step, after]) @ whole
    return np.abs(np.linalg.eigvals(whole)).max()


def test_no_drawn_quadratic_is_slower_than_what_is_certified(found):
    rng = np.random.default_rng(3)
    rates = [drawn_rate(found, rng) for _ in range(400)]
    assert max(rates) <= float(found.certified)
    assert max(rates) > 0.5  # they are runs of this method, not of nothing


def bent(mu, L, at):
    """Gradient and value of a function of one variable with curvature L below `at` and mu above, 0 at 0."""

    def gradient(x):
        return L * min(x, at) + mu * max(x - at, 0) if at >= 0 else mu * max(x, at) + L * min(x - at, 0)

    def value(x):
        grid = np.linspace(0, x, 2001)
        slopes = np.array([gradient(v) for v in grid])
        return float(((slopes[1:] + slopes[:-1]) / 2 * np.diff(grid)).sum())

    return gradient, value


def test_v_decreases_on_functions_that_are_no_quadratics(found):
    """Two bent functions of one variable, messages of every sign: V as stored, f's own values in it."""
    upper, rho = found.certificate.data["upper"], float(found.certified)
    quadratic = np.array([[float(F(v)) for v in row] for row in upper["quadratic"]])
    weights = np.array([float(F(v)) for v in upper["bregman"]])
    s, gamma = float(1 - found.delta) ** 0.5, float(found.stepsize)
    rng = np.random.default_rng(1)

    def energy(x, memory, fs):
        state = np.array([x, *memory, *(g(x) for g, _ in fs)])
        return state @ quadratic @ state + weights @ [f(x) for _, f in fs]

    for _ in range(20):
        fs = [bent(float(a), float(b), rng.normal()) for a, b in zip(found.mu, found.L, strict=True)]
        x, memory = rng.normal(), rng.normal(size=2)
        for _ in range(3):
            before, missing = energy(x, memory, fs), s * rng.choice([-1, 1], 2)
            if found.method == "EF21":
                x = x - gamma * memory.mean()
                g = np.array([f(x) for f, _ in fs])
                memory = g - missing * (g - memory)
            else:
                given = memory + gamma * np.array([f(x) for f, _ in fs])
                x, memory = x - ((1 - missing) * given).mean(), missing * given
            assert energy(x, memory, fs) <= rho * before + 1e-6 * before


def test_equal_workers_give_the_known_law():
    found = ct.heterogeneous_feedback("EF21", [F(2, 7)] * 3, [F(1)] * 3, F(15, 16))
    assert found.stepsize == pytest.approx(float(forms.feedback_step(F(2, 7), 1, F(15, 16))), rel=1e-11)
    assert F(9, 16) - F(1, 10**9) < found.lower <= F(9, 16) + F(1, 10**11)
    assert F(9, 16) - F(1, 10**11) < found.certified < F(9, 16) + F(1, 10**5)


def test_a_message_without_loss_gives_gradient_descent():
    found = ct.heterogeneous_feedback("EF21", [F(1, 4), F(1, 2)], [F(1), F(3)], 1)
    assert found.lower == F(2 - F(3, 8), 2 + F(3, 8)) ** 2
    assert found.width < 1e-3


UNEQUAL = (F("0.8936"), F("0.7066"), F("0.1567")), (F("12.046"), F("0.86"), F("3.872")), F("0.55")
"""Constants at which the law's step is far from the best."""


def test_the_printed_step_is_close_to_the_best():
    for mu, L, delta in (c for c in cells(9, 4) if len(c[0]) == 2):
        exact = [tuple(F(repr(v)) for v in row) for row in (mu, L)]
        loss = 1 - F(repr(delta))
        step = F(float(forms.heterogeneous_feedback_step(mu, L, delta)))
        rho = slowest(*exact, loss, step).factor ** 2
        others = [slowest(*exact, loss, step * F(k, 200)).factor ** 2 for k in (190, 196, 199, 201, 204, 210)]
        assert rho - min(others) < (1 - rho) / 100
        assert max(others) > rho + (1 - rho) / 100


def test_the_printed_step_is_not_the_best():
    """A certificate at a shorter step lies below the quadratics at the printed one: two exact numbers decide."""
    printed = ct.heterogeneous_feedback("EF21", *UNEQUAL)
    shorter = ct.heterogeneous_feedback("EF21", *UNEQUAL, stepsize=printed.stepsize * F(99331, 100000))
    assert [shorter.certificate.check(), printed.certificate.check()] == [True, True]
    assert shorter.certified < printed.lower
    assert float((printed.lower - shorter.certified) / (1 - printed.lower)) > 2.5e-3


def test_a_pole_of_one_axis_is_on_the_grid():
    """Where one axis alone has a run, it has it in an interval of lambda that a plain grid steps over."""
    mu, L, loss = (F("0.6804"), F("0.2546"), F("0.7458")), (F("3.711"), F("1.183"), F("11.925")), F("0.035")
    step = F(forms.heterogeneous_feedback_step(mu, L, 1 - loss)) * F(95, 100)
    assert float(slowest(mu, L, loss, step).factor ** 2) == pytest.approx(0.781769, abs=1e-5)


def test_more_axes_do_not_slow_the_quadratics_down(monkeypatch):
    """All corners against those that larger n are given."""
    mu, L, loss = (F(1, 10), F(9, 10), F(1, 3)), (F(1), F(1), F(5)), F(1, 4)
    gamma = F(forms.heterogeneous_feedback_step(mu, L, 1 - loss))
    every = slowest(mu, L, loss, gamma).factor
    monkeypatch.setattr(attained, "MOST_CORNERS", 0)
    assert len(axes_of(mu, L)) == 16
    assert abs(slowest(mu, L, loss, gamma).factor - every) < F(1, 10**9)


def test_a_factor_that_no_run_has_gives_no_mode():
    mu, L, loss = (F(1, 10), F(9, 10)), (F(1), F(1)), F(1, 4)
    gamma = F(4, 9)
    mode = slowest(mu, L, loss, gamma)
    assert exact_mode(mode.axes, mode.x, mode.factor, loss, gamma) == mode
    assert exact_mode(mode.axes, mode.x, mode.factor + F(1, 10**6), loss, gamma) is None
    assert exact_mode(mode.axes, mode.x, F(1, 2), loss, gamma) is None


def test_a_body_of_another_step_is_refused():
    class Late(ct.EF21):
        @staticmethod
        def body(w, x, g: ct.Worker, *, gamma):
            return dict(x=x - gamma * w.broadcast(w.mean(g)), g=g + w.compress(w.gradient(x) - g))

    with pytest.raises(InvalidParameter, match="the bracket speaks of EF and EF21"):
        ct.heterogeneous_feedback(Late, [0.1, 0.2], [1, 1], 0.5)
    with pytest.raises(InvalidParameter, match="its round is neither EF's nor EF21's"):
        bracket._bracket(Late, (F(1, 10), F(1, 5)), (F(1), F(1)), F(1, 2), F(1, 4))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("EF", [0.1], [1, 2], 0.5), "one each per worker"),
        (("DIANA", [0.1], [1], 0.5), "method="),
        (("EF", [0.1] * 7, [1] * 7, 0.5), "at most 6"),
        (("EF21", [0.5], [0.1], 0.5), "0 < mu_i <= L_i"),
        (("EF21", [0.1], [1], 0), "0 < delta <= 1"),
        (("EF21", [0.1], [1], 0.5, -1), "stepsize=-1 must be positive"),
    ],
)
def test_bad_input(given, says):
    with pytest.raises(InvalidParameter, match=says):
        ct.heterogeneous_feedback(*given)


def test_a_step_that_is_too_long_has_no_rate():
    with pytest.raises(NoGuarantee, match="too long"):
        ct.heterogeneous_feedback("EF21", [0.1, 0.2], [1, 2], 0.5, stepsize=2)


def test_it_prints_in_words(found):
    text = str(found)
    assert f"{float(found.lower):.9f}, {float(found.certified):.9f}" in text
    assert ("a minimiser that all f_i share" in text) == (found.method == "EF")


def test_the_files_of_the_documentation_hold(capsys):
    files = sorted((Path(__file__).parents[2] / "docs" / "brackets").glob("*.json"))
    assert len(files) == 4
    assert recheck.main([str(f) for f in files]) == 0
    assert capsys.readouterr().out.count("holds") == 8


def test_a_bracket_that_was_typed_has_no_standing(found):
    assert found.standing is ct.Standing.DERIVED
    typed = replace(found, certified=found.lower)
    assert typed.standing is ct.Standing.ASSUMED
    assert "(ASSUMED)" in str(typed)
    assert pickle.loads(pickle.dumps(found)).standing is ct.Standing.DERIVED


@pytest.mark.parametrize("c", [F(1, 10**7), F(10**12)])
def test_the_bracket_is_the_same_in_any_unit(c, found):
    mu, L, s, *_ = ROWS[0]
    scaled = ct.heterogeneous_feedback(found.method, [c * v for v in mu], [c * v for v in L], 1 - s * s)
    assert (scaled.lower, scaled.certified, scaled.stepsize) == (
        found.lower,
        found.certified,
        found.stepsize / c,
    )
    assert scaled.certificate.check()


def test_a_step_of_ones_own_is_used():
    mu, L, s, *_ = ROWS[0]
    mine = ct.heterogeneous_feedback(ct.EF21(ct.TopK(1), gamma=F(2, 5)), mu, L, 1 - s * s)
    assert mine.stepsize == F(2, 5)


def test_what_has_no_rate_is_one_line():
    with pytest.raises(NoGuarantee, match="one round"):
        ct.heterogeneous_feedback("EF21", [1], [1], 1)
    with pytest.raises(NoGuarantee, match="too long"):
        ct.heterogeneous_feedback("EF21", [1], [1], 1, stepsize=3)
    with pytest.raises(InvalidParameter, match="finite"):
        ct.heterogeneous_feedback("EF21", [1], [float("inf")], 0.5)


def test_the_script_says_in_a_line_what_is_no_bracket(tmp_path, capsys):
    for name, text in (("empty.json", "{}"), ("none.json", "no json")):
        (tmp_path / name).write_text(text)
    assert recheck.main([str(tmp_path / name) for name in ("empty.json", "none.json", "missing.json")]) == 1
    assert capsys.readouterr().out.count("no bracket") == 3
    assert recheck.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_script_names_what_ef_assumes(found, tmp_path, capsys):
    assert recheck.main([str(found.certificate.save(tmp_path / "bracket.json"))]) == 0
    assert ("all f_i share" in capsys.readouterr().out) == (found.method == "EF")
