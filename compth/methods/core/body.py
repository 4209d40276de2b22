"""`ct.method`: a function of (w, x, vectors, *, parameters) becomes a method like the catalogue's.

The body is the one place in which a method's step is written. A run calls it on arrays, a trace on symbols (`program`),
and everything else is derived from the trace: exact dynamics, certificates, listings, bits. What must hold here: a
step changes no state, draws from the given generator alone and in the order of the body's verbs (results are
reproducible bit by bit), and a method that overrides any of `OWN_CODE` is never taken for its body. New verbs go into
`signature.World`, `running`, `program` and `agreement` together, or the check of arrays against the trace refuses them.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from functools import lru_cache
from importlib import import_module
from numbers import Real
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, cast, overload

import numpy as np
from numpy.typing import NDArray

from compth._door import is_probability
from compth._numbers import Number
from compth._own import functions, looked_up
from compth._types import Tensor
from compth.bits import FLOAT_BITS
from compth.claims import Claim
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.methods.core.agreement import agree
from compth.methods.core.downlink import Bidirectional
from compth.methods.core.known import Known
from compth.methods.core.outside import run_until_values_rest, while_it_reads_the_same
from compth.methods.core.program import (
    Bill,
    Body,
    Program,
    averaged_gradients,
    bills,
    carried,
    known_to_server,
    located,
    named,
    received,
    returned,
    trace,
)
from compth.methods.core.running import Running, locked
from compth.methods.core.signature import (
    NOTHING,
    Server,
    Signature,
    Start,
    Worker,
    copy_of_start,
    gradient_at_start,
    signature_of,
)
from compth.methods.core.state import Bits, Counted
from compth.methods.core.vectors import Underivable
from compth.problems.interface import Problem
from compth.problems.oracle import Drawn
from compth.sources import COMPTH, Source


@dataclass(frozen=True)
class BodyState(State):
    """x and the body's vectors: (R, d) of the server, (R, n, d) of the workers. held: gradients at x, where kept."""

    held: Array | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class BodyMethod(Bidirectional):
    """A method whose step is its `body`, which is also what everything else is derived from."""

    takes_oracle = True
    signature: ClassVar[Signature]
    state_class: ClassVar[type[BodyState]] = BodyState
    planned: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What a plan calls a parameter of the body, where Python or the library has no such name free for it."""
    chances: ClassVar[tuple[str, ...]] = ()
    """Parameters that are probabilities in (0, 1]."""
    known: ClassVar[tuple[Known, ...]] = ()
    """Its worst cases in closed form, one for each claim of its compressors at most."""
    lyapunov_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What `check_rate`'s text calls a vector, where that is not the body's name: the body's own, "gradient" (at x) or
    "direction", (x - x+)/gamma."""

    # every body has arguments of its own: with Any alone a type checker takes each of them for an override
    @staticmethod
    @abstractmethod
    def body(*vectors: Any, **parameters: Any) -> dict[str, Tensor]:
        """The step: the verbs w, the iterate x and further vectors in, their next values out (see `ct.method`)."""

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        # the signature is read once, when the class is made: a body that cannot be read fails there and not
        # in a run
        if "body" in cls.__dict__ and "signature" not in cls.__dict__:
            cls.signature = signature_of(cls.body, BodyMethod)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.given().items():
            if isinstance(value, bool) or not hasattr(value, "__float__"):
                raise InvalidParameter(f"{type(self).__name__}({name}={value!r}) needs a number")
            if name in self.chances and not is_probability(value):
                raise InvalidParameter(f"{type(self).__name__}({name}={value!r}) needs 0 < {name} <= 1")
        if self.gamma is not None and not self.signature.takes_gamma:
            raise InvalidParameter(f"{type(self).__name__}(gamma={self.gamma}): its body takes no gamma")

    def given(self) -> Mapping[str, Number]:
        return {k: v for k in self.signature.params if (v := getattr(self, k, None)) is not None}

    def default_params(self, c: Constants) -> dict[str, Number]:
        # what is given comes before defaults, and what neither settles is planned by a certificate
        found = {k: v for k, v in self.signature.params.items() if v is not NOTHING} | dict(self.given())
        missing = [k for k in self.left_out if k != "gamma"]
        if missing:
            found = self.certified(c, missing)[1] | found
        return {k: found[k] for k in self.signature.params}

    @property
    def left_out(self) -> tuple[str, ...]:
        """Parameters, gamma first, that are neither given nor have a default."""
        # gamma goes first: a message that names one missing thing names the step
        given, gamma = self.given(), self.signature.takes_gamma and self.gamma is None
        own = [k for k, v in self.signature.params.items() if v is NOTHING and k not in given]
        return ("gamma", *own) if gamma else tuple(own)

    def certified(self, c: Constants, missing: list[str]) -> tuple[Number | None, dict[str, Number]]:
        """(gamma, parameters) of the least certified worst case that is found; NoGuarantee where there is none."""
        # worst cases lie above methods: the planner is looked up when a plan is asked for
        planner = import_module("compth.worst_case.planned")
        try:
            gamma, params = planner.certified_plan(self, c)
        except (Unsupported, InvalidParameter) as reason:
            raise NoGuarantee(
                f"{type(self).__name__} needs {' and '.join(missing)}: no theorem plans it and no certified rate does"
                f" ({reason}), give {missing[0]}=..."
            ) from None
        return gamma, params

    def unplanned(self, c: Constants, reason: str) -> Plan:
        """Where no theorem speaks: what is given; the rest by the best certified rate where the method has none."""
        if self.gamma is not None or not self.signature.takes_gamma:
            return Plan(1 if self.gamma is None else self.gamma, self.default_params(c))
        if self.theorems():
            return super().unplanned(c, reason)
        gamma, params = self.certified(c, ["gamma"])
        return Plan(1 if gamma is None else gamma, {k: params[k] for k in self.signature.params})

    def arguments(self, plan: Plan, t: int = 0) -> dict[str, Number]:
        """The body's parameters at step t of a plan, as floats: what a trace at floats was held against."""
        out = {k: float(v) for k, v in self.read_from(plan.params).items()}
        if not self.signature.takes_gamma:
            return out
        gamma = plan.step(t)
        return out | {"gamma": float(gamma) if isinstance(gamma, Real) else gamma}

    def read_from(self, params: Mapping[str, Number]) -> dict[str, Number]:
        """The body's parameters out of a plan's, the method's own or the body's defaults where it names none."""
        planned = type(self).planned
        # a plan may call a parameter otherwise than the body (`planned`); both names are looked for
        found = {k: params.get(planned.get(k, k), params.get(k)) for k in self.signature.params}
        return {k: self._default(k) if v is None else v for k, v in found.items()}

    def _default(self, name: str) -> float:
        own = getattr(self, name, None)
        value = self.signature.params[name] if own is None else own
        if value is NOTHING:
            raise InvalidParameter(f"{type(self).__name__} needs {name}=...: no theorem plans it")
        return float(value)

    def program(self, params: Mapping[str, Number], n: int, d: int) -> Program:
        """The body traced at these parameters, and found to do on arrays what the trace says.

        Underivable, with the line, where it is no linear program.
        """
        return derived(type(self), tuple(sorted(params.items())), n, d, not self.broadcasts_all)

    def init(self, problem: Problem, x0: Array, plan: Plan) -> BodyState:
        form, rows, problem = self.signature, len(x0), self.seen(problem)
        # one evaluation at x_0 serves every vector that begins at gradients, and is carried on as the
        # gradient at x
        own = problem.gradients(x0) if "gradient" in form.start.values() else None

        def first(name: str) -> Array:
            kind, mine = form.start.get(name, "zero"), name in form.worker
            if kind == "zero":
                return np.zeros((rows, problem.n, problem.d) if mine else (rows, problem.d), dtype=x0.dtype)
            if kind == "gradient":
                gradients = np.asarray(own)
                return gradients if mine else np.asarray(gradients.mean(axis=1))
            return np.repeat(x0[:, None], problem.n, axis=1) if mine else x0

        vectors = {k: first(k) for k in (*form.server[1:], *form.worker)}
        read = self._read(problem, self.arguments(plan))
        # a body that takes the gradient at its next iterate finds it again as the gradient at x one round
        # later
        keeps = read is not None and read.carried is not None
        held = (problem.gradients(x0) if own is None else own) if keeps else None
        return self.state_class(x0, held=held, **vectors)

    def _read(self, problem: Problem, params: Mapping[str, Number]) -> Reading | None:
        """What the trace says of this step, None for a body that is no program (it runs as it is written)."""
        try:
            return _reading(type(self), tuple(params.items()), problem.n, problem.d, not self.broadcasts_all)
        except Underivable:
            return None

    def step(self, problem: Problem, state: State, rng: np.random.Generator, plan: Plan, t: int) -> BodyState:
        form, params, given = self.signature, self.arguments(plan, t), problem
        problem = given.through(self.seen) if isinstance(given, Drawn) else self.seen(given)
        # a schedule moves gamma alone, and the program's shape does not hang on its size: read at the first step
        read = self._read(problem, params if plan.schedule is None else self.arguments(plan, 0))
        # drawn gradients are never carried over: the oracle draws anew in every round, also at the same point
        first, last = (None, None) if read is None or read.carried is None else read.carried
        known = first is not None and state.held is not None and self.estimator is None
        # under a schedule the trace was read at another gamma, at which a coefficient may vanish that does
        # not here: then every gradient is made for each worker
        mean = read.averaged if read is not None and plan.schedule is None else frozenset[int]()
        w = Running(
            self,
            problem,
            rng,
            held=(first, state.held) if known else None,
            keep=last,
            picked=_picked,
            averaged=mean,
        )
        # in the body a server vector is (R, 1, d) and a worker's is (R, n, d): numpy's broadcasting is then
        # exactly "the server's value at every worker"
        vectors = {k: locked(getattr(state, k)[:, None]) for k in form.server[1:]}
        vectors |= {k: locked(getattr(state, k)) for k in form.worker}
        after = self._called(w, locked(state.x[:, None]), vectors, params)
        if read is not None and w.operations != len(read.program.ops):  # a body that does branch on its step
            read = self._read(problem, params)
        new = {k: self._one(k, v, problem.n, state.x.dtype) for k, v in after.items()}
        return self.state_class(
            sent=self._sent(w, read, given, t), heard=self._heard(w, read, given), held=w.kept, **new
        )

    def _called(
        self, w: Running, x: Tensor, vectors: Mapping[str, Tensor], params: Mapping[str, Number]
    ) -> dict[str, Tensor]:
        body = type(self).body
        try:
            return returned(
                named(body),
                body(w, x, **vectors, **params),
                (*self.signature.server, *self.signature.worker),
            )
        except ValueError as problem:
            line, text = located(problem, body)
            if "read-only" in str(problem):
                raise InvalidParameter(
                    f"{named(body)}, line {line} ({text}): an in-place update: vectors are read-only, write a = a + b"
                ) from None
            raise

    def _one(self, name: str, value: Tensor, n: int, dtype: np.dtype[np.float64]) -> Array:
        """One next value in the state's shape."""
        want, shape = (n if name in self.signature.worker else 1), getattr(value, "shape", None)
        # a worker's next value may come out common to all, (R, 1, d), and is repeated; the other way round
        # something is missing
        if shape is None or len(shape) != 3 or shape[1] not in (want, 1):
            raise InvalidParameter(
                f"{type(self).__name__}: the next value of {name} has shape {shape}, needed is (R, {want}, d)"
                + ("" if want > 1 else ": take w.mean of it")
            )
        if shape[1] != want:
            value = np.repeat(value, want, axis=1)
        if value.dtype != dtype:
            value = value.astype(dtype)
        out: Array = value if name in self.signature.worker else value[:, 0]
        return out

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """Uplink bits of the round per worker; a body that is no program sends all its messages, or full vectors.

        A server that begins with gradients is sent them in the first round.
        """
        every = float(problem.d * FLOAT_BITS)
        cost = w.cost
        if read is None:
            return sum(cost.values(), 0.0) if cost else every * max(w.means, 1)
        first = every if t == 0 and read.begins_sent else 0.0
        # the usual case: every outcome of the coins sends the same messages
        if len(set(read.bills)) == 1:
            return _total(cost, read.bills[0], every) + first
        out: Bits = first
        # else a replicate pays the bill of the outcome that its own coins gave
        for leaf, bill in zip(read.program.leaves, read.bills, strict=True):
            here: NDArray[np.bool_] | None = None
            for taken, coin in zip(leaf.coins, w.coins, strict=True):
                came = coin if taken else ~coin
                here = came if here is None else here & came
            # bills differ between leaves only, and more than one leaf takes a coin
            assert here is not None
            out = out + np.where(here, _total(cost, bill, every), 0.0)
        return out

    def _heard(self, w: Counted, read: Reading | None, problem: Problem) -> Bits | None:
        """Downlink bits of the round, None where it is the method's fixed broadcast."""
        return heard_of(w, read)

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem)
        if not self.broadcasts_all and "broadcast" not in _source(type(self)):
            name = type(self).__name__
            raise Unsupported(
                f"{name}(downlink={self.downlink!r}): its body broadcasts nothing, write x - gamma * w.broadcast(...)"
            )
        return c


