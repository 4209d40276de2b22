"""Exact enumeration of a program's randomness: a Generator whose draws branch, replayed depth first.

Finite draws branch with exact probabilities. `random` and `uniform` return symbolic a U + b: comparisons, floor, ceil,
trunc, int and rint branch and narrow U's interval, on numpy's own grid (multiples of 2^-53, or 2^-24 in float32).
Orderings of several uniforms are decided by random insertion. Everything else refuses: NotTraceable.

Used by the referee, by checks of the unified assumption and by exact dynamics. A draw that is added must branch with
its exact law under numpy's own algorithm, in order of the draws; one that cannot must refuse. Symbols may answer an
operation exactly or refuse it: an approximate answer would end as a false PROVED.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Generic, NoReturn, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from compth._types import Numbers
from compth.certification.allowance import Allowance
from compth.certification.readings import is_plain, named

GRID = {np.dtype(np.float64): 53, np.dtype(np.float32): 24}
MAX_BRANCH = 4096
LEAF, CHOICE = 20.0, 25.0
"""Work of one path, and of one choice on it."""
T = TypeVar("T")
G = TypeVar("G")
Drawn = Any  # numpy's signatures promise numbers; a trace gives symbols in their place, which none of its types allows
"""What a draw gives: numbers, symbols, or arrays of either."""


_REFUSALS = [0]
"""How often something was refused in this process."""


class NotTraceable(Exception):
    """The program uses randomness (or values) in a way that cannot be enumerated; says which.

    Every refusal is counted: a program that catches one and goes on has still been refused (`undisturbed`).
    """

    def __init__(self, *says: object) -> None:
        super().__init__(*says)
        _REFUSALS[0] += 1


class Strange(NotTraceable):
    """A trace exists, but it is no proof of the program; says why."""


class Symbol:
    """What stands for a number in a trace. numpy looks for methods named like its functions: those missing refuse."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        if isinstance(getattr(np, name, None), np.ufunc):
            raise NotTraceable(f"{name} of a symbol")
        raise AttributeError(name)


def undisturbed(program: Callable[[G], T], rng: G) -> T:
    """program(rng). Raises Strange when the program caught a refusal and went on."""
    # `except Exception` in a user's program would turn a refusal into one more branch of it, whose output is
    # then taken for a real one. The counter cannot be reached by catching, so it shows what the exception no
    # longer does.
    before = _REFUSALS[0]
    output = program(rng)
    if type(before) is not int or type(_REFUSALS[0]) is not int or _REFUSALS[0] != before:
        raise Strange("the program caught a refusal of the tracer")
    return output


class TooManyLeaves(NotTraceable):
    """More paths than the budget allows."""


READ = Fraction(1, 10**13)
"""A probability is read off numpy's grid only where that moves it by less than this, relative."""


LONGEST = 100_000
"""Decisions of one run: a loop until something is drawn always takes its first branch here, and never ends."""


@dataclass
class _Choice:
    """A decision of one run: the branch taken, and the branches' chances on the grid and as constants name them."""

    branch: int
    weights: Sequence[Fraction]
    read: Sequence[Fraction]


class Decisions(Protocol):
    """Where a uniform has its comparisons decided: the run's path, or a lane of its own (`oracle`)."""

    def choose(self, weights: Sequence[Fraction], read: Sequence[Fraction] | None = None) -> int:
        """Index of the branch taken among branches of these probabilities."""
        ...

    @property
    def order(self) -> list[_Variable]:
        """The uniforms that were compared with each other so far, smallest first."""
        ...


