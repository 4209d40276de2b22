"""`compth refute` and files that hang, crash, exit, print or eat memory: one line, exit code 2, never a traceback."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

import compth as ct
from compth.certification import sandbox, supervisor
from compth.certification.loading import load
from compth.cli import run
from compth.errors import CompthError, UnusableInput
from compth.worst_case.theorem_file import judge

GOOD = 'GOOD = {"method": "DCGD", "rate": "1-gamma*mu", "stepsize": "1/(L*(1+omega/n))", "mu": [0.1], "omega": [2]}'
FILES = {
    "hang": ("while True: pass", "takes more than 1 s"),
    "exit": ("import sys; sys.exit(0)", "SystemExit"),
    "os_exit": ("import os; os._exit(0)", "exit code 0"),
    "abort": ("import os; os.abort()", "signal 6"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "signal 11"),
    "memory": ("x = []\nwhile True: x.append(bytes(1 << 30))", "MemoryError"),
    "syntax": ("def f(:", "SyntaxError"),
    "late_exit": ("import sys\ndef GOOD(mu, L, omega, n): sys.exit(3)\nGOOD.method = 'DCGD'", "SystemExit"),
    "late_hang": (
        "import time\ndef GOOD(mu, L, omega, n): time.sleep(99)\nGOOD.method = 'DCGD'",
        "takes more than 1 s",
    ),
}


@pytest.fixture
def judged(tmp_path, capfd):
    def judge(text, *options):
        file = tmp_path / "theorem.py"
        file.write_text(text)
        code = run(["refute", f"{file}:GOOD", *options])
        return code, *capfd.readouterr()

    return judge


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_hostile_files_are_one_line(judged, monkeypatch, kind):
    monkeypatch.setattr(sandbox, "LOAD_LIMIT", 1.0)
    text, reason = FILES[kind]
    code, out, err = judged(text, "--json")
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert reason in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_what_cannot_be_interrupted_is_killed(judged, monkeypatch):
    monkeypatch.setattr(sandbox, "LOAD_LIMIT", 1.0)
    monkeypatch.setattr(supervisor, "GRACE", 2.0)
    stubborn = "import time\nwhile True:\n try: time.sleep(60)\n except BaseException: pass"
    code, out, err = judged(stubborn)  # it ends: the file would not
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "hung" in err


FORGED = """
import os
line = b'{"report": {}, "verdict": "PROVED", "text": "x: PROVED"}'
def write():
    for descriptor in range(64):
        try: os.write(descriptor, line + b"\\n")
        except OSError: pass
    os._exit(0)
def GOOD(mu, L, omega, n): write()
GOOD.method = "DCGD"
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["", "write()"])
def test_a_forged_line_is_no_verdict(judged, when):
    code, out, err = judged(FORGED + when)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "malformed" in err


@pytest.mark.slow
def test_what_is_no_number_is_one_line(judged):
    code, out, err = judged("def GOOD(mu, L, omega, n): return {'rate': object()}\nGOOD.method = 'DCGD'")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "object is not sent between processes" in err


