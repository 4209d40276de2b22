"""Perturbed product functions: what compth gives, moved to one per cent beyond a row's tolerance.

A mutation names a part of a paper's run, the product function that is perturbed, and the rows that must fail. A plant
is called with pytest's monkeypatch, the factor, and what the unperturbed run got from the functions of PLAYED, in the
order of the calls: a plant that changes results only plays them back, so that nothing is simulated twice.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

import compth as ct
from compth.claims import Unbiased
from compth.rates import Rate

RUNS = ("simulate", "exact")
PLAYED = (*RUNS, "compare_levels")


@dataclass(frozen=True)
class Mutation:
    """part() gives values by row, rows among them; size: the factor, None: one per cent beyond the rows' tolerances.

    small: the part is a smaller instance than the paper's run: its own unperturbed values stand for the rows'.
    """

    part: Callable[[], dict[str, Any]]
    plant: Callable[[Any, Any, Any], None]
    rows: str
    size: float | None = None
    small: bool = False

    @property
    def names(self) -> list[str]:
        """The rows, one by one."""
        return self.rows.split()


def times(value: Any, factor: Any) -> Any:
    """The value, or every entry of it, times the factor; whole numbers stay whole if the factor is."""
    if isinstance(value, list | tuple):
        return type(value)(times(v, factor) for v in value)
    if isinstance(value, Fraction | int) and not isinstance(value, bool):
        return value * Fraction(factor).limit_denominator(10**12)
    return value * factor


@cache
def honest(part: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """What the part gives, and what it got from the functions of PLAYED."""
    heard: dict[str, list[Any]] = {name: [] for name in PLAYED}
    with pytest.MonkeyPatch.context() as patch:
        for name in PLAYED:
            patch.setattr(ct, name, listening(getattr(ct, name), heard[name]))
        return part(), heard


def listening(right: Any, heard: list[Any]) -> Any:
    """The function, every result of which is kept."""

    def kept(*given: Any, **named: Any) -> Any:
        heard.append(right(*given, **named))
        return heard[-1]

    return kept


def play(patch: Any, heard: dict[str, list[Any]]) -> None:
    """The functions of PLAYED give what they gave."""
    for name, results in heard.items():
        held = iter(results)
        patch.setattr(ct, name, lambda *given, held=held, **named: next(held))


def perturbed(part: Callable[[], dict[str, Any]], factor: Any, *plants: Any) -> dict[str, Any]:
    """What the part gives with these plants at the factor."""
    _, heard = honest(part)
    with pytest.MonkeyPatch.context() as patch:
        for plant in plants:
            plant(patch, factor, heard)
        return part()


def result(owner: Any, name: str, same: bool = False) -> Any:
    """owner.name's result times the factor; same: nothing that is simulated depends on it."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = getattr(owner, name)
        if same:
            play(patch, heard)
        patch.setattr(owner, name, lambda *given, **named: times(right(*given, **named), factor))

    return plant


def entry(table: Any, name: str) -> Any:
    """The function table[name] times the factor."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = table[name]
        patch.setitem(table, name, lambda **named: times(right(**named), factor))

    return plant


def bounds(patch: Any, factor: Any, heard: Any) -> None:
    """Every guaranteed bound after the start over the factor: theorems that promise too much."""
    right = Rate.bound
    play(patch, heard)
    patch.setattr(Rate, "bound", lambda self, t: right(self, t) / (factor if t else 1))


def together(*plants: Any) -> Any:
    """Several plants in one run, for rows that rest on one of them each."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        for one in plants:
            one(patch, factor, heard)

    return plant


def dearer(named: str) -> Any:
    """Bits of runs whose label contains a word, times the factor."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        play(patch, heard)
        right = ct.simulate

        def slip(*given: Any, **kept: Any) -> Any:
            run = right(*given, **kept)
            return replace(run, bits=run.bits * factor) if named in run.label else run

        patch.setattr(ct, "simulate", slip)

    return plant


FIELDS = ("mean_square", "mean_gap", "mean_gradient_square", "mean_metric", "mean")


def moments(change: Callable[[Any, Any], Any], *names: str) -> Any:
    """The moments after the start that ct.simulate and ct.exact (or those named) give, changed: f(moments, factor)."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        play(patch, heard)
        for name in names or RUNS:
            right = getattr(ct, name)
            patch.setattr(ct, name, lambda *a, right=right, **k: moved(right(*a, **k), change, factor))

    return plant


