"""Low-rank compressors of matrix-shaped vectors: the best rank-r approximation, and PowerSGD's projection.

Vectors are read as matrices row by row; singular values play the part that entries play for Top-K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_exact, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.calculus import bias_variance_of_deterministic
from compth.claims import BiasVariance, Claim, Contractive, proved_index, selection_claims
from compth.compressors.core.base import OURS, TIGHT, Compressor, Provenance, positive_int
from compth.errors import InvalidParameter
from compth.sources import POWERSGD, Source


def _check_shape(owner: str, shape: object) -> None:
    """Raise InvalidParameter unless shape is (rows, columns), integers >= 1."""
    good = isinstance(shape, tuple) and len(shape) == 2 and all(is_exact(v) and v >= 1 for v in shape)
    if not good:
        raise InvalidParameter(f"{owner}(shape={shape!r}) needs a pair of integers (rows, columns) >= 1")


def _projection_claims(r: Number, shape: tuple[int, int], source: Source, proof: str) -> tuple[Claim, ...]:
    """delta = r/min(shape), B1 and B2 with beta = 1: C(x) is a projection of x, so <C(x), x> = ||C(x)||^2."""
    # an orthogonal projection: <C(x), x> = ||C(x)||^2, so alpha = gamma = delta and beta = 1
    delta = ratio(r, min(shape))
    same: Provenance = {"sharpness": TIGHT, "source": source, "attribution": OURS}
    ball = Contractive(delta, proof=proof, **same)
    # selection claims follow from delta, so their proof counts only where delta's own is in the index
    selection = "classes.selection" if proof in proved_index() else ""
    return (ball, *selection_claims(delta, proof=selection, **same))


def _why_not(d: int, shape: tuple[int, int]) -> str:
    """The rule d = rows x columns where d breaks it, else ""."""
    rows, columns = shape
    return "" if d == rows * columns else f"d = {rows} x {columns} = {rows * columns}"


@dataclass(frozen=True)
class RankR(Compressor):
    """C(X) = sum of the r leading singular triplets of X (x reshaped to `shape`, row by row).

    Contractive with delta = r/min(shape), attained when all singular values are equal. r (rows + columns) floats.

    r: 1 <= r <= min(shape); shape: (rows, columns) with d = rows x columns, any other d is Unsupported.
    """

    r: int
    shape: tuple[int, int]
    deterministic: ClassVar[bool] = True
    source: ClassVar[Source] = POWERSGD

    def __post_init__(self) -> None:
        positive_int("r", self.r, "RankR")
        _check_shape("RankR", self.shape)
        if is_exact(self.r) and self.r > min(self.shape):
            raise InvalidParameter(f"RankR(r={self.r}) needs 1 <= r <= min(shape) = {min(self.shape)}")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # Eckart and Young: no rank-r matrix is nearer; the r largest of min(shape) squares are at least
        # their share of the sum
        u, sigma, v = np.linalg.svd(x.reshape(*x.shape[:-1], *self.shape), full_matrices=False)
        kept = u[..., : self.r] * sigma[..., None, : self.r] @ v[..., : self.r, :]
        return np.asarray(kept.reshape(x.shape))

    def claims(self, d: Number) -> tuple[Claim, ...]:
        pair = bias_variance_of_deterministic(ratio(self.r, min(self.shape)))
        return (  # the squared singular values are what Top-K's proof calls entries
            *_projection_claims(self.r, self.shape, self.source, "topk.delta"),
            BiasVariance(*pair, sharpness=TIGHT, attribution=OURS, proof="classes.deterministic"),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=self.r * sum(self.shape), float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return _why_not(d, self.shape)

    @classmethod
    def examples(cls) -> tuple[RankR, ...]:
        return (cls(1, (2, 2)), cls(2, (2, 3)), cls(1, (1, 3)), cls(1, (3, 2)), cls(1, (1, 1)))


@dataclass(frozen=True)
class PowerSGD(Compressor):
    """C(X) = P P' X, P an orthonormal basis of the range of (X X')^(iterations - 1) X G, G Gaussian, drawn afresh.

    Without PowerSGD's warm start, so that the map is stateless. E||C(X)-X||^2 <= (1 - r/min(shape))||X||^2, with
    equality when all singular values are equal: with H the projection on the range of Sigma^k G, E H_ii is largest
    where sigma_i is (leverage grows with its own weight and falls with the others'; rows of G are exchangeable), and
    tr H = r, so sum sigma_i^2 E H_ii >= (r/min(shape)) sum sigma_i^2 by Chebyshev's sum inequality.

    r, shape: as for RankR; iterations: rounds of power iteration, >= 1. P and X'P are sent.
    The constant holds for any number of iterations; no proof of it is machine-checked.
    """

    r: int
    shape: tuple[int, int]
    iterations: int = 1
    source: ClassVar[Source] = POWERSGD

    def __post_init__(self) -> None:
        positive_int("r", self.r, "PowerSGD")
        positive_int("iterations", self.iterations, "PowerSGD")
        _check_shape("PowerSGD", self.shape)
        if is_exact(self.r) and self.r > min(self.shape):
            raise InvalidParameter(f"PowerSGD(r={self.r}) needs 1 <= r <= min(shape) = {min(self.shape)}")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        matrix = x.reshape(*x.shape[:-1], *self.shape)
        top = np.abs(matrix).max(axis=(-2, -1), keepdims=True)
        # the range does not depend on the scale; products of large entries would overflow
        unit = matrix / np.where(top > 0, top, 1)
        q = rng.standard_normal((*x.shape[:-1], self.shape[1], self.r))
        # block power iteration: each round turns P towards the leading singular vectors
        for _ in range(self.iterations):
            p = np.linalg.qr(unit @ q)[0]
            q = np.swapaxes(unit, -1, -2) @ p
        return np.asarray((top * (p @ np.swapaxes(q, -1, -2))).reshape(x.shape))

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return _projection_claims(self.r, self.shape, self.source, "")

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=self.r * sum(self.shape), float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return _why_not(d, self.shape)

    @classmethod
    def examples(cls) -> tuple[PowerSGD, ...]:
        return (cls(1, (2, 2)), cls(1, (2, 3), 2), cls(2, (3, 2)), cls(1, (1, 1)))
