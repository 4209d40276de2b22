"""The `w` of a running body: the verbs on batches of replicates, server vectors (R, 1, d) and workers' (R, n, d).

Operations are numbered in the order in which the body calls them, as in its trace: bits, carried gradients and drawn
coins are found by these numbers. Draws come from one generator in that order; changing it changes every simulated
number. Arrays may be of another library (engines rebuild this code), so only what both have is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

import numpy as np

from compth._types import Tensor
from compth.compressors.perm_k import draw_weights
from compth.errors import Unsupported
from compth.methods.core.downlink import Bidirectional
from compth.methods.core.state import Bits
from compth.methods.core.vectors import Underivable
from compth.problems.interface import Problem, has_components
from compth.problems.oracle import Drawn

PLAIN = np.ndarray
"""The type whose arrays can be locked; other engines' arrays are left as they are."""


class OwnPoints(Protocol):
    """A problem whose gradients are known where every worker is at a point of its own."""

    def gradients_at(self, points: Tensor) -> Tensor:
        """grad f_i(x_i), (R, n, d) -> (R, n, d)."""


def locked(a: Tensor) -> Tensor:
    """A read-only view: a body cannot write into the state."""
    # the view shares its memory and refuses writes: `h += m` in a body would change the state of the round
    # before, which a driver may still hold
    if type(a) is PLAIN:
        a = a.view()
        a.flags.writeable = False
    return a


class Repeated:
    """A generator whose draws are kept, and come again in their order after `again`."""

    def __init__(self, rng: object) -> None:
        self._rng, self._kept, self._at = rng, list[Tensor](), 0

    def again(self) -> Repeated:
        """From the first draw on."""
        self._at = 0
        return self

    def __getattr__(self, name: str) -> Callable[..., Tensor]:
        def draw(*args: object, **how: object) -> Tensor:
            # past the last draw that was kept a new one is made, so that a longer second pass goes on where
            # the first ended
            if self._at == len(self._kept):
                self._kept.append(getattr(self._rng, name)(*args, **how))
            self._at += 1
            return self._kept[self._at - 1]

        return draw


