"""Reproduction scripts: 1 while the defect stands, 0 once the file is mended, for all claims and kinds of evidence."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify, sandbox
from compth.certification.carried import carried
from compth.certification.loading import load
from compth.certification.reproduce import Program, script

COIN, NORMAL = "2.0 * (rng.random({}) < 0.5) - 1", "rng.standard_normal({})"
"""Mean 0 and variance 1: enumerated, or only sampled."""
SCALED = "def f(x, rng): return {A} * x * (1 + {S} * ({z}))\n"
SHIFTED = "def f(x, rng): return x + {S} * ({z})\n"
JOINT = "def f(X, rng): return {A} * X * (1 + {S} * ({z}))\n"
A, S = 0.5, 0.4
"""E C = A x, E||C||^2 = A^2 (1 + S^2) ||x||^2, Var C = A^2 S^2 ||x||^2."""
SECOND, VARIANCE = A * A * (1 + S * S), A * A * S * S
ERROR = (1 - A) ** 2 + VARIANCE
CASES = {
    "Unbiased, bias": (ct.Unbiased(S * S), SCALED, {"A": 1, "S": S}, {"A": 0.8, "S": 0.1}),
    "Unbiased, variance": (ct.Unbiased(S * S), SCALED, {"A": 1, "S": S}, {"A": 1, "S": 0.6}),
    "Contractive": (ct.Contractive(1 - ERROR), SCALED, {"A": A, "S": S}, {"A": 0.2, "S": S}),
    "BiasVariance, bias": (
        ct.BiasVariance(1 - A, VARIANCE),
        SCALED,
        {"A": A, "S": S},
        {"A": 0.3, "S": 0.1},
    ),
    "BiasVariance, variance": (ct.BiasVariance(1 - A, VARIANCE), SCALED, {"A": A, "S": S}, {"A": A, "S": 0.6}),
    "AbsoluteError": (ct.AbsoluteError(2 * S), SHIFTED, {"S": S}, {"S": 0.6}),
    "RelativeAbsoluteError": (ct.RelativeAbsoluteError(1, 2 * S), SHIFTED, {"S": S}, {"S": 0.6}),
    "MaxNormError": (ct.MaxNormError(ERROR), SCALED, {"A": A, "S": S}, {"A": 0.2, "S": S}),
    "B1, lower": (ct.B1(SECOND, A * (1 + S * S)), SCALED, {"A": A, "S": S}, {"A": 0.3, "S": S}),
    "B1, upper": (ct.B1(SECOND, A * (1 + S * S)), SCALED, {"A": A, "S": S}, {"A": 0.8, "S": S}),
    "B2, lower": (ct.B2(A, A * (1 + S * S)), SCALED, {"A": A, "S": S}, {"A": 0.3, "S": S}),
    "B2, upper": (ct.B2(A, A * (1 + S * S)), SCALED, {"A": A, "S": S}, {"A": 0.8, "S": S}),
    "JointContractive": (ct.JointContractive(0.5, 2), JOINT, {"A": 1, "S": S}, {"A": 2.0, "S": S}),
    "JointVariance, bias": (ct.JointVariance(S * S / 2, 0, 2), JOINT, {"A": 1, "S": S}, {"A": 0.8, "S": 0.1}),
    "JointVariance, variance": (ct.JointVariance(S * S / 2, 0, 2), JOINT, {"A": 1, "S": S}, {"A": 1, "S": 0.6}),
}  # fmt: skip
D = 4


def run(path, *options):
    return subprocess.run([sys.executable, *options, str(path)], capture_output=True, text=True, check=False)


def text_of(template, z, values):
    shape = "X.shape" if template is JOINT else "len(x)"
    return "import numpy as np\n" + template.format(z=z.format(shape), **values)


def refuted(text, claim, d=D, **settings):
    space = {}
    exec(text, space)
    report = certify(space["f"], d, claims=claim, budget="quick", **settings)
    return next(c for c in report.certificates if c.verdict is Verdict.REFUTED)


SIZES = {
    "MaxNormError": " d ||x||_inf^2",
    "JointContractive": " mean||a_i||^2",
    "JointVariance": " mean||a_i||^2",
}
SIZES |= {"AbsoluteError": "", "RelativeAbsoluteError": ""}
"""What the constants of a claim multiply, where that is not ||x||^2."""


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("z", [COIN, NORMAL], ids=["exact", "sampled"])
def test_a_script_follows_the_file(tmp_path, case, z):
    claim, template, right, wrong = CASES[case]
    file, again = tmp_path / "mine.py", tmp_path / "again.py"
    certificate = refuted(text_of(template, z, wrong), claim, 2 if template is JOINT else D)
    assert (certificate.evidence == "statistical") is (z is NORMAL)
    again.write_text(script(certificate, Program(str(file), "f", {}, getattr(claim, "n", None))))
    file.write_text(text_of(template, z, wrong))
    stands = run(again)
    assert stands.returncode == 1, stands.stdout + stands.stderr
    assert "violated: " in stands.stdout
    assert certificate.details["inequality"].split(" ")[0] in stands.stdout
    size = SIZES.get(type(claim).__name__, " ||x||^2")
    for said in (certificate.details["says"], stands.stdout.partition("violated: ")[2].splitlines()[0]):
        assert re.search(
            rf"= [\d./e+-]+{re.escape(size)}(,| |$)|about [\d./e+-]+{re.escape(size)}(,| |$)", said
        ), said
        assert size.endswith("||x||^2") or "||x||^2" not in said.partition("allowed")[2]
    file.write_text(text_of(template, z, right))
    gone = run(again)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert "violated" not in gone.stdout


WAYS = {
    "direct": ("def f(x): return 0.2 * x\n", "def f(x): return 0.5 * x\n", ct.Contractive(0.75), 3),
    "factored": (
        "def f(x, rng): return np.where(rng.random(len(x)) < 0.4, 2 * x, 0)\n",
        "def f(x, rng): return np.where(rng.random(len(x)) < 0.5, 2 * x, 0)\n",
        ct.Unbiased(1),
        40,
    ),
    "another law": (
        "def f(x, rng): return np.where(rng.random(len(x)) < 0.4, 2 * x, 0)\n",
        "def f(x, rng): return np.where(rng.standard_normal(len(x)) < 0, 2 * x, 0)\n",
        ct.Unbiased(1),
        4,
    ),
    "moved threshold": (
        "def f(x, rng): return np.where(rng.random(len(x)) < 0.2, x / 0.25, 0)\n",
        "def f(x, rng): return np.where(rng.random(len(x)) < 0.25, x / 0.25, 0)\n",
        ct.Unbiased(3),
        3,
    ),
    "a generator at last": (
        "def f(x): return x * (np.arange(len(x)) % 2)\n",
        "def f(x, rng): return 2 * x * (np.arange(len(x)) % 2 == rng.integers(2))\n",
        ct.Unbiased(1),
        4,
    ),
}


@pytest.mark.parametrize(
    "way", [pytest.param(w, marks=pytest.mark.slow) if w != "direct" else w for w in WAYS]
)
def test_a_script_evaluates_whatever_the_file_holds_now(tmp_path, way):
    wrong, right, claim, d = WAYS[way]
    file, again = tmp_path / "mine.py", tmp_path / "again.py"
    file.write_text("import numpy as np\n" + wrong)
    again.write_text(script(refuted(file.read_text(), claim, d), Program(str(file), "f", {})))
    assert run(again).returncode == 1
    file.write_text("import numpy as np\n" + right)
    gone = run(again)
    assert gone.returncode == 0, gone.stdout + gone.stderr


BREACHES = {
    "shape": "def f(x, rng): return x[:-1]\n",
    "type": "def f(x, rng): return list(x)\n",
    "nan": "def f(x, rng): return x / 0\n",
    "changes": "def f(x, rng):\n    x *= 2\n    return x.copy()\n",
    "global": "def f(x, rng): return x * np.random.rand()\n",
    "private": "g = np.random.default_rng()\ndef f(x, rng): return x * g.random()\n",
    "state": "n = [0]\ndef f(x, rng):\n    n[0] += 1\n    return x * (n[0] % 7 > 0)\n",
    "zero": "def f(x, rng): return x + 1\n",
    "raises": "def f(x, rng): raise KeyError('broken')\n",
    "ends": "import os\ndef f(x, rng): os._exit(0)\n",
    "late": "def f(x, rng):\n    if rng.standard_normal() > 2.5: raise KeyError('late')\n    return x\n",
}
KEEPS = "import numpy as np\ndef f(x, rng): return 1.0 * x\n"


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "ends" else pytest.mark.slow) for k in BREACHES]
)
def test_a_breach_of_the_contract_is_confirmed_until_it_is_gone(tmp_path, kind):
    file, again = tmp_path / "mine.py", tmp_path / "again.py"
    file.write_text("import numpy as np\n" + BREACHES[kind])
    report = sandbox.check(request(file, d=30 if kind == "late" else 3))
    (c,) = report.certificates
    assert (c.claim, c.verdict) == ("contract", Verdict.REFUTED)
    again.write_text(report.info["reproduction"])
    stands = run(again)
    assert stands.returncode == 1, stands.stdout + stands.stderr
    assert "confirmed" in stands.stdout
    file.write_text(KEEPS)
    gone = run(again)
    assert gone.returncode == 0, gone.stdout + gone.stderr


def request(file, name="f", d=3, claims=("Unbiased(0)",)):
    return {
        "file": str(file), "name": name, "params": {}, "claims": list(claims), "dims": [d], "budget": "quick",
        "alpha": 1e-9, "seed": 0, "magnitudes": [None, None],
    }  # fmt: skip


HOSTILE = ['a"""b', "new\nline", r"\Users\N{DASH}", "it's", "{x!r}", "#; import os"]