class Path:
    """One run's decisions: a replayed prefix, then first branches; knows its probability.

    draws: what was drawn, in order. order: uniforms that were compared with each other. variables: all uniforms.
    taken: branches of the draws that are no uniforms.
    """

    def __init__(self, prefix: list[int]) -> None:
        self.prefix, self.choices = prefix, list[_Choice]()
        self.draws: list[object] = []
        self.order: list[_Variable] = []
        self.variables: list[_Variable] = []
        self.taken: list[int] = []

    def choose(self, weights: Sequence[Fraction], read: Sequence[Fraction] | None = None) -> int:
        """Index of the branch taken among branches of these probabilities (zero ones are skipped).

        read: the probabilities that the program's constants name, where they are not the exact ones on the grid.
        """
        if len(weights) > MAX_BRANCH:
            raise NotTraceable(f"a draw with {len(weights)} outcomes")
        # The program is deterministic given its draws, so replaying the same branches leads to the same
        # place: the prefix is all the state that the search needs, and beyond it the first possible branch is
        # taken.
        at = len(self.choices)
        if at >= LONGEST:
            raise TooManyLeaves(f"more than {LONGEST:,} decisions in one run")
        branch = self.prefix[at] if at < len(self.prefix) else _next(weights, -1)
        self.choices.append(_Choice(branch, weights, weights if read is None else read))
        return branch

    @property
    def probability(self) -> Fraction:
        """Product of the branch probabilities."""
        return _product([c.weights[c.branch] for c in self.choices])

    @property
    def read(self) -> Fraction:
        """The same by the probabilities that the program's constants name."""
        if all(c.read is c.weights for c in self.choices):
            return self.probability
        return _product([c.read[c.branch] for c in self.choices])

    def successor(self) -> list[int] | None:
        """Prefix of the next path in depth-first order, None after the last."""
        # Backtracking: drop trailing decisions whose branches are exhausted, advance the last one that is
        # not. Paths are so visited in lexicographic order, each once, and their probabilities sum to 1.
        taken = [c.branch for c in self.choices]
        while self.choices:
            last = self.choices.pop()
            taken.pop()
            following = _next(last.weights, last.branch)
            if following < len(last.weights):
                return [*taken, following]
        return None


def _product(factors: list[Fraction]) -> Fraction:
    """One Fraction at the end: reducing it is what costs."""
    return Fraction(math.prod(f.numerator for f in factors), math.prod(f.denominator for f in factors))


def _next(weights: Sequence[Fraction], after: int) -> int:
    """The next branch of positive probability, len(weights) where there is none."""
    branch = after + 1
    while branch < len(weights) and weights[branch] == 0:
        branch += 1
    return branch


Chances = Sequence[Fraction]


Cell = tuple[int, int, int, Fraction, Fraction]
"""(bits, lo, hi, start, end): the grid points lo..hi-1 of 2^bits, and the ends of the cell as constants name them.

A plain tuple: a class of its own would run Python code of its own while a user's program is watched.
"""


@lru_cache(maxsize=4096)
def cell_cut(cell: Cell, threshold: Fraction, cut: int) -> tuple[Fraction, Chances, Chances]:
    """(the named threshold, the chances below and above it on the grid, the same for a continuous U).

    The grid's own threshold and chances where the named ones are not close. Every path asks the same again.
    """
    # On numpy's grid P(U < t) is a multiple of 2^-bits, never exactly 1/3. A claim with omega = d/k - 1 holds
    # for the ideal law, so the chance is also read for a continuous U at the fraction that the threshold
    # names; only where both readings agree to READ, so that no constant is read as another than the one
    # written.
    bits, lo, hi, start, end = cell
    if not type(cut) is type(lo) is type(hi) is int or not all(map(is_plain, (threshold, start, end))):
        raise NotTraceable(
            "numbers that calculate in a way of their own"
        )  # nor kept for those that equal them
    chance = Fraction(cut - lo, hi - lo)
    middle = named(threshold)
    if start < middle < end:
        read = (middle - start) / (end - start)
        if abs(read - chance) <= READ * min(chance, 1 - chance):
            return middle, (chance, 1 - chance), (read, 1 - read)
    return Fraction(cut, 1 << bits), (chance, 1 - chance), (chance, 1 - chance)


