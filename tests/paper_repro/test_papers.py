"""Every paper: targets are data of known standing, a planted error in compth fails the run, the quick run is right."""

import importlib
import json

import pytest

import compth as ct
from compth.reports import figure_bytes
from paper_repro import _papers
from paper_repro.__main__ import main
from paper_repro._papers import ROOT, keys, paper, targets
from paper_repro._targets import Standing

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


def verdict(folder, *arguments):
    """Exit code, and verdict by target."""
    code = main([*arguments, "--quick", "--fresh", "--jobs", "1", "--out", str(folder)])
    record = json.loads((folder / "results.json").read_text())
    return code, {t["id"]: t["verdict"] for p in record["papers"] for t in p["targets"]}


@pytest.mark.parametrize("key", KEYS)
def test_a_planted_error_fails_the_run(key, tmp_path, monkeypatch):
    """planted_<key>.py: TARGET, value() as the paper's run computes it, plant(monkeypatch) spoils compth."""
    planted = importlib.import_module(f"tests.paper_repro.planted_{key}")
    module = paper(key)
    only = tuple(t for t in targets(key) if t.id == planted.TARGET)
    assert not only[0].differs
    monkeypatch.setattr(module, "run", lambda quick: _papers.Results({planted.TARGET: planted.value()}))
    monkeypatch.setattr(module, "FIGURES", {})
    monkeypatch.setattr(_papers, "targets", lambda key: only)
    assert verdict(tmp_path, key) == (0, {planted.TARGET: "REPRODUCED"})
    planted.plant(monkeypatch)
    assert verdict(tmp_path, key) == (1, {planted.TARGET: "DIFFERS"})


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
