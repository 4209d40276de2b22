"""A traced step as passes over the workers, for the numba round: tables of instructions, and what the server does.

A pass goes worker by worker and row by row, and holds whatever needs no mean that is not there yet; it is cut where a
mean over the workers is read that the pass itself makes. So the level of a worker's vector is the largest of its
terms': its own operations are at theirs, a mean of an operation is one pass later, server vectors are there from the
start. The server's side (means, points, broadcasts, coins, next server vectors) is numpy on (R, d), between the passes.

A step of a new kind is added by a branch of `_check` that lets it through and by instructions that do it; the tests run
every method of the catalogue with deterministic compressors on both engines and compare the iterates.
"""

from __future__ import annotations

from compth.errors import Unsupported
from compth.methods.core.body import Reading
from compth.methods.core.program import Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, PICKED, SPOKEN, STATE, Key, Vector
from compth.simulation.engines.tables import (
    HELD,
    KEPT,
    OFFSET,
    PRODUCT,
    SCRATCH,
    SERVER,
    TOTAL,
    Place,
    Schedule,
    Stage,
)


def scheduled(reading: Reading, plain: bool, known: int | None, compares: str | None) -> Schedule:
    """The stages of a program. plain: exact gradients of quadratics, which the passes multiply themselves.

    known: the gradient that the last step leaves; compares: the memory whose gap to its rest is wanted.
    Unsupported, with the line, for what stays with the method's own step.
    """
    _check(reading.program)
    return _Planner(reading, plain, known, compares).planned()


MOST_OUTCOMES = 62
"""Outcomes of a round's coins that the loops take: a bit each in a signed word."""


def _check(program: Program) -> None:
    """Raise Unsupported, with the line, for what the loops do not do."""
    if len(program.leaves) > MOST_OUTCOMES:
        raise Unsupported(f"{program.name}: more than {MOST_OUTCOMES} outcomes of coins have no loop")
    draws = [program.ops[i].draw for i in program.of_kind(MESSAGE)]
    for op in program.ops:
        at = f"{program.name}, line {op.line}"
        if op.kind == PICKED or op.parts:
            raise Unsupported(f"{at}: parts of a worker have no loop")
        if op.kind == GRADIENT and op.argument.own:
            raise Unsupported(f"{at}: a gradient at a worker's own point has no loop")
        if op.kind == MESSAGE and draws.count(op.draw) > 1:
            raise Unsupported(f"{at}: a sketch applied several times has no loop")


