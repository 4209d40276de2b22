"""The worst rate of a body at given constants and parameters, between two exact numbers.

Below: a quadratic and a compressor of the class, C(v) = c v with c real or a rotation of the plane, whose round has an
eigenvalue of that modulus, checked exactly. Above: a certificate in Fractions, of the state alone where that is enough,
else of a V that also sees past rounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import sympy

from compth._types import Array, Json
from compth.methods.core.centre import without_invariants
from compth.methods.core.program import Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, STATE, Vector
from compth.studies.derivation import recheck
from compth.studies.derivation.rounds import MU, NORM, OMEGA, SMOOTH, WORKERS, Round
from compth.worst_case.exact_algebra import determinant
from compth.worst_case.model import Model, Quadratic1D
from compth.worst_case.question import Question, class_of, program_of
from compth.worst_case.rational import RateCertificate, least_certified, spelled, sqrt_below
from compth.worst_case.tight import interior, searched
from compth.worst_case.tight_radius import attained_by
from compth.worst_case.traced import resting
from compth.worst_case.windowed import fits

ENOUGH = 1e-5
"""Relative width of a bracket, in 1 - rho, at which no longer window is tried."""
WINDOW = 3
"""Past rounds that V may see, at most."""
ANGLES, CURVATURES = 25, 9
"""Points of the grid of rotations and curvatures on which slow quadratics are looked for first."""
SHORTER = (1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7)
"""Shares by which a radius is rounded down before its exact check."""
ROUNDING = 1e-12
"""Relative error of a radius in floats."""
PARTS = 1 << 40
"""Denominator of a curvature's share of the way from mu to L."""


@dataclass(frozen=True)
class Slow:
    """f_i(x) = curvature |x|^2/2, the k-th message factors[k] times its input; factors (a, b) is a + ib, a rotation.

    rho: squared factor a round that is shown to be attained, exact; radius: its root where the proof is of an
    eigenvalue. rho = 0: nothing was shown.
    """

    curvature: Fraction
    factors: tuple[tuple[Fraction, Fraction], ...]
    rho: Fraction
    law: str = ""
    radius: Fraction | None = None

    def __str__(self) -> str:
        turned = any(b for _, b in self.factors)
        shown = [f"{float(a):.6g}" + (f" {float(b):+.6g} i" if turned else "") for a, b in self.factors]
        law = self.law or f"C(v) = ({'), ('.join(shown)}) v" + (", on the plane" if turned else "")
        return f"f_i(x) = {self.curvature} |x|^2/2" + (f", {law}" if self.law or self.factors else "")


@dataclass(frozen=True)
class Bracket:
    """lower <= the worst rate at these constants and parameters <= certified, both exact; None: nothing below 1.

    window: past rounds that V sees. data: what `recheck.py` reads, None for unbiased messages, whose certificate is
    `certificate` alone.
    """

    lower: Fraction
    certified: Fraction | None
    instance: Slow
    window: int
    certificate: RateCertificate | None = field(repr=False)
    data: Json | None = field(repr=False, default=None)

    @property
    def width(self) -> float:
        """(certified - lower)/(1 - lower)."""
        if self.certified is None or self.lower >= 1:
            return float("inf")
        return float((self.certified - self.lower) / (1 - self.lower))

    def check(self) -> bool:
        """Both sides again in Fractions, from the program of the round where `recheck.py` can."""
        if self.certificate is None or not self.certificate.check():
            return False
        return self.data is None or (recheck.upper_holds(self.data) and recheck.lower_holds(self.data))


def bracket(q: Question, params: Mapping[str, Fraction], window: int = WINDOW) -> Bracket:
    """The bracket of a question in Fractions at parameters (gamma included). Unsupported for what no LMI covers.

    q: constants in Fractions. window: the longest that is tried. Unsupported too where a round does not
    rest at the minimiser, since instances here have x* = 0 and would not show a floor.
    """
    # Where mu = L the certificate's program has no interior: it speaks of a slightly larger class,
    # whose bound holds for this one. The instance stays in the class itself.
    wide = interior(q)
    gamma = params.get("gamma", Fraction(1))
    own = {k: v for k, v in params.items() if k != "gamma"}
    program = without_invariants(program_of(q, tuple(sorted(params.items()))))[0]
    resting(program)  # instances below have x* = 0, where a floor is not seen
    if q.delta is None or not fits(program, class_of(q)):
        return _of_the_state(q, gamma, own)
    data = described(wide, program, params)
    below = rotated(q, data)
    best, used = None, 0
    # A longer past gives V more to see and never a worse bound, at the cost of a larger program: the window
    # grows only until both sides meet. Where an instance has rho >= 1 there is nothing to certify.
    for rounds in range(window + 1) if below.rho < 1 else ():
        found = least_certified(wide.model(gamma, own, window=rounds), float(below.rho))
        if found is not None and (best is None or found.rho < best.rho):
            best, used = found, rounds
        if best is not None and best.rho - below.rho <= Fraction(ENOUGH) * (1 - below.rho):
            break
    if best is None:
        return Bracket(below.rho, None, below, 0, None)
    data |= {"window": used, "lower": _lower(below), "upper": _upper(best)}
    data["assumptions"] = list(best.model.assumptions)
    return Bracket(below.rho, best.rho, below, used, best, data)


