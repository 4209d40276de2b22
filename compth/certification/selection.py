"""Exact moments of a program that selects, at inputs with one or two entries and any d: what else it draws is nothing.

Covers programs that draw k of d places once, uniformly (`choice` without replacement, one of `integers`): at x with
support T what matters is where the members of T stand among the places drawn. Each such class of draws has a known
probability; the generator is steered into it, the other places are filled in several ways, and the output must be the
same, with nothing outside T. At dense inputs the places drawn must be those that are sent. So a missing scale is seen
at d = 100,000, where samples hit T once in d/k draws.

The law is exact given that the program is of this kind, and that is checked by trials only: certificates say so
(ASSUMPTION), and it refutes but never proves.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from compth._types import Array
from compth.certification.beside import beside
from compth.certification.oracle import Moments, are_moments
from compth.certification.points import at
from compth.certification.subject import Subject
from compth.certification.tracer import Drawn, NotTraceable, undisturbed

Places = NDArray[np.int64]
"""Coordinates, in the order in which they were drawn."""
SUPPORT = 2
"""Most non-zero entries of an input."""
FILLS = 4
"""Draws of the other places in every class, which must not matter: beside the support, first, last, at random."""
DENSE = 4
"""Draws at a dense input, whose places must be those that are sent."""
ORDERED = 6
"""Up to this k every position among the places is a class; beyond it some stand for all, and must give the same."""
REAL = 16
"""Real runs whose outputs must be among those of the classes."""
BLOCKS = 1500
"""Runs at ones by which all coordinates are looked at."""
SIMILAR = 1e-9
"""Relative difference of a coordinate's weight that makes it a suspect."""
SWEPT = 1500
"""Runs of a class by which a refutation's other places are gone through."""
TECHNIQUE = "exact over the places drawn"
ASSUMPTION = (
    "the places drawn are those that are sent, and places of zero entries do not matter: checked on draws of every "
    "class, on dense inputs and on real runs"
)


class _Generator(np.random.Generator):
    """One draw of k places out of d, which is given; whatever else is asked for refuses."""

    d: int
    places: Places | None
    asked: int

    def __new__(cls, d: int, places: Places | None) -> _Generator:
        self = super().__new__(cls, np.random.PCG64(0))  # type: ignore[call-arg]
        self.d, self.places, self.asked = d, places, 0
        return self

    def __init__(self, d: int, places: Places | None) -> None:
        super().__init__(np.random.PCG64(0))

    def choice(
        self,
        a: ArrayLike,
        size: Drawn = None,
        replace: bool = True,
        p: object = None,
        axis: int = 0,
        shuffle: bool = True,
    ) -> Drawn:
        """The one draw of k places out of d without replacement, which is given; other choices refuse."""
        # One draw with replacement is one without, so choice(d) and integers(d) are selections with k = 1.
        if p is not None or (replace and size not in (None, 1, (1,))) or np.ndim(a):
            raise NotTraceable("choice of another kind")
        return self._draw(a, size)

    def integers(
        self,
        low: Drawn,
        high: Drawn = None,
        size: Drawn = None,
        dtype: DTypeLike | None = np.int64,
        endpoint: bool = False,
    ) -> Drawn:
        """The one draw of a single place out of d."""
        start, end = (0, low) if high is None else (low, high)
        if start != 0 or endpoint or size not in (None, 1, (1,)):
            raise NotTraceable("integers of another kind")
        return self._draw(end, size)

    def _draw(self, a: object, size: Drawn) -> Drawn:
        """The given places (the first ones where none are), at the one draw that a program of this kind makes."""
        k = 1 if size is None else int(np.prod(size))
        one_axis = size is None or np.ndim(size) == 0 or len(size) == 1
        if self.asked or a != self.d or not one_axis or not 0 < k <= self.d:
            raise NotTraceable("not one draw of places")
        self.asked = k
        places = np.arange(k) if self.places is None else self.places
        return np.int64(places[0]) if size is None else places.copy()


def _refuse(name: str) -> Callable[..., object]:
    """A method of numpy's Generator that refuses here."""

    def refused(self: object, *args: object, **kwargs: object) -> NoReturn:
        raise NotTraceable(f"Generator.{name} beside a selection")

    return refused


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("choice", "integers"):
        _stub = _refuse(_name)
        setattr(_Generator, _name, property(_stub) if _name == "bit_generator" else _stub)


