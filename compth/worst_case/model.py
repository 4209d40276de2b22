"""A one-step Lyapunov statement as linear data: V now, E V one step later, and the quantities known to be >= 0.

Vectors that are common to the workers live in the block "mean"; a worker's vector a_i = abar + (a_i - abar) has a part
in "mean" and one in "deviation", and mean_i <a_i, b_i> = <abar, bbar> + mean_i <a_i - abar, b_i - bbar>. By the
symmetry of the workers these two blocks are all there is: the size does not depend on n.
Function values f(x) - f*, f(x+) - f* >= 0 are blocks of size one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from compth._numbers import Number, is_exact
from compth.worst_case.exact_algebra import Matrix, combination, congruence, is_psd

K = TypeVar("K", bound=Hashable)
Vector = Mapping[str, Number]
"""A linear combination of named vectors."""
Term = tuple[Number, Vector, Vector]
"""c, a, b: c times the product of a and b."""
Form = Mapping[str, Matrix]
"""A quadratic form by block."""
Rows = Sequence[Sequence[Number]]
"""A matrix by rows."""
NOW, NEXT = "gap now", "gap next"


def plus(*terms: tuple[Number, Mapping[K, Number]]) -> dict[K, Number]:
    """sum of coefficient * vector, whatever names its coordinates."""
    out: dict[K, Number] = {}
    for coefficient, vector in terms:
        for name, value in vector.items():
            more = coefficient * value
            out[name] = out[name] + more if name in out else more
    return out


def unit(name: str, like: Number = 1) -> dict[str, Number]:
    """The named vector itself; its coefficient is a float where the class's constants are."""
    return {name: 1.0 if isinstance(like, float) else 1}


def _accumulate(out: list[list[Number]], index: Mapping[str, int], c: Number, a: Vector, b: Vector) -> None:
    """out += c times the symmetric matrix of <a, b>."""
    for p, u in a.items():
        i = index.get(p)
        # A vector without a place in this block contributes nothing there: servers among the deviations, "mean
        # h" among the deviations. That every other vector has one is checked where a Model is assembled.
        if i is None:
            continue
        row, cu = out[i], c * u
        for q, v in b.items():
            j = index.get(q)
            if j == i:
                row[i] += cu * v
            elif j is not None:
                # The matrix of <a, b> is (a b' + b a')/2: each half stands on both sides of the diagonal.
                half = _half(cu * v)
                row[j] += half
                out[j][i] += half


def _matrix(index: Mapping[str, int], size: int, terms: Sequence[Term]) -> Matrix:
    """The symmetric matrix of a sum of products."""
    out: list[list[Number]] = [[0] * size for _ in range(size)]
    for c, a, b in terms:
        _accumulate(out, index, c, a, b)
    return tuple(map(tuple, out))


def _half(x: Number) -> Number:
    """x/2, exact for int, Fraction and symbols: whole numbers stay whole where they can, which keeps entries short."""
    return (
        x / 2
        if not isinstance(x, int | Fraction)
        else x // 2
        if isinstance(x, int) and x % 2 == 0
        else Fraction(x) / 2
    )


def add(*terms: tuple[Number, Form]) -> dict[str, Matrix]:
    """sum of coefficient * form."""
    blocks = {k: len(m) for _, form in terms for k, m in form.items()}
    return {
        k: tuple(tuple(r) for r in combination([(c, form[k]) for c, form in terms if k in form], size))
        for k, size in blocks.items()
    }


def mean_of(name: str) -> str:
    """The name of a vector's mean inside a worker's vector."""
    return f"mean {name}"


@dataclass(frozen=True)
class Space:
    """Names of the vectors in each block; worker is empty for one worker.

    "mean h" is the mean of the workers' h where it stands inside a worker's vector: it has a place among the means and
    none among the deviations. (A server term under h's own name would enter the deviations and certify wrongly.)
    """

    common: tuple[str, ...]
    worker: tuple[str, ...] = ()

    @cached_property
    def _index(self) -> tuple[dict[str, int], dict[str, int]]:
        """Where a name stands: (among the means, among the deviations)."""
        places = {k: i for i, k in enumerate(self.common)}
        # A worker's vector that holds a mean holds something common to all: among the means it is h itself,
        # and its deviation is 0.
        places |= {mean_of(k): i for i, k in enumerate(self.common)}
        return places, {k: i for i, k in enumerate(self.worker)}

    def on_mean(self, *terms: Term) -> Form:
        """sum of c <abar, bbar>."""
        return {"mean": _matrix(self._index[0], len(self.common), terms)}

    def on_deviation(self, *terms: Term) -> Form:
        """sum of c mean_i <a_i - abar, b_i - bbar>; nothing for one worker."""
        return {"deviation": _matrix(self._index[1], len(self.worker), terms)} if self.worker else {}

    def of_mean(self, a: Vector, b: Vector) -> Form:
        """<abar, bbar>."""
        return self.on_mean((1, a, b))

    def mean(self, a: Vector, b: Vector) -> Form:
        """mean_i <a_i, b_i>."""
        return self.total((1, a, b))

    def total(self, *terms: Term, common: Sequence[Term] = ()) -> Form:
        """sum of c mean_i <a_i, b_i>, and of c <abar, bbar> for the common terms."""
        return {**self.on_mean(*terms, *common), **self.on_deviation(*terms)}


