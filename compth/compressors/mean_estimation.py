"""The encoders of randomized distributed mean estimation: variable-size support, fixed-size support, binary.

Sketches around a centre: what all entries have in common is sent once, and only deviations from it are sampled. With
the centre 0 they are Bernoulli sparsification and Rand-K.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_exact, is_symbolic, log2_ceil, ratio
from compth._numbers import max as largest
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Unbiased
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.core.base import OURS, READ, TIGHT, UPPER, Compressor, positive_int
from compth.compressors.rand_k import RandK
from compth.errors import InvalidParameter
from compth.sources import RDME, Source

CENTRES = ("zero", "mean")


def _check_centre(owner: str, centre: object) -> None:
    """Raise InvalidParameter unless centre is one of CENTRES."""
    if centre not in CENTRES:
        raise InvalidParameter(f"{owner}(centre={centre!r}) needs one of {', '.join(CENTRES)}")


def best_centre(x: Array, p: Number = None) -> Array:
    """mu = sum w_j x_j / sum w_j, w_j = 1/p_j - 1, per row (..., 1): it minimises sum_j w_j (x_j - mu)^2.

    The mean of the entries where all p_j are equal (p None or one number); 0 where every p_j = 1.
    """
    if np.ndim(p) == 0:
        return np.asarray(x.mean(axis=-1, keepdims=True))
    # the error is sum w_j (x_j - mu)^2: least at the weighted mean
    w = 1 / np.asarray(p, dtype=np.float64) - 1
    return np.asarray((w * x).sum(axis=-1, keepdims=True) / (w.sum() if w.any() else 1.0))


def centre_of(x: Array, centre: str, p: Number = None) -> Array:
    """mu of each row, (..., 1): 0, or the best centre for the probabilities."""
    return np.zeros((*x.shape[:-1], 1)) if centre == "zero" else best_centre(x, p)


def centred_omega(factor: Number, d: Number, centre: str) -> Number:
    """sup of factor ||x - mu 1||^2 / ||x||^2: the factor itself, but 0 for the mean at d = 1."""
    return 0 if centre == "mean" and not is_symbolic(d) and d == 1 else factor


@dataclass(frozen=True)
class VariableSupport(Compressor):
    """C(x)_j = x_j/p_j - (1-p_j)/p_j mu with probability p_j, else mu, independently; `p` a number or one per entry.

    mu = 0, or the best centre sum w_j x_j/sum w_j with w_j = 1/p_j - 1 (the mean for equal p), which is sent. Unbiased;
    E||C(x)-x||^2 = sum_j (1/p_j - 1)(x_j - mu)^2, so omega = max_j 1/p_j - 1 (attained where mu = 0 can be; an upper
    bound for a centre with unequal p). centre = "zero" is Bernoulli(p). For given x, mu and budget the optimal p are
    sampling_probabilities(|x - mu|, budget).

    p: in (0, 1]; centre: "zero" or "mean". A mask, the kept values and the centre, where it is not 0, are sent.
    """

    p: Number | tuple[Number, ...]
    centre: str = "mean"
    source: ClassVar[Source] = RDME.at("Lemma 3.2")

    def __post_init__(self) -> None:
        _check_centre("VariableSupport", self.centre)
        if np.ndim(self.p) > 0:
            object.__setattr__(self, "p", tuple(v if is_exact(v) else float(v) for v in self.p))
        if not self._all() or not all(is_symbolic(v) or 0 < v <= 1 for v in self._all()):
            raise InvalidParameter(f"VariableSupport(p={self.p!r}) needs 0 < p <= 1 for every coordinate")

    def _all(self) -> tuple[Number, ...]:
        """Every probability, one where they are equal."""
        return self.p if isinstance(self.p, tuple) else (self.p,)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # kept entries are stretched away from the centre by 1/p, so that the mean is x
        p, mu = np.asarray(self.p, dtype=np.float64), centre_of(x, self.centre, self.p)
        return np.where(rng.random(x.shape) < p, mu + (x - mu) / p, mu)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        omega = centred_omega(largest(*(ratio(1, v) - 1 for v in self._all())), d, self.centre)
        sharp = UPPER if isinstance(self.p, tuple) and self.centre == "mean" else TIGHT
        proof = "rdme.weighted_centre" if isinstance(self.p, tuple) else "rdme.mse"
        return (Unbiased(omega, sharpness=sharp, source=self.source, attribution=READ, proof=proof),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """A d-bit mask, the kept values (expected number) and the centre where it is not 0."""
        kept = sum(self.p) if isinstance(self.p, tuple) else d * self.p
        centre = 0 if self.centre == "zero" else 1
        return BitCost(floats=kept + centre, other=d, float_bits=float_bits, random=True)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        """Mask and values that differ from the centre: 0, or the most frequent value, sent as one more float."""
        d = y.shape[-1]
        if self.centre == "zero":
            lengths: Array = d + float_bits * np.count_nonzero(y, axis=-1).astype(np.float64)
            return lengths
        # entries that were not kept all equal the centre: the longest run of equal values in the sorted
        # message is their number
        ordered = np.sort(y, axis=-1)
        place = np.arange(d)
        fresh = np.ones(y.shape, dtype=bool)
        fresh[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
        run = place - np.maximum.accumulate(np.where(fresh, place, 0), axis=-1)  # repeats seen so far
        lengths = d + float_bits * (float(d) - run.max(axis=-1))
        return lengths

    def why_not(self, d: int) -> str:
        return Bernoulli(self.p).why_not(d)

    @classmethod
    def examples(cls) -> tuple[VariableSupport, ...]:
        half = ratio(1, 2)
        uneven = (half, ratio(1, 4), 1)
        return (cls(half), cls(0.25), cls(1), cls(half, "zero"), cls(uneven), cls(uneven, "zero"))


@dataclass(frozen=True)
class FixedSupport(Compressor):
    """On a uniform k-subset (d/k) x_j - ((d-k)/k) mu, else mu (mu: 0, or the mean of x, which is sent).

    Unbiased; E||C(x)-x||^2 = (d/k - 1) ||x - mu 1||^2. centre = "zero" is Rand-k.

    k: an integer >= 1, at most d; centre: "zero" or "mean". k values with their indices are sent, and the centre.
    """

    k: int
    centre: str = "mean"
    source: ClassVar[Source] = RDME.at("Lemma 3.4")

    def __post_init__(self) -> None:
        _check_centre("FixedSupport", self.centre)
        positive_int("k", self.k, "FixedSupport")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        mu = centre_of(x, self.centre)
        out: Array = mu + RandK(self.k).draw(x.shape, rng) * (x - mu)
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # ||x - mu 1|| <= ||x||, with equality where the mean is 0: the centre helps at a given x and not in
        # the worst case
        omega = centred_omega(ratio(d, self.k) - 1, d, self.centre)
        return (Unbiased(omega, sharpness=TIGHT, source=self.source, attribution=READ, proof="rdme.mse"),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        centre = 0 if self.centre == "zero" else 1
        return BitCost(floats=self.k + centre, indices=self.k * log2_ceil(d), float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return RandK(self.k).why_not(d)

    @classmethod
    def examples(cls) -> tuple[FixedSupport, ...]:
        return (cls(1), cls(2), cls(2, "zero"))


@dataclass(frozen=True)
class BinaryQuantization(Compressor):
    """C(x)_j = max x with probability (x_j - min x)/(max x - min x), else min x; exact when all entries are equal.

    Unbiased; E||C(x)-x||^2 = sum (max - x_j)(x_j - min). omega = (d-2)/2 for d >= 2 (attained at (1, -1, 0, ..., 0)),
    0 at d = 1; the paper's d/2 is kept beside it.

    No parameter. Two floats and a bit an entry are sent.
    """

    source: ClassVar[Source] = RDME.at("Example 4")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        top, bottom = x.max(axis=-1, keepdims=True), x.min(axis=-1, keepdims=True)
        # halves: max - min may overflow where x itself does not
        # x_j between the two ends, rounded to one of them with the probability that keeps its mean
        gap = top / 2 - bottom / 2
        share = (x / 2 - bottom / 2) / np.where(gap > 0, gap, 1)
        out: Array = np.where(rng.random(x.shape) < share, top, bottom)
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # with max = 1, min = -a: 2(1-t)(t+a) <= 1 + a^2 + t^2 for every t, equality iff t = 0 and a = 1
        paper = Unbiased(
            ratio(d, 2), source=self.source, attribution=READ, name="textbook", proof="rdme.binary_sharp"
        )
        sharp = largest(ratio(d - 2, 2), 0)
        return (replace(paper, omega=sharp, sharpness=TIGHT, attribution=OURS, name="sharp"), paper)

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        pair = np.zeros(d)
        pair[:2] = (1.0, -1.0)[:d]
        return (pair,)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=2, levels=d, float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[BinaryQuantization, ...]:
        return (cls(),)
