"""What the authors' code and its documents say, re-created in a few lines, not copied.

github.com/p4lang/p4app-switchML, commit b5c74a0; the earlier github.com/microsoft/SwitchML, README.md, commit 510cefe.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth import calculus
from compth.compressors.integers import round_integers
from compth.tuning.costs import packets

Array = Any
BLOCK = 256
"""general.cfg: packet_numel."""
WORKERS = 8


def ramp(d: int) -> Array:
    """The benchmark's default tensor: 0, -1, 2, -3, ..."""
    i = np.arange(d, dtype=np.float64)
    return i * np.where(i % 2 == 0, 1.0, -1.0)


def any_floats(d: int, seed: int) -> Array:
    """The benchmark's random tensor: exponents 0 to 253, signs and mantissas uniform (there all from one rand());
    subnormals as 0.
    """
    rng = np.random.default_rng(seed)
    exponent, mantissa = rng.integers(1, 254, d), rng.integers(0, 2**23, d)
    return rng.choice([-1.0, 1.0], d) * (1 + mantissa / 2**23) * 2.0 ** (exponent - 127)


def error(x: Array, n: int) -> Array:
    """(n x - sum)/(n x) with n workers that all hold x, entry by entry where x is not 0: the benchmark's check."""
    fleet = ct.SwitchML(n, block=BLOCK, exponent=True)
    seen = fleet._compress(np.repeat(x[None, :], n, axis=0), np.random.default_rng(0)).sum(axis=0)
    live = x != 0
    return np.asarray(1 - seen[live] / (n * x[live]))


def exponents() -> float:
    """Largest |v|/2^e over float32 numbers, powers of two and the largest below one among them."""
    rng = np.random.default_rng(3)
    v = np.r_[2.0 ** np.arange(-20, 20), 1 - 2.0**-24, np.float32(rng.lognormal(0, 9, 2000))]
    return float((v / steps(v)).max())


def steps(v: Array) -> Array:
    """2^e of our exponents, one entry a block."""
    fleet = ct.SwitchML(1, block=1, exponent=True)
    _, unit = fleet.quantise(np.asarray(v, dtype=np.float64)[None, :], np.random.default_rng(0))
    return unit[0] * float(calculus.no_overflow_scale(1, 1))


def slack() -> float:
    """Largest difference between our integers and round(v T/(n 2^e)), eight workers, entries up to 2^e."""
    x = np.random.default_rng(4).uniform(-1, 1, (WORKERS, BLOCK))
    x[0, 0] = 1 - 2.0**-24
    ours, _ = ct.SwitchML(WORKERS, block=BLOCK, exponent=True).quantise(x, np.random.default_rng(0))
    return float(np.abs(ours - np.rint(x * float(calculus.switchml_reference_scale(WORKERS, 0)))).max())


def int32() -> float:
    """Largest error of the sum of eight workers' integer ramps at scale 1: the path of int32 tensors."""
    x = np.arange(1, WORKERS + 1)[:, None] * ramp(2**14)
    sent = ct.IntegerRounding(1).compress(x, np.random.default_rng(0))
    return float(np.abs(sent.sum(axis=0) - x.sum(axis=0)).max())


def single_precision(n: int) -> bool:
    """True when n largest float32 below 1, scaled and rounded as the code does in float32, add up beyond int32."""
    scale = np.float32(float(calculus.switchml_reference_scale(n, 0)))
    return n * int(np.rint((np.float32(1) - np.float32(2.0**-24)) * scale)) > 2**31 - 1


def code(first: int) -> dict[str, Any]:
    """All rows; first: the least number of workers at which the code's own scale overflows."""
    sizes = [ct.SwitchML(WORKERS, block=k, exponent=True).member(0).bits(k).levels // 8 for k in (64, BLOCK)]
    zero = ct.SwitchML(WORKERS, block=BLOCK, exponent=True)._compress(
        np.zeros((WORKERS, 512)), np.random.default_rng(0)
    )
    wide = any_floats(2**12, 5)
    return {
        "code.exponent": exponents(),
        "code.slack": slack(),
        "code.ramp": float(error(ramp(2**14), WORKERS).max()),
        "code.random": float((error(wide, WORKERS) > 0.01).mean()),
        "code.workers": first,
        "code.payload": sizes,
        "code.packets": int(packets(268435456, BLOCK)),
        "code.int32": int32(),
        "code.int8": round(float(np.log2(steps(np.array([np.finfo(np.float32).max]))[0]))),
        "code.single": next(n for n in range(1, 1000) if single_precision(n)),
        "code.zero": float(np.abs(zero).max()),
        "code.ties": [
            int(v) for v in round_integers(np.array([0.5, 1.5, 2.5]), True, np.random.default_rng(0))
        ],
    }