class Forms(Mapping[str, Form]):
    """Forms by name, each computed when it is first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Form]]) -> None:
        self._makers, self._made = makers, dict[str, Form]()

    def __getitem__(self, name: str) -> Form:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass(frozen=True)
class Quadratic1D:
    """All workers hold curvature x^2/2: every vector as a combination of the state's; the compressor in words.

    factor: C(v) = factor v, where all messages act alike, else 0. common, worker: basis vector -> combination of the
    state's (deviations'). acts: what multiplies the input of each message of a biased compressor. after: E of V's forms
    a step later, on the state alone, where noises are among the basis vectors.
    """

    curvature: Number
    compressor: str
    factor: Number
    common: Mapping[str, Vector]
    worker: Mapping[str, Vector]
    acts: Mapping[str, Number] = field(default_factory=dict)
    after: Mapping[str, Form] | None = None


@dataclass(frozen=True)
class Model:
    """A method on a class of functions with a class of compressors, ready for an LMI.

    state: leading vectors of each block on which V lives; free: those that determine the others on a quadratic.
    now, after: by coefficient of V, the form it multiplies and the expectation of that form one step later.
    known: multiplier -> form that is >= 0 by hypothesis. normal: V >= t normal with t > 0, so that V sees the iterate.
    extremal: quadratics of the class. assumptions: the hypotheses, in words. gaps: f - f* is among the blocks.
    curved: (argument, vector): on a quadratic the vector is H_i times the argument, which all workers share; with gaps
    the first two give f - f* now and next.
    sent: (input, vector, square): |vector - input|^2 <= square |input|^2 in every worker; () without such a vector.
    points: further blocks of size one, f - f* at points besides x and x+. own: the state's vectors of each worker.
    units: exponent of L of every vector, of gamma and of the multipliers, None where they are not known.
    start: vectors of the state that begin at x_0 ("x0") or at the gradient there ("gradient"), the others at 0.
    direction: x - x+ where V sees x+, else empty. names: what a user's V calls vectors, where not as the body.
    params: which of the constants are gamma and the body's parameters. equal: names of known forms that are 0, so that
    their multipliers may have any sign. above: the LMI bounds the worst case from above and nothing shows it attained.
    """

    method: str
    constants: Mapping[str, Number]
    space: Space
    state: Mapping[str, int]
    free: tuple[str, ...]
    now: Mapping[str, Form]
    after: Mapping[str, Form]
    known: Mapping[str, Form]
    normal: Form
    extremal: tuple[Quadratic1D, ...] = ()
    assumptions: tuple[str, ...] = ()
    gaps: bool = False
    curved: tuple[tuple[Vector, str], ...] = ()
    sent: tuple[tuple[Vector, str, Number], ...] = ()
    points: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    units: Mapping[str, int] | None = None
    start: Mapping[str, str] = field(default_factory=dict)
    direction: Vector = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    equal: frozenset[str] = frozenset()
    above: bool = False

    @property
    def blocks(self) -> dict[str, int]:
        """Size of each block."""
        sizes = {"mean": len(self.space.common), "deviation": len(self.space.worker)}
        sizes |= {NOW: 1, NEXT: 1} if self.gaps else {}
        sizes |= dict.fromkeys(self.points, 1)
        return {k: v for k, v in sizes.items() if v}

    def lyapunov(self, v: Mapping[str, Number], block: str) -> list[list[Number]]:
        """V's matrix on the state of one block (function values: all of it).

        v: V's coefficients by name. Rows are those of the block's leading vectors, of which the state consists.
        """
        size = self.blocks[block] if block == NOW else self.state.get(block, 0)
        terms = [(v[k], f[block]) for k, f in self.now.items() if block in f]
        return [row[:size] for row in combination(terms, self.blocks[block])[:size]]

    def decrease(
        self, rho: Number, v: Mapping[str, Number], multipliers: Mapping[str, Number], block: str
    ) -> list[list[Number]]:
        """rho V - E V+ - sum multiplier * known, on one block: the LMI asks that it be >= 0."""
        # E V+ <= rho V follows on the class where rho V - E V+ is at least a nonnegative combination of forms
        # that are >= 0 there (the S-procedure): what is left must be positive semidefinite, block by block.
        terms = [(rho * v[k], f[block]) for k, f in self.now.items() if block in f]
        terms += [(-v[k], f[block]) for k, f in self.after.items() if block in f]
        terms += [(-multipliers[k], f[block]) for k, f in self.known.items() if block in f]
        return combination(terms, self.blocks[block])

    def holds(
        self, rho: Number, v: Mapping[str, Number], multipliers: Mapping[str, Number], scale: Number
    ) -> bool:
        """Exact check: multipliers >= 0, V >= scale * normal with scale > 0, decrease >= 0; Fractions throughout.

        Then E V(t+1) <= rho V(t) for every function and compressor of the class. False for any number that is no
        Fraction and for multipliers or coefficients under other names than the Model's.
        """
        # Everything must be a Fraction: a float anywhere would make elimination an approximation and no proof.
        numbers = [rho, scale, *v.values(), *multipliers.values()]
        if not all(map(is_exact, numbers)) or set(v) != set(self.now) or set(multipliers) != set(self.known):
            return False
        # An inequality may be weakened (multiplier >= 0), an equality may be used either way round.
        if scale <= 0 or any(m < 0 for k, m in multipliers.items() if k not in self.equal):
            return False
        return all(
            is_psd(self.decrease(rho, v, multipliers, block)) and is_psd(self._excess(v, scale, block))
            for block in self.blocks
        )

    def _excess(self, v: Mapping[str, Number], scale: Number, block: str) -> list[list[Number]]:
        """V - scale * normal on the state of one block."""
        matrix = self.lyapunov(v, block)
        size = len(matrix)
        wanted = tuple(row[:size] for row in self.normal.get(block, ())[:size])
        return combination([(1, tuple(map(tuple, matrix))), (-scale, wanted)], size)

    def moments(self, q: Quadratic1D) -> tuple[tuple[str, ...], list[list[Number]]]:
        """(coefficients of V, M): on this quadratic E V+ has coefficients M v. Its radius is the exact rate there."""
        # On a 1-D quadratic gradients and messages are multiples of the state, so V lives on the state alone
        # and its coefficients are moved linearly: column by column, E of one coefficient's form written in the
        # state's products.
        names = [k for k in self.now if k != "f" and set(pair_of(k)) <= set(self.free)]
        own = [a for a in self.free if a in self.space.worker]
        columns = []
        for name in names:
            parts = self._parts(q, name, own)
            column = []
            for target in names:
                # "P[a,b]" is read off the means' matrix, "Q[a,b]" off the deviations'; V's form of a pair has
                # weight 2 off the diagonal, as has the matrix, so that entries are coefficients.
                part, axis = parts[target[0]], (self.free if target[0] == "P" else own)
                a, b = pair_of(target)
                column.append(Fraction(0) if part is None else part[axis.index(a)][axis.index(b)])
            columns.append(column)
        return tuple(names), [list(r) for r in zip(*columns, strict=True)]

    def _parts(self, q: Quadratic1D, name: str, own: list[str]) -> dict[str, Rows | None]:
        """E of a coefficient's form a step later on this quadratic: as matrices on the state's means and deviations."""
        if q.after is not None:
            return {"P": q.after[name].get("mean"), "Q": q.after[name].get("deviation")}
        form = self.after[name]
        # Substituting every vector by its combination of the state is a congruence S' M S.
        common = [[q.common[b].get(a, 0) for a in self.free] for b in self.space.common]
        worker = [[q.worker.get(b, {}).get(a, 0) for a in own] for b in self.space.worker]
        deviations = congruence(worker, form["deviation"]) if own and "deviation" in form else None
        return {"P": congruence(common, form["mean"]) if "mean" in form else None, "Q": deviations}


def pair_of(name: str) -> tuple[str, ...]:
    """ "P[x,e]" -> ("x", "e")."""
    return tuple(name[2:-1].split(","))
