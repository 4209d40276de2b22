"""The second translation: what a statement of the catalogue says, as the trees that `reread` gives.

Written apart from the exporter: it reads the statement's texts by itself, puts definitions and schemas in place by
itself, and shares nothing with `texts`, `scripts`, `sums`, `runs` or the kernel but the table of schemas.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from compth.proof.axioms import SCHEMAS

Tree = tuple[Any, ...]
VECTOR = re.compile(r"(common|family)\s+(\w+)\s*(?:~\s*([^@]*[^@\s]))?\s*(?:@\s*(\d))?")
SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
RELATIONS = {ast.LtE: "<=", ast.Lt: "<", ast.Eq: "="}
TURNED = {ast.GtE: "<=", ast.Gt: "<"}


class Unspoken(Exception):
    """A text that this translation does not know; the message says which."""


def table(sorts: str) -> str:
    """The type of a table over these sorts of indices."""
    return "nat -> " * len(sorts.split()) + "R"


class Retold:
    """A statement's assumptions, claims and run, as trees."""

    def __init__(self, statement: dict[str, Any]) -> None:
        self.statement = statement
        self.numbers = [*statement.get("params", "").split(), *statement.get("values", "").split()]
        self.sizes: dict[str, str] = statement.get("sizes", {})
        self.sorts: dict[str, str] = statement.get("indices", {})
        self.arrays: dict[str, str] = statement.get("arrays", {})
        self.law: dict[str, str] = statement.get("law", {})
        self.bound: list[str] = []
        self.means: dict[str, Tree] = {}
        self.lets = {v: self.node(t) for v, t in statement.get("let", {}).items()}
        self.vectors = {self._parts(t)[1]: self._parts(t) for t in statement.get("vectors", [])}
        self.operators = {self._parts(t)[1]: self._parts(t) for t in statement.get("operators", [])}
        for name, (_, _, mean, _) in self.vectors.items():
            if mean:
                self.means[name] = self.read(mean)

    def _parts(self, text: str) -> tuple[str, str, str, int]:
        found = VECTOR.fullmatch(text.strip())
        if not found:
            raise Unspoken(text)
        return found[1], found[2], found[3] or "", int(found[4] or 0)

    # -- texts ------------------------------------------------------------------------------------------------

    def node(self, text: str) -> ast.expr:
        return ast.parse(text.strip(), mode="eval").body

    def read(self, text: str) -> Tree:
        return self.tree(self.node(text), {})

    def tree(self, node: ast.expr, meant: dict[str, Tree]) -> Tree:
        """A text's tree; names in `meant` stand for their trees."""
        match node:
            case ast.Constant(value=int(c)):
                return ("num", c)
            case ast.Name(id=name) if name in self.bound and name not in meant:
                return ("#", len(self.bound) - self.bound[::-1].index(name))
            case ast.Name(id=name) if name in self.lets and name not in meant:
                return self.tree(self.lets[name], {})
            case ast.Name(id=name):
                return meant.get(name, ("name", name))
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return self.minus(self.tree(a, meant))
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))):
                return ("^", self.tree(a, meant), ("num", e))
            case ast.BinOp(left=a, op=op, right=b):
                return self.binary(SIGNS[type(op)], self.tree(a, meant), self.tree(b, meant))
            case ast.Subscript(value=ast.Name(id=name), slice=at):
                entry = self.tree(ast.Name(name), {}) if name in self.bound else ("name", name)
                places = at.elts if isinstance(at, ast.Tuple) else [at]
                return ("at", entry, *(self.tree(i, {}) for i in places))
            case ast.Compare(left=a, ops=[op], comparators=[b]):
                x, y = self.tree(a, meant), self.tree(b, meant)
                return (RELATIONS[type(op)], x, y) if type(op) in RELATIONS else (TURNED[type(op)], y, x)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self.called(name, arguments, meant)
        raise Unspoken(ast.unparse(node))

    def minus(self, a: Tree) -> Tree:
        return ("num", -a[1]) if a[0] == "num" else ("*", ("num", -1), a)

    def binary(self, sign: str, a: Tree, b: Tree) -> Tree:
        """A scalar stands before the vector that it multiplies."""
        return (sign, b, a) if sign == "*" and self.is_vector(a) and not self.is_vector(b) else (sign, a, b)

    def is_vector(self, tree: Tree) -> bool:
        match tree:
            case ("name", name):
                return name in self.vectors
            case ("op", _, _):
                return True
            case (("+" | "-" | "*"), a, b):
                return self.is_vector(a) or self.is_vector(b)
            case ("/", a, _):
                return self.is_vector(a)
        return False

    def called(self, name: str, arguments: list[ast.expr], meant: dict[str, Tree]) -> Tree:
        first = arguments[0]
        if name in {"Sum", "E"}:
            index = first.id if name == "Sum" else self.law["indicator"]  # type: ignore[attr-defined]
            self.bound.append(index)
            body = self.tree(arguments[-1], {k: v for k, v in meant.items() if k != index})
            self.bound.pop()
            return ("sum", ("name", f"size_{self.sorts[index]}"), body) if name == "Sum" else ("E", body)
        if name == "mean":
            drawn = self.tree(first, meant)
            return self.means[drawn[1]]
        if name in SCHEMAS:
            words, body = SCHEMAS[name]
            values = [self.tree(a, meant) for a in arguments]
            return self.tree(self.node(body), dict(zip(words.split(), values, strict=True)))
        values = [self.tree(a, meant) for a in arguments]
        operator = meant.get(name, ("name", name))[1]
        if operator == "P" or operator in self.operators:
            return ("op", operator, *values)
        if name in {"sq", "dot"}:
            return (name, *values)
        raise Unspoken(f"{name}(...)")

    # -- what the file has to say -----------------------------------------------------------------------------

    def binders(self) -> dict[str, str]:
        """Every name with its type in Coq."""
        out = {**dict.fromkeys(self.numbers, "R"), **dict.fromkeys(self.operators, "V -> V")}
        out |= {**dict.fromkeys(self.vectors, "V")}
        out |= {array: table(kinds) for array, kinds in self.arrays.items()}
        out |= {f"size_{s}": "nat" for s in self.sizes}
        return {**out, "E": f"(({table(self.law['on'])}) -> R) -> R"} if self.law else out

    def level(self, name: str) -> int:
        _, _, mean, time = self.vectors[name]
        return time + bool(mean)

    def assumed(self) -> list[Tree]:
        """All that a statement assumes: of its names, of sizes and laws, its domain and its hypotheses."""
        out: list[Tree] = []
        for name, (kind, _, _, time) in self.operators.items():
            out += [
                ("operator", ("num", time), ("name", name)),
                *[("commutes", ("name", name))] * (kind == "common"),
            ]
        for name, (kind, _, _, time) in self.vectors.items():
            out += [("F", ("num", self.level(name)), ("name", name))]
            out += [("common", ("name", name))] * (kind == "common")
            if name in self.means:
                out.append(("drawn", ("num", time), ("name", name), self.means[name]))
        out += [("=", ("INR", ("name", f"size_{s}")), self.read(t)) for s, t in self.sizes.items()]
        if self.law:
            tables = any(len(kinds.split()) > 1 for kinds in [*self.arrays.values(), self.law["on"]])
            out.append(self.random_table() if tables else self.inclusion())
        given = [*self.statement.get("domain", []), *self.statement.get("given", {}).values()]
        return [*out, *map(self.everywhere, given)]

    def inclusion(self) -> Tree:
        """The indicators' law: in the set with this probability."""
        sort, text = self.law["on"], self.law["parameter"]
        if self.law["kind"] == "deal":
            text = f"({text})/({self.sizes[sort]})"
        index = next(i for i, s in self.sorts.items() if s == sort)
        self.bound = [index]
        chance = self.read(text)
        self.bound = []
        return ("inclusion", ("name", f"size_{sort}"), ("fun", chance), ("name", "E"))

    def random_table(self) -> Tree:
        """The law of a random table: the sizes of its sides, then a chance in each cell or the cards of a hand."""
        sides = self.law["on"].split()
        sizes = [("name", f"size_{side}") for side in sides]
        if self.law["kind"] == "deal":
            return (f"deal{len(sides)}", *sizes, self.read(self.law["parameter"]), ("name", "E"))
        if self.law["kind"] != "coins":
            raise Unspoken(f"a table of {self.law['kind']}")
        self.bound = [next(i for i, s in self.sorts.items() if s == side) for side in sides]
        chance = self.read(self.law["parameter"])
        self.bound = []
        for _ in sides:
            chance = ("fun", chance)
        return (f"coins{len(sides)}", *sizes, chance, ("name", "E"))

    def everywhere(self, text: str) -> Tree:
        """A relation; with free indices it holds at all of them, the first declared outermost."""
        node = self.node(text)
        sums = {
            n.args[0].id  # type: ignore[attr-defined]
            for n in ast.walk(node)
            if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Sum"
        }
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        free = [i for i in self.sorts if i in used - sums]
        self.bound = free[:]
        out = self.read(text)
        for depth, i in list(enumerate(free, start=1))[::-1]:
            out = ("forall", ("->", ("<", ("#", depth), ("name", f"size_{self.sorts[i]}")), out))
        self.bound = []
        return out

    def claims(self) -> list[Tree]:
        return list(map(self.read, self.statement["claim"]))

    # -- runs -------------------------------------------------------------------------------------------------

    def each_step(self) -> set[str]:
        """The names that are not the same at every step."""
        run = self.statement["run"]
        fixed = {*run["fixed"].split(), *self.statement.get("params", "").split()}
        fixed |= {v for v, (_, _, _, time) in self.operators.items() if time == 0}
        return set(self.binders()) - fixed

    def at(self, tree: Any, step: Tree) -> Any:
        """A tree at a step of the run."""
        each = self.each_step()
        match tree:
            case ("name", name) if name in each:
                return ("at", tree, step)
            case ("op", name, a) if name in each:
                return ("op", ("at", ("name", name), step), self.at(a, step))
            case tuple():
                return tuple(self.at(t, step) if isinstance(t, tuple) else t for t in tree)
        return tree

    def run_binders(self) -> dict[str, str]:
        each = self.each_step()
        names = {v: f"nat -> {kind}" if v in each else kind for v, kind in self.binders().items()}
        return {**names, "clock": "nat -> nat", "steps": "nat"}

    def running(self, assumed: str, arguments: list[str]) -> list[Tree]:
        """What a run is: the assumptions at every step, seen from the time at which it begins, and the next state."""
        step, steps = ("#", 1), ("name", "steps")
        given = [self.at(("name", v), step) for v in arguments]
        out = [(assumed, ("later", ("clock", step)), *given)]
        for name, text in self.statement["run"]["next"].items():
            out.append(("=", ("at", ("name", name), ("S", step)), self.at(self.read(text), step)))
        return [("forall", ("->", ("<", step, steps), t)) for t in out]

    def run_claim(self) -> Tree:
        """V_k + sum_t r^(k-1-t) gain_t <= r^k V_0 + noise sum_t r^t."""
        run, steps, step = self.statement["run"], ("name", "steps"), ("#", 1)
        potential, rate, gain, noise = (self.read(run[k]) for k in ("potential", "rate", "gain", "noise"))
        weight = ("^", rate, ("-", ("-", steps, ("num", 1)), step))
        gains = ("sum", steps, ("*", weight, self.at(gain, step)))
        first = ("*", ("^", rate, steps), self.at(potential, ("num", 0)))
        floor = ("*", noise, ("sum", steps, ("^", rate, step)))
        return ("<=", ("+", self.at(potential, steps), gains), ("+", first, floor))
