"""A judged file's compressor inside a method: every call runs in the file's own process, numbers are made here.

`with Host() as host: host.compressor("mine.py", "f", {}, ["Contractive(1/d)"])` is a Compressor for simulations. What
it claims is ASSUMED, whatever the file says of it; `check` beside it says what the referee finds.

It differs from a `RemoteCompressor` in what happens when the program fails (an error for the user of a simulation,
where the referee would refute) and in its lock; what it answers is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from compth.bits import FLOAT_BITS, BitCost
from compth.certification.beside import of_program
from compth.certification.remote import Judged, RemoteCompressor, about, charged_floats, lengths
from compth.certification.sandbox import LOAD_LIMIT, naming
from compth.certification.subject import CallTooLong
from compth.certification.supervisor import OutsideFailure, Worker
from compth.claims import Claim, Standing
from compth.errors import CompthError, UnusableInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from compth._numbers import Number
    from compth._types import Array


class HostedCompressor(RemoteCompressor):
    """A compressor of a file, called by simulations: two of them are equal only where they are one."""

    lock: threading.Lock
    """One question at a time: replicates of a simulation run in several threads."""
    costs: dict[tuple[int, int], BitCost]
    charges_floats: bool
    """True where nothing says how long messages are: d floats are charged."""
    pair: bool
    """True for two halves that were made one program here: judged, they are adapted likewise."""

    def __eq__(self, other: object) -> bool:
        """Only itself: two loads of one file are two processes."""
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self._call(super()._compress, x, rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return self._call(super().kernel, x, rng)

    def _call(
        self, call: Callable[[Array, np.random.Generator], Array], x: Array, rng: np.random.Generator
    ) -> Array:
        """One question at a time; what the program does wrong is one line."""
        try:
            with self.lock:
                found = call(x, rng)
        except Exception as problem:
            if not (of_program(problem) or isinstance(problem, CallTooLong | OutsideFailure)):
                raise
            kind = "" if isinstance(problem, CompthError | CallTooLong) else f"{type(problem).__name__}: "
            raise UnusableInput(f"{self.text}: {kind}{problem}") from None
        if found.shape != x.shape:
            raise UnusableInput(f"{self.text} gave shape {found.shape} for messages of shape {x.shape}")
        return found

    def claims(self, d: Number) -> tuple[Claim, ...]:
        """What the file declares, as ASSUMED: a simulation settles nothing."""
        with self.lock:
            return tuple(replace(c, declared=Standing.ASSUMED) for c in self._at(d))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Asked of the process once for each size: methods want it for every worker in every round."""
        with self.lock:
            if (d, float_bits) not in self.costs:
                self.costs[d, float_bits] = super().bits(d, float_bits)
            return self.costs[d, float_bits]

    def why_not(self, d: int) -> str:
        """The file's own rule for sizes."""
        with self.lock:
            return super().why_not(d)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        """Lengths of the messages that gave y: asked of the file where they vary, else known."""
        if not self.bits(y.shape[-1], float_bits).random:
            return super().message_bits(y, float_bits)
        with self.lock:
            return lengths(self.asked, y, float_bits)


class Host:
    """Keeps the processes of hosted files until the end of its `with` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def compressor(
        self,
        file: str,
        name: str,
        parameters: Mapping[str, object],
        claims: list[str],
        bits: str | None = None,
    ) -> HostedCompressor:
        """FILE.py:NAME as a compressor; claims, bits (an expression in d): texts, for a plain function or a pair.

        Raises UnusableInput with one line.
        """
        # The worker builds the compressor (claims and bits as text, so that nothing but plain values crosses)
        # and keeps it.
        asked = (file, name, parameters, claims, bits, LOAD_LIMIT)
        worker = self._stack.enter_context(Worker())
        with naming(file):
            says = about(worker.first("load compressor", asked, LOAD_LIMIT))
        bound = ", ".join(f"{k}={v}" for k, v in parameters.items())
        bound = f"({bound})" if bound else ""
        thing = cast("RemoteCompressor", Judged(worker, says).subject().object)
        hosted = object.__new__(HostedCompressor)
        # `foreign` is a function of this call alone, so that the package never takes the object for its own
        vars(hosted).update(
            vars(thing),
            text=f"{file}:{name}{bound}",
            lock=threading.Lock(),
            costs={},
            charges_floats=bool(charged_floats(thing.asked)),
            pair=says.kind == "pair",
            foreign=lambda: name,
        )
        return hosted


HostedCompressor.__repr__ = lambda self: self.text  # type: ignore[method-assign,attr-defined]
