"""Exact dynamics of methods written as one body: the operator from the trace, and the metrics it knows.

What is in a metric's table must hold for every state that a run can have, not for those it begins with: the fit is made
on random states in natural sizes, and refused where eight further ones disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import cast

import numpy as np

from compth._numbers import Number
from compth._own import hidden
from compth._types import Numbers as Array
from compth.compressors import as_fleet
from compth.compressors.identity import Identity
from compth.dynamics.blocks import Blocks
from compth.dynamics.forms import Sketches
from compth.dynamics.lowered import NotClosed, lowered
from compth.dynamics.normal import exact_program, normal_form, whole_program
from compth.dynamics.sketches import noise_for, parts_noise, sketches_on, with_broadcast
from compth.dynamics.system import Data, Moments
from compth.dynamics.units import units_of
from compth.errors import Unsupported
from compth.methods import Theorem
from compth.methods.core import Method, Plan
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.centre import Centre, centre_of, without_invariants
from compth.methods.core.program import Op, Program
from compth.methods.core.vectors import GRADIENT, MESSAGE, PICKED, SPOKEN
from compth.problems.interface import Problem, has_components

LARGEST = 4_000_000
"""Most numbers that the second moments of a traced method may have."""
UNSEEN = 1e-13
"""Relative to x: below it a vector's size is what rounding leaves of a cancellation."""


def fits(method: Method) -> bool:
    """True for a body without the form of a Scheme; Unsupported where a body's class runs something besides."""
    if not isinstance(method, BodyMethod):
        return False
    if not runs_its_body(type(method)) or hidden(method):
        raise Unsupported(
            f"{type(method).__name__} changes what its body says: no exact dynamics, simulate it"
        )
    return normal_form(method) is None


