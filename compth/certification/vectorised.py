"""The factored oracle in arrays: all uniforms of a draw compared at once, two runs of the program an input.

Covers programs that draw one uniform a coordinate and compare each with one number: by <, in float64 also by floor,
ceil or rint of +-2^k U + b, in float32 also by floor of the rounded sum U + b. In the first run every U lies below its
cut, in the second above: each coordinate's law is these two values. Sums are kept as unevaluated pairs of floats, so
that cuts are exact on numpy's grid of 2^-53 (2^-24).
Everything else raises NotVectorised, and is enumerated coordinate by coordinate (`oracle.factored`).

Every operation is exact or refuses. It gives the same moments as the slow oracle, which tests compare bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

from compth._types import Array
from compth.certification.beside import Program
from compth.certification.tracer import Drawn, NotTraceable, undisturbed

GRID = 2.0**53
GRIDS = {np.dtype(np.float64): GRID, np.dtype(np.float32): 2.0**24}


class NotVectorised(NotTraceable):
    """The uniforms are used in another way than one comparison each."""


class Cells(NamedTuple):
    """Each coordinate's law: `low` where grid U < cut, else `high`; grid: 2^53, or 2^24 for float32 uniforms."""

    cut: Array
    low: Array
    high: Array
    grid: float = GRID


class _Branch:
    """One run: where all uniforms lie, and the cut that the program asked for."""

    def __init__(self, size: int, below: bool) -> None:
        """size: number of uniforms; below: whether undecided ones lie under the cut or above it."""
        self.size, self.below, self.drawn, self.grid = size, below, False, GRID
        self.cut: Array | None = None

    def decide(self, cut: Array) -> NDArray[np.bool_]:
        """U < cut/grid for every coordinate; only those that can be either side follow the branch."""
        # Cuts at 0 or at the grid's end are no decision: there every U is on one side. In between all
        # coordinates go the same way at once, which is enough because coordinates do not interact: two runs
        # meet both values of each.
        cut = np.clip(cut, 0, self.grid)
        if np.isnan(cut).any():
            raise NotVectorised("a uniform compared with NaN")
        if self.cut is not None and not np.array_equal(self.cut, cut):
            raise NotVectorised("a second comparison")
        self.cut = cut
        return (cut >= self.grid) | ((cut > 0) & self.below)


def _two_sum(a: Drawn, b: Drawn) -> tuple[Drawn, Drawn]:
    """a + b as a float and its exact rounding error (Knuth)."""
    # Knuth's TwoSum: s = fl(a + b), and the second number is a + b - s exactly, in any order of magnitudes.
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _exact(a: Array, b: Array) -> Array:
    """a + b, refused where it rounds."""
    s, e = _two_sum(a, b)
    if e.any():
        raise NotVectorised("a sum of more than two floats")
    return np.asarray(s)


