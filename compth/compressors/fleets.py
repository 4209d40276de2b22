"""What n workers send together: a fleet maps (..., n, d) to (..., n, d) and carries the joint constants.

A fleet is a joint law, so it knows what no single compressor does: the (A, B) of the averaged message. Claims of a
fleet hold for every worker; methods and theorems ask fleets alone.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast, final

import numpy as np

from compth import calculus
from compth._door import answers
from compth._numbers import Number, is_symbolic, max, min, plain_parameters, plainly
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import (
    B1,
    B2,
    BiasVariance,
    Claim,
    Contractive,
    JointVariance,
    Unbiased,
    issued,
    rule_proof,
)
from compth.compressors.core.base import (
    UPPER,
    Compressor,
    DiagonalSketch,
    Noise,
    check_members,
    check_vectors,
    short_repr,
)
from compth.compressors.core.calling import name_of
from compth.compressors.identity import Identity
from compth.compressors.natural import NaturalCompression
from compth.compressors.rand_k import RandK
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter, Unsupported

F = TypeVar("F", bound=Claim)


@dataclass(frozen=True)
class Fleet(ABC):
    """A joint law of n workers' compressors. Methods take a fleet; a plain compressor means Independent(C)."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # as for compressors: plain numbers before a subclass's own checks, and claims that know their
        # issuer
        plainly(cls)
        cls.__repr__ = short_repr  # type: ignore[method-assign]
        if "claims" in vars(cls):
            cls.claims = issued(vars(cls)["claims"])  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        plain_parameters(self)
        check_members(self)

    @final
    def compress(self, x: object, rng: np.random.Generator) -> Array:
        """Messages of all workers for x of shape (..., n, d); validated as Compressor.compress."""
        data = check_vectors(x)
        if data.ndim < 2:
            raise InvalidParameter(f"x has shape {data.shape}: a fleet needs (..., n, d)")
        self.check(data.shape[-2], data.shape[-1])
        return self.kernel(data, rng)

    @abstractmethod
    def member(self, i: int) -> Compressor:
        """Worker i's marginal compressor."""

    @property
    @abstractmethod
    def members(self) -> tuple[Compressor, ...]:
        """The distinct marginal compressors."""

    @abstractmethod
    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        """The joint law on (..., n, d): the reference."""

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """What simulations run: the same law, possibly faster."""
        return self._compress(x, rng)

    @abstractmethod
    def joint(self, n: Number, d: Number) -> JointVariance | None:
        """The AB-inequality of the averaged message, None for biased members."""

    @issued
    def claims(self, n: Number, d: Number) -> tuple[Claim, ...]:
        """Constants that hold for every worker (the worst member's), the joint (A, B), and a lone worker's B1, B2."""
        out: list[Claim] = []
        # a constant holds for every worker if it does for the worst; a kind that one member lacks no fleet
        # has
        unbiased = _shared_by(self.members, Unbiased, d, _worst_unbiased)
        contractive = _shared_by(self.members, Contractive, d, _worst_delta)
        pairs = _shared_by(self.members, BiasVariance, d, _worst_pair)
        out += [*unbiased, *contractive, *pairs]
        joint = self.joint(n, d)
        out += [joint] if joint is not None else []
        # biased classes do not average: with several workers <E C, x> of one says nothing of the mean
        alone = [self.member(0).claim(kind, d) for kind in (B1, B2)] if n == 1 else []
        return (*out, *(c for c in alone if c is not None))

    def claim(self, kind: type[F], n: Number, d: Number) -> F | None:
        """The first claim of this kind, None if there is none."""
        return next((c for c in self.claims(n, d) if isinstance(c, kind)), None)

    def bits(self, n: int, d: int, float_bits: int = FLOAT_BITS) -> tuple[BitCost, ...]:
        """One message of each worker."""
        return tuple(self.member(i).bits(d, float_bits) for i in range(n))

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        """Realised bits of each message, (..., n, d) -> (..., n)."""
        # every worker's own compressor counts its own messages
        rows = [self.member(i).message_bits(y[..., i, :], float_bits) for i in range(y.shape[-2])]
        return np.stack(rows, axis=-1)

    def random_length(self, n: int, d: int) -> bool:
        """True when some worker's message length varies."""
        return any(c.random for c in self.bits(n, d))

    @abstractmethod
    def noise(self, n: int, d: int) -> tuple[Noise, ...] | None:
        """Per-worker Noise(own, cross) where every member is a linear sketch with E S = I, else None."""

    def linear_moments(self, n: int, d: int) -> tuple[tuple[Number, Noise], ...] | None:
        """Per-worker (delta, Noise) where every member is a linear sketch with E S = delta I, else None."""
        found = self.noise(n, d)
        return None if found is None else tuple((1, v) for v in found)

    def why_not(self, n: int, d: int) -> str:
        """ "" when (n, d) is supported, else the rule that is broken."""
        return next((m.why_not(d) for m in self.members if m.why_not(d)), "")

    def check(self, n: int, d: int) -> None:
        """Raise Unsupported, with the rule, unless (n, d) is supported."""
        reason = self.why_not(n, d)
        if reason:
            raise Unsupported(f"{self.label} needs {reason}, got n={n}, d={d}")

    @property
    def label(self) -> str:
        """Short name for tables and legends."""
        return repr(self)

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Fleet, ...]:
        """Small instances for tests, CLI and docs."""


