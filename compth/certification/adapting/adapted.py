"""`compth.adapt`: pairs, objects with memory, factories, layers, tensors and global generators as f(x, rng).

An adapter changes nothing of what is judged: it hands over a vector in the form that the program takes,
gives every call the same state, and makes a vector of what comes back. What may be changed: more forms.
What must not: two calls with equal (x, rng) give equal outputs whatever was called in between, and what
decompress gets is the message alone.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import cast

import numpy as np

from compth._door import answers
from compth._types import Array, Json, Tensor
from compth.certification.adapting import memory, pairs, roles
from compth.certification.adapting.backends import backend_of
from compth.certification.adapting.generators import seeded
from compth.certification.adapting.layers import Layers, parsed
from compth.certification.beside import Plain
from compth.certification.subject import PAIRS
from compth.compressors import Compressor, Fleet
from compth.compressors.core.calling import name_of, shown
from compth.errors import InvalidParameter

SEEDS = 1 << 31
"""Seeds are drawn below this: all generators take them."""
PROBE = 4
"""Size of an object that a factory makes to be looked at."""


def adapt(
    what: object,
    backend: str | None = None,
    *,
    pair: bool | None = None,
    fresh: bool | None = None,
    after: object = 0,
    shapes: object = None,
    dtype: str | None = None,
    generators: str | None = None,
) -> Adapted:
    """A compressor as it is written in a training library, as a program f(x, rng) or f(x) on numpy vectors.

    what: a function, a callable object (a torch module), an object with compress and decompress (or encode/decode,
    compress/extract, quantize/dequantize, pack/unpack), a tuple of two functions, or a class or factory of these.
    backend: "torch" or "jax" for tensors, of `dtype` ("float32", "bfloat16"; default float64, jax: its own).
    pair: what is two halves; None: as seen. What compress returns, message and context, is all that decompress gets:
    an object's decompress runs on a copy that did not compress.
    fresh: `what` makes the object, anew for every call, and gets d where it takes a size; None: so for classes. Other
    objects are copied for every call: the claim is judged at the state that they have now, or have `after` so many
    calls on normal vectors (an int), or on those (a list). Generators that an object holds start from rng every time.
    shapes: (3, -1), [(3, 4), (4,)] or {"w": (3, 4), "b": (4,)}: the program takes an array, a list or a dict of these.
    generators: "global": np.random, random and torch's start from rng at every call, and are put back.
    Functions of one argument are deterministic, unless generators are seeded. Raises InvalidParameter, in one line, for
    a backend or dtype that is not there, shapes that are none, arguments that no role fills.
    """
    if generators not in (None, "global"):
        raise InvalidParameter(f"generators={generators!r} is not known: 'global' seeds the process's own")
    answers("what", what)
    kinds = (Compressor, Fleet)
    if isinstance(what, kinds) or (isinstance(what, type) and issubclass(what, kinds)):
        raise InvalidParameter(
            f"{shown(what)} needs no adapter: compressors and fleets are judged as they are"
        )
    # A class is no pair by itself: its instances are, where it has the two methods.
    two = pairs.is_pair(what) if pair is None else pair
    made = isinstance(what, type) if fresh is None else fresh
    if made and not isinstance(what, tuple):
        two = two or (isinstance(what, type) and pairs.pair_of(what) is not None)
    if two and not made and not pairs.is_pair(what):
        names = " or ".join("/".join(p) for p in PAIRS)
        raise InvalidParameter(f"{shown(what)} is no pair: it needs two functions, or the methods {names}")
    if not two and not callable(what):
        raise InvalidParameter(f"{shown(what)} cannot be called, and is no pair: see `compth.adapt`")
    kind = AdaptedPair if two else Adapted
    return kind(
        what,
        backend=backend,
        fresh=made,
        after=after,
        layers=Layers(shapes),
        dtype=dtype,
        generators=generators,
    )


def adapted_as(what: object, settings: Json) -> Adapted:
    """`adapt` with the settings of a command line: shapes as text."""
    named = {k: v for k, v in settings.items() if v is not None and k != "adapt"}
    if "shapes" in named:
        named["shapes"] = parsed(named["shapes"])
    return adapt(what, **named)


class Adapted:
    """program(x, rng) on vectors; `recursion(d)` says whose recursion the object's memory follows.

    what: the object or its factory. fresh: whether a new object is made for every call. after: warm-up
    calls, or their vectors. layers: the shapes of its tensors. dtype: of the tensors. A program that draws
    nothing has the signature f(x).
    """

    one_vector = True
    """It takes one vector, never the rows of n workers."""

    def __init__(
        self,
        what: object,
        *,
        backend: str | None,
        fresh: bool,
        after: object,
        layers: Layers,
        dtype: str | None,
        generators: str | None,
    ) -> None:
        self.what, self.fresh, self.layers = what, fresh, layers
        self.backend, self.generators = backend, generators
        self.arrays = backend_of(backend, dtype)
        self.kind = np.dtype(dtype) if backend is None and dtype else np.dtype(np.float64)
        self.after, self.warm = _warm_up(after)
        self._states: dict[int, object] = {}
        self._audited: set[int] = set()  # sizes at which a pair was seen to send all by its message
        self.__qualname__ = _name(what)
        # Whether the referee may call it without a generator is read from its signature, so it gets the one
        # that fits.
        self.deterministic = not (generators is not None or self._draws())
        if self.deterministic:
            only = inspect.Parameter("x", inspect.Parameter.POSITIONAL_OR_KEYWORD)
            self.__signature__ = inspect.Signature([only])

    def __call__(self, x: Array, rng: np.random.Generator | None = None) -> Array:
        """One call at the object's state: on a new object, or on a copy, so that calls do not see each other."""
        d = len(x)
        # A warm object cannot be made anew for every call: it is copied instead.
        anew = self.fresh and not (self.after or self.warm)
        return self.run(self._made(d) if anew else memory.copied(self.state(d)), x, rng)

    def state(self, d: int) -> object:
        """The object as every call finds it: what was given, or one that is warm."""
        # Warmed up once for each d, since memories have the size of the vectors.
        if d not in self._states:
            thing = self._made(d) if self.fresh else self.what
            self._states[d] = self._warmed(thing, d) if self.after or self.warm else thing
        return self._states[d]

    @property
    def only_d(self) -> int | None:
        """The size that the declared shapes have together, None where any d will do."""
        return self.layers.d

    def why_not(self, d: int) -> str:
        """The rule that d breaks, "" for none."""
        return self.layers.why_not(d)

    def recursion(self, d: int) -> str:
        """Whose recursion a memory of the object follows, with the method that has it; "" where none is recognised."""
        thing = memory.copied(self.state(d))
        return memory.recursion(thing, lambda held, x, at: self.run(held, x, np.random.default_rng(at)), d)

    def remembers(self, d: int) -> str:
        """At which state an object that its calls change is judged, and whose recursion it follows; "" for others."""
        thing, rng = memory.copied(self.state(d)), np.random.default_rng(3)
        # Two calls on one copy: what is different after them is what it remembers.
        before = memory.snapshot(thing)
        for x in rng.normal(size=(2, d)):
            self.run(thing, x, rng)
        name = memory.changed(before, memory.snapshot(thing))
        if not name:
            return ""
        calls = len([x for x in self.warm if len(x) == d]) or self.after
        at = f"after {calls} warm-up calls" if calls else "as it is made" if self.fresh else "as given"
        known = self.recursion(d)
        said = f"{self.__qualname__} remembers ({name}): judged at its state {at}, not along its calls"
        return said + (f"; {known}" if known else "")

    def run(self, thing: object, x: Array, rng: np.random.Generator | None) -> Array:
        """One call, which may change the thing."""
        with self._seeding(thing, rng) as known:
            return self._flat(self._out(thing, self._given(x), known.of(x)))

    def _made(self, d: int) -> object:
        """A new object of the factory."""
        return memory.made(_callable(self.what), d)

    def _out(self, thing: object, given: object, known: Known) -> object:
        """The program's own call, with the arguments that it asks for by name."""
        called = _callable(thing)
        return called(given, **roles.filled(called, known, self.__qualname__))

    def _warmed(self, thing: object, d: int) -> object:
        """A copy after the warm-up calls."""
        rng, thing = np.random.default_rng(0), memory.copied(thing)
        given = [x for x in self.warm if len(x) == d] or [rng.normal(size=d) for _ in range(self.after)]
        for x in given:
            self.run(thing, x, rng)
        return thing

    def _given(self, x: Array) -> object:
        """The vector in the shapes and arrays that the program takes."""
        parts = self.layers.split(np.array(x, dtype=np.float64))
        if isinstance(parts, dict):
            return {name: self.arrays.to(part) for name, part in parts.items()}
        return [self.arrays.to(part) for part in parts] if isinstance(parts, list) else self.arrays.to(parts)

    def _flat(self, out: object) -> Array:
        """What it returns as one vector."""
        return self.layers.flatten(_mapped(self.arrays.back, out) if self.backend else out, self.kind)

    @contextmanager
    def _seeding(self, thing: object, rng: np.random.Generator | None) -> Iterator[Known]:
        """Held and global generators start from rng; what draws is handed to the arguments that ask for it."""
        drawing = np.random.default_rng(0) if rng is None else rng
        # Both halves of a pair that ask for a generator must draw alike: the receiver knows the seed, not
        # the draws.
        calls = self._calls(thing)
        shared = len(calls) > 1 and all(roles.takes(f, "rng") for f in calls)
        known = Known(drawing, self.arrays.source if self.backend else None, shared)
        # Without this a held generator would go on from its own state: copies of it would repeat one draw
        # at every call.
        if memory.held(thing):
            memory.reseeded(thing, known.draw())
        with seeded(known.draw()) if self.generators else nullcontext():
            yield known

    def _draws(self) -> bool:
        """True where a call is handed a generator, or the object holds one; a factory's product may."""
        thing = self.what
        if self.fresh:
            try:
                thing = self._made(PROBE)
            # A factory that refuses the size of the probe may make anything: then a generator is offered.
            except Exception:  # it has its sizes
                return True
        return memory.held(thing) or any(roles.takes(f, "rng", "seed") for f in self._calls(thing))

    def _calls(self, thing: object) -> tuple[Callable[..., object], ...]:
        """What is called with a vector: the object itself."""
        return (_callable(thing),)


