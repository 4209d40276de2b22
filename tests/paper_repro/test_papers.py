"""Every paper: targets are data of known standing, a planted error in compth fails the run, the quick run is right."""

import importlib
import json
import math
import re
from collections import Counter

import pytest

import compth as ct
from compth.reporting.reports import figure_bytes
from paper_repro import _papers
from paper_repro._command import main
from paper_repro._papers import ROOT, keys, paper, targets
from paper_repro._targets import Standing, Verdict, judge
from tests.unwatched import unwatched

KEYS = keys()
FAST = ("natural", "rdme")
"""Papers whose quick run takes seconds: it is run here; the others' is a step of the whole check (.ci/run)."""


@pytest.mark.parametrize("key", KEYS)
def test_targets_are_documented_and_of_known_standing(key):
    found = targets(key)
    assert len([t for t in found if not t.not_run]) >= 3
    for t in found:
        assert isinstance(t.standing, Standing)
        assert t.where
        assert t.quantity
    assert (ROOT / key / "README.md").read_text().startswith("# ")
    module = paper(key)
    assert isinstance(module.SOURCE, ct.sources.Source)
    assert all(draw.__doc__ for draw in module.FIGURES.values())
    assert module.__doc__


def test_the_readme_counts_the_kinds_as_they_are():
    rows = [t for key in KEYS for t in targets(key)]
    expected = Counter(
        Verdict.NOT_RUN if t.not_run else Verdict.DIFFERS if t.differs else t.kind for t in rows
    )
    text = (ROOT.parent / "README.md").read_text()
    found = re.findall(rf"(\d+) ({'|'.join(Verdict)}) \(|(\d+) (NOT RUN)\.", text)
    assert {b or d: int(a or c) for a, b, c, d in found} == {v.value: n for v, n in expected.items()}


def verdict(folder, *arguments):
    """Exit code, and verdict by target."""
    code = main([*arguments, "--quick", "--fresh", "--jobs", "1", "--out", str(folder)])
    record = json.loads((folder / "results.json").read_text())
    return code, {t["id"]: t["verdict"] for p in record["papers"] for t in p["targets"]}


ROWS = [pytest.param(key, t, id=f"{key}-{t.id}") for key in KEYS for t in targets(key)]


def beyond(target, sign):
    """The value, each entry in its turn, 1 % beyond its tolerance (1e-12 or 1 % of the tolerance beyond 0)."""
    expected = target if target.ours is None else target.instead
    if isinstance(expected.value, bool):
        return [not expected.value, math.nan]
    if isinstance(expected.value, str):
        return [expected.value + "?", math.nan]

    def moved(v):
        slack = expected.absolute + expected.relative * abs(float(v))
        return float(v) + sign * (1.01 * slack + (0.01 * abs(float(v)) or 1e-12))

    if not isinstance(expected.value, list):
        return [moved(expected.value)]
    held = expected.value
    return [[moved(v) if i == j else v for j, v in enumerate(held)] for i in range(len(held))]


@pytest.mark.parametrize(("key", "target"), ROWS)
def test_every_row_fails_when_its_value_moves(key, target):
    """One per cent beyond the tolerance: of what we get, to both sides, where the row says it; else of the bound; NaN,
    infinity and nonsense."""
    expected = target.value if target.ours is None else target.ours
    right = judge(key, target, {target.id: expected}, False)
    assert right.good
    assert right.verdict is (Verdict.DIFFERS if target.differs else target.kind)
    sides = {"=": (1, -1), "<=": (1,), ">=": (-1,)}[target.sense if target.ours is None else "="]
    wrong = [v for sign in sides for v in beyond(target, sign)]
    wrong += [
        math.nan,
        [math.nan],
        "nonsense",
        *(s * math.inf for s in sides),
        *(s * 12345678 for s in sides),
    ]
    for value in wrong:
        row = judge(key, target, {target.id: value}, False)
        assert not row.good
        assert row.verdict is (target.kind if target.agrees(value) else Verdict.DIFFERS)


PLANTED = {key: importlib.import_module(f"tests.paper_repro.planted_{key}").PLANTED for key in KEYS}
SLOW = ("real.orders", "fig1a.tradeoff", "fig1a.large", "abstract.each_iteration", "abstract.memory")


def kind(target):
    """The verdict of a row that runs."""
    return Verdict.DIFFERS if target.differs else target.kind


@pytest.mark.parametrize("key", KEYS)
def test_errors_are_planted_for_every_kind_of_row(key):
    rows = [t for t in targets(key) if not t.not_run]
    assert {kind(t) for t in rows if t.id in PLANTED[key]} == {kind(t) for t in rows}
    assert set(PLANTED[key]) <= {t.id for t in rows}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param(key, name, marks=[pytest.mark.slow] if name in SLOW else [])
        for key in KEYS
        for name in PLANTED[key]
    ],
)
@unwatched()
def test_a_planted_error_fails_the_run(key, name, tmp_path, monkeypatch):
    """The value as the paper's run computes it is right; with the error in compth the row and the run fail."""
    value, plant = PLANTED[key][name]
    module = paper(key)
    only = tuple(t for t in targets(key) if t.id == name)
    monkeypatch.setattr(module, "run", lambda quick: _papers.Results({name: value()}))
    monkeypatch.setattr(module, "FIGURES", {})
    monkeypatch.setattr(_papers, "targets", lambda key: only)
    assert verdict(tmp_path, key) == (0, {name: kind(only[0]).value})
    plant(monkeypatch)
    code, found = verdict(tmp_path, key)
    bound = only[0].sense != "=" and only[0].ours is not None  # it may hold, and what we get has moved
    assert code == 1
    assert found == {name: "DIFFERS"} or (bound and found == {name: only[0].kind.value})


@pytest.mark.slow
@pytest.mark.parametrize("key", FAST)
def test_the_quick_run_is_as_it_should_be(key, tmp_path):
    code, found = verdict(tmp_path, key)
    assert code == 0
    assert set(found) == {t.id for t in targets(key)}
    files = set(json.loads((tmp_path / key / "result.json").read_text())["files"])
    assert {
        f"{name}.{kind}" for name in paper(key).FIGURES for kind in ("svg", "pdf", "png", "json")
    } == files
    for name, draw in paper(
        key
    ).FIGURES.items():  # the stored data are all of the figure, and give the same bytes
        data = json.loads((tmp_path / key / f"{name}.json").read_text())["data"]
        figure = draw(data)
        for kind in ("svg", "pdf", "png"):
            assert figure_bytes(figure, kind) == (tmp_path / key / f"{name}.{kind}").read_bytes()