def _of_the_state(q: Question, gamma: Fraction, own: Mapping[str, Fraction]) -> Bracket:
    """Noise or coins in the step: V sees the state alone, and second moments run on 1-D quadratics."""
    model = q.model(gamma, own, full=False)
    # On a quadratic one round maps second moments linearly and keeps their cone: the map's
    # spectral radius is an eigenvalue, and the factor of E V in the long run.
    rate, where = attained_by(model)
    below = _slow(model, where, rate)
    found = searched(q, gamma, own, rate) if rate < 1 else None
    return Bracket(below.rho, None if found is None else found.rho, below, 0, found)


def _slow(model: Model, where: Quadratic1D, rate: float) -> Slow:
    """A rational rate below that of second moments there, shown by a determinant of the wrong sign."""
    _, m = model.moments(where)
    factors = tuple((Fraction(f), Fraction(0)) for f in where.acts.values())
    for less in SHORTER:
        rho = Fraction(rate) - Fraction(less) * abs(1 - Fraction(rate))
        shifted = [[(rho if i == j else 0) - v for j, v in enumerate(row)] for i, row in enumerate(m)]
        # det(rho - M) > 0 for rho above the largest real eigenvalue: a negative
        # determinant, exact, shows that an eigenvalue lies above this rho. Several
        # roundings down, since the float rate may lie above the true one.
        if determinant(shifted) < 0:
            return Slow(Fraction(where.curvature), factors, rho, where.compressor)
    return Slow(Fraction(where.curvature), factors, Fraction(0), where.compressor)


def described(q: Question, program: Program, params: Mapping[str, Fraction]) -> Json:
    """The round and the class as `recheck.py` reads them.

    The program in the words of `recheck.py`: scope "own" or "common", kind and index of what is combined, coefficient
    as text. Whoever changes a word here changes what rechecks read.
    """
    kinds = {GRADIENT: "gradient", MESSAGE: "message", STATE: "state"}

    def terms(v: Vector) -> list[list[object]]:
        return [
            ["common" if scope == COMMON else "own", kinds[kind], i, str(spelled(c))]
            for (scope, kind, i), c in v.terms.items()
        ]

    (leaf,) = program.leaves
    return {
        "method": q.method,
        "parameters": {k: str(v) for k, v in params.items()},
        "class": {"mu": str(q.mu), "L": str(q.L), "loss": str(class_of(q).eta2), "n": str(q.n)},
        "program": {
            "server": list(program.server),
            "worker": list(program.worker),
            "ops": [{"kind": kinds[op.kind], "argument": terms(op.argument)} for op in program.ops],
            "next": {k: terms(v) for k, v in leaf.following.items()},
        },
    }


TRIED = (Fraction(1, 3), Fraction(1, 5), Fraction(2, 7), Fraction(3, 11))
"""Values of gamma and the parameters at which formulas are held against numbers."""


def agrees(round_: Round, q: Question, fixed: Mapping[str, Fraction]) -> bool:
    """True where the round's formulas, at rational numbers, are the round of the exact program, entry by entry.

    False where a coefficient was rounded (decimals in a body) or the trace in symbols took another branch.
    """
    # The parameters at unrelated rational values: formulas that differ agree there only by an accident. It
    # is a test of the trace, not a proof; what is said afterwards is checked at numbers of its own.
    chosen = dict(zip((str(x) for x in round_.unknowns), itertools.cycle(TRIED)))
    params = {**fixed, **chosen}
    values = {x: sympy.Rational(str(chosen[str(x)])) for x in round_.unknowns}
    values |= {MU: sympy.Rational(str(q.mu)), SMOOTH: sympy.Rational(str(q.L)), NORM: sympy.Rational(1, 2)}
    values |= {WORKERS: q.n} | ({OMEGA: sympy.Rational(str(q.omega))} if round_.noisy else {})
    if round_.noisy:
        own = {k: v for k, v in params.items() if k != "gamma"}
        model = q.model(params.get("gamma", Fraction(1)), own, full=False)
        found = {e.curvature: model.moments(e)[1] for e in model.extremal}
    else:
        program = without_invariants(program_of(q, tuple(sorted(params.items()))))[0]
        data, found = described(q, program, params)["program"], {}
    for at in round_.instances:
        curvature = Fraction(str(at.curvature.subs(values)))
        if not round_.noisy:
            factors = [(Fraction(str(sympy.sympify(f).subs(values))), Fraction(0)) for f in at.factors]
            rows = [[a for a, _ in row] for row in recheck.round_matrix(data, curvature, factors)]
        else:
            rows = found[curvature]
        if round_.matrix(at).subs(values) != sympy.Matrix(
            [[sympy.Rational(str(a)) for a in row] for row in rows]
        ):
            return False
    return True


