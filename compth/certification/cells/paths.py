"""Where a program branches on a symbol: every way is run, and what comes out is joined by the conditions again.

The program runs once for each sequence of answers, depth first: the last answer True of one run becomes
False in the next. The results are joined from the bottom up by the same conditions, so that the whole is
one expression. What must not be changed: runs that share answers share their draws' names, and a condition
that is decided once in a run is never asked again.
"""

from __future__ import annotations

from collections.abc import Callable

from compth.certification.cells import nodes
from compth.certification.cells.nodes import Node, session, stop

MOST = 300
"""Ways through one call of a function."""


def decide(condition: Node) -> bool:
    """Which way this run goes; norms of x are positive, since the input 0 is a case of its own.

    Raises Stopped where a call branches more than MOST times.
    """
    answered = known(condition)
    if answered is not None:
        return answered
    now = session()
    if condition.op == "not":
        return not decide(condition.args[0])
    at = len(now.taken)
    if at > MOST:
        stop(f"a loop that branches more than {MOST} times")
    answer = now.prefix[at] if at < len(now.prefix) else True
    now.taken.append((condition, answer))
    return answer


def known(condition: Node) -> bool | None:
    """Which way it goes where that is told: a number, the sign of a norm, what this run has decided before."""
    if condition.number is not None:
        return bool(condition.number)
    if condition.op == "undefined":
        stop("a branch on what is no number")
    answered = _of_norms(condition)
    session().apart |= answered is not None
    if answered is None and condition.op == "not":
        inner = known(condition.args[0])
        return None if inner is None else not inner
    if answered is None:
        answered = next((answer for asked, answer in session().taken if asked is condition), None)
    return answered


def _of_norms(condition: Node) -> bool | None:
    """What follows from a norm being positive: of comparisons of it with numbers that are not."""
    if condition.op not in ("lt", "le", "eq"):
        return None
    a, b = condition.args
    if is_positive(a) and b.number is not None and b.number <= 0:
        return False
    if is_positive(b) and a.number is not None and a.number <= 0:
        return condition.op != "eq"
    return None


def is_positive(a: Node) -> bool:
    """True for norms of x, and products and quotients of them and of positive numbers."""
    if a.op in ("mul", "div"):
        return all(map(is_positive, a.args))
    if a.op == "sqrt":
        return is_positive(a.args[0])
    return a.op == "norm" or (a.number is not None and a.number > 0)


def explored(call: Callable[[], object], merge: Callable[[Node, object, object], object]) -> object:
    """The outcome of call() on every way through it, joined by merge(condition, yes, no).

    call: runs a part of the program. Draws after a branch are counted from the longest way, so that no name
    is used twice.
    """
    now = session()
    outer, start, ends = (now.prefix, now.taken, now.guards), now.draws, [now.draws]
    # What was decided before the call holds in all of it; inside, decisions are counted from none.
    now.guards = [*now.guards, *now.taken]
    found, prefix = [], list[bool]()
    try:
        while True:
            now.prefix, now.taken, now.draws = (
                prefix,
                [],
                start,
            )  # one draw has one name on all ways that share it
            found.append((call(), now.taken))
            nodes.note_way(now.guards, now.taken)
            ends.append(now.draws)
            if len(found) > MOST:
                stop(f"more than {MOST} ways through the branches")
            # The tree of decisions, depth first: trailing False answers are finished, the last True one
            # turns.
            answers = [a for _, a in now.taken]
            while answers and not answers[-1]:
                answers.pop()
            if not answers:
                break
            prefix = [*answers[:-1], False]
    finally:
        now.prefix, now.taken, now.guards = outer
        now.draws = max(ends)
    return _joined(found, 0, merge)


def _joined(
    found: list[tuple[object, list[tuple[Node, bool]]]],
    depth: int,
    merge: Callable[[Node, object, object], object],
) -> object:
    """The ways agree on their first `depth` decisions; the next splits them."""
    if len(found) == 1:
        return found[0][0]
    # All runs that agree so far ask the same next condition: the program does the same until it gets
    # another answer.
    condition = found[0][1][depth][0]
    yes = [f for f in found if f[1][depth][1]]
    no = [f for f in found if not f[1][depth][1]]
    return merge(nodes.truth(condition), _joined(yes, depth + 1, merge), _joined(no, depth + 1, merge))
