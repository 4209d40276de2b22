"""Targets: what a paper says, how sure we are that it says so, and the verdict on what we get."""

from __future__ import annotations

import importlib.util
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

Value = Any  # int | float | Fraction | str | bool | list of numbers
"""What a target says and what a run returns."""


class Standing(StrEnum):
    """Where the value comes from. Only READ and CODE are numbers of the paper or of its authors."""

    READ = "READ"
    CODE = "CODE"
    RECALLED = "RECALLED"
    DERIVED = "DERIVED HERE"


class Verdict(StrEnum):
    """What the table says of a target.

    REPRODUCED: a number or claim read in the paper (or in its authors' code) that compth recomputes. TRANSCRIBED: a
    formula of the paper, written into compth, against its own value: it tests the copy. DERIVED: a number of ours.
    RECALLED: nobody looked it up. DIFFERS: we get something else; NOT RUN: we get nothing.
    """

    REPRODUCED = "REPRODUCED"
    TRANSCRIBED = "TRANSCRIBED"
    DERIVED = "DERIVED"
    RECALLED = "RECALLED"
    DIFFERS = "DIFFERS"
    NOT_RUN = "NOT RUN"


SENSES = {"=": "", "<=": "at most ", ">=": "at least "}


class BadTargets(ValueError):
    """A targets file that breaks a rule: one line that names it."""


@dataclass(frozen=True)
class Target:
    """One claim.

    id, where (place in the paper), quantity (in words, with units); value: a number, a fraction "4/3", a list of
    numbers, a truth value or a text; sense: "=", or "<=" / ">=" when the value is a bound. |ours - value| may be at
    absolute + relative |value|, entry by entry; why: the reason of that tolerance. transcribed: value is a formula of
    the paper evaluated, and compth evaluates the same formula. differs: the explanation of a difference that is
    expected; ours is then what we get instead, within ours_absolute + ours_relative |ours| (ours_why: the reason), and
    anything else is a failure, agreement too. A bound, too, may say what we get (ours): it fails when that moves,
    though the bound holds. not_run: the reason why it is not recomputed at all; full: recomputed
    only without --quick; needs: a module of the environment without which it is not run, and how to get it.
    """

    id: str
    where: str
    quantity: str
    value: Value
    standing: Standing
    sense: str = "="
    absolute: float = 0.0
    relative: float = 0.0
    why: str = ""
    transcribed: bool = False
    differs: str = ""
    ours: Value = None
    ours_absolute: float = 0.0
    ours_relative: float = 0.0
    ours_why: str = ""
    not_run: str = ""
    full: bool = False
    needs: str = ""

    @property
    def kind(self) -> Verdict:
        """The verdict when it agrees."""
        if self.standing in (Standing.READ, Standing.CODE):
            return Verdict.TRANSCRIBED if self.transcribed else Verdict.REPRODUCED
        return Verdict.DERIVED if self.standing is Standing.DERIVED else Verdict.RECALLED

    @property
    def instead(self) -> Target:
        """For a target with ours: what we get, as a target of its own."""
        return replace(
            self, value=self.ours, sense="=", absolute=self.ours_absolute, relative=self.ours_relative
        )

    def agrees(self, ours: Value) -> bool:
        """True when ours is within the tolerance (entry by entry for lists); NaN never agrees."""
        if isinstance(self.value, list):
            same = isinstance(ours, list) and len(ours) == len(self.value)
            return same and all(self._agrees(v, o) for v, o in zip(self.value, ours, strict=True))
        return self._agrees(self.value, ours)

    def _agrees(self, value: Value, ours: Value) -> bool:
        if (
            isinstance(value, str | bool)
            or not isinstance(ours, int | float | Fraction)
            or isinstance(ours, bool)
        ):
            return bool(type(value) is type(ours) and value == ours)
        if not (math.isfinite(value) and math.isfinite(ours)):
            return bool(value == ours)
        slack = Fraction(self.absolute) + Fraction(self.relative) * abs(Fraction(value))
        gap = Fraction(ours) - Fraction(value)
        return {"=": abs(gap), "<=": gap, ">=": -gap}[self.sense] <= slack


@dataclass(frozen=True)
class Row:
    """A target, what we get (None when it was not run), the verdict, whether that is as it should be, and a note."""

    paper: str
    target: Target
    ours: Value
    verdict: Verdict
    good: bool
    note: str


def missing(target: Target) -> str:
    """What the target needs and the environment has not: "module (how to get it)"."""
    module = target.needs.split(" ")[0]
    return f"needs {target.needs}" if module and importlib.util.find_spec(module) is None else ""


