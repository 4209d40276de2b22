"""Pages of check, refute, tune and sweep: the verdict at a glance, columns in the order of questions, a curve."""

import re
from dataclasses import replace

import numpy as np

import compth as ct
from compth.cli import run
from compth.reporting.page import html_table
from compth.reporting.tables_pages import best_of, over_seeds, shared, sweep_page, tuning_figure
from compth.reporting.verdict_page import html_page
from compth.text.counts import counted
from compth.worst_case.theorem_file import judge


def plain(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]))


def halved(x, rng):
    """Rand-2 without its scale."""
    out = np.zeros(len(x))
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen]
    return out


def test_a_refutation_is_seen_first_with_its_numbers():
    report = ct.certify(halved, d=3, claims=[ct.Unbiased("1/2"), ct.Contractive("2/3")], budget="quick")
    script = "# what it is\nimport os\nfrom a import b\nX = np.array([1.0, 0.0, 0.0])\n# From here on: the rest\nmore"
    report = replace(report, info={**report.info, "reproduction": script})
    page = html_page(report, "compth check")
    banner = re.search(r'<p class="verdict REFUTED">(.*?)</p>', page)[1]
    assert "<b>REFUTED</b> Unbiased(omega=1/2) at d = 3: ||E C(x) - x||^2 = 1/9 ||x||^2" in banner
    verdicts = re.findall(r'<td class="([A-Z]+)" data-label="verdict">', page)
    assert verdicts[0] == "REFUTED"
    assert (counted(1, "input"), counted(2, "input")) == ("1 input", "2 inputs")
    assert ">1 inputs" not in page
    head = page.partition("<h2>Reproduction script</h2><pre>")[2].partition("</pre>")[0]
    assert "import" not in head
    assert "X = np.array([1.0, 0.0, 0.0])" in head


def test_a_proof_is_seen_first_and_its_assumptions_are_there():
    text = plain(html_page(ct.certify(ct.RandK(k=2), d=3, budget="quick")))
    assert text.index("PROVED for all inputs") < text.index("Assumed") < text.index("Not checked")
    stored = ct.Report.from_json(ct.certify(ct.RandK(k=2), d=3, budget="quick").to_json())
    assert "The file&#x27;s word" in html_page(stored) or "The file's word" in html_page(stored)


def test_a_judged_theorem_has_a_page_with_every_place():
    claim = {"method": "EF21", "rate": "1 - gamma*mu*delta/2", "stepsize": "1/(4*L)", "mu": 1, "L": [2, 10],
             "delta": [0.1, 0.5], "n": 1}  # fmt: skip
    page = html_page(judge(claim, "<T>", {}), "compth refute")
    assert "&lt;T&gt;" in page
    assert "<T>" not in page
    assert "<b>REFUTED</b> 2 refuted, 2 proved" in page
    grid = page.partition("<h2>Where</h2>")[2].partition("</table>")[0]
    assert re.findall(r'<td class="([A-Z]+)"', grid) == ["REFUTED", "PROVED", "REFUTED", "PROVED"]
    places = page.partition("<h2>Every place</h2>")[2]
    assert places.count("<tr>") == 5
    assert "1.47869" in places


def test_refute_writes_its_page(tmp_path, capsys):
    page = tmp_path / "r.html"
    assert (
        run(["refute", "dcgd.general", "--mu", "1/10", "--omega", "2", "-n", "1", "--report", str(page)]) == 0
    )
    assert "<b>PROVED</b>" in page.read_text()
    page.write_text("mine")
    assert run(["refute", "dcgd.general", "--mu", "1/10", "--report", str(page)]) == 2
    assert "was not written by compth" in capsys.readouterr().err
    assert page.read_text() == "mine"


def test_tunes_page_has_its_curve(tmp_path, capsys):
    page = tmp_path / "t.html"
    assert run(["tune", "digits", "-s", "S", "-s", "S+Q", "--report", str(page)]) == 0
    text = page.read_text()
    assert text.count("<svg") == 1
    assert "S+Q at level 7 buys the most for its cost" in text
    found = [ct.tune(np.arange(1.0, 20), s, ct.costs.Affine(per_element=1, fixed=64)) for s in ("S", "SS")]
    curves, dots = tuning_figure(found).axes[0].lines[0::2], tuning_figure(found).axes[0].lines[1::2]
    for t, curve, dot in zip(found, curves, dots, strict=True):
        assert np.allclose(curve.get_ydata(), np.asarray(t.curve, float))
        assert dot.get_xdata() == [float(t.level)]
        assert dot.get_ydata() == [max(curve.get_ydata())]
    zero = ct.tune(np.zeros(3), "S")
    assert best_of([zero]) == "The gradient is zero: send nothing."
    assert tuning_figure([zero]).axes


ROWS = [
    {"version": "1", "seed": s, "method": m, "bits": b, "problem": "p", "n": 2, "d": 3, "kappa": 4.0, "eps": 0.1,
     "rounds": r, "diverged": 0, "final": 1e-3}
    for m, r, b in (("GD", 10, 3200.0), ("EF21", None, None)) for s in (0, 1, 2)
]  # fmt: skip
ROWS[1] = ROWS[1] | {"rounds": 14, "bits": 4480.0}
ROWS.append({"method": "DIANA", "version": "1", "seed": 0, "error": "no luck <b>"})


def test_a_sweep_is_summed_up_over_its_seeds():
    header, rows = over_seeds(ROWS)
    held = {row[1]: dict(zip(header, row, strict=True)) for row in rows}
    assert held["GD"]["rounds to eps"] == "10 (10 to 14)"
    assert held["GD"]["bits to eps"] == "3.2 kbit"
    assert (held["EF21"]["rounds to eps"], held["EF21"]["reached"], held["EF21"]["failed"]) == (
        "-",
        "0/3",
        "0",
    )
    assert held["DIANA"]["failed"] == "1"


def test_columns_of_a_sweep_stand_in_the_order_of_questions():
    same, names = shared(ROWS[:-1])
    assert names == ["problem", "method", "seed", "rounds", "bits"]
    assert same == {"version": "1", "eps": 0.1, "diverged": 0, "final": 1e-3}
    _, all_names = shared(ROWS)
    assert all_names[-1] == "error"
    page = sweep_page(ROWS, "7 tasks of x.toml", "compth sweep x.toml")
    assert "no luck &lt;b&gt;" in page
    head = re.findall(r"<th[^>]*>([^<]*)</th>", page.partition("<h2>Every row</h2>")[2])
    assert head[:3] == ["problem", "method", "seed"]


def test_cells_carry_their_column_for_phones():
    table = html_table(["a <b>", "n"], [["x" * 40, "12"], ["REFUTED", "-"]])
    assert 'class="w" data-label="a &lt;b&gt;"' in table
    assert '<td class="n" data-label="n">12</td>' in table
    assert 'class="REFUTED"' in table
