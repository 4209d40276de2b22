"""The kernel's texts as Coq: once as readers see them, once as data (`sx`, `vx` of Compth.v) for the checker."""

from __future__ import annotations

import ast
import re
from typing import Any

from compth.proof.kernel import DECLARATION, Theory, read

Deep = tuple[Any, ...]  # ("SAdd", a, b): a constructor of Compth.v and its arguments
BINARY = {ast.Add: ("SAdd", "+"), ast.Sub: ("SSub", "-"), ast.Mult: ("SMul", "*")}
# names that Coq or the library have taken
TAKEN = {
    *re.findall(
        r"\w+",
        "R V P F S O I H N E as at cofix dot else end exists exists2 fix for forall fun if in let match mod nil pow "
        "pred return scal sq sub then using where with zero add length app op lt le gt ge eq not fst snd map rev "
        "common drawn operator commutes order noise bias spread variance joint mixture least floor growth zero_at "
        "quadratic loewner descent polyak lipschitz sector coercive independent contraction Set Prop Type ",
    )
}


# a schema's arguments: s a number, v a vector, q a drawn vector (its mean follows it in Coq), o an operator
ARGUMENTS = {
    "variance": "qs",
    "independent": "qs",
    "joint": "qss",
    "mixture": "vsvv",
    "contraction": "vvs",
    "bias": "vvs",
    "spread": "qvs",
    "mean_spread": "qvs",
    "b1_lower": "vvs",
    "b2_lower": "vvs",
    "b_upper": "vvs",
    "strongly_convex": "ssvvvs",
    "cocoercive": "ssvvvvs",
    "sector": "ssvvvvss",
    "coercive": "vvvvss",
    "descent": "ssvvvs",
    "polyak": "ssvs",
    "lipschitz": "vvvvs",
    "least": "ss",
    "floor": "ss",
    "growth": "sssssss",
    "quadratic": "ssvvv",
    "loewner": "vvvs",
    "noise": "qos",
    "dissimilar": "vs",
    "zero": "vv",
    "order": "ss",
}
RENAMED = {"zero": "zero_at"}


class NoExport(Exception):
    """The part is outside what the exporter writes; the message says why."""


def coq_name(name: str) -> str:
    """A name as a Coq identifier that nothing else has."""
    return f"{name}_" if name in TAKEN or name[0] == "_" or name[0].isdigit() else name


def written(deep: Any) -> str:
    """Deep data as a Coq term."""
    if isinstance(deep, tuple):
        return "({})".format(" ".join(map(written, deep)))
    return f"({deep})" if isinstance(deep, int) and deep < 0 else str(deep)


