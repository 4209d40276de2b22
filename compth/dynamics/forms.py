"""What a step looks like to the second-moment recursion: coefficients only (system.py says what u_i, c and y are)."""

from __future__ import annotations

from dataclasses import dataclass

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
    """v = sum_l (tau_l + theta_l A) c_l + kappa mean eps_i + offset x* passes the downlink: v + xi, E xi = 0.

    xi enters c_k+ with into_k. What v itself does is part of the branch.
    """

    tau: tuple[Number, ...]
    theta: tuple[Number, ...]
    kappa: Number
    into: tuple[Number, ...]
    offset: Number = 0


@dataclass(frozen=True)
class Scheme:
    """Coefficients of one step of a method (module docstring); memory = (v, w, r), None without memories.

    down: what passes a compressed downlink. before: steps on the same vectors and memories that come first.
    """

    alpha: tuple[Number, ...]
    beta: tuple[Number, ...]
    sigma: Number
    q: Number
    branches: tuple[Branch, ...]
    memory: tuple[Number, Number, Number] | None = None
    average: int | None = None
    down: Broadcast | None = None
    before: tuple[Scheme, ...] = ()

    @property
    def still(self) -> bool:
        """True when no worker compresses anything: common vectors move, memories stay."""
        quiet = all(k == 0 for b in self.branches for k in b.kappa)
        return quiet and self.memory in (None, (1, 0, 0))


@dataclass(frozen=True)
class Sketches:
    """Mean multiplier delta (E S_i = delta I), own noise per worker, cross noise (None: independent workers).

    down: noise of the sketch (mean I) that the broadcast passes, None when it is not compressed.
    """

    delta: Number
    own: tuple[MomentMap, ...]
    cross: MomentMap | None = None
    down: MomentMap | None = None