def heard_of(w: Counted, read: Reading | None) -> Bits | None:
    """Bits of what the workers hear in the round, None where it is the method's fixed broadcast."""
    # one downlink sends them all: either every broadcast's length varies, or none's does
    lengths = cast("Sequence[Bits]", w.heard)
    if read is not None and read.received:
        return sum(w.cost[j] for j in read.received) + sum(lengths)
    return None if not w.heard or w.heard[0] is None else sum(lengths)


def _picked(taken: Array, yes: Array, no: Array) -> Array:
    """yes where the replicate's coin came up, else no (a function of its own: engines rebuild it for their arrays)."""
    out: Array = np.where(taken[:, None, None], yes, no)
    return out


def _total(cost: Mapping[int, Bits], bill: Bill, every: float) -> Bits:
    return sum((cost[j] for j in bill.messages), bill.full * every)


def _source(kind: type[BodyMethod]) -> tuple[str, ...]:
    """The names that a body's code uses."""
    return kind.body.__code__.co_names


@dataclass(frozen=True)
class Reading:
    """A program, the bill of each leaf, the gradient carried on, those of which the mean is read, what workers hear.

    begins_sent: the server knows a vector that begins at gradients, so that the first round sends them.
    """

    program: Program
    bills: tuple[Bill, ...]
    carried: tuple[int | None, int] | None
    averaged: frozenset[int]
    received: frozenset[int]
    begins_sent: bool


