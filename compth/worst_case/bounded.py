"""What bounds a worst case where noise reaches a gradient or a biased compression: the noises as vectors of their own.

A noise xi_i of an unbiased compression has mean square at most omega times that of its input, and is orthogonal, in
expectation, to every vector that its draw does not reach; noises of different workers are orthogonal to each other.
Interpolation holds for every outcome, and so in expectation: an LMI in second moments that holds for all vectors with
these relations holds for the run. What later vectors know of the outcome is given away: it need not be attained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import product

from compth.methods.core.program import Op, Program
from compth.methods.core.vectors import GRADIENT, MESSAGE, SPOKEN
from compth.worst_case.expected import Following, terms
from compth.worst_case.model import Form, Quadratic1D, Space, unit
from compth.worst_case.rational import spelled, sqrt_below
from compth.worst_case.resolved import Class, Step, Values

Forms = dict[str, Callable[[], Form]]
OWN, ALL = "own", "all"
"""Whose draws of an operation a worker's vector depends on."""


def above(step: Step) -> bool:
    """True where the LMI is a bound that nothing shows attained."""
    return bool(step.carried or step.apart or step.program.of_kind(SPOKEN))


def inequalities(space: Space, step: Step) -> Forms:
    """omega mean|u|^2 - mean|xi|^2 >= 0 of every noise xi among the vectors, u its input."""

    def variance(name: str) -> Form:
        # With equality in expectation at worst; a smaller variance only makes the form larger.
        u, omega = step.fresh[name]
        return space.total((omega, u, u), (-1, unit(name), unit(name)))

    return {_variance(name): partial(variance, name) for name in step.fresh}


def equalities(space: Space, step: Step, cls: Class) -> Forms:
    """What is 0 in expectation, by the independence of the draws."""
    out: Forms = {}
    reached = _reached(step)
    # E<xi, v> = 0 wherever v was made before xi was drawn, or from other draws. Where v met the draw of xi's
    # own worker alone, those of different workers are orthogonal still; else nothing is said.
    for xi in step.fresh:
        for v in space.common:
            how = reached.get(v, {}).get(xi)
            if how is None:
                # The names are the multipliers', and an equality may have one of either sign (`Model.equal`).
                out |= _orthogonal(space, xi, v)
            elif how == OWN and v in space.worker and xi in space.worker:
                out[f"{xi} and {v} of different workers"] = partial(
                    _across, space, xi, v, Fraction(1) / cls.n
                )
    return out


def _orthogonal(space: Space, xi: str, v: str) -> Forms:
    """E<xi_i, v_j> = 0 for all i and j: among the means, and among the deviations where both have some."""
    first, second = sorted((xi, v))
    out: Forms = {f"<{first}, {second}>": partial(space.on_mean, (1, unit(xi), unit(v)))}
    if xi in space.worker and v in space.worker:
        out[f"<{first}, {second}> apart"] = partial(space.on_deviation, (1, unit(xi), unit(v)))
    return out


def _across(space: Space, xi: str, v: str, share: Fraction) -> Form:
    """E<xi_i, v_j> = 0 for i != j, v_i having met the draws of worker i alone: n <xibar, vbar> = mean <xi_i, v_i>.

    That is (1 - 1/n) <xibar, vbar> - (1/n) mean <xi_i - xibar, v_i - vbar> = 0.
    """
    mean = space.on_mean((1 - share, unit(xi), unit(v)))
    return {**mean, **space.on_deviation((-share, unit(xi), unit(v)))}


def _reached(step: Step) -> dict[str, dict[str, str]]:
    """vector -> the noises among the vectors whose draws it depends on, and whether those of one worker or of all."""
    out: dict[str, dict[str, str]] = {}
    for name in step.order:
        # Dependence spreads along the order in which the step makes its vectors. Only a worker's own vector,
        # made from what is its own alone, stays free of the other workers' draws.
        met: dict[str, str] = {}
        for a in step.argument(name) if name in step.gradients else step.input(name):
            single = a in step.own
            for xi, how in out.get(a.removeprefix("mean "), {}).items():
                met[xi] = OWN if single and how == OWN and met.get(xi, OWN) == OWN else ALL
        if name in step.fresh:
            met[name] = OWN if name in step.own else ALL
        out[name] = met
    return out


def _variance(name: str) -> str:
    """The multiplier's name."""
    return f"variance of {name}"


