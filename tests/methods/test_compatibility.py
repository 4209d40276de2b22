"""The matrix method x compressor: every cell is what a run shows, every reason names a remedy that works."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import compth as ct
from compth.compressors import catalogue as compressors
from compth.compressors.core.render import smallest_size
from compth.errors import CompthError, NoGuarantee, Unsupported
from compth.methods import catalogue, compatibility, find_guarantee
from compth.problems import random_quadratic
from tests.unwatched import unwatched


@cache
def cells():
    """The whole matrix, once."""
    return {(cell.method, cell.compressor): cell for cell in compatibility()}


def test_every_pair_has_a_cell_and_every_no_a_reason():
    takers = {name for name, kind in catalogue().items() if kind.takes_compressor}
    assert set(cells()) == {(m, c) for m in takers for c in compressors()}
    for cell in cells().values():
        assert bool(cell.reason) == (cell.verdict != "theorem")
        assert bool(cell.theorems) == (cell.verdict == "theorem")


def promised_by(promise, method, problem):
    """The theorem that promises something, "" where none does."""
    try:
        found = promise(method, problem)
    except NoGuarantee:
        return ""
    return getattr(found, "rate", found).theorem


@pytest.mark.parametrize("name", sorted(compressors()))
@unwatched()
def test_cells_are_what_runs_show(name):
    thing = compressors()[name].examples()[0]
    n, d = smallest_size(thing, 4)
    problem = random_quadratic(max(n, 2), d, 4, seed=1, hessians=0, minimisers=1.0)
    for kind in (k for k in catalogue().values() if k.takes_compressor):
        cell = cells()[kind.__name__, name]
        if cell.verdict == "no":
            with pytest.raises(CompthError):
                ct.simulate(kind.examples(thing)[0], problem, 2, 2)
            continue
        method = kind.examples(thing)[0]
        if cell.verdict == "runs":
            stepping = kind(thing, gamma=1e-3)
            assert promised_by(find_guarantee, method, problem) == ""
            # a body's certified worst case stands in for a theorem; the search for its best step is tested elsewhere
            assert promised_by(ct.guarantee, stepping, problem) in ("", f"{kind.__name__.lower()}.certified")
            trace = ct.simulate(stepping, problem, 2, 2)
        else:
            assert ct.guarantee(method, problem, horizon=100).theorem in cell.theorems
            trace = ct.simulate(method, problem, 2, 2)
        assert np.isfinite(trace.mean_square).all()


@pytest.mark.parametrize(
    ("method", "compressor", "remedy"),
    [
        ("EF21", "RandK", ct.Scaled(ct.RandK(k=1))),
        ("EF", "TernGrad", ct.Scaled(ct.TernGrad())),
        ("DIANA", "TopK", ct.Induced(ct.TopK(k=1), ct.RandK(k=1))),
        ("MARINA", "ScaledSign", ct.Induced(ct.ScaledSign(), ct.RandK(k=1))),
    ],
)
def test_the_remedy_in_the_reason_works(method, compressor, remedy):
    cell = cells()[method, compressor]
    assert cell.verdict == "no"
    assert cell.reason.endswith(f"use {remedy!r}")
    (mended,) = [c for c in compatibility([remedy]) if c.method == method]
    assert mended.verdict == "theorem"


def test_golden_cells():
    assert cells()["DCGD", "TopK"].verdict == "runs"
    assert cells()["DIANA", "PermK"].verdict == "runs"
    assert "independent" in cells()["DIANA", "PermK"].reason
    assert cells()["MARINA", "PermK"].verdict == cells()["EF21", "TopK"].verdict == "theorem"
    assert "dcgd.no_memory" not in cells()["DCGD", "Shared"].theorems
    assert "dcgd.no_memory" in cells()["DCGD", "TernGrad"].theorems


def test_a_compressor_without_claims_is_taken_by_no_theorem():
    @dataclass(frozen=True)
    class Silent(ct.Bernoulli):
        def claims(self, d):
            return ()

    for cell in compatibility([Silent(0.5)]):
        assert cell.verdict != "theorem", cell
        assert cell.reason
    with pytest.raises(Unsupported):
        ct.DIANA(Silent(0.5)).check(random_quadratic(2, 4, 4))
