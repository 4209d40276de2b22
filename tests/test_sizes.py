"""What may only shrink: annotations that say Any; and what must stay short: functions."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "compth").rglob("*.py"))
ANYS = 2617
"""How often the package says Any: lower it with every one that goes; at most 60, each with its reason, are to stay."""
LONGEST = 60
"""Lines of code of a function."""


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


def test_the_number_of_anys_falls_with_them():
    """A limit far above what there is would let new ones in."""
    assert sum(len([*anys(ast.parse(path.read_text()))]) for path in MODULES) > ANYS - 60


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
