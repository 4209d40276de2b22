"""The arithmetic of the judged program: which magnitudes it can hold, how finely it reads x, what rounding may do.

A claim speaks of real numbers, a program computes in a format. One `Arithmetic` a call, declared or seen, sets the
domain and the allowance for rounding; oracle, statistics and reproduction script use the same.

`mean_square_with_rounding`, `bound_with_rounding` and `limit` are carried into reproduction scripts as text: plain
arithmetic, no types of ours. The allowance is a promise to sound programs that rounding alone never refutes them;
enlarging it hides small violations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compth._types import Array, Numbers, Tensor
from compth.certification.points import DOMAIN
from compth.claims import Claim
from compth.errors import InvalidParameter

Call = Callable[[Array, int], object]
"""(x, seed) -> what the program returns, as it returns it."""


SINGLE = 2.0**-24
"""Unit roundoff of single precision, in which sums are kept at least."""


@dataclass(frozen=True)
class Arithmetic:
    """A floating-point format and how it is known that the program computes in it.

    bits: of the significand, the leading one included. exponents: of the least and the largest normal number.
    domain: least and largest magnitude of non-zero entries, so that norms and quotients neither overflow nor vanish:
    cubes and sums of a thousand squares are normal numbers, in float32 also fourth powers.
    origin: "declared", or what was seen. grid: significant bits of the outputs where they are fewer than the format has
    (stochastic rounding to a narrower one), else None.
    """

    name: str
    bits: int
    exponents: tuple[int, int]
    domain: tuple[float, float]
    origin: str = ""
    grid: int | None = None

    @property
    def unit_roundoff(self) -> float:
        """Largest relative error of rounding a number to nearest, 2^-bits."""
        return 2.0**-self.bits

    @property
    def least(self) -> float:
        """The smallest positive normal number."""
        return math.ldexp(1.0, self.exponents[0])

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return math.ldexp(2.0 - 2.0 ** (1 - self.bits), self.exponents[1])

    def slack(self, d: int, x: Array | None = None) -> float:
        """Rounding that is allowed, relative to sqrt(E||C(x)||^2) + ||x||; 0 in float64, whose outputs decide alone.

        In units of 2^-bits: four roundings on the way of every coordinate (reading x, scaling, the level, storing),
        each relative to it; half a unit of the largest entry at every coordinate, for levels between a least and a
        largest value: sqrt(d) ||x||_inf/(2 ||x||), from 1/2 where x is flat to sqrt(d)/2, which is taken without x; and
        half of sqrt(d) for sums of d terms, in single precision at least: so numpy, torch and XLA add bfloat16. Sound
        programs measured at d = 2 to 1000 stay below 2.3 units.
        """
        # In double precision the violations that count (1e-9 relative) are far above rounding, so none is
        # granted.
        if self.bits >= 53:
            return 0.0
        most = math.sqrt(d) / 2
        norm = 0.0 if x is None else float(np.linalg.norm(x))
        spread = 0.0 if x is None or not norm else math.sqrt(len(x)) * float(np.abs(x).max()) / (2 * norm)
        sums = most * min(self.unit_roundoff, SINGLE)
        return min((4 + most) * self.unit_roundoff, (4 + (spread or most)) * self.unit_roundoff + sums)

    def judges(self, claims: Sequence[Claim], d: int) -> bool:
        """False where a claim's constant is itself of the size of the allowance: then rounding is what is claimed."""
        return all(scale == 0 or scale > self.slack(d) for claim in claims for scale in _scales(claim))

    def rounded(self, x: Array) -> Array:
        """x to nearest in this format's precision (its range is left to the domain)."""
        fraction, exponent = np.frexp(x)
        out: Array = np.ldexp(np.rint(np.ldexp(fraction, self.bits)), exponent - self.bits)
        return out

    def to_dict(self, d: Sequence[int] = ()) -> dict[str, object]:
        """For reports: name, precision, range, origin and the allowance at every d."""
        return {
            "name": self.name,
            "bits": self.bits,
            "unit_roundoff": self.unit_roundoff,
            "least": self.least,
            "largest": self.largest,
            "origin": self.origin,
            "slack": {str(v): self.slack(v) for v in d},
            "slack_where_flat": {str(v): self.slack(v, np.ones(v)) for v in d},
        }


FLOAT64 = Arithmetic("float64", 53, (-1022, 1023), DOMAIN)
FORMATS = {
    f.name: f
    for f in (
        Arithmetic("bfloat16", 8, (-126, 127), (1e-9, 1e9)),
        Arithmetic("float16", 11, (-14, 15), (0.25, 4.0)),
        Arithmetic("float32", 24, (-126, 127), (1e-9, 1e9)),
        FLOAT64,
    )
}
"""Coarsest first."""


