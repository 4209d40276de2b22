"""Compressors made of compressors: Scaled, Composed, Induced, Averaged.

Constants come from rules of `compth.calculus`, each with a proof of its own: a composed claim is proved where the
rule and the members' claims are. What a member lacks is said with the remedy when a claim is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import numpy as np

from compth import calculus
from compth._door import real
from compth._numbers import Number, is_symbolic, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import BiasVariance, Claim, Contractive, Unbiased, rule_proof
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.core.base import (
    CODE,
    OURS,
    READ,
    RECALLED,
    TIGHT,
    UPPER,
    Compressor,
    MomentMap,
    Noise,
    Proved,
    positive_int,
)
from compth.compressors.identity import Identity
from compth.compressors.natural import NaturalCompression
from compth.compressors.rand_k import RandK
from compth.compressors.random_dithering import RandomDithering
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter, Unsupported
from compth.sources import INDUCED, NATURAL, Source

C = TypeVar("C", bound=Claim)


def _need(owner: str, role: str, member: Compressor, kind: type[C], d: Number) -> C:
    """The member's claim of this kind. Raises Unsupported, saying what the member has instead."""
    claim = member.claim(kind, d)
    if claim is None:
        has = ", ".join(str(c) for c in member.claims(d)) or "no claim"
        raise Unsupported(f"{owner} needs {kind.__name__} as {role}; {member!r} gives {has}")
    return claim


