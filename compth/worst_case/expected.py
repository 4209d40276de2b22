"""What a step is expected to make of V's vectors: means, and the mean squares of the noises that reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations_with_replacement

from compth._numbers import Number
from compth.worst_case.model import Form, Space, add, unit
from compth.worst_case.resolved import HEARD, Class, Combination, NoiseKey, Noises, Step


@dataclass
class Following:
    """Next values of V's vectors by leaf, and the coefficients of the noises in them.

    values: name -> (probability, combination) a leaf. noises: name -> coefficients a leaf, in the same order.
    """

    values: dict[str, list[tuple[Fraction, Combination]]] = field(default_factory=dict)
    noises: dict[str, list[Noises]] = field(default_factory=dict)

    def put(self, name: str, found: list[tuple[Fraction, Combination, Noises]]) -> None:
        """What a name is a round later: (probability, combination, noises) for each outcome of the coins."""
        self.values[name] = [(p, v) for p, v, _ in found]
        self.noises[name] = [noise for _, _, noise in found]


def variances(space: Space, step: Step, cls: Class) -> dict[int, Form]:
    """N of every noise: omega times the mean square of what is compressed, earlier noise of the step included."""
    out: dict[int, Form] = {}
    share = Fraction(1) / cls.n
    for k, (u, noise) in step.noises.items():
        # E|C(u) - u|^2 = omega E|u|^2, and u may hold earlier noises of the step: their squares add, being
        # independent of each other and of everything that was there before the round.
        omega = cls.omega_down if k in step.heard else cls.omega
        parts: list[tuple[Number, Form]] = [(omega, space.mean(u, u))]
        for j in out:
            a, b = noise.get(j, Fraction(0)), noise.get(("mean", j), Fraction(0))
            # Of a worker's own noise (a) and its mean over workers (b): E|a xi_i + b xibar|^2 = (a^2 + (2ab +
            # b^2)/n) N; a broadcast's noise is one for all and adds its square.
            weight = a * a + (2 * a * b + b * b) * share + noise.get((HEARD, j), Fraction(0)) ** 2
            parts += [(omega * weight, out[j])] if weight else []
        out[k] = add(*parts)
    return out


def terms(
    space: Space,
    seen: list[str],
    apart: list[str],
    after: Following,
    step: Step,
    cls: Class,
) -> tuple[dict[str, Form], dict[str, Form]]:
    """(now, after): for each product of V's vectors its form now, and the expectation of that form one step later.

    seen: vectors that V sees, "P[a,b]" among the means; apart: those that have deviations, "Q[a,b]". A product of two
    different vectors counts twice, so that V's coefficients are those of a symmetric matrix.
    """
    noises = variances(space, step, cls)
    now: dict[str, Form] = {}
    later: dict[str, Form] = {}
    share = Fraction(1) / cls.n
    # mean_i |xi_i|^2 splits like any product: xibar has N/n, the deviations have N (1 - 1/n).
    for label, names, times, part in (
        ("P", seen, space.on_mean, share),
        ("Q", apart, space.on_deviation, 1 - share),
    ):
        for a, b in combinations_with_replacement(names, 2):
            twice, key = 1 if a == b else 2, f"{label}[{a},{b}]"
            now[key] = times((twice, unit(a), unit(b)))
            # Leaf by leaf: within one outcome of the coins the product of the means, then over the outcomes.
            outcomes = list(zip(after.values[a], after.values[b], strict=True))
            parts: list[tuple[Number, Form]] = [
                (1, times(*((twice * p, u, w) for (p, u), (_, w) in outcomes)))
            ]
            for (p, _), s, t in zip(after.values[a], after.noises[a], after.noises[b], strict=True):
                for j, form in noises.items():
                    factor = _seen_by(s, j, label) * _seen_by(t, j, label)
                    # A broadcast's noise is common to the workers: all of it is among the means, none among
                    # the deviations.
                    factor = factor if j in step.heard else factor * part
                    parts += [(twice * p * factor, form)] if factor else []
            later[key] = add(*parts)
    return now, later


def _seen_by(noise: Mapping[NoiseKey, Fraction], j: int, label: str) -> Fraction:
    """The coefficient of a noise among the means (every scope) or the deviations (own scope alone)."""
    common: tuple[NoiseKey, ...] = (("mean", j), (HEARD, j)) if label == "P" else ()
    return sum((noise.get(k, Fraction(0)) for k in common), noise.get(j, Fraction(0)))