class AdaptedPair(Adapted):
    """decompress(compress(x)), the second half on a copy that has seen nothing but the message.

    Raises Plain where what arrives depends on more than the message.
    """

    def send(self, x: Array, rng: np.random.Generator | None = None) -> tuple[Array, object]:
        """(what arrives, the message with its context)."""
        d = len(x)
        anew = self.fresh and not (self.after or self.warm)
        return self._sent(self._made(d) if anew else memory.copied(self.state(d)), x, rng)

    def encoded_bits(self, message: object) -> int:
        """Bits of a message as it is encoded."""
        return pairs.encoded_bits(message)

    def run(self, thing: object, x: Array, rng: np.random.Generator | None) -> Array:
        """What arrives of one message."""
        return self._sent(thing, x, rng)[0]

    def _sent(self, thing: object, x: Array, rng: np.random.Generator | None) -> tuple[Array, object]:
        """One message; the receiver is a copy from before the sender's call, with the same generators."""
        # The audit runs once for each size, on copies: it must not move the state that is judged.
        if len(x) not in self._audited:
            self._audit(memory.copied(thing), x)
            self._audited.add(len(x))
        with self._seeding(thing, rng) as known:
            # Copied before compress runs: what the sender learns of x may reach the receiver by the message
            # alone.
            receiver, sizes = memory.copied(thing), known.of(x)
            message = self._message(thing, x, sizes)
            out = self._flat(self._received(receiver, copy.deepcopy(message), sizes))
        return out, message

    def _message(self, thing: object, x: Array, known: Known) -> object:
        """compress(x)."""
        compress = pairs.halves(thing)[0]
        return compress(self._given(x), **roles.filled(compress, known, f"{self.__qualname__}.compress"))

    def _received(self, thing: object, message: object, known: Known) -> object:
        """decompress(message) on a copy. Raises Plain where it asks for what no message carries."""
        try:
            return pairs.received(pairs.halves(thing)[1], message, known)
        except (AttributeError, KeyError) as problem:
            raise Plain(
                f"decompress asks for what no message carries ({type(problem).__name__}: {problem})"
            ) from None

    def _audit(self, sender: object, x: Array) -> None:
        """What arrives may not hang on other calls of compress in between, nor on the sender's own memory."""
        with self._seeding(sender, np.random.default_rng(5)) as known:
            receiver, other = memory.copied(sender), memory.copied(sender)
            message = self._message(sender, x, known.of(x))
            first = self._arrived(receiver, message, x, known)
            # Another vector with another generator goes through compress of a third copy: what a class or
            # module remembers of it would reach the receiver.
            unlike = Known(np.random.default_rng(6), known.source, known.shared)
            self._message(other, -2.0 * x[::-1] - 1.0, unlike.of(x))
            if not pairs.same(first, self._arrived(receiver, message, x, known)):
                raise Plain(
                    "decompress gives another vector after another call of compress: no message carries it"
                )
            # generators that both sides hold are further on in the sender, who is then no receiver
            if not (memory.held(sender) or pairs.same(first, self._arrived(sender, message, x, known))):
                raise Plain(
                    "decompress gives another vector on the object that compressed: no message carries it"
                )

    def _arrived(self, thing: object, message: object, x: Array, sent: Known) -> Array:
        """What a copy of the thing makes of the message; generators that are given always start from one seed."""
        # The same seeds as in the message's own call, so that only the receiver's memory can make a
        # difference.
        known = sent.again(5).of(x)
        with seeded(5) if self.generators else nullcontext():
            return self._flat(self._received(memory.copied(thing), copy.deepcopy(message), known))

    def _calls(self, thing: object) -> tuple[Callable[..., object], ...]:
        """Both halves."""
        return pairs.halves(thing)


