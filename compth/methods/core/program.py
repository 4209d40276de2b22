"""A body's trace: gradients, compressions and broadcasts in their order, and the next state after every outcome.

A program is data: vectors as linear combinations of the state and of what the verbs gave, a leaf for every outcome of
the coins. It is what the exact dynamics, the certificates and the proofs of a method speak of, so two rules must not be
given up: what is no such program is refused with its line and never approximated, and numbers stay what they were given
as (Fractions and symbols are not turned into floats). Readings of a program (bills, what the server knows, what is
carried to the next round) are functions at the end of the file.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import CodeType
from typing import TypeVar

from compth._numbers import Number
from compth.errors import CompthError, InvalidParameter
from compth.methods.core.swallowed import noticing
from compth.methods.core.vectors import (
    COMMON,
    GRADIENT,
    MESSAGE,
    OWN,
    PART,
    PICKED,
    REFUSED,
    SPOKEN,
    STATE,
    Count,
    InPlace,
    Key,
    Underivable,
    Vector,
    averaged,
)

Body = Callable[..., object]
T = TypeVar("T")
# a trace speaks of a run only if the body cannot tell them apart: a body that names one of these is refused
# whether or not it uses it, as no look at its code could decide that
ASKING = frozenset(
    {"isinstance", "issubclass", "type", "hasattr", "getattr", "vars", "dir", "id", "callable", "globals"}
    | {"locals", "eval", "exec", "__class__", "__import__"}
)
"""By these a body could tell symbols from arrays, or one run from another."""
# k coins make 2^k leaves, and every one is traced and later enters the expected dynamics
MOST_OUTCOMES = 64
"""Outcomes of the coins of one step."""


@dataclass(frozen=True)
class Op:
    """One verb: what it was given, on which line. draw: operations of one number share their randomness.

    parts: a gradient of every part of every worker.
    """

    kind: str
    argument: Vector
    line: int
    draw: int
    parts: bool = False


@dataclass(frozen=True)
class Leaf:
    """One outcome of the coins: its probability, the coins that came up, the next state."""

    probability: Number
    coins: tuple[bool, ...]
    following: Mapping[str, Vector]


@dataclass(frozen=True)
class Program:
    """The step as a straight-line program. server (x first), worker: the state's names. ops: those of every leaf.

    start: name -> "x0" or "gradient"; the others begin at 0. reads_n, reads_d: the body asked for them.
    """

    name: str
    server: tuple[str, ...]
    worker: tuple[str, ...]
    ops: tuple[Op, ...]
    leaves: tuple[Leaf, ...]
    n: int
    d: int
    start: Mapping[str, str] = field(default_factory=dict)
    reads_n: bool = False
    reads_d: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All state vectors."""
        return (*self.server, *self.worker)

    def of_kind(self, kind: str) -> tuple[int, ...]:
        """Numbers of the operations of a kind."""
        return tuple(i for i, op in enumerate(self.ops) if op.kind == kind)


def named(body: Body) -> str:
    """What a body is called: its own name, or that of the class whose `body` it is."""
    first, _, last = body.__qualname__.rpartition(".")
    return first.rpartition(".")[2] if last == "body" and first else body.__name__


