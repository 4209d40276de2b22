"""Error feedback with workers of different constants: what quadratics attain, and what is certified."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np

from compth import sources
from compth._door import at_the_door, optional, real, reals
from compth._earned import Earned, made
from compth._numbers import Number
from compth._shown import Shown
from compth._types import Array, Numbers
from compth.claims import Attribution, Standing
from compth.errors import InvalidParameter, NoGuarantee, Unsupported, require
from compth.methods.core.body import BodyMethod
from compth.problems import DistributedQuadratic, distributed_quadratic
from compth.sources import Source
from compth.worst_case.bodies import asked_for
from compth.worst_case.heterogeneous.attained import Axis, Mode, slowest
from compth.worst_case.heterogeneous.certified import least_certified
from compth.worst_case.heterogeneous.recheck import (
    DIFFERENCES,
    ERRORS,
    Bracket,
    Head,
    Lower,
    Statement,
    lower_holds,
    upper_holds,
)
from compth.worst_case.question import known_of
from compth.worst_case.rational import spelled, sqrt_below
from compth.worst_case.told import at_home

Row = tuple[Fraction, ...]
MOST_WORKERS = 6
MESSAGES = "messages with E|C_i(v) - v|^2 <= (1-delta)|v|^2, which may depend on the past"
ASSUMED = {
    DIFFERENCES: ("any minimisers", MESSAGES),
    ERRORS: ("a minimiser that all f_i share", MESSAGES),
}
"""What the rounds that certificates speak of ask for beyond mu_i and L_i."""


@dataclass(frozen=True)
class HeterogeneousInstance:
    """n quadratics and messages on which a method's run shrinks by exactly `factor` a round, all in Fractions.

    curvature: (n, d), f_i(x) = sum_j curvature_ij x_j^2/2. signs: (d,), D. x: (d,) and memory: (n, d), the first state;
    round t starts from factor^t D^t of it. inputs, errors: (n, d), what worker i sends at t = 0 and what its message
    misses: C_i(v) = v - e <u, v>/|u|^2 there, turned by D every round, which misses at most sqrt(1-delta) |v| of every
    v. `problem` is the package's.
    """

    method: str
    kind: type[BodyMethod] = field(repr=False)
    gamma: Fraction
    factor: Fraction
    signs: tuple[int, ...]
    x: Row
    memory: tuple[Row, ...]
    curvature: tuple[Row, ...]
    inputs: tuple[Row, ...]
    errors: tuple[Row, ...]

    @property
    def rho(self) -> Fraction:
        """factor^2: of squared distances, a round."""
        return self.factor**2

    @property
    def problem(self) -> DistributedQuadratic:
        """The quadratics, with x* = 0."""
        return distributed_quadratic(
            np.array([np.diag([float(v) for v in own]) for own in self.curvature]),
            np.zeros((len(self.curvature), len(self.x))),
            name=f"slowest known quadratics of {self.method}",
        )

    def run(self, rounds: int = 50) -> Array:
        """||x_t||^2 for t = 0, ..., rounds by the method's own step, in floats: the ratios are rho."""
        require(
            isinstance(rounds, int) and rounds >= 1, f"rounds={rounds!r} must be a whole number of at least 1"
        )
        line = _Played(self)
        (memory_name,) = self.kind.signature.worker
        x, memory = _floats((self.x,)), _floats(self.memory)
        seen = [float((x**2).sum())]
        for _ in range(rounds):
            # The method's own body is run, not a copy of it: what the instance shows, it shows of the
            # package's method.
            out = self.kind.body(line, x, **{memory_name: memory}, gamma=float(self.gamma))
            x, memory = out["x"], out[memory_name]
            seen.append(float((x**2).sum()))
            line.turn()
        return np.array(seen)


def _floats(rows: Sequence[Row]) -> Array:
    """Rows of Fractions as floats."""
    return np.array([[float(v) for v in row] for row in rows])


class _Verbs:
    """What a body may do to rows of vectors; gradient and compress are the subclass's."""

    def mean(self, v: Numbers) -> Numbers:
        """The mean over the workers' rows."""
        out: Numbers = v.sum(axis=-2, keepdims=True) / v.shape[-2]
        return out

    def broadcast(self, v: Numbers) -> Numbers:
        """The broadcast is not compressed."""
        return v


class _Played(_Verbs):
    """An instance in numbers: messages turn by D every round."""

    def __init__(self, instance: HeterogeneousInstance) -> None:
        self.curvature, self.signs = _floats(instance.curvature), np.array(instance.signs, dtype=float)
        self.inputs, self.errors = _floats(instance.inputs), _floats(instance.errors)

    def turn(self) -> None:
        """The next round's messages."""
        self.inputs, self.errors = self.inputs * self.signs, self.errors * self.signs

    def gradient(self, x: Array) -> Array:
        """grad f_i(x), by row."""
        return self.curvature * x

    def compress(self, v: Array) -> Array:
        """What worker i's message of v is in this round."""
        size = (self.inputs**2).sum(axis=1)
        # C_i(v) = v - e <u, v>/|u|^2: linear, misses exactly e at its input u and at most sqrt(1-delta) |v| of
        # any v.
        share = (self.inputs * v).sum(axis=1) / np.where(size > 0, size, 1.0)
        out: Array = v - share[:, None] * self.errors
        return out


