"""One choice of constants in a derivation, with the bracket of its rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from compth._numbers import Number
from compth.studies.derivation.brackets import Bracket

TIGHT = 1e-5
"""A bracket whose relative width in 1 - rho is at most this counts as tight."""


@dataclass(frozen=True)
class Cell:
    """One choice of constants: the best parameters found, and the worst rate there between two exact numbers.

    active: the extremal quadratics that are equally slow at these parameters, in words. root: where the closed form
    puts the best rate, None without one. held: the parameters were all given.
    """

    constants: Mapping[str, Number]
    stepsize: Fraction | None
    params: Mapping[str, Fraction]
    bracket: Bracket
    active: tuple[str, ...]
    root: float | None = None
    held: bool = False

    @property
    def lower(self) -> Fraction:
        """Attained by an instance, exactly."""
        return self.bracket.lower

    @property
    def certified(self) -> Fraction | None:
        """The factor of a certificate in Fractions; None where none below 1 was found."""
        return self.bracket.certified

    @property
    def met(self) -> bool:
        """True where the two sides meet."""
        return self.bracket.width <= TIGHT

    def holds(self, root: float) -> bool:
        """The bracket, widened by what rounding parameters to fractions may change, holds the root.

        root: a squared rate, as `Derivation` shows it.
        """
        if self.certified is None:
            return False
        # The closed form is of the best parameters, the bracket of fractions near them: at a minimum the
        # rate changes to second order, so that this slack is far more than rounding needs.
        slack = TIGHT * (1 - float(self.lower))
        return float(self.lower) - slack <= root <= float(self.certified) + slack

    def __str__(self) -> str:
        held = ", ".join(f"{k}={v}" for k, v in self.constants.items())
        if self.certified is None:
            return f"{held}: no rate below 1 is certified; a quadratic has {float(self.lower):.9f}"
        both = f"[{float(self.lower):.9f}, {float(self.certified):.9f}]"
        return f"{held}: rho in {both}, width {100 * self.bracket.width:.2g} % of 1 - rho"


__all__ = ["TIGHT", "Cell"]