def _scales(claim: Claim) -> list[float]:
    """Root-mean-square errors relative to ||x|| that the claim's constants allow."""
    roots = {"omega": lambda v: v, "delta": lambda v: 1 - v, "eta": lambda v: v * v}
    return [math.sqrt(max(0.0, float(roots[k](v)))) for k, v in claim.constants.items() if k in roots]


def declared(name: str) -> Arithmetic:
    """The format of that name. Raises InvalidParameter for an unknown one."""
    if name not in FORMATS:
        raise InvalidParameter(f"arithmetic={name!r} is not known: choose one of {', '.join(FORMATS)}")
    return replace(FORMATS[name], origin="declared")


# What rounding may do to an inequality. Each function is plain arithmetic: reproduction scripts carry its
# very text.


def mean_square_with_rounding(bound: float, slack: float, second: float, xx: float) -> float:
    """What a mean square error may be whose exact value is at most `bound`, when rounding moves the output.

    Rounding moves the output by at most r = slack (sqrt(E||y||^2) + ||x||) in mean square; by Minkowski the error's
    root is at most sqrt(bound) + r.
    """
    moved: float = slack * (second**0.5 + xx**0.5)
    root: float = max(bound, 0.0) ** 0.5
    return (root + moved) ** 2 if slack else bound


def bound_with_rounding(inequality: str, bound: float, slack: float, second: float, xx: float) -> float:
    """The same for an inequality between E||y||^2, <E y, x> and ||x||^2, S and X the roots of the first and the last.

    The output moves by at most r = slack (S + X): to first order E||y||^2 by 2 r S and <E y, x> by r X. Where
    beta <E y, x> is close to E||y||^2, rounding that is relative to every coordinate moves it by r S.
    """
    s, x = second**0.5, xx**0.5
    moves = {"gamma||x||^2": x, "alpha||x||^2": 2 * s}
    granted: float = slack * (s + x) * moves.get(inequality, 3 * s)
    return bound + granted


def is_square(inequality: str) -> bool:
    """True for an inequality that bounds a squared distance."""
    return inequality.startswith(("||E C(x)", "E||C(x)-", "E||mean C_i"))


def limit(inequality: str, bound: float, slack: float, second: float, xx: float) -> float:
    """What the named inequality may reach: its bound, the rounding granted, and the rounding of this sum itself."""
    # Last the rounding of the referee's own sums, 1e-9 relative; a bias of which nothing is allowed is a
    # square, so that a relative error of 1e-9 in E C(x) is one of 1e-18 here.
    square = is_square(inequality)
    numbers = bound, slack, second, xx
    granted = mean_square_with_rounding(*numbers) if square else bound_with_rounding(inequality, *numbers)
    if bound == 0 and inequality.startswith("||E C(x)"):
        return granted + 1e-18 * (xx + second)  # a square: a relative bias of 1e-9
    return granted + 1e-9 * max(abs(granted), 1e-3 * (xx + second))


# What can be seen: the type of the output, and whether x is read through a format.


def type_name(out: object) -> str:
    """The name of an output's element type: numpy's, ml_dtypes' or torch's."""
    return str(getattr(out, "dtype", type(out).__name__)).rpartition(".")[2]


def as_numpy(out: object) -> Tensor:
    """An output as an array that numpy computes with: torch tensors and ml_dtypes arrays without loss, else itself."""
    if isinstance(out, np.ndarray):
        return (
            out.astype(np.float32)
            if out.dtype.kind == "V" and out.dtype.names is None and _narrow(out)
            else out
        )
    if type(out).__module__.partition(".")[0] == "torch" and hasattr(out, "detach"):
        held = out.detach().cpu()
        narrow = type_name(held) in ("bfloat16", "float8_e4m3fn", "float8_e5m2")
        plain: object = (
            held.float() if narrow else held
        ).numpy()  # types that numpy has not: exact in float32
        return plain
    return out


def _narrow(out: Numbers) -> bool:
    """True for floats of ml_dtypes, which numpy holds as raw bytes."""
    return type_name(out).startswith(("bfloat", "float"))


def seen(call: Call, size: int) -> Arithmetic:
    """The format that the program computes in, from its outputs on inputs of that length.

    The coarsest format through which it reads x: C(x) = C(x rounded to it), bit for bit on probes, where the output is
    of that type, of a narrower one, or moves with the last places of that format. Else the type of the output, where
    that is float32; else float64. Stochastic rounding to bfloat16 reads x finer than bfloat16: it is judged in float32.
    """
    # A type says what an output is stored in, not what it was computed in: a function may round its input to
    # bfloat16 and return float64. Reading x through a format is visible: C(x) = C(round(x)) on inputs that
    # rounding moves.
    returned = type_name(call(_probe(FLOAT64, size, 0), 0))
    form = FORMATS["float32"] if returned == "float32" else FLOAT64
    if _reads(call, FORMATS["float32"], size):  # what reads x coarser reads it through float32, too
        narrow = 4 if returned.startswith("float8") else FORMATS.get(returned, FLOAT64).bits
        coarse = (f for f in FORMATS.values() if f.bits < form.bits)
        form = next((f for f in coarse if _computes(call, f, size, narrow)), form)
    how = f"returns {returned}" + (f", reads x as {form.name}" if returned != form.name else "")
    return replace(form, origin=f"seen: {how}", grid=_grid(call, form, size))


