"""Combinations of a statement's vectors as texts of the kernel's language, as people write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sympy

from compth.methods.core.listing import Formula

Word = str | Mapping[str, Any]  # a vector of the statement, or a combination of some
Place = tuple[bool, str]  # averaged over the workers or not, the vector's name
Combination = dict[Place, Any]


def averaged_name(name: str) -> str:
    """v of the name P(v), "" of any other."""
    return name[2:-1] if name.startswith("P(") else ""


def number(c: Any) -> Any:
    """A coefficient of the trace, or a text of the statement, as a sympy expression."""
    if isinstance(c, Formula):
        c = c.it
    if isinstance(c, str):
        names = {k: sympy.Symbol(k, positive=True) for k in re.findall(r"[A-Za-z_]\w*", c)}
        return sympy.sympify(c, locals=names, rational=True)
    return sympy.nsimplify(c, rational=True) if isinstance(c, float) else sympy.sympify(c)


def short(c: Any) -> Any:
    """The coefficient as it came, or multiplied out where that is shorter; 0 where it vanishes."""
    return min((sympy.expand(c), sympy.factor_terms(c), c), key=lambda e: len(str(e)))


def spelled(c: Any) -> str:
    """A coefficient as a factor."""
    text = str(c)
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _times(c: Any, name: str, sizes: Collection[str] = ()) -> str:
    """The term with its sign in front; sizes are divided by, where others are factors."""
    sign = "-" if c.as_coeff_Mul()[0] < 0 else "+"
    c = -c if sign == "-" else c
    if str(1 / c) in sizes:
        return f"{sign} {name}/{1 / c}"
    return f"{sign} {name}" if c == 1 else f"{sign} {spelled(c)}*{name}"


def joined(found: Combination, sizes: Collection[str] = ()) -> str:
    """The combination as a text; averaged vectors stand in one P with their common factor in front."""
    averaged = {name: c for (mean, name), c in found.items() if mean}
    terms, done = [], False
    for (mean, name), c in found.items():
        if not mean:
            terms.append(_times(c, name, sizes))
        elif not done:
            done, common = True, _common(list(averaged.values()))
            inside = summed([_times(sympy.cancel(a / common), k) for k, a in averaged.items()])
            terms.append(_times(common, f"P({inside})"))
    return summed(terms)


def summed(terms: Sequence[str]) -> str:
    text = " ".join(terms) or "0"
    if text.startswith("- "):
        head, _, rest = text[2:].partition(" ")
        return f"-{head} {rest}".rstrip()
    return text.removeprefix("+ ")


def _common(factors: Sequence[Any]) -> Any:
    """A factor of all of them, with the sign of the first."""
    if any(not c.is_polynomial() for c in factors):
        common = (
            factors[0] if all(sympy.cancel(c / factors[0]).is_number for c in factors) else sympy.Integer(1)
        )
        return common
    common = sympy.gcd_list(list(factors))
    return -common if sympy.cancel(factors[0] / common).could_extract_minus_sign() else common


def signs_turned(text: str) -> str:
    """- (text), its outer signs turned, without the leading one."""
    out, depth = [], 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        outer = depth == 0 and c in "+-" and text[k + 1 : k + 2] == " "
        out.append({"+": "-", "-": "+"}[c] if outer else c)
    turned = "".join(out)
    return f"({text})" if text.startswith("-") else turned
