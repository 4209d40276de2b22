"""Compressors in the terms of the numba loops.

A compressor is known here by its class's name and by being the package's own code: a subclass that changes the law is
none of those. A new loop needs a kind in `fused_loops`, a line in `_coders`, and a test that holds its law against the
reference; everything else stays with the plain engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from compth._own import stranger
from compth._types import Array
from compth.compressors import Compressor
from compth.errors import InvalidParameter, Unsupported


@dataclass(frozen=True)
class Coded:
    """A compressor as the fused loops read it: its kind, k, s levels, the norm's p, a factor.

    The numbers are plain, as numba takes no objects; those that a kind does not use keep their defaults.
    """

    kind: int
    k: int = 0
    s: float = 1.0
    p: float = 2.0
    factor: float = 1.0

    @property
    def arguments(self) -> tuple[int, int, float, float, float]:
        """In the order of `fused_loops.compress` and of the codes of `fused_loops.one_pass`."""
        return self.kind, self.k, self.s, self.p, self.factor


def loops() -> ModuleType:
    """The numba kernels, compiled or from numba's cache. InvalidParameter, with the remedy, without numba."""
    try:
        from compth.simulation.engines import fused_loops as kernels
    except ImportError:
        raise InvalidParameter(
            "engine='fast' needs numba: pip install 'compth[fast]', or engine='numpy'"
        ) from None
    return kernels


def _coders() -> dict[str, Callable[[object, int], Coded]]:
    # classes by name: importing them all for a table of types would cost every run the time
    kernels = loops()
    return {
        "Identity": lambda c, d: Coded(kernels.IDENTITY),
        "RandK": lambda c, d: Coded(kernels.RAND_K, k=int(c.k)),
        "TopK": lambda c, d: Coded(kernels.TOP_K, k=int(c.k)),
        "RandomDithering": lambda c, d: Coded(kernels.DITHERING, s=float(c.s), p=float(c.p)),
        "TernGrad": lambda c, d: Coded(kernels.TERNARY),
        "NaturalCompression": lambda c, d: Coded(kernels.NATURAL),
        "ScaledSign": lambda c, d: Coded(kernels.SIGN),
    }


def coded(compressor: Compressor, d: int) -> Coded:
    """The compressor in the loops' terms. Raises Unsupported, naming those it knows."""
    name, coders = type(compressor).__name__, _coders()
    if name == "Scaled" and not stranger(compressor):
        # factors multiply, so scaled compressors of scaled compressors have a code, too
        inner = coded(compressor.compressor, d)  # type: ignore[attr-defined]
        factor = inner.factor * float(compressor.scale(d))  # type: ignore[attr-defined]
        return Coded(inner.kind, inner.k, inner.s, inner.p, factor)
    # a subclass, or a user's class of the same name, may have another law
    own = name in coders and not stranger(compressor)
    if not own or getattr(compressor, "p", 2) not in (1, 2, np.inf):
        known = ", ".join([*coders, "Scaled"])
        raise Unsupported(
            f"engine='fast' does not know {compressor!r}: use one of {known}, or engine='numpy'"
        )
    return coders[name](compressor, d)


def accelerated(compressor: Compressor, x: Array, rng: np.random.Generator) -> Array:
    """C(x) for x (..., d) by the fused loops' kernel: the law of `compressor.compress`."""
    kernels, d = loops(), x.shape[-1]
    compressor.check(d)
    rows = np.ascontiguousarray(x).reshape(-1, d)
    out = np.empty_like(rows)
    # one draw of the caller's generator is the key of a whole batch: streams of different calls are
    # independent as keys are
    key = rng.integers(0, 1 << 64, dtype=np.uint64)
    kernels.compress(*coded(compressor, d).arguments, rows, out, key)
    return out.reshape(x.shape)
