"""What the signature of a body says: its vectors with their scopes and where they begin, its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

from compth._numbers import Number
from compth.errors import InvalidParameter

T = TypeVar("T")

if TYPE_CHECKING:

    class Vec:
        """A vector in a body: sums of vectors, and multiples by numbers. An array in a run, a symbol in a trace."""

        def __add__(self, other: Vec) -> Vec: ...
        def __sub__(self, other: Vec) -> Vec: ...
        def __neg__(self) -> Vec: ...
        def __mul__(self, factor: Number) -> Vec: ...
        def __rmul__(self, factor: Number) -> Vec: ...
        def __truediv__(self, factor: Number) -> Vec: ...

    class Server(Vec):
        """Marks a vector of the server."""

    class Worker(Vec):
        """Marks a vector of every worker."""
else:

    class Server:
        """Marks a vector of the server, the same for all workers: `m: ct.Server`."""

    class Worker:
        """Marks a vector that every worker has for itself: `h: ct.Worker`."""


class WorldParts(Protocol):
    """What a body may ask of the components of its workers' f_i, `w.parts`: a vector for each of them."""

    def gradient(self, x: Vec) -> Vec:
        """grad f_ij(x), of every component."""

    def mean(self, v: Vec) -> Vec:
        """Every worker's mean over its components."""

    def sample(self) -> Callable[[Vec], Vec]:
        """One component of every worker, drawn uniformly and by each for itself: v -> its vector there."""


class World(Protocol):
    """What a body may ask, its `w`: a run answers with arrays, a trace with symbols, a probe with both."""

    @property
    def n(self) -> Number:
        """Workers."""

    @property
    def d(self) -> Number:
        """Dimension."""

    @property
    def parts(self) -> WorldParts:
        """The components of the workers' f_i."""

    def gradient(self, x: Vec, *, draw: object = None) -> Vec:
        """grad f_i(x) of every worker, or what an oracle draws for it; draws of one number are shared."""

    def compress(self, u: Vec) -> Vec:
        """C_i(u_i), what every worker sends."""

    def sketch(self) -> Callable[[Vec], Vec]:
        """A draw of every worker's linear compressor, to be applied several times."""

    def mean(self, v: Vec) -> Vec:
        """The mean over the workers: what the server has then."""

    def broadcast(self, v: Vec) -> Vec:
        """What the workers receive when the server sends v through the downlink's compressor."""

    def coin(self, p: Number, yes: T, no: T) -> T:
        """`yes` with probability p, else `no`: one coin for all workers."""


@dataclass(frozen=True)
class Start(Server, Worker):
    """Where a state vector begins, as its default (`g: ct.Server = ct.gradient_at_start`); without one, at 0."""

    kind: str


copy_of_start, gradient_at_start = Start("x0"), Start("gradient")


@dataclass(frozen=True)
class Signature:
    """What a body's signature says: state vectors by scope, where they begin, parameters with their defaults."""

    server: tuple[str, ...]
    worker: tuple[str, ...]
    start: Mapping[str, str]
    params: Mapping[str, Number]
    takes_gamma: bool


NOTHING = inspect.Parameter.empty
RESERVED = frozenset({"sent", "heard", "held", "rows", "gamma"})


def signature_of(body: Callable[..., object], library: type) -> Signature:
    """The signature of a body; InvalidParameter, naming the argument, where it is none or takes a name of `library`."""
    name = body.__name__
    # the first argument is w, whatever it is called
    rest = list(inspect.signature(body).parameters.values())[1:]
    if not rest or rest[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise InvalidParameter(
            f"{name} must be a function of (w, x, further vectors, *, gamma, further parameters)"
        )
    if rest[0].name != "x":
        raise InvalidParameter(f"{name}: its second argument {rest[0].name} must be x, the server's iterate")
    server, worker = ["x"], list[str]()
    start, params = dict[str, str](), dict[str, Number]()
    for p in rest[1:]:
        if p.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise InvalidParameter(f"{name}({p}): write every vector and every parameter out")
        if p.kind is inspect.Parameter.KEYWORD_ONLY:
            params[p.name] = p.default
            continue
        # the scope of a vector is its mark, and where it begins its default: both are data of the
        # signature, so no body runs to find them out
        (worker if _scope(body, p) is Worker else server).append(p.name)
        if isinstance(p.default, Start):
            start[p.name] = p.default.kind
        elif p.default is not NOTHING:
            raise InvalidParameter(
                f"{name}({p.name}={p.default!r}) must begin at ct.copy_of_start or ct.gradient_at_start"
            )
    vectors = (*server[1:], *worker)
    # vectors and parameters become fields of classes that have attributes already
    taken = [k for k in (*vectors, *params) if k.startswith("_") or (hasattr(library, k) and k != "gamma")]
    taken += [k for k in vectors if k in RESERVED]
    if taken:
        raise InvalidParameter(f"{name}: {taken[0]} is a name of the library, give it another")
    gamma = "gamma" in params
    if gamma and params.pop("gamma") is not NOTHING:
        raise InvalidParameter(f"{name}: gamma takes no default, it is the method's step size")
    return Signature(tuple(server), tuple(worker), MappingProxyType(start), MappingProxyType(params), gamma)


def _scope(body: Callable[..., object], p: inspect.Parameter) -> type:
    """Server or Worker from an annotation, which may be text: a dotted name that is looked up, never evaluated."""
    mark: object = p.annotation
    if isinstance(mark, str):
        # under `from __future__ import annotations` the mark is text: it is looked up name by name in the
        # body's module, as evaluating a user's text would run it
        first, *rest = mark.strip().strip("'\"").split(".")
        found = body.__globals__.get(first)
        for part in rest:
            found = getattr(found, part, None)
        last = (rest or [first])[-1]
        mark = found if found is not None else {"Server": Server, "Worker": Worker}.get(last, mark)
    if mark not in (Server, Worker):
        raise InvalidParameter(f"{body.__name__}({p}): mark every vector besides x as ct.Server or ct.Worker")
    return Server if mark is Server else Worker
