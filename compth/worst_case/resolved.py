"""A program on named vectors: a value is a combination of state, gradients and biased messages, and of noises.

This is where a body's operations become the coordinates of the LMI. Names are the contract with `model` and
`bounded`: a worker's vector h stands under "h", its mean inside a worker's vector under "mean h".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from compth.errors import Unsupported
from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, SPOKEN, STATE, Vector, combined
from compth.worst_case.model import mean_of, plus
from compth.worst_case.rational import spelled

LAST = "last step"
"""The server vector x_(t-1) - x_t of a turned loop."""
AT_X, HEARD = "gradient at x", "heard"
Combination = dict[str, Fraction]
NoiseKey = int | tuple[str, int]
"""Operation k: a worker's own noise k, or ("mean", k), (HEARD, k)."""
Noises = dict[NoiseKey, Fraction]
Values = tuple[Combination, Noises]


class Noisy(Unsupported):
    """Noise of a compression reaches a gradient or a biased compression of the same step."""


@dataclass(frozen=True)
class Class:
    """mu <= f_i'' <= L on n workers; compressors with E C(u) = u + b, |b|^2 <= eta2 |u|^2, and variance omega.

    eta2_down, omega_down: of the broadcast, which nothing compresses where both are 0.
    """

    mu: Fraction
    L: Fraction
    eta2: Fraction
    omega: Fraction
    n: int
    eta2_down: Fraction = Fraction(0)
    omega_down: Fraction = Fraction(0)


def turned(program: Program) -> Program:
    """The same run, its state taken before x has moved: x+ is then free of fresh noise, whatever the method."""
    x = program.server[0]

    # With y = x+ the new iterate, x = y - (last step): every x of the body is replaced by that, so that the
    # turned state (y, last step, ...) determines all that the old one did.
    def put(v: Vector) -> Vector:
        c = v.terms.get((COMMON, STATE, x), 0)
        return combined([(1, v), (-c, Vector({(COMMON, STATE, LAST): 1}))]) if c else v

    moved = put(Vector({(COMMON, STATE, x): 1}))

    def following(leaf: Leaf) -> dict[str, Vector]:
        out = {k: put(v) for k, v in leaf.following.items()}
        return {**out, x: moved, LAST: combined([(1, moved), (-1, out[x])])}

    return replace(
        program,
        server=(x, LAST, *program.server[1:]),
        ops=tuple(replace(op, argument=put(op.argument)) for op in program.ops),
        leaves=tuple(Leaf(leaf.probability, leaf.coins, following(leaf)) for leaf in program.leaves),
    )


