"""Texts of the kernel's language as mathematics in LaTeX, in the notation of papers. No part of soundness.

A family v of vectors is v_i, the average P(v) is an overlined v, sq(v) is a squared norm with a mean over the workers
where v is a family and an expectation where something in it is drawn. Products gather into one fraction, 0 and 1 go.

For readers alone: a wrong formula here misleads, and proves nothing. The words it prints are those of the kernel's
language, read again from the texts; what a name means (`legend`, `meaning`) is not decided here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import TypeGuard

from compth._types import Json

from .axioms import SCHEMAS

# name -> (letter, index, upper sign)
_PARTS: dict[str, tuple[str, str, str]] = {
    **{k: (rf"\{v}", "", "") for k, v in {"mu": "mu", "om": "omega", "ga": "gamma", "al": "alpha"}.items()},
    **{k: (rf"\{v}", "", "") for k, v in {"de": "delta", "rho": "rho", "th": "theta", "be": "beta"}.items()},
    **{k: (rf"\{v}", "", "") for k, v in {"eta": "eta", "la": "lambda", "lam": "lambda", "nu": "nu"}.items()},
    **{
        k: (rf"\{v}", "", "")
        for k, v in {"tau": "tau", "zeta": "zeta", "gm": "gamma", "omega": "omega"}.items()
    },
    **{k: (k[0], "", r"\star") for k in ("xs", "hs", "fs")},
    **{k: (k[0], "", "+") for k in ("xp", "gp", "fp", "ap", "ep", "sp", "vp", "zp")},
    "gn": (r"\gamma", "", "+"),
    "fyp": ("f", "y", "+"),
    "fwp": ("f", "w", "+"),
    "kp": ("k", "", r"\prime"),
    "Lm": ("L", r"\max", ""),
    "LL": (r"\mathcal{L}", "", ""),
    "LLw": (r"\mathcal{L}", "w", ""),
    "s2": (r"\sigma", "", "2"),
    "s2w": (r"\sigma", "w", "2"),
    "sg": (r"\sigma", "G", "2"),
    "z2": (r"\zeta", "", "2"),
    "zeta2": (r"\zeta", r"\star", "2"),
    "star": (r"\lambda", "", r"\star"),
    "down": (r"\Omega", "M", ""),
    "oa": (r"\omega", r"\mathrm{av}", ""),
    "ra": ("r", r"\mathrm{av}", ""),
    "o1": (r"\omega", "1", ""),
    "o2": (r"\omega", "2", ""),
}
RELATIONS = {ast.LtE: r"\le", ast.Lt: "<", ast.GtE: r"\ge", ast.Gt: ">", ast.Eq: "="}
WIDE = 48
"""Characters of a relation, macros not counted, that fit on one line."""


def named(name: str, index: str = "") -> str:
    """x, x_{i}, x^{star}, D_{1}: a letter with its indices; other names of several letters are words.

    index: that of a family, added below. Standard names (`_PARTS`) have their letters, "xs" being x^star.
    """
    if name in _PARTS:
        letter, below, above = _PARTS[name]
    elif len(name) == 1:
        letter, below, above = name, "", ""
    elif len(name) == 2 or name[1].isdigit():
        letter, below, above = name[0], name[1:].strip("_"), ""
    else:
        letter, below, above = rf"\mathrm{{{name.replace('_', ' ')}}}", "", ""
    under = ",".join(t for t in (below, index) if t)
    return letter + (f"_{{{under}}}" if under else "") + (f"^{{{above}}}" if above else "")


def parsed(text: str) -> ast.expr:
    """The expression of a text."""
    return ast.parse(text.strip(), mode="eval").body


def names_in(node: ast.AST, averaged: bool = True) -> set[str]:
    """Names of an expression; averaged=False leaves out what stands under a P."""
    if not averaged and isinstance(node, ast.Call) and getattr(node.func, "id", "") == "P":
        return set()
    own = {node.id} if isinstance(node, ast.Name) else set()
    return own.union(*(names_in(child, averaged) for child in ast.iter_child_nodes(node)))


class _Put(ast.NodeTransformer):
    """Names replaced by expressions, `mean(Q)` by the declared mean of Q, operators by what they are called."""

    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.values.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if getattr(node.func, "id", "") == "mean":
            return self.values[f"mean {ast.unparse(self.visit(node.args[0]))}"]
        args = [self.visit(a) for a in node.args]
        func = self.values.get(getattr(node.func, "id", ""), node.func)
        return ast.Call(func, args, [])


class Mathematics:
    """Prints the texts of one statement.

    What is a family, what is drawn and what is a vector is read from its declarations: that decides whether a norm
    has an expectation or a mean over the workers in front of it, and which letters have an index.
    """

    def __init__(self, statement: Json) -> None:
        self.means: dict[str, ast.expr] = {}
        self.families: set[str] = set()
        self.vectors: set[str] = set()
        self.drawn: set[str] = {law["indicator"]} if (law := statement.get("law")) else set()
        for text in statement.get("vectors", ()):
            self._declare(text)
        for name, text in statement.get("let", {}).items():
            self._abbreviate(name, parsed(text))

    def _declare(self, text: str) -> None:
        """A line of `vectors`: its kind, its mean, when it is known."""
        words = text.replace("~", " ~ ").replace("@", " @ ").split()
        kind, name = words[:2]
        level = int(words[words.index("@") + 1]) if "@" in words else 0
        self.vectors.add(name)
        if kind == "family":
            self.families.add(name)
        if "~" in words:
            self.means[name] = parsed(" ".join(words[3 : words.index("@") if "@" in words else None]))
        if "~" in words or level:
            self.drawn.add(name)

    def _abbreviate(self, name: str, node: ast.expr) -> None:
        """A name of `let` is what it stands for: a vector outside of squares, of all workers outside of averages."""
        if not isinstance(node, ast.expr) or not self._is_vector(node):
            return
        self.vectors.add(name)
        if names_in(node, averaged=False) & self.families:
            self.families.add(name)
        if names_in(node) & self.drawn:
            self.drawn.add(name)

    def _is_vector(self, node: ast.AST) -> bool:
        """True where the expression is a vector: a vector outside of squares, products and sums over indices."""
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"sq", "dot", "Sum", "E"}:
            return False
        if isinstance(node, ast.Name):
            return node.id in self.vectors
        return any(map(self._is_vector, ast.iter_child_nodes(node)))

    def __call__(self, text: str) -> str:
        """A text as mathematics."""
        return self.say(parsed(text))

    def relation(self, text: str) -> str:
        """A relation, over two lines where one is too long."""
        node = parsed(text)
        if not isinstance(node, ast.Compare):
            return self.say(node)
        # A claim of many terms would run over the margin: then the right side has a line of its own.
        left, sign, right = self._sides(node)
        if _width(left) + _width(right) <= WIDE:
            return f"{left} {sign} {right}"
        return rf"\begin{{aligned}} & {left} \\ & \quad {sign} {right} \end{{aligned}}"

    def hypothesis(self, text: str) -> str:
        """An instance of a schema as the inequality that it is."""
        return self.relation(ast.unparse(self.put_in(text)))

    def put_in(self, text: str) -> ast.expr:
        """A schema's relation with the arguments of an instance in their places.

        Raises ValueError where the text is no instance. `mean(Q)` becomes the declared mean of Q.
        """
        call = parsed(text)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(f"{text} is no instance of a schema")
        words, relation = SCHEMAS[call.func.id]
        values: dict[str, ast.expr] = dict(zip(words.split(), call.args, strict=True))
        values |= {f"mean {name}": mean for name, mean in self.means.items()}
        return _Put(values).visit(parsed(relation))  # type: ignore[no-any-return]

    def notation(self) -> list[tuple[str, str]]:
        """(sign, meaning) of what these formulas have beside letters."""
        # Only what occurs is explained: a statement of one worker has no averages.
        rows = [(r"\operatorname{mean}_i", "the average over the workers i")] if self.families else []
        rows += [(r"\bar{v}", "the average of the v_i, as a vector")] if self.families else []
        return rows + ([(r"\mathbb{E}", "the expectation over what is drawn")] if self.drawn else [])

    def _sides(self, node: ast.Compare) -> tuple[str, str, str]:
        """(left side, sign, right side) of a relation."""
        return self.say(node.left), RELATIONS[type(node.ops[0])], self.say(node.comparators[0])

    # ---- expressions ------------------------------------------------------------------------------------------

    def say(self, node: ast.AST, index: str = "i") -> str:
        """An expression; index: that of families, empty under an average."""
        match node:
            case ast.Constant(value=c):
                return str(c)
            case ast.Name(id=name):
                return named(name, index if name in self.families else "")
            case ast.Compare():
                left, sign, right = self._sides(node)
                return f"{left} {sign} {right}"
            case ast.UnaryOp() | ast.BinOp(op=ast.Add() | ast.Sub()):
                return self._sum(node, index)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self._product(node, index)
            case ast.BinOp(left=a, op=ast.Pow(), right=b):
                return self._raised(a, b, index)
            case ast.Subscript(value=a, slice=places):
                inside = ",".join(ast.unparse(e) for e in getattr(places, "elts", [places]))
                return named(a.id if isinstance(a, ast.Name) else ast.unparse(a), inside)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(name, args, index)
        return ast.unparse(node)

    def _raised(self, base: ast.AST, exponent: ast.AST, index: str) -> str:
        """A power; brackets where the base is a product or a power itself."""
        said = self._tight(base, index)
        several = isinstance(base, ast.BinOp) and isinstance(base.op, ast.Mult | ast.Div | ast.Pow)
        if (several or "^" in said) and not said.startswith(r"\left("):
            said = rf"\left({said}\right)"
        return f"{said}^{{{self.say(exponent)}}}"

    def _call(self, name: str, args: list[ast.expr], index: str) -> str:
        """An average as an overline, a norm or an inner product with its means, a sum, an expectation, an operator."""
        if name == "P":
            # Under an average the index is bound: v_i becomes v with a bar.
            inside = self.say(args[0], "")
            return rf"\bar{{{inside}}}" if len(inside) == 1 else rf"\overline{{{inside}}}"
        if name == "sq":
            return rf"{self._mean(args)}\left\|{self.say(_turned(args[0]))}\right\|^2"
        if name == "dot":
            return rf"{self._mean(args)}\left\langle {self.say(args[0])}, {self.say(args[1])}\right\rangle"
        if name == "Sum":
            return rf"\sum_{{{ast.unparse(args[0])}}} {self._tight(args[1], index, products=False)}"
        if name == "E":
            return rf"\mathbb{{E}}\left[{self.say(args[0])}\right]"
        return rf"{named(name)} {self._tight(args[0], index)}"

    def _mean(self, args: list[ast.expr]) -> str:
        """What stands before a norm: an expectation where something is drawn, a mean over the workers of a family."""
        # Drawn: random given the start of the step. A family under P is averaged already.
        drawn = any(names_in(a) & self.drawn for a in args)
        family = any(names_in(a, averaged=False) & self.families for a in args)
        return r"\mathbb{E}" * drawn + r"\operatorname*{mean}_i " * family

    def _tight(self, node: ast.AST, index: str, products: bool = True) -> str:
        """In brackets where it is a sum; products=False: before an index sum, where a product needs none."""
        out, terms = self.say(node, index), self._kept(node)
        summed = len(terms) > 1 or out.startswith("-")
        divided = products and out.startswith(r"\frac") and isinstance(node, ast.BinOp)
        return rf"\left({out}\right)" if summed or divided else out

    def _kept(self, node: ast.AST) -> list[tuple[int, ast.AST]]:
        """Terms of a sum with one number at the most, none of them zero, a positive one first."""
        terms = [(s, t) for s, t in _terms(node) if not _zero(t)]
        # 1 - gamma + 1 reads as 2 - gamma: numbers are added up, at the place of the first of them.
        number = sum(s * _whole(t) for s, t in terms if _integer(t))
        rest = [(s, t) for s, t in terms if not _integer(t)]
        if number:
            place = next(k for k, (_, t) in enumerate(terms) if _integer(t))
            rest.insert(min(place, len(rest)), (1 if number > 0 else -1, ast.Constant(abs(number))))
        if rest and rest[0][0] < 0:
            rest.sort(key=lambda pair: pair[0] < 0)
        return rest

    def _sum(self, node: ast.AST, index: str) -> str:
        """A sum with its signs; "0" where nothing is left."""
        out = "".join(f" {'+' if s > 0 else '-'} {self.say(t, index)}" for s, t in self._kept(node))
        return (out[3:] if out.startswith(" + ") else "-" + out[3:]) if out else "0"

    def _product(self, node: ast.expr, index: str) -> str:
        """One number first, divisors in one fraction, norms behind it, equal factors as powers."""
        if _zero(node):
            return "0"
        # a/b*c/d becomes one fraction; norms stand behind it, where a reader looks for them.
        above, below = _factors(node)
        sign, above = _signed(above)
        number = Fraction(_numbers(above), _numbers(below))
        apart = [f for f in above if names_in(f) & {"sq", "dot", "Sum", "E"}] if below else []
        near = [f for f in above if f not in apart]
        top, bottom = _cancelled(self._powers(near, index), self._powers(below, index))
        over, under = (
            _bare(_row(k, fs)) for k, fs in ((number.numerator, top), (number.denominator, bottom))
        )
        body = rf"\frac{{{over or '1'}}}{{{under}}}" if under else over
        behind = _row(1, self._powers(apart, index))
        return sign + (r"\,".join(t for t in (body, behind) if t) or "1")

    def _powers(self, factors: list[ast.expr], index: str) -> dict[str, int]:
        """Factor -> how often it occurs."""
        found: dict[str, int] = {}
        for f in (f for f in factors if not _integer(f)):
            said = self._tight(f, index)
            found[said] = found.get(said, 0) + 1
        return found


def _terms(node: ast.AST, sign: int = 1) -> list[tuple[int, ast.AST]]:
    """(sign, term) of a sum."""
    match node:
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return [*_terms(a, sign), *_terms(b, sign)]
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return [*_terms(a, sign), *_terms(b, -sign)]
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return _terms(a, -sign)
        case ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=a), op=op, right=b) if not isinstance(
            op, ast.Pow
        ):
            return [(-sign, ast.BinOp(a, op, b))]
    return [(sign, node)]


def _zero(node: ast.AST) -> bool:
    """True for 0 and products with 0."""
    match node:
        case ast.Constant(value=c):
            return c == 0
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _zero(a) or _zero(b)
        case ast.BinOp(left=a, op=ast.Div()):
            return _zero(a)
        case ast.UnaryOp(operand=a):
            return _zero(a)
        case ast.Call(func=ast.Name(id="sq" | "dot"), args=args):
            return any(map(_zero, args))
    return False


def _factors(node: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """(numerator, denominator) of nested products and quotients, without ones."""
    match node:
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            (p, q), (r, s) = _factors(a), _factors(b)
            return p + r, q + s
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            (p, q), (r, s) = _factors(a), _factors(b)
            return p + s, q + r
        case ast.Constant(value=1):
            return [], []
    return [node], []


def _signed(factors: list[ast.expr]) -> tuple[str, list[ast.expr]]:
    """(the sign of a product, its factors without it)."""
    minus = sum(isinstance(f, ast.UnaryOp) for f in factors)
    plain = [f.operand if isinstance(f, ast.UnaryOp) else f for f in factors]
    return "-" * (minus % 2), [
        f for f in plain if not (isinstance(f, ast.Constant) and f.value == 1)
    ] or plain[:1]


def _turned(node: ast.expr) -> ast.expr:
    """The vector of a norm without a sign in front."""
    return node.operand if isinstance(node, ast.UnaryOp) else node


def _numbers(factors: list[ast.expr]) -> int:
    """The product of the whole numbers among factors."""
    return prod(_whole(f) for f in factors if _integer(f))


def _row(number: int, factors: Mapping[str, int]) -> str:
    """A product; a number 1 is left out."""
    said = [f if k == 1 else _power(f, k) for f, k in factors.items()]
    return r"\,".join([str(number)] * (number != 1) + said)


def _bare(latex: str) -> str:
    """What stands alone above or below a bar needs no brackets."""
    inside = latex.removeprefix(r"\left(").removesuffix(r"\right)")
    whole = latex.startswith(r"\left(") and latex.endswith(r"\right)")
    depth, least = 0, 1
    for sign in re.findall(r"\\left|\\right", inside):
        depth += 1 if sign == r"\left" else -1
        least = min(least, depth)
    return inside if whole and least >= 0 else latex


def _integer(node: ast.AST) -> TypeGuard[ast.Constant]:
    """True for a whole number."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _whole(node: ast.Constant) -> int:
    """The value of a constant that is a whole number."""
    return node.value if isinstance(node.value, int) else 0


def _power(factor: str, exponent: int) -> str:
    """factor^exponent, in brackets where the factor has an exponent already."""
    plain = "^" not in factor or factor.startswith(r"\left(")
    return f"{factor}^{{{exponent}}}" if plain else rf"\left({factor}\right)^{{{exponent}}}"


def _cancelled(above: dict[str, int], below: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """A fraction without the factors that stand on both sides; divisors are positive where they are allowed."""
    # Cancelling needs no sign here: the kernel has shown every divisor positive.
    both = {f: min(k, below.get(f, 0)) for f, k in above.items()}
    left = {f: k - both[f] for f, k in above.items() if k > both[f]}
    return left, {f: k - both.get(f, 0) for f, k in below.items() if k > both.get(f, 0)}


def _width(latex: str) -> int:
    """Letters and signs of a formula, a macro counted as one."""
    return len(re.sub(r"[{}^_\s]|\\left|\\right|\\,", "", re.sub(r"\\(?!left|right)[A-Za-z]+", "m", latex)))
