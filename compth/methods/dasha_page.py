"""DASHA-PAGE: DASHA on PAGE's estimates: one part's gradients a round, compressed, without uncompressed rounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number
from compth.claims import Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.methods.core import Array, Constants
from compth.methods.core.body import BodyMethod, BodyState, Worker, gradient_at_start
from compth.methods.dasha import dasha_momentum
from compth.methods.page import full_gradient_chance, with_parts
from compth.problems.interface import Problem
from compth.sources import DASHA as DASHA_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


@dataclass(frozen=True)
class DASHAPAGEState(BodyState):
    """k: (R, n, d) each worker's estimate of its gradient; g: (R, n, d) what the server believes it to be."""

    k: Array = field(kw_only=True)
    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class DASHAPAGE(BodyMethod):
    """x+ = x - gamma mean g_i; k_i+ by PAGE's rule at x+; g_i+ = g_i + C_i(k_i+ - k_i - a (g_i - k_i)).

    With probability p, one coin for all, k_i+ = grad f_i(x+), else k_i + grad f_ij(x+) - grad f_ij(x), j uniform.
    a=None: 1/(2 omega+1), p=None: 1/(m+1); k_i^0 = g_i^0 = grad f_i(x^0). The paper's theorem is known here from memory
    alone (constant 48), so none is stated; p = 1 is DASHA, which has theorems.
    """

    a: Number | None = None
    p: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = DASHAPAGEState
    requires = (Unbiased,)
    chances = ("p",)
    name = "DASHA-PAGE"
    source = DASHA_PAPER

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"a": dasha_momentum(c.omega) if self.a is None else self.a, "p": full_gradient_chance(c)}

    def check(self, problem: Problem) -> Constants:
        return with_parts(super().check(problem), problem)

    @staticmethod
    def body(
        w: World,
        x: Vec,
        k: Worker = gradient_at_start,
        g: Worker = gradient_at_start,
        *,
        gamma: Number,
        a: Number,
        p: Number,
    ) -> dict[str, Vec]:
        after = x - gamma * w.mean(g)
        part = w.parts.sample()
        new = w.parts.gradient(after)
        # PAGE's estimate for both sides of the coin: the full gradient, or the old estimate moved by one
        # part's difference
        whole, moved = w.parts.mean(new), k + part(new - w.parts.gradient(x))
        # DASHA's momentum on the estimates k in the place of gradients
        kept = k + a * (g - k)
        # both messages are made so that the program is the same for either side; only the one that the coin
        # takes is sent
        sent = w.compress(whole - kept), w.compress(moved - kept)
        now, heard = w.coin(p, (whole, g + sent[0]), (moved, g + sent[1]))
        return dict(x=after, k=now, g=heard)
