"""The numbers on the page that explains tuning are those that the code gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import compth as ct
from tests.thorough import alone

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (\w+) \| (S|S\+Q) \| (\d+) \| (\d+) \| (\d+) \(T = (\d+)\) \| ([\d.]+) \|$", re.MULTILINE
)
LEVELS = (1, 4, 8, 16, 32, 64)


@alone
@pytest.mark.slow
def test_the_table_of_links():
    rows = ROW.findall(PAGE)
    assert len(rows) == 6
    problem = ct.problems.ridge("digits", 1)
    for link, scheme, full, tuned, best, level, regret in rows:
        found = ct.compare_levels(problem, scheme, link, LEVELS, steps=1000, runs=1, currency="cost")
        assert (found.full, found.tuned) == (float(full), float(tuned))
        assert found.hindsight == (int(level), float(best))
        assert f"{found.regret:.3f}" == regret


@pytest.mark.slow
def test_several_workers_are_the_caution_that_the_page_gives():
    problem = ct.problems.ridge("digits", 10, split="iid")
    found = ct.compare_levels(problem, "SS", "ethernet", (64,), steps=600, runs=4, eps=1e-2, currency="cost")
    assert found.tuned > 1.5 * found.fixed[64] > 2 * found.full


def test_the_worked_example_runs_and_prints_what_it_says():
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(code) == 1
    done = subprocess.run(
        [sys.executable, "-c", code[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == code[0].rsplit("# ", 1)[1].strip()