class _Variable:
    """One uniform on {0, ..., 2^bits - 1}/2^bits, narrowed to grid points lo..hi-1, or placed in an order."""

    def __init__(self, path: Decisions, bits: int) -> None:
        """`path` decides its comparisons; it starts on the whole grid of `bits` bits."""
        self.path, self.bits, self.lo, self.hi = path, bits, 0, 1 << bits
        self.start, self.end = (
            Fraction(0),
            Fraction(1),
        )  # the cell's ends as the program's constants name them
        self.rank: list[_Variable] | None = None

    def below(self, threshold: Fraction, inclusive: bool) -> bool:
        """Decide U < threshold (or <=), branching where both are possible."""
        # cut: how many grid points satisfy k 2^-bits < t, that is ceil(t 2^bits), or floor(t 2^bits) + 1 for
        # <=. Outside of (lo, hi) the answer is already determined by earlier comparisons and nothing
        # branches.
        scaled = threshold.numerator << self.bits
        cut = (scaled // threshold.denominator) + 1 if inclusive else -(-scaled // threshold.denominator)
        if cut >= self.hi:
            return True
        if cut <= self.lo:
            return False
        if self.rank is not None:
            raise NotTraceable("a uniform both ordered and compared with a number")
        cell = (self.bits, self.lo, self.hi, self.start, self.end)
        middle, weights, read = cell_cut(cell, threshold, cut)
        yes = self.path.choose(weights, read) == 0
        self.lo, self.hi = (self.lo, cut) if yes else (cut, self.hi)
        self.start, self.end = (self.start, middle) if yes else (middle, self.end)
        return yes

    def precedes(self, other: _Variable) -> bool:
        """Decide self < other by inserting both into their path's order."""
        # Independent continuous variables are in each of the m! orders with equal chance. Inserting one after
        # the other at a uniform place builds exactly that law, and decides only the orders that the program
        # asks about.
        self.apart(other)
        order = self.path.order
        for v in (self, other):
            if v.rank is None:
                if (v.lo, v.hi) != (0, 1 << v.bits) or v.bits != self.bits:
                    raise NotTraceable("a uniform both compared with a number and ordered")
                v.rank = order
                position = self.path.choose([Fraction(1, len(order) + 1)] * (len(order) + 1))
                order.insert(position, v)
        return bool(order.index(self) < order.index(other))

    def apart(self, other: _Variable) -> None:
        """Refuses uniforms that are equal too often for a continuous law: on 2^24 points that is no rounding."""
        if min(self.bits, other.bits) < GRID[np.dtype(np.float64)]:
            raise NotTraceable("uniforms of single precision compared with each other")

    @property
    def middle(self) -> float:
        """A grid point of the current cell."""
        return float(Fraction((self.lo + self.hi - 1) // 2, 1 << self.bits))

    def moments(self) -> tuple[Fraction, Fraction]:
        """E U and E U^2 on the current cell (exact over the grid)."""
        # U is uniform on n neighbouring grid points: mean at their middle, variance (n^2 - 1)/12 in squared
        # grid steps.
        n, unit = self.hi - self.lo, Fraction(1, 1 << self.bits)
        first = Fraction(self.lo + self.hi - 1, 2)
        second = first * first + Fraction(n * n - 1, 12)
        return first * unit, second * unit * unit


def _number(x: object) -> Fraction | None:
    """x as an exact Fraction, None when it is not a finite number."""
    if isinstance(x, bool | np.bool_ | int | np.integer | Fraction):
        return Fraction(int(x)) if not isinstance(x, Fraction) else x
    if isinstance(x, float | np.floating) and math.isfinite(x):
        return Fraction(float(x))
    return None


class Affine(Symbol):
    """a U + b with exact a, b. Arithmetic with numbers stays affine; deciding anything branches."""

    __slots__ = ("a", "b", "u")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, u: _Variable, a: Fraction, b: Fraction) -> None:
        self.u, self.a, self.b = u, a, b

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> Drawn:
        """A numpy function of a uniform, entry by entry; with options (out, where, dtype) it refuses."""
        if method != "__call__" or options:
            raise NotTraceable(f"{ufunc.__name__} with options on a uniform")
        # As arrays of objects the operands take numpy's loop over Python objects, which asks each symbol's
        # own method.
        found: Drawn = ufunc(*(np.array(v, dtype=object) if isinstance(v, Affine) else v for v in inputs))
        return found

    def _with(self, other: object, combine: Callable[[Fraction], tuple[Fraction, Fraction]]) -> Affine:
        """The form that `combine` makes with a number; arrays take over (NotImplemented), other things refuse."""
        if isinstance(other, np.ndarray):
            left: Affine = NotImplemented
            return left
        value = _number(other)
        if value is None:
            raise NotTraceable(f"arithmetic between a uniform and {type(other).__name__}")
        return Affine(self.u, *combine(value))

    def __add__(self, other: object) -> Affine:
        if isinstance(other, Affine) and other.u is self.u:
            return Affine(self.u, self.a + other.a, self.b + other.b)
        return self._with(other, lambda v: (self.a, self.b + v))

    __radd__ = __add__

    def __sub__(self, other: object) -> Affine:
        if isinstance(other, Affine) and other.u is self.u:
            return Affine(self.u, self.a - other.a, self.b - other.b)
        return self._with(other, lambda v: (self.a, self.b - v))

    def __rsub__(self, other: object) -> Affine:
        return self._with(other, lambda v: (-self.a, v - self.b))

    def __mul__(self, other: object) -> Affine:
        return self._with(other, lambda v: (self.a * v, self.b * v))

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Affine:
        return self._with(other, lambda v: (self.a / v, self.b / v))

    def __neg__(self) -> Affine:
        return Affine(self.u, -self.a, -self.b)

    def __pos__(self) -> Affine:
        return self

    def __abs__(self) -> Affine:
        return -self if self < 0 else self

    def _less(self, other: object, inclusive: bool) -> bool:
        """Decide value < other (inclusive: <=), branching where both are possible; arrays take over."""
        if isinstance(other, np.ndarray):
            left: bool = NotImplemented
            return left
        if isinstance(other, Affine):
            if other.u is not self.u:
                return self._ordered(other)
            a, b = self.a - other.a, other.b - self.b
        else:
            if isinstance(other, float | np.floating) and math.isinf(other):
                return bool(other > 0)
            value = _number(other)
            if value is None:
                raise NotTraceable(f"a uniform compared with {type(other).__name__}")
            a, b = self.a, value - self.b
        # Everything is brought to a U < b. Dividing by a negative a turns the inequality round: a U < b
        # becomes U > b/a, the negation of U <= b/a, so strictness swaps as well.
        if a == 0:
            return b >= 0 if inclusive else b > 0
        if a > 0:
            return self.u.below(b if a == 1 else b / a, inclusive)
        return not self.u.below(b / a, not inclusive)

    def _ordered(self, other: Affine) -> bool:
        """Decide a U + b < a V + b for two uniforms: their own order, reversed for a < 0. Other pairs refuse."""
        if (self.a, self.b) != (other.a, other.b) or self.a == 0:
            raise NotTraceable("an inequality between different combinations of uniforms")
        return self.u.precedes(other.u) == (self.a > 0)

    def __lt__(self, other: object) -> bool:
        return self._less(other, inclusive=False)

    def __le__(self, other: object) -> bool:
        return self._less(other, inclusive=True)

    def __gt__(self, other: object) -> bool:
        below: object = self._less(other, inclusive=True)
        return NotImplemented if below is NotImplemented else not below

    def __ge__(self, other: object) -> bool:
        below: object = self._less(other, inclusive=False)
        return NotImplemented if below is NotImplemented else not below

    def __eq__(self, other: object) -> bool:
        if isinstance(other, np.ndarray):
            return NotImplemented
        # Two independent uniforms are equal with probability zero (on the grid 2^-53, which the report
        # assumes away).
        if isinstance(other, Affine) and other.u is not self.u:
            self.u.apart(other.u)
            return False
        return bool(self <= other) and bool(self >= other)

    def __ne__(self, other: object) -> bool:
        same: object = self.__eq__(other)
        return NotImplemented if same is NotImplemented else not same

    def _floor(self, shift: Fraction = Fraction(0)) -> int:
        """floor(value + shift), deciding by bisection over the integers that are possible."""
        low, high = self._range()
        first, last = math.floor(low + shift), math.floor(high + shift)
        if last - first > MAX_BRANCH:
            raise NotTraceable(f"a uniform scaled to {last - first} integers")
        # Each comparison halves the integers that are left: the paths are the possible values, and no more
        # decisions are made than their logarithm.
        while first < last:
            middle = (first + last + 1) // 2
            if self < Fraction(middle) - shift:
                last = middle - 1
            else:
                first = middle
        return first

    def _range(self) -> tuple[Fraction, Fraction]:
        """Least and largest value on the present cell."""
        unit = Fraction(1, 1 << self.u.bits)
        ends = (self.a * self.u.lo * unit + self.b, self.a * (self.u.hi - 1) * unit + self.b)
        return min(ends), max(ends)

    def __floor__(self) -> int:
        return self._floor()

    def __ceil__(self) -> int:
        return -(-self)._floor()

    def __trunc__(self) -> int:
        """Towards zero, as int() does: first the sign is decided, then the floor or the ceiling."""
        return math.ceil(self) if self < 0 else math.floor(self)

    __int__ = __trunc__

    def __round__(self, digits: int | None = None) -> int:
        """To the nearest integer."""
        if digits:
            raise NotTraceable("round to decimals of a uniform")
        return round(self.b) if self.a == 0 else self._floor(Fraction(1, 2))

    def rint(self) -> int:
        """numpy's rint on object arrays (ties have probability zero on the grid or are taken upwards)."""
        return self.__round__()

    def floor(self) -> int:
        """numpy's floor on object arrays."""
        return self.__floor__()

    def ceil(self) -> int:
        """numpy's ceil on object arrays."""
        return self.__ceil__()

    def trunc(self) -> int:
        """numpy's trunc on object arrays."""
        return self.__trunc__()

    def __floordiv__(self, other: object) -> int:
        return math.floor(self / other)

    def __mod__(self, other: object) -> Affine:
        # Exact like the rest of the symbol, and like a float's own remainder: a product of floats would be rounded.
        value = _number(other)
        return self - (cast("float", other) if value is None else value) * math.floor(self / other)

    def __bool__(self) -> bool:
        """Refuses: `if u:` asks whether u is exactly 0, which no program means."""
        raise NotTraceable("the truth value of a uniform")

    def __float__(self) -> float:
        """Only a uniform with a = 0, which is the number b: anything else would lose the law."""
        if self.a == 0:
            return float(self.b)
        raise NotTraceable("a uniform stored in a float array")


class Unread:
    """A draw with too many outcomes to follow, such as a seed: it refuses to be looked at in any way.

    A program that ends without having looked at it has the same output whatever the draw is.
    """

    def __init__(self, why: str) -> None:
        object.__setattr__(self, "_why", why)

    def __getattribute__(self, name: str) -> NoReturn:
        raise NotTraceable(object.__getattribute__(self, "_why"))


def _unreadable(name: str) -> Callable[..., object]:
    """A method of that name that refuses: Python looks special methods up on the class, past `__getattribute__`."""

    def refused(self: object, *args: object) -> NoReturn:
        raise NotTraceable(object.__getattribute__(self, "_why"))

    refused.__name__ = name
    return refused


_SPECIAL = (
    "add sub mul truediv floordiv mod divmod pow lshift rshift and or xor radd rsub rmul rtruediv rfloordiv rmod "
    "rdivmod rpow rlshift rrshift rand ror rxor neg pos abs invert lt le gt ge eq ne bool int float complex index "
    "round trunc floor ceil hash str repr format bytes len iter getitem contains array array_ufunc call reduce_ex"
)
for _name in _SPECIAL.split():
    setattr(Unread, f"__{_name}__", _unreadable(_name))


def _shape(size: object) -> tuple[int, ...] | None:
    """numpy's `size` as a shape; None, where it stands for one number."""
    return None if size is None else tuple(map(int, np.atleast_1d(np.asarray(size))))


class TraceGenerator(np.random.Generator):
    """A numpy Generator whose every draw branches on `path`; what it cannot enumerate raises NotTraceable."""

    path: Path

    def __new__(cls, path: Path) -> TraceGenerator:
        self = super().__new__(cls, np.random.PCG64(0))  # type: ignore[call-arg]
        self.path = path
        path.order, path.variables, path.taken = [], [], []
        return self

    def __init__(self, path: Path) -> None:
        super().__init__(np.random.PCG64(0))

    def _fill(self, size: object, draw: Callable[[], object], dtype: DTypeLike | None = object) -> object:
        """One draw, or an array of this shape with a draw in every entry."""
        shape = _shape(size)
        if shape is None:
            return draw()
        out = np.empty(shape, dtype=dtype)
        flat = out.reshape(-1)
        for i in range(flat.size):
            flat[i] = draw()
        return out

    def _branch(self, weights: Sequence[Fraction], read: Sequence[Fraction] | None = None) -> int:
        """A branch of a draw, which `Again` takes once more."""
        taken = self.path.choose(weights, read)
        self.path.taken.append(taken)
        return taken

    def _log(self, value: T) -> T:
        """Note a draw: what leads to the leaf; after it a TypeError may be of symbols and not of the program."""
        self.path.draws.append(value)
        return value

    def _uniform(self, dtype: DTypeLike) -> Affine:
        """A fresh uniform on the grid of this type."""
        u = _Variable(self.path, GRID[np.dtype(dtype)])
        self.path.variables.append(u)
        return Affine(u, Fraction(1), Fraction(0))

    def random(self, size: object = None, dtype: DTypeLike = np.float64, out: object = None) -> Drawn:
        """Symbols uniform on numpy's grid of [0, 1); float32 has one of its own."""
        if out is not None or np.dtype(dtype) not in GRID:
            raise NotTraceable("random(out=...)")
        return self._log(self._fill(size, lambda: self._uniform(dtype)))

    def uniform(self, low: Drawn = 0.0, high: Drawn = 1.0, size: object = None) -> Drawn:
        """Affine symbols low + (high - low) U, with exact coefficients where the bounds are numbers."""
        if np.ndim(low) or np.ndim(high):
            base = self.random(np.broadcast(low, high).shape if size is None else size)
            return base * (np.asarray(high, dtype=float) - low) + low
        width, start = Fraction(float(high)) - Fraction(float(low)), Fraction(float(low))
        if width < 0:
            raise NotTraceable("uniform() from a bound to a lower one")

        def draw() -> Affine:
            u = self._uniform(np.float64)
            return Affine(u.u, width, start)

        return self._log(self._fill(size, draw))

    def integers(
        self,
        low: Drawn,
        high: Drawn = None,
        size: object = None,
        dtype: DTypeLike | None = np.int64,
        endpoint: bool = False,
    ) -> Drawn:
        """A branch for each whole number of the range; beyond MAX_BRANCH a draw that must not be looked at."""
        if np.ndim(low) or (high is not None and np.ndim(high)):
            raise NotTraceable("integers with array bounds")
        low, high = (0, low) if high is None else (low, high)
        first, last = int(low), int(high) + bool(endpoint)
        if last <= first:
            raise ValueError("low >= high")
        weights = [Fraction(1, last - first)] * (last - first) if last - first <= MAX_BRANCH else []
        if not weights and size is None:
            # Draws of seeds: their 2^31 outcomes are no branches, but a program that never looks at the value
            # has one output for all of them. What is logged stands for the draw; any number will do.
            self._log(first)
            return Unread(f"integers with {last - first} outcomes")
        if not weights:
            raise NotTraceable(f"integers with {last - first} outcomes")
        scalar = np.dtype(dtype).type if np.dtype(dtype) != np.bool_ else np.bool_
        return self._log(self._fill(size, lambda: scalar(first + self._branch(weights)), dtype))

    def choice(
        self,
        a: ArrayLike,
        size: object = None,
        replace: bool = True,
        p: Drawn = None,
        axis: int = 0,
        shuffle: bool = True,
    ) -> Drawn:
        """Members of a population: positions branch with their exact chances, in the order in which they are drawn."""
        population = np.arange(int(np.asarray(a))) if np.ndim(a) == 0 else np.asarray(a)
        count = population.shape[axis]
        shape = _shape(size)
        wanted = 1 if shape is None else int(np.prod(shape))
        if p is not None and (len(p) != count or abs(float(sum(p)) - 1) > 1e-8 or min(p) < 0):
            raise ValueError("probabilities do not sum to 1")
        if not replace and wanted > count:
            raise ValueError("Cannot take a larger sample than population when replace is False")
        if p is not None:
            picked = self._weighted(p, wanted, replace)
        elif replace or shuffle:
            picked = self._equal(count, wanted, replace)
        else:
            picked = self._unshuffled(count, wanted)
        if shape is None:
            return self._log(np.take(population, picked[0], axis=axis))
        return self._log(np.take(population, np.array(picked, dtype=np.int64).reshape(shape), axis=axis))

    def _equal(self, count: int, wanted: int, replace: bool) -> list[int]:
        """Equally likely draws: without replacement, one of those that are left."""
        rest, out = list(range(count)), []
        for _ in range(wanted):
            at = self._branch([Fraction(1, len(rest))] * len(rest))
            out.append(rest[at] if replace else rest.pop(at))
        return out

    def _unshuffled(self, count: int, wanted: int) -> list[int]:
        """Floyd's algorithm, as numpy has it for populations of so few: a uniform set, whose order is not uniform."""
        out: list[int] = []
        for last in range(count - wanted, count):
            at = self._branch([Fraction(1, last + 1)] * (last + 1))
            out.append(last if at in out else at)
        return out

    def _weighted(self, p: Numbers, wanted: int, replace: bool) -> list[int]:
        """Draws with these probabilities: without replacement, those left are normalised after each."""
        (weights, read), out = _read_weights(p), []
        for _ in range(wanted):
            index = self._branch(weights, read)
            out.append(index)
            if not replace:
                weights, read = _without(weights, index), _without(read, index)
        return out

    def _permute(self, n: int) -> list[int]:
        """A uniform permutation: n choices among those left, so that a prefix of it is decided before the rest."""
        rest, out = list(range(n)), []
        while rest:
            out.append(rest.pop(self._branch([Fraction(1, len(rest))] * len(rest))))
        return out

    def permutation(self, x: Drawn, axis: int = 0) -> Drawn:
        """A uniform permutation of 0..x-1, or of the entries of x along an axis."""
        values = np.arange(int(x)) if np.ndim(x) == 0 else np.array(x)
        return self._log(np.take(values, self._permute(values.shape[axis]), axis=axis))

    def shuffle(self, x: Drawn, axis: int = 0) -> None:
        """x permuted in place, uniformly."""
        order = self._permute(len(x) if axis == 0 else x.shape[axis])
        if isinstance(x, np.ndarray):
            x[...] = np.take(x.copy(), order, axis=axis)
        else:
            x[:] = [x[i] for i in order]
        self._log(("shuffle", order))

    def permuted(self, x: object, axis: int | None = None, out: Drawn = None) -> Drawn:
        """Every row along an axis permuted on its own, uniformly."""
        values = np.array(x)
        if axis is None:
            result = values.reshape(-1)[self._permute(values.size)].reshape(values.shape)
        else:
            moved = np.moveaxis(values, axis, -1).copy()
            rows = moved.reshape(-1, moved.shape[-1])
            for row in rows:
                row[:] = row[self._permute(len(row))]
            result = np.moveaxis(rows.reshape(moved.shape), -1, axis)
        if out is not None:
            out[...] = result
            result = out
        return self._log(np.array(result))

    def binomial(self, n: Drawn, p: Drawn, size: object = None) -> Drawn:
        """Numbers of successes, each with its own n + 1 branches."""
        if np.ndim(n) == 0 and np.ndim(p) == 0:
            return self._log(self._fill(size, lambda: self._binomial(int(n), float(p)), np.int64))
        trials, chances = np.broadcast_arrays(n, p)
        shape = _shape(size)
        if shape is not None and shape != trials.shape:
            trials, chances = np.broadcast_to(trials, shape), np.broadcast_to(chances, shape)
        pairs = zip(trials.reshape(-1), chances.reshape(-1), strict=True)
        return self._log(np.array([self._binomial(int(a), float(b)) for a, b in pairs]).reshape(trials.shape))

    def _binomial(self, n: int, p: float) -> int:
        """The number of successes: n + 1 branches with chances C(n, k) p^k (1-p)^(n-k).

        Once for the exact value of the float p, once for the fraction that it names.
        """
        if not 0 <= p <= 1:
            raise ValueError("p < 0, p > 1 or p is NaN")
        exact, read = ([math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]
                       for q in (Fraction(p), named(Fraction(p))))  # fmt: skip
        return self._branch(exact, read)

    def multinomial(self, n: Drawn, pvals: Drawn, size: object = None) -> Drawn:
        """Counts of n draws with these probabilities, one draw after another."""
        if size is not None or np.ndim(n) or np.ndim(pvals) != 1:
            raise NotTraceable("multinomial with a size")
        weights, read = _with_the_rest(pvals)
        counts = np.zeros(len(weights), dtype=np.int64)
        for _ in range(int(n)):
            counts[self._branch(weights, read)] += 1
        return self._log(counts)


def _read_weights(p: Numbers) -> tuple[list[Fraction], list[Fraction]]:
    """Probabilities by the exact values of these floats, and by what they name; both made to sum to 1."""
    exact = [Fraction(float(q)) for q in p]
    return _normalised(exact), _normalised([named(q) for q in exact])


def _with_the_rest(p: Numbers) -> tuple[list[Fraction], list[Fraction]]:
    """As `_read_weights`, for a draw whose last probability is what the others leave, whatever is given for it."""
    exact = [Fraction(float(q)) for q in p[:-1]]
    if any(q < 0 for q in exact):
        raise ValueError("pvals < 0, pvals > 1 or pvals contains NaNs")
    if sum(exact) > 1 + Fraction(1, 10**12):
        raise ValueError("sum(pvals[:-1]) > 1.0")
    whole = (
        [*weights, max(1 - sum(weights, Fraction(0)), Fraction(0))]
        for weights in (exact, [*map(named, exact)])
    )
    first, second = map(_normalised, whole)
    return first, second


def _without(weights: list[Fraction], index: int) -> list[Fraction]:
    """The probabilities of the others, once this one is drawn."""
    return _normalised([Fraction(0) if i == index else w for i, w in enumerate(weights)])


def _normalised(weights: list[Fraction]) -> list[Fraction]:
    """The weights divided by their sum, where that is not 0."""
    total = sum(weights, start=Fraction(0))
    return [w / total for w in weights] if total else weights


def _refuse(name: str) -> Callable[..., object]:
    """A method of numpy's Generator that refuses to be traced."""

    def refused(self: object, *args: object, **kwargs: object) -> NoReturn:
        raise NotTraceable(f"Generator.{name}")

    return refused


# Whatever this numpy's Generator can do and is not defined above refuses, so that a method of a later release
# never draws real numbers beside the symbols. `bit_generator` is a property: the state would be a way round
# the trace.
for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in vars(TraceGenerator):
        _stub = _refuse(_name)
        setattr(TraceGenerator, _name, property(_stub) if _name == "bit_generator" else _stub)


class Again(TraceGenerator):
    """The draws of a path once more, with uniforms as numbers of their cells: for the program on numbers."""

    drawn: Iterator[float]

    def __new__(cls, path: Path) -> Again:
        drawn, taken = [*map(_place, path.variables, itertools.count())], path.taken
        self = cast("Again", super().__new__(cls, Path(taken)))
        self.drawn = iter(drawn)
        return self

    def _uniform(self, dtype: DTypeLike) -> Drawn:
        found = next(self.drawn, None)
        if found is None:
            raise Strange("numbers draw more than symbols")
        return found if np.dtype(dtype) == np.float64 else np.float32(found)

    def random(self, size: object = None, dtype: DTypeLike = np.float64, out: object = None) -> Drawn:
        """Numbers in the cells of the path's uniforms."""
        return self._fill(size, lambda: self._uniform(dtype), dtype)

    def uniform(self, low: Drawn = 0.0, high: Drawn = 1.0, size: object = None) -> Drawn:
        """low + (high - low) U."""
        shape = np.broadcast(low, high).shape if np.ndim(low) or np.ndim(high) else None
        return self.random(shape if size is None else size) * (np.asarray(high, dtype=float) - low) + low


def _place(variable: _Variable, at: int) -> float:
    """A grid point of the uniform's cell, or one that has its place in the order; each another."""
    unit = 1 << variable.bits
    if variable.rank is not None:
        return (variable.rank.index(variable) + 1) * (unit // (len(variable.rank) + 1)) / unit
    return (variable.lo + (variable.hi - 1 - variable.lo) * (at * 7 % 16 + 1) // 17) / unit


@dataclass(frozen=True)
class Leaf(Generic[T]):
    """One path: its probability, its output, the draws that lead there; read: its probability as constants name it."""

    probability: Fraction
    output: T
    draws: tuple[object, ...]
    read: Fraction = Fraction(0)


def leaves(
    program: Callable[[TraceGenerator], T], limit: int = 20_000, allowance: Allowance | None = None
) -> Iterator[Leaf[T]]:
    """Every path of program(rng). Raises NotTraceable, TooManyLeaves; the program's own errors pass through."""
    # Stateless depth-first search: each path is a fresh run of the whole program that replays a prefix of
    # decisions. It costs a run a leaf, and needs no copy of the program's state, which nobody could take.
    prefix: list[int] | None = []
    allowance = allowance or Allowance()
    for count in itertools.count(1):
        path = Path(prefix or [])
        try:
            output = undisturbed(program, TraceGenerator(path))
        except (TypeError, AttributeError) as problem:
            if path.draws:  # a symbolic draw reached code that cannot take it
                raise NotTraceable(f"{type(problem).__name__}: {problem}") from None
            raise
        allowance.use(LEAF + CHOICE * len(path.choices) + np.size(cast("ArrayLike", output)) / 50)
        yield Leaf(path.probability, output, tuple(path.draws), path.read)
        prefix = path.successor()
        if prefix is None:
            return
        if count >= limit or allowance.spent:
            raise TooManyLeaves(allowance.note if allowance.capped else f"more than {count} paths")
