"""Engine `torch`: methods, compressors and metrics as written, on torch tensors, on a GPU where there is one.

Nothing of a method is written again: `torch_arrays` rebuilds the package's own functions with torch's numpy layer for
`np`. So a change to a method, a compressor or a metric reaches this engine by itself, or is refused with the name of
the operation that torch lacks. A user's code is not rebuilt: it may do what no tensor can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from compth._own import foreign
from compth._types import Array, Tensor
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, State, Theorem
from compth.problems import DistributedQuadratic
from compth.problems.interface import Problem, Quadratic, as_quadratic
from compth.simulation.engines.base import Engine, Randomness

if TYPE_CHECKING:
    from compth.simulation.engines.torch_arrays import Namespace


def _device(name: str) -> tuple[ModuleType, str]:
    """(torch, device): the named one, else the GPU, else the processor."""
    try:
        import torch
    except ImportError:
        raise InvalidParameter("engine='torch' needs torch: pip install torch, or engine='numpy'") from None
    if not name:
        return torch, "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # a device that is named but not there shows itself at the first array
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as problem:
        first = str(problem).split("\n")[0]
        raise InvalidParameter(f"engine='torch:{name}' cannot be used: {first}") from None
    return torch, name


class TorchQuadratic:
    """A DistributedQuadratic's maps on a device; every other attribute is the original's.

    namespace: what `np` means on the device. dtype: of every array, the run's precision.
    """

    def __init__(self, problem: Quadratic, namespace: Namespace, dtype: np.dtype[np.float64]) -> None:
        self._problem = problem

        # all arrays of a run lie on the device in one precision: mixed ones would be copied in every round
        def moved(a: Array) -> Tensor:
            return namespace.asarray(np.array(a, dtype=dtype))

        self._stacked, self.b, self.x_star = (
            moved(problem.stacked(np.float64)),
            moved(problem.b),
            moved(problem.x_star),
        )
        self._A, self._hessian = moved(problem.A), moved(problem.hessian)
        self.gradients_at_star = moved(problem.gradients_at_star)
        self._projector = None if problem.projector is None else moved(problem.projector)
        self._np = namespace

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._problem, name)

    def gradients(self, x: Tensor) -> Tensor:
        """grad f_i(x), (R, d) -> (R, n, d)."""
        return (x @ self._stacked).reshape((*x.shape[:-1], self._problem.n, self._problem.d)) - self.b

    def gradients_at(self, points: Tensor) -> Tensor:
        """grad f_i at each worker's own point, (R, n, d) -> (R, n, d)."""
        return self._np.einsum("ijk,rik->rij", self._A, points) - self.b

    def gradient(self, x: Tensor) -> Tensor:
        """grad f(x), (R, d) -> (R, d)."""
        return (x - self.x_star) @ self._hessian

    def gap(self, x: Tensor) -> Tensor:
        """f(x) - f*."""
        return (self.gradient(x) * (x - self.x_star)).sum(axis=-1) / 2

    def distance_squared(self, x: Tensor) -> Tensor:
        """Squared distance to the solution set."""
        z = x - self.x_star
        z = z if self._projector is None else z @ self._projector
        return (z * z).sum(axis=-1)

    def measures(self, x: Tensor) -> Tensor:
        """Squared distance, gap, squared gradient norm: (3, R)."""
        gradient = self.gradient(x)
        return self._np.stack([self.distance_squared(x), self.gap(x), (gradient * gradient).sum(axis=-1)])


class TorchEngine(Engine):
    """The plain engine's rounds on one device; randomness from torch's generators, a stream a block.

    Raises Unsupported for problems other than DistributedQuadratic, for oracles, and, with the operation's name, where
    torch lacks one that the method's or the compressor's code uses.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int, device: str = "") -> None:
        super().__init__(method, problem, plan, seed)
        self.torch, self.device = _device(device)
        from compth.simulation.engines.torch_arrays import target

        # rebuilding follows names into the package's modules; a user's code may hide what it calls
        strange = foreign(method)
        if strange:
            raise Unsupported(
                f"engine='torch' rebuilds the package's own code, and {strange}: use engine='numpy'"
            )
        if type(problem) is not DistributedQuadratic or foreign(problem) or method.estimator is not None:
            raise Unsupported(
                f"engine='torch' needs exact gradients of a DistributedQuadratic, got {type(problem).__name__}"
            )
        self.target = target(self.device)
        self._method = self.target.object(method)
        fleet = self.target.object(method.fleet)
        # the class was made for this object alone: its fleet is the rebuilt one, whatever the method computes
        fleet_of = property(lambda held: held.__dict__["_fleet"])
        setattr(type(self._method), "fleet", fleet_of)  # noqa: B010  an assignment would be one to a method's name
        object.__setattr__(self._method, "_fleet", fleet)
        self._moved: Problem | None = None

    def start(self, x0: Array, block: int) -> tuple[State, Randomness]:
        from compth.simulation.engines.torch_arrays import Stream

        if self._moved is None:
            exact = as_quadratic(self.method.seen(self.problem))
            # to the method it is the problem: what it does not map to tensors it passes on
            self._moved = cast("Problem", TorchQuadratic(exact, self.target.namespace, x0.dtype))
        # as for the other engines the block's number is the key; torch's generators take 63 bits
        word = int(np.random.SeedSequence([self.seed, block]).generate_state(1, np.uint64)[0]) >> 1
        state = self._method.init(self._moved, self.target.namespace.asarray(np.array(x0)), self.plan)
        return state, Randomness(self._moved, cast("np.random.Generator", Stream(word, self.device)))

    def step(self, state: State, drawn: Randomness, block: int, t: int) -> State:
        with self._named(self.method.label):
            return self._method.step(drawn.view, state, drawn.rng, self.plan, t)

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """An operation that torch lacks is one line."""
        try:
            yield
        except (AttributeError, NotImplementedError, TypeError) as problem:
            first = str(problem).split("\n")[0]
            raise Unsupported(f"engine='torch' cannot run {what}: {first}; use engine='numpy'") from None

    def measures(self, state: State) -> Array:
        assert self._moved is not None
        return self._host(self._moved.measures(state.x))

    def observe(self, theorem: Theorem, state: State) -> Array | None:
        assert self._moved is not None
        with self._named(f"the metric of {theorem.id}"):
            found = self.target.object(theorem).observe(self._moved, state, self.plan)
        return None if found is None else self._host(found)

    def select(self, state: State, keep: NDArray[np.bool_]) -> State:
        from compth.simulation.engines.torch_arrays import layer

        # `State.rows` speaks of numpy arrays: the same for arrays of the layer
        mask = self.torch.as_tensor(np.asarray(keep), device=self.device)
        changes = {
            f.name: layer.ndarray(value.tensor[mask])
            for f in fields(state)
            if isinstance(value := getattr(state, f.name), layer.ndarray) and len(value) == len(mask)
        }
        return replace(state, **changes)

    def mean(self, state: State) -> Array:
        return self._host(state.x.mean(axis=0))

    def sent(self, state: State) -> float:
        return float(np.mean(self._host(state.sent)))

    def heard(self, state: State) -> float:
        fixed = state.heard is None
        return self.method.downlink_bits(self.problem) if fixed else float(np.mean(self._host(state.heard)))

    def _host(self, value: object) -> Array:
        """As a numpy array of doubles."""
        held = getattr(value, "tensor", value)
        return np.asarray(held.cpu().double().numpy() if hasattr(held, "cpu") else held, dtype=float)
