"""`compth list`: the catalogue with formulas as text, LaTeX and JSON, and the compatibility matrix."""

import json

import pytest

from compth.cli import run
from compth.compressors.core.render import catalogue_rows
from compth.methods import compatibility
from compth.reporting.reports import numeric, text_table


def shown(capsys, *arguments):
    assert run(["list", *arguments]) == 0
    return capsys.readouterr().out


def test_text_shows_formula_standing_attribution_source_and_bits(capsys):
    (line,) = [v for v in shown(capsys).splitlines() if v.startswith("NaturalCompression ")]
    for part in ("Unbiased(omega = 1/8)", "/READ", "1905.10988", "900 (signs 100 + levels 800) at d = 100"):
        assert part in line


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
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    assert r"RandK & Unbiased: $\omega = \frac{d}{k} - 1$ & " in text
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
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
    reasons = [v for v in text if v.startswith("  ")]
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


def test_piped_text_stands_left_and_numbers_right(capsys):
    assert run(["theorems"]) == 0
    header, _, *rows = capsys.readouterr().out.splitlines()
    for column in ("says", "needs", "standing", "source"):
        at = header.index(column)
        assert all(row[at] != " " and row[at - 1] == " " for row in rows)
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
