"""The package's own lines as text for a script that needs no package: definitions, and what they use, nothing else.

Scripts judge by the very code that judged. Starting from a few functions, every definition that they reach is copied as
it stands; annotations are not followed, claims shrink to their constants and inequalities, `beside` falls away.

Whatever judges must be reachable from plain module-level functions without late imports or globals that are changed, or
it cannot be carried; a test runs a script of every kind without the package.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from compth.claims import Claim

PACKAGE = __name__.partition(".")[0]
DROPPED = ("beside",)
"""Decorators that mean nothing where there is one process."""


class _Module(NamedTuple):
    """Top-level statements of a module: what binds a name, what is imported, and what only acts."""

    text: str
    bound: dict[str, ast.stmt]
    imported: dict[str, tuple[str, str]]
    acting: list[ast.stmt]


@cache
def _module(name: str) -> _Module:
    """The statements of a module, read from its source once."""
    text = inspect.getsource(importlib.import_module(name))
    bound: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str, str]] = {}
    acting: list[ast.stmt] = []
    for node in ast.parse(text).body:
        names = list(_names(node))
        if isinstance(node, ast.Import):
            imported |= {a.asname or a.name: (a.name, "") for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {a.asname or a.name: (str(node.module), a.name) for a in node.names}
        elif names:
            bound |= dict.fromkeys(names, node)
        elif not isinstance(node, ast.If) and not _is_text(node):
            acting.append(node)
    return _Module(text, bound, imported, acting)


def _is_text(node: ast.stmt) -> bool:
    """True for a docstring of a module or of the name before it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names(node: ast.stmt) -> Iterator[str]:
    """Names that a statement binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    for target in targets:
        yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _used(node: ast.AST) -> Iterator[str]:
    """Names that a statement may read when it runs, annotations left out."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        if field == "decorator_list":
            value = [v for v in value if not _dropped(v)]
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _used(child)
    if isinstance(node, ast.Name):
        yield node.id


