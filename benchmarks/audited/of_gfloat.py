"""gfloat: stochastic rounding to an 8-bit float with two random bits."""

import numpy as np
from gfloat import RoundMode, round_float
from gfloat.formats import format_info_ocp_e5m2


def stochastic(x, rng):
    draws = rng.integers(0, 4, size=len(x))
    pairs = zip(x, draws, strict=True)
    return np.array(
        [
            round_float(format_info_ocp_e5m2, float(v), RoundMode.Stochastic, False, int(r), 2)
            for v, r in pairs
        ]
    )
