"""README's tables and pictures: the tool that holds them against their commands, and the errors it must see."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()
QUICK = "compth check mine.py"


@pytest.fixture
def readme(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("readme")


def test_every_block_of_output_and_every_picture_has_its_command(readme):
    """Code, configuration and command lines aside: those begin otherwise than a result."""
    pictures = re.findall(r"^!\[.*?\]\((.*?)\)", TEXT, re.M)
    assert [*dict(readme.PICTURE.findall(TEXT)).values()] == pictures
    assert len(pictures) == 2
    marked = {block for _, block in [*readme.TABLE.findall(TEXT), *readme.FILE.findall(TEXT)]}
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S):
        assert language or block in marked or block.startswith(("compth ", "pip ")), block


def test_the_demo_is_the_makefiles(readme):
    assert readme.arguments("make demo") == [
        "compare",
        "--dataset",
        "digits",
        "--workers",
        "10",
        "--split",
        "label",
        "--steps",
        "theorem,best",
    ]


@pytest.mark.slow
def test_a_table_is_what_is_printed_and_a_changed_one_is_seen_and_mended(readme):
    assert readme.compare(TEXT, ROOT, only=QUICK) == ([], TEXT)
    false = TEXT.replace("= 1/9 ||x||^2", "= 1/8 ||x||^2")
    assert false != TEXT
    wrong, mended = readme.compare(false, ROOT, only=QUICK)
    assert [name.partition(":")[0] for name in wrong] == ["table"]
    assert mended == TEXT


def test_another_picture_is_seen(readme, tmp_path):
    """One of the curves of README's first picture is moved by a few pixels."""
    from matplotlib.image import imread, imsave

    kept = ROOT / "docs/images/compare.png"
    pixels = imread(kept)
    moved = pixels.copy()
    moved[100:600, 60:500] = np.roll(moved[100:600, 60:500], 4, axis=0)
    imsave(tmp_path / "moved.png", moved)
    imsave(tmp_path / "same.png", pixels)
    assert readme.same_picture(kept, tmp_path / "same.png")
    assert not readme.same_picture(kept, tmp_path / "moved.png")
    assert not readme.same_picture(kept, ROOT / "docs/images/who_is_right.png")


def test_a_picture_of_the_figures_is_drawn_by_their_command(readme, tmp_path, monkeypatch):
    """A quick figure in place of README's; a page that holds another figure's picture is seen."""
    page = "<!-- picture: python -m figures floors -->\n![x](kept.png)\n"
    drawn = ROOT / "docs/images/compare.png"

    def run(command, files, folder):
        (folder / "out").mkdir()
        (folder / "out" / "floors.png").write_bytes(drawn.read_bytes())
        return []

    monkeypatch.setattr(readme, "run", run)
    (tmp_path / "kept.png").write_bytes((ROOT / "docs/images/who_is_right.png").read_bytes())
    assert readme.compare(page, tmp_path) == (["picture: python -m figures floors"], page)
    readme.compare(page, tmp_path, write=True)
    assert readme.compare(page, tmp_path) == ([], page)