@while_it_reads_the_same(512, attrgetter("body"))
def _reading(
    kind: type[BodyMethod], params: tuple[tuple[str, Number], ...], n: int, d: int, downlink: bool
) -> Reading:
    form = kind.signature
    # a body that changes what it reads does another step each time: `run_until_values_rest` runs the trace again until
    # nothing moved
    names = (form.server, form.worker)
    found = run_until_values_rest(
        kind.body,
        lambda: trace(kind.body, *names, dict(params), n=n, d=d, downlink=downlink, start=form.start),
    )
    kept = carried(found)
    averaged = averaged_gradients(found) - set(kept or ())
    # vectors that begin at gradients are full vectors that somebody sends before the first round, if the
    # server needs to know them
    told = {*found.server, *known_to_server(found)}
    sent = any(kind == "gradient" and k in told for k, kind in found.start.items())
    return Reading(found, bills(found), kept, averaged, received(found), sent)


@while_it_reads_the_same(512, attrgetter("body"))
def derived(
    kind: type[BodyMethod], params: tuple[tuple[str, Number], ...], n: int, d: int, downlink: bool
) -> Program:
    """The program of a body at these parameters, checked on arrays."""
    # reading is cheap and simulates; only what is derived from a program (moments, certificates, proofs)
    # needs the check on arrays that the body does what the trace says
    found = _reading(kind, params, n, d, downlink).program
    return run_until_values_rest(
        kind.body, lambda: agree(kind.body, found, {k: float(v) for k, v in params}, downlink)
    )


