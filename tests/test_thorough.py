"""What a run of the suite leaves to the step of long searches: never a whole test, never a fast one."""

from types import SimpleNamespace

import pytest

from compth import _own
from tests.thorough import alone, later, thorough
from tests.unwatched import unwatched


def case(nodeid, *marks):
    held = {m.name: m for m in marks}
    extra = {"callspec": None} if "[" in nodeid else {}
    return SimpleNamespace(nodeid=nodeid, get_closest_marker=held.get, **extra)


def mark(decorator):
    def test():
        pass

    return decorator(test).pytestmark[0]


SLOW, SCALED, ALONE = (mark(m) for m in (pytest.mark.slow, thorough, alone))


def test_a_fifth_of_the_slow_cases_of_a_test_stays():
    items = [case(f"a.py::f[{k}]", SLOW) for k in range(23)] + [case("a.py::g[0]", SLOW)]
    items += [case(f"a.py::h[{k}]", SLOW) for k in range(3)]
    stays = [i.nodeid for i in items if i not in later(items)]
    assert {name.partition("[")[0] for name in stays} == {"a.py::f", "a.py::g", "a.py::h"}
    assert 6 <= len(stays) <= 7


def test_fast_and_scaled_cases_and_single_tests_stay():
    items = [case(f"a.py::f[{k}]") for k in range(9)] + [case("a.py::g", SLOW)]
    items += [case(f"a.py::h[{k}]", SLOW, SCALED) for k in range(9)]
    assert later(items) == []


def test_what_is_marked_alone_goes():
    items = [case("a.py::f", SLOW, ALONE), case("a.py::g[1]", ALONE)]
    assert later(items) == items


def test_unwatched_searches_look_at_nothing_and_watched_ones_see_again(monkeypatch):
    with unwatched(), unwatched():
        monkeypatch.setattr(_own, "HEAP", 0)
        assert _own.altered() == ""
    assert _own.altered() == "compth._own.HEAP was replaced after import"
    assert _own.altered(frozenset({"claims"})) == ""
    assert _own.altered() == "compth._own.HEAP was replaced after import"
    monkeypatch.undo()
    assert _own.altered() == ""