@pytest.mark.parametrize(
    "name", [HOSTILE[0], *(pytest.param(h, marks=pytest.mark.slow) for h in HOSTILE[1:])]
)
def test_a_path_is_only_a_path(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    file, again = folder / "mine.py", tmp_path / "again.py"
    file.write_text("import numpy as np\ndef f(x): return 0.2 * x\n")
    again.write_text(script(refuted(file.read_text(), ct.Contractive(0.75)), Program(str(file), "f", {})))
    assert run(again).returncode == 1
    file.write_text("import numpy as np\ndef f(x): return 0.5 * x\n")
    assert run(again).returncode == 0


def test_a_file_that_cannot_be_loaded_is_neither(tmp_path):
    again = tmp_path / "again.py"
    certificate = refuted("import numpy as np\ndef f(x): return 0.2 * x\n", ct.Contractive(0.75))
    again.write_text(script(certificate, Program(str(tmp_path / "gone.py"), "f", {})))
    done = run(again)
    assert done.returncode == 2
    assert "cannot be loaded" in done.stdout
    assert done.stderr == ""


def test_scripts_of_callables_import_no_package(tmp_path):
    certificate = refuted("import numpy as np\ndef f(x): return 0.2 * x\n", ct.Contractive(0.75))
    text = script(certificate, Program("f.py", "f", {}))
    assert not [
        line for line in text.splitlines() if line.strip().startswith(("import compth", "from compth"))
    ]


OWN = """
from dataclasses import dataclass
import compth as ct
@dataclass(frozen=True, repr=False)
class Halved(ct.RandK):
    def draw(self, shape, rng): return super().draw(shape, rng) * {factor}
f = Halved(1)
"""


@pytest.mark.slow
def test_an_object_of_the_packages_classes_is_asked_again(tmp_path):
    file, again = tmp_path / "mine.py", tmp_path / "again.py"
    file.write_text(OWN.format(factor=0.5))
    again.write_text(sandbox.check({**request(file), "claims": []}).info["reproduction"])
    assert run(again).returncode == 1
    file.write_text(OWN.format(factor=1))
    gone = run(again)
    assert gone.returncode == 0, gone.stdout + gone.stderr


def test_a_script_holds_every_digit_of_its_witness():
    x = np.array([0.1, 1 / 3, -0.0, 1e-100, 7.000000000000001])
    certificate = refuted("import numpy as np\ndef f(x): return 0.2 * x\n", ct.Contractive(0.75))
    from dataclasses import replace

    text = script(replace(certificate, witness=x), Program("f.py", "f", {}))
    line = next(line for line in text.splitlines() if line.startswith("X = "))
    assert eval(line[4:], {"np": np}).tobytes() == x.tobytes()


def test_definitions_are_carried_with_what_they_use():
    from compth.certification import evalues, sampled

    imports, lines = carried(evalues.evidence)
    assert "def _average" in lines
    assert "class Process" not in lines
    space = {}
    exec(f"from __future__ import annotations\n{imports}\n{lines}", space)
    assert space["_average"](np.array([0.0, 0.0])) == 0
    _, both = carried(sampled.inequalities, ct.Unbiased)
    assert "def _bias_of_" in both, "two modules' functions of one name are told apart"


@pytest.mark.parametrize("z", [COIN, NORMAL], ids=["exact", "sampled"])
def test_text_and_page_give_what_checking_by_hand_takes(z):
    from compth.certificates import Report
    from compth.reporting.certification import lines
    from compth.reporting.verdict_page import html_page

    claim, template, _, wrong = CASES["B1, lower"]
    certificate = refuted(text_of(template, z, wrong), claim)
    report = Report("f", (certificate,))
    x = np.asarray(certificate.witness)
    text, page = "\n".join(lines(report)), html_page(report)
    for shown in (text, page):
        assert all(f"{float(v)!r}".removesuffix(".0") in shown for v in x)
        assert f"alpha = {SECOND!r}" in shown
        assert f"beta = {A * (1 + S * S)!r}" in shown
        assert certificate.details["inequality"].partition("|")[0] in shown
    if z is NORMAL:
        assert f"SeedSequence({certificate.details['replay']['seed']})" in text
        assert f"{sum(certificate.details['replay']['blocks'])} calls" in text
    else:
        assert "E C(x) = (" in text
        assert f"E||C(x)||^2 = {float(certificate.details['second'])!r}" in text


def test_equal_entries_are_counted_and_no_digit_is_lost():
    from compth.reporting.certification import vector

    assert vector([0.1, 0.0, 0.0, 0.0, -0.0, 1 / 3, 2.0, 2.0]) == (
        "(0.1, 0 (3 times), -0, 0.3333333333333333, 2, 2)"
    )


@pytest.mark.slow
def test_an_exact_refutation_goes_before_a_sampled_one():
    report = certify(ct.RandK(2), 1000, claims=ct.Unbiased(400), budget="quick")
    (c,) = report.certificates
    assert (c.evidence, str(c.estimate), c.bound) == ("symbolic trace", "499", 400)


def test_a_file_is_read_as_it_stands(tmp_path, monkeypatch):
    """An edit of the same length with the time of the file before it: Python's own cache gives the old one."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = tmp_path / "mine.py"
    for number in (1, 2):
        file.write_text(f"NUMBER = {number}\n")
        os.utime(file, (10**9, 10**9))
        assert load(str(file), "NUMBER", {}, make=False) == number
