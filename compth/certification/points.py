"""Structured inputs: where compressors are worst, and where programs go wrong.

Adding inputs is safe (each costs every program one evaluation); removing one needs the defect it was added for to be
found by another: tests keep one wrong program for each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from hashlib import blake2b
from typing import overload

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


DOMAIN = (1e-100, 1e100)
"""Magnitudes of non-zero entries that a claim speaks of unless said otherwise."""


def inside(x: Array, domain: tuple[float, float]) -> bool:
    """True when every non-zero entry has a magnitude in the domain."""
    size = np.abs(x[x != 0])
    return bool(size.size == 0 or (size.min() >= domain[0] and size.max() <= domain[1]))


Maker = Callable[[], Array]


class Points(Sequence[Array]):
    """Inputs that are built when they are asked for, so that a list of them takes the memory of one."""

    def __init__(self, makers: Iterable[Maker], domain: tuple[float, float]) -> None:
        self._makers: list[Maker] = []
        seen: set[bytes] = set()
        for make in makers:
            v = make()
            # Duplicates are told apart by a digest, so that a million-dimensional list is never held in
            # memory at once.
            name = blake2b(v.tobytes(), digest_size=16).digest()
            if v.any() and inside(v, domain) and name not in seen:
                seen.add(name)
                self._makers.append(make)

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, at: int) -> Array: ...
    @overload
    def __getitem__(self, at: slice) -> list[Array]: ...
    def __getitem__(self, at: int | slice) -> Array | list[Array]:
        if isinstance(at, slice):
            return [make() for make in self._makers[at]]
        return self._makers[at]()


def _leading(d: int, *values: float) -> Array:
    """The values, then zeros (cut where d is shorter)."""
    x = np.zeros(d)
    x[: len(values)] = values[:d]
    return x


def at(d: int, values: dict[int, float]) -> Array:
    """The values at their places, 0 elsewhere."""
    x = np.zeros(d)
    for j, v in values.items():
        x[j] = v
    return x


def _one_and_then(d: int, rest: float) -> Array:
    """1, then the rest."""
    x = np.full(d, rest)
    x[0] = 1.0
    return x


def _alternating(d: int) -> Array:
    """1, -1, 1, -1, ..."""
    return np.where(np.arange(d) % 2 == 0, 1.0, -1.0)


def matrix_shape(d: int) -> tuple[int, int]:
    """The most square rows x columns = d, rows <= columns: how a vector is read as a matrix."""
    rows = next(r for r in range(math.isqrt(d), 0, -1) if d % r == 0)
    return rows, d // rows


def _identity(d: int, transposed: bool = False) -> Array:
    """vec(I): low-rank compressors lose most where all singular values are equal."""
    rows, columns = matrix_shape(d)
    return np.eye(*((columns, rows) if transposed else (rows, columns))).ravel()


def _mixed(d: int, seed: int) -> list[Maker]:
    """Both signs at once: ranges, offsets and signs of quantisers go wrong there. And vec(I)."""
    j = np.arange(d)
    return [
        lambda: _leading(d, 1.0, -1.0),
        lambda: _leading(d, 2.0, -1.0),
        lambda: _alternating(d),
        lambda: np.random.default_rng([seed, 0]).normal(size=d),
        lambda: _identity(d),
        lambda: _identity(d, transposed=True),
        lambda: np.where(j < (d + 1) // 2, 1.0, -1.0),
        lambda: _alternating(d) * (1 + j % 3),
        lambda: np.where(j < 1, -1.0, 1.0),
        lambda: np.where(j < 1, -1.0, 1e-3),
    ]


def _shapes(d: int) -> list[Maker]:
    """Ties, one large entry, decays, powers of two and what lies between them, -0.0."""
    j = np.arange(d, dtype=np.float64)
    steps: list[Maker] = [
        partial(_one_and_then, d, 1e-3),
        partial(_one_and_then, d, 1e-6),
        partial(_one_and_then, d, 0.1),
        lambda: 0.5 ** np.minimum(j, 60),
        lambda: j + 1,
        lambda: (j + 1)[::-1].copy(),
        *(partial(np.full, d, m) for m in (4 / 3, 1.5, 1.25, 1.75, 0.3, 0.5)),
        lambda: np.where(j < max(1, d // 2), 1.0, 0.0),
        lambda: np.where(j % 2 == 0, 1.0, 2.0),
        lambda: np.where(j % 3 == 0, 3.0, 1.0) * (4 / 3),
        lambda: 2.0 ** (j % 5) * (4 / 3),
        lambda: 2.0 ** -(j % 7),
        lambda: 1 / (j + 1),
        lambda: 1 / np.sqrt(j + 1),
        lambda: np.where(j < 2, 1.0, 0.0),
        lambda: np.where(j < max(1, d - 1), 1.0, 0.0),
        lambda: np.where((j < 1) & (d > 1), -0.0, 1.0),
        lambda: _leading(d, 3.0, 4.0),
        lambda: 1 + j / (1000 * d),  # flat but for ties: by rank, every entry counts the same
    ]
    return steps + [partial(_one_and_then, d, m) for m in (0.2, 0.25, 0.4, 0.6, 0.7, 0.9)]


def _tiny(d: int, least: float) -> list[Maker]:
    """The least magnitudes of the domain, and what is small beside usual guards: norm + 1e-8 is no norm there."""
    return [
        lambda: 2 * least * _one_and_then(d, 0.7),
        lambda: 1e-12 * _one_and_then(d, 0.7) * _alternating(d),
    ]


def _random(d: int, seed: int) -> list[Maker]:
    """Heavy tails, positive numbers, small integers with ties."""
    return [
        lambda: np.random.default_rng([seed, 1]).standard_t(2, size=d),
        lambda: np.random.default_rng([seed, 2]).random(d),
        lambda: np.random.default_rng([seed, 3]).integers(-3, 4, size=d).astype(float),
    ]


def _negative(make: Maker) -> Maker:
    """The same input with the other sign."""
    return lambda: -make()


def _last(d: int) -> Array:
    """The last unit vector: programs that forget a remainder lose it."""
    x = np.zeros(d)
    x[-1] = 1.0
    return x


def structured(d: int, seed: int = 0, domain: tuple[float, float] = DOMAIN) -> Points:
    """Inputs of length d: flat, one-hot, mixed signs, vec(I), ties, decays, powers of two, tiny parts, -0.0, scales."""
    j = np.arange(d)

    def spike() -> Array:
        return np.where(j < 1, 1.0, 1 / (1 + np.sqrt(d)))

    def gaussian(scale: float = 1.0) -> Array:
        return scale * np.random.default_rng([seed, 0]).normal(size=d)

    # Order matters: budgets and samples begin at the front, so the inputs at which most compressors are worst
    # come first.
    first: list[Maker] = [lambda: np.ones(d), lambda: _leading(d, 1.0), lambda: _last(d), spike]
    mixed = _mixed(d, seed)
    base = [*first, *mixed, *map(_negative, mixed[:2]), *_tiny(d, domain[0]), *_shapes(d), *_random(d, seed)]
    scaled: list[Maker] = [partial(np.full, d, s) for s in (1e-6, 1e6)]
    scaled += [partial(gaussian, s) for s in (1e-6, 1e-3, 1e3, 1e6)]
    signed: list[Maker] = [
        lambda: spike() * _alternating(d),
        lambda: 0.5 ** np.minimum(j, 60) * _alternating(d),
        lambda: (j + 1) * _alternating(d),
        lambda: np.abs(gaussian()),
        lambda: -np.abs(gaussian()),
    ]
    return Points([*base, *map(_negative, base), *scaled, *signed], domain)


def scattered(d: int, seed: int = 0, count: int = 20) -> list[Array]:
    """Pairs x, -x with magnitudes in [1, 2): at every coordinate one in each of `count` equal parts of an octave.

    A program that errs on a band of magnitudes of one sign, wider than 2/count of an octave, is met here.
    """
    rng = np.random.default_rng(seed)
    # A Latin hypercube over one octave: at every coordinate each of `count` strata occurs exactly once, and
    # all coordinates are permuted independently, so one list covers bands of every coordinate.
    parts = np.argsort(rng.random((count, d)), axis=0) + rng.random((count, d))
    x = rng.choice([-1.0, 1.0], size=(count, d)) * 2.0 ** (parts / count)
    return [v for row in x for v in (row, -row)]