class Uniforms(NDArrayOperatorsMixin):
    """a U + b for every coordinate, a = +-2^k, b an unevaluated pair of floats. Only comparisons look at U.

    rounded: it stands for fl(U + b) in single precision.
    """

    __slots__ = ("_branch", "_hi", "_lo", "_rounded", "_scale")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, branch: _Branch, scale: float, hi: Array, lo: Array, rounded: bool = False) -> None:
        """scale: a; hi, lo: b = hi + lo, unevaluated. rounded: see the class."""
        self._branch, self._scale, self._hi, self._lo, self._rounded = branch, scale, hi, lo, rounded

    ndim = 1

    @property
    def dtype(self) -> np.dtype[np.float64] | np.dtype[np.float32]:
        """float64 or float32."""
        return np.dtype(np.float64) if self._branch.grid == GRID else np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """(d,)."""
        return (self._branch.size,)

    @property
    def size(self) -> int:
        """d."""
        return self._branch.size

    def __len__(self) -> int:
        return self._branch.size

    def __array__(self, *args: object, **kwargs: object) -> NoReturn:
        """Refuses: numbers of an array would be these symbols no more."""
        raise NotVectorised("a uniform stored in an array")

    def __array_function__(self, function: Callable[..., object], *args: object) -> NoReturn:
        raise NotVectorised(f"{function.__name__} of uniforms")

    def __getattr__(self, name: str) -> NoReturn:
        raise NotVectorised(f".{name} of uniforms")

    def astype(self, dtype: DTypeLike) -> Drawn:
        """Whole numbers: floor, where nothing is negative; float64: itself."""
        kind = np.dtype(dtype)
        if kind == self.dtype:
            return self
        if kind.kind != "i" or self._scale < 0 or (self._hi < 0).any():
            raise NotVectorised(f"uniforms as {kind}")
        return self.floor().astype(kind)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Drawn, **options: object) -> Drawn:
        """One of the listed functions; for others the program is traced coordinate by coordinate."""
        found = _UFUNCS.get(ufunc.__name__)
        if method != "__call__" or options or found is None:
            raise NotVectorised(f"{ufunc.__name__} of uniforms")
        return found(*inputs)

    def floor(self, shift: float = 0.0) -> Array:
        """floor(a U + b + shift): of two neighbouring integers the one that the branch takes."""
        if abs(self._scale) > 1:
            raise NotVectorised("floor of a wide uniform")
        if self._rounded:
            return self._floor_of_rounded(shift)
        # |a| <= 1, so a U + b meets exactly two integers: floor(b) and its neighbour in the direction of a.
        # Which of them is one comparison with the integer between, and the program's own floor is decided as
        # the program's `<` would be.
        moved = _add(self, shift) if shift else self
        start = np.floor(moved._hi)  # of b: the least value (a > 0) or the largest
        # b = hi + lo lies below the integer hi where lo is negative: then its floor is one less.
        start = start - ((start == moved._hi) & (moved._lo < 0))
        if self._scale > 0:
            return np.asarray(start + ~moved.under(start + 1, inclusive=False))
        return np.asarray(start - moved.under(start, inclusive=False))

    def _floor_of_rounded(self, shift: float) -> Array:
        """floor(fl(U + b)): m = floor(b) + 1 is reached from half a place below it on (m is even, ties go there)."""
        b, last = self._hi.astype(np.float32), np.float32(1 - 2.0**-24)
        start = np.floor(b)
        m = start + np.float32(1)
        if shift or (np.abs(b) > 2**20).any() or (np.floor(b + last) > m).any():
            raise NotVectorised("a rounded sum that meets more than two integers")
        # fl(U + b) >= m as soon as U + b passes the midpoint between m and the float32 below it; the tie goes
        # to m, whose significand is even. The midpoint has one bit more than float32, so it is exact in
        # float64.
        below = np.nextafter(m, np.float32(-np.inf)).astype(np.float64)
        exact = Uniforms(self._branch, 1.0, self._hi, self._lo)
        return np.asarray(start + ~exact.under((below + m) / 2, inclusive=False), dtype=np.float32)

    def under(self, threshold: object, inclusive: bool) -> NDArray[np.bool_]:
        """a U + b < threshold (or <=), decided on the grid."""
        if self._rounded:
            raise NotVectorised("a rounded sum compared")
        if self._branch.grid < GRID and type(threshold) is float:
            threshold = float(np.float32(threshold))  # numpy compares it in single precision
        # threshold - b as an exact pair s + e, then divided by a and taken to the grid: both are scalings by
        # powers of two and round nothing. A negative a turns the inequality round, and with it which end is
        # included.
        s, e = _two_sum(_plain(threshold, self.size), -self._hi)
        s, e = _two_sum(s, _exact(e, -self._lo))
        s, e = s * (self._branch.grid / self._scale), e * (self._branch.grid / self._scale)
        if self._scale > 0:
            return self._branch.decide(_cut(s, e, inclusive))
        return ~self._branch.decide(_cut(s, e, not inclusive))


def _cut(s: Array, e: Array, inclusive: bool) -> Array:
    """Number of grid points k with k < s + e (or <=); |e| is at most half a unit in the last place of s."""
    # s decides unless it is an integer itself; then the sign of the tiny e says on which side of it the
    # threshold lies.
    with np.errstate(invalid="ignore"):
        whole = np.floor(s)
        at = whole == s
        if inclusive:
            return np.where(at, s - (e < 0), whole) + 1
        return np.where(at, s + (e > 0), whole + 1)


