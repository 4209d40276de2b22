"""Results travel between processes; what is promised is derived again where it is read: a forged file is no proof."""

import copy
import pickle
import subprocess
import sys
from dataclasses import fields, replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth import rates
from compth.methods import find_guarantee
from compth.rates import Rate

PROBLEM = ct.problems.random_quadratic(n=3, d=5, kappa=10, seed=1)
EQUAL = ct.problems.random_quadratic(n=3, d=5, kappa=10, seed=1, interpolation=True)
METHODS = [
    ct.GD(),
    ct.DCGD(ct.RandK(k=2)),
    ct.EF21(ct.TopK(k=2)),
    ct.DIANA(ct.RandK(k=2)),
    ct.MARINA(ct.RandK(k=2)),
]


def travelled(thing):
    return pickle.loads(pickle.dumps(thing))


class Boast(ct.RandK):
    """A user's subclass: its constants are the user's word."""

    def _compress(self, x, rng):
        return 0.5 * super()._compress(x, rng)


def same(one, other):
    """Equal field by field, arrays bitwise, functions by their values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        held = [f.name for f in fields(one) if f.name not in ("_table", "origin", "values")]
        return all(same(getattr(one, name), getattr(other, name)) for name in held)
    return bool(one == other) or callable(one) or one is other


@pytest.mark.parametrize("make", [travelled, copy.deepcopy, copy.copy])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
def test_a_rate_is_the_same_after_the_journey(method, make):
    rate = ct.guarantee(method, PROBLEM)
    other = make(rate)
    assert other == rate
    assert [other.bound(t) for t in (0, 1, 7, 500)] == [rate.bound(t) for t in (0, 1, 7, 500)]
    assert other.plan == rate.plan
    found = find_guarantee(method, PROBLEM)
    assert same(replace(make(found), theorem=found.theorem), found)
    assert make(found).theorem.id == found.theorem.id


def test_every_theorem_of_the_catalogue_travels():
    seen = 0
    from compth.methods import catalogue

    for kind in catalogue().values():
        for method in kind.examples():
            for problem in (PROBLEM, EQUAL):
                for theorem in method.theorems():
                    try:
                        rate = ct.guarantee(method, problem, theorem.id, horizon=50)
                    except ct.errors.CompthError:
                        continue
                    other = travelled(rate)
                    assert other == rate
                    assert same([other.bound(t) for t in (1, 50)], [rate.bound(t) for t in (1, 50)])
                    assert [other.plan.step(t) for t in (0, 9)] == [rate.plan.step(t) for t in (0, 9)]
                    seen += 1
    assert seen > 40


def test_a_run_with_a_schedule_travels():
    for method, theorem in (
        (ct.DIANA(ct.RandK(k=2)), "diana.decreasing"),
        (ct.DCGD(ct.RandK(k=2)), "dcgd.no_memory_decreasing"),
    ):
        trace = ct.simulate(method, PROBLEM, 9, 2, seed=0, theorem=theorem)
        other = travelled(trace)
        assert same(other, trace)
        assert [other.plan.step(t) for t in range(9)] == [trace.plan.step(t) for t in range(9)]
        assert trace.plan.step(8) < trace.plan.step(0)


def test_a_comparison_travels_with_its_table():
    found = ct.compare([ct.GD(), ct.EF21(ct.TopK(k=2))], PROBLEM, 40, 4, 0)
    other = travelled(found)
    assert other.to_json() == found.to_json()
    assert other.table() == found.table()
    assert other.to_latex() == found.to_latex()
    assert other.cite() == found.cite()


@pytest.mark.parametrize("scheme", ["S", "S+Q", "SS", ct.RandK, ct.TopK, ct.AtomoEntrywise])
def test_a_tuning_travels_with_its_curve(scheme):
    for g in ([3.0, -1.0, 0.5, 0.0], [F(3), F(-1), F(1, 2), F(0)], [0.0, 0.0]):
        found = ct.tune(g, scheme, ct.costs.Affine(per_element=1, fixed=2))
        other = travelled(found)
        assert other == found
        for name in ("levels", "shares", "costs", "curve"):
            assert same(getattr(other, name), getattr(found, name))
        assert other.ties == found.ties


@pytest.mark.slow
def test_another_process_reads_the_same_table(tmp_path):
    found = ct.compare([ct.DIANA(ct.RandK(k=2))], PROBLEM, 20, 2, 0)
    (tmp_path / "c.pickle").write_bytes(pickle.dumps(found))
    program = "import pickle; print(pickle.load(open('c.pickle', 'rb')).to_json(), end='')"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout == found.to_json()


# Forgeries: the pickle says more than its writer could derive.


def test_a_standing_written_into_the_pickle_is_not_believed():
    rate = ct.guarantee(ct.DIANA(Boast(k=2)), PROBLEM)
    assert rate.standing == "ASSUMED"
    forged = pickle.dumps(rate).replace(b"ASSUMED", b"DERIVED")
    assert pickle.loads(forged).standing == "ASSUMED"
    assert rates._again(rate.origin, "PROVED", ()) == rate  # nor without the lines of what is assumed


def test_a_standing_is_never_gained_where_it_is_read():
    rate = ct.guarantee(ct.DIANA(ct.RandK(k=2)), PROBLEM)
    assert rate.standing == "PROVED"
    weak = rates.derived(rate, standing="CITED", assumed=("assumed: mine",))
    assert (travelled(weak).standing, travelled(weak).assumed) == ("CITED", ("assumed: mine",))


def test_what_was_derived_in_a_changed_package_stays_assumed(monkeypatch):
    monkeypatch.setattr("compth.methods.diana.ratio", lambda a, b: a / b)
    rate = ct.guarantee(ct.DIANA(ct.RandK(k=2)), PROBLEM)
    held = pickle.dumps(rate)
    monkeypatch.undo()
    assert pickle.loads(held).standing == rate.standing == "ASSUMED"
    assert "replaced after import" in pickle.loads(held).assumed[0]


def told_as_typed(found):
    """What was typed into a row stays, and every place that shows the comparison says so; no word of ours is on it."""
    (row,), (line,) = found.rows, found.doubts()
    words = " ".join(found.table().split())
    assert row.theorem_standing != "PROVED/READ"
    assert "forged" not in words
    return "typed or changed by hand" in line and " ".join(line.split()) in words


def test_numbers_written_over_are_derived_again():
    rate = ct.guarantee(ct.DIANA(ct.RandK(k=2)), PROBLEM)
    written = replace(rate, rho=0.1, floor=0.0, values=lambda t: 0.0)
    assert written.standing == travelled(written).standing == "ASSUMED"
    assert travelled(written).rho == rate.rho
    assert travelled(written).bound(9) == rate.bound(9)
    row = ct.compare([ct.GD()], PROBLEM, 5, 2, 0)
    better = replace(
        row.rows[0], guaranteed_rate=0.1, theorem_standing="PROVED/READ", theorem="gd.mine", standing="x"
    )
    assert travelled(row).rows == row.rows
    assert told_as_typed(travelled(replace(row, rows=(better,))))


def test_a_certified_standing_is_derived_again():
    found = ct.compare([ct.GD()], PROBLEM, 5, 2, 0)
    assert found.rows[0].certified_rate is not None
    better = replace(found.rows[0], certified_rate=0.1, certified_rounds=1, certified_standing="forged")
    assert travelled(found).doubts() == []
    assert told_as_typed(travelled(replace(found, rows=(better,))))


def test_a_row_without_a_guarantee_gets_none():
    with_step = ct.compare([ct.DIANA(ct.RandK(k=2), gamma=5.0)], PROBLEM, 5, 2, 0)
    assert with_step.guarantees == (None,)
    better = replace(
        with_step.rows[0], guaranteed_rate=0.1, theorem_standing="PROVED/READ", theorem="diana.mine"
    )
    assert told_as_typed(travelled(replace(with_step, rows=(better,))))


def test_a_rate_without_an_origin_is_a_word():
    mine = Rate("mine.best", "E||x_t - x*||^2", 0.1, 0.5, 0.0, 1.0, values=abs, standing="PROVED")
    other = travelled(mine)
    assert (other.standing, other.rho) == ("ASSUMED", 0.5)
    assert other.assumed == (rates.WORD,)
    assert travelled(other) == other == mine  # nor is it believed where it was typed


class Forged:
    """Its pickle makes a rate by itself: by a call, or by a state for an empty one."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