class Known(dict[str, object]):
    """{role: value} for arguments; generators and seeds are drawn when they are asked for, seeds once a message.

    shared: both halves of a pair ask for a generator, and get two that start alike.
    """

    def __init__(
        self, rng: np.random.Generator, source: Callable[[int], object] | None, shared: bool = False
    ) -> None:
        super().__init__()
        self.rng, self.source, self.shared = rng, source, shared
        self.seeds: dict[str, int] = {}

    def draw(self) -> int:
        """A seed."""
        return int(self.rng.integers(SEEDS))

    def __contains__(self, role: object) -> bool:
        """A generator and a seed are there for whoever asks."""
        return role in ("rng", "seed") or super().__contains__(role)

    def __missing__(self, role: str) -> object:
        """Drawn when it is first asked for: a program that asks for none changes nothing of the stream."""
        if role == "rng" and self.source is None and not self.shared:
            return self.rng
        if role not in self.seeds:
            self.seeds[role] = self.draw()
        # jax's keys are its generators: they are made from a seed in either role.
        key = role == "rng" or getattr(self.source, "__module__", "").startswith("jax")
        return (self.source or np.random.default_rng)(self.seeds[role]) if key else self.seeds[role]

    def again(self, seed: int) -> Known:
        """The same seeds; what is not yet drawn starts from this one."""
        other = Known(np.random.default_rng(seed), self.source, self.shared)
        other.seeds.update(self.seeds)
        return other

    def of(self, x: Array) -> Known:
        """Also the sizes of x."""
        self.update(d=len(x), shape=(len(x),), name="x")
        return self


