"""Rounds of any linear method in numba loops, from its trace: the matrix product stays in BLAS.

`passes` makes a table of instructions of the body's program, `fused_loops.one_pass` runs it. Nothing is written for a
method: what its body says is what runs.

The state's memories are updated in place, inside the stack of a block: the driver keeps no older state, and a state
that is not the one of the last round (rows were dropped, a test goes back) is copied into the stack first.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number
from compth._own import foreign, hidden
from compth._types import Array
from compth.compressors import Independent
from compth.errors import CompthError, Unsupported
from compth.methods import Method, Plan, State
from compth.methods.core.body import BodyMethod, Reading, heard_of, runs_its_body
from compth.methods.core.centre import centre_of
from compth.methods.core.running import Repeated
from compth.methods.core.state import Bits
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, SPOKEN, STATE, Key, Vector
from compth.problems import DistributedQuadratic
from compth.problems.interface import Problem, as_quadratic
from compth.problems.oracle import Drawn
from compth.simulation.engines.base import Engine, Randomness
from compth.simulation.engines.coded import coded, loops
from compth.simulation.engines.passes import scheduled
from compth.simulation.engines.tables import Schedule, Stage, between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


AT_A_TIME = 8192
"""Numbers of the rows that a pass takes together: what is made of them stays in the nearest cache."""
SAME = 1e-12
"""How far a step's coefficients may be from a line in gamma, relative to their size."""


def why_not_fused(method: Method, problem: Problem) -> str:
    """ "" where a fused round knows method and fleet; else what stands in the way."""
    # the loops run what the body says, so a method that overrides its step, or carries a replaced
    # attribute, is not one for them
    fleet = method.fleet
    if not isinstance(method, BodyMethod) or not runs_its_body(type(method)) or hidden(method):
        return f"{type(method).__name__} has a step of its own"
    if type(fleet) is not Independent or hidden(fleet):
        return f"it needs workers that compress independently, got {fleet!r}"
    random = fleet.random_length(problem.n, problem.d)
    return f"it counts messages of fixed length only, got {fleet!r}" if random else ""


