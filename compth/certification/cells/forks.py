"""Both ways of a branch from one state, joined where they end: what the rewritten program calls (`rewriting`).

A branch on a symbol inside a loop is run both ways at once: variables and everything that they lead to are
restored before the second way, and joined by the condition after it. What must not be changed: what could
be reached and changed by one way alone, and is not found by `_containers`, must be refused there, and an
array that is one of two on two ways is frozen.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import CellType, FunctionType
from typing import NoReturn

from compth.certification.cells import frozen, nodes
from compth.certification.cells.array import Array, Entries, Picked, as_array, mapped
from compth.certification.cells.elementwise import logical_not, merged
from compth.certification.cells.nodes import Node, session, stop
from compth.certification.cells.paths import explored, known


class Unset:
    """A variable that one way of a branch does not set."""

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> NoReturn:
        stop("a variable that only one way of a branch sets")

    def _refused(self, *_: object) -> NoReturn:
        """Whatever the program does with it."""
        stop("a variable that only one way of a branch sets")

    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __neg__ = (
        _refused
    )
    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __bool__ = __iter__ = __len__ = __getitem__ = __call__ = (
        _refused
    )


UNSET = Unset()
Container = Array | Picked | list[object]
"""What a branch could change in place."""
Content = Entries | list[object]
"""What stands in one at a moment."""


def condition_of(test: object) -> bool | Node:
    """What a test is: known, or a condition that must be followed both ways.

    A decision that this run has taken before is known.
    """
    if isinstance(test, Array) and test.size == 1:
        found = nodes.truth(test.node)
        answer = known(found)
        return found if answer is None else answer
    return bool(test)


class Fork:
    """`for way in fork`: one way where the test is known, else both; `end` keeps what each leaves."""

    def __init__(self, test: object, held: dict[str, object]) -> None:
        self.condition = condition_of(test)
        self.held = dict(held)
        self.results: list[tuple[dict[str, object], list[Content]]] = []
        self.way: bool | None = None

    def __iter__(self) -> Iterator[bool]:
        """The ways to run: one for a known test, else True and then False from the same state."""
        if isinstance(self.condition, bool):
            self.way = self.condition
            yield self.condition
            return
        now = session()
        self.containers = list(_containers(self.held.values(), set()))
        # Draws begin with the same name on both ways, since only one of them happens; after the branch
        # names go on from the longer one.
        before, draws, guards = [_content(c) for c in self.containers], now.draws, now.guards
        ends = []
        for way in (True, False):
            self.way, now.draws, now.guards = way, draws, [*guards, (self.condition, way)]
            # The second way begins where the first one began: entries are put back in place, since other
            # names may lead to the same memory.
            for c, content in zip(self.containers, before, strict=True):
                _restore(c, content)
            nodes.note_way(now.guards, now.taken)
            yield way
            ends.append(now.draws)
        now.draws, now.guards = max(ends), guards
        self._join(self.condition)

    def start(self, names: tuple[str, ...]) -> tuple[object, ...]:
        """The variables as they were before the branch."""
        return tuple(self.held.get(n, UNSET) for n in names)

    def end(self, held: dict[str, object]) -> None:
        """Keep what this way leaves."""
        contents = [] if isinstance(self.condition, bool) else [_content(c) for c in self.containers]
        self.results.append((dict(held), contents))

    def joined(self, names: tuple[str, ...]) -> tuple[object, ...]:
        """The variables after the branch."""
        condition = self.condition
        if isinstance(condition, bool):
            return tuple(self.results[0][0].get(n, UNSET) for n in names)
        (yes, _), (no, _) = self.results
        return tuple(joined(condition, yes.get(n, UNSET), no.get(n, UNSET)) for n in names)

    def _join(self, condition: Node) -> None:
        """In every container the entries of both ways, joined by the condition."""
        (_, yes), (_, no) = self.results
        for c, a, b in zip(self.containers, yes, no, strict=True):
            # Lists are joined item by item; a length that depends on x has no list.
            if isinstance(a, list) or isinstance(b, list):
                if len(a) != len(b):
                    stop("a list of another length on two ways of a branch")
                _restore(c, [joined(condition, u, v) for u, v in zip(a, b, strict=True)])
            else:
                _restore(c, mapped(lambda u, v: nodes.choose(condition, u, v), a, b))


def _containers(values: Iterable[object], seen: set[int]) -> Iterator[Container]:
    """Everything among the variables that a branch could change in place."""
    for v in values:
        if id(v) in seen:
            continue
        seen.add(id(v))
        if isinstance(v, Picked) or (isinstance(v, Array) and v.ndim and v.data.flags.writeable):
            yield v
        # Frozen ones hold no branch's changes.
        elif isinstance(v, frozen.Dict):
            continue
        elif isinstance(v, frozen.List):
            yield from _containers(tuple(v), seen)
        elif isinstance(v, list):
            yield v
            yield from _containers(v, seen)
        elif isinstance(v, tuple):
            yield from _containers(v, seen)
        # A function can change what it holds: its cells, defaults and bound arguments are looked through.
        elif isinstance(v, FunctionType | partial):
            yield from _containers(_held_by(v), seen)
        # What has no copy here to put back, such as an iterator that one way has moved on.
        elif isinstance(v, dict | set | bytearray) or (
            hasattr(type(v), "__next__") and not isinstance(v, Array)
        ):
            stop(f"a {type(v).__name__} beside a branch on x")


def _held_by(f: FunctionType | partial[object]) -> list[object]:
    """What a function can reach and change: its variables of outer functions, its defaults, its bound arguments."""
    if isinstance(f, partial):
        return [f.func, *f.args, *f.keywords.values()]
    cells = [c.cell_contents for c in f.__closure__ or () if _is_set(c)]
    return [*cells, *(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values()]


def _is_set(cell: CellType) -> bool:
    """Whether a cell of an outer function holds something."""
    # The variable may be assigned later than the function is defined.
    try:
        return cell.cell_contents is not None
    except ValueError:  # a name that is not bound yet
        return False


class _Untouched:
    """Stops where a block has changed something that these values lead to: it may not run on one way only."""

    def __init__(self, *values: object) -> None:
        self.held = [(c, _content(c)) for c in _containers(values, set())]

    def check(self) -> None:
        """Stops where a container holds other entries, by identity, than before."""
        for c, before in self.held:
            now = _content(c)
            same = len(now) == len(before) and all(
                a is b for a, b in zip(_entries(now), _entries(before), strict=True)
            )
            if not same:
                stop(
                    "an expression or inner function that changes an array or list where it may not be evaluated"
                )


def _entries(content: Content) -> list[object]:
    """The entries, to be compared by identity."""
    return content if isinstance(content, list) else list(content.reshape(-1))


def _content(c: Container) -> Content:
    """A copy of what stands in it."""
    return list(c) if isinstance(c, list) else _data(c).copy()


def _data(c: Array | Picked) -> Entries:
    """Its nodes."""
    return c.values.data if isinstance(c, Picked) else c.data


def _restore(c: Container, content: Content) -> None:
    """Put the content back in place: other names lead to the same memory."""
    if isinstance(c, list):
        c[:] = content
    elif not isinstance(content, list):
        _write(c, content)


def _write(c: Array | Picked, content: Entries) -> None:
    """New entries, where they are new: what is frozen takes none."""
    data = _data(c)
    if any(a is not b for a, b in zip(content.reshape(-1), data.reshape(-1), strict=True)):
        if isinstance(c, Array):
            c._changeable()
        data[...] = content


def joined(condition: Node, yes: object, no: object) -> object:
    """One value for two ways."""
    if yes is no:
        return yes
    if yes is UNSET or no is UNSET:
        return UNSET
    if isinstance(yes, tuple) and isinstance(no, tuple) and len(yes) == len(no):
        return tuple(joined(condition, a, b) for a, b in zip(yes, no, strict=True))
    # Both ways bound the name to arrays of one shape: a third array of choices takes its place.
    if isinstance(yes, Array) and isinstance(no, Array) and _same_kind(yes, no):
        return _rebound(condition, yes, no)
    # Neither can be told from the other afterwards, and a third one would be no alias of either.
    for v in (yes, no):  # another name may lead to the same memory: a copy would not change with it
        if isinstance(v, list | Picked) or (isinstance(v, Array) and v.ndim):
            stop("an array or list that differs between two ways of a branch")
    if type(yes) is type(no) and isinstance(yes, str | bytes | type(None) | range) and yes == no:
        return yes
    return merged(condition, yes, no)


def _same_kind(yes: Array, no: Array) -> bool:
    """Two arrays of one type and shape."""
    plain = yes.ndim and not (yes.vague or no.vague)
    return bool(plain and yes.shape == no.shape and yes.kind == no.kind)


def _rebound(condition: Node, yes: Array, no: Array) -> Array:
    """A name that means another array on either way: a third one, which like these two is changed no more.

    Another name may lead to the memory of either, and would see what is written into it; the third would not.
    """
    out = as_array(merged(condition, yes, no))
    for v in (yes, no, out):
        v._freeze()
    return out


def choose(test: object, yes: Callable[[], object], no: Callable[[], object]) -> object:
    """yes() if test else no()."""
    condition = condition_of(test)
    if isinstance(condition, bool):
        return yes() if condition else no()
    now, results, held = session(), [], _Untouched(yes, no)
    draws, guards, ends = now.draws, now.guards, []
    for way, call in ((True, yes), (False, no)):
        now.draws, now.guards = draws, [*guards, (condition, way)]
        nodes.note_way(now.guards, now.taken)
        results.append(explored(call, joined))
        # The program would evaluate one side alone; both were, so neither may have changed anything.
        held.check()
        ends.append(now.draws)
    now.draws, now.guards = max(ends), guards
    return joined(condition, *results)


def both(a: object, b: Callable[[], object]) -> object:
    """a and b()."""
    return choose(a, b, lambda: a)


def either(a: object, b: Callable[[], object]) -> object:
    """a or b()."""
    return choose(a, lambda: a, b)


def negated(a: object) -> object:
    """not a."""
    return logical_not(a) if isinstance(a, Array) and a.size == 1 else not a


def alone(f: Callable[..., object]) -> Callable[..., object]:
    """The function, its branches joined where it returns."""

    def called(*arguments: object, **named: object) -> object:
        """Branches inside are explored here and not by the caller."""
        # Branches end with the call only if it changed nothing that outlives it, on any way.
        held = _Untouched(f, *arguments, *named.values())

        def once() -> object:
            """One way through the function."""
            out = f(*arguments, **named)
            held.check()
            return out

        return explored(once, joined)

    return called


WORDS = {
    "__fork__": Fork, "__choose__": choose, "__both__": both, "__either__": either, "__not__": negated,
    "__alone__": alone, "__locals__": builtins.locals,
}  # fmt: skip