def _attributes(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(name, attribute) of what looks like module.function."""
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            yield child.value.id, child.attr


def _dropped(decorator: ast.expr) -> bool:
    """True for a decorator that falls away in a script."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in DROPPED


def _source(module: _Module, node: ast.stmt) -> str:
    """The statement's own lines, kept decorators included."""
    lines = module.text.splitlines()
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    gone = {n for d in decorators if _dropped(d) for n in range(d.lineno, (d.end_lineno or d.lineno) + 1)}
    kept = [lines[n - 1] for n in range(first, (node.end_lineno or first) + 1) if n not in gone]
    return "\n".join(kept)


class Carried:
    """What has been reached so far: names by module, and the imports from outside the package.

    `add` reaches a name, `text` prints what was reached; both follow what runs and leave annotations aside.
    """

    def __init__(self) -> None:
        self.parts: dict[tuple[str, int], str] = {}
        self.imports: dict[str, str] = {}
        self.owner: dict[str, str] = {}
        self.spaces: dict[str, set[str]] = {}
        self.renamed: dict[tuple[str, str], str] = {}
        self.reached: set[tuple[str, str]] = set()

    def add(self, module: str, name: str) -> None:
        """Reach a top-level name of a module; a name that two modules define is told apart by its module."""
        held = _module(module)
        if name in held.imported:
            self._import(name, *held.imported[name])
        elif name in held.bound:
            # A script has one namespace where the package has many: the second module's name gets its
            # module's name in it.
            if self.owner.setdefault(name, module) != module:
                self.renamed[module, name] = f"{name}_of_{module.rpartition('.')[2]}"
            self.reached.add((module, name))
            self._define(module, held, held.bound[name], name)

    def _import(self, name: str, module: str, what: str) -> None:
        """A name that a module imports: from outside an import line, from the package what it stands for."""
        if not module.startswith(PACKAGE):
            plain = f"from {module} import {what}" if what else f"import {module}"
            known = what or module
            self.imports[name] = plain if name == known else f"{plain} as {name}"
        elif inspect.ismodule(getattr(importlib.import_module(module), what, None)):
            self.spaces.setdefault(name, set())
        elif what and what != name:
            raise ValueError(f"{name} is another name for {module}.{what}")
        else:
            self.add(module, what)

    def _define(self, module: str, held: _Module, node: ast.stmt, name: str) -> None:
        """The lines of a definition, once, and then whatever they use."""
        where = (module, node.lineno)
        if where in self.parts:
            return
        thing = getattr(importlib.import_module(module), name)
        # A claim's class would bring its provenance, standings and with them most of the package. What judges
        # are its constants, its unit and its margins: the same lines on a plain namespace.
        if inspect.isclass(thing) and issubclass(thing, Claim):
            self.parts[where] = claim_class(thing)
            self.imports["SimpleNamespace"] = "from types import SimpleNamespace"
            node = ast.parse(self.parts[where])  # type: ignore[assignment]
        else:
            self.parts[where] = _source(held, node)
        self._follow(module, held, node)

    def _follow(self, module: str, held: _Module, node: ast.AST) -> None:
        """Reach every name that these lines read."""
        # A worklist in the form of a recursion: every name that the copied text reads is reached in turn,
        # until nothing new is. Statements that only act on names (a table filled by a loop) come along once
        # one of their names is carried.
        for used in dict.fromkeys(_used(node)):
            self.add(module, used)
        for name, attribute in _attributes(node):
            if name in self.spaces and name in held.imported:
                self.spaces[name].add(attribute)
                self.add(".".join(held.imported[name]), attribute)
        reached = {name for owner, name in self.reached if owner == module}
        for act in held.acting:
            if (module, act.lineno) not in self.parts and reached & set(_used(act)):
                self.parts[module, act.lineno] = _source(held, act)
                self._follow(module, held, act)

    def text(self) -> str:
        """Imports, then the definitions, module after module: what is used while defining comes first."""
        # Inside a module the order of lines is right already. Between modules a constant may be computed from
        # another module's while the script defines it, so imported modules come first, as Python would have
        # run them.
        order: list[str] = []
        for module in dict.fromkeys(m for m, _ in self.parts):
            _after(module, {m for m, _ in self.parts}, order)
        parts = sorted(self.parts, key=lambda where: (order.index(where[0]), where[1]))
        spaces = [
            f"{name} = SimpleNamespace({', '.join(f'{a}={a}' for a in sorted(held))})"
            for name, held in sorted(self.spaces.items())
        ]
        return "\n\n\n".join([*(self._told_apart(*where) for where in parts), *spaces])

    def _told_apart(self, module: str, line: int) -> str:
        """A part with the names replaced that two modules share; attributes of that name stay."""
        text = self.parts[module, line]
        for name, other in ((n, v) for (m, n), v in self.renamed.items() if m == module):
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", other, text)
        return text


def _after(module: str, among: set[str], order: list[str]) -> None:
    """Append a module to the order, after those that it imports."""
    if module in order:
        return
    for other, what in _module(module).imported.values():
        for name in (other, f"{other}.{what}"):
            if name in among:
                _after(name, among, order)
    order.append(module)


def claim_class(kind: type[Claim]) -> str:
    """A claim as its constants (attributes) and its inequalities, in the lines of `compth.claims`."""
    lines = [f"class {kind.__name__}(SimpleNamespace):", f'    """{inspect.getdoc(kind)}"""', ""]
    if kind.relative is not Claim.relative:
        lines += ["    relative = False", ""]
    else:
        lines += ["    relative = True", ""]
    own = (textwrap.dedent(inspect.getsource(f)) for f in (kind.unit, kind.margins))
    return "\n".join([*lines, *(textwrap.indent(text, "    ").rstrip() + "\n" for text in own)]).rstrip()


def carried(*roots: Callable[..., object]) -> tuple[str, str]:
    """(import lines, definitions) of functions and classes of the package and all that they use."""
    held = Carried()
    for root in roots:
        held.add(root.__module__, root.__name__)
    return "\n".join(sorted(set(held.imports.values()))), held.text()