class FastEngine(Engine):
    """One round of a method on blocks of replicates; made once per run, used by all threads.

    Raises Unsupported when the method or the fleet is not one for the loops, with the line of the body that is not.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int) -> None:
        reason = why_not_fused(method, problem)
        if reason:
            raise Unsupported(f"engine='fast' has no fused round: {reason}")
        super().__init__(method, problem, plan, seed)
        assert isinstance(method, BodyMethod)
        self.body = method
        self.seen = method.seen(problem)
        # columns of the workers' codes, in the types that numba takes: two integers and three floats
        codes = [coded(method.fleet.member(i), problem.d).arguments for i in range(self.seen.n)]
        self.codes = tuple(
            np.array(c, dtype=t) for c, t in zip(zip(*codes, strict=True), "qqddd", strict=True)
        )
        self.plain = (
            type(self.seen) is DistributedQuadratic and not foreign(self.seen) and method.estimator is None
        )
        self.reading = self._read(self.body.arguments(plan))
        carried: tuple[int | None, int | None] = self.reading.carried or (None, None)
        # with an oracle gradients are drawn anew: the old value at x is no draw of this round
        first, self.last = carried
        self.first = first if method.estimator is None else None
        self.compares = self._compared()
        self.schedule = self._scheduled(self.reading)
        self.slope = None if plan.schedule is None else self._along()
        self.loops = loops()
        self.outcomes = _outcomes(self.reading)
        # lengths are fixed (`why_not_fused`), so a message's bits are one number for the whole run
        costs = method.fleet.bits(self.seen.n, self.seen.d)
        self.each = float(sum(c.total for c in costs) / self.seen.n)
        self._streams: dict[int, np.uint64] = {}
        self._fixed: dict[object, tuple[Array, Array, Array]] = {}

    # -- the body, read once

    def _read(self, params: Mapping[str, Number]) -> Reading:
        """The trace, found to do on arrays what the body does."""
        # raises where the body on arrays does not do what its trace says: only then may the table of the
        # trace run in its place
        self.body.program(params, self.seen.n, self.seen.d)
        found = self.body._read(self.seen, params)
        assert found is not None
        return found

    def _scheduled(self, reading: Reading) -> Schedule:
        """The reading as stages of passes."""
        return scheduled(reading, self.plain, self.first, self.compares)

    def _along(self) -> tuple[Schedule, float, float]:
        """The step at another gamma, from which those between are read off: coefficients are affine in gamma."""
        # coefficients of a body are polynomials in gamma, nearly always affine: the line through two steps
        # has to give those at a third, or the schedule is refused
        gammas = [float(self.plan.step(0)) * f for f in (1.0, 0.5, 0.125)]
        params = self.body.arguments(self.plan)
        one, two, three = (self._scheduled(self._read(params | {"gamma": g})) for g in gammas)
        same = one.structure() == two.structure() == three.structure()
        guess = np.array(between(one, two, 1.75).numbers()) if same else np.zeros(0)
        if not same or not np.allclose(guess, three.numbers(), rtol=SAME, atol=SAME):
            raise Unsupported("engine='fast' has no fused round: the step is not affine in its gamma")
        return two, gammas[0], gammas[1]

    def _compared(self) -> str | None:
        """The memory whose distance to grad f_i(x*) its state wants to know, and which rests there."""
        program = self.reading.program
        wants = "memory_error" in type(self.body).state_class.__dataclass_fields__
        if not wants or not self.plain or len(program.worker) != 1:
            return None
        try:
            # the loops can add up mean||h_i - grad f_i(x*)||^2 while h is in the cache, where h does rest
            # at grad f_i(x*)
            rests = centre_of(program).worker[program.worker[0]]
        except CompthError:
            return None
        return program.worker[0] if rests == (Fraction(0), Fraction(1)) else None

    def _step_at(self, t: int) -> Schedule:
        """The schedule of round t: the plan's one, or that at gamma_t by interpolation."""
        if self.slope is None:
            return self.schedule
        other, at, there = self.slope
        return between(self.schedule, other, (float(self.plan.step(t)) - at) / (there - at))

    # -- rounds

    def start(self, x0: Array, block: int) -> tuple[State, Randomness]:
        state, drawn = super().start(x0, block)
        return state, _Block(self, drawn)

    def step(self, state: State, drawn: Randomness, block: int, t: int) -> State:
        """State at t + 1. The memory of `state` is overwritten: the driver keeps no older state."""
        assert isinstance(drawn, _Block)
        # the memories of the state are views into the block's stack: nothing is copied unless the driver
        # dropped rows
        drawn.load(state)
        return _Round(self, drawn, state, self._key(block), t).run()

    def _key(self, block: int) -> np.uint64:
        """The stream of a block of replicates."""
        if block not in self._streams:
            # one 64-bit key per block; rounds and rows are counters mixed into it
            words = np.random.SeedSequence([self.seed, block]).generate_state(1, np.uint64)
            self._streams[block] = words[0]
        return self._streams[block]

    def measures(self, state: State) -> Array:
        seen, x = self.seen, state.x
        quick = seen is self.problem and self.plain and x.dtype == np.float64
        exact = as_quadratic(seen) if quick else None
        # where the solution is a set the distance is to its projection, which the loop does not know
        if exact is None or exact.projector is not None:
            return super().measures(state)
        out, z = np.empty((3, len(x))), x - exact.x_star
        self.loops.measured(z, z @ exact.hessian, out)
        return out

    def in_precision(self, dtype: np.dtype[np.float64]) -> tuple[Array, Array, Array]:
        """(A, b, gradients at x*) as the loops take them; only their shapes count where they do not multiply."""
        if dtype not in self._fixed:
            n, d = self.seen.n, self.seen.d
            # the loops multiply by A_i only where gradients are plain: else empty stand-ins of the right shapes
            if self.plain:
                exact = as_quadratic(self.seen)
                parts = (exact.A, exact.b, exact.gradients_at_star)
            else:
                parts = (np.zeros((n, 1, d)), np.zeros((n, d)), np.zeros((n, d)))
            A, b, star = (np.array(a, dtype=dtype, order="C") for a in parts)
            self._fixed[dtype] = A, b[None, None], star
        return self._fixed[dtype]


