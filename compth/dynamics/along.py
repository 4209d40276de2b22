"""Rates of one method along its step size: each search starts from the Perron points of the last steps.

A RateAt asks the rates of one method and problem alone, whose neighbours are then near one another; two searches must
not share one, or one's vectors would start the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth._types import Numbers as Array
from compth.dynamics import enumerated, masked
from compth.dynamics.radii import DENSE, WIDTH, Radius, mean_ends, mean_radius, radius
from compth.dynamics.snapshots import Snapshots
from compth.dynamics.spectrum import ExactRate, is_coupled, rate_from, rate_of_maps
from compth.dynamics.system import Data, System
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import Packing
from compth.errors import NoGuarantee
from compth.methods import Method, Plan
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem

KEPT = 3
"""How many of the last Perron points a search starts from."""
UNPLANNED = 2.0
"""Stands for the rate at a step at which nothing plans the method's other parameters: no run has it."""


Parameters = Mapping[str, Number] | Callable[[Number], Mapping[str, Number]]


class RateAt:
    """gamma -> rho_noise or rho of one method on one problem.

    params: the method's other parameters, or a function of gamma that gives them.
    """

    def __init__(self, method: Method, data: Data, params: Parameters) -> None:
        """Of a method on these matrices; a callable `params` gives the other parameters that go with each step."""
        self.method, self.data = method, data
        self.params = params if callable(params) else lambda gamma: params
        self.near: list[Radius] = []
        self.coupled: bool | None = None
        self.applications = 0
        self.snapshots: Snapshots | None = None

    def noise(self, gamma: float, tol: float = 1e-8) -> float:
        """rho_noise - 1, without a bracket; tol: the relative residual that is enough."""
        if masked.fits(self.method):
            return self.rate(gamma).rho_noise - 1
        return float(self._watched(self._system(gamma), gamma, tol).value)

    def rho(self, gamma: float, tol: float = 1e-8) -> float:
        """ExactRate.rho, without its bracket."""
        return float(self.branches(gamma, tol).max())

    def branches(self, gamma: float, tol: float = 1e-8) -> Array:
        """Factors of which rho is the largest, each smooth in gamma where its root is simple."""
        if masked.fits(self.method):
            return np.array([self.rate(gamma).rho])
        linear = self._system(gamma)
        found = self._watched(linear, gamma, tol)
        noise = [1 + float(r.value) for r in found.parts or (found,)]
        return np.array([*noise, *(mean_ends(linear) if self._coupled(gamma) else ())])

    def rate(self, gamma: float, width: float = WIDTH) -> ExactRate:
        """exact_rate at this step; width: how narrow an enclosure is looked for."""
        if masked.fits(self.method):
            return rate_of_maps(masked.MaskedSystem(self.method, self.data, gamma, self.params(gamma)))
        linear = self._system(gamma)
        found = self._radius(linear, gamma, None, width)
        return rate_from(found, mean_radius(linear), self._coupled(gamma), linear.applications)

    def least(self, gamma: float) -> float:
        """A lower bound of rho that costs an eigenvalue of the means: E yy' is never below (E y)(E y)'."""
        if masked.fits(self.method):
            return 0.0
        mean = mean_radius(self._system(gamma))
        return mean if self._coupled(gamma) else mean * mean

    def small(self, gamma: float) -> bool:
        """True where `rate` closes a wide enclosure by resolvents."""
        if masked.fits(self.method):
            return False
        linear = self._system(gamma)
        return bool(linear.kept_cone and Packing(linear).size <= DENSE)

    def _system(self, gamma: float) -> System | TracedSystem:
        """The linear operator at a step: what x observes, without the constant."""
        return make_system(self.method, self.data, gamma, self.params(gamma), affine=False)

    def watch(self, on: bool = True) -> Snapshots | None:
        """From now on keep the Perron points, and start searches from what they say of a step; None for masks."""
        self.snapshots = Snapshots(self._coupled) if on and not masked.fits(self.method) else None
        return self.snapshots

    def _watched(self, linear: System | TracedSystem, gamma: float, tol: float) -> Radius:
        """_radius of which the Perron points are kept, where they are."""
        found = self._radius(linear, gamma, tol)
        if self.snapshots is not None:
            self.snapshots.add(float(np.log(gamma)), linear, found)
        return found

    def _radius(
        self, linear: System | TracedSystem, gamma: float, tol: float | None, width: float = WIDTH
    ) -> Radius:
        """The radius at a step, from what models or the last Perron points say of it."""
        # Perron points move smoothly with the step: the last few span a space in which the next nearly lies.
        near = self.near if self.snapshots is None else self.snapshots.near(float(np.log(gamma)))
        found = radius(linear, near, tol, width)
        self.near = [replace(found, lens=None), *self.near[: KEPT - 1]]
        self.applications += linear.applications
        return found

    def _coupled(self, gamma: float) -> bool:
        """True where the means drive the second moments, so that their factor enters rho."""
        if self.coupled is None:  # the same at every step
            self.coupled = is_coupled(self.method, self.data, gamma, self.params(gamma))
        return self.coupled


class EnumeratedRateAt:
    """RateAt of a method whose outcomes are affine maps: enumerated once where other parameters do not move with gamma.

    params: gamma -> the method's other parameters; `branches` and `noise` take steps at which nothing plans these for
    unstable, `rate` raises NoGuarantee there.
    """

    def __init__(
        self, method: Method, problem: Problem, params: Callable[[Number], Mapping[str, Number]]
    ) -> None:
        """The outcomes are enumerated once, at 0.1/L; `at` moves them to other steps."""
        step = 0.1 / problem.L
        self.params = params
        self.system = enumerated.EnumeratedSystem(method, problem, Plan(step, params(step)))

    def noise(self, gamma: float, tol: float = 1e-8) -> float:
        """rho_noise - 1."""
        try:
            return self.rate(gamma).rho_noise - 1
        except NoGuarantee:
            return UNPLANNED - 1

    def rho(self, gamma: float, tol: float = 1e-8) -> float:
        """ExactRate.rho."""
        return self.rate(gamma).rho

    def branches(self, gamma: float, tol: float = 1e-8) -> Array:
        """ExactRate.rho alone."""
        try:
            return np.array([self.rho(gamma)])
        except NoGuarantee:
            return np.array([UNPLANNED])

    def watch(self, on: bool = True) -> None:
        """Nothing: its rates are cheap."""

    def least(self, gamma: float) -> float:
        """0, which bounds every rho."""
        return 0.0

    def small(self, gamma: float) -> bool:
        """False: its rates are enclosed as narrowly as they get anyway."""
        return False

    def rate(self, gamma: float, width: float = WIDTH) -> ExactRate:
        """exact_rate at this step; its enclosure is as narrow as it gets."""
        # Where no other parameter moves with the step, the outcomes are those that are known, and only what
        # x+ = x - gamma g says of x is scaled.
        params = dict(self.params(gamma))
        if params == dict(self.system.plan.params):
            return rate_of_maps(self.system.at(gamma).of_x())
        given, problem = self.system.given, self.system.problem
        return rate_of_maps(enumerated.EnumeratedSystem(given, problem, Plan(gamma, params)).of_x())