class Running:
    """One step on arrays. method: its fleet compresses; seen: the problem, through the oracle where there is one.

    held: (operation, gradients at x that the last step left), to be its value. keep: the operation whose value the
    state takes on; no other is kept, so that its memory serves again. picked: np.where by rows. averaged: gradients of
    which the mean alone is read; it is then taken at once.
    """

    def __init__(
        self,
        method: Bidirectional,
        seen: Problem,
        rng: np.random.Generator,
        held: tuple[int | None, Tensor] | None,
        keep: int | None,
        picked: Callable[..., Tensor],
        averaged: frozenset[int] = frozenset(),
    ) -> None:
        self.n, self.d = int(seen.n), int(seen.d)
        self._method, self._seen, self._rng, self._held, self._picked = method, seen, rng, held, picked
        self._keep, self._averaged = keep, averaged
        self.operations = 0
        self.rows = 0
        self.kept: Tensor | None = None
        self.cost: dict[int, Bits] = {}
        self.coins: list[Tensor] = []
        self.heard: list[Bits | None] = []
        self.means = 0
        self._streams: dict[object, Repeated] = {}

    def _noted(self, value: Tensor) -> Tensor:
        value = locked(value)
        # operations are numbered as in the trace, so that "the gradient at the next x" is found by its
        # number
        if self.operations == self._keep:
            self.kept = value
        self.operations += 1
        self.rows = len(value)
        return value

    def gradient(self, x: Tensor, *, draw: object = None) -> Tensor:
        """(R, n, d) from (R, 1, d), or from every worker's own point; (R, 1, d) where the mean alone is read."""
        # the last round left this very value: grad f_i at the present x
        if self._held is not None and self._held[0] == self.operations:
            return self._noted(self._held[1])
        own = x.shape[1] > 1
        stochastic = self._method.estimator is not None
        # an oracle draws components at one common point; at points of their own its moments are not those
        # of `noise`
        if own and stochastic:
            raise Unsupported(f"{self._method.label}: an oracle draws gradients at the server's points only")
        # (1/n) sum grad f_i = grad f: one product with the mean Hessian instead of n
        if not own and not stochastic and self.operations in self._averaged:
            return self._noted(self._seen.gradient(x[:, 0])[:, None])
        # gradients of one named draw replay the generator from the start of the stream: the same
        # components, at another point
        if draw is None or not stochastic:
            return self._noted(
                cast("OwnPoints", self._seen).gradients_at(x) if own else self._seen.gradients(x[:, 0])
            )
        stream = self._streams.setdefault(draw, Repeated(self._rng))
        return self._noted(cast("Drawn", self._seen).drawn_by(stream.again()).gradients(x[:, 0]))

    def _each(self, u: Tensor) -> Tensor:
        if u.shape[1] == self.n:
            return u
        # every worker compresses the common vector with its own randomness, so it needs its own row
        return u.repeat(self.n, axis=1)

    @property
    def parts(self) -> RunningParts:
        """The parts of every worker: (R, n, m, d)."""
        return RunningParts(self)

    def compress(self, u: Tensor) -> Tensor:
        """(R, n, d)."""
        return self._sent(self._method.fleet.kernel(self._each(u), self._rng))

    def _sent(self, message: Tensor) -> Tensor:
        # before the operation is counted, so that the cost stands under its number in the trace
        self.cost[self.operations] = self._method.uplink_bits(message)
        return self._noted(message)

    def sketch(self) -> Callable[[Tensor], Tensor]:
        """Weights drawn once."""
        drawn: list[Tensor] = []

        def apply(u: Tensor) -> Tensor:
            u = self._each(u)
            # drawn at the first use, when the shape is known, and then the same weights for every vector of
            # the round
            if not drawn:
                drawn.append(draw_weights(self._method.fleet, u.shape, self._rng))
            return self._sent(drawn[0] * u)

        return apply

    def mean(self, v: Tensor) -> Tensor:
        """(R, 1, d)."""
        self.means += 1
        return v.mean(axis=1)[:, None] if v.shape[1] > 1 else v

    def broadcast(self, v: Tensor) -> Tensor:
        """(R, 1, d)."""
        if v.shape[1] != 1:
            raise Underivable("broadcast of a worker's vector: the server has its mean only, w.mean(v)")
        if self._method.broadcasts_all:
            return v
        update = self._method.broadcast(v[:, 0], self._rng)
        self.heard.append(self._method.heard(update))
        return self._noted(update[:, None])

    def coin(self, p: float, yes: Tensor, no: Tensor) -> Tensor:
        """One coin for each replicate; tuples come whole."""
        first = yes[0] if isinstance(yes, tuple) else yes
        # a coin for each replicate, drawn before anything else of this verb, in the order in which the body
        # asks
        taken = self._rng.random(self.rows or len(first)) < float(p)
        self.coins.append(taken)
        if isinstance(yes, tuple):
            return tuple(self._picked(taken, a, b) for a, b in zip(yes, no, strict=True))
        return self._picked(taken, yes, no)


class RunningParts:
    """`w.parts` of a running body: vectors of parts are (R, n, m, d)."""

    def __init__(self, w: Running) -> None:
        self._w = w

    def gradient(self, x: Tensor) -> Tensor:
        """grad f_ij(x), (R, n, m, d) from (R, 1, d); m = 1 on a problem without parts."""
        seen, at = self._w._seen, x[:, 0]
        found = seen.part_gradients(at) if has_components(seen) else seen.gradients(at)[:, :, None]
        return self._w._noted(np.asarray(found))

    def mean(self, v: Tensor) -> Tensor:
        """(R, n, d)."""
        return v.mean(axis=2)

    def sample(self) -> Callable[[Tensor], Tensor]:
        """One index for each worker and replicate."""
        drawn: list[Tensor] = []

        def picked(v: Tensor) -> Tensor:
            if not drawn:
                # one uniform index for each replicate and worker: E of the pick is the mean over the parts
                drawn.append(self._w._rng.integers(v.shape[2], size=v.shape[:2])[..., None, None])
            return self._w._noted(np.take_along_axis(v, drawn[0], axis=2)[:, :, 0])

        return picked