class _Traced(_Verbs):
    """A round on unit rows of exact numbers: x, memories, gradients at two points, what the messages miss."""

    def __init__(self, n: int) -> None:
        one = np.array(
            [[Fraction(int(i == j)) for j in range(1 + 4 * n)] for i in range(1 + 4 * n)], dtype=object
        )
        self.x, self.memory, self.g, self.h, self.e = np.split(one, [1, 1 + n, 1 + 2 * n, 1 + 3 * n])
        self.elsewhere: Numbers | None = None
        self.inputs: list[Numbers] = []

    def gradient(self, x: Numbers) -> Numbers:
        """The symbols of the gradients at x, or at the one other point of the round."""
        # Points are told apart by their coordinates on the unit rows: a body may take gradients at x and at
        # the new x.
        if (x == self.x).all():
            return self.g
        if self.elsewhere is None:
            self.elsewhere = x
        if not (x == self.elsewhere).all():
            raise Unsupported(
                "gradients at three points of a round: a bracket takes those at x and at the new x"
            )
        return self.h

    def compress(self, v: Numbers) -> Numbers:
        """v less the symbol of what is missed."""
        self.inputs.append(v)
        if len(self.inputs) > 1:
            raise Unsupported("two messages a round: a bracket takes one")
        out: Numbers = v - self.e
        return out


def _speaks_of(kind: type[BodyMethod], s: Statement) -> bool:
    """True when the method's own body, run on symbols, makes the round of this statement."""
    (memory,) = kind.signature.worker
    verbs = _Traced(s.n)
    out = kind.body(verbs, verbs.x, **{memory: verbs.memory}, gamma=s.gamma)
    if verbs.elsewhere is not None and not (verbs.elsewhere == out["x"]).all():
        return False
    found = [_rows(out["x"]), _rows(out[memory]), _rows(verbs.inputs[0])]
    return found == [[s.x_next], list(s.state_next[1 : 1 + s.n]), list(s.u)]


def _rows(rows: Numbers) -> list[Row]:
    """Rows as tuples of Fractions."""
    return [tuple(Fraction(v) for v in row) for row in rows]


@dataclass(frozen=True)
class HeterogeneousCertificate:
    """V and multipliers with E V(t+1) <= rho V(t), V >= weight ||x - x*||^2, and the instance, as text of Fractions.

    `check()` rechecks both sides exactly; `save(path)` writes the JSON that `recheck.py` reads without compth:
    `python -m compth.worst_case.heterogeneous.recheck FILE`, or the file alone.
    """

    data: Bracket = field(repr=False)

    @property
    def rho(self) -> Fraction:
        """The certified factor of V, a round."""
        return Fraction(self.data["upper"]["rho"])

    @property
    def weight(self) -> Fraction:
        """V >= weight ||x - x*||^2."""
        return Fraction(self.data["upper"]["weight"])

    def check(self) -> bool:
        """Both sides again, in Fractions: L D L' of the two matrices, signs, function values; one round of the run."""
        return upper_holds(self.data) and lower_holds(self.data)

    def save(self, path: str | Path) -> Path:
        """Write the JSON file that recheck.py reads."""
        Path(path).write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
        return Path(path)


@dataclass(frozen=True)
class HeterogeneousBracket(Earned, Shown):
    """The worst squared rate of a method whose workers have their own constants lies in [lower, certified].

    method : EF or EF21. stepsize : the step that both sides speak of, a Fraction.
    lower : attained by `instance`, quadratics of at most two dimensions. certified : the factor of `certificate`.
    width : (certified - lower)/(1 - lower).
    standing : DERIVED; both sides are rechecked exactly by `certificate.check()`, which a user can run without compth.
    assumptions : what the class asks beyond mu_i and L_i.
    The standing of one that was typed or changed is ASSUMED.
    """

    WORDS = MappingProxyType({"standing": Standing.ASSUMED})

    method: str
    mu: Row
    L: Row
    delta: Fraction
    stepsize: Fraction
    lower: Fraction
    certified: Fraction
    instance: HeterogeneousInstance = field(repr=False)
    certificate: HeterogeneousCertificate = field(repr=False)
    assumptions: tuple[str, ...]
    standing: Standing = Standing.DERIVED
    attribution: Attribution = Attribution.OURS
    source: Source = sources.COMPTH

    @property
    def width(self) -> float:
        """(certified - lower)/(1 - lower)."""
        return float((self.certified - self.lower) / (1 - self.lower))

    def __str__(self) -> str:
        return "\n".join(
            (
                f"{self.method}, {len(self.mu)} workers, step {float(self.stepsize):.6g}",
                f"  the worst squared rate lies in [{float(self.lower):.9f}, {float(self.certified):.9f}]",
                f"  width {100 * self.width:.2g} % of 1 - rho ({self.standing.value})",
                f"  below: quadratics in R^{len(self.instance.x)}, run exactly; above: a certificate in Fractions",
                *(f"  assumes: {a}" for a in self.assumptions),
            )
        )