class Tracer:
    """The `w` of a traced body: every verb notes what it was given and returns a new symbol."""

    def __init__(
        self, body: Body, path: tuple[bool, ...], n: int, d: int, downlink: bool, unknown: bool = False
    ) -> None:
        # a whole number divides into Fractions; a symbol stands for every number of workers or coordinates
        self._n, self._d = (Count(k) if isinstance(k, int) else k for k in (n, d))
        self.read_n = self.read_d = False
        self._body, self._path, self._downlink, self._unknown = body, path, downlink, unknown
        self._ops: list[Op] = []
        self._coins: list[bool] = []
        self._probability: object = 1
        self._draws = 0
        self._named: dict[object, int] = {}

    @property
    def n(self) -> Count:
        """The number of workers; a body that does not ask for it is the same for any."""
        self.read_n = True
        return self._n

    @property
    def d(self) -> Count:
        """The dimension; a body that asks for it is another one at another dimension."""
        self.read_d = True
        return self._d

    def _note(self, kind: str, argument: Vector, scope: str, draw: int | None = None) -> Vector:
        # the verbs of workers take one vector a worker; vectors of parts have a further axis, which only a
        # mean or a drawn part takes away
        if isinstance(argument, Vector) and argument.parted and kind != PICKED:
            raise Underivable("the argument differs between the parts of a worker: take w.parts.mean of it")
        if not isinstance(argument, Vector):
            raise Underivable(f"the argument is a {type(argument).__name__} and no vector of the step")
        # operations share their randomness exactly where their draws are equal: a new number is a fresh
        # draw
        if draw is None:
            draw = self._draws = self._draws + 1
        self._ops.append(Op(kind, argument, _line(self._body), draw, scope == PART))
        return Vector({(scope, kind, len(self._ops) - 1): 1})

    def gradient(self, x: Vector, *, draw: object = None) -> Vector:
        """grad f_i at x, one for each worker; with an oracle, gradients of the same `draw` share its randomness."""
        if draw is None:
            return self._note(GRADIENT, x, OWN)
        # a name that the body chose stands for one number throughout the step, whatever the name is
        if draw not in self._named:
            self._draws += 1
            self._named[draw] = self._draws
        return self._note(GRADIENT, x, OWN, self._named[draw])

    def compress(self, u: Vector) -> Vector:
        """C_i(u_i): one message of each worker."""
        return self._note(MESSAGE, u, OWN)

    def sketch(self) -> Callable[[Vector], Vector]:
        """One draw of every worker's sketch, to be applied several times."""
        self._draws += 1
        draw = self._draws
        return lambda u: self._note(MESSAGE, u, OWN, draw)

    @property
    def parts(self) -> Parts:
        """The parts (components) of every worker's f_i = (1/m) sum_j f_ij, with verbs of their own."""
        return Parts(self)

    def mean(self, v: Vector) -> Vector:
        """The average over the workers."""
        if not isinstance(v, Vector):
            raise Underivable(f"the mean of a {type(v).__name__}")
        if v.parted:
            raise Underivable("the mean of what differs between the parts of a worker: first w.parts.mean")
        return averaged(v)

    def broadcast(self, v: Vector) -> Vector:
        """C_M(v), heard by all workers; v itself where the downlink is not compressed."""
        if not isinstance(v, Vector):
            raise Underivable(f"the argument is a {type(v).__name__} and no vector of the step")
        if v.own:
            raise Underivable("broadcast of a worker's vector: the server has its mean only, w.mean(v)")
        # an uncompressed broadcast is the identity: it leaves no operation, so that proofs of the plain
        # method speak of this one
        return self._note(SPOKEN, v, COMMON) if self._downlink else v

    def coin(self, p: Number, yes: T, no: T) -> T:
        """yes with probability p, else no (vectors, or tuples of them): one coin for all, both values are computed."""
        _vectors(yes, no)
        if not self._unknown and not 0 <= p <= 1:
            raise InvalidParameter(f"coin(p={p}) needs 0 <= p <= 1")
        # both values were computed by the body before the coin is asked; the tracer runs the body once for
        # every path and takes the coin's side from it, heads beyond the path's end
        i = len(self._coins)
        taken = self._path[i] if i < len(self._path) else True
        self._coins.append(taken)
        # coins are independent, so a leaf has the product of its sides' probabilities
        self._probability = self._probability * (p if taken else 1 - p)
        return yes if taken else no


class Parts:
    """`w.parts` of a traced body."""

    def __init__(self, w: Tracer) -> None:
        self._w = w

    def gradient(self, x: Vector) -> Vector:
        """grad f_ij at x, one for each part of every worker; exact, also where an oracle draws the workers'."""
        if isinstance(x, Vector) and x.own:
            raise Underivable("gradients of parts are taken at the server's points")
        return self._w._note(GRADIENT, x, PART)

    def mean(self, v: Vector) -> Vector:
        """The average over the parts of every worker."""
        if not isinstance(v, Vector):
            raise Underivable(f"the mean of a {type(v).__name__}")
        return averaged(v, OWN)

    def sample(self) -> Callable[[Vector], Vector]:
        """One part of every worker, drawn uniformly and by each for itself: v -> its vector there."""
        w = self._w
        w._draws += 1
        draw = w._draws

        def picked(v: Vector) -> Vector:
            if not isinstance(v, Vector) or not v.parted:
                raise Underivable("the argument has no vector for each part: w.parts.gradient has")
            # the terms that all parts of a worker share do not feel which part is drawn: they leave the
            # operation, and only the rest is picked. So E of the pick is exactly the mean over the parts
            inside = Vector({k: c for k, c in v.terms.items() if k[0] == PART})
            return v - inside + w._note(PICKED, inside, OWN, draw)

        return picked


