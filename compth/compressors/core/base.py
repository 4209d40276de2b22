"""What a compressor is: a declared mathematical object with claims, bits, noise and examples.

`compress` checks and calls `kernel`, which is the same law as `_compress`, possibly faster: tests hold the two
together. Claims and noise must be true at every d that `why_not` lets through, for numbers and, where formulas allow
it, for symbols. Objects are frozen dataclasses, so that equal parameters are equal objects.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, ClassVar, TypedDict, TypeVar, cast, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from compth._door import no_mask
from compth._numbers import Number, is_symbolic, plain_parameters, plainly, ratio
from compth._numbers import max as largest
from compth._types import Array, Numbers
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Attribution, Claim, Sharpness, Unbiased, issued
from compth.errors import InvalidParameter, Unsupported
from compth.sources import COMPTH, Source

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

C = TypeVar("C", bound=Claim)


class Provenance(TypedDict, total=False):
    """What several claims of one object share besides their constants: how sharp they are and where they come from."""

    sharpness: Sharpness
    source: Source
    attribution: Attribution


class Proved(Provenance, total=False):
    """The same with the id of the proof in the index, of claims that one proof covers."""

    proof: str


@dataclass(frozen=True)
class MomentMap:
    """The linear map M -> a M + Diag(c * diag M) + b tr(M) I on second moments (d x d); c scalar or (d,)."""

    a: Number = 0
    c: Number | Numbers = 0
    b: Number = 0

    def __call__(self, m: Numbers) -> Numbers:
        """Apply to (..., d, d) arrays of floats or of Fractions (dtype object)."""
        # Fractions stay exact with Fractions; with floats they are floats, or numpy makes objects of them
        exact = m.dtype == object
        a, b = (self.a, self.b) if exact else (float(self.a), float(self.b))
        c = np.asarray(self.c) if exact else np.asarray(self.c, dtype=np.float64)
        out = np.asarray(a * m)
        diagonal = np.einsum("...ii->...i", m)
        extra = c * diagonal + b * diagonal.sum(axis=-1, keepdims=True)
        # the diagonal is added to in place: a matrix Diag(.) per matrix would double the memory
        index = np.arange(m.shape[-1])
        out[..., index, index] += extra
        return out


@dataclass(frozen=True)
class Noise:
    """Second moments of a linear random sketch S with E S = I (or of what behaves like one).

    own : M -> E[(S-I) M (S-I)'] of one worker.   cross : M -> E[S_i M S_j'] - M between two workers (0: independent).
    """

    own: MomentMap
    cross: MomentMap = MomentMap()


def check_vectors(x: object, name: str = "x") -> Array:
    """x as a float array (..., d), d >= 1, finite; float32 is kept, everything else becomes float64."""
    no_mask(name, x)
    try:
        out = np.asarray(x)
        # single precision is kept, as simulations may run in it; integers and objects become doubles
        out = out if out.dtype == np.float32 else np.asarray(out, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidParameter(f"{name}={x!r} is not a real array: pass numbers of shape (..., d)") from None
    if out.ndim == 0 or out.shape[-1] == 0:
        raise InvalidParameter(f"{name} has shape {out.shape}: a vector needs shape (..., d) with d >= 1")
    if not np.isfinite(out).all():
        # the first offending entry, by its index: "not finite" alone helps nobody in a large array
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise InvalidParameter(
            f"{name}{list(where)}={out[where]} is not finite: remove NaN and inf before compressing"
        )
    return out


def short_repr(self: object) -> str:
    """RandK(k=5), Induced(TopK(k=1), RandK(k=2)): fields at their default are left out."""
    shown = []
    for f in fields(cast("DataclassInstance", self)):
        value = getattr(self, f.name)
        # what a reader would not have to write is not printed: the text can be evaluated back
        if f.default is not MISSING and value == f.default:
            continue
        nested = isinstance(value, Compressor)
        shown.append(repr(value) if nested else f"{f.name}={value!s}")
    return f"{type(self).__name__}({', '.join(shown)})"


def check_members(thing: DataclassInstance) -> None:
    """Fields that hold compressors hold compressors. Raises InvalidParameter, naming the field."""
    for member in fields(thing):
        held = getattr(thing, member.name)
        # annotations are text in these modules: the declared type is the rule, checked when the object is
        # made
        if member.type == "Compressor" and not isinstance(held, Compressor):
            said = f"{type(thing).__name__}({member.name}={held!r})"
            raise InvalidParameter(f"{said[:80]} needs a Compressor such as RandK(k=2)")


@dataclass(frozen=True)
class Compressor(ABC):
    """A (random) map R^d -> R^d with declared constants. Subclass as a frozen dataclass: fields are parameters."""

    deterministic: ClassVar[bool] = False
    source: ClassVar[Source] = COMPTH

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        plainly(cls)
        cls.__repr__ = short_repr  # type: ignore[method-assign]  # before the dataclass decorator writes its own
        if "claims" in vars(cls):
            # claims know which class's own code issued them: a claim typed by hand is not one of the
            # package
            cls.claims = issued(vars(cls)["claims"])  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        plain_parameters(self)
        check_members(self)

    @final
    def compress(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """C(x) for x of shape (..., d), rows independent; x is not changed.

        Raises InvalidParameter for NaN, inf or a missing generator, Unsupported for a d that the object has no
        meaning at.
        """
        data = check_vectors(x)
        self.check(data.shape[-1])
        if rng is None and not self.deterministic:
            raise InvalidParameter(f"{self!r} is random: pass rng=numpy.random.default_rng(seed)")
        if rng is not None and not callable(getattr(rng, "random", None)):
            raise InvalidParameter(f"rng={rng!r} must be a generator: numpy.random.default_rng(seed)")
        # deterministic maps ignore the generator; they get one all the same, so that no kernel has a case
        # for None
        out = self.kernel(data, rng if rng is not None else np.random.default_rng(0))
        # an identity may return its input: the caller gets an array that is not x
        return np.array(out) if np.shares_memory(out, data) else out

    @abstractmethod
    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        """The mathematics on (..., d), reading randomness through ordinary Generator calls: the reference."""

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """What simulations run: the same law, possibly a faster implementation (default: the reference)."""
        return self._compress(x, rng)

    @abstractmethod
    def claims(self, d: Number) -> tuple[Claim, ...]:
        """Declared constants at dimension d (int, Fraction or symbol); best first within a kind."""

    @abstractmethod
    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Bits of one message."""

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> NDArray[np.float64]:
        """Realised bits of each message C(x) = y of shape (..., d) -> (...); default: the fixed length."""
        return np.full(y.shape[:-1], float(self.bits(y.shape[-1], float_bits).total))

    def noise(self, d: int) -> Noise | None:
        """The exact second-moment noise where C is a linear random sketch with E S = I, else None."""
        return None

    def linear_moments(self, d: int) -> tuple[Number, Noise] | None:
        """(delta, noise) of a linear sketch with E S = delta I, own(M) = E[(S - delta) M (S - delta)']; else None."""
        noise = self.noise(d)
        return None if noise is None else (1, noise)

    # constants are suprema: a search over random inputs would not meet the inputs that attain them
    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        """Inputs at which a TIGHT constant is (nearly) attained, where flat, one-hot and spiked ones do not show it."""
        return ()

    def why_not(self, d: int) -> str:
        """ "" when the object has a meaning at dimension d, else the rule that d breaks."""
        return ""

    def supports(self, d: int) -> bool:
        """True when the object has a meaning at dimension d."""
        return d >= 1 and not self.why_not(d)

    @final
    def check(self, d: int) -> None:
        """Raise Unsupported, with the rule, unless dimension d is supported."""
        if not self.supports(d):
            raise Unsupported(f"{self!r} needs {self.why_not(d) or 'd >= 1'}, got d={d}")

    def claim(self, kind: type[C], d: Number) -> C | None:
        """The first (best) claim of this kind at dimension d, None if it makes none."""
        return next((c for c in self.claims(d) if isinstance(c, kind)), None)

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[Compressor, ...]:
        """Small instances including edge cases: the test-suite, the CLI and the docs use them."""


