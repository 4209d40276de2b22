"""A program on named vectors: a value is a combination of state, gradients and biased messages, and of noises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from compth.errors import Unsupported
from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, STATE, Vector, combined
from compth.worst_case.model import mean_of, plus
from compth.worst_case.rational import spelled

LAST = "last step"
"""The server vector x_(t-1) - x_t of a turned loop."""
AT_X = "gradient at x"
Combination = dict[str, Fraction]


@dataclass(frozen=True)
class Class:
    """mu <= f_i'' <= L on n workers; compressors with E C(u) = u + b, |b|^2 <= eta2 |u|^2, and variance omega."""

    mu: Fraction
    L: Fraction
    eta2: Fraction
    omega: Fraction
    n: int


def turned(program: Program) -> Program:
    """The same run, its state taken before x has moved: x+ is then free of fresh noise, whatever the method."""
    x = program.server[0]

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
    """The program on named vectors: each value is (combination of vectors, coefficients of the noises)."""

    program: Program
    cls: Class
    gradients: dict[str, Combination] = field(default_factory=dict)
    messages: dict[str, Combination] = field(default_factory=dict)
    noises: dict[int, tuple[Combination, dict[Any, Fraction]]] = field(default_factory=dict)
    outputs: list[tuple[Combination, dict[Any, Fraction]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = set(self.program.worker)
        for k, op in enumerate(self.program.ops):
            self.outputs.append(self._output(k, op))

    def _refuse(self, op: Op, reason: str) -> Unsupported:
        return Unsupported(f"{self.program.name}, line {op.line}: {reason}: no worst case is derived")

    def _output(self, k: int, op: Op) -> tuple[Combination, dict[Any, Fraction]]:
        u, noise = self.value(op.argument)
        if op.kind == GRADIENT:
            if op.argument.own:
                raise self._refuse(op, "a gradient at a worker's own point")
            if noise:
                raise self._refuse(
                    op, "noise of a compression reaches a gradient's argument in the same step"
                )
            return {self.point(u): Fraction(1)}, {}
        if op.kind != MESSAGE:
            raise self._refuse(op, "a compressed broadcast")
        if self.cls.eta2 == 0:
            if not self.cls.omega:
                return u, noise
            self.noises[k] = (u, noise)
            return u, {**noise, k: noise.get(k, Fraction(0)) + 1}
        if noise:
            raise self._refuse(
                op, "noise of a compression reaches a second, biased compression in the same step"
            )
        name = f"message {len(self.messages)}"
        self.messages[name] = u
        self.own.add(name)
        if not self.cls.omega:
            return {name: Fraction(1)}, {}
        self.noises[k] = (u, {})
        return {name: Fraction(1)}, {k: Fraction(1)}

    def point(self, at: Combination) -> str:
        """The name of the gradient at a point that all workers share."""
        at = {k.removeprefix("mean "): c for k, c in at.items()}
        for name, known in self.gradients.items():
            if known == at:
                return name
        name = AT_X if at == {self.program.server[0]: 1} else f"gradient {len(self.gradients)}"
        self.gradients[name] = at
        self.own.add(name)
        return name

    def value(self, v: Vector) -> tuple[Combination, dict[Any, Fraction]]:
        """A vector of the program."""
        out: Combination = {}
        noise: dict[Any, Fraction] = {}
        for (scope, kind, i), c in v.terms.items():
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


def _of_means(noise: Mapping[Any, Fraction]) -> dict[Any, Fraction]:
    """The noises of a mean. One that is there in both scopes, a of its own and b of its mean, has a + b."""
    out: dict[Any, Fraction] = {}
    for k, a in noise.items():
        key = k if isinstance(k, tuple) else ("mean", k)
        out[key] = out.get(key, Fraction(0)) + a
    return out
