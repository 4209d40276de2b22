"""Perturbed product functions of the unified theory of SGD, and the rows that must fail."""

from compth.methods.core.unified import Parameters
from paper_repro import unified_sgd
from paper_repro.unified_sgd import _rows

from .perturbing import Mutation, bounds, larger, moments, result

NAMES = [r.name.lower() for r in _rows.rows()]
FLOORS = "sgd sgd-sr sgd-mb q-sgd-sr n-saga n-sega"


def table():
    """Every row's theorem and assumption, rates and floors."""
    return unified_sgd.table(150)[0]


def package():
    """The maps beside the package."""
    return unified_sgd.package(True)


def each(names, ending):
    """The rows of these methods."""
    return " ".join(f"{name}.{ending}" for name in names)


def constants(patch, factor, heard):
    """A, B, C, D1 and D2 of the assumption too small, rho too large."""
    right = Parameters.__post_init__

    def slip(self):
        right(self)
        for name in ("A", "B", "C", "D1", "D2"):
            object.__setattr__(self, name, getattr(self, name) / factor)
        if self.rho < 1:
            object.__setattr__(self, "rho", self.rho * factor)

    patch.setattr(Parameters, "__post_init__", slip)


MUTATIONS = (
    Mutation(table, constants, each(NAMES, "assumption")),
    Mutation(table, result(Parameters, "rate"), each(NAMES, "theorem") + " rates.loosest rates.tightest"),
    Mutation(
        table,
        result(Parameters, "largest_step"),
        each(["sgd-star", "saga", "sega", "l-svrg", "diana"], "rate")
        + " floors.none "
        + each(FLOORS.split(), "floor"),
    ),
    Mutation(table, result(Parameters, "floor"), "floors.left"),
    Mutation(unified_sgd.traps, result(Parameters, "largest_step"), "saga.step"),
    Mutation(unified_sgd.traps, constants, "saga.right saga.slides star.half diana.f"),
    Mutation(package, moments(larger, "exact"), "package.diana"),
    Mutation(package, moments(larger, "simulate"), "package.sgd", size=1.3),  # six errors of 1000 runs
    Mutation(package, bounds, "jacsketch.pairs"),
)
EXACT = {"svrg.row": "a refusal"}
