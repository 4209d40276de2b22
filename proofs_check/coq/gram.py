"""Which inner products a script's polynomials are in: the table of variables that Compth.v looks them up in.

The rules are those of part 4 of the library, on names alone: a wrong or missing entry makes Coq refuse, no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from .texts import Deep

Word = tuple[int, ...]
Triple = tuple[int, Word, int]


class Table:
    """`levels`, `common`, `means` by vector, `op_levels`, `op_common` by operator (0 is P)."""

    def __init__(
        self,
        levels: list[int],
        common: list[bool],
        means: list[tuple[int, Deep] | None],
        op_levels: list[int],
        op_common: list[bool],
    ) -> None:
        self.levels, self.common, self.op_levels, self.op_common = levels, common, op_levels, op_common
        self.means = [m and (m[0], self.words(m[1])) for m in means]
        self.found: dict[Triple, None] = {}
        self.done: set[Triple] = set()

    def words(self, v: Deep) -> list[tuple[Word, int]]:
        """The words at atoms in a vector."""
        match v:
            case ("VZ",):
                return []
            case ("VA", i):
                return [((), i)]
            case ("VAdd" | "VSub", a, b):
                return [*self.words(a), *self.words(b)]
            case ("VScal", _, a):
                return self.words(a)
            case ("VOp", k, a):
                return [((k, *w), i) for w, i in self.words(a)]
        raise ValueError(v)

    def products(self, e: Deep | list[Deep]) -> Iterator[tuple[Deep, Deep]]:
        """The inner products anywhere in data."""
        match e:
            case ("SSq", u):
                yield u, u
            case ("SDot", u, v):
                yield u, v
        for part in e if isinstance(e, tuple | list) else ():
            if isinstance(part, tuple | list):
                yield from self.products(part)

    def collect(self, data: list[Deep]) -> list[Triple]:
        """The table for everything in `data`."""
        for u, v in self.products(data):
            for w, a in self.words(u):
                for z, b in self.words(v):
                    self.gram(a, (*reversed(w), *z), b)
        return list(self.found)

    def known_at(self, t: int, a: int, w: Word) -> bool:
        return self.levels[a] <= t and all(self.op_levels[k] <= t for k in w)

    def gram(self, a: int, w: Word, b: int) -> None:
        if (a, w, b) in self.done:
            return
        self.done.add((a, w, b))
        for left, word, right in ((a, w, b), (b, w[::-1], a)):
            mean = self.means[right]
            if mean and self.known_at(mean[0], left, word):
                for z, c in mean[1]:
                    self.gram(left, (*word, *z), c)
                return
        if (b, self.canon(b, w[::-1], a), a) not in self.found:
            self.found[a, self.canon(a, w, b), b] = None

    def drop(self, w: Word, c: bool) -> tuple[Word, bool]:
        if not w:
            return (), c
        z, s = self.drop(w[1:], c)
        if w[0] == 0:
            return (z if s else (0, *z)), True
        return (w[0], *z), s and self.op_common[w[0]]

    def front(self, w: Word) -> Word:
        if not w:
            return ()
        z = self.front(w[1:])
        return (0, w[0], *z[1:]) if z[:1] == (0,) and self.op_common[w[0]] else (w[0], *z)

    def canon(self, a: int, w: Word, b: int) -> Word:
        inner = self.front(self.drop(w, self.common[b])[0])
        return self.front(self.drop(inner[::-1], self.common[a])[0][::-1])
