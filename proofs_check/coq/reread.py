"""What an exported file says, read back from its text: trees of its definitions and theorems.

The reader of a second translation. It shares no code with the exporter, and what a word of the library says is read
from the library's own text. Trees: ("num", c), ("name", s), ("at", a, i) an entry, ("+", a, b), ...,
("sum", size, body) with the bound index as ("#", depth), ("E", body), ("op", A, v), ("sq", v), ("dot", u, v),
and relations and words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Tree = tuple[Any, ...]
TOKEN = re.compile(r"\s*(/\\|->|=>|<=|%nat|-v|[A-Za-z_][A-Za-z0-9_']*|\d+|[()@:,<=+*/^-])")
SCHEMA = re.compile(r"^Definition (\w+) ((?:\([^)]*\) ?)+):=\s(.*?)\.$", re.M | re.S)
HEADS = {"forall", "fun"}


class Unreadable(Exception):
    """The text is not of the kind that is written; the message says where."""


def negated(a: Tree) -> Tree:
    """-a, with a number's sign in the number."""
    return ("num", -a[1]) if a[0] == "num" else ("*", ("num", -1), a)


class Terms:
    """A parser of Coq's terms, as far as they are written."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Unreadable(f"no token at {text[at : at + 40]!r}")
            self.tokens.append(found[1])
            at = found.end()
        self.at = 0
        self.bound: list[str] = []

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise Unreadable(
                f"{wanted or 'a token'} expected, {' '.join(self.tokens[self.at : self.at + 8])!r} found"
            )
        self.at += 1
        return token

    def whole(self) -> Tree:
        out = self.implication()
        if self.peek():
            raise Unreadable(f"left over: {' '.join(self.tokens[self.at : self.at + 8])!r}")
        return out

    def implication(self) -> Tree:
        left = self.conjunction()
        if self.peek() == "->":
            self.take()
            return ("->", left, self.implication())
        return left

    def conjunction(self) -> Tree:
        left = self.relation()
        if self.peek() == "/\\":
            self.take()
            return ("and", left, self.conjunction())
        return left

    def relation(self) -> Tree:
        left = self.sum()
        if self.peek() in {"<=", "<", "="}:
            return (self.take(), left, self.sum())
        return left

    def sum(self) -> Tree:
        left = self.product()
        while self.peek() in {"+", "-", "-v"}:
            left = (self.take()[0], left, self.product())
        return left

    def product(self) -> Tree:
        left = self.unary()
        while self.peek() in {"*", "/"}:
            left = (self.take(), left, self.unary())
        return left

    def unary(self) -> Tree:
        if self.peek() == "-":
            self.take()
            return negated(self.unary())
        if self.peek() == "/":
            self.take()
            return ("inverse", self.unary())
        return self.power()

    def power(self) -> Tree:
        base = self.application()
        if self.peek() == "^":
            self.take()
            return ("^", base, self.unary())
        return base

    def application(self) -> Tree:
        if self.peek() in HEADS:
            return self.binder()
        parts = [self.atom()]
        while self.peek() == "(" or self.peek() == "@" or re.match(r"[A-Za-z_0-9]", self.peek()):
            parts.append(self.atom())
        return parts[0] if len(parts) == 1 else ("app", *parts)

    def binder(self) -> Tree:
        head, name = self.take(), self.take()
        self.take("," if head == "forall" else "=>")
        self.bound.append(name)
        body = self.implication()
        self.bound.pop()
        return (head, body)

    def atom(self) -> Tree:
        token = self.take()
        if token == "(":
            out = self.implication()
            self.take(")")
        elif token == "@":
            out = ("name", self.take())
        elif token.isdigit():
            out = ("num", int(token))
        elif re.match(r"[A-Za-z_]", token):
            out = (
                ("#", len(self.bound) - self.bound[::-1].index(token))
                if token in self.bound
                else ("name", token)
            )
        else:
            raise Unreadable(f"{token!r} where a term begins")
        if self.peek() == "%nat":
            self.take()
        return out


def binders_of(text: str) -> dict[str, str]:
    """The names that a text binds, with their types: (a b : R) {H : Space} ..."""
    out, depth, begun = {}, 0, 0
    for at, character in enumerate(text):
        if character in "({":
            depth, begun = depth + 1, begun if depth else at + 1
        elif character in ")}":
            depth -= 1
            if not depth:
                names, _, kind = text[begun:at].partition(":")
                out.update(dict.fromkeys(names.split(), kind.strip()))
    return out


@dataclass(frozen=True)
class Words:
    """The schemas of the library: their arguments and what they say."""

    schemas: dict[str, tuple[list[str], Tree]]


def words_of(library: str) -> Words:
    """Read from the text of Compth.v, between its parts 2 and 3."""
    section = library[library.index("Section Schemas.") : library.index("End Schemas.")]
    found = {}
    for name, binders, body in SCHEMA.findall(section):
        found[name] = (list(binders_of(binders)), Terms(body).whole())
    return Words(found)


def put(tree: Tree, values: dict[str, Tree]) -> Tree:
    """The tree with trees in the places of names."""
    if tree[0] == "name":
        return values.get(tree[1], tree)
    return tuple(put(t, values) if isinstance(t, tuple) else t for t in tree)


class Meaning:
    """Trees of terms as trees of mathematics. known: statement's name by Coq's name."""

    def __init__(self, words: Words, known: dict[str, str], operators: set[str], arrays: set[str]) -> None:
        self.words, self.known, self.operators, self.arrays = words, known, operators, arrays

    def of(self, tree: Tree) -> Tree:
        match tree:
            case ("num" | "#", _):
                return tree
            case ("name", "zero"):
                return ("num", 0)
            case ("name", name):
                return ("name", self.known.get(name, name))
            case ("app", ("name", head), *arguments):
                return self.applied(head, arguments)
            case ("app", ("#", _) as head, *indices):
                return ("at", head, *map(self.of, indices))
            case ("app", ("app", _, _) as head, a):
                return ("op", self.of(head), self.of(a))
            case ("inverse", a):
                return ("inverse", self.of(a))
            case ("fun" | "forall", body):
                return (tree[0], self.of(body))
            case (("+" | "-" | "*" | "/" | "^" | "<=" | "<" | "=" | "and" | "->") as head, a, b):
                return (head, self.of(a), self.of(b))
        raise Unreadable(str(tree)[:120])

    def applied(self, head: str, arguments: list[Tree]) -> Tree:
        """What a word with arguments says."""
        if head in self.words.schemas:
            names, body = self.words.schemas[head]
            if len(names) != len(arguments):
                raise Unreadable(f"{head} with {len(arguments)} arguments")
            return self.of(put(body, dict(zip(names, arguments, strict=True))))
        values = [self.of(a) for a in arguments]
        match head, values:
            case (("add" | "sub"), [a, b]):
                return ("+" if head == "add" else "-", a, b)
            case "scal", [("inverse", t), v]:
                return ("/", v, t)
            case "scal", [("num", -1), v]:
                return negated(v)
            case "scal", [s, v]:
                return ("*", s, v)
            case (("sq" | "dot"), _):
                return (head, *values)
            case (("sum"), [size, ("fun", body)]):
                return ("sum", size, body)
            case "E", [("fun", body)]:
                return ("E", body)
            case "P", [v]:
                return ("op", "P", v)
            case _, [v] if self.known.get(head) in self.operators:
                return ("op", self.known[head], v)
            case _, [*indices] if self.known.get(head) in self.arrays:
                return ("at", ("name", self.known[head]), *indices)
        return (head, *values)