def _vectors(yes: object, no: object) -> None:
    if isinstance(yes, tuple) and isinstance(no, tuple) and len(yes) == len(no):
        for a, b in zip(yes, no, strict=True):
            _vectors(a, b)
    elif isinstance(yes, tuple | Vector) != isinstance(no, tuple | Vector) or isinstance(yes, tuple):
        raise Underivable("a coin between a vector and something else")


def _line(body: Body) -> int:
    """The line of the body that is running; a body that does what another was seen to do says whose (`body_told`)."""
    # lines are for refusals alone; nothing that is derived or printed reads them
    told: int | None = getattr(body, "told_line", None)
    if told is not None:
        return told
    code = getattr(body, "__code__", None)
    for frame, line in traceback.walk_stack(None):
        if frame.f_code is code:
            return line
    return 0


def located(problem: BaseException, body: Body) -> tuple[int, str]:
    """(line, its text) of the body at which an exception came up; 0 where it was elsewhere."""
    code = getattr(body, "__code__", None)
    found = 0
    for frame, line in traceback.walk_tb(problem.__traceback__):
        if frame.f_code is code:
            found = line
    return found, source_line(body, found)


def source_line(body: Body, line: int) -> str:
    """The text of a line of the body."""
    code = getattr(body, "__code__", None)
    return linecache.getline(code.co_filename, line).strip() if code is not None and line else ""


def trace(
    body: Body,
    server: tuple[str, ...],
    worker: tuple[str, ...],
    params: Mapping[str, Number],
    *,
    n: int,
    d: int,
    downlink: bool = False,
    start: Mapping[str, str] | None = None,
    coins_unknown: bool = False,
) -> Program:
    """The body as a program at these parameters, which may be any numbers; outcomes of probability 0 are left out.

    Raises Underivable with the line where the body is no such program, InPlace where it writes into a vector. Control
    flow on parameters is followed: the program speaks of these parameters alone. coins_unknown: p is not looked at.
    """
    name = named(body)
    # first what no run could show: then the runs
    asking = sorted(_named(body.__code__) & ASKING)
    if asking:
        raise Underivable(
            f"it asks what it is given ({asking[0]}), so its trace speaks of no other run", name=name
        )
    leaves: list[Leaf] = []
    ops: tuple[Op, ...] | None = None
    reads_n = reads_d = False
    # depth first over the coins: a path fixes the first coins, the run takes heads for the others and tells
    # how many there were; every coin past the path then opens the path that turns it to tails
    todo: list[tuple[bool, ...]] = [()]
    while todo:
        path = todo.pop()
        w = Tracer(body, path, n, d, downlink, coins_unknown)
        following = _run(body, w, server, worker, params)
        # straight-line means that the verbs are given the same vectors whatever the coins say: only then is
        # one list of operations true of every leaf, and the moments of an operation are those of all
        # outcomes
        if ops is not None and not coins_unknown and not _same_ops(ops, tuple(w._ops)):
            raise Underivable("what it computes depends on a coin: give both values to w.coin", name=name)
        ops, reads_n, reads_d = tuple(w._ops), reads_n or w.read_n, reads_d or w.read_d
        leaves.append(Leaf(w._probability, tuple(w._coins), following))
        if len(leaves) + len(todo) > MOST_OUTCOMES:
            raise Underivable(f"more than {MOST_OUTCOMES} outcomes of its coins", name=name)
        todo += [(*w._coins[:i], False) for i in range(len(path), len(w._coins))]
    # a coin of probability 1 (or 0) leaves one leaf with weight: p = 1 is then the method without the coin.
    # Symbols are kept, they may be anything
    kept = tuple(
        leaf
        for leaf in leaves
        if not (isinstance(leaf.probability, int | float | Fraction) and leaf.probability == 0)
    )
    return Program(
        name,
        server,
        worker,
        ops=ops or (),
        leaves=kept,
        n=n,
        d=d,
        start=dict(start or {}),
        reads_n=reads_n,
        reads_d=reads_d,
    )


