"""Shared settings: one BLAS thread, no display, Hypothesis deterministic; long cases are slow tests."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings

settings.register_profile("compth", derandomize=True, database=None, deadline=None)
settings.load_profile("compth")

LONG_CASES = Path(__file__).with_name("long_cases.txt")
"""Cases that took more than LONG when last recorded: left out of `make check`, run by `make test`."""
LONG = 0.15
"""Processor seconds, of the test and the processes that it waited for: the same on a busy machine."""
SPENT = "processor seconds"


def pytest_addoption(parser):
    parser.addoption("--record-long-cases", action="store_true", help="write tests/long_cases.txt anew")


def pytest_collection_modifyitems(items):
    listed = set(LONG_CASES.read_text().splitlines())
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.slow)


def spent():
    return sum(os.times()[:4])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    before = spent()
    yield
    item.user_properties.append((SPENT, spent() - before))


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--record-long-cases"):
        reports = terminalreporter.stats.get("passed", [])
        taken = {r.nodeid for r in reports if r.when == "call" and dict(r.user_properties)[SPENT] > LONG}
        known = set(LONG_CASES.read_text().splitlines()) if config.getoption("markexpr") else set()
        LONG_CASES.write_text("\n".join(sorted(taken | known)) + "\n")
