"""How the package reads: annotations that say Any, functions' lengths, and how much is told beside the code."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "compth").rglob("*.py"))
ANYS = 60
"""How often the package may say Any, each with its reason."""
LONGEST = 60
"""Lines of code of a function."""
NARRATION, DOCSTRINGS = 0.05, 0.17
"""For each line of code."""


def anys(tree):
    """Lines of every Any, in annotations, aliases and casts; imports of the name are none."""
    for node in ast.walk(tree):
        names = (getattr(node, "id", ""), getattr(node, "attr", ""))
        if "Any" in names or (isinstance(node, ast.Constant) and node.value == "Any"):
            yield node.lineno


def test_annotations_say_what_a_thing_is():
    found = {path: len([*anys(ast.parse(path.read_text()))]) for path in MODULES}
    assert sum(found.values()) <= ANYS, (
        "name what the new thing is: a class, a Protocol, object where anything may come"
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("def f(x: Any, *y: list[Any]) -> Any: ...", 3),
        ("import typing\nx: typing.Any = 1", 1),
        ("Number = Any", 1),
        ("x = cast('Any', y)", 1),
        ("from typing import Any\nx: object = any([])", 0),
    ],
)
def test_an_any_is_seen(text, count):
    assert len([*anys(ast.parse(text))]) == count


def code_lines(function, lines):
    """Lines of a function's body that are code: no docstrings, comments or blanks, and not its parameters.

    The parameters of a command are its options with their help: they are a table, not a derivation.
    """
    told = set()
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            told |= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    body = range(function.body[0].lineno, function.end_lineno + 1)
    return sum(i not in told and lines[i - 1].strip()[:1] not in ("", "#") for i in body)


def too_long(path):
    text = path.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = code_lines(node, text.splitlines())
            if length > LONGEST:
                yield node.name, length


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_are_short(path):
    assert [*too_long(path)] == []


def test_a_long_function_is_seen(tmp_path):
    bad = tmp_path / "bad.py"
    body = "\n".join(["    x = 1", "    # why", ""] * 61)
    bad.write_text(f'def f(\n    a,\n    b,\n):\n    """Says.\n\n    More.\n    """\n{body}\n')
    assert [*too_long(bad)] == [("f", 61)]
    bad.write_text(bad.read_text().replace("    x = 1\n", "", 1))
    assert [*too_long(bad)] == []


def told(text):
    """(lines of code, of comments alone, of docstrings) of a module; blank ones are none of these."""
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
    }
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        for part in node.body if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(part, ast.Expr) and isinstance(getattr(part.value, "value", None), str):
                docstrings |= {*range(part.lineno, part.end_lineno + 1)}
    written = {i for i, line in enumerate(text.splitlines(), 1) if line.strip()}
    return len(written - comments - docstrings), len(comments), len(docstrings & written)


def test_derivations_and_interfaces_are_told():
    lines, comments, docstrings = map(sum, zip(*(told(p.read_text()) for p in MODULES), strict=True))
    assert comments >= NARRATION * lines
    assert docstrings >= DOCSTRINGS * lines


def test_what_is_told_is_counted():
    text = '"""Module.\n\nMore.\n"""\n# why\n# so\nX = 1  # beside\n"""A constant."""\n\n\ndef f():\n    return "# no"'
    assert told(text) == (3, 2, 4)
