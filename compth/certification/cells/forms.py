"""When two entries have one expression: the same but for which entry it is of, and for the names of its draws.

A claim about a vector is a sum over its entries, so entries with one law need to be looked at once. Two
expressions have one form if exchanging x_i for x_j, and draws for draws in the order in which they are met,
makes one of the other. Draws are independent and of one law, so that their names do not matter for one
entry; whether two
entries share a draw does not matter either, since the claims are sums over entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from compth.certification.cells.nodes import Node, entries_of


def alike(listed: Sequence[Node]) -> bool:
    """True where the k-th expression is the first one with x_k in x_0's place."""
    return len({form(v, i) for i, v in enumerate(listed)}) == 1


_FORMS: dict[object, int] = {}


def form(node: Node, i: int) -> int:
    """A number that two expressions share where one has x_i and its draws in the place of the other's x_j and draws."""
    names: dict[Node, int] = {}
    counts: dict[str, int] = {}

    # A form is a number by hash consing: children are numbered first, so that comparing is comparing
    # integers.
    def number_of(key: object) -> int:
        return _FORMS.setdefault(key, len(_FORMS))

    def drawn(n: Node, *about: object) -> tuple[object, ...]:
        """A draw by its kind and the order in which it is met."""
        counts[n.op] = counts.get(n.op, 0) + 1
        return (n.op, counts[n.op], *about)

    def key(n: Node) -> tuple[object, ...]:
        """What tells an expression from others, with its own entry and its draws made nameless."""
        if n.op == "x":
            return ("x", "own" if n.args[0] == i else n.args[0])
        if n.op == "u":
            return drawn(n)
        if n.op == "in":
            return drawn(n, n.args[1] == i, walked(n.args[2]))
        if by_place(n, i):
            return drawn(n, walked(n.args[1 + i]))
        if n.op == "cat":
            return drawn(n, *map(walked, n.args[1:]))
        if n.op == "sum":
            return ("sum", form(n.args[0], 0))
        if n.op == "rank":
            return ("rank", n.args[0], n.args[1] == i, n.args[2])
        if n.op == "place":
            return ("place", *n.args)
        if n.op == "position":
            return ("position", n.args[0], n.args[1] == i, n.args[2])
        if n.op in ("eq", "pick") and any(a.op == "place" for a in n.args if isinstance(a, Node)):
            return _at_place(n)
        if n.op in ("eq", "pick") and any(by_place(a, i) for a in n.args if isinstance(a, Node)):
            return _at_own(n)
        return (n.op, *(walked(a) if isinstance(a, Node) else ("is", str(a)) for a in n.args))

    def _at_place(n: Node) -> tuple[object, ...]:
        """A comparison or look-up at a sorted index."""
        if n.op == "pick":
            return ("pick place", walked(n.args[0]), walked(n.args[1 + i]), alike(n.args[1:]))
        place, other = n.args if n.args[0].op == "place" else n.args[::-1]
        return ("own place", other.number == i, walked(place))

    def _at_own(n: Node) -> tuple[object, ...]:
        """A comparison or look-up at a drawn index."""
        if n.op == "pick":
            return ("pick own", walked(n.args[0]), walked(n.args[1 + i]))
        cat, other = n.args if n.args[0].op == "cat" else n.args[::-1]
        return ("own", other.number == i, walked(cat))

    def walked(n: Node) -> int:
        """The number of a part, asked once."""
        if n not in names:
            names[n] = number_of(key(n))
        return names[n]

    return walked(node)


def by_place(n: Node, i: int) -> bool:
    """A drawn integer that only says which entry it is: it is used as an index alone, or its chances read all of x.

    A draw whose chances read entry i alone is a number of that entry.
    """
    return n.op == "cat" and (n in _INDEXED or bool(entries_of(n) - {i}))


_INDEXED: set[Node] = set()


def find_indices(listed: Iterable[Node], size: int) -> None:
    """Remember which drawn integers among these expressions are compared with all places, and else only look them up.

    One that has other values than the places of x, or is compared with some of them alone, is a number.
    """
    # A drawn integer that is compared with all places 0, ..., d - 1, and is used otherwise only to look
    # tables up, is an index: of each entry it is asked whether the draw is its own.
    compared, other = dict[Node, set[Fraction]](), set[Node]()
    for n in listed:
        for k, a in enumerate(n.args):
            if isinstance(a, Node) and a.op == "cat":
                placed = n.op == "eq" and n.args[1 - k].number is not None
                if placed:
                    compared.setdefault(a, set()).add(n.args[1 - k].number)
                elif n.op != "pick" or k:
                    other.add(a)
    every = set(map(Fraction, range(size)))
    places = {n for n, values in compared.items() if values >= every and len(n.args) == 1 + size}
    _INDEXED.clear()
    _INDEXED.update(places - other)