@at_the_door(mu=reals, L=reals, delta=real, stepsize=optional(real))
def heterogeneous_feedback(
    method: object, mu: Sequence[Number], L: Sequence[Number], delta: Number, stepsize: Number | None = None
) -> HeterogeneousBracket:
    """The worst squared rate of EF or EF21 with workers of different (mu_i, L_i), between two exact numbers.

    method: the name, the class or an instance. mu, L: (n,), n at most 6, f_i mu_i-strongly convex and L_i-smooth.
    delta in (0, 1]: E|C_i(v) - v|^2 <= (1 - delta)|v|^2. Floats are read as the decimals that they print as. stepsize:
    None is that of a method given with one, else 2n/sum(L_i + mu_i) (1-s)/(1+s), s = sqrt(1-delta), as a fraction
    (EMPIRICAL in arXiv 2605.31594 as the best one; within 1 % of 1 - rho of the best in what was tried, not the best).

    Below stand quadratics whose run is known exactly, above a Lyapunov function in Fractions. For EF21 both meet as far
    as the solver's margins reach (50 random cells with L_i/mu_i <= 33 and delta >= 0.05: median 4e-7, at most 7e-4 of
    1 - rho; 2e-3 at L/mu = 1e4, some per cent at delta = 1/100); for EF they stay up to 0.4 % apart. The cubic law
    printed for EF21 and n = 2 lies above what is certified here: it is not the tight rate.

    Raises InvalidParameter for constants out of range and other methods, NoGuarantee where nothing below 1 was
    certified (at a step that is too long, or where 1 - rho is so small that the margins are lost in rounding).
    """
    named = asked_for(method)
    kind = at_home(named.kind)
    # Which methods the bracket speaks of is not a list of names: their body is run on symbols below and
    # compared with the round of the statement.
    known = next((k for k in known_of(kind) if k.several is not None), None)
    if known is None or known.several is None:
        raise InvalidParameter(f"method={named.name}: the bracket speaks of EF and EF21")
    require(
        1 <= len(mu) == len(L) <= MOST_WORKERS,
        f"mu, L have {len(mu)}, {len(L)} entries: one each per worker, at most {MOST_WORKERS}",
    )
    require(all(np.isfinite(float(v)) for v in (*mu, *L)), f"mu={mu}, L={L} must be finite")
    require(all(0 < m <= l for m, l in zip(mu, L, strict=True)), f"mu={mu}, L={L} need 0 < mu_i <= L_i")
    require(0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    require(stepsize is None or stepsize > 0, f"stepsize={stepsize} must be positive")
    low, high = tuple(spelled(v) for v in mu), tuple(spelled(v) for v in L)
    wanted = spelled(delta)
    own = None if isinstance(method, str | type) else getattr(method, "gamma", None)
    if stepsize is not None or own is not None:
        step = spelled(own if stepsize is None else stepsize)
    else:
        # The law is a function of ratios; in units where mean (L_i + mu_i) = 2 its floats are well scaled.
        unit = _unit(low, high)
        known_s = 1 - sqrt_below(1 - wanted) ** 2
        law = known.several(_shrunk(low, unit), _shrunk(high, unit), known_s)
        step = Fraction(law).limit_denominator(10**12) / unit
    asked = (method, tuple(mu), tuple(L), delta, stepsize)
    return made(_bracket(kind, low, high, wanted, step), (heterogeneous_feedback, asked, {}))


def _bracket(
    kind: type[BodyMethod], mu: Row, L: Row, delta: Fraction, gamma: Fraction
) -> HeterogeneousBracket:
    """Both sides in exact numbers, each checked; NoGuarantee where one fails."""
    unit = _unit(mu, L)
    # The method's own body, on symbols, must make the round that the certificate is about, coefficient by
    # coefficient.
    round_ = next((k for k in ASSUMED if _speaks_of(kind, Statement(k, mu, L, delta, gamma))), None)
    if round_ is None:
        raise InvalidParameter(f"method={kind.__name__}: its round is neither EF's nor EF21's")
    name = kind.__name__
    power = int(round_ == DIFFERENCES)  # of f's unit in that of the memory: gradients, or points
    # Below: the slowest quadratics, found in floats and written in Fractions. Above: the least certified rate,
    # searched from the attained one upward.
    mode = slowest(_shrunk(mu, unit), _shrunk(L, unit), 1 - delta, gamma * unit)
    instance = _instance(kind, round_, _in_own_units(mode, unit), gamma)
    head: Head = {
        "method": name,
        "round": round_,
        "mu": [str(v) for v in mu],
        "L": [str(v) for v in L],
        "delta": str(delta),
        "gamma": str(gamma),
        "lower": _lower(instance),
    }
    in_units = Statement(round_, _shrunk(mu, unit), _shrunk(L, unit), delta, gamma * unit)
    upper = least_certified(in_units, instance.rho, unit, power, head)
    if not upper:
        low, high = ([f"{float(v):.6g}" for v in row] for row in (mu, L))
        raise NoGuarantee(
            f"{name}: no rate below 1 was certified at mu=({', '.join(low)}), L=({', '.join(high)}), "
            f"delta={float(delta):.6g}: the margins may be lost in rounding"
        )
    certificate = HeterogeneousCertificate({**head, "upper": upper})
    if not certificate.check():
        raise NoGuarantee(f"{name}: the run of the slowest quadratics fails its exact check")
    found = HeterogeneousBracket(
        name,
        mu,
        L,
        delta=delta,
        stepsize=gamma,
        lower=instance.rho,
        certified=certificate.rho,
        instance=instance,
        certificate=certificate,
        assumptions=ASSUMED[round_],
    )
    return made(found, (_bracket, (kind, mu, L, delta, gamma), {}))


def _unit(mu: Row, L: Row) -> Fraction:
    """What f is divided by so that mean (L_i + mu_i) = 2."""
    return sum((*mu, *L), Fraction(0)) / (2 * len(mu))


def _in_own_units(mode: Mode, unit: Fraction) -> Mode:
    """A run in units where f was divided by unit, in f's own: gradients and curvatures are larger by it."""
    axes = tuple(Axis(tuple(unit * v for v in a.curvature), a.sign) for a in mode.axes)
    residuals = tuple(tuple(unit * v for v in row) for row in mode.residuals)
    return Mode(mode.factor, axes, mode.x, residuals)


def _shrunk(row: Row, unit: Fraction) -> Row:
    """The numbers in that unit."""
    return tuple(v / unit for v in row)


def _instance(kind: type[BodyMethod], round_: str, mode: Mode, gamma: Fraction) -> HeterogeneousInstance:
    """The run of residuals as one of the method's own state: EF's x is EF21's next step, its memory gamma r."""
    n, signs = len(mode.residuals), tuple(a.sign for a in mode.axes)
    curvature = tuple(tuple(a.curvature[i] for a in mode.axes) for i in range(n))
    # x(t+1) = factor D x(t) and residuals r(t+1) = factor D r(t). What worker i is given is r_i + A_i (x+ -
    # x), what it misses is the next residual: these two say all that the run needs of its messages.
    turned = [mode.factor * sign for sign in signs]
    moved = tuple((t - 1) * v for t, v in zip(turned, mode.x, strict=True))
    given = [_with(curvature[i], moved, mode.residuals[i]) for i in range(n)]  # what worker i compresses
    missed = [tuple(t * v for t, v in zip(turned, own, strict=True)) for own in mode.residuals]
    # EF21's memory is the gradient less the residual; EF's own state is the same run one step on, its memory
    # gamma r.
    if round_ == DIFFERENCES:
        x = mode.x
        memory = tuple(
            tuple(a * v - r for a, v, r in zip(own, x, res, strict=True))
            for own, res in zip(curvature, mode.residuals, strict=True)
        )
    else:
        x = moved
        memory = tuple(tuple(gamma * r for r in own) for own in mode.residuals)
        given = [tuple(gamma * v for v in own) for own in given]
        missed = [tuple(gamma * v for v in own) for own in missed]
    return HeterogeneousInstance(
        kind.__name__,
        kind,
        gamma,
        factor=mode.factor,
        signs=signs,
        x=x,
        memory=memory,
        curvature=curvature,
        inputs=tuple(given),
        errors=tuple(missed),
    )


def _with(curvature: Row, moved: Row, residual: Row) -> Row:
    """r + a v, entry by entry."""
    return tuple(r + a * v for a, v, r in zip(curvature, moved, residual, strict=True))


def _lower(instance: HeterogeneousInstance) -> Lower:
    """The instance as text, which recheck.py reads."""
    return {
        "factor": str(instance.factor),
        "signs": [str(v) for v in instance.signs],
        "x": [str(v) for v in instance.x],
        "memory": [[str(v) for v in row] for row in instance.memory],
        "curvature": [[str(v) for v in row] for row in instance.curvature],
    }
