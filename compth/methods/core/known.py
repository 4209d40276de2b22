"""A worst case that is known in closed form: data beside the body of the method it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from compth import sources
from compth._numbers import Number
from compth.claims import Attribution, Claim, Contractive
from compth.sources import Source

Params = Mapping[str, Number]
Proof = tuple[Params, Params]
"""(constants of the Lyapunov function's text, multipliers of the known inequalities by name)."""


class Asked(Protocol):
    """The class asked about: n workers, mu <= f_i'' <= L, and the constant that the compressors' claim declares."""

    @property
    def mu(self) -> Number: ...
    @property
    def L(self) -> Number: ...
    @property
    def n(self) -> int: ...
    @property
    def delta(self) -> Number: ...
    @property
    def omega(self) -> Number: ...


@dataclass(frozen=True)
class Known:
    """The tight rate of a method with compressors of one claim, and its proof, all plain arithmetic.

    best: the best step and the parameters that go with it. factor: the rate there. everywhere: the rate that lyapunov
    and multipliers prove at a step and parameters, None where they prove none; tight_everywhere: it is attained.
    lyapunov: V as text, in the names that `check_rate` reads. multipliers: (constants of that text, multipliers).
    step_with: the best step at given parameters. nearby: (mu', L', sqrt rho) of classes that contain this one and on
    which all is rational at a rational step. several: the best step of workers with constants of their own, CONJECTURE.
    alias: the method's name with this claim, where that is not its class's. most_workers: None for any number.
    proof: id of the machine-checked proof, which covers the constants for which `covered` says so.
    """

    claim: type[Claim]
    best: Callable[[Asked], tuple[Number, Params]]
    factor: Callable[[Asked], Number]
    lyapunov: str
    multipliers: Callable[[Asked, Number, Params], Proof]
    proof: str = ""
    everywhere: Callable[[Asked, Number, Params], Number | None] | None = None
    tight_everywhere: bool = False
    step_with: Callable[[Asked, Params], Number | None] | None = None
    nearby: (
        Callable[[Fraction, Fraction, Fraction, Fraction], Iterator[tuple[Fraction, Fraction, Fraction]]]
        | None
    ) = field(default=None, repr=False)
    several: Callable[[tuple[Number, ...], tuple[Number, ...], Number], Number] | None = None
    covered: Callable[[Asked], bool] = lambda q: True
    alias: str = ""
    most_workers: int | None = None
    source: Source = sources.COMPTH
    attribution: Attribution = Attribution.OURS

    def speaks_of(self, q: Asked) -> bool:
        """True for compressors of its claim and a number of workers that it knows."""
        # the class asked about declares one constant: delta of contractions or omega of unbiased
        # compressors
        mine = q.delta is not None if self.claim is Contractive else q.omega is not None
        return mine and (self.most_workers is None or q.n <= self.most_workers)

    def proved(self, q: Asked) -> bool:
        """True where the proof's statement covers the closed form: every one asks for mu < L."""
        # mu = L and delta = 1 are degenerate: multipliers divide by L - mu, and there is nothing to prove
        # that gradient descent does not say
        return q.mu < q.L and (self.claim is not Contractive or q.delta < 1) and self.covered(q)


__all__ = ["Asked", "Known", "Params", "Proof"]
