"""Layer by layer: every block of coordinates has a compressor, and a draw, of its own.

The blocks of a network's layers, each with its own compressor: constants are the worst block's, messages add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np

from compth import calculus
from compth._numbers import Number, is_symbolic, min
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import BiasVariance, Claim, Contractive, Unbiased, rule_proof
from compth.compressors.core.base import UPPER, Compressor, MomentMap, Noise, positive_int
from compth.compressors.natural import NaturalCompression
from compth.compressors.rand_k import RandK
from compth.compressors.random_dithering import RandomDithering
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter
from compth.sources import COMPTH, Source

Part = tuple[Compressor, Number]
"""A compressor and the number of coordinates that it gets."""


@dataclass(frozen=True)
class Blocks(Compressor):
    """C(x) = (C_1(x_1), ..., C_m(x_m)) on consecutive blocks: Blocks(C, sizes), or Blocks([C_1, C_2], (d_1, d_2)).

    sizes: of the layers, in order, which d has to be the sum of; or one integer b: blocks of b, the last one shorter.
    omega is the largest of the blocks', delta the smallest, (eta, omega) the largest of each; messages add up. Tight
    where the worst block's constant is: an input may lie in that block alone.

    Raises InvalidParameter for sizes that are no integers >= 1 or not as many as compressors, Unsupported where d is
    not their sum.
    """

    compressor: Compressor | Sequence[Compressor]
    sizes: Number
    source: ClassVar[Source] = COMPTH

    def __post_init__(self) -> None:
        # lists would make the frozen object unhashable
        for name in ("compressor", "sizes"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        many = self._compressors
        if not many or not all(isinstance(c, Compressor) for c in many):
            raise InvalidParameter(
                f"Blocks(compressor={self.compressor!r}) needs a Compressor or a list of them"
            )
        for size in self.sizes if isinstance(self.sizes, tuple) else (self.sizes,):
            positive_int("sizes", size, "Blocks")
        if isinstance(self.compressor, tuple) and (
            not isinstance(self.sizes, tuple) or len(self.sizes) != len(many)
        ):
            raise InvalidParameter(
                f"Blocks of {len(many)} compressors needs as many sizes, got sizes={self.sizes!r}"
            )
        if self.sizes == ():
            raise InvalidParameter("Blocks(sizes=()) needs at least one size")

    @property
    def _compressors(self) -> tuple[Compressor, ...]:
        # lists became tuples in __post_init__: what is no tuple is one compressor for every block
        one = cast("Compressor", self.compressor)
        return self.compressor if isinstance(self.compressor, tuple) else (one,)

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return all(c.deterministic for c in self._compressors)

    def parts(self, d: int) -> tuple[Part, ...]:
        """The blocks at dimension d; of a symbol d one: the largest is the worst, as constants grow with d."""
        if not isinstance(self.sizes, tuple):
            b, (one,) = self.sizes, self._compressors
            if is_symbolic(d) or is_symbolic(b):
                return ((one, min(b, d)),)
            # the last block takes what is left
            full, rest = int(d) // int(b), int(d) % int(b)
            return ((one, b),) * full + ((one, rest),) * (rest > 0)
        many = self._compressors
        many = many if isinstance(self.compressor, tuple) else many * len(self.sizes)
        found: tuple[Part, ...] = tuple(zip(many, self.sizes, strict=True))
        return found

    def _slices(self, d: int) -> Iterator[tuple[Compressor, slice]]:
        """Every block's compressor and where its coordinates lie."""
        start = 0
        for c, size in self.parts(d):
            yield c, slice(start, start + size)
            start += size

    def _each(self, x: Array, apply: Callable[[Compressor, Array], Array]) -> Array:
        """Every block through its compressor, put together again."""
        return np.concatenate([apply(c, x[..., at]) for c, at in self._slices(x.shape[-1])], axis=-1)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self._each(x, lambda c, part: c._compress(part, rng))

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return self._each(x, lambda c, part: c.kernel(np.ascontiguousarray(part), rng))

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # equal blocks make equal claims: each kind is looked at once
        parts = list(dict.fromkeys(self.parts(d)))
        out = (_merged(kind, [c.claim(kind, size) for c, size in parts]) for kind in MERGED)
        return tuple(claim for claim in out if claim is not None)

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        found = []
        for c, at in dict.fromkeys((c, (at.start, at.stop)) for c, at in self._slices(d)):
            for inside in (np.ones(at[1] - at[0]), *c.worst_inputs(at[1] - at[0])):
                x = np.zeros(d)
                # a block's worst input, with zeros elsewhere: the ratio of the whole is then the block's
                x[slice(*at)] = inside
                found.append(x)
        return tuple(found[:64])

    def noise(self, d: int) -> Noise | None:
        """Where every block's noise is diagonal: blocks do not see each other, and neither do coordinates."""
        # blocks are drawn independently, so E[S M S'] has no extra term between them: one diagonal map
        # holds if every block's is diagonal
        found = [(c.noise(size), size) for c, size in self.parts(d)]
        if any(v is None or np.any(np.asarray([v.own.a, v.own.b]) != 0) for v, _ in found):
            return None
        c = [np.broadcast_to(np.asarray(v.own.c), (size,)) for v, size in found if v is not None]
        return Noise(MomentMap(c=np.concatenate(c)))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        first, *rest = (c.bits(size, float_bits) for c, size in self.parts(d))
        return sum(rest, start=first)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        parts = [c.message_bits(y[..., at], float_bits) for c, at in self._slices(y.shape[-1])]
        lengths: Array = np.sum(parts, axis=0)
        return lengths

    def why_not(self, d: int) -> str:
        if isinstance(self.sizes, tuple) and sum(self.sizes) != d:
            return f"d = {sum(self.sizes)}, the sum of its sizes"
        broken = ((c, size, c.why_not(size)) for c, size in self.parts(d))
        return next(
            (f"in a block of {size} coordinates {c!r} needs {why}" for c, size, why in broken if why), ""
        )

    @classmethod
    def examples(cls) -> tuple[Blocks, ...]:
        return (
            cls(RandK(1), 2),
            cls((TopK(1), TopK(2)), (2, 2)),
            cls((RandK(1), RandomDithering(2)), (2, 2)),
            cls(NaturalCompression(), (1, 2)),
        )


MERGED: tuple[type[Claim], ...] = (Unbiased, Contractive, BiasVariance)
"""The claims that blocks inherit."""


def _merged(kind: type[Claim], given: Sequence[Claim | None]) -> Claim | None:
    """The claim of the whole, None where a block has none of this kind; sharp where the worst block's is."""
    found = [c for c in given if c is not None]
    if len(found) < len(given):
        return None
    if kind is BiasVariance:
        pairs = [c for c in found if isinstance(c, BiasVariance)]
        eta, omega = calculus.blocks_pair(*((c.eta, c.omega) for c in pairs))
        values = {"eta": eta, "omega": omega}
        worst: list[Claim] = [c for c in pairs if c.eta == eta and c.omega == omega]
    else:
        (name,) = found[0].constants
        rule = calculus.blocks_omega if kind is Unbiased else calculus.blocks_delta
        values = {name: rule(*(getattr(c, name) for c in found))}
        # E||error||^2 adds up over blocks and so does ||x||^2: the ratio is largest where all of x lies in
        # the worst block
        worst = [c for c in found if getattr(c, name) == values[name]]
    sharp = worst[0].sharpness if worst else UPPER
    proof = rule_proof("calculus.blocks", *found)
    base = worst[0] if worst else found[0]
    return replace(base, **values, sharpness=sharp, proof=proof, name="")
