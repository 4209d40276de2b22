"""Appendices: whatever a report holds, the LaTeX is sound, compiles with texlive-latex-base, and fits the page."""

import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256

import numpy as np
import pytest

import compth as ct
from compth.certificates import Certificate, Report, Verdict
from compth.cli import run
from compth.reporting.appendix import Section, appendix, document, reproduction, timeless
from compth.reporting.latex_text import code, number, plain, prose

NASTY = (
    r"a_b%c\input{x}$y#&~^{}<|>`''--?`!` \end{document} \csname é ô ñ ł ω Δ Я 漢 😀 … ‘q’ ∞ " + "\x07\t\n\\"
)
LONG = Fraction(7**400, 3**390)
UNBROKEN = "x" * 300 + "/" + "1234567890" * 40
SPECIALS = re.compile(r"(?<!\\)(?:\\\\)*[%#&~]")
pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def sound(text):
    """Problems of a LaTeX file: letters beyond ASCII, open braces and environments, specials that are not escaped."""
    out = [] if text.isascii() else ["letters beyond ASCII"]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = re.sub(r"\\[\\{}%#&_$]", "", body)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            out.append("a brace too many is closed")
            break
    out += ["a brace is open"] if depth > 0 else []
    out += [f"{found[0]} is not escaped" for found in SPECIALS.finditer(body.replace(r"\~{", ""))]
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", body.split(r"\begingroup")[-1]):
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            out.append(f"end of {name} without its beginning")
    out += ["an environment is open"] if opened else []
    out += ["an odd number of dollars"] if bare.count("$") % 2 else []
    return out


def nasty_report(verdict=Verdict.REFUTED):
    certificate = Certificate(
        NASTY, f"Unbiased(omega={LONG})", verdict, NASTY, LONG, LONG, witness=[1 / 3, 1e-300, 2.0] * 40,
        technique=NASTY + UNBROKEN, scope={"d": 120, NASTY: UNBROKEN}, assumptions=(NASTY, UNBROKEN),
        details={"says": NASTY, "statement": {"kind": "Unbiased", "constants": {"omega": str(LONG)}},
                 "proof": {"rho": str(LONG), "v": {NASTY: str(LONG)}, "multipliers": {UNBROKEN: str(LONG)}},
                 "cells": {"groups": [1, 2]}},
    )  # fmt: skip
    rest = [Certificate(NASTY, c, verdict, "statistical", alpha=1e-9, trials=7) for c in ("contract", NASTY)]
    return Report(NASTY, (certificate, *rest), {"not_checked": [UNBROKEN], "reproduction": NASTY, "seed": 1})


