"""The uncertainty principle held against what a compressor declares: bits and variance cannot both be small.

For declared constants of fixed-length codes: a pair that the principle excludes is a mistake in one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from compth import calculus
from compth._door import a_compressor, at_the_door, whole
from compth._numbers import Number
from compth._shown import Shown
from compth.bits import FLOAT_BITS
from compth.claims import Claim, Contractive, Unbiased
from compth.compressors.core.base import Compressor

MANTISSA = {16: 11, 32: 24, 64: 53}


class _Impossible(NamedTuple):
    claim: Claim
    bits: Number
    margin: float


class ImpossibleDeclaration(Shown, _Impossible):
    """A declared (bits, constant) that no fixed-length code can have: margin = alpha 4^(bits/d) - 1 < 0."""


@at_the_door(compressor=a_compressor, d=whole(1))
def uncertainty_margins(
    compressor: Compressor, d: int, float_bits: int = FLOAT_BITS, claims: Sequence[Claim] | None = None
) -> list[tuple[Claim, Number, float]]:
    """(claim, bits, alpha 4^(bits/d) - 1) of each Unbiased and Contractive claim; [] for random lengths.

    claims=None: the object's own. Transmitted floats stand for real numbers rounded with relative error 2^-24
    (binary32), which is allowed for; without it the identity at 32 bits an entry, alpha = 0, would count as impossible.
    """
    cost = compressor.bits(d, float_bits)
    if cost.random:
        return []
    # alpha 4^(b/d) >= 1 for every fixed-length code of d reals: fewer bits mean a larger error on some
    # input
    bits = min(cost.total, 500 * d)  # 4^500 is as good as infinity, and still a float
    # a float of finite width is a rounding of the real number the claim speaks of
    rounding = 2.0 ** -MANTISSA[float_bits] if cost.floats else 0.0
    out: list[tuple[Claim, Number, float]] = []
    for claim in compressor.claims(d) if claims is None else claims:
        if isinstance(claim, Unbiased):
            margin = calculus.uncertainty_margin(bits, d, omega=float(claim.omega), rounding=rounding)
        elif isinstance(claim, Contractive):
            margin = calculus.uncertainty_margin(bits, d, delta=float(claim.delta), rounding=rounding)
        else:
            continue
        out.append((claim, cost.total, float(margin)))
    return out


@at_the_door(compressor=a_compressor, d=whole(1))
def impossible_declarations(
    compressor: Compressor, d: int, float_bits: int = FLOAT_BITS
) -> list[ImpossibleDeclaration]:
    """The declarations of a fixed-length compressor that the principle refutes at dimension d (empty: none)."""
    found = uncertainty_margins(compressor, d, float_bits)
    return [ImpossibleDeclaration(c, b, m) for c, b, m in found if m < 0]