def _computes(call: Call, form: Arithmetic, size: int, returned: int) -> bool:
    """True when x is read through the format and the output has its precision."""
    return _reads(call, form, size) and (returned <= form.bits or _responds(call, form, size))


NARROW = 12
"""Significant bits up to which outputs are taken for a narrower format's (bfloat16 8, float16 and TF32 11)."""


def _probes(size: int, form: Arithmetic | None = None) -> int:
    """Enough probes for 24 coordinates: one that is rounded at random shows in each with a chance of 0.3 to 0.45.

    Rounded to bfloat16 it shows in finer formats (float16) less often, by the ratio of their last places.
    """
    finer = form.bits - FORMATS["bfloat16"].bits if form is not None and form.bits <= NARROW else 0
    return max(4, -(-(24 << max(finer, 0)) // size))


def _probe(form: Arithmetic, size: int, seed: int) -> Array:
    """Gaussian numbers off the format's grid and off its ties: rounding them moves every one, in one way only."""
    rng = np.random.default_rng([17, seed])
    base = form.rounded(rng.normal(size=size))
    if form.bits >= 53:
        return base
    # 0.3 to 0.45 of a last place away from a grid point: rounding to nearest goes back to it and never meets
    # a tie, while stochastic rounding goes elsewhere with a chance of as much, which shows in a few dozen
    # coordinates.
    shift = rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.3, 0.45, size=size)
    step: Array = np.ldexp(1.0, np.frexp(base)[1] - form.bits)
    return base + shift * step


def _reads(call: Call, form: Arithmetic, size: int) -> bool:
    """True when C(x) = C(x rounded to the format), bit for bit on all probes."""
    probes = [(_probe(form, size, seed), seed) for seed in range(_probes(size, form))]
    return all(_same(call(x, seed), call(form.rounded(x), seed)) for x, seed in probes)


def _responds(call: Call, form: Arithmetic, size: int) -> bool:
    """True when most non-zero outputs move as every |x_j| grows by four last places: products move by two at least.

    All grow, so that norms and means of magnitudes grow, too.
    """
    moved = total = 0
    for seed in range(2):
        x = form.rounded(_probe(form, size, seed))
        one = _plain(call(x, seed))
        two = _plain(call(x + np.copysign(np.ldexp(4.0, np.frexp(x)[1] - form.bits), x), seed))
        live = one != 0
        moved, total = moved + int((one != two)[live].sum()), total + int(live.sum())
    return 2 * moved > total


def _plain(out: object) -> Array:
    """An output as float64, exactly."""
    plain: Array = np.asarray(as_numpy(out), dtype=np.float64)
    return plain


def _same(one: object, two: object) -> bool:
    """True for outputs of equal numbers."""
    return bool(np.array_equal(_plain(one), _plain(two)))


def _grid(call: Call, form: Arithmetic, size: int) -> int | None:
    """Significant bits of the outputs, where they are those of a narrower format."""
    bits, most = 0, min(form.bits - 4, NARROW)
    for seed in range(_probes(size)):
        bits = max(bits, _bits(_plain(call(_probe(FLOAT64, size, seed), seed))))
        if bits > most:
            return None
    return bits or None


def _bits(values: Array) -> int:
    """Significant bits that the values need; NaN and infinities need none."""
    values = values[np.isfinite(values)]
    # The significand as a 53-bit integer; w & -w is its lowest set bit, so 53 minus that bit's place is what
    # it needs.
    whole = np.ldexp(np.abs(np.frexp(values)[0]), 53).astype(np.int64)
    whole = whole[whole > 0]
    if not whole.size:
        return 0
    last = np.log2((whole & -whole).astype(np.float64)).astype(int)
    return int(53 - last.min())


def grid_points(d: int, grid: int | None) -> list[Array]:
    """Where rounding to `grid` bits errs most: midway above 1 (variance), and just below the next number (cutting)."""
    if grid is None:
        return []
    step = 2.0 ** (1 - grid)
    alternating = np.where(np.arange(d) % 2 == 0, 1.0, -1.0)
    return [v * (1 + step * part) for part in (0.5, 1 - 2.0**-10) for v in (np.ones(d), alternating)]