def units_of_noises(step: Step, units: Mapping[str, int]) -> dict[str, int]:
    """Exponents of L of the multipliers of what is known of noises."""
    out: dict[str, int] = {}
    for xi in step.fresh:
        out[f"multiplier {_variance(xi)}"] = 2 * units[xi]
        for v in units:
            first, second = sorted((xi, v))
            names = (
                f"<{first}, {second}>",
                f"<{first}, {second}> apart",
                f"{xi} and {v} of different workers",
            )
            out |= dict.fromkeys((f"multiplier {k}" for k in names), units[xi] + units[v])
    return out


# -- what is attained: all workers hold curvature x^2/2, so that noise passes through gradients ----------------------


@dataclass
class OnQuadratic(Step):
    """The step where every f_i is curvature x^2/2, and a compression multiplies by its factor before it adds noise."""

    curvature: Fraction = Fraction(1)
    factors: Mapping[int, Fraction] = field(default_factory=dict)

    def _output(self, k: int, op: Op) -> Values:
        """A gradient multiplies by the curvature, a compression by its factor, and adds noise."""
        # On curvature x^2/2 a gradient is curvature times its argument, noise included: nothing need be
        # refused.
        u, noise = self.value(op.argument)
        factor = self.curvature if op.kind == GRADIENT else self.factors.get(k, Fraction(1))
        u, noise = {a: factor * c for a, c in u.items()}, {a: factor * c for a, c in noise.items()}
        if op.kind == GRADIENT or not self._law(op)[1]:
            return u, noise
        return self._with_noise(k, op, u, noise)


def quadratics(program: Program, step: Step, cls: Class) -> tuple[Quadratic1D, ...]:
    """mu and L with every choice of the signs of the biased compressions, and the moments of a step there."""
    roots = {k: _root(program.ops[k], cls) for k in (*program.of_kind(MESSAGE), *program.of_kind(SPOKEN))}
    biased = {k: s for k, s in roots.items() if s}
    out = []
    # The extremal choices again: mu or L, and each bias at one of its two ends.
    for curvature in (cls.mu, cls.L):
        for signs in product((1, -1), repeat=len(biased)):
            factors = {k: 1 + sign * s for sign, (k, s) in zip(signs, biased.items(), strict=True)}
            out.append(_quadratic(program, cls, curvature, factors))
    return tuple(out)


def _root(op: Op, cls: Class) -> Fraction:
    """The largest factor of a bias, rounded down."""
    eta2 = cls.eta2 if op.kind == MESSAGE else cls.eta2_down
    return sqrt_below(eta2) if eta2 else Fraction(0)


def _quadratic(
    program: Program, cls: Class, curvature: Fraction, factors: Mapping[int, Fraction]
) -> Quadratic1D:
    """One extremal quadratic, with E of V's forms on it."""
    step = OnQuadratic(program, cls, True, False, curvature=curvature, factors=factors)
    own = program.worker if cls.n > 1 else ()
    space, after = Space(program.names, own), Following()
    # E of V's forms a step later is computed here, for noise that passes through gradients has no vector in
    # Space.
    for k in program.names:
        after.put(k, [(spelled(leaf.probability), *step.value(leaf.following[k])) for leaf in program.leaves])
    _, later = terms(space, [*program.names], [*own], after, step, cls)
    text, factor = _told(program, cls, factors)
    return Quadratic1D(curvature, text, factor, {}, {}, after=later)


def _told(program: Program, cls: Class, factors: Mapping[int, Fraction]) -> tuple[str, Fraction]:
    """The compressors in words, and the factor of the workers' where it is one and nothing compresses the broadcast."""
    laws = ((MESSAGE, "C", cls.eta2, cls.omega), (SPOKEN, "C_M", cls.eta2_down, cls.omega_down))
    words = []
    for kind, name, eta2, omega in laws:
        if program.of_kind(kind):
            words.append(
                _law_in_words(name, [factors.get(k, Fraction(1)) for k in program.of_kind(kind)], eta2, omega)
            )
    held = {factors.get(k, 1 + cls.omega) for k in program.of_kind(MESSAGE)}
    alone = len(held) == 1 and not program.of_kind(SPOKEN)
    return "; ".join(words), held.pop() if alone else Fraction(0)


def _law_in_words(name: str, factors: list[Fraction], eta2: Fraction, omega: Fraction) -> str:
    """What a compressor does to v on an extremal quadratic."""
    if not eta2:
        return f"{name}(v) = {1 + omega} v with probability {1 / (1 + omega)}, else 0"
    shown = f"{name}(v) = {', '.join(map(str, factors))} v" + (" in turn" if len(factors) > 1 else "")
    return f"E {shown}, variance {omega} |v|^2" if omega else shown


__all__ = ["above", "equalities", "inequalities", "quadratics", "units_of_noises"]
