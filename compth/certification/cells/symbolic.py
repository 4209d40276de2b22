"""What every array of expressions does: arithmetic, comparisons, and no word of what its entries are made of.

The classes of arrays (`array`) have operators, which are functions on arrays (`elementwise`, `orders`), which make
arrays. So the table of these functions is declared here, below both, and filled by the modules that have them when they
are imported. What may be changed: more operators, each by a function of the table. What must not: nothing here may let
a program see that it computes with symbols.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from compth.certification.cells import nodes
from compth.certification.cells.nodes import Hidden, Node, stop


class Arithmetic:
    """numpy's functions of arrays, by name. `install` is called by the modules that define them."""

    plus: Callable[[object, object], Symbolic]
    minus: Callable[[object, object], Symbolic]
    times: Callable[[object, object], Symbolic]
    over: Callable[[object, object], Symbolic]
    floor_divide: Callable[[object, object], Symbolic]
    power: Callable[[object, object], Symbolic]
    relation: Callable[[str, object, object], Symbolic]
    logical_not: Callable[[object], Symbolic]
    logical: Callable[[Callable[[Node, Node], Node], object, object], Symbolic]
    unary: Callable[..., Symbolic]
    larger: Callable[[object, object], Symbolic]
    smaller: Callable[[object, object], Symbolic]
    where: Callable[..., Symbolic]
    elementwise: Callable[..., Symbolic]
    kind_of: Callable[..., str]
    argsort: Callable[..., object]
    argpartition: Callable[..., object]
    argmax: Callable[..., Symbolic]
    argmin: Callable[..., Symbolic]

    def install(self, *functions: Callable[..., object]) -> None:
        """Each is found under its own name from now on."""
        for f in functions:
            setattr(self, f.__name__, f)


el = Arithmetic()