def nasty_rates():
    witness = {"f_i(x)": f"({LONG}) x^2/2", "compressor": NASTY, "factor": LONG, "gamma": LONG, "n": 2,
               "mean squares": [Fraction(1), LONG]}  # fmt: skip
    scope = {"method": NASTY, "mu": LONG, "L": Fraction(1)}
    claim = f"E V+ <= {LONG} V with V = {NASTY}; gamma = {LONG}"
    c = Certificate(
        "CGD", claim, Verdict.REFUTED, "exact counterexample", 1.5, LONG, witness=witness, scope=scope
    )
    return Report(NASTY, (c,), {"rate": NASTY, "stepsize": UNBROKEN})


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Appendices as the command writes them: a refutation, two proofs by check, rates refuted and proved."""
    folder = tmp_path_factory.mktemp("appendix")
    file = folder / "mine.py"
    file.write_text(
        "import numpy as np\n\n\ndef rand2(x, rng):\n    out = np.zeros(len(x))\n"
        "    chosen = rng.choice(len(x), 2, replace=False)\n    out[chosen] = x[chosen]\n    return out\n"
    )
    asked = {
        "refuted": ["check", f"{file}:rand2", "--omega", "d/2 - 1", "-d", "3", "--budget", "quick"],
        "proved": ["check", "RandK(k=2)", "-d", "5", "--budget", "quick"],
        "slow rate": ["refute", "--method", "CGD", "--rate", "1-gamma*mu", "--stepsize", "1/(2*L)", "--mu", "1/10",
                      "--L", "1", "--delta", "1/2"],
        "rate": ["refute", "--method", "EF21", "--rate", "1-gamma*mu/8", "--stepsize", "1/(30*L)", "--mu", "1/10",
                 "--L", "1", "--delta", "1/2"],
    }  # fmt: skip
    own = folder / "my_method.py"
    own.write_text(
        "import compth as ct\n\n\n@ct.method\n"
        "def my_method(w, x, h: ct.Worker, *, gamma):\n    x = x - gamma * w.mean(h)\n"
        "    return {'x': x, 'h': h + w.compress(w.gradient(x) - h)}\n"
    )
    asked["derived"] = ["derive", "EF21", "--mu", "1/10", "--delta", "1/2"]
    asked["own"] = ["derive", f"{own}:my_method", "--mu", "1/10", "--delta", "1/2", "--param", "gamma=1/5"]
    out = {}
    for name, arguments in asked.items():
        path = folder / f"{name.replace(' ', '_')}.tex"
        run([*arguments, "--appendix", str(path)])
        out[name] = path.read_text()
    return file, out


@pytest.mark.slow
def test_real_appendices_say_what_a_checklist_asks(real):
    file, texts = real
    for text in texts.values():
        assert sound(text) == []
        for heading in ("Statement}", "Assumptions}", "Proof ", "Reproduction}"):
            assert rf"\subsection*{{{heading}" in text
        assert plain("compth ")[:6] in text
    refuted = texts["refuted"]
    assert r"\textbf{REFUTED}" in refuted
    assert r"\subsection*{Witness}" in refuted
    assert r"x = (1, 0, 0)" in refuted
    assert code(sha256(file.read_bytes()).hexdigest()) in refuted
    assert r"\subsection*{Witness}" not in texts["proved"]
    assert r"\textbf{PROVED}" in texts["rate"]
    for name in ("rate", "derived", "own"):
        assert r"\lambda_k \geq 0" in texts[name]
    for name in ("derived", "own"):
        assert r"\subsection*{Instances of the lower side}" in texts[name]
    assert "Closed form by elimination" in texts["derived"]
    assert code("my_method.py") in texts["own"]


@pytest.mark.parametrize(
    "report",
    [nasty_report(), nasty_report(Verdict.PROVED), nasty_rates()],
    ids=["refuted", "proved", "rates"],
)
def test_names_that_are_latex_stay_names(report):
    text = appendix(report, f"compth check {NASTY}")
    assert sound(text) == []
    assert r"\input{x}" not in text.partition(r"\begingroup")[2]
    assert "somebody's word" in text.replace("{'}", "'")


@pytest.mark.parametrize("how", ["typed", "another verdict", "from a file", "changed"])
def test_nothing_is_called_a_proof_but_what_was_proved_here(how):
    report = ct.check_rate("CGD", rate="1-gamma*mu/8", stepsize="1/(30*L)", mu=1, L=10, delta=Fraction(1, 2))
    (c,) = report.certificates
    proof, word = "Proof. Let", "somebody's word"
    made = " ".join(appendix(report).replace("{'}", "'").split())
    assert proof in made
    assert word not in made
    forged = {
        "typed": lambda: Report(report.subject, report.certificates, dict(report.info)),
        "another verdict": lambda: replace(report, certificates=(replace(c, verdict=Verdict.CONSISTENT),)),
        "from a file": lambda: Report.from_json(report.to_json()),
        "changed": lambda: report.certificates[0].details["proof"].update(rho="1/2") or report,
    }[how]()
    text = " ".join(appendix(forged).replace("{'}", "'").split())
    assert proof not in text
    assert word in text
    assert "Claimed, not proved here" in text
    assert sound(appendix(forged)) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("a # b", "# is not escaped"),
        ("{", "a brace is open"),
        ("}", "a brace too many is closed"),
        (r"\begingroup\begin{itemize}", "an environment is open"),
        (r"\begingroup\end{itemize}", "end of itemize without its beginning"),
        ("é", "letters beyond ASCII"),
        ("$x", "an odd number of dollars"),
    ],
)
def test_the_check_of_soundness_can_fail(text, wrong):
    assert wrong in sound(text)


def test_letters_are_spelled_and_hyphens_stay():
    assert plain("--omega") == "{-}{-}omega"
    assert plain("é ω ł") == r"\'{e} \ensuremath{\omega} \l{}"
    assert plain("😀 漢") == "[U+1F600] [U+6F22]"
    assert prose("E||x||^2 <= 1") == r"E\ensuremath{\|}x\ensuremath{\|}\ensuremath{^2} \ensuremath{\leq} 1"
    assert [number(v) for v in (0.5, np.float64(0.5), np.float64(3), Fraction(1, 3))] == [
        "0.5",
        "0.5",
        "3",
        "1/3",
    ]
    for power in ("2^24", "2^2.5"):  # no square of 2, and no 4 behind it
        assert prose(power) == plain(power)
    assert prose("(1 - x)^2.") == r"(1 {-} x)\ensuremath{^2}."


def compiled(folder, text, name="a.tex"):
    """The log's complaints: errors, and boxes that run off the page by more than a point."""
    (folder / name).write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / name).with_suffix(".log").read_text(errors="replace")
    wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    errors = re.findall(r"^! .*", log, re.MULTILINE)
    return errors + ([f"exit {done.returncode}"] if done.returncode else []) + [w for w in wide if w > 1]


