"""Shared settings: one BLAS thread, no display, Hypothesis deterministic; long cases are slow tests."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings

from .thorough import ALL, later, thorough

settings.register_profile("compth", derandomize=True, database=None, deadline=None)
settings.load_profile("compth")

LONG_CASES = Path(__file__).with_name("long_cases.txt")
"""Cases that took more than LONG when last recorded: left out of `make check`, run by `make test`."""
LONG = 0.15
"""Processor seconds, of the test and the processes that it waited for: the same on a busy machine."""
SPENT = "processor seconds"


def pytest_addoption(parser):
    parser.addoption("--record-long-cases", action="store_true", help="write tests/long_cases.txt anew")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(config, items):
    listed = set(LONG_CASES.read_text().splitlines())
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.slow)
    left = later(items)
    for item in left:
        item.add_marker(thorough)
    if not ALL and of_the_whole_suite(config):
        items[:] = [item for item in items if item not in set(left)]
        config.hook.pytest_deselected(items=left)


def of_the_whole_suite(config):
    """Whether no file or folder was named: who names one gets all its cases."""
    named = {(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args}
    return named == {Path(__file__).resolve().parent}


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
