"""`compth list`: the catalogue with formulas as text, LaTeX and JSON, and the compatibility matrix."""

import json
import re

import pytest

import compth as ct
from compth.cli import _output, catalogue, run, theorems
from compth.compressors.core.render import catalogue_row, catalogue_rows
from compth.methods import compatibility
from compth.methods.diana import DIANA
from compth.reporting.reports import numeric, text_table


def shown(capsys, *arguments):
    assert run(["list", *arguments]) == 0
    return capsys.readouterr().out


def once(monkeypatch, module, name):
    """A table that is made once: what is looked at is how wide it is printed."""
    rows = getattr(module, name)()
    monkeypatch.setattr(module, name, lambda: rows)


def test_the_list_is_one_short_line_an_object_separated_by_tabs(capsys, monkeypatch):
    once(monkeypatch, catalogue, "short_rows")
    for width in (80, 100, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = shown(capsys).splitlines()
        assert max(map(len, lines)) <= width
        header, *rows = (line.split("\t") for line in lines)
        assert header == ["name", "kind", "constants, or what it takes", "standing"]
        held = {row[0]: row[1:] for row in rows}
        assert len(held) == len(rows)
        assert held["RandK"] == ["compressor", "omega = d/k - 1", "PROVED/READ"]
        assert held["QSGD"] == ["name", "of RandomDithering", "-"]
        assert held["EF21"][:2] == ["method", f"Contractive; {len(ct.EF21.theorems())} theorems"]
        assert held["PermK"][0] == "fleet"
    assert {*ct.compressors.catalogue(), *ct.methods.catalogue()} <= held.keys()


def test_everything_of_one_is_shown(capsys):
    text = " ".join(shown(capsys, "NaturalCompression").split())
    for part in ("Unbiased(omega = 1/8)", "/READ", "1905.10988", "900 (signs 100 + levels 800) at d = 100"):
        assert part in text


def test_a_terminal_has_aligned_columns_and_a_hint(capsys, monkeypatch):
    for module in (_output, catalogue):
        monkeypatch.setattr(module, "terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown(capsys)).splitlines()
    assert max(map(len, lines)) <= 80
    at = lines[0].index("kind")
    assert all(line[at - 1] == " " != line[at] for line in lines[2:-4])
    assert "compth list NAME" in lines[-2] + lines[-1]


def test_a_papers_name_is_shown_as_its_class(capsys):
    assert shown(capsys, "QSGD") == shown(capsys, "RandomDithering")
    assert shown(capsys, "ef14") == shown(capsys, "EF")


def test_json_has_every_object(capsys):
    data = json.loads(shown(capsys, "--json"))
    names = {row.name for row in catalogue_rows() if row.claims}
    assert {row["name"] for row in data["compressors"]} == names
    assert any(
        row["claim"].startswith("JointVariance") for row in data["compressors"] if row["name"] == "PermK"
    )
    assert {"DCGD", "IBCD", "ISEGA"} <= {row["name"] for row in data["methods"]}
    bounds = {row["three-point map"]: (row["A"], row["B"]) for row in data["maps"]}
    assert set(bounds) == {"CLAGMap", "EF21Map", "LAGMap", "MARINAMap"}
    assert bounds["LAGMap"] == ("1", "zeta")
    assert bounds["EF21Map"][0] == "1 - sqrt(1 - 1/d)"
    assert bounds["MARINAMap"][0] == "p"


def test_latex_is_the_formulas(capsys):
    text = shown(capsys, "--latex")
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    assert r"RandK & Unbiased: $\omega = \frac{d}{k} - 1$ & " in text
    body = text.split(r"\endhead")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == sum(len(row.claims) for row in catalogue_rows())
    for line in body:
        assert line.count("$") % 2 == 0
        assert "".join(line.replace(r"\&", "").split("$")[::2]).count(" & ") == 3, (
            "four cells outside formulas"
        )
    assert r"\_" in text, "names with underscores are escaped"


def test_matrix_counts_theorems_and_gives_reasons(capsys):
    text = shown(capsys, "--matrix").splitlines()
    header = text[0].split()
    cells = {(c.method, c.compressor): c for c in compatibility()}
    row = next(v.split() for v in text if v.startswith("TopK "))
    for method, cell in zip(header[1:], row[1:], strict=True):
        found = cells[method, "TopK"]
        assert cell == (str(len(found.theorems)) if found.verdict == "theorem" else found.verdict)
    reasons = [v for v in text if v.startswith("  ") and v[2] != " "]
    assert len(reasons) == sum(bool(c.reason) for c in cells.values())
    assert len(json.loads(shown(capsys, "--matrix", "--json"))) == len(cells)


@pytest.mark.parametrize("other", ["--json", "--matrix"])
def test_latex_goes_alone(capsys, other):
    assert run(["list", "--latex", other]) == 2
    assert "leave out" in capsys.readouterr().err


def test_the_unified_table_is_printed(capsys):
    assert run(["theorems", "--unified", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert next(r for r in rows if r["row"] == "SGD-SR")["A"] == "2*LL"


def test_the_theorems_are_one_short_line_each(capsys, monkeypatch):
    once(monkeypatch, theorems, "theorem_rows")
    for width in (80, 100, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        assert run(["theorems"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        held = {line.split("\t")[0]: line.split("\t")[1:] for line in lines}
        assert held["theorem"] == ["steps", "rate", "standing"]
        assert held["gd.contraction"][0::2] == ["< 2/L", "PROVED/OURS"]
        assert held["sgd.uniform"] == ["<= 1/(A + C M)", "1 - gamma*mu", "PROVED/READ"]
        assert held["efbv.pl"][1].endswith("..."), "a long rate is cut: it stands with its theorem"
    assert run(["theorems", "--unified"]) == 0
    assert "SGD-SR (sgd.reweighted, SGD): A = 2*LL" in capsys.readouterr().out


def test_piped_text_stands_left_and_numbers_right():
    text = text_table(
        ["name", "what", "how much"], [["a", "one", "1.5"], ["bb", "three", "-"], ["c", "x", "-12"]]
    )
    assert text.splitlines()[2:] == [
        "a     one         1.5",
        "bb    three         -",
        "c     x           -12",
    ]
    assert numeric(["1-5.86e-04", "-", "diverged", "106 kb"])
    assert not numeric(["omega=0", "1"])
    assert not numeric(["0 < gamma <= 1/theta", "0 < gamma < 1"]), "a range of steps is text"
    assert numeric(["< 0.5", "<= 3", "12"])


def test_one_compressor_with_all_its_claims(capsys):
    text = shown(capsys, "RandK")
    row = catalogue_row(ct.RandK)
    for claim in row.claims:
        assert str(claim) in text
        assert claim.source in " ".join(text.split())
    assert "parameters  k, seeded" in text
    assert shown(capsys, "randk") == text, "in any case of letters"
    found = json.loads(shown(capsys, "RandK", "--json"))
    assert [c["claim"] for c in found["claims"]] == [str(c) for c in row.claims]
    assert found["claims"][0]["latex"] == {"omega": r"\frac{d}{k} - 1"}


@pytest.mark.parametrize("name", ["Shared", "PermK", "EF21Map", "DIANA", "CAT", "SAGA", "Induced"])
def test_every_kind_of_object_is_shown(capsys, name):
    assert shown(capsys, name).startswith(f"{name}\n")
    assert json.loads(shown(capsys, name, "--json"))["name"] == name


def test_one_method_with_its_theorems_and_their_steps(capsys):
    found = json.loads(shown(capsys, "DIANA", "--json"))
    assert [t["theorem"] for t in found["theorems"]] == [t.id for t in DIANA.theorems()]
    assert "0 < gamma < 1/((1+4 omega/n) L_max)" in " ".join(shown(capsys, "DIANA").split())
    assert found["requires"] == ["Unbiased"]


def test_the_latex_of_one_object(capsys):
    text = shown(capsys, "PermK", "--latex")
    assert "PermK & JointVariance" in text
    assert "RandK" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["randq"], "did you mean RandK, RandomK or RankR?"),
        ([""], "is not in the catalogue"),
        (["zzz"], "`compth list` shows it"),
        (["DIANA", "--latex"], "is a method"),
        (["RandK", "--matrix"], "leave out the name"),
    ],
)
def test_what_cannot_be_shown_is_one_line(capsys, words, said):
    assert run(["list", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_class_that_is_not_finished_says_what_it_lacks(capsys):
    assert run(["list", "JointSketch"]) == 2
    assert (
        "JointSketch of compth/compressors/perm_k.py lacks draw, examples, inclusion"
        in capsys.readouterr().err
    )
