"""Steps of the two methods that are no body: statements against the method's own `step`, on symbols or arrays.

ISAGA keeps a table of gradients per sample. Its step runs on arrays of symbols at one draw: what it takes of every
entry's gradient and of the table is read from where it arrives, and printed in the statement's words.
CAT chooses its level from the gradient, so its step is no linear program. Its statement says two inequalities of the
direction and nothing else: they are held against the step's own direction, at random and at extreme gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as F
from functools import cached_property
from itertools import product
from typing import Protocol

import numpy as np
import sympy

from compth._numbers import ratio
from compth._types import Array
from compth.methods.cat import CAT
from compth.methods.core import Plan, State
from compth.methods.isaga import ISAGA
from compth.methods.saga import SAGAState
from compth.problems import distributed_quadratic
from compth.proof import kernel
from compth.proof.kernel import Refused, Theory, require
from compth.proof.roles import Roles
from compth.tuning.schemes import SCHEMES
from proofs_check._printed import Combination, joined

Statement = Mapping[str, object]
TABLES = ((3, 3, 1), (5, 4, 2))
"""(entries of the table, coordinates, how many of them a worker sends): no factor of one holds at the other."""
WIDTH, SEEDS = 3, range(3)
"""Coordinates of CAT's gradients; draws of each table."""


class OwnStep(Protocol):
    """A method's step where there is no trace to take it from."""

    def follows(self, statement: Statement) -> None:
        """Refused where the statement's step is not the method's."""


def _symbols(name: str, *shape: int) -> Array:
    """An array of symbols, one for every entry."""
    names = [sympy.Symbol("_".join([name, *map(str, at)])) for at in np.ndindex(*shape)]
    return np.array(names, dtype=object).reshape(shape)


def _exact(expressions: Array) -> Array:
    """With the draw's floats, shares of small counts, as fractions."""
    found = []
    for e in map(sympy.expand, expressions.ravel()):
        near = {f: sympy.Rational(F(float(f)).limit_denominator(10**4)) for f in e.atoms(sympy.Float)}
        found.append(sympy.expand(e.xreplace(near)))
    return np.array(found, dtype=object).reshape(expressions.shape)


class _Given:
    """A problem of which a step asks the gradients of its components, symbols here."""

    def __init__(self, gradients: Array) -> None:
        self._gradients = gradients
        _, self.n, self.d = gradients.shape

    def gradients(self, x: Array) -> Array:
        """(1, n, d)."""
        return self._gradients


