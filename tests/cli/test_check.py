"""`compth check` of an object of the catalogue: judged by its own claims or by those that are given."""

import subprocess
import sys

import pytest

import compth as ct
from compth.cli import run


def said(capsys, *arguments):
    code = run(["check", *arguments])
    out, err = capsys.readouterr()
    return code, out + err


def test_an_object_of_the_catalogue_is_judged_by_its_claims(capsys):
    code, text = said(capsys, "RandK(k=2)", "-d", "6")
    assert code == 0
    assert "PROVED       Unbiased(omega=2) at d = 6" in text


def test_a_wrong_claim_about_it_is_refuted(capsys):
    code, text = said(capsys, "TopK(k=2)", "-d", "6", "--delta", "2/5", "--budget", "quick")
    assert code == 1
    assert "REFUTED      Contractive(delta=2/5)" in text


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("RandK", "'RandK' needs k: it takes k"),
        ("Rand2", 'an object of the catalogue as in "RandK(k=2)": did you mean RandK'),
        ("RandX(k=2)", "did you mean RandK"),
        ("RandK(k=2", "cannot be read"),
        ("DIANA(RandK(k=2))", "'DIANA'"),
        ("__import__('os')", "is not known"),
    ],
)
def test_what_is_none_is_one_line(target, words, capsys):
    code, text = said(capsys, target, "-d", "6")
    assert code == 2
    assert words in text
    assert text.count("\n") == 1


@pytest.mark.slow
def test_a_report_is_whole_where_the_lines_are_cut_short(tmp_path):
    """`compth check ... --report r.html | head -1`: the reader of the lines goes away, the page stays."""
    page = tmp_path / "r.html"
    command = [sys.executable, "-m", "compth", "check", "RandK(k=1)", "-d", "2", "--report", str(page)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.wait(timeout=120)
    assert "PROVED" in page.read_text()
    assert "In every direction" in page.read_text()


def test_parameters_take_fractions():
    from compth.cli.check import _parameter

    assert _parameter("p=1/4") == ("p", 0.25)
    for text in ("p=1/0", "p=a/2", "p=1/2/3"):
        with pytest.raises(ct.errors.InvalidParameter, match="is not a number"):
            _parameter(text)


def test_files_that_were_asked_for_are_said(tmp_path, capsys):
    page, paper = tmp_path / "new" / "x.html", tmp_path / "x.tex"
    assert run(["check", "TopK(k=1)", "-d", "2", "--report", str(page), "--appendix", str(paper)]) == 0
    told = capsys.readouterr().out.replace("\n", "").replace(" ", "")
    assert told.endswith(f"written:{page},{paper}")
    assert page.exists()