OWN_CODE = (
    "step",
    "init",
    "broadcast",
    "arguments",
    "read_from",
    "program",
    "view",
    "estimator",
    "fleet",
    "_called",
    "_read",
    "_one",
    "_default",
)


def runs_its_body(kind: type) -> bool:
    """True when this class runs its body and nothing else, so that what the body says is true of it."""
    return (
        # a subclass that overrides any of these runs another step than its body says, whatever it is called
        issubclass(kind, BodyMethod)
        and all(getattr(kind, name) is getattr(BodyMethod, name) for name in OWN_CODE)
        and not looked_up(kind, kind.__dataclass_fields__)
        and kind.seen in functions()
    )


@overload
def method(body: Body, /) -> type[BodyMethod]: ...
@overload
def method(
    *,
    name: str = "",
    requires: tuple[type[Claim], ...] = (),
    theorems: tuple[Theorem, ...] = (),
    source: Source = COMPTH,
) -> Callable[[Body], type[BodyMethod]]: ...
def method(
    body: Body | None = None,
    /,
    *,
    name: str = "",
    requires: tuple[type[Claim], ...] = (),
    theorems: tuple[Theorem, ...] = (),
    source: Source = COMPTH,
) -> type[BodyMethod] | Callable[[Body], type[BodyMethod]]:
    """A method from one function: body(w, x, further vectors, *, gamma, further parameters) -> dict of the next state.

    x is the server's iterate, every further vector is marked ct.Server or ct.Worker and begins at 0, or where its
    default says (ct.copy_of_start, ct.gradient_at_start). Verbs: w.gradient(x), w.compress(u), w.mean(v),
    w.broadcast(v), w.coin(p, yes, no), w.sketch(), w.parts (gradient, mean and sample: the components of every worker's
    finite sum, and one of them, drawn once for all its uses), and w.n, w.d. Vectors are read-only; between the verbs
    they are added, subtracted and multiplied by numbers, or what cannot be derived says which line stops it. The class
    takes (compressor, gamma, parameters) and oracle=, downlink=. Raises InvalidParameter for a signature that it cannot
    read.
    """
    if body is None:
        return lambda function: _made(function, name, requires, theorems, source)
    return _made(body, name, requires, theorems, source)