@dataclass(frozen=True)
class TableStep:
    """ISAGA's step in a statement's words: table = h + e, Q what is sent over the share of all entries that is sent."""

    method: type[ISAGA] = ISAGA
    workers: int = 2
    table: tuple[str, str] = ("hs", "e")

    @cached_property
    def arrived(self) -> list[tuple[Array, Array]]:
        """(x - x+ over gamma, the next table) at every seed, in symbols g of the gradients and t of the table."""
        gamma, out = sympy.Symbol("gamma"), []
        for (entries, width, kept), seed in product(TABLES, SEEDS):
            x, table = _symbols("x", 1, width), _symbols("t", entries, width)[None]
            method = self.method(workers=self.workers, tau=ratio(kept, width))
            state, rng = SAGAState(x, table=table), np.random.default_rng(seed)
            problem = _Given(_symbols("g", entries, width)[None])
            after = method.step(problem, state, rng, Plan(gamma, {}), 0)
            moved = np.array([(a - b) / gamma for a, b in zip(x[0], after.x[0], strict=True)])
            out.append((_exact(moved), _exact(after.table[0])))
        return out

    @cached_property
    def message(self) -> Combination:
        """What an entry that is drawn adds to the step: the same of g, of t and of the table's mean at every entry."""
        found = {self._read(moved, following) for moved, following in self.arrived}
        if len(found) != 1:
            raise Refused(f"{self.method.__name__}'s step is another one at another draw")
        gradient, own, mean, scale = found.pop()
        # the step is tau times the mean of what is sent over the share that is sent: exactly when each counts 1/n
        if scale != ratio(1, self.workers):
            raise Refused(f"{self.method.__name__}'s step takes {scale} of each of {self.workers} messages")
        shift, error = self.table
        named = {(False, "g"): gradient, (False, shift): own, (False, error): own}
        named |= {(True, shift): mean, (True, error): mean}
        return {place: c for place, c in named.items() if c != 0}

    def _read(self, moved: Array, following: Array) -> tuple[sympy.Expr, ...]:
        """(coefficient of the gradient, of the entry, of the mean, their common factor) in what is sent of an entry.

        Entry (j, k) is drawn where the next table is not the old one there; it is then the gradient. What is left of
        the step, once the drawn entries are taken off, is the table's mean, once for each worker that sent the
        coordinate.
        """
        entries, width = following.shape
        g, t = _symbols("g", entries, width), _symbols("t", entries, width)
        drawn, kept = following != t, {w: k for _, w, k in TABLES}
        if not (following[drawn] == g[drawn]).all() or drawn.sum() != self.workers * kept[width]:
            raise Refused(f"{self.method.__name__}'s table is not renewed by the gradients that are drawn")
        read = set()
        for j, k in np.argwhere(drawn):
            others = [i for i in range(entries) if not drawn[i, k]]
            scale = moved[k].coeff(g[j, k])
            # The mean of the table is counted once for each worker that sends this coordinate.
            senders = int(drawn[:, k].sum())
            # an entry that nobody drew in this coordinate appears through the mean alone
            mean = moved[k].coeff(t[others[0], k]) * entries / (senders * scale)
            own = moved[k].coeff(t[j, k]) / scale - senders * mean / entries
            read.add((sympy.Integer(1), own, mean, scale))
            rest = moved[k] - scale * sum(
                g[i, k] + own * t[i, k] + mean * t[:, k].sum() / entries
                for i in range(entries)
                if drawn[i, k]
            )
            if sympy.expand(rest) != 0:
                raise Refused(f"{self.method.__name__}'s step has more than what is drawn: {rest}")
        still = [k for k in range(width) if not drawn[:, k].any()]
        if len(read) != 1 or any(moved[k] != 0 for k in still):
            raise Refused(f"{self.method.__name__}'s step takes other entries than it renews")
        [found] = read
        return found

    def mean(self) -> str:
        """The mean of Q: what an entry adds when it is drawn."""
        return joined(self.message)

    def renewed(self) -> tuple[str, str]:
        """An entry's error where it is drawn, and where it is not."""
        shift, error = self.table
        return f"g - {shift}", error

    def next(self) -> dict[str, str]:
        """`next` of a run: every drawn message counts 1/n of gamma, so the mean of Q has gamma tau."""
        self.mean()
        return {"x": "x - ga*tau*P(Q)", self.table[1]: "Y"}

    def follows(self, statement: Statement) -> None:
        """As `OwnStep` says."""
        theory = _after(statement, self.next())
        centre = theory.draws["Q"][0]
        require(
            not theory.cleared(
                kernel.add(centre, theory.value(kernel.read(self.mean(), theory.env), {1}), -1)
            ),
            f"Q has another mean than {self.mean()}",
        )
        mixtures = [args for _, schema, args in Roles(theory).calls if schema == "mixture"]
        require(len(mixtures) == 1, "one table is renewed")
        [(_, chance, *sides)] = mixtures
        share = kernel.read("tau*n/N", theory.env)
        gap = kernel.add(theory.scalar(chance), theory.scalar(share), -1)
        require(not theory.cleared(gap), "an entry is drawn with another probability than tau n/N")
        for side, text in zip(sides, self.renewed(), strict=True):
            gap = kernel.add(theory.value(side, {1}), theory.value(kernel.read(text, theory.env), {1}), -1)
            require(not theory.cleared(gap), f"the table is renewed by {text}")


def _after(statement: Statement, following: Mapping[str, str]) -> Theory:
    """The statement's theory, whose run moves these names so; Refused where it does not."""
    theory = Theory(dict(statement))
    run = statement["run"]
    moves = run["next"] if isinstance(run, Mapping) else {}
    for name, text in following.items():
        require(name in moves and _same(theory, moves[name], text), f"{name} after the step is not {text}")
    return theory