class Symbolic:
    """What both kinds of arrays do: arithmetic through the table `el`, nothing that tells symbols from numbers.

    __array_ufunc__ is None, so that numpy's own operators give way to these.
    """

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]
    kind = Hidden[str]()

    def __add__(self, o: object) -> Symbolic:
        return el.plus(self, o)

    def __radd__(self, o: object) -> Symbolic:
        return el.plus(o, self)

    def __sub__(self, o: object) -> Symbolic:
        return el.minus(self, o)

    def __rsub__(self, o: object) -> Symbolic:
        return el.minus(o, self)

    def __mul__(self, o: object) -> Symbolic:
        return el.times(self, o)

    def __rmul__(self, o: object) -> Symbolic:
        return el.times(o, self)

    def __truediv__(self, o: object) -> Symbolic:
        return el.over(self, o)

    def __rtruediv__(self, o: object) -> Symbolic:
        return el.over(o, self)

    def __floordiv__(self, o: object) -> Symbolic:
        return el.floor_divide(self, o)

    def __rfloordiv__(self, o: object) -> Symbolic:
        return el.floor_divide(o, self)

    def __mod__(self, o: object) -> Symbolic:
        """a - floor(a/b) b, as Python and numpy define it for all signs."""
        return el.minus(self, el.times(el.floor_divide(self, o), o))

    def __rmod__(self, o: object) -> Symbolic:
        return el.minus(o, el.times(el.floor_divide(o, self), self))

    def __divmod__(self, o: object) -> tuple[Symbolic, Symbolic]:
        # As Python defines it, by // and %.
        return self // o, self % o

    def __pow__(self, o: object) -> Symbolic:
        return el.power(self, o)

    def __rpow__(self, o: object) -> Symbolic:
        return el.power(o, self)

    def __neg__(self) -> Symbolic:
        """-a; numpy refuses it for truths."""
        # -1 times the array: the sign of a zero is not kept, and nothing that would show it is traced.
        return stop("the negative of a truth value") if self.kind == "b" else el.times(-1, self)

    def __pos__(self) -> Symbolic:
        return self.copy()

    def __abs__(self) -> Symbolic:
        return el.unary("abs", self)

    def __invert__(self) -> Symbolic:
        """not a, of truths alone."""
        # ~True is -2 in Python and False in numpy: a single truth may be either.
        if not getattr(self, "ndim", 1):
            stop("the bits of a single truth value: Python's are not numpy's")
        return el.logical_not(self) if self.kind == "b" else stop("the bits of a number")

    def __and__(self, o: object) -> Symbolic:
        # On truths & and | are logic; on integers they would be bits, which no real number has.
        return el.logical(nodes.both, self, o)

    __rand__ = __and__

    def __or__(self, o: object) -> Symbolic:
        return el.logical(nodes.either, self, o)

    __ror__ = __or__

    def __xor__(self, o: object) -> Symbolic:
        """One of the two and not both."""
        return el.logical(lambda a, b: nodes.choose(a, nodes.negation(b), nodes.truth(b)), self, o)

    __rxor__ = __xor__

    def __lt__(self, o: object) -> Symbolic:
        return el.relation("lt", self, o)

    def __gt__(self, o: object) -> Symbolic:
        return el.relation("lt", o, self)

    def __le__(self, o: object) -> Symbolic:
        return el.relation("le", self, o)

    def __ge__(self, o: object) -> Symbolic:
        return el.relation("le", o, self)

    # numpy's comparisons are arrays of truths, which no annotation of object's own can say
    def __eq__(self, o: object) -> Symbolic:  # type: ignore[override]
        """a == b at every entry."""
        return el.relation("eq", self, o)

    def __ne__(self, o: object) -> Symbolic:  # type: ignore[override]
        """Where not a == b."""
        return el.logical_not(el.relation("eq", self, o))

    def __round__(self, digits: object = None) -> Symbolic:
        """To the nearest whole number, halves to even ones."""
        return stop("rounding to decimals") if digits else el.unary("rint", self)

    def __floor__(self) -> Symbolic:
        return el.unary("floor", self)

    def __ceil__(self) -> Symbolic:
        return el.unary("ceil", self)

    def __trunc__(self) -> Symbolic:
        return el.unary("trunc", self)

    def __contains__(self, item: object) -> bool:
        """Whether an entry equals the item: Python asks for a truth, so the run branches."""
        return bool((self == item).any())

    def round(self, decimals: int = 0) -> Symbolic:
        """np.round without decimals."""
        return self.__round__(decimals)

    def clip(self, low: object = None, high: object = None, **more: object) -> Symbolic:
        """max(low, .) and then min(high, .), in numpy's order."""
        # numpy's newer names of the two limits.
        low, high = more.pop("min", low), more.pop("max", high)
        out = self if low is None else el.larger(self, low)
        return stop("clip with options") if more else out if high is None else el.smaller(out, high)

    def mean(self, axis: object = None, keepdims: bool = False) -> Symbolic:
        """The sum by the number of entries."""
        # In real numbers; numpy's pairwise summation differs by rounding alone.
        return el.over(self.sum(axis, keepdims), self.size)

    def dot(self, o: object) -> Symbolic:
        """a @ b."""
        return self @ o

    def _refused(self, *_: object, **__: object) -> NoReturn:
        """What would show how a number is stored."""
        stop("asks how a number is stored or written")

    __repr__ = __str__ = __format__ = __reduce_ex__ = __array__ = __complex__ = __bytes__ = _refused

    def __iadd__(self, o: object) -> Symbolic:
        return self._in_place(self + o)

    def __isub__(self, o: object) -> Symbolic:
        return self._in_place(self - o)

    def __imul__(self, o: object) -> Symbolic:
        return self._in_place(self * o)

    def __itruediv__(self, o: object) -> Symbolic:
        return self._in_place(self / o)

    def __ifloordiv__(self, o: object) -> Symbolic:
        return self._in_place(self // o)

    def __ipow__(self, o: object) -> Symbolic:
        return self._in_place(self**o)

    def __iand__(self, o: object) -> Symbolic:
        return self._in_place(self & o)

    def __ior__(self, o: object) -> Symbolic:
        return self._in_place(self | o)

    def __ixor__(self, o: object) -> Symbolic:
        return self._in_place(self ^ o)

    def __imod__(self, o: object) -> Symbolic:
        return self._in_place(self % o)

    # what each kind of array says for itself

    def _in_place(self, new: Symbolic) -> Symbolic:
        """The array after `a op= b`, where the new entries are these."""
        raise NotImplementedError

    def sum(self, axis: object = None, keepdims: bool = False) -> Symbolic:
        """The sum of all entries."""
        raise NotImplementedError

    def any(self, axis: object = None) -> Symbolic:
        """Whether one entry is not 0."""
        raise NotImplementedError

    def copy(self) -> Symbolic:
        """The same entries in memory of their own."""
        raise NotImplementedError

    def astype(self, dtype: object, copy: bool = True) -> Symbolic:
        """The entries in another type."""
        raise NotImplementedError

    def __matmul__(self, o: object) -> Symbolic:
        """The inner product."""
        raise NotImplementedError

    @property
    def size(self) -> int | Symbolic:
        """How many entries there are; of a selection a number that depends on x."""
        raise NotImplementedError
