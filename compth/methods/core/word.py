"""Whose word a guarantee rests on: a theorem speaks of the package's own step, a user's claim is assumed."""

from __future__ import annotations

from dataclasses import replace
from inspect import isabstract
from typing import TYPE_CHECKING

from compth._own import base_of, different, stranger
from compth.claims import Standing, sure
from compth.problems.interface import Problem
from compth.rates import Rate, Words

if TYPE_CHECKING:
    from compth.methods.core.constants import Constants
    from compth.methods.core.method import Method
    from compth.methods.core.theorem import Theorem


ORDER = (Standing.PROVED, Standing.CITED, Standing.DERIVED, Standing.CONJECTURE, Standing.ASSUMED)
"""Standings, the surest first."""
# everything else that a subclass changes may change the step, of which the package's theorems then say
# nothing
LISTS = frozenset({"theorems", "own_theorems"})
"""What a subclass of a method may override and still be that method: each theorem is looked at itself."""


def other_run(method: Method, problem: Problem) -> str:
    """ "" where a theorem of the package can speak of this run; else the code that is neither its nor new throughout.

    A problem written from scratch is taken at its word: only one that inherits constants and changes what runs is not.
    """
    # a subclass of a problem of the package that changes its gradients keeps constants that are those of
    # other functions
    mixed = different(problem) if base_of(problem) is not None else ""
    if mixed:
        return f"{mixed}: the constants of {type(problem).__name__} are not those of the problem that runs"
    strange = different(method, LISTS) if listed(method) else ""
    return f"its theorems speak of the package's own step, and {strange}" if strange else ""


def listed(method: Method) -> frozenset[type]:
    """The theorems that the package lists for a method's class, or the one it inherits from; empty for a new one's."""
    kind = base_of(method)
    return frozenset() if kind is None or isabstract(kind) else frozenset(type(t) for t in kind.theorems())


def not_its_own(theorem: Theorem, method: Method) -> str:
    """ "" for a user's theorem, for one that the package lists for this method, and for any that a new method names."""
    known = listed(method)
    # a theorem of the package may be asked of the methods that list it, and one derived from a body of just
    # that class; a user's theorem is the user's word
    right = not known or type(theorem) in known or stranger(theorem) or _made_for(theorem, method)
    return "" if right else f"it is no theorem of {type(method).__name__}"


def _made_for(theorem: Theorem, method: Method) -> bool:
    """True for a theorem that is derived from the body of just this method's class."""
    return bool(type(theorem).derived) and getattr(theorem, "kind", None) is type(method)


def assumptions(
    method: Method, problem: Problem, theorem: Theorem, c: Constants, abstract: bool = False
) -> Words:
    """standing and assumed of a Rate, for a package of which nothing was replaced.

    abstract: the claim is no compressor's, whose word it could be, but the class that is asked about.
    """
    # the chain is as strong as its weakest link: the theorem, and the claims of the compressors that it
    # uses
    claims = [] if abstract else [c.claim(kind) for kind in theorem.requires]
    used = [found for found in claims if found is not None]
    standings = [sure(theorem), *map(sure, used)]
    pairs = zip(used, standings[1:], strict=True)
    lines = [f"{claim} of {method.fleet.label}" for claim, s in pairs if s is Standing.ASSUMED]
    if not abstract and not lines and stranger(method.fleet):
        lines.append(f"what {method.fleet.label} says of itself")
    downlink = getattr(method, "downlink", None)
    if downlink is not None and stranger(downlink):
        biased = c.omega_down == float("inf") and c.delta_down > 0
        shown = f"delta = {c.delta_down}" if biased else f"omega = {c.omega_down}"
        lines.append(f"{shown} of the downlink {downlink!r}")
    # L, mu and zeta2* of a user's problem, and the variance of a user's oracle, are taken as they are given
    lines += [f"the constants of {part!r}" for part in (problem, method.oracle) if stranger(part)]
    if not stranger(problem):
        lines += getattr(problem, "assumed", ())
    if stranger(theorem):
        lines.append(f"the theorem {theorem.id}")
    elif type(theorem) not in listed(method) and not _made_for(theorem, method):
        lines.append(f"that {theorem.id} speaks of {type(method).__name__}")
    # nothing that rests on a word is called proved or cited, however good its theorem is
    weakest = Standing.ASSUMED if lines else max(standings, key=ORDER.index)
    return {"standing": weakest.value, "assumed": tuple(f"assumed: {line}" for line in lines)}


def broken(rate: Rate, reason: str) -> Rate:
    """The rate of a package in which something was replaced: all of it is assumed."""
    return replace(rate, standing=Standing.ASSUMED.value, assumed=(*rate.assumed, f"assumed: {reason}"))