def _shared_by(
    members: tuple[Compressor, ...], kind: type[F], d: Number, worst: Callable[[list[F]], F]
) -> list[F]:
    """[the claim of this kind that holds for every member], [] where one of them makes none."""
    found = [c for m in members if (c := m.claim(kind, d)) is not None]
    return [worst(found)] if len(found) == len(members) else []


def _for_all(worst: F, found: Sequence[Claim]) -> F:
    """The worst member's claim for all of them: it keeps its proof where each member's claim is proved."""
    # for all members: the rule "worst member" is proved, so the claim is as sure as the weakest of the
    # members'
    out: F = replace(worst, proof=rule_proof(worst.proof, *found))
    return out


def _worst_unbiased(found: list[Unbiased]) -> Unbiased:
    """The largest omega, under the claim that has it."""
    worst = max(*(c.omega for c in found))
    held: Unbiased = next((c for c in found if c.omega == worst), found[0].with_constants(omega=worst))
    return _for_all(held, found)


def _worst_delta(found: list[Contractive]) -> Contractive:
    """The smallest delta, under the claim that has it."""
    worst = min(*(c.delta for c in found))
    held: Contractive = next((c for c in found if c.delta == worst), found[0].with_constants(delta=worst))
    return _for_all(held, found)


def _worst_pair(found: list[BiasVariance]) -> BiasVariance:
    """The largest eta and the largest omega, which may be different members'."""
    eta, omega = max(*(c.eta for c in found)), max(*(c.omega for c in found))
    held: BiasVariance = found[0].with_constants(eta=eta, omega=omega)
    return _for_all(held, found)


@dataclass(frozen=True)
class Independent(Fleet):
    """Every worker compresses with its own randomness: Independent(C), or Independent([C_1, ..., C_n]).

    Claims are the worst member's, and (A, B) = (omega/n, 0). A list fixes the number of workers. Raises
    InvalidParameter for what are no compressors.
    """

    compressor: Compressor | Sequence[Compressor]

    def __post_init__(self) -> None:
        if isinstance(self.compressor, list | tuple):
            object.__setattr__(self, "compressor", tuple(self.compressor))
        bad = [m for m in self.members if not isinstance(m, Compressor)]
        if bad or not self.members:
            raise InvalidParameter(f"Independent({self.compressor!r}) needs a Compressor or a list of them")

    @property
    def members(self) -> tuple[Compressor, ...]:
        # lists became tuples in __post_init__: what is no tuple is one compressor for all
        one = cast("Compressor", self.compressor)
        return self.compressor if isinstance(self.compressor, tuple) else (one,)

    def member(self, i: int) -> Compressor:
        return self.members[i] if isinstance(self.compressor, tuple) else self.members[0]

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        if not isinstance(self.compressor, tuple):
            return self.members[0]._compress(x, rng)
        return np.stack([m._compress(x[..., i, :], rng) for i, m in enumerate(self.members)], axis=-2)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        if not isinstance(self.compressor, tuple):
            return self.members[0].kernel(x, rng)
        return np.stack([m.kernel(x[..., i, :], rng) for i, m in enumerate(self.members)], axis=-2)

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        found = [c for m in self.members if (c := m.claim(Unbiased, d)) is not None]
        if len(found) < len(self.members):
            return None
        worst = _worst_unbiased(found)
        # independent errors have no cross terms: E||mean C_i(a_i) - abar||^2 = (1/n^2) sum E||C_i(a_i) -
        # a_i||^2 <= (omega/n) mean||a_i||^2
        a, b = calculus.independent_joint(worst.omega, n)
        return JointVariance(
            a,
            b,
            n if isinstance(n, int) else 1,
            sharpness=worst.sharpness,
            source=worst.source,
            attribution=worst.attribution,
            proof=rule_proof("calculus.averaging", *found),
        )

    def noise(self, n: int, d: int) -> tuple[Noise, ...] | None:
        found = [self.member(i).noise(d) for i in range(n)]
        return None if any(v is None for v in found) else tuple(v for v in found if v is not None)

    def linear_moments(self, n: int, d: int) -> tuple[tuple[Number, Noise], ...] | None:
        found = [self.member(i).linear_moments(d) for i in range(n)]
        return None if any(v is None for v in found) else tuple(v for v in found if v is not None)

    def why_not(self, n: int, d: int) -> str:
        if isinstance(self.compressor, tuple) and len(self.members) != n:
            return f"n = {len(self.members)} (one compressor per worker)"
        return super().why_not(n, d)

    @property
    def label(self) -> str:
        return repr(self.compressor) if not isinstance(self.compressor, tuple) else repr(self)

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        return (cls(RandK(1)), cls([RandK(1), Identity(), NaturalCompression()]), cls(TopK(1)))