class Reader:
    """Names and divisors of one statement; `scalar` and `vector` give (shown, deep) of a text's node."""

    def __init__(self, theory: Theory, statement: dict[str, Any]) -> None:
        self.theory = theory
        self.scalars = [*statement.get("params", "").split(), *statement.get("values", "").split()]
        found = [DECLARATION.fullmatch(t) for t in statement.get("vectors", [])]
        self.vectors = [m[2] for m in found if m]
        self.means = {m[2]: read(m[3], theory.env) for m in found if m and m[3]}
        self.operators = [m[2] for t in statement.get("operators", []) if (m := DECLARATION.fullmatch(t))]
        self.place = {name: i for i, name in enumerate(self.scalars)}
        self.values = [coq_name(s) for s in self.scalars]  # what stands behind SV 0, SV 1, ...
        self.divisors: dict[Deep, tuple[int, ast.expr]] = {}
        self.spelling: dict[str, str] = {}  # names that are shown otherwise than as they are

    def spelled(self, name: str) -> str:
        return self.spelling.get(name, coq_name(name))

    def spelled_as(self, spelling: dict[str, str], node: ast.expr, vector: bool) -> str:
        """A text as it is shown where some names are spelled otherwise."""
        self.spelling = spelling
        try:
            return (self.vector if vector else self.scalar)(node)[0]
        finally:
            self.spelling = {}

    def is_vector(self, node: ast.expr) -> bool:
        """True when the node speaks of a vector; a bare 0 does not say."""
        match node:
            case ast.Name(id=name):
                return name in self.vectors
            case ast.UnaryOp(operand=a) | ast.BinOp(left=a, op=ast.Div()):
                return self.is_vector(a)
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() | ast.Mult(), right=b):
                return self.is_vector(a) or self.is_vector(b)
            case ast.Call(func=ast.Name(id=name)):
                return name in {"P", "mean", *self.operators}
        return False

    def divisor(self, node: ast.expr) -> tuple[str, Deep]:
        """1/node: a scalar of its own, beside the declared ones."""
        text, deep = self.scalar(node)
        if deep not in self.divisors:
            if self.spelling:
                raise NoExport(f"a divisor of a run that is not one of its step: {text:.60}")
            self.divisors[deep] = (len(self.values), node)
            self.values.append(f"(/ {text})")
        return text, ("SV", self.divisors[deep][0])

    def scalar(self, node: ast.expr) -> tuple[str, Deep]:
        """A number."""
        match node:
            case ast.Constant(value=int(c)):
                return str(c), ("SC", c)
            case ast.Name(id=name) if name in self.place:
                return self.spelled(name), ("SV", self.place[name])
            case ast.UnaryOp(op=ast.USub(), operand=a):
                text, deep = self.scalar(a)
                return f"(- {text})", ("SNeg", deep)
            case ast.BinOp(left=a, op=op, right=b) if type(op) in BINARY:
                (s, x), (t, y) = self.scalar(a), self.scalar(b)
                head, sign = BINARY[type(op)]
                return f"({s} {sign} {t})", (head, x, y)
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                (s, x), (t, y) = self.scalar(a), self.divisor(b)
                return f"({s} / {t})", ("SMul", x, y)
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))):
                text, deep = self.scalar(a)
                return f"({text} ^ {e})", ("SPow", deep, e)
            case ast.Call(func=ast.Name(id="sq"), args=[a]):
                text, deep = self.vector(a)
                return f"(sq {text})", ("SSq", deep)
            case ast.Call(func=ast.Name(id="dot"), args=[a, b]):
                (s, x), (t, y) = self.vector(a), self.vector(b)
                return f"(dot {s} {t})", ("SDot", x, y)
        raise NoExport(f"the number {ast.unparse(node):.80}")

    def vector(self, node: ast.expr) -> tuple[str, Deep]:
        """A vector."""
        match node:
            case ast.Constant(value=0):
                return "zero", ("VZ",)
            case ast.Name(id=name) if name in self.vectors:
                return self.spelled(name), ("VA", self.vectors.index(name))
            case ast.UnaryOp(op=ast.USub(), operand=a):
                text, deep = self.vector(a)
                return f"(scal (-1) {text})", ("VScal", ("SC", -1), deep)
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                (s, x), (t, y) = self.vector(a), self.vector(b)
                head, word = ("VAdd", "add") if isinstance(op, ast.Add) else ("VSub", "sub")
                return f"({word} {s} {t})", (head, x, y)
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                factor, body = (a, b) if self.is_vector(b) or not self.is_vector(a) else (b, a)
                (s, x), (t, y) = self.scalar(factor), self.vector(body)
                return f"(scal {s} {t})", ("VScal", x, y)
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                (s, x), (t, y) = self.vector(a), self.divisor(b)
                return f"(scal (/ {t}) {s})", ("VScal", y, x)
            case ast.Call(func=ast.Name(id="mean"), args=[ast.Name(id=name)]) if name in self.means:
                return self.vector(self.means[name])
            case ast.Call(func=ast.Name(id=name), args=[a]) if name in {"P", *self.operators}:
                text, deep = self.vector(a)
                number = 0 if name == "P" else 1 + self.operators.index(name)
                return f"({self.spelled(name) if number else 'P'} {text})", ("VOp", number, deep)
        raise NoExport(f"the vector {ast.unparse(node):.80}")

    def relation(self, node: ast.expr) -> tuple[str, Deep]:
        """A relation; a >= b is written b <= a."""
        match node:
            case ast.Compare(left=a, ops=[op], comparators=[b]):
                (s, x), (t, y) = self.scalar(a), self.scalar(b)
                if isinstance(op, ast.GtE | ast.Gt):
                    (s, x), (t, y) = (t, y), (s, x)
                sign, kind = {ast.Eq: ("=", "KEq"), ast.LtE: ("<=", "KLe"), ast.GtE: ("<=", "KLe")}.get(
                    type(op), ("<", "KLt")
                )
                return f"{s} {sign} {t}", ("Rel", (kind,), x, y)
        raise NoExport(f"the relation {ast.unparse(node):.80}")

    def hypothesis(self, text: str) -> str:
        """A schema's instance, in the words of part 2 of the library."""
        match read(text, self.theory.env):
            case ast.Call(func=ast.Name(id=name), args=args):
                shown = [self.argument(a, kind) for a, kind in zip(args, ARGUMENTS[name], strict=True)]
                return " ".join([RENAMED.get(name, name), *shown])
        raise NoExport(f"the hypothesis {text:.80}")

    def argument(self, node: ast.expr, kind: str) -> str:
        """A schema's argument: s a number, v a vector, q a drawn vector and its mean, o an operator."""
        match kind, node:
            case "s", _:
                return self.scalar(node)[0]
            case "v", _:
                return self.vector(node)[0]
            case "q", ast.Name(id=name) if name in self.means:
                return f"{coq_name(name)} {self.vector(self.means[name])[0]}"
            case "o", ast.Name(id="P"):
                return "P"
            case "o", ast.Name(id=name) if name in self.operators:
                return coq_name(name)
        raise NoExport(f"the argument {ast.unparse(node):.80}")
