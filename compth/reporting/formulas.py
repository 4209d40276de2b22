"""Numbers and plain-text formulas in LaTeX's letters: "E||x_t - x*||^2", "V+ <= 0.9 V", 1/2, 1e-09."""

from __future__ import annotations

import re
from fractions import Fraction

from compth._numbers import Number
from compth.reporting.reports import latex_escape

GREEK = ("omega", "delta", "eta", "alpha", "beta", "gamma", "Delta", "mu", "kappa", "rho", "zeta", "theta", "sigma",
         "psi", "Phi", "lambda", "nu", "tau")  # fmt: skip
WORDS = {
    "||": r"\|",
    "**": "^",
    "<=": r"\leq ",
    ">=": r"\geq ",
    "*": r"\,",
    "grad": r"\nabla ",
    "sum": r"\sum",
    "E": r"\mathbb{E}\,",
    "xbar": r"\bar{x}",
    "ebar": r"\bar{e}",
    "gbar": r"\bar{g}",
    "mean": r"\frac{1}{n}\sum_i ",
}
"""How a token of plain arithmetic is set; Greek names, letters and words follow from their spelling."""
TOKENS = re.compile(r"\|\||\*\*|<=|>=|[A-Za-z]+(?:_[A-Za-z0-9]+)?|\d+(?:\.\d+)?(?:e[-+]?\d+)?|.")


def symbol(name: str) -> str:
    r"""omega as \omega, one letter as it is; other names upright."""
    if name in GREEK:
        return f"\\{name}"
    return name if len(name) == 1 else rf"\mathrm{{{latex_escape(name)}}}"


def value(given: Number) -> str:
    """A number: p/q as a fraction, 1.5e-05 as a power of ten, a formula of sympy as it writes it; text as read."""
    if hasattr(given, "free_symbols"):
        import sympy

        return str(sympy.latex(given))
    if isinstance(given, Fraction | int):
        whole = Fraction(given)
        sign, top = "-" if whole < 0 else "", abs(whole.numerator)
        return f"{sign}{top}" if whole.denominator == 1 else rf"{sign}\frac{{{top}}}{{{whole.denominator}}}"
    if isinstance(given, str):
        return _spelled(given)
    mantissa, power, exponent = f"{float(given):.6g}".partition("e")
    finite = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return rf"{mantissa}\cdot 10^{{{int(exponent)}}}" if power else finite


def _spelled(text: str) -> str:
    """A number's text as the number, any other as a formula."""
    try:
        return value(float(text) if "." in text or "e" in text else Fraction(text))
    except (ValueError, ZeroDivisionError):
        return formula(text)


def formula(text: str) -> str:
    """Plain arithmetic as metrics and claims hold it. The star of x* and the plus of V+ belong to their letter.

    Read token by token from the left; what is not known is set upright, never refused.
    """
    out: list[str] = []
    ahead = TOKENS.findall(text)[::-1]
    while ahead:
        # x* and V+ are single letters: their sign is an exponent and no operation.
        letter = bool(out) and out[-1] in ("x", "f", "F", r"\theta", "V", "e", "h")
        if ahead[-1] in "*+" and letter:
            out[-1] += f"^{{{ahead.pop()}}}"
        else:
            out.append(_next(ahead))
    return "".join(out)


def _next(ahead: list[str]) -> str:
    """What comes next, off the end of the reversed tokens: a power and a root with all that they reach over."""
    token = ahead.pop()
    if token in ("**", "^"):
        return _power(ahead)
    if token == "sqrt" and ahead[-1:] == ["("]:
        return rf"\sqrt{{{formula(_bracket(ahead))}}}"
    return _token(token)


def _power(ahead: list[str]) -> str:
    """An exponent: a sign, then a bracket without its brackets or one letter, number or root, and its own exponent."""
    _pass_spaces(ahead)
    # A sign belongs to the exponent only where something follows it.
    signed = ahead[-1:] in (["-"], ["+"]) and len(ahead) > 1 and (ahead[-2].isalnum() or ahead[-2] == "(")
    held = ahead.pop() if signed else ""
    if ahead and ahead[-1] == "(":
        inside = formula(_bracket(ahead))
        held += f"({inside})" if held else inside
    elif ahead:
        held += ahead.pop() if ahead[-1] in "*+" else _next(ahead)
    if re.match(r" *(\*\*|\^)", "".join(ahead[::-1])):
        _pass_spaces(ahead)
        held += _next(ahead)
    return f"^{held}" if len(held) == 1 else f"^{{{held}}}"


def _pass_spaces(ahead: list[str]) -> None:
    """Take blanks off."""
    while ahead[-1:] == [" "]:
        ahead.pop()


def _bracket(ahead: list[str]) -> str:
    """The inside of the bracket that comes next, which is taken off."""
    inside, depth = [ahead.pop()], 1
    while ahead and depth:
        inside.append(ahead.pop())
        depth += {"(": 1, ")": -1}.get(inside[-1], 0)
    return "".join(inside[1:] if depth else inside[1:-1])


def _token(token: str) -> str:
    """One token in LaTeX: a word, a number, or a letter with its index."""
    if token in WORDS:
        return WORDS[token]
    if token[0].isdigit():
        return value(float(token)) if "e" in token else token
    base, _, index = token.partition("_")
    if not base.isalpha():
        return token if token in MATHS else latex_escape(token)
    below = f"_{{{symbol(index) if index.isalpha() else index}}}" if index else ""
    return WORDS.get(base, symbol(base)) + below


MATHS = " ()[]{}^_=<>+-/.,;:!'|"
"""Characters that mean the same in mathematics."""


def sentence(text: str) -> str:
    """Prose with its formulas in mathematics; commas, brackets and the words between them stay prose."""
    # A metric's text is prose around formulas: pieces with a relation or a norm are mathematics, the others
    # words.
    parts = re.split(r"(, allowed |, | with | on | \(bounded.*| \(an exact.*)", text)
    return "".join(f"${formula(p)}$" if re.search(r"\|\||[=<>^]|\w\*", p) else latex_escape(p) for p in parts)