@dataclass(frozen=True)
class Shared(Fleet):
    """All workers use the same random draw of one compressor (a seed shared by all).

    For linear sketches the averaged message is S applied to the average: (A, B) = (0, -omega). For others the errors
    may add up coherently: (A, B) = (omega, 0).
    """

    compressor: Compressor

    @property
    def members(self) -> tuple[Compressor, ...]:
        return (self.compressor,)

    def member(self, i: int) -> Compressor:
        return self.compressor

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        if isinstance(self.compressor, DiagonalSketch):
            return self.compressor.draw((*x.shape[:-2], 1, x.shape[-1]), rng) * x
        # a compressor that is no diagonal sketch has no weights to share: the generator is set back before
        # each worker, so that all see the same draws
        start = copy.deepcopy(rng.bit_generator.state)
        rows = []
        for i in range(x.shape[-2]):
            rng.bit_generator.state = copy.deepcopy(start)
            rows.append(self.compressor._compress(x[..., i, :], rng))
        return np.stack(rows, axis=-2)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        if isinstance(self.compressor, DiagonalSketch):
            return self.compressor.weights((*x.shape[:-2], 1, x.shape[-1]), rng, x.dtype) * x
        return self._compress(x, rng)

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        base = self.compressor.claim(Unbiased, d)
        if base is None:
            return None
        # S(a_1) + ... + S(a_n) = S(sum a_i) only for linear sketches: the error is that of one compression
        # of the mean, (0, -omega)
        linear = isinstance(self.compressor, DiagonalSketch | Identity)
        a, b = calculus.shared_joint(base.omega) if linear else (base.omega, 0)
        sharp = base.sharpness if linear else UPPER
        return JointVariance(
            a,
            b,
            n if isinstance(n, int) and not is_symbolic(n) else 1,
            sharpness=sharp,
            proof=rule_proof("calculus.shared", base),
        )

    def noise(self, n: int, d: int) -> tuple[Noise, ...] | None:
        own = self.compressor.noise(d)
        return None if own is None else (Noise(own.own, own.own),) * n

    def linear_moments(self, n: int, d: int) -> tuple[tuple[Number, Noise], ...] | None:
        found = self.compressor.linear_moments(d)
        return None if found is None else ((found[0], Noise(found[1].own, found[1].own)),) * n

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        return (cls(RandK(1)), cls(NaturalCompression()))


CompressorLike = Compressor | Fleet | Sequence[Compressor]
"""What methods take for their workers: one compressor for all, one for each of them, or a joint law."""


def as_fleet(what: object) -> Fleet:
    """A fleet as it is; a compressor or a list of compressors as Independent."""
    answers("compressor", what)
    if isinstance(what, Fleet):
        return what
    if isinstance(what, Compressor | list | tuple):
        return Independent(what)
    # the most frequent mistake gets the remedy in its own words
    if callable(what) and not isinstance(what, type):
        said = f"compressor={name_of(what)} is a function without claims"
        raise InvalidParameter(f"{said}: write ct.compressor({name_of(what)}, claims=ct.Contractive('1/d'))")
    raise InvalidParameter(
        f"compressor={what!r} is not a Compressor or Fleet: try RandK(k=5) or Shared(RandK(k=5))"
    )
