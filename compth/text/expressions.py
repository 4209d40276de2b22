"""Arithmetic written by users, parsed and never evaluated by Python: `parse("d/k - 1")(d=20, k=5)`.

Allowed: numbers, names, + - * / **, unary +-, pi, and calls of sqrt, min, max, abs, log2. Integers stay exact
(Fractions), decimals are read as the fraction they spell, all digits of it, sympy symbols pass through. pi is a float
(like sqrt(2)), unless a parameter has this name. The whitelist may grow; nothing here may ever call eval.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from compth import _numbers
from compth._numbers import Number
from compth.errors import InvalidParameter, NoValue

MAX_LENGTH, MAX_DEPTH, MAX_EXPONENT, MAX_BITS = 500, 40, 64, 4096
MAX_DECIMAL = 600
"""Largest power of ten, up or down, of a decimal."""

PI = "pi"

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def _log2(x: Number) -> Number:
    """Binary logarithm, exact for powers of two and for symbols."""
    if _numbers.is_symbolic(x):
        import sympy

        return sympy.log(x, 2)
    if _numbers.is_exact(x) and x > 0:
        # A power of two has an exact logarithm; anything else becomes a float, as sqrt(2) does.
        q = Fraction(x)
        if q.numerator & (q.numerator - 1) == 0 and q.denominator & (q.denominator - 1) == 0:
            return Fraction(q.numerator.bit_length() - q.denominator.bit_length())
    return math.log2(x)


_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "sqrt": (_numbers.sqrt, 1, 1),
    "abs": (abs, 1, 1),
    "log2": (_log2, 1, 1),
    "min": (_numbers.min, 1, 8),
    "max": (_numbers.max, 1, 8),
}


@dataclass(frozen=True)
class Expression:
    """A parsed expression: call it with its names as keywords; `names` lists those it needs.

    text: as it was given, for messages. Two with the same text and names are equal.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr = field(repr=False, compare=False)

    def __call__(self, **values: Number) -> Number:
        """The value; Fractions where every name is exact. Raises InvalidParameter for what has no value."""
        missing = self.names - values.keys()
        if missing:
            raise InvalidParameter(
                f"expression={self.text!r} needs a value for {', '.join(sorted(missing))}: give it as a parameter"
            )
        try:
            # int and Fraction stay exact through / as well: 1/3 in a claim is a third and not its float.
            return _value(self._tree, {k: _numbers.exact(v) for k, v in values.items()})
        except (ZeroDivisionError, OverflowError, ValueError) as problem:
            at = ", ".join(f"{k}={values[k]}" for k in sorted(self.names))
            where = f" at {at}" if at else ""
            why = "it divides by zero" if isinstance(problem, ZeroDivisionError) else problem
            raise NoValue(f"expression={self.text!r} has no value{where}: {why}") from None

    def __str__(self) -> str:
        return self.text


def parse(text: str, allowed: frozenset[str] | None = None, remedy: str = "") -> Expression:
    """Parse arithmetic; `allowed` restricts the names, `remedy` says how to give others.

    allowed: None for any name. Returns an Expression to be called with its names. Raises InvalidParameter with the
    reason in one line.
    """
    # Bounds on length, depth, exponents and digits: text comes from users, and 9**9**9 must not hang anybody.
    if len(text) > MAX_LENGTH:
        raise InvalidParameter(f"expression of {len(text)} characters: at most {MAX_LENGTH} are read")
    text = text.strip()
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InvalidParameter(
            f"expression={text!r} is not arithmetic: use + - * / ** pi sqrt min max abs log2"
        ) from None
    # A whitelist of node types: what is not named there is refused, whatever Python may add to its grammar.
    names: set[str] = set()
    _check(tree, text, names, 0)
    names -= {PI} - (allowed or frozenset())
    if allowed is not None and names - allowed:
        known = f"known names are {', '.join(sorted(allowed))}" if allowed else "write numbers alone"
        raise InvalidParameter(
            f"expression={text!r} uses unknown {', '.join(sorted(names - allowed))}: {known}{remedy}"
        )
    return Expression(text, frozenset(names), tree)