def _same(theory: Theory, a: str, b: str) -> bool:
    """Two texts of one vector."""
    one, other = (theory.value(kernel.read(text, theory.env), {1}) for text in (a, b))
    return not theory.cleared(kernel.add(one, other, -1))


class _Constant:
    """A generator whose uniform numbers are given, one for each coordinate."""

    def __init__(self, u: Array) -> None:
        self._u = u

    def random(self, shape: tuple[int, ...]) -> Array:
        """Of this shape."""
        return np.broadcast_to(self._u, shape)


@dataclass(frozen=True)
class TunedStep:
    """CAT's step on one worker: R = L (x - x+) has <g, E R> >= ||g||^2/d and E||R||^2 <= <g, E R>, in every scheme."""

    method: type[CAT] = CAT

    def next(self) -> dict[str, str]:
        """`next` of a run: R is L times what moves x, so that this is what it means."""
        return {"x": "x - 1/L*R"}

    def follows(self, statement: Statement) -> None:
        """As `OwnStep` says."""
        theory = _after(statement, self.next())
        said = {
            schema: args[2] for _, schema, args in Roles(theory).calls if schema in ("b2_lower", "b_upper")
        }
        require(set(said) == {"b2_lower", "b_upper"}, "the statement bounds the direction from one side only")
        lower, upper = (theory.scalar(said[k]) for k in ("b2_lower", "b_upper"))
        rng = np.random.default_rng(0)
        gradients = [np.ones(WIDTH), np.eye(WIDTH)[0], *rng.standard_normal((4, WIDTH))]
        for scheme in SCHEMES:
            for g in gradients:
                for level in range(1, WIDTH + 1):
                    along, size = self._moments(scheme, level, g)
                    # share of the squared norm, then energy per share: 1/d and 1 in the statement
                    least, most = (
                        _number(p, {"d": WIDTH, "L": 1.0, "mu": 1.0}, theory) for p in (lower, upper)
                    )
                    # Both hold with equality for some scheme (S at equal entries, SS always): rounding must
                    # not refuse them.
                    slack = 1e-9 * float(g @ g)
                    where = f"{scheme} at level {level}"
                    require(
                        along >= least * float(g @ g) - slack, f"{where} has <g, E R> < {least:g} ||g||^2"
                    )
                    require(size <= most * along + slack, f"{where} has E||R||^2 > {most:g} <g, E R>")

    def _moments(self, scheme: str, level: int, g: Array) -> tuple[float, float]:
        """(<g, E R>, E||R||^2) of the method's own step from a point with this gradient.

        Entries are kept independently, each where a uniform number is below its probability: that probability is
        found by bisection, and a kept entry by its value.
        """
        kept = self._direction(scheme, level, g, np.zeros(WIDTH))
        low, high = np.zeros(WIDTH), np.ones(WIDTH)
        if np.array_equal(kept, self._direction(scheme, level, g, np.nextafter(high, low))):
            return float(g @ kept), float(kept @ kept)
        for _ in range(40):
            middle = (low + high) / 2
            there = self._direction(scheme, level, g, middle) != 0
            low, high = np.where(there, middle, low), np.where(there, high, middle)
        return float(g @ (high * kept)), float((high * kept * kept).sum())

    def _direction(self, scheme: str, level: int, g: Array, u: Array) -> Array:
        """R = L (x - x+) of f = L||x||^2/2 at x = g/L, where the uniform numbers are u."""
        L = 2.0
        problem = distributed_quadratic(L * np.eye(WIDTH)[None], np.zeros((1, WIDTH)))
        state, rng = State(g[None] / L), _Constant(u)
        after = self.method(scheme=scheme, level=level).step(problem, state, rng, Plan(1.0, {}), 0)
        return np.asarray(L * (state.x - after.x)[0])


def _number(p: kernel.Poly, numbers: Mapping[str, float], theory: Theory) -> float:
    """A polynomial of parameters at numbers."""
    total = 0.0
    for m, c in p.items():
        term = float(c)
        for (name, _), e in m:
            inverse = theory.inverses.get(name)
            term *= (1 / _number(inverse, numbers, theory) if inverse else numbers[name]) ** e
        total += term
    return total
