"""A judged file's body as data: the same analysis as of the body itself, and nothing that the file could forge."""

import json

import pytest

import compth as ct
from compth.certification import sandbox
from compth.cli import run
from compth.methods.core.body import BodyMethod
from compth.worst_case.body_told import _well_formed, body_of, told_body
from compth.worst_case.told import Statement
from tests.methods import bodies

PROBLEM = ct.problems.random_quadratic(n=3, d=4, kappa=10, seed=0)
DEAR = {"Chain", "Half", "Slow", "Copied"}
"""Long analyses, of bodies that hold nothing that others do not."""
ALL = [
    kind
    for name, kind in vars(bodies).items()
    if isinstance(kind, type) and issubclass(kind, BodyMethod) and kind is not BodyMethod and name not in DEAR
]
NOT_TOLD = {"TwoCoins", "Parted", "Sampling"}
"""Two coins, and gradients of parts."""
QUICK = {"Gradient", "Compressed", "Shifted", "Subnetwork", "Noisy", *NOT_TOLD}


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=() if k.__name__ in QUICK else pytest.mark.slow, id=k.__name__) for k in ALL],
)
def test_the_analysis_of_what_is_told_is_that_of_the_body(kind):
    told = told_body(Statement(kind, kind.__name__))
    assert bool(told) == (kind.__name__ not in NOT_TOLD)
    if not told:
        return
    assert _well_formed(told)
    given = {"gamma": 0.1} if told["gamma"] else {}
    params = {k: 0.25 for k, value in told["params"].items() if value is None}
    one, other = (
        ct.analyse(k, [ct.RandK(1)], PROBLEM, params=params, **given).to_dict() for k in (kind, body_of(told))
    )
    assert one == other


def test_what_is_no_body_alone_is_not_told():
    def asks(w, x, *, gamma):
        return dict(x=x - gamma * w.gradient(x) if gamma > 1 else x)

    @ct.method(theorems=ct.DIANA.theorems()[:1])
    def promises(w, x, *, gamma):
        return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))))

    for thing in (asks, promises, ct.DIANA, ct.GD(), 3):
        assert told_body(Statement(thing, "thing")) == {}


GOOD = told_body(Statement(bodies.Shifted, "Shifted"))


@pytest.mark.parametrize(
    "damage",
    [
        {"name": "a b"}, {"server": ["y"]}, {"server": "x"}, {"worker": ["x"]}, {"params": {"n": None}},
        {"params": {"alpha": "1"}}, {"ops": [("gradient", [("common", "state", "z", 1)], 1, 3)]},
        {"ops": [("gradient", [("common", "gradient", 0, 1)], 1, 3)]}, {"ops": [("picked", [], 1, 3)]},
        {"ops": [("gradient", [("common", "state", "x", ("**", "beta", 2))], 1, 3)]},
        {"ops": [("gradient", [("common", "state", "x", ("import", "os", 2))], 1, 3)]},
        {"leaves": []}, {"leaves": [{"x": []}]}, {"chance": "gamma"}, {"gamma": 1}, {"start": {"h": "one"}},
        {"start": {"x": "x0"}},
    ],
    ids=str,
)  # fmt: skip
def test_malformed_data_makes_no_body(damage):
    assert _well_formed(GOOD)
    assert not _well_formed({**GOOD, **damage})


FILE = """
import compth as ct

def Shifted(w, x, h: ct.Worker, *, gamma, alpha):
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c)
"""
FORGES = """
import sys
import compth.studies.method_analysis, compth.worst_case, compth.worst_case.search, compth.dynamics

def forged(*args, **more): raise SystemExit("forged")
for module in [m for name, m in list(sys.modules.items()) if name.startswith("compth")]:
    for name in ("analyse", "tight_rate", "best_parameters", "exact_rate", "max_stable_step", "best_step"):
        if hasattr(module, name): setattr(module, name, forged)
"""
WRITES = """
import os
for descriptor in range(64):
    try: os.write(descriptor, b'{"analysis": {"settings": [{"certified": 1e-9}]}, "text": "rho = 1e-9"}\\n')
    except OSError: pass
"""


@pytest.mark.slow
def test_no_number_of_an_analysis_can_be_written_by_the_file(tmp_path, capsys, monkeypatch):
    arguments = ["--mu", "1/10", "--L", "1", "--omega", "1", "-n", "2", "--json"]
    (tmp_path / "mine.py").write_text(FILE)
    (tmp_path / "forges.py").write_text(FILE + FORGES)
    monkeypatch.setattr(sandbox, "ask", None)  # no process of the file's analyses
    assert run(["analyse", f"{tmp_path / 'mine.py'}:Shifted", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 0.5 < found["settings"][0]["certified"] < 1
    assert "trusted" not in found
    assert run(["analyse", f"{tmp_path / 'forges.py'}:Shifted", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "changes the package that judges it" in err
    path = tmp_path / "writes.py"
    path.write_text(FILE + WRITES)
    assert run(["analyse", f"{path}:Shifted", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "malformed data" in err


@pytest.mark.slow
def test_what_is_computed_with_the_file_says_so(tmp_path, capsys):
    path = tmp_path / "mine.py"
    asks = FILE.replace("    c = ", "    if alpha > 1: return dict(x=x, h=h)\n    c = ")
    path.write_text(asks)
    assert run(["analyse", f"{path}:Shifted", "--param", "gamma=1/4", "--param", "alpha=1/4"]) == 0
    assert f"trusted: the process of {path}" in capsys.readouterr().out