class TracedSystem(Blocks):
    """The second moments of a body on a problem at a step."""

    def __init__(
        self,
        method: BodyMethod,
        data: Data,
        gamma: Number,
        params: Mapping[str, Number],
        sketches: Sketches,
        affine: bool = True,
        program: Program | None = None,
    ) -> None:
        """Trace the body at these parameters, centre it where it rests, and lower it to columns of moments.

        program: part of a body that is taken instead of the whole (what x observes). Raises NotClosed, with the line of
        the body, where a draw is read twice or gradients share an oracle's draw, and Unsupported above LARGEST moments.
        """
        self.method = method
        self.program = exact_program(method, gamma, params, data.n, data.d) if program is None else program
        try:
            # Moments are measured from where the step rests: every vector at a x* + b grad f_i(x*).
            self.centre: Centre = centre_of(self.program, sketches.delta, sketches.downlink_multiplier)
        except Unsupported as reason:
            raise NotClosed(str(reason)) from None
        noise = noise_for(method, data)
        gradients, picked = (self._once(kind) for kind in (GRADIENT, PICKED))
        if noise is not None and gradients is not None:
            raise NotClosed(
                f"{self._at(gradients)}: gradients that share an oracle's draw have no exact dynamics of this kind"
            )
        if picked is not None:
            raise NotClosed(
                f"{self._at(picked)}: a drawn part is read twice: take the sum first, and read it once"
            )
        picks = self.program.of_kind(PICKED)
        noise = parts_noise(method, data) if picks else noise
        low = lowered(self.program, self.centre, sketches, noise is not None and not picks)
        super().__init__(data, low, sketches, affine, noise)
        self.width = data.d
        self.squares = [] if data.A.dtype == object else self._squares(data)
        self.copies = tuple(i for i, k in enumerate(self.program.server) if self.program.start.get(k) == "x0")
        entries = self.size**2 + data.n * self.M * data.d * (self.size + self.M * data.d)
        if entries > LARGEST:
            raise Unsupported(f"{method.label}: {entries} moments, more than {LARGEST}: simulate it")

    @staticmethod
    def _squares(data: Data) -> list[Array]:
        """The mean Hessian, its square, the mean squares of the workers' and of their parts': symmetric all of them."""
        parts = data.problem.parts if has_components(data.problem) else None
        out = [data.mean, data.mean @ data.mean, np.matmul(data.A, data.A).mean(axis=0)]
        return out if parts is None else [*out, np.matmul(parts, parts).mean(axis=(0, 1))]

    def _once(self, kind: str) -> Op | None:
        """The first operation of a kind that shares its draw with one before it; None where there is none."""
        ops = [self.program.ops[i] for i in self.program.of_kind(kind)]
        return next((op for k, op in enumerate(ops) if op.draw in {o.draw for o in ops[:k]}), None)

    def _at(self, op: Op) -> str:
        """Where an operation stands in the body, for messages."""
        return f"{self.program.name}, line {op.line}"

    def linear(self) -> TracedSystem:
        """The same without the constant."""
        out = copy(self)
        out.affine, out.size = False, self.K * self.data.d
        return out

    def begin(self, x0: Array) -> Moments:
        """Moments of the method's state at t = 0."""
        data, program = self.data, self.program
        gradients = np.matmul(data.A, x0 - data.x_star) + data.s

        def first(name: str) -> Array:
            """A vector at t = 0, as its start says, less where it rests."""
            kind, own = program.start.get(name, "zero"), name in program.worker
            if kind == "gradient":
                value = gradients if own else gradients.sum(axis=0) / self._number(data.n)
            else:
                value = x0 if kind == "x0" else 0 * x0
                value = np.array([value] * data.n) if own else value
            return np.asarray(value - self._rest(name))

        # Each vector begins where its body says, less where it rests.
        servers = [x0 - data.x_star, *(first(k) for k in program.server[1:])]
        if data.n == 1:
            return self.start([*servers, *(first(k)[0] for k in program.worker)], [])
        return self.start(servers, [first(k) for k in program.worker])

    def _rest(self, name: str) -> Array:
        """Where a vector rests: (d,) or (n, d)."""
        if name in self.program.server:
            return np.asarray(self._number(self.centre.server[name]) * self.data.x_star)
        a, b = self.centre.worker[name]
        return np.asarray(self._number(a) * self.data.x_star + self._number(b) * self.data.s)

    def quantities(self, m: Moments) -> Array:
        """E||x - x*||^2, E f - f*, E||grad f||^2."""
        z, a = self.square(m), self.data.mean
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def square(self, m: Moments) -> Array:
        """E (x-x*)(x-x*)'."""
        return np.asarray(m.C[: self.width, : self.width])

    def mean(self, m: Moments) -> Array:
        """E x."""
        return np.asarray(self.data.x_star + m.C[: self.width, -1])

    def form(self, theorem: Theorem, problem: Problem, plan: Plan) -> Array | None:
        """w with E metric = w . features(moments); None when the theorem bounds the squared distance."""
        rng = np.random.default_rng(20240)
        data, names = self.data, self.program.names
        # Twice as many random states as unknown weights, and eight on which the fit must hold.
        count = 2 * len(self.features(self.interior())) + 12
        length = float(np.abs(problem.start - data.x_star).max()) or 1.0
        sizes = self._sizes(length)
        x = data.x_star + length * rng.standard_normal((count, data.d))
        # Vectors that invariants show to be copies are no unknowns: they are put together from the others, so
        # that the states are ones that a run can have.
        made, copies = self.method.init(problem, x, plan), self._copies(plan)
        shapes = {k: getattr(made, k).shape for k in names if k != "x"}
        free = {k: self._rest(k) + sizes[k] * rng.standard_normal(shape) for k, shape in shapes.items()}
        whole = {"x": x, **free}
        for k, combination in reversed(copies.items()):
            parts = [
                c * (v if k in self.method.signature.worker or v.ndim == 2 else v.mean(axis=1))
                for j, c in combination.items()
                for v in [whole[j]]
            ]
            whole[k] = sum(parts, np.zeros_like(getattr(made, k)))
        observed = theorem.observe(problem, replace(made, **whole), plan)
        if observed is None:
            return None
        rows = []
        for r in range(count):
            servers = [x[r] - data.x_star] + [free[k][r] - self._rest(k) for k in self.program.server[1:]]
            workers = [free[k][r] - self._rest(k) for k in self.program.worker]
            single = data.n == 1
            m = self.start(
                [*servers, *(v[0] for v in workers)] if single else servers, [] if single else workers
            )
            rows.append(self.features(m))
        table = np.array(rows)
        widths = np.abs(table).max(axis=0)
        widths[widths == 0] = 1.0
        cut = count - 8
        weights = np.linalg.lstsq(table[:cut] / widths, observed[:cut], rcond=1e-11)[0] / widths
        if np.abs(table[cut:] @ weights - observed[cut:]).max() > 1e-8 * np.abs(observed).max():
            raise Unsupported(
                f"{theorem.id}'s metric is no combination of the exactly known moments: simulate it instead"
            )
        return np.asarray(weights)

    def _copies(self, plan: Plan) -> dict[str, dict[str, float]]:
        """Vectors that the program does without, as combinations of the others (the first may hold the later)."""
        form, names = self.method.signature, self.program.names
        if all(k in names for k in (*form.server, *form.worker)):
            return {}
        whole = whole_program(self.method, plan.gamma, plan.params, self.data.n, self.data.d)
        gone = without_invariants(whole)[1]
        lost = [k for k in (*form.server, *form.worker) if k not in names and k not in gone]
        if lost:
            raise Unsupported(
                f"{self.method.label}: {lost[0]} is not kept: its metrics are not known exactly"
            )
        return {k: {j: float(c) for j, c in found.items()} for k, found in gone.items()}

    def _sizes(self, length: float) -> dict[str, Array]:
        """The natural size of every vector of the state where x - x* has this one: a number, or (n, 1) of workers."""
        units = units_of(self.linear())
        names = zip(self.program.names, units.common, strict=False)
        found: dict[str, Array] = {k: length * _seen(size) for k, size in names}
        if units.memory is not None:
            sizes = zip(self.program.worker, units.memory.T, strict=True)
            found |= {k: length * _seen(size[:, None]) for k, size in sizes}
        return found

    def features(self, m: Moments) -> Array:
        """Traces of the known moments, alone and with the Hessians: what metrics are made of."""
        d = self.data.d
        out = []
        for i in range(self.K):
            for j in range(i, self.K):
                # Quadratic metrics are traces with I, A, A^2 or mean A_i^2: these products are their basis.
                block = m.C[self.slot(i), self.slot(j)]
                out += [np.trace(block), *((s * block).sum() for s in self.squares)]
        if m.D is None or m.E is None:
            return np.array(out)
        for i in range(self.M):
            mine = slice(i * d, (i + 1) * d)
            out += [
                np.einsum("ijj->", m.E[:, mine, j * d : (j + 1) * d]) / self.data.n for j in range(i, self.M)
            ]
            out += [(self.data.A * m.D[:, mine, self.slot(k)]).sum() / self.data.n for k in range(self.K)]
            out += [
                np.einsum("ijj->", m.D[:, mine, self.slot(k)]) / self.data.n for k in range(self.low.servers)
            ]
        return np.array(out)


