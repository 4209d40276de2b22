"""Branches inside loops, joined where they end: the same program, written so that both ways of an `if` are run
in turn.

A loop over d entries with an `if` in it has 2^d ways through. The function's source is rewritten: `if c: A
else: B` runs A and B from the same state and joins what they leave by c; `a if c else b`, `and`, `or`,
`not` and inner functions likewise. That source is the program's is seen by compiling it: it must give the
very code object that is judged. Where it does not, or a branch leaves its loop or function, the program is
run as it is.

What may be changed: more statements that come back to their end, each joined as Python would leave it. What
must not: the rewritten program does for known tests exactly what the program does, and a construct that is
not understood is left as it is, so that it costs ways and no truth.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from types import CodeType

LEAVES = (
    ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom, ast.Await, ast.Raise, ast.Global, ast.Nonlocal,
    ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Try, ast.With, ast.Delete, ast.NamedExpr,
)  # fmt: skip
"""What may leave a branch in a way that does not come back to its end."""
CHANGES = ("append", "extend", "pop", "insert", "remove", "sort", "reverse", "fill", "shuffle", "clear", "update", "at",
           "add", "put")  # fmt: skip
"""Methods that change what they are called on, or are given."""


def rewritten(code: CodeType) -> CodeType | None:
    """The code of the rewritten function; None where its source is not known to be its own."""
    try:
        return _rewritten(code, code.co_filename, "".join(linecache.getlines(code.co_filename)))
    except (OSError, SyntaxError, ValueError):
        return None


@lru_cache(256)  # a program is traced several times; equal code of equal text is rewritten equally
def _rewritten(code: CodeType, filename: str, source: str) -> CodeType | None:
    """The code of the definition after its branches were rewritten; None where it is not found once."""
    own = _only(code, _compiled(filename, source))
    # Code objects compare by instructions, constants and names: equal ones mean that this text is the
    # source.
    if own is None or own != code:
        return None
    # Only the top-level statement around the definition is compiled again, with the file's own future
    # imports, so that its code objects keep their names and lines.
    part = _around(ast.parse(source), code)
    node = _definition(part, code)
    if node is None or _taken(node):
        return None
    Branches().inside(node)
    ast.fix_missing_locations(part)
    return _only(code, compile(part, filename, "exec", dont_inherit=True))


@lru_cache(8)
def _compiled(filename: str, source: str) -> CodeType:
    """The code of a file. Its tree, which anybody could change, is not kept."""
    return compile(source, filename, "exec", dont_inherit=True)


def _around(tree: ast.Module, code: CodeType) -> ast.Module:
    """A copy of the statement of the module that holds the code, under its imports from __future__."""
    line = code.co_firstlineno
    begins = [min(n.lineno for n in (s, *getattr(s, "decorator_list", ()))) for s in tree.body]
    held = [s for s, first in zip(tree.body, begins, strict=True) if first <= line <= (s.end_lineno or 0)]
    future = [s for s in tree.body if isinstance(s, ast.ImportFrom) and s.module == "__future__"]
    return ast.Module(deepcopy([*future, *held]), [])


OWN = re.compile(r"__(fork|way)\d+__|__(fork|choose|both|either|not|alone|locals)__")
"""Names that the rewriting uses; a class does not mangle what ends like this."""
MANGLED = re.compile(r"__\w*(?<!__)")
"""Names that mean others inside a class."""


def _taken(node: ast.FunctionDef) -> bool:
    """True where the program uses one of these names itself, or names that locals() may call otherwise."""
    words = [getattr(n, "id", getattr(n, "arg", getattr(n, "name", None))) for n in ast.walk(node)]
    return any(isinstance(w, str) and (OWN.fullmatch(w) or MANGLED.fullmatch(w)) for w in words)


def _only(wanted: CodeType, module: CodeType) -> CodeType | None:
    """The one code object of this name and first line."""
    found = [
        c for c in _nested(module) if (c.co_name, c.co_firstlineno) == (wanted.co_name, wanted.co_firstlineno)
    ]
    return found[0] if len(found) == 1 else None


def _nested(code: CodeType) -> Iterator[CodeType]:
    """The code objects inside."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _nested(inner)