class DiagonalSketch(Compressor):
    """C(x) = w * x with random weights w_j = [j selected] / P(j selected), drawn independently of x.

    Everything follows from inclusion probabilities p_j = P(j selected) and p_jl = P(j and l selected):
    omega = max_j (1/p_j - 1), and E[(S-I) M (S-I)']_jl = (p_jl/(p_j p_l) - 1) M_jl.
    """

    @abstractmethod
    def inclusion(self, d: Number, order: int = 1) -> Number:
        """P(given distinct coordinates all selected): order 1 scalar or (d,); higher orders one scalar.

        Exchangeable sketches return scalars; independent per-coordinate ones return the tuple of p_j at order 1
        and None above (products).
        """

    @abstractmethod
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Weights of shape (..., d), rows independent."""

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self.draw(x.shape, rng) * x

    def weights(
        self, shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float64
    ) -> Array:
        """Weights for simulations: the law of draw, possibly by a faster implementation."""
        return self.draw(shape, rng).astype(dtype, copy=False)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return self.weights(x.shape, rng, x.dtype) * x

    def noise(self, d: int) -> Noise:
        # E[(S-I) M (S-I)']_jl = (p_jl/(p_j p_l) - 1) M_jl: off the diagonal one number for exchangeable
        # coordinates, on it 1/p - 1; MomentMap holds the first as a and the difference as c
        p, pair = self.inclusion(d), self.inclusion(d, 2) if d > 1 else None
        if np.ndim(p):  # independent coordinates, each with its own probability
            return Noise(MomentMap(c=np.array([ratio(1, q) - 1 for q in p])))
        own = ratio(1, p) - 1
        off = ratio(pair, p * p) - 1 if pair is not None else 0
        return Noise(MomentMap(a=off, c=own - off))

    def _sketch_claim(self, d: Number, *, source: Source, attribution: Attribution, proof: str) -> Unbiased:
        p = self.inclusion(d)
        # omega is attained at the coordinate that is kept least often: x = e_j
        worst = largest(*(ratio(1, q) - 1 for q in p), 0) if isinstance(p, tuple) else ratio(1, p) - 1
        return Unbiased(worst, sharpness=Sharpness.TIGHT, source=source, attribution=attribution, proof=proof)


CHUNK = 1 << 15
"""Numbers that elementwise kernels handle at a time: their temporaries stay in cache."""


def chunks(x: Array, scale: Array) -> Iterator[tuple[Array, Array]]:
    """Cut (..., d) into pieces of about CHUNK numbers in memory order, each with its rows' scale (..., 1)."""
    d = x.shape[-1]
    # a row longer than CHUNK is cut itself; short rows are taken together. Either way temporaries are small
    # enough for the cache
    flat, rows = x.reshape(-1, d), scale.reshape(-1, 1)
    if d >= CHUNK:
        for i in range(len(flat)):
            for j in range(0, d, CHUNK):
                yield flat[i : i + 1, j : j + CHUNK], rows[i : i + 1]
    else:
        step = max(1, CHUNK // d)
        for i in range(0, len(flat), step):
            yield flat[i : i + step], rows[i : i + step]


def positive_int(name: str, value: object, owner: str) -> None:
    """Raise InvalidParameter unless value is an integer >= 1 (or a symbol)."""
    if is_symbolic(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidParameter(f"{owner}({name}={value!r}) needs an integer {name} >= 1")


OURS = Attribution.OURS
READ = Attribution.READ
CODE = Attribution.CODE
RECALLED = Attribution.RECALLED
TIGHT = Sharpness.TIGHT
UPPER = Sharpness.UPPER