class Class(NamedTuple):
    """Draws in which members of the support stand at these positions: {position: place}, and their probability."""

    stands: dict[int, int]
    probability: float


def classes(k: int, d: int, support: list[int]) -> Iterator[Class]:
    """All classes of draws of k of d places without replacement; for large k some positions stand for all k.

    Given positions for c of t members, the other t - c among the d - k places left out:
    (d - k)(d - k - 1)... over d (d - 1)... (d - t + 1).
    """
    # A place of T is among the first k of a random permutation of d or not, and if so at any position alike.
    # So c given members are among them, at given positions, with the chance in the docstring; the k!/(k-c)!
    # arrangements share it.
    seats, t = list(range(k)) if k <= ORDERED else [0, 1, k // 3, k // 2, k - 2, k - 1], len(support)
    for c in range(min(t, k) + 1):
        one = math.prod(d - k - i for i in range(t - c)) / math.perm(d, t)
        for members in itertools.combinations(support, c) if one > 0 else ():
            ways = list(itertools.permutations(seats, c))
            weight = one * math.perm(k, c) / len(ways)
            yield from (Class(dict(zip(way, members, strict=True)), weight) for way in ways)


def _places(stands: dict[int, int], k: int, d: int, support: list[int], fill: int) -> Places:
    """A draw of the class: the members where they stand, other places from outside the support."""
    # Whatever zero entries are drawn beside the support should not matter. To catch a program in which it
    # does, fill them with neighbours of the support, the first and the last coordinates, and at random: where
    # off-by-one errors show.
    rng = np.random.default_rng([29, fill])
    spare = rng.permutation(rng.choice(d, min(d, k + SUPPORT), replace=False))
    near = [j + s for j in support for s in (-1, 1) if 0 <= j + s < d]
    first = [near, range(min(k + SUPPORT, d)), range(d - 1, max(d - 1 - k - SUPPORT, -1), -1), ()][
        fill % FILLS
    ]
    held = set(support)
    others = iter([j for j in dict.fromkeys([*first, *spare.tolist()]) if j not in held])
    return np.array([stands[i] if i in stands else next(others) for i in range(k)], dtype=np.int64)


def _run(subject: Subject, x: Array, d: int, places: Places | None) -> tuple[Array, int]:
    """(the output for this draw, how many places the program asked for)."""
    rng = _Generator(d, places)
    out = np.asarray(undisturbed(lambda steered: subject.program(x.copy(), steered), rng))
    if out.dtype.kind not in "fiu" or out.shape != (d,):
        raise NotTraceable("another output than d numbers")
    return out.astype(np.float64), rng.asked


def _check_dense(subject: Subject, d: int, k: int) -> None:
    """At an input without zeros, what is sent must be the places drawn, no more and no less."""
    x = np.random.default_rng(37).normal(size=d)
    for draw in range(DENSE):
        places = _places({}, k, d, [], draw)
        out = _run(subject, x, d, places)[0]
        if not np.array_equal(np.flatnonzero(out), np.sort(places)):
            raise NotTraceable("the places drawn are not those that are sent")


def _law(subject: Subject, x: Array, d: int) -> list[tuple[float, Array]]:
    """(probability, output on the support) of every class at x. Raises NotTraceable for programs of another kind."""
    support = [int(j) for j in np.flatnonzero(x)]
    if not 0 < len(support) <= SUPPORT or subject.workers:
        raise NotTraceable("an input of more than two entries")
    k = _run(subject, x, d, None)[1]
    if not k:
        raise NotTraceable("nothing is drawn")
    _check_dense(subject, d, k)
    # One run a class and fill. All fills must agree, nothing may appear outside the support, and real draws
    # must fall into the listed outcomes: what is left unobserved is said as ASSUMPTION in the certificate.
    law, said = [], dict[tuple[int, ...], Array]()
    for stands, probability in classes(k, d, support):
        outs = [_run(subject, x, d, _places(stands, k, d, support, fill))[0] for fill in range(FILLS)]
        first = outs[0] if k <= ORDERED else said.setdefault(tuple(sorted(stands.values())), outs[0])
        if any(not np.array_equal(out, first) or np.delete(out, support).any() for out in outs):
            raise NotTraceable("places of zero entries, or the order of the places, matter")
        law.append((probability, outs[0][support]))
    for seed in range(REAL):
        real = np.asarray(subject.program(x.copy(), np.random.default_rng([31, seed])), dtype=np.float64)
        if np.delete(real, support).any() or not any(np.array_equal(real[support], out) for _, out in law):
            raise NotTraceable("a real run is not among the classes of draws")
    return law


@beside(are_moments)
def selected(subject: Subject, x: Array, d: int) -> Moments:
    """Moments at x from the classes of draws."""
    law, on = _law(subject, x, d), np.flatnonzero(x)
    mean, error, second = np.zeros(d), np.zeros(d), 0.0
    for p, out in law:
        mean[on] += p * out
        error[on] += p * (out - x[on]) ** 2
        second += p * float(out @ out)
    return Moments(x, mean, second, error, work=(FILLS * len(law) + REAL) * (20 + 0.01 * d))


@beside(lambda answer, subject, x, d: isinstance(answer, bool))
def places_do_not_matter(subject: Subject, x: Array, d: int) -> bool:
    """True where at x every class of draws has one output wherever its other places are.

    All places are tried where they take at most `SWEPT` runs a class, else that many blocks of them at random.
    """
    support = [int(j) for j in np.flatnonzero(x)]
    spare = np.delete(np.arange(d), support)
    k = _run(subject, x, d, None)[1]
    for stands, _ in classes(k, d, support):
        outs = (_run(subject, x, d, places)[0] for places in _swept(stands, k, spare))
        first = next(outs, None)
        if first is not None and any(not np.array_equal(out, first) for out in outs):
            return False
    return True


def _swept(stands: dict[int, int], k: int, spare: Places) -> Iterator[Places]:
    """Draws of a class, whose other places together are all places."""
    seats = [p for p in range(k) if p not in stands]
    # Consecutive blocks of the spare places fill the seats in turn: together they visit every place once.
    blocks = -(-len(spare) // len(seats)) if seats else 0
    chosen = np.arange(blocks)
    if blocks > SWEPT:
        chosen = np.random.default_rng(47).choice(blocks, SWEPT, replace=False)
    for block in chosen:
        places = np.empty(k, dtype=np.int64)
        places[seats] = np.take(spare, np.arange(block * len(seats), (block + 1) * len(seats)), mode="wrap")
        places[list(stands)] = list(stands.values())
        yield places


@beside(
    lambda answer, subject, d: isinstance(answer, list) and all(type(j) is int and 0 <= j < d for j in answer)
)
def suspects(subject: Subject, d: int) -> list[int]:
    """Coordinates whose weight differs from the usual one, at 1 and at -1, by draws of one block after another."""
    found = list[int]()
    k = _run(subject, np.ones(d), d, None)[1]
    if not k or k > d or -(-d // k) > BLOCKS:
        return found
    for sign in (1.0, -1.0):
        weights = np.empty(d)
        for start in [*range(0, d - k, k), d - k]:
            places = np.arange(start, start + k)
            weights[places] = _run(subject, sign * np.ones(d), d, places)[0][places]
        usual = float(np.median(weights))
        far = np.flatnonzero(np.abs(weights - usual) > SIMILAR * abs(usual))
        found += [int(j) for j in far[:2]]
    return found


def inputs(d: int, bad: list[int]) -> Iterator[Array]:
    """Unit vectors and pairs of both signs, of several magnitudes, at borders of ranges and where weights differ."""
    places = list(
        dict.fromkeys([*bad, *(j for j in (0, d - 1, d // 2, 1, 2, d // 3, 255, 1023, 4095, 65535) if j < d)])
    )
    for j in places:
        for size in (1.0, -1.0):
            yield at(d, {j: size})
    for size in (0.7, -0.7, 1e-6, -1e6, 1.9, -3.0):
        yield at(d, {places[0]: size})
    for first, second in ((1.0, -1.0), (2.0, -1.0), (-1.0, 1e-3), (1.0, 1.0), (-1.0, -1.0)) if d > 1 else ():
        for i, j in dict.fromkeys(((places[0], places[-1]), (0, 1), (d - 1, 0))):
            if i != j:
                yield at(d, {i: first, j: second})