def _definition(tree: ast.Module, code: CodeType) -> ast.FunctionDef | None:
    """The definition that compiles to this code: first lines are those of decorators, where there are any."""
    found = [
        n for n in ast.walk(tree)
        if isinstance(n, ast.FunctionDef) and n.name == code.co_name
        and min([n.lineno, *(d.lineno for d in n.decorator_list)]) == code.co_firstlineno
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    """A call of a helper of `forks`."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _later(body: ast.expr) -> ast.Lambda:
    """The expression as a function without arguments."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, body)


def _pure(*parts: ast.AST) -> bool:
    """True for expressions and functions that store into nothing that lives on."""
    for part in parts:
        for n in ast.walk(part):
            # Stores, methods that change, and names of outer functions would last beyond the expression.
            if isinstance(n, ast.Subscript | ast.Attribute) and not isinstance(n.ctx, ast.Load):
                return False
            if isinstance(n, ast.Attribute) and n.attr in CHANGES:
                return False
            if isinstance(
                n, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await | ast.Global | ast.Nonlocal
            ):
                return False
    return True


class Branches(ast.NodeTransformer):
    """Rewrites one function."""

    def __init__(self) -> None:
        self.count = 0

    def inside(self, node: ast.FunctionDef) -> None:
        """The body of the function itself."""
        node.body = self._all(node.body)

    def _all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Statement by statement; an `if` becomes several."""
        out: list[ast.stmt] = []
        for statement in body:
            found: ast.stmt | list[ast.stmt] = self.visit(statement)
            out += found if isinstance(found, list) else [found]
        return out

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """An inner function without effects is joined where it returns."""
        # Asked before the body is rewritten: the helpers' calls are no effects of the program.
        alone = _pure(*node.body) and not node.decorator_list
        self.inside(node)
        if alone:
            node.decorator_list = [ast.Name("__alone__", ast.Load())]
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """A lambda without effects, likewise."""
        alone = _pure(node.body)
        self.generic_visit(node)
        return _call("__alone__", node) if alone else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """a if c else b, where neither side has effects."""
        alone = _pure(node.body, node.orelse)
        self.generic_visit(node)
        return _call("__choose__", node.test, _later(node.body), _later(node.orelse)) if alone else node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """and, or: the second operand waits, as in Python."""
        alone = _pure(*node.values)
        self.generic_visit(node)
        if not alone:
            return node
        name = "__both__" if isinstance(node.op, ast.And) else "__either__"
        # From the right: a and (b and c).
        out = node.values[-1]
        for v in reversed(node.values[:-1]):
            out = _call(name, v, _later(out))
        return out

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """not: Python's would ask for a truth."""
        self.generic_visit(node)
        return _call("__not__", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """a < b < c as a < b and b < c, where the middle is a name, a constant or a field, which may be read
        twice.
        """
        self.generic_visit(node)
        # Python evaluates the middle once: only what may be evaluated twice without a difference is split.
        between = node.comparators[:-1]
        if not between or not all(isinstance(b, ast.Name | ast.Constant | ast.Attribute) for b in between):
            return node
        sides = [node.left, *node.comparators]
        pairs: list[ast.expr] = [
            ast.Compare(a, [op], [b]) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)
        ]
        out = pairs[-1]
        for p in reversed(pairs[:-1]):
            out = _call("__both__", p, _later(out))
        return out

    def visit_For(self, node: ast.For) -> ast.AST:
        """`continue` first, then the statements inside."""
        node.iter = self.visit(node.iter)
        node.body, node.orelse = self._all(_continued(node.body)), self._all(node.orelse)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        """As for `for`."""
        node.test = self.visit(node.test)
        node.body, node.orelse = self._all(_continued(node.body)), self._all(node.orelse)
        return node

    def visit_If(self, node: ast.If) -> object:
        """Forked, unless something in it leaves the branch."""
        # return, break, raise and their like end the branch elsewhere: such an `if` is left to `paths`,
        # which runs the program once for each way.
        stays = not any(isinstance(n, LEAVES) for part in (*node.body, *node.orelse) for n in ast.walk(part))
        node.test = self.visit(node.test)
        node.body, node.orelse = self._all(node.body), self._all(node.orelse)
        return self._forked(node) if stays else node

    def _forked(self, node: ast.If) -> list[ast.stmt]:
        """`for way in fork(test, locals()): names = fork.start(...); if way: A else: B; fork.end(locals())`,
        then joined.
        """
        self.count += 1
        fork, way = f"__fork{self.count}__", f"__way{self.count}__"
        inside = [n for part in (*node.body, *node.orelse) for n in ast.walk(part) if isinstance(n, ast.Name)]
        # Only what a branch stores has to be joined; all else is what it was, or is changed in place.
        names = sorted({n.id for n in inside if isinstance(n.ctx, ast.Store) and not OWN.fullmatch(n.id)})
        held: ast.expr = ast.Tuple([ast.Constant(n) for n in names], ast.Load())
        targets = ast.Tuple([ast.Name(n, ast.Store()) for n in names], ast.Store())

        def ask(method: str, *arguments: ast.expr) -> ast.expr:
            """A call of the fork's method."""
            return ast.Call(
                ast.Attribute(ast.Name(fork, ast.Load()), method, ast.Load()), list(arguments), []
            )

        def assigned(method: str) -> list[ast.stmt]:
            """The stored names from the fork's method."""
            return [ast.Assign([targets], ask(method, held))] if names else []

        inner = ast.If(ast.Name(way, ast.Load()), node.body, node.orelse)
        body = [*assigned("start"), inner, ast.Expr(ask("end", _call("__locals__")))]
        begun = ast.Assign([ast.Name(fork, ast.Store())], _call("__fork__", node.test, _call("__locals__")))
        # A loop, so that `locals()` and stores stay in the program's own frame.
        loop = ast.For(ast.Name(way, ast.Store()), ast.Name(fork, ast.Load()), body, [])
        made: list[ast.stmt] = [begun, loop, *assigned("joined")]
        return [ast.copy_location(s, node) for s in made]


def _continued(body: list[ast.stmt]) -> list[ast.stmt]:
    """`if c: A; continue` and what follows it, as `if c: A else: ...`."""
    for k, s in enumerate(body):
        # `continue` at the end of a branch only skips the rest of the loop's body: the rest becomes its
        # `else`, and the branch comes back.
        leaves = isinstance(s, ast.If) and not s.orelse and isinstance(s.body[-1], ast.Continue)
        if leaves and isinstance(s, ast.If):
            rest = _continued(body[k + 1 :])
            kept = s.body[:-1] or [ast.copy_location(ast.Pass(), s)]
            return [*body[:k], ast.copy_location(ast.If(s.test, kept, rest), s)]
    return body