def _named(code: CodeType) -> set[str]:
    """Names that a code and the codes nested in it use."""
    nested = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*(_named(c) for c in nested))


def _same_ops(a: tuple[Op, ...], b: tuple[Op, ...]) -> bool:
    return len(a) == len(b) and all(
        p.kind == q.kind and p.draw == q.draw and p.parts == q.parts and p.argument.terms == q.argument.terms
        for p, q in zip(a, b, strict=True)
    )


def _run(
    body: Body, w: Tracer, server: tuple[str, ...], worker: tuple[str, ...], params: Mapping[str, Number]
) -> dict[str, Vector]:
    # every state vector is one symbol with coefficient 1; what the body returns is linear in them and in
    # what the verbs gave
    state = {k: Vector({(COMMON, STATE, k): 1}) for k in server} | {
        k: Vector({(OWN, STATE, k): 1}) for k in worker
    }
    x, *rest = server
    # a body may catch what the symbols raise and go on where arrays would not have raised: then its trace
    # is that of another run. Both refusals and exceptions of its own are noticed behind its back
    REFUSED.reasons.clear()
    try:
        given, caught = noticing(
            lambda: body(w, state[x], **{k: state[k] for k in (*rest, *worker)}, **params)
        )
    except InPlace as problem:
        line, text = located(problem, body)
        raise InPlace(f"{named(body)}, line {line} ({text}): {problem}") from None
    except Underivable as problem:
        line, text = located(problem, body)
        raise Underivable(problem.reason, line, text, named(body)) from None
    except CompthError:
        raise
    except Exception as problem:
        line, text = located(problem, body)
        raise Underivable(f"{type(problem).__name__}: {problem}", line, text, named(body)) from None
    if REFUSED.reasons:
        raise Underivable(f"it goes on after a refusal ({REFUSED.reasons[0]})", name=named(body))
    if caught:
        raise Underivable(f"it goes on after an exception ({caught})", name=named(body))
    return _checked(named(body), given, server, worker)


def _checked(name: str, given: object, server: tuple[str, ...], worker: tuple[str, ...]) -> dict[str, Vector]:
    following = returned(name, given, (*server, *worker))
    out: dict[str, Vector] = {}
    for k, v in following.items():
        if not isinstance(v, Vector):
            raise Underivable(
                f"the next value of {k} is a {type(v).__name__} and no combination of the step's vectors",
                name=name,
            )
        if v.parted:
            raise InvalidParameter(
                f"{name}: the next value of {k} differs between the parts of a worker: take w.parts.mean of it"
            )
        # a server has no other way to a worker's vector than a mean: such a step could not be implemented
        if k in server and v.own:
            raise InvalidParameter(
                f"{name}: {k} is a server vector but its next value differs between the workers: take w.mean of it, or"
                f" declare {k}: ct.Worker"
            )
        out[k] = v
    return out