def test_a_pickle_that_makes_a_rate_itself_makes_a_word():
    rate = ct.guarantee(ct.DIANA(ct.RandK(k=2)), PROBLEM)
    state = {f.name: getattr(rate, f.name) for f in fields(rate)} | {"rho": 0.01, "values": abs, "plan": None}
    bare = state | {"origin": None}
    for parts in (
        (Rate, tuple(bare.values())),
        (object.__new__, (Rate,), state),
        (object.__new__, (Rate,), bare),
    ):
        forged = travelled(Forged(*parts))
        assert forged.rho == 0.01
        assert forged.standing == "ASSUMED"


def test_a_problem_with_other_constants_in_its_pickle_has_its_own():
    """L ten times too small in the stored state: what is read has the L of its matrices."""
    problem = ct.problems.random_quadratic(n=3, d=5, kappa=10, seed=1)
    for name, value in (
        ("_eigh", (problem._eigh[0] / 10, problem._eigh[1])),
        ("hessian", problem.hessian / 10),
        ("L", 0.1),
    ):
        forged = object.__new__(type(problem))
        forged.__setstate__({**vars(problem), name: value})
        assert travelled(forged).L == problem.L
        assert ct.guarantee(ct.GD(), travelled(forged)) == ct.guarantee(ct.GD(), problem)


def test_a_state_put_around_the_door_is_seen():
    """The planted error: the same state written past __setstate__ is no proof."""
    problem = ct.problems.random_quadratic(n=3, d=5, kappa=10, seed=1)
    forged = object.__new__(type(problem))
    vars(forged).update(vars(problem), _eigh=(problem._eigh[0] / 10, problem._eigh[1]))
    with pytest.raises(ct.errors.NoGuarantee, match="was replaced on the object"):
        ct.guarantee(ct.GD(), forged)


def test_no_claim_is_proved_by_its_pickle():
    claim = ct.RandK(k=2).claims(5)[0]
    assert claim.standing == travelled(claim).standing == "PROVED"
    forged = copy.copy(claim)
    object.__setattr__(forged, "omega", claim.omega / 2)
    assert travelled(forged).standing == "ASSUMED"
