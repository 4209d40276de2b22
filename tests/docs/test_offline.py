"""The built documentation in a browser: formulas are typeset and nothing is asked of the network."""

from pathlib import Path

import pytest

from tests.browser import chromium

pytest.importorskip("playwright")
pytestmark = [pytest.mark.slow, pytest.mark.optional]
BUILT = Path(__file__).resolve().parents[2] / "docs" / "_build" / "html"
PAGES = ("index", "evidence", "generated/catalogue/RandK", "generated/theorems/dcgd_general")


@pytest.mark.skipif(not (BUILT / "index.html").is_file(), reason="make docs first")
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_are_whole_without_a_network(width):
    with chromium() as browser:
        page = browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
        asked = []
        page.on("request", lambda r: asked.append(r.url))
        for name in PAGES:
            page.goto((BUILT / f"{name}.html").as_uri())
            if page.locator(".math").count():
                page.wait_for_selector("mjx-container svg", timeout=600_000, state="attached")
                assert page.locator("mjx-container").count() == page.locator(".math").count(), name
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert page.locator("mjx-merror").count() == 0, name
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
