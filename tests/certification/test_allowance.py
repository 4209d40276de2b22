"""Budgets count processor time: a machine that is busy with something else takes nothing away."""

import time

from compth.certification import allowance
from compth.certification.adversary import Search
from compth.certification.allowance import Allowance


def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_waiting_is_free_and_work_is_not():
    allowed = Allowance(0.02)
    time.sleep(0.05)
    assert not allowed.spent
    work(0.025)
    assert allowed.spent


def test_a_program_that_only_sleeps_ends_by_the_clock(monkeypatch):
    monkeypatch.setattr(allowance, "BUSY", 2.0)
    allowed = Allowance(0.02)
    time.sleep(0.05)
    assert allowed.spent


def test_a_search_is_not_late_because_others_ran():
    search = Search(lambda x: None, [], 3, 0.02)
    time.sleep(0.05)
    assert not search.late
    work(0.025)
    assert search.late
