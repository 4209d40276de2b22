"""The trusted part of a proof is small, exact and self-contained, counted in lines as the formatter writes them."""

import ast
import io
import sys
import tokenize
from pathlib import Path

import pytest

PROOF = Path(__file__).resolve().parents[2] / "compth" / "proof"
TRUSTED = ("kernel.py", "axioms.py")
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text):
    """Lines with code: no blank lines, comments or docstrings."""
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = {row for t in tokens if t.type not in LAYOUT for row in range(t.start[0], t.end[0] + 1)}
    return len(lines - docstrings)


def objections(text):
    """What has no place in a trusted file: floats, evaluation, imports beyond the standard library, packing."""
    found = []
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
        found += [n for n in names if n.split(".")[0] not in sys.stdlib_module_names]
        if isinstance(node, ast.ImportFrom) and node.level:
            found += [] if f"{node.module}.py" in TRUSTED else [f".{node.module}"]
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            found.append(repr(node.value))
        if isinstance(node, ast.Name) and node.id in {
            "float",
            "complex",
            "eval",
            "exec",
            "compile",
            "__import__",
        }:
            found.append(node.id)
        if isinstance(node, ast.Attribute) and node.attr in {
            "import_module",
            "literal_eval",
            "limit_denominator",
        }:
            found.append(node.attr)
    rows = [n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt)]
    found += [f"two statements in line {r}" for r in set(rows) if rows.count(r) > 1]
    return found + ["formatter switched off"] * ("fmt: " in text)


def test_the_trusted_part_is_at_most_400_lines():
    assert sum(code_lines((PROOF / name).read_text()) for name in TRUSTED) <= 400


@pytest.mark.parametrize("name", TRUSTED)
def test_trusted_files_are_exact_and_self_contained(name):
    assert objections((PROOF / name).read_text()) == []


def test_the_count_counts_code():
    text = '"""One\ntwo."""\n\nx = 1  # comment\n# comment\n\n\n'
    text += 'def f():\n    """Doc."""\n    return (\n        x\n    )\n'
    assert code_lines(text) == 5


@pytest.mark.parametrize(
    "line",
    [
        "import numpy",
        "from sympy import S",
        "from .models import Model",
        "x = 0.5",
        "x = eval('1')",
        "x = float(1)",
        "import ast\nast.literal_eval('1')",
        "x = 1; y = 2",
        "x = 1  # fmt: skip",
    ],
)
def test_what_has_no_place_in_a_trusted_file_is_found(line):
    assert objections(line)
