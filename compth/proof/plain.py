"""Texts of the kernel's language as a person writes them: hypotheses put in place, no zeros and ones. No soundness.

Formulas that theorems give have factors 1 and summands 0 in them, from a B or a noise that is absent. The statement
keeps them, since its hash does; what people read goes through `bare`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from compth._types import Json

from .mathematics import Mathematics, names_in, parsed

ZERO, ONE = ast.Constant(0), ast.Constant(1)
VANISHING = {"sq", "dot", "P", "Sum", "E"}


def _is(node: ast.AST, value: int) -> bool:
    """True for this number."""
    return isinstance(node, ast.Constant) and node.value == value


class _Bare(ast.NodeTransformer):
    """Without terms that are zero and factors that are one."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """0 + b, a - 0, 1*a and the like; what is left keeps its order."""
        a, b = self.visit(node.left), self.visit(node.right)
        match node.op:
            case ast.Add() if _is(a, 0):
                return b  # type: ignore[no-any-return]
            case ast.Add() | ast.Sub() if _is(b, 0):
                return a  # type: ignore[no-any-return]
            case ast.Sub() if _is(a, 0):
                return ast.UnaryOp(ast.USub(), b)
            case ast.Mult() if _is(a, 0) or _is(b, 0):
                return ZERO
            case ast.Mult() if _is(a, 1):
                return b  # type: ignore[no-any-return]
            case ast.Mult() | ast.Div() if _is(b, 1):
                return a  # type: ignore[no-any-return]
            case ast.Div() if _is(a, 0):
                return ZERO
        return ast.BinOp(a, node.op, b)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """sq(0), P(0), sums of 0: zero."""
        arguments = [self.visit(a) for a in node.args]
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in VANISHING and any(_is(a, 0) for a in arguments):
            return ZERO
        return ast.Call(node.func, arguments, [])


def bare(text: str) -> str:
    """A text without what adds and multiplies nothing: "(1)*x - (0)*y" is "x"."""
    return _close(ast.unparse(_Bare().visit(parsed(text))))


def _close(text: str) -> str:
    """Products without blanks, as the kernel's texts have them."""
    for sign in ("**", "*", "/"):
        text = text.replace(f" {sign} ", sign)
    return text


def written_out(statement: Json, text: str) -> str:
    """A hypothesis as the inequality that it is, with the indices at which it holds."""
    return bare(ast.unparse(Mathematics(statement).put_in(text))) + at_all(statement, text)


def at_all(statement: Json, text: str) -> str:
    """The indices at all of which a hypothesis holds: " for every i and j", or nothing."""
    # Indices that no sum binds: the hypothesis holds at all their values.
    node = Mathematics(statement).put_in(text)
    free = [i for i in statement.get("indices", {}) if i in names_in(node) - _bound(node)]
    return f" for every {' and '.join(free)}" if free else ""


def _bound(node: ast.AST) -> set[str]:
    """The indices that sums run over."""
    # Sum(i, e) binds i.
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.args[0], ast.Name)]
    return {c.args[0].id for c in calls if isinstance(c.func, ast.Name) and c.func.id == "Sum"}  # type: ignore[attr-defined]


def over_steps(run: Mapping[str, str]) -> str:
    """What one step's claim says of k of them.

    V+ + gain <= rate V + noise, step after step: gains and noises with powers of the rate; plain sums at rate 1.
    """
    rate, gain, noise = (_factor(bare(run[key])) for key in ("rate", "gain", "noise"))
    if rate == "1":
        left = "V_k" + (f" + (sum of {gain} over the steps)" if gain != "0" else "")
        return f"{left} <= V_0" + (f" + k*{noise}" if noise != "0" else "")
    left = "V_k" + (f" + (sum over steps t of {rate}**(k - 1 - t)*{gain})" if gain != "0" else "")
    more = f" + {noise}*(sum over t < k of {rate}**t)" if noise != "0" else ""
    return f"{left} <= {rate}**k*V_0{more}"


def _factor(text: str) -> str:
    """In brackets where it is more than a name or number."""
    return text if text.isidentifier() or text.isdigit() else f"({text})"