def _warm_up(after: object) -> tuple[int, list[Array]]:
    """(number of calls on normal vectors, vectors that were given)."""
    if isinstance(after, list | tuple):
        return 0, [_vector(x) for x in after]
    if isinstance(after, bool) or not isinstance(after, int | np.integer) or after < 0:
        raise InvalidParameter(f"after={after!r} must be a number of calls >= 0 or a list of vectors")
    return int(after), []


def _vector(x: object) -> Array:
    """A vector of a list of warm-up calls. Raises InvalidParameter."""
    try:
        vector = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.empty(())
    if vector.ndim != 1:
        raise InvalidParameter(f"after={x!r}: a list of warm-up calls holds vectors of numbers")
    return vector


def _mapped(f: Callable[[Tensor], Tensor], out: object) -> object:
    """f of every array in a list or table."""
    if isinstance(out, dict):
        return {k: _mapped(f, v) for k, v in out.items()}
    return [_mapped(f, v) for v in out] if isinstance(out, list | tuple) else f(out)


def _callable(thing: object) -> Callable[..., object]:
    """What was seen to be callable, or fails as a call of it fails."""
    return cast("Callable[..., object]", thing)


def _name(what: object) -> str:
    """What reports call it."""
    if isinstance(what, tuple):
        return "/".join(name_of(f) for f in what)
    return name_of(what)
