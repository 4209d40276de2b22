"""What a step looks like to the second-moment recursion: coefficients only (system.py says what u_i, c and y are)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compth._numbers import Number
from compth.compressors import MomentMap


@dataclass(frozen=True)
class Branch:
    """c_k+ = sum_l (tau_kl + theta_kl A) c_l + kappa_k mean eps_i, with this probability."""

    probability: Number
    tau: tuple[tuple[Number, ...], ...]
    theta: tuple[tuple[Number, ...], ...]
    kappa: tuple[Number, ...]


@dataclass(frozen=True)
class Broadcast:
    """v = sum_l (tau_l + theta_l A) c_l + kappa mean eps_i passes the downlink: v + xi, E xi = 0.

    xi enters c_k+ with the factor enters_k. What v itself does is part of the branch.
    """

    tau: tuple[Number, ...]
    theta: tuple[Number, ...]
    kappa: Number
    enters: tuple[Number, ...]


@dataclass(frozen=True)
class Scheme:
    """Coefficients of one step of a method (module docstring); memory = (v, w, r), None without memories.

    down: what passes a compressed downlink.
    """

    alpha: tuple[Number, ...]
    beta: tuple[Number, ...]
    sigma: Number
    q: Number
    branches: tuple[Branch, ...]
    memory: tuple[Number, Number, Number] | None = None
    average: int | None = None
    down: Broadcast | None = None


@dataclass(frozen=True)
class Sketches:
    """Mean multiplier delta (E S_i = delta I), own noise per worker, cross noise (None: independent workers).

    down: noise of the sketch that the broadcast passes, None when it is not compressed; downlink_multiplier: its mean
    multiplier.
    """

    delta: Number
    own: tuple[MomentMap, ...]
    cross: MomentMap | None = None
    down: MomentMap | None = None
    downlink_multiplier: Number = 1

    @property
    def quiet(self) -> bool:
        """True when what is sent is delta times what was given, without noise."""
        return not any(
            m is not None and (np.any(m.a) or np.any(m.b) or np.any(m.c)) for m in (*self.own, self.cross)
        )