def _plain(value: object, size: int) -> Array:
    """A number or a (d,) array of numbers that float64 holds."""
    held = np.asarray(value)
    if held.dtype.kind not in "fiub" or held.dtype.itemsize > 8 or held.shape not in ((), (1,), (size,)):
        raise NotVectorised("uniforms with something that is no vector of floats")
    out = held.astype(np.float64)
    if held.dtype.kind in "iu" and (np.abs(out) > GRID).any():
        raise NotVectorised("an integer beyond 2^53")
    return np.broadcast_to(out, (size,))


def _add(a: Drawn, b: Drawn) -> Uniforms:
    """a U + b with another vector of floats, b an exact pair; single precision rounds by a rule of its own."""
    u, other = (a, b) if isinstance(a, Uniforms) else (b, a)
    if isinstance(other, Uniforms):
        raise NotVectorised("uniforms added to each other")
    if u._branch.grid < GRID:
        return _rounded_sum(u, other)
    hi, lo = _two_sum(u._hi, _plain(other, u.size))
    hi, lo = _two_sum(hi, _exact(lo, u._lo))
    return Uniforms(u._branch, u._scale, hi, lo)


def _rounded_sum(u: Uniforms, other: object) -> Uniforms:
    """fl(U + b) in single precision: once, of a bare uniform, with numbers of that precision."""
    # One rounding has one midpoint rule (`_floor_of_rounded`); a second sum would round the rounded.
    bare = u._scale == 1 and not (u._rounded or u._hi.any() or u._lo.any())
    if not bare or getattr(other, "dtype", None) != np.float32:
        raise NotVectorised("more than one sum, or mixed precisions")
    return Uniforms(u._branch, 1.0, _plain(other, u.size), u._lo, rounded=True)


def _scaled(u: Drawn, by: Drawn) -> Uniforms:
    """Times a power of two, which no float rounds. Raises NotVectorised for other factors."""
    if not isinstance(u, Uniforms):
        u, by = by, u
    single = u._branch.grid < GRID
    if single or isinstance(by, Uniforms) or np.ndim(by) or not isinstance(by, int | float | np.number):
        raise NotVectorised("uniforms times an array")
    factor = float(by)
    if not np.isfinite(factor) or abs(np.frexp(factor)[0]) != 0.5 or not 1e-9 < abs(factor) < 1e9:
        raise NotVectorised("uniforms times another number than a power of two")
    return Uniforms(u._branch, u._scale * factor, u._hi * factor, u._lo * factor)


def _minus(a: Drawn, b: Drawn) -> Uniforms:
    """a - b, one of them uniforms."""
    return _add(a, _scaled(b, -1.0)) if isinstance(b, Uniforms) else _add(a, -_plain(b, a.size))


def _divided(u: Drawn, by: Drawn) -> Uniforms:
    """Divided by a power of two."""
    if not isinstance(u, Uniforms) or np.ndim(by) or not by:
        raise NotVectorised("division by uniforms")
    if abs(np.frexp(float(by))[0]) != 0.5:
        raise NotVectorised("uniforms divided by another number than a power of two")
    return _scaled(u, 1.0 / float(by))


def _less(a: Drawn, b: Drawn, inclusive: bool = False) -> NDArray[np.bool_]:
    """a < b (inclusive: <=), one of them uniforms."""
    if isinstance(a, Uniforms):
        return a.under(b, inclusive)
    return np.asarray(~b.under(a, not inclusive))  # number < uniform: not (uniform <= number)


_UFUNCS: dict[str, Callable[..., object]] = {
    "add": _add,
    "subtract": _minus,
    "multiply": _scaled,
    "divide": _divided,
    "negative": lambda u: _scaled(u, -1.0),
    "less": _less,
    "less_equal": lambda a, b: _less(a, b, inclusive=True),
    "greater": lambda a, b: _less(b, a),
    "greater_equal": lambda a, b: _less(b, a, inclusive=True),
    "floor": lambda u: u.floor(),
    "ceil": lambda u: -_scaled(u, -1.0).floor(),
    "rint": lambda u: u.floor(0.5),
}
_BITS = np.random.PCG64(0)


