"""Inputs and draws that take every way of a program's branches.

A branch may do what is seen in no output, such as fail; so each way that was run on symbols is run on
numbers, too.

A way is a list of conditions with answers. Its draws are found from the conditions (a uniform draw against
a number is an interval of its quantile), its entries from the borders of conditions on single entries, from
solved equations, and by descent. What must not be changed: `Strange` is raised only after all of these, and
what is found is checked by evaluating every condition.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

import numpy as np

from compth._types import Array
from compth.certification.cells.crossings import along
from compth.certification.cells.evaluation import draws
from compth.certification.cells.nodes import Node, entries_of
from compth.certification.cells.numbers import Numbers, Unknown, of_integer, place_of
from compth.certification.cells.stage import Trace
from compth.certification.tracer import Strange

Held = Mapping[Fraction, set[float]]
"""What float64 has where the trace has a fraction."""
Decisions = tuple[tuple[Node, bool], ...]
Script = dict[int, float]
Ranges = dict[int, tuple[float, float]]
MOST, FIRST = 400, 40
"""Conditions that are asked for, and inputs of which it is seen whether they hold."""
SEVERAL, PASSES = 64, 2
"""Up to this input length entries are changed one after another, and how often each."""
FEW, MANY = 4, 2000
"""Random draws that are tried at each input for a way that asks more of them than a range, and at last."""


def wanted(now: Numbers, decisions: Decisions) -> Ranges | None:
    """The quantiles of draws by which these decisions are taken at this input; None where they are not."""
    out: Ranges = {}
    for condition, answer in decisions:
        # Without a draw the input alone answers.
        if not draws(condition):
            try:
                if bool(now.at(condition)) is not answer:
                    return None
            except Unknown:
                continue
        elif (found := narrowed(now, condition, answer, out)) is None:
            return None
        else:
            out = found
    return out


def narrowed(now: Numbers, node: Node, answer: bool, out: Ranges) -> Ranges | None:
    """The quantiles by which the condition has this answer, where it says so; None where there are none."""
    if node.op == "not":
        return narrowed(now, node.args[0], not answer, out)
    if node.op in ("and", "or"):
        # A true `and` (false `or`) needs all of its parts; a false `and` (true `or`) one of them.
        if (node.op == "and") is answer:
            for a in node.args:
                found = narrowed(now, a, answer, out)
                if found is None:
                    return None
                out = found
            return out
        return next((f for a in node.args if (f := narrowed(now, a, answer, out)) is not None), None)
    if not draws(node):
        try:
            return out if bool(now.at(node)) is answer else None
        except Unknown:
            return out
    if (chosen := _of_choice(now, node, answer)) is not None:
        return narrowed(now, *chosen, out)
    limits = _range(now, node, answer)
    return out if limits is None else _cut(out, *limits)


def _cut(out: Ranges, k: int, low: float, high: float) -> Ranges | None:
    """The intersection with what earlier conditions leave; None where nothing is left."""
    before = out.get(k, (0.0, 1.0))
    joint = max(low, before[0]), min(high, before[1])
    return {**out, k: joint} if joint[0] < joint[1] else None


def _of_choice(now: Numbers, node: Node, answer: bool) -> tuple[Node, bool] | None:
    """The condition and its answer by which a choice of two numbers compares as it should."""
    if node.op not in ("lt", "le", "eq") or all(a.op != "ite" for a in node.args):
        return None
    side = 0 if node.args[0].op == "ite" else 1
    condition, yes, no = node.args[side].args
    try:
        other, values = now.at(node.args[1 - side]), (now.at(yes), now.at(no))
    except Unknown:
        return None
    by: Callable[[float, float], bool] = {"lt": operator.lt, "le": operator.le, "eq": operator.eq}[node.op]
    # (u if c else v) < w with different answers of the two arms is c, or not c.
    answers = [by(v, other) if side == 0 else by(other, v) for v in values]
    return (condition, answers[0] == answer) if answers[0] != answers[1] else None


def _range(now: Numbers, node: Node, answer: bool) -> tuple[int, float, float] | None:
    """(draw, from, to) for a uniform draw against a number, or a drawn integer that is one; None for others."""
    if node.op not in ("lt", "le", "eq"):
        return None
    a, b = node.args
    try:
        if node.op == "eq":
            cat, other = (a, b) if a.op == "cat" else (b, a)
            # An integer that is drawn by inversion: its quantiles are an interval, of which the middle is
            # asked.
            at = of_integer(now, cat, int(now.at(other))) if cat.op == "cat" and answer else {}
            return next(((k, q - 1e-9, q + 1e-9) for k, q in at.items()), None)
        u, other, below = (a, b, answer) if a.op == "u" else (b, a, not answer)
        if u.op != "u":
            return None
        at_most = now.at(other)
        return (u.args[0], 0.0, at_most) if below else (u.args[0], at_most, 1.0)
    except Unknown:
        return None


def taken(x: Array, held: Held, way: Decisions, script: Script) -> bool:
    """Whether these draws take the way, as far as that is known."""
    now = Numbers(x, held, script)
    for condition, answer in way:
        try:
            if bool(now.at(condition)) is not answer:
                return False
        except Unknown:
            continue
    return True


def complete(x: Array, held: Held, way: Decisions, ranges: Ranges, tries: int = FEW) -> Script | None:
    """Draws within these ranges that take the way; None where random ones do not.

    ranges: of quantiles, by draws. tries: how many choices within them.
    """
    # No draw is asked for: any will do.
    if not ranges and not any(draws(condition) for condition, _ in way):
        return {}
    named = {place_of(n.args[0]) for condition, _ in way for n in _drawn(condition)}
    names = sorted(k for k in named if k is not None)
    rng = np.random.default_rng(61)
    # The middle of each range first; conditions that join several draws are met by random choices within.
    for at in range(tries):
        part = 0.5 if at == 0 else rng.random()
        script = {k: low + (high - low) * part for k, (low, high) in ranges.items()}
        script |= {k: float(rng.random()) for k in names if k not in script}
        if taken(x, held, way, script):
            return script
    return None


def _drawn(node: Node) -> list[Node]:
    """All draws that an expression holds."""
    todo, seen, out = [node], set[Node](), list[Node]()
    while todo:
        n = todo.pop()
        if n not in seen:
            seen.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
            if n.op in ("u", "cat"):
                out.append(n)
    return out


def of_ways(trace: Trace, pool: list[Array], values: list[float]) -> Iterator[tuple[Array, Script]]:
    """(input, draws) by which every way is taken. Raises Strange where one is taken by none that is tried.

    pool: inputs that are visited anyway. values: numbers at and between borders of single entries.
    """
    pending: list[Decisions] = list(trace.ways)
    for x in pool:
        if not pending:
            return
        now, later = Numbers(x, trace.floats), list[Decisions]()
        # Ways that one input takes are joined into as few runs as have all of their draws.
        scripts = []
        for way in pending:
            ranges = wanted(now, way)
            script = None if ranges is None else complete(x, trace.floats, way, ranges)
            scripts += [] if script is None else [script]
            later += [way] if script is None else []
        yield from ((x, s) for s in _together(scripts))
        pending = later
    for way in pending:
        if (found := built(trace.floats, way, values, pool[0])) is not None:
            yield found
        # A way of conditions on single entries that no number meets cannot be taken at all; of several
        # entries the search may only have missed it, and then nothing is proved.
        elif (several := _several(way)) is not None:
            raise Strange(f"{several.line}: a branch that no real run takes")


def of_choices(trace: Trace, pool: list[Array], values: list[float]) -> Iterator[tuple[Array, Script]]:
    """(input, draws) at which conditions that no branch asks for hold, and at which they do not, where such are found.

    Of np.where both sides are there whatever is asked; what a trace takes wrongly may yet count on one alone.
    """
    asked = [n for n in trace.listed if n.op in ("and", "or", "lt", "le", "eq")][:MOST]
    pending = [_parts(n, answer) for n in asked for answer in (True, False)]
    for x in pool[:FIRST]:
        now = Numbers(x, trace.floats)
        pending = [way for way in pending if wanted(now, way) != {}]  # inputs of the pool are visited anyway
    for way in pending:
        found = built(trace.floats, way, values, pool[0])
        if found is not None:
            yield found


def _parts(node: Node, answer: bool) -> Decisions:
    """The condition as decisions that are all taken."""
    if node.op == "not":
        return _parts(node.args[0], not answer)
    if node.op in ("and", "or") and (node.op == "and") is answer:
        return tuple(p for a in node.args for p in _parts(a, answer))
    return ((node, answer),)


def _several(way: Decisions) -> Node | None:
    """A condition on several entries or on draws."""
    # Norms, sums and ranks read all entries.
    return next((c for c, _ in way if len(entries_of(c)) != 1 or draws(c) or of_all(c)), None)


def _together(scripts: list[Script]) -> list[Script]:
    """As few as have all of these draws."""
    out: list[Script] = []
    for script in scripts:
        held = next((h for h in out if all(h.get(k, q) == q for k, q in script.items())), None)
        if held is None:
            out.append(dict(script))
        else:
            held.update(script)
    return out


def built(held: Held, way: Decisions, values: list[float], rest: Array) -> tuple[Array, Script] | None:
    """An input for a way, each entry with a number at which its own conditions hold, and draws; None where none is.

    What is asked of several entries is solved for one that is free.
    """
    # Conditions on one entry each: every entry is set for itself, from numbers at and between all borders.
    x, by_entry = rest.copy(), dict[int, list[tuple[Node, bool]]]()
    way = tuple(p for condition, answer in way for p in _parts(condition, answer))
    for condition, answer in way:
        if _several(((condition, answer),)) is None:
            by_entry.setdefault(min(entries_of(condition)), []).append((condition, answer))
    for i, listed in by_entry.items():
        found = next((v for v in values if _fits(x, i, v, tuple(listed), held)), None)
        if found is None:
            return None
        x[i] = found
    # Conditions on several entries: each is solved along entries that are still free, in both orders.
    joint = [c for c, _ in way if not draws(c) and _several(((c, True),)) is not None]
    free = [i for i in range(len(x)) if i not in by_entry]
    asked = [c for c in joint if c.op in ("lt", "le", "eq")]
    turns = (asked, asked[::-1]) if len(asked) > 1 else ()
    one_by_one = [y for order in turns for y in _in_turn(x, way, order, set(free), held)]
    for y in [x, *one_by_one, *(z for c in asked for i in free[:2] for z in along(c, x, i, held))]:
        ranges = wanted(Numbers(y, held), way)
        script = None if ranges is None else complete(y, held, way, ranges, MANY)
        if script is not None:
            return y, script
    nearest = _nearer(x, way, free, held) if joint and len(x) <= SEVERAL else x
    ranges = None if nearest is x else wanted(Numbers(nearest, held), way)
    script = None if ranges is None else complete(nearest, held, way, ranges)
    return None if script is None else (nearest, script)


def _nearer(x: Array, way: Decisions, free: list[int], held: Held) -> Array:
    """One entry after another changed while that brings the way's conditions nearer: counts and sums of signs."""
    asked = [(c, answer) for c, answer in way if not draws(c)]

    def far(y: Array) -> float:
        """How far an input is from taking the way: for each condition that answers otherwise 1 and the gap
        between its sides.
        """
        now, total = Numbers(y, held), 0.0
        for c, answer in asked:
            # The order in which the program asks is the order in which ways branch.
            total *= 4  # what is asked first counts more: else two conditions can stand in each other's way
            if bool(now.at(c)) is not answer:
                gap = abs(now.at(c.args[0]) - now.at(c.args[1])) if c.op in ("lt", "le", "eq") else 1.0
                total += 1 + gap
        return total

    try:
        least = far(x)
        for i in free * PASSES:
            for v in (-x[i], 0.0, 1.0, -1.0):
                y = x.copy()
                y[i] = v
                if least and (found := far(y)) < least:
                    x, least = y, found
    except Unknown:
        pass
    return x


def _in_turn(x: Array, way: Decisions, asked: list[Node], free: set[int], held: Held) -> list[Array]:
    """An input at which all of these conditions of the way hold, each solved for an entry of its own."""
    answers = dict(way)
    for k, c in enumerate(asked):
        so_far = tuple((b, answers[b]) for b in asked[: k + 1])
        tried = [x, *(y for i in sorted(entries_of(c) & free, reverse=True) for y in along(c, x, i, held))]
        found = next((y for y in tried if wanted(Numbers(y, held), so_far) is not None), None)
        if found is None:
            return []
        free = free - set(np.flatnonzero(found != x).tolist())
        x = found
    return [x]


def of_all(node: Node) -> bool:
    """True where a norm, a sum or a rank of all entries is asked for."""
    todo, seen = [node], set[Node]()
    while todo:
        n = todo.pop()
        if n.op in ("norm", "sum", "top", "bottom", "stat", "rank", "place", "position"):
            return True
        if n not in seen:
            seen.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
    return False


def _fits(x: Array, i: int, v: float, listed: Decisions, held: Held) -> bool:
    """Whether these conditions on entry i hold where it is v."""
    y = x.copy()
    y[i] = v
    return wanted(Numbers(y, held), listed) is not None