def judge(paper: str, target: Target, values: Mapping[str, Value], quick: bool, failed: str = "") -> Row:
    """The verdict on one target; `failed` is the message of a run that ended in an error."""
    if target.id not in values:
        reason = target.not_run or ("left out by --quick" if quick and target.full else "") or missing(target)
        return Row(
            paper,
            target,
            None,
            Verdict.NOT_RUN,
            bool(reason),
            reason or failed or "the run gave no value for it",
        )
    ours = values[target.id]
    agreed, kept = target.agrees(ours), target.ours is None or target.instead.agrees(ours)
    verdict = target.kind if agreed else Verdict.DIFFERS
    return Row(
        paper, target, ours, verdict, kept and agreed != bool(target.differs), _note(target, agreed, kept)
    )


def counted(rows: Sequence[Row]) -> dict[Verdict, int]:
    """Rows by verdict, in the order of Verdict: kinds are never added up."""
    return {v: sum(r.verdict is v for r in rows) for v in Verdict}


def _note(target: Target, agreed: bool, kept: bool) -> str:
    if agreed and target.differs:
        return "a difference was expected: " + target.differs
    if not agreed and not target.differs:
        return "MISSED: no difference is expected"
    if not kept:
        return f"MOVED: {show(target.ours)} is what we get otherwise" + ", the bound holds" * agreed
    return target.differs


def load_targets(file: Path) -> tuple[Target, ...]:
    """The [[target]] tables of a TOML file. Raises BadTargets, with the id and the rule, for anything unclear."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))["target"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as problem:
        raise BadTargets(f"{file}: needs [[target]] tables ({problem})") from None
    found = tuple(_target(file, table) for table in tables)
    ids = [t.id for t in found]
    for name in ids:
        if ids.count(name) > 1:
            raise BadTargets(f"{file}: id={name!r} is used twice")
    return found


def _target(file: Path, table: dict[str, Any]) -> Target:
    name = table.get("id", "?")
    try:
        value = table.get("value")
        changes = {"value": _entries(value), "ours": _entries(table.get("ours"))}
        target = Target(**{**table, **changes, "standing": Standing(table.get("standing", ""))})
    except (TypeError, ValueError) as problem:
        raise BadTargets(f"{file}: target {name!r}: {problem}") from None
    numeric = not isinstance(target.value, str | bool)
    rules = (
        (target.value is not None, "it needs a value"),
        (target.sense in SENSES, f"sense={target.sense!r} must be one of {', '.join(SENSES)}"),
        (target.sense == "=" or numeric, "a bound must be a number"),
        (not (target.absolute or target.relative) or bool(target.why), "a tolerance needs its reason (why)"),
        (not (target.not_run and target.differs), "it cannot both differ and not be run"),
        (not target.differs or target.ours is not None, "what differs needs ours, what we get instead"),
        (
            target.ours is None or bool(target.differs) or target.sense != "=",
            "ours is for bounds and differences",
        ),
        (
            target.ours is None or target.agrees(target.ours) == (not target.differs),
            "ours agrees with a value that differs, or breaks a bound",
        ),
        (
            not (target.ours_absolute or target.ours_relative) or bool(target.ours_why),
            "the tolerance of ours needs its reason (ours_why)",
        ),
        (
            not target.transcribed or target.kind is Verdict.TRANSCRIBED,
            "only what was read or is code can be transcribed",
        ),
    )
    for holds, rule in rules:
        if not holds:
            raise BadTargets(f"{file}: target {name!r}: {rule}")
    return target


def _entries(value: Any) -> Value:
    return [parse(v) for v in value] if isinstance(value, list) else parse(value)


def parse(value: Any) -> Value:
    """Numbers as they are, "4/3" as a Fraction, other text as text."""
    exact = isinstance(value, str) and re.fullmatch(r"-?\d+/\d+", value)
    return Fraction(value) if exact else value


def encode(value: Value) -> Any:
    """JSON form: Fractions as "p/q", numbers that JSON does not know as text."""
    if isinstance(value, list | tuple):
        return [encode(v) for v in value]
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) else {"float": repr(number)}


def decode(value: Any) -> Value:
    """The inverse of encode."""
    if isinstance(value, list):
        return [decode(v) for v in value]
    return float(value["float"]) if isinstance(value, dict) else parse(value)


def show(value: Value) -> str:
    """At most five significant digits; Fractions of small terms stay exact."""
    if value is None:
        return "-"
    if isinstance(value, list):
        return " .. ".join(show(v) for v in value) if len(value) == 2 else ", ".join(show(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, Fraction) and value.denominator > 1 and len(str(value)) <= 9:
        return str(value)
    if float(value) == int(value) and abs(value) < 10**7 if math.isfinite(value) else False:
        return f"{int(value):,}"
    return f"{float(value):.5g}"


def says(target: Target) -> str:
    """The target's value as shown; in brackets when it is not a number of the paper or of its authors."""
    text = SENSES[target.sense] + show(target.value)
    return text if target.standing in (Standing.READ, Standing.CODE) else f"[{text}]"
