"""What a person would stumble over in the pages is an error of the build; lessons have pages of their own."""

import importlib
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
pytestmark = pytest.mark.optional
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<p>&lt;Figure size 1260x588 with 3 Axes&gt;</p>", "printed"),
        ("<td><ul>\n<li></li>\n</ul></td>", "empty"),
        ("<li><p></p></li>", "empty"),
    ],
)
def test_a_page_with_a_fault_is_seen(load, page, said):
    looks = load("looks")
    assert [said in fault for fault in looks.faults(page)] == [True]
    assert looks.faults("<ul><li><p>-</p></li></ul><p>a figure</p>") == []


def test_an_example_without_a_picture_is_seen(load, tmp_path):
    looks = load("looks")
    for name in ("plot_one", "plot_two"):
        (tmp_path / f"{name}.py").touch()
    (tmp_path / "sphx_glr_plot_one_001.png").touch()
    assert looks.without_a_picture(tmp_path, tmp_path) == ["plot_two"]


def test_a_dash_in_a_table_is_no_list(load):
    docutils = pytest.importorskip("docutils.core")
    text = load("rst").table(["a", "b"], [["x", "-"]])
    page = docutils.publish_parts(text, writer="html5")["body"]
    assert load("looks").faults(page) == []
    assert "<li" not in page
    assert ">-<" in page.replace("<p>", "").replace("</p>", "").replace("\n", "")


def test_arxiv_numbers_lead_to_their_page(load):
    linked = load("rst").linked("Mishchenko 2019 (arXiv 1901.09269), Thm 1; S_q")
    assert linked == (
        r"Mishchenko 2019 (`arXiv 1901.09269 <https://arxiv.org/abs/1901.09269>`__), Thm 1; S\_q"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at $x$ it is $E\\|x_t\\|$", r"at :math:`x` it is :math:`E\|x_t\|`"),
        ("`a_b` and a_b", r"``a_b`` and a\_b"),
        ("the $k$th of $d$-vectors", r"the :math:`k`\ th of :math:`d`-vectors"),
    ],
)
def test_words_of_lessons_are_marked(load, text, shown):
    assert load("lesson_pages").marked(text) == shown


@pytest.mark.slow
def test_a_lesson_has_its_page_with_words_picture_and_questions(load, tmp_path, monkeypatch):
    pytest.importorskip("marimo")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "notebooks"))
    page = load("lesson_pages").lesson_page("lesson_1_omega_and_delta", tmp_path)
    assert page.startswith("What omega and delta measure\n====")
    assert page.count("\n#. ") == 4
    assert (tmp_path / "lesson_1_omega_and_delta.png").stat().st_size > 10_000


def test_the_lessons_page_shows_them_all():
    text = (ROOT / "docs/lessons.rst").read_text()
    for file in (ROOT / "docs/notebooks").glob("lesson_*.py"):
        assert f"{file.stem}.png" in text
        assert f"<generated/lessons/{file.stem}>" in text