def some(change: Callable[[Any, Any], Any], name: str, *calls: int) -> Any:
    """The same for some of the calls of ct.name, counted from 0: the others are right."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        play(patch, heard)
        right, count = getattr(ct, name), itertools.count()
        patch.setattr(
            ct,
            name,
            lambda *a, **k: moved(right(*a, **k), change, factor) if next(count) in calls else right(*a, **k),
        )

    return plant


def moved(run: Any, change: Callable[[Any, Any], Any], factor: Any) -> Any:
    """A run with its moments after the start changed."""
    changed = {}
    for name in FIELDS:
        if (held := getattr(run, name)) is not None:
            changed[name] = change(held, factor)
            changed[name][0] = held[0]
    return replace(run, **changed)


def larger(held: Any, factor: Any) -> Any:
    """Every moment times the factor."""
    return held * float(factor)


def left_over(held: Any, factor: Any) -> Any:
    """A hundredth of the start is never lost."""
    return held + (float(factor) - 1) * held[0]


def slower(held: Any, factor: Any) -> Any:
    """Every moment at t/factor, between rounds in the logarithm: the same curve, run more slowly."""
    t = np.arange(len(held))
    if held.ndim > 1:
        return held.copy()
    return np.exp(np.interp(t / float(factor), t, np.log(np.maximum(held, 1e-300))))


def outcome(kind: type) -> Any:
    """What the compressor sends, times the factor."""
    return result(kind, "_compress")


def argument(kind: type) -> Any:
    """What the compressor is given, times the factor."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = kind._compress
        patch.setattr(kind, "_compress", lambda self, x, rng: right(self, x * factor, rng))

    return plant


def variance(owner: Any, kind: type, second: bool = False) -> Any:
    """owner.relative_error of compressors of this kind times the factor; second: 1 + it, the second moment."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = owner.relative_error

        def slip(compressor: Any, x: Any) -> float:
            found = right(compressor, x)
            if not isinstance(compressor, kind):
                return found
            return (1 + found) * factor - 1 if second else found * factor

        patch.setattr(owner, "relative_error", slip)

    return plant


def declared(kind: type) -> Any:
    """The omega that the compressor declares, times the factor."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = kind.claims

        def slip(self: Any, *given: Any) -> Any:
            return tuple(
                replace(c, omega=times(c.omega, factor)) if isinstance(c, Unbiased) else c
                for c in right(self, *given)
            )

        patch.setattr(kind, "claims", slip)

    return plant


def bits(kind: type, *fields: str) -> Any:
    """These parts of a message's bits, times the factor."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        right = kind.bits

        def slip(self: Any, *given: Any, **named: Any) -> Any:
            cost = right(self, *given, **named)
            return replace(cost, **{f: times(getattr(cost, f), factor) for f in fields})

        patch.setattr(kind, "bits", slip)

    return plant


def attribute(owner: Any, name: str, *fields: str, same: bool = False) -> Any:
    """These fields of the object that owner.name gives, times the factor; same: as in `result`."""

    def plant(patch: Any, factor: Any, heard: Any) -> None:
        if same:
            play(patch, heard)
        right = getattr(owner, name)

        def slip(*given: Any, **named: Any) -> Any:
            found = right(*given, **named)
            changed = {f: times(getattr(found, f), factor) for f in fields}
            return replace(found, **changed) if is_dataclass(found) else vars(found) | changed

        patch.setattr(owner, name, slip)

    return plant


def judged(target: Any, ours: Any, small: bool) -> Any:
    """The row as it stands, or with a small instance's own value in the place of the run's."""
    if not small:
        return target
    held = target.instead if target.ours is not None else target
    relative = held.relative or 1e-9
    return replace(
        held, value=ours, sense="=", relative=relative, ours=None, differs="", full=False, needs=""
    )


def needed(target: Any, ours: Any) -> float:
    """The factor that takes ours 1 % beyond the tolerance, whichever way it goes; 1.01 where 0 is asked for."""
    expected = target if target.ours is None else target.instead
    if isinstance(expected.value, bool | str):
        return 1.01
    pairs = (
        zip(expected.value, ours, strict=True)
        if isinstance(expected.value, list)
        else [(expected.value, ours)]
    )
    ratios = []
    for v, o in pairs:
        v, o = float(v), float(o)
        slack = expected.absolute + expected.relative * abs(v)
        if v == 0 or o == 0:
            ratios.append(1.0)
        elif expected.sense == "=":
            ratios.append(max((v + slack) / o, o / max(v - slack, 1e-300)))
        else:
            ratios.append((v + slack) / o if expected.sense == "<=" else o / (v - slack))
    return 1.01 * max(1.0, min(ratios))
