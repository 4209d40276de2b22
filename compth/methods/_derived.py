"""A guarantee as what it was derived from: copies and pickles are made by deriving it again, never by its own word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from compth.claims import Standing
from compth.methods._word import ORDER
from compth.rates import Rate, derived

if TYPE_CHECKING:
    from compth.methods._base import Guarantee


@dataclass(frozen=True)
class Derivation:
    """The arguments of `find_guarantee`: all that a guarantee follows from."""

    method: Any
    problem: Any
    theorem: Any
    horizon: int
    x0: Any

    def guarantee(self, standing: str, assumed: tuple[str, ...]) -> Guarantee:
        """Derived again by the code that is here; it stands no firmer than it did where it comes from."""
        from compth.methods._base import find_guarantee

        found = find_guarantee(self.method, self.problem, self.theorem, horizon=self.horizon, x0=self.x0)
        weakest = max(standing, found.rate.standing, key=lambda s: ORDER.index(Standing(s)))
        lines = tuple(dict.fromkeys((*assumed, *found.rate.assumed)))
        return replace(found, rate=derived(found.rate, standing=weakest, assumed=lines))

    def rate(self, standing: str, assumed: tuple[str, ...]) -> Rate:
        """The guarantee's rate."""
        return self.guarantee(standing, assumed).rate
