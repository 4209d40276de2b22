"""`budget`: how far may I compress? The strongest member of a family that keeps within rounds or bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from compth._door import a_list, a_problem, at_the_door, optional, real, whole
from compth._earned import Earned, alike, earned, kept, made
from compth._own import altered
from compth._shown import Shown
from compth.errors import InvalidParameter, require
from compth.studies.budget_members import (
    Family,
    Make,
    Member,
    ProblemClass,
    members_of,
    members_of_claims,
    problem_class,
    uncompressed,
    with_compressor,
)
from compth.studies.budget_promises import EVIDENCE, Answer, Asked, Promise, is_cheap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compth._numbers import Number
    from compth.methods import Method
    from compth.problems.interface import Problem


BY = ("theorem", "certified", "exact")
"""The kinds of evidence asked for unless said otherwise; by constants alone the first two."""
MESSAGES = 1e-9
"""Relative rounding granted to a limit of bits that was itself computed."""


@dataclass(frozen=True, eq=False)
class Budget(Earned, Shown):
    """How far one may compress: an Answer for each kind of evidence, and a Promise for every member looked at.

    target: "rounds", "bits" (uplink, per worker) or "times" (of the rounds uncompressed), with its value.
    members: by strength, the fewest bits of a message first. promises: by evidence, in that order.
    One that was typed or changed says so wherever it is shown.
    """

    method: str
    family: str
    setting: str
    target: str
    value: float
    eps: float
    answers: Mapping[str, Answer]
    promises: Mapping[str, tuple[Promise, ...]]
    members: tuple[Member, ...] = field(repr=False)
    of_class: bool = False
    notes: tuple[str, ...] = ()

    def inside(self) -> list[object]:
        """Which promises stand, and what the answers hold.

        What `Earned` compares to tell whether the object is as `budget` made it.
        """
        answers = [id(v) for a in self.answers.values() for v in vars(a).values()]
        promises = [earned(p) for row in self.promises.values() for p in row]
        plain = [earned(a.uncompressed) for a in self.answers.values()]
        return [alike(self.answers), alike(self.promises), answers, promises, plain]

    def doubts(self) -> list[str]:
        """A line where these answers are not those that `budget` gave."""
        return [] if earned(self) else [BY_HAND]

    @property
    def strongest(self) -> dict[str, object]:
        """The compressor that each evidence allows, None where it allows none."""
        by_label = {m.label: m.compressor for m in self.members}
        return {by: None if a.chosen is None else by_label[a.chosen.label] for by, a in self.answers.items()}

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells: what each evidence allows, and the same uncompressed."""
        from compth.reporting.budgets import columns

        return columns(self)

    def details(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells of every member that was looked at."""
        from compth.reporting.budgets import details

        return details(self)

    def plot(self) -> Figure:
        """matplotlib Figure: what each member costs until eps, the limit, and the answers as dots."""
        from compth.reporting.budgets import figure

        drawn: Figure = figure(self)
        return drawn

    def to_html(self, command: str = "") -> str:
        """Self-contained static page: answer, picture, tables, reproduction line."""
        from compth.reporting.budgets import budget_page

        return budget_page(self, command)

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values."""
        answers = {by: _plain(a) for by, a in self.answers.items()}
        return {
            "method": self.method,
            "family": self.family,
            "setting": self.setting,
            "target": self.target,
            "value": self.value,
            "eps": self.eps,
            "answers": answers,
            "promises": {by: [_row(p) for p in row] for by, row in self.promises.items()},
            "notes": [*self.doubts(), *self.notes],
        }


BY_HAND = (
    "warning: this budget was typed, changed or copied, or made while something of the package was replaced: its"
    " answers are somebody's word"
)


def _row(p: Promise | None) -> dict[str, object] | None:
    """The fields, with the standing that it has."""
    return None if p is None else {**asdict(p), "standing": p.standing}


def _plain(a: Answer) -> dict[str, object]:
    """An answer as plain values."""
    named = {k: _row(getattr(a, k)) for k in ("chosen", "nearest", "cheapest", "uncompressed")}
    return {"limit": a.limit, **named, "whole": a.whole, "gaps": list(a.gaps)}


@at_the_door(
    problem=optional(a_problem), eps=real, rounds=optional(whole(1)), bits=optional(real),
    times=optional(real), mu=optional(real), L=optional(real), n=optional(whole(1)), d=optional(whole(1)),
    zeta2=real, levels=optional(a_list), omega=optional(a_list), delta=optional(a_list),
)  # fmt: skip
def budget(
    method: Method | type[Method],
    family: Family | None = None,
    problem: Problem | None = None,
    *,
    rounds: int | None = None,
    bits: float | None = None,
    times: float | None = None,
    eps: float = 1e-3,
    levels: Iterable[object] | None = None,
    by: str | Sequence[str] | None = None,
    mu: float | None = None,
    L: float | None = None,
    n: int | None = None,
    d: int | None = None,
    omega: Sequence[Number] | None = None,
    delta: Sequence[Number] | None = None,
    zeta2: float = 0.0,
    whole_family: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Budget:
    """The strongest compression with which a method still reaches eps within a target.

    method: a class or an instance (its gamma, where given, is kept). family: a compressor class or instance with a
    level (RandK's k, dithering's s, a rank r) or a function level -> Compressor; levels: None: all there are. Or
    omega=[...], delta=[...]: every compressor with that constant. problem, or mu, L, n, d: every problem with these
    constants; rounds are then those of the theorem's own metric relative to its start.
    Target, one of: rounds; bits, uplink per worker; times: rounds, relative to the same method uncompressed by the
    same evidence. eps: of E||x_t - x*||^2 relative to its start.
    by: some of theorem (at its step), certified (the worst case of the class), exact (exact rate and floor at the
    theorem's step; rounds are an estimate, floor + rho^t: what the start costs or spares is left out), best (the
    same at the best step here); None: the first three, or what constants allow. Nothing is taken to be monotone:
    theorems and closed forms are asked of every member; the others from the strongest up to the first within the
    limit, which gives the same answer (whole_family: every member).

    Raises InvalidParameter for a target that is not one, constants that no problem has and unknown evidence;
    Unsupported where the method can take no member.
    """
    target, value = _target(rounds, bits, times)
    kinds = _kinds(by if by is not None else BY if problem is not None else BY[:2])
    require(0 < eps < 1, f"eps={eps} must lie between 0 and 1: it is relative to the start")
    make = with_compressor(method)
    where = problem if problem is not None else problem_class(mu, L, n, d, zeta2)
    if problem is not None and any(v is not None for v in (mu, L, n, d)):
        raise InvalidParameter("mu, L, n, d are the problem's: give a problem or constants, not both")
    require(problem is None or not zeta2, f"zeta2={zeta2} is the problem's: leave it out where one is given")
    name, members, note = _members(make, family, levels, omega, delta, where)
    require(target != "bits" or members[0].bits is not None, "bits need a family: a constant has no messages")
    # The yardstick of `times` is the same method with nothing compressed, by the same evidence: a theorem is held
    # against a theorem, not against an exact rate.
    asked = Asked(where, float(eps), rounds or 1000, family is None)
    plain = Member(0, "uncompressed", uncompressed(make, where), float(32 * where.d), "-")
    answers, promises, sound = {}, {}, not altered()
    for kind in kinds:
        base = asked.promise(kind, plain)
        limit = _limit(target, value, base)
        whole_ = whole_family or limit is None or is_cheap(kind, members[0].method)
        looked = _promises_by_member(
            asked, kind, members, target=target, limit=limit, whole_=whole_, progress=progress
        )
        promises[kind] = looked
        if sound:
            for p in (base, *looked):
                kept(p)
        answers[kind] = _answer(kind, target, limit, looked, base, len(looked) == len(members))
    return made(
        Budget(
            _name(method),
            name,
            str(getattr(where, "name", where)) + _sizes(where),
            target=target,
            value=value,
            eps=float(eps),
            answers=answers,
            promises=promises,
            members=tuple(members),
            of_class=asked.of_class,
            notes=(note,) if note else (),
        )
    )


def _target(rounds: int | None, bits: float | None, times: float | None) -> tuple[str, float]:
    """(its name, its value). InvalidParameter for none or several."""
    # Exactly one target: two could be met by different members, and there would be no strongest.
    given = {k: v for k, v in {"rounds": rounds, "bits": bits, "times": times}.items() if v is not None}
    if len(given) != 1:
        what = " and ".join(f"{k}={v}" for k, v in given.items()) or "nothing"
        raise InvalidParameter(f"target: {what} given: give one of rounds, bits (per worker) and times")
    ((name, value),) = given.items()
    require(0 < value < math.inf, f"{name}={value} must be positive and finite")
    return name, float(value)


def _kinds(by: str | Sequence[str]) -> tuple[str, ...]:
    """Names of evidence, each once, in the order given."""
    require(isinstance(by, str | Sequence), f"by={by!r}: give some of {', '.join(EVIDENCE)}")
    given = by.split(",") if isinstance(by, str) else list(by)
    names = tuple(dict.fromkeys(str(k).strip() for k in given))
    odd = [k for k in names if k not in EVIDENCE]
    require(bool(names) and not odd, f"by={by!r}: give some of {', '.join(EVIDENCE)}")
    return names


def _members(
    make: Make,
    family: Family | None,
    levels: Iterable[object] | None,
    omega: Sequence[Number] | None,
    delta: Sequence[Number] | None,
    where: Problem | ProblemClass,
) -> tuple[str, list[Member], str]:
    """(name, members by strength, a note). InvalidParameter unless one of family, omega and delta is given."""
    # One thing to choose from: a family's levels, variances or contractions.
    given = [v is not None for v in (family, omega, delta)]
    require(
        sum(given) == 1, "give one of family (such as ct.RandK), omega=[...] and delta=[...]: what to choose"
    )
    require(family is not None or levels is None, "levels belong to a family: omega and delta name their own")
    if family is None:
        return members_of_claims(make, omega, delta, where)
    return members_of(make, family, levels, where)


def _limit(target: str, value: float, base: Promise) -> float | None:
    """The rounds or bits that are allowed; None where uncompressed does not arrive, which allows nothing."""
    if target != "times":
        return value
    return None if base.rounds is None else value * base.rounds


def _cost(target: str, p: Promise) -> float:
    """What the target counts, inf where the member does not arrive."""
    # Bits in all, rounds times a message: a stronger compressor may need more of them.
    found = p.bits if target == "bits" else p.rounds
    return math.inf if found is None else float(found)


def _meets(target: str, limit: float | None, p: Promise) -> bool:
    """Within the limit, up to rounding of a limit that was computed."""
    return limit is not None and _cost(target, p) <= limit * (1 + MESSAGES)


def _promises_by_member(
    asked: Asked, kind: str, members: Sequence[Member], target: str, limit: float | None, whole_: bool,
    progress: Callable[[str], None] | None,
) -> tuple[Promise, ...]:  # fmt: skip
    """Promises from the strongest member up; not all: to the end of the first messages' length at which one is within.

    Members whose messages are equally long are looked at together: the one with fewest rounds is the answer then.
    """
    # From the fewest bits up, so that the first within the limit is the answer and no member above it is asked. Members
    # of one message length compete by rounds: the loop goes on to the end of that length. Nothing is bisected, since
    # neither theorems nor exact rates need be monotone in the level.
    found: list[Promise] = []
    for m in members:
        done = any(_meets(target, limit, p) for p in found)
        if not whole_ and done and (m.bits is None or m.bits > (found[-1].message_bits or 0.0)):
            break
        if progress is not None:
            progress(f"{kind}: {m.label}")
        found.append(asked.promise(kind, m))
    return tuple(found)


def _answer(
    kind: str, target: str, limit: float | None, looked: Sequence[Promise], base: Promise, whole_: bool
) -> Answer:
    """The strongest within; of equally long messages the one with fewest rounds."""
    # gaps: weaker members outside the limit although a stronger one is within. They are told, since a reader takes
    # "the strongest" to mean that everything weaker would do as well.
    within = [p for p in looked if _meets(target, limit, p)]
    chosen = min(within, key=lambda p: (p.message_bits or 0.0, _cost("rounds", p))) if within else None
    if chosen is not None and chosen.message_bits is None:  # classes: by strength already
        chosen = within[0]
    arrived = [p for p in looked if _cost(target, p) < math.inf]
    nearest = min(arrived, key=lambda p: _cost(target, p)) if arrived and chosen is None else None
    counted = [p for p in looked if p.bits is not None]
    cheapest = min(counted, key=lambda p: p.bits or 0.0) if counted and whole_ else None
    later = looked[looked.index(chosen) + 1 :] if chosen is not None else ()
    shortest = 0.0 if chosen is None else chosen.message_bits or 0.0
    longer = [p for p in later if p.message_bits is None or p.message_bits > shortest]
    gaps = tuple(p.label for p in longer if not _meets(target, limit, p))
    return Answer(
        kind, limit, chosen, nearest=nearest, cheapest=cheapest, uncompressed=base, whole=whole_, gaps=gaps
    )


def _name(method: object) -> str:
    """The class's name."""
    return method.__name__ if isinstance(method, type) else type(method).__name__


def _sizes(problem: Problem) -> str:
    """What a problem's name does not say."""
    if not hasattr(problem, "name"):
        return ""
    return f": n={problem.n}, d={problem.d}, kappa={problem.L / problem.mu:.4g}" if problem.mu else ""


__all__ = ["Answer", "Budget", "budget"]
