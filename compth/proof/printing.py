"""Statements and certificates as a person reads them: plain text and LaTeX. No part of soundness."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from compth.proof.meaning import MEANING

GREEK = {"mu": r"\mu", "om": r"\omega", "omega": r"\omega", "ga": r"\gamma", "al": r"\alpha", "de": r"\delta"}
GREEK |= {"rho": r"\rho", "th": r"\theta", "be": r"\beta", "eta": r"\eta", "la": r"\lambda", "xs": r"x^\star"}
GREEK |= {
    "tau": r"\tau",
    "theta": r"\theta",
    "zeta2": r"\zeta_2",
    "nu": r"\nu",
    "lam": r"\lambda",
    "LL": r"\mathcal{L}",
    "LLw": r"\mathcal{L}_w",
}
RELATIONS = {ast.LtE: r"\le", ast.Lt: "<", ast.GtE: r"\ge", ast.Gt: ">", ast.Eq: "="}


def _paper(text: str) -> str:
    return text


def as_text(statement: dict[str, Any], certificate: dict[str, Any]) -> str:
    """Theorem, hypotheses and proof, one line each."""
    return _write(statement, certificate, _paper)


def as_latex(statement: dict[str, Any], certificate: dict[str, Any]) -> str:
    """The same with every formula in LaTeX mathematics."""
    return _write(statement, certificate, lambda text: f"${latex(text)}$")


def _write(statement: dict[str, Any], certificate: dict[str, Any], say: Callable[[str], str]) -> str:
    def called(name: str) -> str:
        return name if name in statement.get("given", {}) else say(name)

    out = [f"Theorem {statement.get('name', '')}. {statement.get('title', '')}".rstrip()]
    if statement.get("params"):
        domain = ", ".join(say(t) for t in statement.get("domain", []))
        out.append(f"Parameters: {domain or statement['params']}.")
    out.extend(f"Vector: {text}." for text in statement.get("vectors", []))
    if statement.get("law"):
        law = statement["law"]
        out.append(f"Law of {law['indicator']}[{law['on']}]: {law['kind']}, {law['parameter']}.")
    for name, text in statement.get("let", {}).items():
        out.append(f"Write {say(name)} = {say(text)}.")
    for name, text in statement.get("given", {}).items():
        out.append(f"({name}) {say(text)}: {MEANING[text.split('(')[0]]}.")
    out.append("Claim: " + " and ".join(say(c) for c in statement["claim"]) + ".")
    for step in certificate["steps"]:
        uses = [f"({called(name)}) by {say(m)}" for name, m in step.get("use", {}).items()]
        line = "Multiply " + ", ".join(uses) + " and add. " if uses else ""
        rest = " + ".join(say(t) for t in step.get("terms", []))
        line += f"What remains is {rest} >= 0. " if rest else ""
        out.append(f"{line}Hence {say(step['show'])}.")
    if "run" in statement:
        kind = "telescope" if statement["run"]["gain"] != "0" else "iterate"
        moves = ", ".join(f"{k} -> {v}" for k, v in statement["run"]["next"].items())
        out.append(f"Over a run ({kind}; {moves}): the one-step claim applies at every step.")
    return "\n".join(out)


def latex(text: str) -> str:
    """A text of the kernel's language as LaTeX mathematics."""
    return _latex(ast.parse(text.strip(), mode="eval").body, 0)


def _name(name: str) -> str:
    """x, x_s, D_1, s_2w; a longer name is a word."""
    if len(name) == 1:
        return name
    indexed = len(name) == 2 or name[1].isdigit()
    return rf"{name[0]}_{{{name[1:]}}}" if indexed else rf"\mathrm{{{name.replace('_', ' ')}}}"


def _latex(node: ast.AST, tight: int) -> str:
    """tight: 0 anything, 1 inside a product, 2 under a power."""
    match node:
        case ast.Constant(value=c):
            return str(c)
        case ast.Name(id=name):
            return GREEK.get(name) or _name(name)
        case ast.Compare(left=a, ops=[op], comparators=[b]):
            return f"{_latex(a, 0)} {RELATIONS[type(op)]} {_latex(b, 0)}"
        case ast.UnaryOp(operand=a):
            return "-" + _latex(a, 1)
        case ast.BinOp(left=a, op=ast.Div(), right=b):
            out = rf"\frac{{{_latex(a, 0)}}}{{{_latex(b, 0)}}}"
            return rf"\left({out}\right)" if tight == 2 else out
        case ast.BinOp(left=a, op=ast.Pow(), right=b):
            return f"{_latex(a, 2)}^{{{_latex(b, 0)}}}"
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            out = rf"{_latex(a, 1)}\,{_latex(b, 1)}"
            return rf"\left({out}\right)" if tight == 2 else out
        case ast.BinOp(left=a, op=op, right=b):
            sign = "+" if isinstance(op, ast.Add) else "-"
            out = f"{_latex(a, 0)} {sign} {_latex(b, 1 if sign == '-' else 0)}"
            return rf"\left({out}\right)" if tight else out
        case ast.Subscript(value=a, slice=i):
            return f"{_latex(a, 2)}_{{{ast.unparse(i)}}}"
        case ast.Call(func=ast.Name(id="sq"), args=[a]):
            return rf"\mathbb{{E}}\left\|{_latex(a, 0)}\right\|^2"
        case ast.Call(func=ast.Name(id="dot"), args=[a, b]):
            return rf"\mathbb{{E}}\left\langle {_latex(a, 0)}, {_latex(b, 0)}\right\rangle"
        case ast.Call(func=ast.Name(id="Sum"), args=[i, a]):
            return rf"\sum_{{{_latex(i, 0)}}} {_latex(a, 1)}"
        case ast.Call(func=ast.Name(id=name), args=args):
            return rf"\mathrm{{{name.replace('_', ' ')}}}({', '.join(_latex(a, 0) for a in args)})"
    return ast.unparse(node)
