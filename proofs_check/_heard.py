"""One step of a method, listened to: what every verb of its body was given and gave, the coins, where it arrives.

The method runs its own step; its `w` alone is exchanged for one that takes notes. Nothing here knows a statement.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from compth._types import Array
from compth.methods.core.running import Running, RunningParts

Note = tuple[str, Array, Array]
"""The verb's name, what it was given and what it gave, each (R, n, d) or (R, 1, d)."""


class Draw(Protocol):
    """A draw that was made: what it makes of any other vector."""

    def __call__(self, u: Array, /) -> Array: ...


@dataclass
class Heard:
    """One step: (name, given, gave) of every verb, the coin, the state before and after.

    sent, picked: what a message's or a sample's draw makes of another vector. noisy: every gradient comes with noise,
    as a stochastic one does, so that it is told from its mean.
    """

    noisy: bool = False
    verbs: list[Note] = field(default_factory=list)
    coins: list[tuple[Array, float]] = field(default_factory=list)
    before: dict[str, Array] = field(default_factory=dict)
    after: dict[str, Array] = field(default_factory=dict)
    sent: list[Draw] = field(default_factory=list)
    picked: list[Draw] = field(default_factory=list)
    of_parts: dict[int, Array] = field(default_factory=dict)
    multiplier: float = 1.0

    def listen(self) -> type[Running]:
        """A `w` that notes what its verbs are given and give."""
        heard, notes = self, self.verbs

        class Listening(Running):
            def gradient(self, x: Array, *, draw: object = None) -> Array:
                out = super().gradient(x, draw=draw)
                full = out if out.shape[1] == self.n else self._seen.gradients(x[:, 0])
                # Any noise will do: what is checked is linear in the gradients that the step was given.
                if heard.noisy:
                    full = full + self._rng.standard_normal(full.shape)
                    out = full if out.shape[1] == self.n else full.mean(axis=1, keepdims=True)
                notes.append(("gradient", np.array(x), np.array(full)))
                return out

            def compress(self, u: Array) -> Array:
                # The generator before the draw: started again from there it gives the same draw.
                heard.sent.append(self._again(copy.deepcopy(self._rng)))
                out = super().compress(u)
                notes.append(("message", np.array(self._each(u)), np.array(out)))
                return out

            def _again(self, rng: np.random.Generator) -> Draw:
                """The draw that the generator is about to give, of other vectors."""
                return lambda u: np.asarray(self._method.fleet.kernel(self._each(u), copy.deepcopy(rng)))

            def sketch(self) -> Callable[[Array], Array]:
                apply = super().sketch()

                def noted(u: Array) -> Array:
                    out = apply(u)
                    notes.append(("message", np.array(self._each(u)), np.array(out)))
                    return out

                return noted

            def broadcast(self, v: Array) -> Array:
                out = super().broadcast(v)
                if not self._method.broadcasts_all:
                    notes.append(("broadcast", np.array(v), np.array(out)))
                return out

            def coin(self, p: float, yes: Array, no: Array) -> Array:
                out = super().coin(p, yes, no)
                heard.coins.append((self.coins[-1], float(p)))
                return out

            @property
            def parts(self) -> RunningParts:
                return ListeningParts(self)

        class ListeningParts(RunningParts):
            def gradient(self, x: Array) -> Array:
                out = super().gradient(x)
                heard.of_parts[sum(name == "gradient" for name, *_ in notes)] = np.array(out)
                notes.append(("gradient", np.array(x), np.array(out.mean(axis=2))))
                return out

            def sample(self) -> Callable[[Array], Array]:
                draw = super().sample()
                heard.picked.append(draw)

                def noted(v: Array) -> Array:
                    out = draw(v)
                    notes.append(("picked", np.array(v.mean(axis=2)), np.array(out)))
                    return out

                return noted

        return Listening

    def named(self) -> Iterator[Note]:
        """`gradient`, `message`, `message 1` ... with what was given and what came; then the drawn parts' gradients."""
        count: dict[str, int] = {}
        points: dict[int, Array] = {}
        for kind, given, gave in self.verbs:
            k = count[kind] = count.get(kind, -1) + 1
            if kind == "gradient":
                points[k] = given
            yield numbered(kind, k), given, gave
        for k, gradients in self.of_parts.items():
            for draw in self.picked:
                yield numbered("drawn gradient", k), points[k], draw(gradients)


def numbered(kind: str, k: int) -> str:
    """The k-th verb of a kind by name: the first has no number."""
    return f"{kind} {k}" if k else kind