class _Planner:
    """Levels first, then the instructions of every level in the order of the body.

    levels: the pass of every operation. updates: that in which a memory takes its next value. scratch, products, kept:
    slots of messages, of gradients that a pass multiplies, and of values that a later pass reads. nexts: next server
    vectors by leaf, less what is summed together.
    """

    def __init__(self, reading: Reading, plain: bool, known: int | None, compares: str | None) -> None:
        self.program, self.reading = reading.program, reading
        self.plain, self.compares = plain, compares
        program = self.program
        self.known, self.last = known, None if reading.carried is None else reading.carried[1]
        # a gradient of which only the mean is read is one product of the server, and no worker's
        self.means = {i for i in reading.averaged if plain}
        # gradients that the passes do not make: of an oracle or of functions that are no quadratics, and
        # the one that the last round left
        self.given = {
            i for i in program.of_kind(GRADIENT) if i not in self.means and (not plain or i == self.known)
        }
        arguments = [op.argument for op in program.ops]
        updates = [leaf.following[k] for leaf in program.leaves for k in program.worker]
        # means of memories that something reads before the end of the round: carried from round to round,
        # as the pass that makes them comes too late
        read_early = {
            i for v in (*arguments, *updates) for s, kind, i in v.terms if s == COMMON and kind == STATE
        }
        self.early = tuple(k for k in program.worker if k in read_early)
        self.levels: list[int] = []
        for op in program.ops:
            self.levels.append(self._level(op.argument))
        self.updates = self._update_levels()
        self.stages = [Stage() for _ in range(1 + max([0, *self.levels, *self.updates.values()]))]
        self.slots = 0
        self.scratch: dict[int, int] = {}
        self.products: dict[int, int] = {}
        self.kept: dict[int, int] = {i: k for k, i in enumerate(self._kept())}
        self.total = 0
        self.nexts = [{k: leaf.following[k] for k in program.server} for leaf in program.leaves]

    # -- levels

    def _level(self, v: Vector) -> int:
        """The pass in which a vector can be made."""
        found = 0
        for scope, kind, i in v.terms:
            if kind != STATE:
                # a mean over the workers exists after the pass that makes its terms: whoever reads it is
                # one pass later
                later = scope == COMMON and kind != SPOKEN and i not in self.means
                found = max(found, self.levels[i] + later)
        return found

    def _update_levels(self) -> dict[str, int]:
        """The pass in which a memory takes its next value: not before the last that reads the old one."""
        program = self.program
        out = {k: max(self._level(leaf.following[k]) for leaf in program.leaves) for k in program.worker}
        # a memory is overwritten in place, so all operations that read its old value come first
        readers: dict[str, list[int]] = {k: [] for k in program.worker}
        for op, level in zip(program.ops, self.levels, strict=True):
            for scope, kind, i in op.argument.terms:
                if scope == OWN and kind == STATE:
                    readers[i].append(level)
        out = {k: max([v, *readers[k]]) for k, v in out.items()}
        # if k's new value reads memory i, then i may not move before k: raised until nothing changes, which
        # ends as levels are bounded by the last pass
        while True:
            new = dict(out)
            for k in program.worker:
                for leaf in program.leaves:
                    for scope, kind, i in leaf.following[k].terms:
                        if scope == OWN and kind == STATE and i != k:
                            new[i] = max(new[i], new[k])
            if new == out:
                return out
            out = new

    def _kept(self) -> list[int]:
        """Operations whose worker's value a later pass reads, or the next step."""
        program, found = self.program, {*self.given} | ({self.last} if self.last is not None else set())
        later = [(op.argument, level) for op, level in zip(program.ops, self.levels, strict=True)]
        later += [(leaf.following[k], self.updates[k]) for leaf in program.leaves for k in program.worker]
        for v, level in later:
            # scratch holds one batch of rows and is used again for the next: what a later pass reads has to
            # be kept for all rows
            found |= {i for s, kind, i in v.terms if s == OWN and kind != STATE and level > self.levels[i]}
        return sorted(found)

    # -- instructions

    def planned(self) -> Schedule:
        """The stages, with every operation in the pass of its level."""
        for i, op in enumerate(self.program.ops):
            # in the body's order, each into the pass of its level
            {GRADIENT: self._gradient, MESSAGE: self._message, SPOKEN: self._spoken}[op.kind](i, op.argument)
        self._sum_what_servers_read()
        for level in range(len(self.stages)):
            self._update([k for k in self.program.worker if self.updates[k] == level], level)
        return Schedule(
            stages=tuple(self.stages),
            servers=self.slots,
            scratch=self._width(),
            products=len(self.products),
            kept=self.kept,
            totals=self.total,
            carried_means=self.early,
            nexts=tuple(self.nexts),
            given={i: self.kept[i] for i in self.given},
        )

    def _spoken(self, i: int, v: Vector) -> None:
        """A broadcast: the server's, before the pass."""
        self.stages[self.levels[i]].first.append(("spoken", i, v))

    def _gradient(self, i: int, v: Vector) -> None:
        """A gradient: of the mean alone, given from outside, or a product in the pass."""
        stage = self.stages[self.levels[i]]
        if i in self.means:
            stage.first.append(("mean", i, v))
        elif i in self.given:
            if i != self.known:
                stage.first.append(("given", i, v))
        else:
            self.products[i] = len(self.products)
            stage.points.append((self._shared(v, self.levels[i]), self.products[i]))
        if i in self.kept and i not in self.given:
            stage.work.combine(
                (KEPT, self.kept[i]), self._sources(Vector({(OWN, GRADIENT, i): 1.0}), self.levels[i])
            )

    def _message(self, i: int, v: Vector) -> None:
        """A compression: its input into slot 0 of the scratch, its output into a slot of its own."""
        level = self.levels[i]
        work = self.stages[level].work
        work.combine((SCRATCH, 0), self._sources(v, level))
        # slot 0 is the compressor's input; every message has a slot of its own, as several may be read at
        # the end
        self.scratch[i] = 1 + len(self.scratch)
        work.compress(self.scratch[i] - 1, (SCRATCH, 0), (SCRATCH, self.scratch[i]))
        if i in self.kept:
            work.combine((KEPT, self.kept[i]), [((SCRATCH, self.scratch[i]), 1.0)])

    def _width(self) -> int:
        """Scratch rows: also the next values of memories that read each other."""
        return 1 + len(self.scratch) + len(self.program.worker)

    def _sum_what_servers_read(self) -> None:
        """A sum over the workers for every mean that something reads; one for means that are always read together."""
        level = {key: self._summed_at(key) for key in self._means_read()}
        while level:
            key = next(iter(level))
            # x+ = x - gamma (mean h + mean m) reads two means always together: one sum of h + m in the pass
            # saves a memory stream and a reduction
            together = [(k, share) for k in level if level[k] == level[key] for share in self._share(key, k)]
            stage = self.stages[level[key]]
            stage.totals[key] = self.total
            sources = []
            for (_, kind, i), share in together:
                memory = kind == STATE
                found = (
                    [(self._place(i), 1.0)]
                    if memory
                    else self._sources(Vector({(OWN, kind, i): 1.0}), level[key])
                )
                sources += [(place, share * c) for place, c in found]
            stage.work.combine((TOTAL, self.total), sources, keep=1.0)
            self.total += 1
            for k, _ in together:
                del level[k]
                if k != key:
                    self.nexts = [{s: _less(v, k) for s, v in nexts.items()} for nexts in self.nexts]

    def _means_read(self) -> list[Key]:
        """Means over the workers that are there after a pass, in a fixed order."""
        vectors = [op.argument for op in self.program.ops]
        vectors += [v for leaf in self.program.leaves for v in leaf.following.values()]
        wanted = {k for v in vectors for k in v.terms if k[0] == COMMON and k[1] != SPOKEN}
        out = []
        for key in sorted(wanted, key=str):
            _, kind, i = key
            # means of gradients, and of memories that are carried, are there before the pass
            passed = (
                i in self.program.worker and i not in self.early if kind == STATE else i not in self.means
            )
            out += [key] if passed else []
        return out

    def _summed_at(self, key: Key) -> int:
        """The pass that makes the terms of a mean."""
        return self.updates[key[2]] if key[1] == STATE else self.levels[key[2]]

    def _share(self, key: Key, other: Key) -> list[float]:
        """[c] where only the server's next values read the two, and then always 1 of the first and c of the other."""
        if other == key:
            return [1.0]
        updates = [leaf.following[k] for leaf in self.program.leaves for k in self.program.worker]
        early = [*(op.argument for op in self.program.ops), *updates]
        # the ratio of their coefficients must be one number over all leaves and server vectors, and nothing
        # else may read either
        pairs = [(v.terms.get(key, 0), v.terms.get(other, 0)) for nexts in self.nexts for v in nexts.values()]
        pairs = [(float(a), float(b)) for a, b in pairs if a != 0 or b != 0]
        if any(k in v.terms for v in early for k in (key, other)) or any(a == 0 for a, _ in pairs):
            return []
        shares = {b / a for a, b in pairs}
        return list(shares) if len(shares) == 1 else []

    def _place(self, memory: str) -> Place:
        """Where a worker's memory lies."""
        return HELD, self.program.worker.index(memory)

    def _update(self, names: list[str], level: int) -> None:
        """Next values of memories in place; through scratch where they read each other."""
        program, work = self.program, self.stages[level].work
        nexts = {k: [leaf.following[k] for leaf in program.leaves] for k in names}
        # memories that read each other's old values cannot be updated one after the other in place: all
        # next values go to scratch first
        crossed = any(
            s == OWN and kind == STATE and i in names and i != k
            for k in names
            for v in nexts[k]
            for s, kind, i in v.terms
        )
        for at, k in enumerate(names):
            place = (SCRATCH, 1 + len(self.scratch) + at) if crossed else self._place(k)
            self._next(k, nexts[k], place, level)
        for at, k in enumerate(names if crossed else ()):
            work.combine(self._place(k), [((SCRATCH, 1 + len(self.scratch) + at), 1.0)])
        for k in names:
            if k == self.compares:
                work.compare(program.worker.index(k))
            if k in self.early:
                self.stages[level].totals[OWN, STATE, k] = self.total
                work.combine((TOTAL, self.total), [(self._place(k), 1.0)], keep=1.0)
                self.total += 1

    def _next(self, name: str, leaves: list[Vector], place: Place, level: int) -> None:
        """One next value: the same of every leaf, or that of the row's leaf."""
        mine, work = self._place(name), self.stages[level].work
        same = all(v.terms == leaves[0].terms for v in leaves)
        for number, v in enumerate(leaves[:1] if same else leaves):
            sources = self._sources(v, level)
            # h+ = h + alpha m in place is "keep h, add alpha m": the coefficient of the vector itself is
            # the keep, and h+ = h costs no instruction
            keep = sum(c for p, c in sources if p == mine) if place == mine else 0.0
            rest = [(p, c) for p, c in sources if p != mine or place != mine]
            if keep != 1.0 or rest or place != mine:
                work.combine(place, rest, keep, -1 if same else 1 << number)

    def _sources(self, v: Vector, level: int) -> list[tuple[Place, float]]:
        """Where the parts of a worker's vector lie; all that is common to the workers is one part."""
        out: list[tuple[Place, float]] = []
        # everything that all workers share is added up once, on the server, and enters the pass as one row
        common = Vector({k: c for k, c in v.terms.items() if k[0] == COMMON})
        for (scope, kind, i), c in v.terms.items():
            if scope == COMMON:
                continue
            if kind == STATE:
                out.append((self._place(i), float(c)))
            elif i in self.given or self.levels[i] < level:
                out.append(((KEPT, self.kept[i]), float(c)))
            elif kind == GRADIENT:
                # grad f_i(x) = A_i x - b_i: the product from BLAS, the offset from the problem's own array
                out += [((PRODUCT, self.products[i]), float(c)), ((OFFSET, 0), -float(c))]
            else:
                out.append(((SCRATCH, self.scratch[i]), float(c)))
        if common.terms:
            out.append(((SERVER, self._shared(common, level)), 1.0))
        return out

    def _shared(self, v: Vector, level: int) -> int:
        """The slot of a vector that all share, made before the pass."""
        stage = self.stages[level]
        # equal vectors have one slot: BLAS multiplies a point once, however often it is read
        for slot, there in stage.shared:
            if there.terms == v.terms:
                return slot
        stage.shared.append((self.slots, v))
        self.slots += 1
        return self.slots - 1


def _less(v: Vector, key: Key) -> Vector:
    """The vector without one of its terms."""
    return Vector({k: c for k, c in v.terms.items() if k != key})