def returned(name: str, given: object, names: tuple[str, ...]) -> dict[str, object]:
    """What a body returned, checked to be a dict of exactly its state."""
    if not isinstance(given, Mapping) or set(given) != set(names):
        shown = sorted(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
        raise InvalidParameter(
            f"{name} returns {shown}: it must return a dict of its state, {', '.join(names)}"
        )
    return {k: given[k] for k in names}


@dataclass(frozen=True)
class Bill:
    """What a worker sends in one outcome: its messages (numbers of the compressions) and how many full vectors."""

    messages: tuple[int, ...]
    full: int


def known_to_server(program: Program) -> frozenset[str]:
    """The workers' states that the server can follow: their next value holds messages, server vectors and such states.

    The greatest fixed point: start from all of them and strike out.
    """
    # a worker's memory is known to the server if it is made of messages, of what all share and of memories
    # that the server knows. Striking out from everything finds the largest such set, where
    # building up from nothing would miss memories that feed on themselves, such as h + alpha m
    known = set(program.worker)
    while True:
        lost = {
            k
            for k in known
            for leaf in program.leaves
            for scope, kind, i in leaf.following[k].terms
            if scope == OWN and not (kind == MESSAGE or (kind == STATE and i in known))
        }
        if not lost:
            return frozenset(known)
        known -= lost


def from_server(program: Program) -> frozenset[int]:
    """Messages of one sketch with others that are made of what the server holds: no worker sends them."""
    # one sketch applied twice is drawn from a seed that both sides share: applied to what the server holds,
    # the server does it itself, and no bits go up
    draws = [program.ops[i].draw for i in program.of_kind(MESSAGE)]
    return frozenset(
        i
        for i in program.of_kind(MESSAGE)
        if draws.count(program.ops[i].draw) > 1 and not program.ops[i].argument.own
    )


def received(program: Program) -> frozenset[int]:
    """Those of them that are all the workers hear of the server; empty where they use a server vector itself."""
    found = from_server(program)
    # the workers hear the sketched model alone if no other operation and no memory of theirs reads a server
    # vector as it stands
    used = [op.argument for i, op in enumerate(program.ops) if i not in found and op.kind != SPOKEN]
    used += [leaf.following[k] for leaf in program.leaves for k in program.worker]
    whole = any(scope == COMMON for v in used for scope, _, _ in v.terms)
    return frozenset() if whole else found


def bills(program: Program) -> tuple[Bill, ...]:
    """The bill of every leaf: messages that its next state needs, and the mean of what the server does not know."""
    known, out = known_to_server(program), []
    free = from_server(program)
    # a message is paid for in a leaf only if the leaf's next state needs it, directly or through operations
    # that read it: a coin's other side costs nothing
    for leaf in program.leaves:
        seen: set[int] = set()
        full: set[Key] = set()
        todo = list(leaf.following.values())
        while todo:
            for key in todo.pop().terms:
                scope, kind, i = key
                # a mean over the workers of something that is no message has to be sent as full vectors:
                # gradients, and memories that the server cannot follow
                hidden = kind in (GRADIENT, PICKED) or (
                    kind == STATE and i in program.worker and i not in known
                )
                if scope == COMMON and hidden:
                    full.add(key)
                if kind != STATE and i not in seen:
                    seen.add(i)
                    todo.append(program.ops[i].argument)
        messages = tuple(sorted(i for i in seen - free if program.ops[i].kind == MESSAGE))
        out.append(Bill(messages, len(full)))
    return tuple(out)


def carried(program: Program) -> tuple[int | None, int] | None:
    """(the gradient at x, the gradient at the next x): the next round takes the first again, so the last is kept.

    (None, the last) where no gradient is taken at x itself: metrics read it. None without a gradient at the next x.
    """
    # methods such as EF21 and MARINA take the gradient at the next iterate now and at the present one again
    # in the next round: the value is carried over, which halves the gradients. It must be the same point in
    # every leaf
    x = program.server[0]
    now = Vector({(COMMON, STATE, x): 1}).terms
    after = program.leaves[0].following[x].terms
    if any(leaf.following[x].terms != after for leaf in program.leaves) or now == after:
        return None
    whole = (i for i in program.of_kind(GRADIENT) if not program.ops[i].parts)
    points = {i: program.ops[i].argument.terms for i in whole}
    last = [i for i, terms in points.items() if terms == after]
    first = [i for i, terms in points.items() if terms == now]
    return (first[0] if first else None, last[0]) if last else None


def averaged_gradients(program: Program) -> frozenset[int]:
    """Gradients of which the step reads the mean alone."""
    vectors = [op.argument for op in program.ops]
    vectors += [v for leaf in program.leaves for v in leaf.following.values()]
    # where only (1/n) sum grad f_i is read, grad f is evaluated at once: n times fewer products
    single = {i for v in vectors for scope, kind, i in v.terms if scope != COMMON and kind == GRADIENT}
    return frozenset(i for i in program.of_kind(GRADIENT) if not program.ops[i].parts) - single
