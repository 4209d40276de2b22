"""`compth list`: the catalogue with formulas as text, LaTeX and JSON, and the compatibility matrix."""

import json

import pytest

import compth as ct
from compth.cli import run
from compth.compressors.core.render import catalogue_row, catalogue_rows
from compth.methods import compatibility
from compth.methods.diana import DIANA
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
    assert any("see efbv.pl" in row for row in rows), "a long rate stands with its theorem"
    for column in ("says", "needs", "steps", "rate", "standing", "source"):
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
    assert not numeric(["0 < gamma <= 1/theta", "0 < gamma < 1"]), "a range of steps is text"
    assert numeric(["< 0.5", "<= 3", "12"])


def test_one_compressor_with_all_its_claims(capsys):
    text = shown(capsys, "RandK")
    row = catalogue_row(ct.RandK)
    for claim in row.claims:
        assert str(claim) in text
        assert claim.source in text
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
    assert "0 < gamma < 1/((1+4 omega/n) L_max)" in shown(capsys, "DIANA")
    assert found["requires"] == ["Unbiased"]


def test_the_latex_of_one_object(capsys):
    text = shown(capsys, "PermK", "--latex")
    assert "PermK & JointVariance" in text
    assert "RandK" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["randq"], "did you mean RandK, RankR or VRDIANA?"),
        ([""], "is not in the catalogue"),
        (["DIANA", "--latex"], "is a method"),
        (["RandK", "--matrix"], "leave out the name"),
    ],
)
def test_what_cannot_be_shown_is_one_line(capsys, words, said):
    assert run(["list", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