def _check(node: ast.expr, text: str, names: set[str], depth: int) -> None:
    """Refuse everything outside the whitelist; collect the names."""
    if depth > MAX_DEPTH:
        raise InvalidParameter(f"expression={text[:60]!r} is nested more than {MAX_DEPTH} deep")
    # type() and not isinstance: True is an int to Python and no number here.
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        # Decimals are read from the text: Python's float of 0.1 is not a tenth, and claims are compared
        # exactly.
        node.value = _literal(node, text)  # type: ignore[assignment]  # a Fraction from here on
        return
    if isinstance(node, ast.Name):
        names.add(node.id)
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        return _check(node.operand, text, names, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.Pow):
        _check(node.left, text, names, depth + 1)
        return _check(node.right, text, names, depth + 1)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        # Calls of listed functions with as many arguments as they take; keywords and stars are nothing here.
        function = _FUNCTIONS.get(node.func.id)
        if function and function[1] <= len(node.args) <= function[2]:
            for argument in node.args:
                _check(argument, text, names, depth + 1)
            return
    raise InvalidParameter(
        f"expression={text!r} holds {ast.unparse(node)[:40]!r}: only numbers, names, + - * / ** and "
        "pi sqrt min max abs log2 are read"
    )


def _literal(node: ast.Constant, text: str) -> Fraction:
    """The number that the text spells: Python's float of it would lose the digits after the seventeenth."""
    spelled = ast.get_source_segment(text, node) or ""
    return Fraction(node.value) if isinstance(node.value, int) else decimal(spelled)


def decimal(spelled: str) -> Fraction:
    """A decimal such as 0.1 or 2.5e-3 as exactly that fraction. Raises InvalidParameter for other text.

    The exponent is bounded: 1e999999999 would be a number of a gigabyte.
    """
    power = spelled.lower().partition("e")[2] or "0"
    try:
        if abs(int(power)) <= MAX_DECIMAL and "/" not in spelled:
            return Fraction(spelled)
    except ValueError:
        pass
    raise InvalidParameter(f"number={spelled[:60]!r} is not a decimal with an exponent within {MAX_DECIMAL}")


def _value(node: ast.expr, values: Mapping[str, Number]) -> Number:
    """The value of a node that `_check` has let pass."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id] if node.id in values else _pi(values)
    if isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, values)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left, values), _value(node.right, values)
        if isinstance(node.op, ast.Div):
            return _bounded(_numbers.ratio(left, right))
        if isinstance(node.op, ast.Pow):
            return _bounded(_power(left, right))
        return _bounded(_BINARY[type(node.op)](left, right))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _FUNCTIONS[node.func.id][0](*(_value(a, values) for a in node.args))


def _pi(values: Mapping[str, Number]) -> Number:
    """A float; sympy's own where symbols are about."""
    if any(_numbers.is_symbolic(v) for v in values.values()):
        import sympy

        return sympy.pi
    return math.pi


def _power(base: Number, exponent: Number) -> Number:
    """base ** exponent within bounds. Raises OverflowError and ValueError."""
    # Before it is computed: an exact power may have more digits than there is memory.
    if not _numbers.is_symbolic(exponent) and abs(exponent) > MAX_EXPONENT:
        raise OverflowError(f"exponent {exponent} is beyond {MAX_EXPONENT}")
    if (
        not _numbers.is_symbolic(base)
        and not _numbers.is_symbolic(exponent)
        and base < 0
        and exponent % 1 != 0
    ):
        raise ValueError("a fractional power of a negative number")
    return _numbers.power(base, exponent)


def _bounded(x: Number) -> Number:
    """Keep exact numbers from growing without limit."""
    # Repeated squaring doubles the digits: the bound is met after a dozen operations and not after the memory.
    if isinstance(x, Fraction) and x.numerator.bit_length() + x.denominator.bit_length() > MAX_BITS:
        raise OverflowError("the exact value is too long")
    if isinstance(x, float) and not math.isfinite(x):
        raise OverflowError("the value is not finite")
    return x