@dataclass
class Step:
    """The program on named vectors: each value is (combination of vectors, coefficients of the noises).

    A noise's key is its operation's number k (a worker's own), ("mean", k) or, of a broadcast, (HEARD, k). bounded:
    also of gradients at workers' own points. carried: every noise is a vector of its own, so that it may reach a
    gradient; then no value has noises.
    """

    program: Program
    cls: Class
    bounded: bool = False
    carried: bool = False
    gradients: dict[str, Combination] = field(default_factory=dict)
    messages: dict[str, Combination] = field(default_factory=dict)
    squares: dict[str, Fraction] = field(default_factory=dict)
    fresh: dict[str, tuple[Combination, Fraction]] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    heard: set[int] = field(default_factory=set)
    noises: dict[int, Values] = field(default_factory=dict)
    outputs: list[Values] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = set(self.program.worker)
        for k, op in enumerate(self.program.ops):
            self.outputs.append(self._output(k, op))

    def _refuse(self, op: Op, reason: str) -> Unsupported:
        """The refusal of an operation, with its line."""
        return Unsupported(f"{self.program.name}, line {op.line}: {reason}: no worst case is derived")

    def _output(self, k: int, op: Op) -> Values:
        """What an operation gives: (combination of vectors, coefficients of noises)."""
        # An operation's argument is already resolved: each output is a combination of vectors that exist by
        # now.
        u, noise = self.value(op.argument)
        if op.kind == GRADIENT:
            return self._gradient(op, u, noise)
        own = op.kind == MESSAGE
        eta2, omega = self._law(op)
        if eta2:
            # E|C(u) - u|^2 <= eta2 |u|^2 for random u would hold, too; but noise in u and the new message are
            # dependent, and no form of means alone says how. `carried` makes the noise a vector for this case.
            if noise:
                raise self._noisy(
                    op, "noise of a compression reaches a second, biased compression in the same step"
                )
            u, noise = {self._sent(u, eta2, own): Fraction(1)}, {}
        if not omega:
            return u, noise
        return self._with_noise(k, op, u, noise)

    def _law(self, op: Op) -> tuple[Fraction, Fraction]:
        """(the square of the bias, the variance) of a compression."""
        if op.kind == MESSAGE:
            return self.cls.eta2, self.cls.omega
        down = self.cls.eta2_down, self.cls.omega_down
        if op.kind != SPOKEN or not any(down):
            raise self._refuse(op, "a compressed broadcast")
        return down

    def _noisy(self, op: Op, reason: str) -> Noisy:
        """The refusal that `carried` lifts."""
        return Noisy(str(self._refuse(op, reason)))

    def _gradient(self, op: Op, u: Combination, noise: Mapping[NoiseKey, Fraction]) -> Values:
        """The gradient's own vector, at a point without noise."""
        # A gradient at a point of its own is, for every worker, that of its f_i elsewhere: no two of them
        # share an argument, and the LMI is then a bound that nothing shows attained.
        if op.argument.own and not self.bounded:
            raise self._refuse(op, "a gradient at a worker's own point")
        if noise:
            raise self._noisy(op, "noise of a compression reaches a gradient's argument in the same step")
        return {self.point(u, own=op.argument.own): Fraction(1)}, {}

    def _with_noise(self, k: int, op: Op, u: Combination, noise: Noises) -> Values:
        """A compression's mean with the noise that it adds; its variance is omega times the square of its input."""
        own = op.kind == MESSAGE
        # The variance is omega times the square of what was compressed, earlier noise of the same step
        # included: that is kept beside the noise (read, before), to be resolved when second moments are taken.
        read, before = self.value(op.argument)
        # Carried: the noise becomes a vector like any other, bounded by an inequality of its own (`bounded`).
        if self.carried:
            name = f"noise {len(self.fresh)}"
            self.fresh[name] = (read, self._law(op)[1])
            self._new(name, own)
            return plus((1, u), (1, {name: Fraction(1)})), noise
        key: NoiseKey = k if own else (HEARD, k)
        self.noises[k] = (read, before)
        self.heard |= set() if own else {k}
        return u, {**noise, key: noise.get(key, Fraction(0)) + 1}

    def _sent(self, u: Combination, eta2: Fraction, own: bool) -> str:
        """The name of a biased message."""
        name = f"message {len(self.messages)}"
        self.messages[name], self.squares[name] = u, eta2
        self._new(name, own)
        return name

    def _new(self, name: str, own: bool) -> None:
        """A vector of the step: in its order, and among the workers' own where each has one."""
        self.order.append(name)
        if own:
            self.own.add(name)

    def point(self, at: Combination, own: bool = False) -> str:
        """The name of the gradient at a point that all workers share, or at every worker's own."""
        if not own:
            # Equal points have equal gradients, so that a second one would only add a vector that is the same.
            at = {k.removeprefix("mean "): c for k, c in at.items()}
        for name, known in self.gradients.items():
            if known == at and (name in self.apart) == own:
                return name
        first = at == {self.program.server[0]: 1} and not own
        name = AT_X if first else f"gradient {len(self.gradients)}"
        self.gradients[name] = at
        self.apart |= {name} if own else set()
        self._new(name, True)
        return name

    def argument(self, name: str) -> Combination:
        """Where a gradient is taken, as a worker's vector: means by their names."""
        at = self.gradients[name]
        return at if name in self.apart else self.meant(at)

    def input(self, name: str) -> Combination:
        """What a gradient, a message or a noise is of."""
        found = self.gradients.get(name, self.messages.get(name))
        return self.fresh[name][0] if found is None else found

    def value(self, v: Vector) -> Values:
        """A vector of the program as (combination of named vectors, coefficients of noises), without zeros."""
        out: Combination = {}
        noise: Noises = {}
        for (scope, kind, i), c in v.terms.items():
            # What is common to all workers enters as a mean, and so do the noises inside it.
            part, fresh = ({i: Fraction(1)}, {}) if kind == STATE else self.outputs[i]
            if scope == COMMON:
                part = self.meant(part)
                fresh = _of_means(fresh)
            factor = spelled(c)
            out = plus((1, out), (factor, part))
            noise = plus((1, noise), (factor, fresh))
        return {k: c for k, c in out.items() if c}, {k: c for k, c in noise.items() if c}

    def meant(self, v: Mapping[str, Fraction]) -> Combination:
        """Its mean, as it stands inside a worker's vector."""
        out: Combination = {}
        for k, c in v.items():
            name = mean_of(k) if k in self.own else k
            out[name] = out.get(name, Fraction(0)) + c
        return out


def _of_means(noise: Mapping[NoiseKey, Fraction]) -> Noises:
    """The noises of a mean. One that is there in both scopes, a of its own and b of its mean, has a + b."""
    out: Noises = {}
    for k, a in noise.items():
        key: NoiseKey = k if isinstance(k, tuple) else ("mean", k)
        out[key] = out.get(key, Fraction(0)) + a
    return out