def _upper(found: RateCertificate) -> recheck.Data:
    """The certificate's numbers as text; coefficients of 0 are left out."""
    return {
        "rho": str(found.rho),
        "scale": str(found.scale),
        "v": {k: str(x) for k, x in found.v.items() if x},
        "multipliers": {k: str(x) for k, x in found.multipliers.items() if x},
    }


def _lower(below: Slow) -> recheck.Data:
    """The instance as `recheck.py` reads it."""
    factors = [[str(a), str(b)] for a, b in below.factors]
    return {"curvature": str(below.curvature), "factors": factors, "radius": str(below.radius)}


def rotated(q: Question, data: recheck.Data) -> Slow:
    """The slowest round found on f_i = a |x|^2/2, messages turned by an angle and stretched: radii checked exactly.

    All messages of a step get the same angle, or opposite signs on the line: curvature and angle on a grid, refined.

    The compressor is linear, C(v) = c v with complex c on the plane: |c - 1| <= s. Search in floats, the result
    exact.
    """
    # From below: with a rational s a little too large the compressor
    # would leave the class, and the bound be false.
    s = sqrt_below(class_of(q).eta2)
    messages = sum(op["kind"] == "message" for op in data["program"]["ops"])
    at = radii_of(data["program"])
    tried = [(a, c) for a in (q.mu, q.L) for c in _on_the_line(s, messages)]
    found = max((at(float(a), [complex(float(v), 0) for v, _ in c]), i) for i, (a, c) in enumerate(tried))
    best = (found[0], *tried[found[1]])
    # On the line first: real factors 1 + s and 1 - s are what a reader
    # expects, and rotations are told only where they are slower.
    if messages:  # a rotation that rounding alone makes slower is none
        turned = _turned(q, s, messages, at)
        best = turned if turned[0] > best[0] * (1 + ROUNDING) else best
    radius, curvature, factors = best
    matrix = recheck.characteristic(recheck.round_matrix(data["program"], curvature, factors))
    for less in SHORTER:
        # Floats chose the instance; that its round has an eigenvalue of this
        # modulus is decided by Schur and Cohn's test in fractions.
        exact = Fraction(radius) * (1 - Fraction(less))
        if not recheck.inside_the_circle(matrix, exact):
            return Slow(curvature, tuple(factors), exact * exact, radius=exact)
    return Slow(curvature, tuple(factors), Fraction(0))


def _on_the_line(s: Fraction, messages: int) -> list[list[recheck.Complex]]:
    """All choices of 1 + s and 1 - s for the messages."""
    zero = Fraction(0)
    return [[(1 + v, zero) for v in signs] for signs in itertools.product((s, -s), repeat=messages)]


def radii_of(program: recheck.Data) -> Callable[[float, Sequence[complex]], float]:
    """(curvature, factors) -> the largest modulus of the round's eigenvalues, in floats.

    The round is a polynomial in both; its matrix is made by the same lines as the exact check's.

    program: as `described` writes it. No exactness is claimed of these numbers; they only choose instances.
    """

    def at(curvature: float, factors: Sequence[complex]) -> float:
        given = [(f.real, f.imag) for f in factors]
        rows = recheck.round_matrix(program, curvature, given)
        matrix = np.array([[complex(float(a), float(b)) for a, b in row] for row in rows])
        return float(np.abs(np.linalg.eigvals(matrix)).max())

    return at


def _turned(
    q: Question, s: Fraction, messages: int, at: Callable[[float, Sequence[complex]], float]
) -> tuple[float, Fraction, list[recheck.Complex]]:
    """The largest radius over curvatures and one angle of all messages: a grid, then simplex steps."""
    from scipy.optimize import minimize

    def factor(u: Sequence[float] | Array) -> tuple[Fraction, list[recheck.Complex]]:
        # Every point that is tried is an exact member of the class: a rational curvature within [mu, L], and
        # the rational parametrisation of the circle by t = tan(angle/2), so that |c - 1| = s exactly.
        a = q.mu + (q.L - q.mu) * Fraction(round(min(max(u[0], 0.0), 1.0) * PARTS), PARTS)
        t = Fraction(float(np.tan(u[1] / 2))).limit_denominator(10**6)  # a rational point of the circle
        turn = (1 + s * (1 - t * t) / (1 + t * t), s * 2 * t / (1 + t * t))
        return a, [turn] * messages

    def radius(u: Sequence[float] | Array) -> float:
        a, c = factor(u)
        return float(at(float(a), [complex(float(v), float(w)) for v, w in c]))

    grid = [(a, p) for a in np.linspace(0, 1, CURVATURES) for p in np.linspace(0, 0.99 * np.pi, ANGLES)]
    first = max(grid, key=radius)

    def slow(u: Array) -> float:
        return -radius(u)

    found = minimize(slow, np.array(first), method="Nelder-Mead", options={"maxfev": 80, "xatol": 1e-7})
    best = max((first, tuple(found.x)), key=radius)
    return radius(best), *factor(best)