@lru_cache(maxsize=64)
def with_all_parameters(kind: type[BodyMethod]) -> type[BodyMethod]:
    """The class, or one of the same body whose instances take every parameter, where it plans some itself."""
    # certificates and searches set every parameter: a class that computes some of its own is replaced by
    # one that takes them all
    if kind.takes_compressor and {*kind.signature.params} <= set(kind.__dataclass_fields__):
        return kind
    made = _made(kind.body, kind.name, kind.requires, (), kind.source)
    made.__name__, made.__qualname__ = kind.__name__, kind.__qualname__
    return made


def _made(
    body: Body,
    name: str,
    requires: tuple[type[Claim], ...],
    theorems: tuple[Theorem, ...],
    source: Source,
) -> type[BodyMethod]:
    if not inspect.isfunction(body):
        raise InvalidParameter(f"method({body!r}) needs a function of (w, x, ..., *, gamma, ...)")
    form = signature_of(body, BodyMethod)
    state = make_dataclass(
        f"{body.__name__}State",
        [(k, Array, field(kw_only=True)) for k in (*form.server[1:], *form.worker)],
        bases=(BodyState,),
        frozen=True,
    )
    # the same kind of class as a file of the catalogue has, made from the function: nothing downstream
    # tells the two apart
    namespace = {
        "__doc__": inspect.getdoc(body) or f"{body.__name__}: a method written as one body.",
        "__qualname__": body.__qualname__,
        "body": staticmethod(body),
        "signature": form,
        "state_class": state,
        "own_theorems": theorems,
        "requires": requires,
        "name": name or body.__name__,
        "source": source,
    }
    made = make_dataclass(
        body.__name__,
        [(k, Number, field(default=None)) for k in form.params],
        bases=(BodyMethod,),
        frozen=True,
        namespace=namespace,
    )
    made.__module__ = body.__module__
    return made


__all__ = [
    "NOTHING",
    "BodyMethod",
    "BodyState",
    "Server",
    "Signature",
    "Start",
    "Worker",
    "copy_of_start",
    "derived",
    "gradient_at_start",
    "method",
    "runs_its_body",
    "with_all_parameters",
]