def _outcomes(reading: Reading) -> NDArray[np.int64]:
    """The leaf of every outcome of the coins, the first coin the lowest digit; 0 for those that never come."""
    leaves = reading.program.leaves
    out = np.zeros(1 << len(leaves[0].coins), dtype=np.int64)
    for number, leaf in enumerate(leaves):
        # a row's coins make a binary number, which finds the row's leaf without a branch in the loops
        out[sum(1 << i for i, came in enumerate(leaf.coins) if came)] = number
    return out


class _Block(Randomness):
    """What one block of replicates needs from round to round: its memories, stacked, and room for the passes.

    memory: (memories, R, n, d); views: its memories by name, as the state holds them; means: those of memories that are
    read before a pass makes them anew. The other arrays are the places of `tables`.
    """

    def __init__(self, engine: FastEngine, drawn: Randomness) -> None:
        super().__init__(drawn.view, drawn.rng)
        self.engine = engine
        self.rows = 0
        self.views: dict[str, Array] = {}
        self.means: dict[str, Array] = {}

    def load(self, state: State) -> None:
        """Take the state's memories over, unless they are those that the last round left."""
        program = self.engine.reading.program
        here = {k: getattr(state, k) for k in program.worker}
        if len(state.x) == self.rows and all(here[k] is v for k, v in self.views.items()):
            return
        schedule, engine = self.engine.schedule, self.engine
        self.rows, (n, d), dtype = len(state.x), (engine.seen.n, engine.seen.d), state.x.dtype

        def room(count: int, *shape: int) -> Array:
            return np.empty((count, *shape), dtype=dtype)

        memory = room(len(program.worker), self.rows, n, d)
        for at, k in enumerate(program.worker):
            memory[at] = here[k]
        self.memory, self.views = memory, dict(zip(program.worker, memory, strict=True))
        self.means = {k: self.views[k].mean(axis=1) for k in schedule.carried_means}
        self.shared, self.products = (room(k, self.rows, 1, d) for k in (schedule.servers, schedule.products))
        # one allocation per block and run: rounds write into the same arrays
        self.kept, self.totals = (
            room(len(schedule.kept), self.rows, n, d),
            room(schedule.totals, self.rows, 1, d),
        )
        # a few rows at a time, so that an instruction reads what the one before it wrote from the cache
        self.scratch = room(schedule.scratch, min(self.rows, max(1, AT_A_TIME // d)), 1, d)
        self.gap = np.empty(self.rows)


class _Round:
    """One round of one block.

    values: what is common to the workers and known so far, by key: server vectors, means, broadcasts. heard: bits of
    the broadcasts that vary in length.
    """

    def __init__(self, engine: FastEngine, block: _Block, state: State, key: np.uint64, t: int) -> None:
        self.engine, self.block, self.state, self.key, self.t = engine, block, state, key, t
        self.schedule, self.program = engine._step_at(t), engine.reading.program
        self.values: dict[Key, Array] = {(COMMON, STATE, k): getattr(state, k) for k in self.program.server}
        self.values |= {(COMMON, STATE, k): v for k, v in block.means.items()}
        self.heard: list[Bits | None] = []
        self._streams: dict[int, Repeated] = {}
        given = block.view
        self.seen = given.through(engine.body.seen) if isinstance(given, Drawn) else engine.seen

    def run(self) -> State:
        """The state after it."""
        engine, block, program = self.engine, self.block, self.program
        # coins first: the instructions of a pass are marked with the leaves that they belong to
        coins, leaf = self._coins()
        block.totals.fill(0)
        block.gap.fill(0)
        if engine.first is not None:
            block.kept[self.schedule.kept[engine.first]] = self.state.held
        for stage in self.schedule.stages:
            self._stage(stage, leaf)
        # after the passes all means are there, and the server's next vectors are combinations of them
        new = self._servers(leaf)
        block.means = {k: self.values[OWN, STATE, k] for k in block.means}
        # views made anew: the state's arrays are told from those of another round by their identity
        block.views = {k: block.memory[i][:] for i, k in enumerate(program.worker)}
        more = {} if engine.compares is None else {"memory_error": block.gap.copy()}
        if engine.last is not None:
            more["held"] = block.kept[self.schedule.kept[engine.last]]
        sent, heard = self._bits(coins)
        return engine.body.state_class(sent=sent, heard=heard, **new, **block.views, **more)

    def _coins(self) -> tuple[list[NDArray[np.bool_]], NDArray[np.int64]]:
        """(coins of every replicate, drawn one after another as the body does; their outcome's number)."""
        leaves, rows = self.program.leaves, self.block.rows
        code, coins = np.zeros(rows, dtype=np.int64), []
        for i in range(len(leaves[0].coins)):
            # coins of a step are independent, so a coin's probability is that of all leaves in which it
            # came up
            chance = float(sum(v.probability for v in leaves if v.coins[i]))
            coins.append(self.block.rng.random(rows) < chance)
            code += coins[-1].astype(np.int64) << i
        return coins, self.engine.outcomes[code]

    def _stage(self, stage: Stage, leaf: NDArray[np.int64]) -> None:
        """The server's part before a pass (broadcasts, gradients, common vectors), the pass, and its sums as means."""
        block, engine, values = self.block, self.engine, self.values
        for kind, i, v in stage.first:
            at = self._common(v)
            if kind == "spoken":
                values[COMMON, SPOKEN, i] = engine.body.broadcast(at, block.rng)
                self.heard.append(engine.body.heard(values[COMMON, SPOKEN, i]))
            elif kind == "mean":
                values[COMMON, GRADIENT, i] = self.seen.gradient(at)
            else:
                block.kept[self.schedule.kept[i]] = self._gradients(i, at)
        for slot, v in stage.shared:
            block.shared[slot, :, 0] = self._common(v)
        if stage.work.rows:
            A, b, star = engine.in_precision(self.state.x.dtype)
            engine.loops.one_pass(
                stage.work.table, stage.work.coefficients, stage.dots, engine.codes, A, b, block.products, block.memory,
                block.shared, block.scratch, block.kept, block.totals, star, block.gap, leaf, self.key, self.t,
            )  # fmt: skip
        for key, slot in stage.totals.items():
            # the passes leave sums over the workers
            values[key] = np.multiply(block.totals[slot, :, 0], 1 / engine.seen.n)

    def _gradients(self, i: int, at: Array) -> Array:
        """Gradients that the passes do not make: drawn by an oracle, or of other functions."""
        # gradients of one draw replay one stream, as in the plain run
        draw = self.program.ops[i].draw
        if isinstance(self.seen, Drawn) and sum(op.draw == draw for op in self.program.ops) > 1:
            stream = self._streams.setdefault(draw, Repeated(self.block.rng))
            return np.asarray(self.seen.drawn_by(stream.again()).gradients(at))
        return np.asarray(self.seen.gradients(at))

    def _common(self, v: Vector) -> Array:
        """A vector that all share, (R, d)."""
        # built without a zero array: most vectors are one or two terms
        out: Array | None = None
        for key, c in v.terms.items():
            part = self.values[key] if c == 1 else float(c) * self.values[key]
            out = part if out is None else out + part
        return np.zeros_like(self.state.x) if out is None else out

    def _servers(self, leaf: NDArray[np.int64]) -> dict[str, Array]:
        """The next server vectors, of each replicate's leaf."""
        out = {}
        for k in self.program.server:
            nexts = [v[k] for v in self.schedule.nexts]
            value: Array = self._common(nexts[0])
            # only where a leaf's vector differs from the first one's are rows exchanged
            for number, v in enumerate(nexts[1:], 1):
                if v.terms != nexts[0].terms:
                    value = np.where((leaf == number)[:, None], self._common(v), value)
            out[k] = value.astype(self.state.x.dtype, copy=False)
        return out

    def _bits(self, coins: list[NDArray[np.bool_]]) -> tuple[Bits, Bits | None]:
        """What the method's own step says of the round's bits."""
        engine = self.engine
        told = _Told(dict.fromkeys(self.program.of_kind(MESSAGE), engine.each), coins, self.heard)
        return engine.body._sent(told, engine.reading, engine.problem, self.t), heard_of(told, engine.reading)


class _Told:
    """What `BodyMethod._sent` asks of a running body."""

    def __init__(
        self, cost: Mapping[int, Bits], coins: Sequence[NDArray[np.bool_]], heard: Sequence[Bits | None]
    ) -> None:
        self.cost, self.coins, self.heard, self.means = cost, coins, heard, 0
