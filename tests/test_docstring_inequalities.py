"""Every `Holds:` line of a docstring in compth is evaluated on its grid; a false one is found.

A line reads `Holds: A <= B [<= C] [where CONDITION] for NAME in RANGE, NAME in RANGE` and ends at the next blank line.
A range is {values} or an interval [low, high], which is tried at 241 points.
"""

import ast
import importlib
import math
import operator
import re
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import compth

ROOT = Path(compth.__file__).parent
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Mod: operator.mod,
}


def evaluate(node, names):
    """Arithmetic, names, and calls of functions that the module has."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -evaluate(node.operand, names)
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](evaluate(node.left, names), evaluate(node.right, names))
    assert isinstance(node, ast.Call), ast.dump(node)
    return names[node.func.id](*(evaluate(a, names) for a in node.args))


@lru_cache
def parsed(text):
    """The expression's tree."""
    return ast.parse(text.strip(), mode="eval").body


def holds(text, names):
    """True when every comparison of the chain does, rounding aside."""
    chain = parsed(text)
    assert isinstance(chain, ast.Compare), text
    values = [float(evaluate(n, names)) for n in (chain.left, *chain.comparators)]
    for op, left, right in zip(chain.ops, values, values[1:], strict=False):
        gap = {ast.LtE: left - right, ast.GtE: right - left}[type(op)]
        if not gap <= 1e-12 * max(1e-3, abs(left), abs(right)):
            return False
    return True


def grid(text):
    """Name -> the values to try."""
    found = {}
    for name, kind, inside in re.findall(r"(\w+) in ([\[{])([^\]}]*)[\]}]", text):
        numbers = [ast.literal_eval(v.strip()) for v in inside.split(",")]
        found[name] = np.linspace(*numbers, 241).tolist() if kind == "[" else numbers
    assert found, text
    return found


def counterexample(line, module):
    """A point of the grid at which the line is false, or None; and how many points its condition lets through."""
    statement, ranges = line.split(" for ", 1)
    statement, _, condition = statement.partition(" where ")
    tried = 0
    values = grid(ranges)
    for point in product(*values.values()):
        names = {**vars(module), "sqrt": math.sqrt, **dict(zip(values, point, strict=True))}
        if condition and not holds(condition, names):
            continue
        tried += 1
        if not holds(statement, names):
            return dict(zip(values, point, strict=True)), tried
    return None, tried


def lines():
    """(module, line) for every `Holds:` in a docstring."""
    for file in sorted(ROOT.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if "Holds: " not in source:
            continue
        name = ".".join(["compth", *file.relative_to(ROOT).with_suffix("").parts])
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for block in re.split(r"\n\s*\n", ast.get_docstring(node) or ""):
                    if block.startswith("Holds: "):
                        yield name, " ".join(block.removeprefix("Holds: ").split())


FOUND = list(lines())


def test_there_are_such_lines_and_none_is_hidden_in_a_paragraph():
    texts = [f.read_text(encoding="utf-8") for f in ROOT.rglob("*.py")]
    assert len(FOUND) == sum(t.count("Holds: ") for t in texts) >= 5


@pytest.mark.parametrize(("name", "line"), FOUND)
def test_what_a_docstring_says_holds(name, line):
    false, tried = counterexample(line, importlib.import_module(name))
    assert false is None, false
    assert tried >= 10


@pytest.mark.parametrize(
    ("line", "at"),
    [
        # what euclidean_omega said before: wrong as soon as y > 1/s
        ("(s*y % 1) * (1 - s*y % 1) / s**2 <= y / s - y**2 for y in [0, 1], s in {1, 2}", {"s": 2}),
        # the bound in use, below its range of d
        (
            "(s*y % 1) * (1 - s*y % 1) / s**2 <= (sqrt(d) * y**2 + 1 / sqrt(d)) / (2 * s) - y**2"
            " where d >= s**2 for y in [0, 1], s in {2}, d in {8}",
            {"s": 2, "d": 8},
        ),
        ("1 <= x <= 2 for x in {1, 2, 2.001}", {"x": 2.001}),
        ("x >= 0 for x in {0, -0.001}", {"x": -0.001}),
    ],
)
def test_a_false_line_is_found(line, at):
    false, _ = counterexample(line, math)
    assert false is not None
    assert at.items() <= false.items()
    assert false.get("y", 1) > 1 / false.get("s", 2)