@dataclass(frozen=True)
class Scaled(Compressor):
    """C(x) = f C0(x). factor=None: f = 1/(1+omega), which makes an unbiased C0 contractive with delta = 1/(1+omega).

    factor: f > 0, a number or a symbol. Claims are of the scaled map: Contractive and BiasVariance where f <= 1.
    Raises Unsupported for factor=None and a C0 without an Unbiased claim. The message is C0's: the receiver knows f.
    """

    compressor: Compressor
    factor: Number | None = None
    source: ClassVar[Source] = INDUCED

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.compressor.deterministic

    def __post_init__(self) -> None:
        super().__post_init__()
        if (
            self.factor is not None
            and not is_symbolic(self.factor)
            and (real(self.factor) or not self.factor > 0)
        ):
            raise InvalidParameter(f"Scaled(factor={self.factor!r}) needs a factor > 0")

    def scale(self, d: Number) -> Number:
        """f at dimension d."""
        if self.factor is not None:
            return self.factor
        # f = 1/(1+omega) minimises (1-f)^2 + f^2 omega, the error of f C0, and leaves delta = 1/(1+omega)
        omega = _need("Scaled(factor=None)", "its compressor", self.compressor, Unbiased, d).omega
        return calculus.delta_of_scaled_unbiased(omega)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return float(self.scale(x.shape[-1])) * self.compressor._compress(x, rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return float(self.scale(x.shape[-1])) * self.compressor.kernel(x, rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        f, base = self.scale(d), self.compressor.claim(Unbiased, d)
        if base is None:
            return ()
        # E||f C0(x) - x||^2 = ((1-f)^2 + f^2 omega)||x||^2, as C0 is unbiased
        delta = f if self.factor is None else 1 - calculus.scaled_error(base.omega, f)
        unit = not is_symbolic(f) and f == 1
        shared: Proved = {
            "sharpness": base.sharpness,
            "source": INDUCED,
            "attribution": RECALLED,
            "proof": rule_proof("calculus.scaling", base),
        }
        # f = 1 is C0 itself and keeps its claim
        out: list[Claim] = [base] if unit else []
        if is_symbolic(delta) or delta > 0:
            out.append(Contractive(delta, **shared))
        if is_symbolic(f) or f <= 1:
            out.append(BiasVariance(*calculus.scaled_pair(base.omega, f), **shared))
        return tuple(out)

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        return self.compressor.worst_inputs(d)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return self.compressor.bits(d, float_bits)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        return self.compressor.message_bits(y, float_bits)

    def linear_moments(self, d: int) -> tuple[Number, Noise] | None:
        base = self.compressor.linear_moments(d)
        if base is None:
            return None
        (delta, noise), f = base, self.scale(d)
        own = noise.own
        # second moments scale by f^2
        return f * delta, Noise(MomentMap(f * f * own.a, f * f * np.asarray(own.c)[()], f * f * own.b))

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[Scaled, ...]:
        return (cls(RandK(2)), cls(RandomDithering(2)), cls(NaturalCompression(), ratio(1, 2)))


@dataclass(frozen=True)
class Composed(Compressor):
    """C(x) = outer(inner(x)), independent randomness: both unbiased gives omega = (1+w1)(1+w2) - 1.

    An upper bound: inner outputs need not be the outer's worst inputs. No claim where a member is not unbiased.
    """

    outer: Compressor
    inner: Compressor
    source: ClassVar[Source] = NATURAL.at("Thm 5")

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.outer.deterministic and self.inner.deterministic

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self.outer._compress(self.inner._compress(x, rng), rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return self.outer.kernel(self.inner.kernel(x, rng), rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        outer, inner = self.outer.claim(Unbiased, d), self.inner.claim(Unbiased, d)
        if outer is None or inner is None:
            return ()
        # E||C2(C1(x))||^2 <= (1+w2) E||C1(x)||^2 <= (1+w2)(1+w1)||x||^2, given the inner draw first
        omega = calculus.composed_omega(outer.omega, inner.omega)
        return (
            Unbiased(
                omega,
                sharpness=UPPER,
                source=self.source,
                attribution=READ,
                proof=rule_proof("calculus.composition", outer, inner),
            ),
        )

    def noise(self, d: int) -> Noise | None:
        """E[(S2 S1 - I) M (.)'] = own2(M + own1(M)) + own1(M), closed in the same three-parameter family."""
        outer, inner = self.outer.noise(d), self.inner.noise(d)
        if outer is None or inner is None:
            return None
        if np.any(np.asarray(outer.own.b) != 0) or np.any(np.asarray(inner.own.b) != 0):
            return None
        # on and off the diagonal E[S M S'] multiplies by 1+a+c and 1+a; independent sketches multiply
        # these. A part b tr(M) I would mix them
        (a2, c2), (a1, c1) = (outer.own.a, outer.own.c), (inner.own.a, inner.own.c)
        a = (1 + a2) * (1 + a1) - 1
        total = np.asarray(
            (1 + a2 + np.asarray(c2)) * (1 + a1 + np.asarray(c1)) - 1
        )  # the diagonal multiplier
        c = np.asarray(total - a)
        return Noise(MomentMap(a=a, c=c.item() if c.ndim == 0 else c))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Both compressors' messages share the support: a sparse inner sends its outer-compressed values only.

        Known case: natural compression of kept entries (sign and exponent instead of the float); otherwise the
        outer's message, which is a complete description of the output.
        """
        if isinstance(self.outer, NaturalCompression) and isinstance(self.inner, RandK | Bernoulli):
            # the inner's support is known to the receiver, so only the kept entries are compressed by the
            # outer
            inner, kept = self.inner.bits(d, float_bits), self.outer.bits(1, float_bits)
            return replace(inner, floats=0, other=inner.other + inner.floats * kept.total)
        return self.outer.bits(d, float_bits)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        if isinstance(self.outer, NaturalCompression) and isinstance(self.inner, Bernoulli):
            kept = self.outer.bits(1, float_bits).total
            lengths: Array = y.shape[-1] + kept * np.count_nonzero(y, axis=-1).astype(np.float64)
            return lengths
        if isinstance(self.outer, NaturalCompression) and isinstance(self.inner, RandK):
            return super().message_bits(y, float_bits)
        return self.outer.message_bits(y, float_bits)

    def why_not(self, d: int) -> str:
        return self.outer.why_not(d) or self.inner.why_not(d)

    @classmethod
    def examples(cls) -> tuple[Composed, ...]:
        return (cls(NaturalCompression(), RandK(2)), cls(Bernoulli(0.5), RandK(2)))


@dataclass(frozen=True)
class Induced(Compressor):
    """C(x) = C1(x) + C2(x - C1(x)), C1 contractive (delta1), C2 unbiased (omega2) with fresh randomness: unbiased.

    omega = omega2 (1 - delta1); both messages are sent. An upper bound in general; Top-K1 + Rand-K2 attain it on
    flat vectors.

    Raises Unsupported, saying what a member has instead, without the claims that it needs.
    """

    contractive: Compressor
    unbiased: Compressor
    source: ClassVar[Source] = INDUCED

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.contractive.deterministic and self.unbiased.deterministic

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        first = self.contractive._compress(x, rng)
        return first + self.unbiased._compress(x - first, rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        first = self.contractive.kernel(x, rng)
        return first + self.unbiased.kernel(x - first, rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # C2 is unbiased given C1(x), so the error is C2's on the residual: omega2 E||x - C1(x)||^2 <=
        # omega2 (1-delta1)||x||^2
        ball = _need("Induced", "contractive", self.contractive, Contractive, d)
        base = _need("Induced", "unbiased", self.unbiased, Unbiased, d)
        # both are attained at flat vectors, where the residual of Top-K is flat on its support again
        tight = isinstance(self.contractive, TopK) and isinstance(self.unbiased, RandK)
        return (
            Unbiased(
                calculus.induced_omega(ball.delta, base.omega),
                sharpness=TIGHT if tight else UPPER,
                source=self.source,
                attribution=CODE,
                proof=rule_proof("calculus.induced", ball, base),
            ),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return self.contractive.bits(d, float_bits) + self.unbiased.bits(d, float_bits)

    def why_not(self, d: int) -> str:
        return self.contractive.why_not(d) or self.unbiased.why_not(d)

    @classmethod
    def examples(cls) -> tuple[Induced, ...]:
        return (cls(TopK(1), RandK(1)), cls(TopK(2), RandK(1)), cls(TopK(1), NaturalCompression()))


@dataclass(frozen=True)
class Averaged(Compressor):
    """C(x) = (1/m) sum of m independent copies of C0(x): omega/m; all m messages are sent.

    m: an integer >= 1. As sharp as C0's own claim.
    """

    compressor: Compressor
    m: int

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_int("m", self.m, "Averaged")

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.compressor.deterministic

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # m independent errors average: omega/m
        total = self.compressor._compress(x, rng)
        for _ in range(self.m - 1):
            total = total + self.compressor._compress(x, rng)
        return total / self.m

    def claims(self, d: Number) -> tuple[Claim, ...]:
        base = _need("Averaged", "its compressor", self.compressor, Unbiased, d)
        return (
            replace(
                base,
                omega=calculus.averaged_omega(base.omega, self.m),
                attribution=OURS,
                proof=rule_proof("calculus.averaging", base),
            ),
        )

    def noise(self, d: int) -> Noise | None:
        base = self.compressor.noise(d)
        if base is None:
            return None
        a, c, b = (
            ratio(v, self.m) if np.ndim(v) == 0 else v / self.m for v in (base.own.a, base.own.c, base.own.b)
        )
        return Noise(MomentMap(a, c, b))

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        return self.compressor.worst_inputs(d)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        one = self.compressor.bits(d, float_bits)
        total = one
        for _ in range(self.m - 1):
            total = total + one
        return total

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[Averaged, ...]:
        return (cls(RandK(1), 2), cls(NaturalCompression(), 3), cls(Identity(), 2))
