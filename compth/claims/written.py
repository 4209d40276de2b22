"""Claims written as text: "Unbiased(d/k - 1)", "JointVariance(1, 1)", or a bare constant for --omega and --delta.

Expressions are parsed (`text.expressions`), never evaluated as Python. A new claim class has a line in KINDS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from compth._numbers import Number
from compth.claims import (
    B1,
    B2,
    JOINT,
    AbsoluteError,
    BiasVariance,
    Claim,
    Contractive,
    JointContractive,
    JointVariance,
    MaxNormError,
    RelativeAbsoluteError,
    Unbiased,
)
from compth.errors import InvalidParameter
from compth.text.expressions import decimal, parse

KINDS: dict[str, tuple[type[Claim], tuple[str, ...]]] = {
    "Unbiased": (Unbiased, ("omega",)),
    "Contractive": (Contractive, ("delta",)),
    "BiasVariance": (BiasVariance, ("eta", "omega")),
    "AbsoluteError": (AbsoluteError, ("Delta",)),
    "B1": (B1, ("alpha", "beta")),
    "B2": (B2, ("gamma", "beta")),
    "RelativeAbsoluteError": (RelativeAbsoluteError, ("delta", "Delta")),
    "MaxNormError": (MaxNormError, ("c",)),
    "JointVariance": (JointVariance, ("A", "B")),
    "JointContractive": (JointContractive, ("delta",)),
}


def claims_of(texts: Sequence[str] | None, parameters: Mapping[str, object]) -> list[Claim] | None:
    """Claims from their texts; names other than d take their values from `parameters`. None stays None.

    A parameter given as text ("0.1") is the decimal that it spells.
    """
    return [claim_of(text, parameters) for text in texts] if texts else None


def claim_of(text: str, parameters: Mapping[str, object]) -> Claim:
    """One claim "Kind(expr, ...)"; joint claims take the number of workers as a last constant, default 1.

    Raises InvalidParameter with one clear line.
    """
    name, bracket, rest = text.strip().partition("(")
    if name not in KINDS or not bracket or not rest.endswith(")"):
        raise InvalidParameter(
            f"claim={text!r} cannot be read: write {' or '.join(f'{k}(...)' for k in KINDS)}"
        )
    kind, fields = KINDS[name]
    parts = split_arguments(rest[:-1])
    workers: dict[str, Number] = (
        {"n": _workers(parts.pop(), text)} if kind in JOINT and len(parts) == len(fields) + 1 else {}
    )
    if len(parts) != len(fields):
        raise InvalidParameter(f"claim={text!r} has {len(parts)} constants: {name} takes {', '.join(fields)}")
    constants: dict[str, Number] = {f: _constant(p, parameters) for f, p in zip(fields, parts, strict=True)}
    return kind(**constants, **workers)


def _workers(part: str, text: str) -> int:
    """The number of workers in a claim's text. Raises InvalidParameter."""
    if not part.isdigit() or int(part) < 1:
        raise InvalidParameter(f"claim={text!r}: n={part} must be a whole number of workers, at least 1")
    return int(part)


def split_arguments(text: str) -> list[str]:
    """Split at commas outside brackets; "omega=..." keeps what follows the sign."""
    # Commas inside brackets belong to functions such as min(1, k/d).
    parts, depth, current = [], 0, ""
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += c
    return [p.split("=", 1)[-1].strip() for p in [*parts, current]]


def _constant(text: str, parameters: Mapping[str, object]) -> Callable[[int], Number]:
    """d -> the constant's value, other names bound to their parameters."""
    expression = parse(text, frozenset({"d", *parameters}), "; give others with --param NAME=VALUE")
    # A parameter typed as 0.1 on the command line means the decimal: a proof about the float next to it would
    # be about something that nobody wrote.
    used = {k: v for k, v in parameters.items() if k in expression.names and k != "d"}  # d is the dimension
    values = {k: decimal(v) if isinstance(v, str) else v for k, v in used.items()}
    return lambda d: expression(d=d, **values)