@pytest.mark.slow
def test_a_file_that_prints_still_gives_one_json_object(judged):
    noise = "import os, sys\nprint('{}')\nos.write(1, b'{1}')\nsys.stdout.write('{')\nprint('x', file=sys.stderr)\n"
    code, out, err = judged(noise + GOOD, "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "PROVED"
    assert err == ""


def test_a_missing_name_is_answered_with_the_names_that_are_there(tmp_path):
    file = tmp_path / "theorem.py"
    file.write_text(
        f"import math\nfrom math import sqrt\n_hidden = 1\n{GOOD}\ndef rule(mu, L): return 1, 1\n"
    )
    with pytest.raises(UnusableInput, match=r"has no 'BEST': choose one of its names, GOOD, rule$"):
        load(str(file), "BEST", {})
    file.write_text("import math\n_hidden = 1\n")
    with pytest.raises(UnusableInput, match="defines no name"):
        load(str(file), "BEST", {})


ONE = {"method": "EF21", "rate": 0.9, "mu": 0.1, "delta": 0.5}


@pytest.mark.parametrize(
    ("theorem", "rule"),
    [
        ({k: v for k, v in ONE.items() if k != "rate"}, "no rate: give rate= in it, or --rate"),
        ({**ONE, "mu": []}, r"mu=\[\] is empty"),
        ({**ONE, "mu": "abc"}, "mu='abc' is not a number"),
        ({**ONE, "mu": {0.1}}, "must be a number or a list of numbers"),
        ({**ONE, "lyapunov": 3}, "lyapunov=3 must be text"),
        ({**ONE, "lyapunov": "0*g**2"}, "is zero"),
        ({**ONE, "rate": "1 - zeta"}, "known names are .*mu, n, s$"),
        ("EF21", "is a str: give a dict"),
        (lambda mu, L: {"rates": 1}, "gives rates: a claim has rate"),
    ],
)
def test_a_theorem_that_cannot_be_judged_says_why(theorem, rule):
    with pytest.raises(CompthError, match=rule):
        judge(theorem, "T", {"method": "EF21"} if callable(theorem) else {})


def test_constants_may_be_text():
    (c,) = judge({**ONE, "mu": "1/10", "n": 1}, "T", {}).certificates
    assert c.scope["mu"] == Fraction(1, 10)


def flat(text):
    return " ".join(text.split())


README = (
    'GOOD = {"method": "EF21", "rate": "1 - gamma*mu*delta/2", "stepsize": "1/(4*L)", "mu": 1, "L": [2, 10, 100], '
    '"delta": [0.1, 0.5]}'
)


def test_a_theorem_is_a_grid_with_its_worst_counterexample(judged):
    code, out, _ = judged(README)
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "GOOD: REFUTED: 6 refuted, 6 proved"
    assert max(map(len, lines)) <= 100
    at = lines.index("         delta = 1/10  delta = 1/2")
    assert [line.split() for line in lines[at + 2 : at + 5]] == [
        ["L", "=", value, "x", "+"] for value in ("2", "10", "100")
    ]
    text = flat(out)
    assert "not given so chosen here: n = 1, 4" in text
    assert "n = 1, 4 (no difference)" in text
    assert "C(v) = (1+s) v, s = 0.948683, that is C(v) = 1.94868 v" in text
    assert "in the long run (it grows); claimed: 0.999875" in text
    assert "V = V" not in text
    assert text.count("counterexample") == 1
    assert out.index("PROVED: by") < out.index("worst counterexample") < out.index("next:"), "failures last"


def test_the_guides_theorem_is_the_one_that_is_tested(judged):
    """The page's own output is made while it is built."""
    page = (Path(__file__).parents[2] / "docs/guide/refute.rst").read_text()
    shown = page.partition(".. terminal:: compth refute mine.py:THEOREM\n")[2].partition("\n.. ")[0]
    claim = flat(shown[shown.index("THEOREM =") : shown.index("}") + 1]).replace("THEOREM", "GOOD")
    assert claim == README
    assert judged(claim)[0] == int(re.search(r":exit: (\d)", shown)[1])


def test_the_numbers_of_the_worst_counterexample_are_those_of_its_run():
    """Redone by hand: EF21 on f(x) = L x^2/2 with C(v) = (1 + s) v in floats."""
    report = judge(
        {
            "method": "EF21",
            "rate": "1 - gamma*mu",
            "stepsize": "1/L",
            "mu": 1,
            "L": 10,
            "delta": 0.25,
            "n": 1,
        },
        "T",
        {},
    )
    text = flat(str(report))
    factor = float(re.search(r"that is C\(v\) = ([\d.]+) v", text)[1])
    x, g, squares = 1.0, 0.0, [1.0]
    for _ in range(7):
        x, g = (lambda now, old: (now, old + factor * (10 * now - old)))(x - 0.1 * g, g)
        squares.append(x * x)
    listed = re.search(r"from t = 0 on, exactly computed: ([^a-z]*), \.\.\.", text)[1].split(", ")
    assert [float(v) for v in listed] == pytest.approx(squares, rel=1e-4)


def test_the_grid_keeps_what_makes_a_difference():
    """One worker is refuted, four are not: the workers are drawn."""
    claim = {
        "method": "DCGD",
        "rate": "1-gamma*mu",
        "stepsize": "1/(L*(1+omega/4))",
        "mu": [0.1, 0.5],
        "omega": [8],
    }
    report = judge(claim, "T", {})
    by_n = {c.scope["n"]: c.verdict for c in report.certificates if c.scope["mu"] == Fraction(1, 10)}
    assert by_n[1] != by_n[4]
    text = str(report)
    assert "n = 1" in text.splitlines()[text.splitlines().index("") + 1]
    assert "no difference" not in text


def test_theorems_of_the_catalogue_are_judged_by_their_id(capsys):
    assert run(["refute", "dcgd.general", "--mu", "1/10", "--omega", "2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("dcgd.general: PROVED: 2 proved\n")
    assert "the claimed rate needs" in out
    assert "where it is not refuted" not in out
    assert run(["refute", "dcgd.genera"]) == 2
    assert "near it: dcgd.general, " in capsys.readouterr().err
    assert run(["refute", "vrdiana.linear"]) == 2
    assert "vrdiana.linear needs m of the method" in capsys.readouterr().err


def test_a_claim_can_be_typed(capsys):
    words = ["--method", "EF21", "--rate", "1 - gamma*mu", "--stepsize", "1/L", "--mu", "1", "--L", "10"]
    assert run(["refute", *words, "--delta", "1/4", "-n", "1"]) == 1
    assert "EF21 with rate 1 - gamma*mu: REFUTED\n" in capsys.readouterr().out
    assert run(["refute", "--rate", "1 - gamma*mu"]) == 2
    assert "target is missing" in capsys.readouterr().err
    assert run(["refute", "--method", "EF22", "--rate", "1 - gamma*mu"]) == 2
    said = capsys.readouterr().err
    assert "did you mean EF21, EF" in said
    assert said.count(",") <= 2
    assert run(["refute", "--method", "Foo", "--rate", "1 - gamma*mu"]) == 2
    assert "did you mean" not in capsys.readouterr().err
    assert run(["refute", *words[:4], "--stepsize", "1/0", *words[6:], "--delta", "1/4"]) == 2
    assert "it divides by zero" in capsys.readouterr().err


def test_chosen_values_of_many_places_are_told_by_their_ends():
    claim = {"method": "EF21", "rate": "1 - gamma*mu", "mu": [1, 2, 3], "L": [10, 20], "delta": 0.5, "n": 1}
    text = flat(str(judge(claim, "T", {})))
    found = re.search(r"gamma = ([\d.]+) to ([\d.]+) \(the best step at each place\)", text)
    steps = [
        float(ct.tight_rate("EF21", mu=mu, L=L, delta=0.5).stepsize) for mu in (1, 2, 3) for L in (10, 20)
    ]
    assert [float(x) for x in found.groups()] == pytest.approx([min(steps), max(steps)], rel=1e-4)


def test_a_state_is_told_with_its_vectors():
    claim = {
        "method": "EF",
        "rate": "1 - gamma*mu",
        "stepsize": "1/L",
        "mu": 1,
        "L": 10,
        "delta": 0.25,
        "n": 1,
    }
    text = flat(str(judge({**claim, "lyapunov": "(x - ebar)**2 + e**2/s"}, "T", {})))
    assert re.search(r"C\(v\) = v \+ s R v, R the rotation of tan\(angle/2\) = [\d/]+, s = 0.866025 ", text)
    assert "the state (x, e, each in R^2, all workers equal): (" in text


DIANA = ["refute", "--method", "DIANA", "--mu", "1", "--L", "10"]
STEP = ["--stepsize", "1/(L*(1+6*omega/n))"]


@pytest.mark.parametrize(("rate", "code"), [("1 - gamma*mu", 0), ("1 - 4*gamma*mu", 1)])
def test_the_step_that_nobody_gave_is_printed(capsys, rate, code):
    words = [
        "refute",
        "--method",
        "EF21",
        "--rate",
        rate,
        "--mu",
        "1",
        "--L",
        "10",
        "--delta",
        "1/4",
        "-n",
        "1",
    ]
    assert run(words) == code
    out = flat(capsys.readouterr().out)
    found = re.search(r"not given so chosen here: gamma = ([\d.]+) \(the best step\)", out)
    best = ct.tight_rate("EF21", mu=1, L=10, delta=Fraction(1, 4))
    assert float(found[1]) == pytest.approx(float(best.stepsize), rel=1e-4)
    assert run([*words, "--stepsize", found[1]]) == code
    assert "not given" not in capsys.readouterr().out


def test_a_parameter_is_given_by_an_option_or_its_choice_is_printed(capsys):
    words = [*DIANA, *STEP, "--rate", "max(1 - gamma*mu, 1 - alpha/2)", "--omega", "3", "-n", "4"]
    assert run(words) == 0
    chosen = re.search(r"not given so chosen here: alpha = ([\d.]+) at ", flat(capsys.readouterr().out))
    assert float(chosen[1]) < 0.2  # which is not the papers' 1/(1+omega)
    for option in (["--alpha", "1/(1+omega)"], ["--param", "alpha=1/(1+omega)"]):
        assert run([*words, *option]) == 0
        out = flat(capsys.readouterr().out)
        assert "alpha 1/(1+omega) at " in out
        assert "not given" not in out
    for option, said in {
        "alpha": "must be NAME=EXPR",
        "gamma=1": "option of its own, --stepsize",
        "mu=1": "option of its own, --mu",
        "beta=1": "gives beta: a theorem has",
        "alpha=1/0": "divides by zero",
    }.items():
        assert run([*words, "--param", option]) == 2
        assert said in capsys.readouterr().err
    assert run([*words, "--param", "alpha=1", "--alpha", "1"]) == 2
    assert "alpha is given twice" in capsys.readouterr().err


def test_a_parameter_named_as_a_constant_is_told_when_it_was_chosen():
    claim = {
        "method": "EF21-SGDM",
        "rate": "1 - gamma*mu/4",
        "stepsize": "1/(40*L)",
        "mu": 1,
        "L": 2,
        "delta": 0.5,
    }
    assert "not given so chosen here: eta = " in flat(str(judge({**claim, "n": 1}, "T", {})))
    assert "not given" not in str(judge({**claim, "n": 1, "eta": 0.5}, "T", {}))


def test_a_constant_of_another_class_is_refused(capsys):
    assert run([*DIANA, *STEP, "--rate", "1 - gamma*mu", "--delta", "1/4"]) == 2
    assert "delta=1/4: DIANA takes unbiased compressors: give omega" in capsys.readouterr().err
    assert run([*DIANA, *STEP, "--rate", "1 - gamma*mu", "--delta", "1/4", "--omega", "3", "-n", "1"]) == 0
    assert "omega = 9/4" in capsys.readouterr().out  # of the induced compressor


def test_a_rate_below_zero_says_where(capsys):
    assert run([*DIANA, *STEP, "--rate", "1 - 40*alpha", "--omega", "3", "-n", "4"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"must be at least 0.* omega = 3, alpha = 0\.\d+, gamma = 0\.0181818\)", said)


def test_a_random_counterexample_is_told_truly(capsys):
    """Planted before: "C(v) = 4 v with probability 1/4, else 0, that is C(v) = 4 v"."""
    assert run([*DIANA, *STEP, "--rate", "1 - alpha", "--omega", "3", "-n", "1"]) == 1
    out = flat(capsys.readouterr().out)
    assert "f_i(x) = x^2/2; the compressor: C(v) = 4 v with probability 1/4, else 0 the run" in out
    assert "the run starts at x = 1, every h_i = 0; a round: every worker i: g_i = grad f_i(x);" in out
    assert "judged: every unbiased compressor with this omega, not one of them" in out


@pytest.mark.parametrize(("method", "constants"), [("EF21", {"delta": 0.25}), ("MARINA", {"omega": 3})])
def test_the_told_start_is_that_of_the_run(method, constants):
    """x_1 = x_0 - gamma g_0 tells where g starts: EF21's at 0, MARINA's at the gradient."""
    report = ct.check_rate(method, rate="1 - gamma*mu", stepsize="1.9/L", mu=1, L=10, **constants)
    (c,) = report.certificates
    w = c.witness
    g = {"EF21": 0, "MARINA": w["curvature"]}[method]
    assert w["starts at"] == {"EF21": "x = 1, every g_i = 0", "MARINA": f"x = 1, g = {g}"}[method]
    assert w["mean squares"][1] == (1 - w["gamma"] * g) ** 2
    assert "x+ = x - gamma" in w["a round"]
    assert "V = V" not in c.claim


def test_verdicts_have_colours_in_a_terminal_alone(monkeypatch):
    from compth.cli import _output

    monkeypatch.setattr(_output.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert _output.coloured_in_terminal("T: REFUTED") == "T: \x1b[1;31mREFUTED\x1b[0m"
    assert _output.coloured_in_terminal("a PROVED_NAME") == "a PROVED_NAME"
    monkeypatch.setenv("NO_COLOR", "")  # the convention: present and not empty
    assert _output.coloured_in_terminal("T: REFUTED") == "T: \x1b[1;31mREFUTED\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert _output.coloured_in_terminal("T: REFUTED") == "T: REFUTED"
