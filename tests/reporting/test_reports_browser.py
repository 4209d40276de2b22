"""Reports in a real browser: no script, no request, readable at phone width and on paper, everything escaped."""

import numpy as np
import pytest

import compth as ct
from compth.reporting.certification import html_page
from compth.reporting.comparison import comparison_page
from tests.browser import chromium

pytest.importorskip("playwright")
pytestmark = [pytest.mark.slow, pytest.mark.optional]

NASTY = '<img src=x onerror="document.title=1">&amp;'


def refuted():
    def rand2(x, rng):
        out = np.zeros(len(x))
        chosen = rng.choice(len(x), 2, replace=False)
        out[chosen] = x[chosen]
        return out

    rand2.__name__ = rand2.__qualname__ = NASTY
    return html_page(ct.certify(rand2, d=(3, 12), claims=ct.Unbiased("d/2 - 1"), budget="quick"))


def compared():
    problem = ct.problems.random_quadratic(3, 5, 5, seed=0)
    found = ct.compare([ct.GD(), ct.DCGD(ct.RandK(2)), ct.DIANA(ct.RandK(2))], problem, steps=60, runs=8)
    return comparison_page(found, f"compth compare {NASTY}")


def look(page_text, tmp_path, width, check):
    """check(page) on the page without JavaScript at this width; network requests are collected."""
    file = tmp_path / "report.html"
    file.write_text(page_text, encoding="utf-8")
    asked = []
    with chromium() as browser:
        page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
        page.on("request", lambda r: asked.append(r.url))
        page.goto(file.as_uri())
        result = check(page)
    assert asked == [file.as_uri()]
    return result


@pytest.mark.parametrize("make", [refuted, compared])
def test_nothing_a_user_wrote_becomes_markup(make, tmp_path):
    text = make()
    assert "<script" not in text

    def check(page):
        assert page.locator("img").count() == 0
        assert page.title().startswith("compth")
        body = page.inner_text("body")
        assert NASTY in body
        assert "seed" in body
        assert "numpy" in body

    look(text, tmp_path, 1200, check)


def test_an_unescaped_page_would_be_caught(tmp_path):
    text = compared().replace("&lt;img", "<img").replace("&quot;", '"').replace("&gt;", ">")
    with pytest.raises(AssertionError):
        look(text, tmp_path, 1200, lambda page: page.locator("img").count())


@pytest.mark.parametrize("make", [refuted, compared])
def test_a_phone_scrolls_tables_and_not_the_page(make, tmp_path):
    def check(page):
        wide = page.evaluate("document.documentElement.scrollWidth")
        size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        return wide, size

    wide, size = look(make(), tmp_path, 390, check)
    assert wide <= 390
    assert size >= 14


@pytest.mark.parametrize("make", [refuted, compared])
def test_paper_cuts_nothing_off(make, tmp_path):
    """On an A4 sheet no table, figure or script is wider than what the page's own style leaves."""
    sheet = round((29.7 - 2) / 2.54 * 96)  # landscape less margins, at 96 dpi

    def check(page):
        page.emulate_media(media="print")
        widths = page.evaluate(
            "[...document.querySelectorAll('table, svg, pre')].map(e => Math.round(e.getBoundingClientRect().right))"
        )
        return widths, len(page.pdf(prefer_css_page_size=True))

    widths, length = look(make(), tmp_path, sheet, check)
    assert widths
    assert max(widths) <= sheet
    assert length > 5000
