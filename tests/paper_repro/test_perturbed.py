"""Every row fails when the product function that it is computed from gives one per cent more than its tolerance."""

import importlib

import pytest

from paper_repro._papers import keys, targets
from paper_repro._targets import judge
from tests.unwatched import unwatched

from .perturbing import honest, judged, needed, perturbed

KEYS = keys()
TABLES = {key: importlib.import_module(f"tests.paper_repro.perturbed_{key}") for key in KEYS}
PLANTED = {key: importlib.import_module(f"tests.paper_repro.planted_{key}").PLANTED for key in KEYS}
LARGEST = 1.5
"""No row needs more than half as much again, where the factor is not said otherwise (Mutation.size)."""
SLOW = {
    "atomo.layers",
    "cat.real",
    "cat.sparse",
    "diana.floors",
    "diana.mushrooms",
    "diana.toy",
    "ibcd.heterogeneous",
    "ibcd.mushrooms",
    "ibcd.toy",
    "induced.code",
    "induced.constant",
    "induced.participation",
    "induced.traffic",
    "ist.counterexample",
    "ist.heterogeneous",
    "ist.homogeneous",
    "ist.starts",
    "natural.real",
    "switchml.runs",
    "unified_sgd.table",
}
"""Parts that take seconds."""


PARTS = {
    f"{key}.{part.__name__}": (key, [m for m in TABLES[key].MUTATIONS if m.part is part])
    for key in KEYS
    for part in {m.part: None for m in TABLES[key].MUTATIONS}
}
"""Mutations by the part of a paper's run that they perturb."""


@pytest.mark.parametrize("key", KEYS)
def test_every_row_that_runs_has_a_mutation_or_a_reason_and_an_error_of_its_own(key):
    moved = [name for m in TABLES[key].MUTATIONS for name in m.names]
    exact = getattr(TABLES[key], "EXACT", {})
    assert len(moved) == len(set(moved))
    assert not set(moved) & set(exact)
    assert {*moved, *exact} == {t.id for t in targets(key) if not t.not_run}
    assert set(exact) <= set(PLANTED[key])
    assert all(exact.values())


def failing(key, found, rows):
    """The rows that these values fail."""
    return {t.id for t in rows if not judge(key, t, found, True).good}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in PARTS]
)
@unwatched()
def test_the_rows_of_a_part_fail_and_only_for_the_factor(name):
    """As they are, and with every plant of the part at the factor 1, they are right; with a plant's factor, or its
    inverse, none of its rows is."""
    key, mutations = PARTS[name]
    values, _ = honest(mutations[0].part)
    by_id = {t.id: t for t in targets(key)}
    rows = {m: [judged(by_id[n], values[n], m.small) for n in m.names] for m in mutations}
    every = [t for held in rows.values() for t in held]
    assert not failing(key, values, every)
    assert not failing(key, perturbed(mutations[0].part, 1, *(m.plant for m in mutations)), every)
    for m, held in rows.items():
        factor = m.size or max(needed(t, values[t.id]) for t in held)
        assert factor <= LARGEST
        dead = failing(key, perturbed(m.part, factor, m.plant), held)
        alive = [t for t in held if t.id not in dead]
        assert not alive or {t.id for t in alive} == failing(
            key, perturbed(m.part, 1 / factor, m.plant), alive
        )