def _seen(size: Array) -> Array:
    """A natural size, or 1 for a vector that nothing but rounding reached."""
    return np.where(size > UNSEEN, size, 1.0)


def system_of(
    method: Method,
    data: Data,
    gamma: Number,
    params: Mapping[str, Number],
    mode: str = "exact",
    affine: bool = True,
    program: Program | None = None,
) -> TracedSystem:
    """The operator of a body, or of a program that is made of it.

    Unsupported where the fleet's moments are not known, and for oracles in Fractions.
    """
    body = cast("BodyMethod", method)
    whole = exact_program(body, gamma, params, data.n, data.d) if program is None else program
    sketches = program_sketches(body, whole, data, mode)
    return TracedSystem(body, data, gamma, params=params, sketches=sketches, affine=affine, program=whole)


def program_sketches(method: Method, program: Program, data: Data, mode: str) -> Sketches:
    """Moments of what a program compresses and broadcasts; of a fleet that it does not use nothing is asked."""
    kinds = {op.kind for op in program.ops}
    fleet = method.fleet if MESSAGE in kinds else as_fleet(Identity())
    sketches = sketches_on(fleet, data, mode)
    if SPOKEN in kinds:
        sketches = with_broadcast(sketches, method, cast("BodyMethod", method).downlink, data, mode)
    return sketches