@pdflatex
@pytest.mark.optional
@pytest.mark.slow
def test_appendices_compile_and_fit_the_page(real, tmp_path):
    nasty = [appendix(r, f"compth check {NASTY}") for r in (nasty_report(), nasty_rates())]
    for text in [*real[1].values(), *nasty]:
        assert compiled(tmp_path, text) == []


@pdflatex
@pytest.mark.optional
@pytest.mark.slow
def test_an_appendix_can_be_put_into_a_paper(tmp_path):
    (tmp_path / "b.tex").write_text(appendix(nasty_report()))
    paper = (
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\begin{document}\nOne.\n\\input{b}\n\\input{b}\n"
        "Two.\n\\end{document}\n"
    )
    assert compiled(tmp_path, paper) == []


@pdflatex
@pytest.mark.optional
@pytest.mark.slow
def test_the_compiler_does_complain(tmp_path):
    assert compiled(tmp_path, document("t", [Section("s", [r"\nosuchmacro"])])) != []
    wide = document("t", [Section("s", ["x" * 300])])
    assert any(isinstance(w, float) for w in compiled(tmp_path, wide))


def test_a_reader_finds_the_hash_of_what_was_found_again(tmp_path, capsys):
    """In a run of his own: printed, without the seconds that differ from run to run."""
    asked = ["check", "RandK(k=2)", "-d", "3", "--budget", "quick", "--json"]
    path = tmp_path / "a.tex"
    assert run([*asked, "--appendix", str(path)]) == 0
    first = capsys.readouterr().out
    assert run(asked) == 0
    printed = capsys.readouterr().out
    kept = "".join(line for line in printed.splitlines(keepends=True) if '"seconds"' not in line)
    assert len(kept) < len(printed)
    for text in (first, printed):
        assert code(sha256(timeless(text).encode()).hexdigest()) in path.read_text()
    assert code(sha256(kept.encode()).hexdigest()) in path.read_text()


def test_other_commands_make_appendices_of_sections(tmp_path):
    file = tmp_path / "method_1.py"
    file.write_text("pass\n")
    last = reproduction("compth derive method_1.py:M", "{}", [file, tmp_path / "none.py"])
    text = document("M", [Section("Algorithm", ["One.", ["a", "b"]]), Section("Empty", []), last])
    assert sound(text) == []
    assert "Empty" not in text
    assert text.count(r"\item[$\bullet$]") == 4
    assert r"method\_1.py" in text


def test_a_file_of_somebody_else_is_not_written_over(tmp_path, capsys):
    path = tmp_path / "paper.tex"
    path.write_text("my paper")
    assert run(["check", "RandK(k=2)", "-d", "3", "--budget", "quick", "--appendix", str(path)]) == 2
    assert path.read_text() == "my paper"
    assert "paper.tex" in capsys.readouterr().err


def test_a_proof_by_cases_is_said_once_with_their_number():
    def top1(x):
        y = np.zeros_like(x)
        i = np.argmax(np.abs(x))
        y[i] = x[i]
        return y

    report = ct.certify(top1, 3, claims=ct.Contractive("1/d"), budget="quick")
    text = " ".join(appendix(report).split())
    count = len(report.certificates[0].details["cells"]["cases"])
    assert count
    assert f"PROVED, laws on cells. The laws on cells, in {count} case" in text