class _Generator(np.random.Generator):
    """One draw of d uniforms; whatever else is asked for refuses."""

    branch: _Branch

    def __new__(cls, branch: _Branch) -> _Generator:
        self = super().__new__(cls, _BITS)  # type: ignore[call-arg]
        self.branch = branch
        return self

    def __init__(self, branch: _Branch) -> None:
        super().__init__(_BITS)

    def random(self, size: object = None, dtype: DTypeLike = np.float64, out: object = None) -> Drawn:
        """All d uniforms at once, in double or single precision."""
        if np.dtype(dtype) not in GRIDS or out is not None:
            raise NotVectorised("random(dtype, out)")
        self.branch.grid = GRIDS[np.dtype(dtype)]
        return self._draw(size, 1.0, 0.0)

    def uniform(self, low: Drawn = 0.0, high: Drawn = 1.0, size: object = None) -> Drawn:
        """All d uniforms at once, over a width that is a power of two."""
        if np.ndim(low) or np.ndim(high):
            raise NotVectorised("uniform with array bounds")
        # numpy returns fl(low + width U). Where width is a power of two and low + width = high is exact, a U
        # + b with these numbers is that very value for the comparisons that are decided here.
        start, width = np.float64(low), np.float64(high) - np.float64(low)
        if _two_sum(start, width)[1] or start + width != high or abs(np.frexp(width)[0]) != 0.5:
            raise NotVectorised("uniform over another width than a power of two")
        return self._draw(size, float(width), float(start))

    def _draw(self, size: object, scale: float, start: float) -> Uniforms:
        """All d uniforms of the run, once."""
        d = self.branch.size
        if self.branch.drawn or size is None or tuple(np.atleast_1d(np.asarray(size))) != (d,):
            raise NotVectorised("not one draw of d uniforms")
        self.branch.drawn = True
        return Uniforms(self.branch, scale, np.full(d, start), np.zeros(d))


def _refuse(name: str) -> Callable[..., object]:
    """A method of numpy's Generator that refuses here."""

    def refused(self: object, *args: object, **kwargs: object) -> NoReturn:
        raise NotVectorised(f"Generator.{name}")

    return refused


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("random", "uniform"):
        _stub = _refuse(_name)
        setattr(_Generator, _name, property(_stub) if _name == "bit_generator" else _stub)


def cells(program: Program, x: Array) -> Cells:
    """Each coordinate's law at x. Raises NotVectorised; the program's own errors pass through."""
    d, cuts, outs, grid = len(x), [], [], GRID
    # Both runs must ask for the same cuts: a cut that moves with the branch would mean that one coordinate's
    # decision depends on another's, and then the law is no product.
    for below in (True, False):
        branch = _Branch(d, below)
        out = undisturbed(lambda symbols: program(x.copy(), symbols), _Generator(branch))
        if not isinstance(out, np.ndarray) or out.shape != (d,) or out.dtype.kind not in "fiub":
            raise NotVectorised("another output than d numbers")
        if branch.cut is None:
            raise NotVectorised("no comparison")
        grid = branch.grid
        cuts.append(branch.cut)
        outs.append(out.astype(np.float64))
    if not np.array_equal(cuts[0], cuts[1]):
        raise NotVectorised("a comparison that depends on others")
    return Cells(cuts[0], outs[0], outs[1], grid)


def moments(law: Cells, x: Array) -> tuple[Array, Array, Array]:
    """(E C(x)_j, E C(x)_j^2, E (C(x)_j - x_j)^2) for every coordinate."""
    # cut is a whole number of grid points, so p = cut/grid is exact up to one rounding; error is summed from
    # the two squares (y - x)^2 and not from E y^2 - 2 x E y + x^2, which cancels where the error is small.
    p, q = law.cut / law.grid, (law.grid - law.cut) / law.grid
    low, high = law.low, law.high
    mean = p * low + q * high
    return mean, p * (low * low) + q * (high * high), p * (low - x) ** 2 + q * (high - x) ** 2


def agrees(program: Program, x: Array, law: Cells, seed: int) -> bool:
    """True when a real run gives, at every coordinate, the value that its own uniform selects."""
    single = law.grid < GRID
    # The same seed gives the program these very uniforms: its output is then determined by the law, bit for
    # bit.
    drawn = np.random.default_rng(seed).random(len(x), dtype=np.float32 if single else np.float64)
    real = np.asarray(program(x.copy(), np.random.default_rng(seed)), dtype=np.float64)
    return bool(np.array_equal(real, np.where(drawn * np.float64(law.grid) < law.cut, law.low, law.high)))
