"""Reports in a real browser: no script, no request, readable at phone width and on paper, everything escaped."""

from functools import cache

import numpy as np
import pytest

import compth as ct
from compth.reporting.comparison import comparison_page
from compth.reporting.tables_pages import sweep_page, tuning_page
from compth.reporting.verdict_page import html_page
from compth.worst_case.theorem_file import judge
from tests.browser import chromium

pytest.importorskip("playwright")
pytestmark = [pytest.mark.slow, pytest.mark.optional]

NASTY = '<img src=x onerror="document.title=1">&amp;'


@cache
def refuted():
    def rand2(x, rng):
        out = np.zeros(len(x))
        chosen = rng.choice(len(x), 2, replace=False)
        out[chosen] = x[chosen]
        return out

    rand2.__name__ = rand2.__qualname__ = NASTY
    return html_page(ct.certify(rand2, d=(3, 12), claims=ct.Unbiased("d/2 - 1"), budget="quick"))


@cache
def compared():
    problem = ct.problems.random_quadratic(3, 5, 5, seed=0)
    found = ct.compare([ct.GD(), ct.DCGD(ct.RandK(2)), ct.DIANA(ct.RandK(2))], problem, steps=60, runs=8)
    return comparison_page(found, f"compth compare {NASTY}")


@cache
def judged():
    claim = {
        "method": "EF21",
        "rate": "1 - gamma*mu*delta/2",
        "stepsize": "1/(4*L)",
        "delta": [0.1, 0.5],
        "n": 1,
    }
    return html_page(judge(claim, NASTY, {}), "compth refute")


def swept():
    rows = [
        {"problem": f"ridge on {NASTY}(n=4, d=13, kappa=31.527324)", "method": m, "seed": s, "rounds": 2163 + s,
         "bits": 1.4234e5 + s, "stepsize": 0.24846123, "theorem": "diana.original", "final": 1.90313e-17,
         "final_se": 2e-19, "guaranteed_rate": 0.99642412, "simulated_rate": 0.98184, "eps": 0.01}
        for m in ("DIANA RandK(k=2)", "GD") for s in range(3)
    ]  # fmt: skip
    return sweep_page(rows, "6 tasks", "compth sweep")


def tuned():
    found = [ct.tune(np.arange(1.0, 20), s, ct.costs.Affine(per_element=1, fixed=64)) for s in ("S", "SS")]
    rows = [[t.scheme, str(t.level), f"{float(t.efficiency):.12g}"] for t in found]
    return tuning_page(found, ["scheme", "level", "per cost"], rows, NASTY, "compth tune")


PAGES = [refuted, compared, judged, swept, tuned]


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


BROKEN = """[...document.querySelectorAll('td, li, p')].flatMap(e => {
  const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), out = [];
  for (let t = walk.nextNode(); t; t = walk.nextNode())
    for (const m of t.data.matchAll(/[0-9][0-9.,/]*(e[-+]?[0-9]+)?/g)) {
      const r = document.createRange(); r.setStart(t, m.index); r.setEnd(t, m.index + m[0].length);
      if (new Set([...r.getClientRects()].map(b => Math.round(b.top))).size > 1) out.push(m[0]);
    }
  return out; })"""


def on_all(tmp_path, ask):
    """{page: ask(page at 390 and 1200 px)}, in one browser."""
    out = {}
    with chromium() as browser:
        for make in PAGES:
            file = tmp_path / f"{make.__name__}.html"
            file.write_text(make(), encoding="utf-8")
            for width in (390, 1200):
                page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
                page.goto(file.as_uri())
                out[make.__name__, width] = ask(page)
                page.close()
    return out


def test_numbers_never_break(tmp_path):
    def ask(page):
        found = page.evaluate(BROKEN)
        page.emulate_media(media="print")
        return found + page.evaluate(BROKEN)

    assert {k: v for k, v in on_all(tmp_path, ask).items() if v} == {}


def test_a_number_that_breaks_is_seen(tmp_path):
    page = swept().replace("</style>", "td{word-break:break-all!important;max-width:2rem!important}</style>")
    assert look(page, tmp_path, 390, lambda p: p.evaluate(BROKEN))


CONTRAST = """[...document.querySelectorAll('td, th, li, p, pre')].map(e => {
  const rgb = c => c.match(/[0-9.]+/g).map(Number);
  const linear = v => v <= .04 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = c => rgb(c).slice(0, 3).reduce((s, v, i) => s + linear(v / 255) * [.2126, .7152, .0722][i], 0);
  let b = e; while (b.parentElement && rgb(getComputedStyle(b).backgroundColor)[3] === 0) b = b.parentElement;
  const both = [light(getComputedStyle(e).color), light(getComputedStyle(b).backgroundColor)];
  const [x, y] = both.sort((p, q) => q - p);
  return (x + .05) / (y + .05); })"""


def test_light_and_dark_pages_can_be_read(tmp_path):
    """Text and background of every cell and line differ by a contrast of 4.5 at least."""

    def ask(page):
        out = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            out.append(min(page.evaluate(CONTRAST)))
        return min(out)

    assert min(on_all(tmp_path, ask).values()) >= 4.5


def test_pale_text_would_be_seen(tmp_path):
    page = swept().replace("</style>", "td{color:#bbb!important}</style>")
    assert look(page, tmp_path, 1200, lambda p: min(p.evaluate(CONTRAST))) < 4.5


@pytest.mark.parametrize("make", PAGES)
def test_a_phone_scrolls_tables_and_not_the_page(make, tmp_path):
    def check(page):
        wide = page.evaluate("document.documentElement.scrollWidth")
        size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        return wide, size

    wide, size = look(make(), tmp_path, 390, check)
    assert wide <= 390
    assert size >= 14


@pytest.mark.parametrize("make", PAGES)
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
