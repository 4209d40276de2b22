"""The lessons in a real browser: they render without an error and answer a slider with little work."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from compth.certification.processes import family, processor_seconds
from tests.browser import chromium
from tests.thorough import thorough, tries

pytest.importorskip("marimo")
pytest.importorskip("playwright")
pytestmark = [pytest.mark.slow, pytest.mark.optional]

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "docs" / "notebooks").glob("lesson_*.py"))
SLOWEST = 3.0
"""Processor seconds of the server between a key on a slider and the new result, after a warm-up key: best of four."""
HANG = 600
"""Seconds after which something hangs, on the busiest machine."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def served(lesson):
    """A marimo server with the lesson as an app; ended with the test."""
    port = free_port()
    command = [sys.executable, "-m", "marimo", "run", str(lesson), "--headless", "--no-token"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--show-tracebacks"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, start_new_session=True, **quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + HANG
        while True:
            try:
                with urllib.request.urlopen(url + "/health", timeout=2):
                    break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.2)
        yield url, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=HANG)


def press(page, slider, key, server):
    """Processor seconds of the server from a key on the slider to a result that differs."""
    before = page.locator("p.result").inner_text()
    slider.focus()
    start = used(server)
    slider.press(key)
    page.wait_for_function(
        "before => document.querySelector('p.result')?.innerText !== before", arg=before, timeout=HANG * 1000
    )
    return used(server) - start


def used(pid):
    """Processor seconds of a process and all below it."""
    return processor_seconds(pid) + sum(seen.seconds for seen in family(pid).values())


@thorough
@pytest.mark.parametrize("lesson", LESSONS[: tries(1, None)], ids=lambda p: p.stem)
def test_a_slider_answers_promptly(lesson):
    with served(lesson) as (url, server), chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 1300})
        problems = []
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.goto(url)
        page.wait_for_selector("p.result", timeout=HANG * 1000)
        page.wait_for_selector("svg g", timeout=HANG * 1000)
        slider = page.get_by_role("slider").first
        press(page, slider, "ArrowRight", server)
        times = [press(page, slider, key, server) for key in ("ArrowLeft", "ArrowRight") * 2]
        text = page.inner_text("body")
        folder = os.environ.get("COMPTH_SCREENSHOTS")
        if folder:
            page.screenshot(path=f"{folder}/{lesson.stem}.png", full_page=True)
            Path(folder, f"{lesson.stem}.txt").write_text(f"{times}\n")
    assert "Exercises" in text
    assert not re.search(r"Traceback|Error:|An internal error", text)
    assert problems == []
    assert min(times) < SLOWEST, times
