"""What is said to be LaTeX for a paper compiles, and its tables fit the page: asked of pdflatex where there is one."""

import contextlib
import io
import re
import shutil
import subprocess

import numpy as np
import pytest

import compth as ct
from compth.cli import run
from compth.cli.catalogue import _latex
from compth.reporting.reports import latex_table

pytestmark = [pytest.mark.slow, pytest.mark.optional]
HEAD = (
    r"\documentclass{article}\usepackage{amsmath,amssymb,booktabs,longtable}"
    r"\begin{document}"
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """body -> (exit code, log), each in a folder of its own; three times, as tables over pages need it."""
    if shutil.which("pdflatex") is None or _missing("booktabs.sty"):
        pytest.skip("pdflatex with booktabs is not installed")

    def run(body):
        folder = tmp_path_factory.mktemp("tex")
        (folder / "a.tex").write_text(f"{HEAD}\n{body}\n\\end{{document}}\n")
        for _ in range(3):
            done = subprocess.run(
                ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"],
                cwd=folder, capture_output=True, check=False, timeout=60,
            )  # fmt: skip
        return done.returncode, done.stdout.decode(errors="replace")

    return run


def _missing(style):
    return not subprocess.run(["kpsewhich", style], capture_output=True, text=True, check=False).stdout


def noisy(x, rng):
    return x + rng.normal(size=len(x))


def said(*arguments):
    """What a command prints."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert run(list(arguments)) == 0
    return told.getvalue()


def outputs():
    """A text of every kind that says of itself that it is LaTeX."""
    problem, method = ct.problems.random_quadratic(3, 4, 10), ct.DIANA(ct.RandK(1))
    results = [
        ct.certify(ct.RandK(2), 4, budget="quick"),
        ct.certify(ct.TopK(1), 4, claims=ct.Contractive("1/2"), budget="quick"),
        ct.certify(noisy, 3, claims=[ct.BiasVariance(0, "3"), ct.AbsoluteError("sqrt(d)")], budget="quick"),
        ct.estimate(ct.TernGrad(), 4),
        ct.RandK(2).claims(4)[0],
        ct.guarantee(method, problem),
        ct.exact_rate(method, problem),
        ct.exact(method, problem, 20),
        ct.simulate(method, problem, 20, 4),
        ct.tight_rate("EF21", mu=1, L=10, delta=0.25),
        ct.check_rate("EF21", rate="1 - gamma*mu", stepsize="1/L", mu=1, L=10, delta=0.25),
        ct.tune(np.array([3.0, 1, 1, 0.5]), scheme="S"),
        ct.best_step(method, problem),
        ct.stationary(ct.DCGD(ct.RandK(1)), problem),
        ct.compare([ct.GD(), method, ct.EF21(ct.TopK(1))], problem, 50, 8, seed=0),
    ]
    texts = [result.to_latex() for result in results] + [ct.analyse(ct.DIANA).latex, _latex()]
    return texts + [
        said("theorems", name, "--latex")
        for name in ("ef21.pl", "topk.delta", "diana.unified", "dcgd.no_memory")
    ]


def too_wide(log):
    """Points by which tables over pages stick out; sentences with long formulas are not asked."""
    return [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) in alignment", log)]


def test_all_of_it_compiles_and_tables_fit(compiled):
    code, log = compiled("\n\n\\clearpage\n".join(outputs()))
    assert code == 0, log[-2000:]
    assert "Missing character" not in log
    assert max(too_wide(log), default=0) < 20


def test_wide_tables_of_results_fit(compiled):
    problem = ct.problems.random_quadratic(3, 4, 10)
    found = ct.compare([ct.GD(), ct.DIANA(ct.RandK(1)), ct.EF21(ct.TopK(1))], problem, 50, 8, seed=0)
    code, log = compiled(found.to_latex())
    assert code == 0
    assert max(map(float, re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)), default=0) < 5


def test_bars_are_bars_in_any_encoding():
    """In TeX's first encoding | is a dash and < an exclamation mark upside down."""
    found = latex_table(["a"], [["E||x||^2 < 1"]])
    assert "E$|$$|$x$|$$|$" in found
    assert "$<$" in found


def test_planted_errors_are_seen(compiled):
    """A name that is not escaped stops the run; a table that does not wrap sticks out."""
    assert compiled("dcgd.no_memory")[0] != 0
    table = latex_table(["a", "b"], [["x", "long words " * 20]])
    for text, most in ((table, 5), (table.replace(r"p{0.55\linewidth}", "l"), 10_000)):
        code, log = compiled(text)
        assert code == 0
        widths = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
        assert (max(widths, default=0) < 5) == (most == 5)
