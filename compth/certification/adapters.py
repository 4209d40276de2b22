"""Programs that are not numpy on one vector: torch tensors, jax arrays, and functions on whole batches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from compth.certification.arithmetic import as_numpy
from compth.certification.beside import accountable, beside
from compth.certification.subject import CALL_LIMIT, Array, Subject, runs, time_limit
from compth.compressors import Compressor, Fleet
from compth.compressors.core.calling import takes_rng
from compth.errors import InvalidParameter

_TENSOR = """
abs add bernoulli_ cat ceil chunk clamp clone contiguous cpu cuda detach dim div double expand float floor gather half
index_select is_cuda log2 masked_fill masked_select mul narrow new_zeros norm numel pow requires_grad scatter scatter_
sign sqrt sub to topk uniform_ unsqueeze view_as
"""
TENSOR = frozenset(_TENSOR.split())
"""Methods of torch tensors that numpy's arrays have not."""


class Batched:
    """Declares f(X, rng) or f(X) on rows (N, d) for speed: `certify(Batched(f))` samples whole batches.

    The rows are checked: each must have the law of a single call, and neighbouring rows must be independent.
    """

    def __init__(self, function: Callable[[Array, Any], Any]) -> None:
        given: Callable[..., Any] = function
        self.function = function if takes_rng(function) else lambda rows, rng: given(rows)
        self.__qualname__ = getattr(function, "__qualname__", repr(function))

    def __call__(self, x: Array, rng: Any) -> Any:
        """One row."""
        return np.asarray(self.function(x[None, :], rng))[0]

    def subject(self) -> Subject:
        """How the certifier sees it."""
        return Subject(self.__qualname__, self, object=self, batch=self.function)


def adapt(function: Callable[..., Any], backend: str) -> Callable[[Array, Any], Array]:
    """f(tensor, generator) of torch, or f(array, key) of jax, as a program on numpy vectors.

    The generator (torch.Generator) or key (jax.random.key) is seeded from the numpy generator at every call, so the
    program stays reproducible. Functions of one argument are taken as deterministic. Raises InvalidParameter for an
    unknown backend or one that is not installed.
    """
    makers = {"torch": _torch, "jax": _jax}
    if backend not in makers:
        raise InvalidParameter(f"backend={backend!r} is not known: choose torch or jax")
    try:
        to, back, source = makers[backend]()
    except ImportError:
        raise InvalidParameter(f"backend={backend!r} is not installed: pip install {backend}") from None
    random = takes_rng(function)

    def program(x: Array, rng: Any) -> Array:
        arguments = (to(x), source(int(rng.integers(1 << 31)))) if random else (to(x),)
        return np.asarray(back(function(*arguments)))

    def alone(x: Array) -> Array:
        return program(x, None)

    chosen: Callable[..., Array] = program if random else alone
    return chosen


def _torch() -> tuple[Any, Any, Any]:
    import torch

    def source(seed: int) -> Any:
        return torch.Generator().manual_seed(seed)

    return (lambda x: torch.from_numpy(x.copy())), as_numpy, source


def _jax() -> tuple[Any, Any, Any]:
    import jax
    import jax.numpy as jnp

    return jnp.asarray, np.asarray, jax.random.key


@beside(lambda answer, *_: isinstance(answer, str) and answer.isprintable())
def remedy(subject: Subject, d: int) -> str:
    """What a function takes instead of a numpy vector, with the adapter to use; "" where the plain call works.

    Only what was tried and gave d numbers is named: torch and jax where the file imported them, rows of a batch.
    """
    function = subject.object
    strange = isinstance(function, Compressor | Fleet | Batched) or not callable(function)
    if strange or subject.workers or runs(subject, d):
        return ""
    plain = getattr(function, "func", function) if isinstance(function, partial) else function
    name = getattr(plain, "__name__", type(plain).__name__)
    for backend, what in (("torch", "torch tensors"), ("jax", "jax arrays")):
        if backend in sys.modules and _works(partial(adapt, function, backend), d):
            return f"takes {what}: judge C = compth.adapt({name}, {backend!r}) in your file instead"
    if _works(partial(Batched, function), d):
        judged = f"judge C = compth.Batched({name}) in your file instead"
        return f"takes rows of shape (N, d): {judged}; where the rows are workers', claim JointVariance"
    missing = _missing_method(function, d)
    if missing:
        return (
            f"asks its input for .{missing}, which no numpy vector has: judge a function of numpy vectors instead, for "
            f"torch C = compth.adapt({name}, 'torch') in your file"
        )
    return ""


def _missing_method(function: Any, d: int) -> str:
    """The method of tensors that a plain call asks of the numpy vector itself; "" where it fails otherwise."""
    x, call = np.ones(d), function if takes_rng(function) else lambda x, rng: function(x)
    try:
        with time_limit(CALL_LIMIT):
            accountable(call)(x, np.random.default_rng(0))
    except AttributeError as problem:
        return problem.name if problem.obj is x and problem.name in TENSOR else ""
    except Exception:
        return ""
    return ""


def _works(make: Callable[[], Any], d: int) -> bool:
    """True when the adapted function gives d finite numbers for ones."""
    try:
        with time_limit(CALL_LIMIT):
            made = make()
            call = made if takes_rng(made) else lambda x, rng: made(x)
            out = np.asarray(accountable(call)(np.ones(d), np.random.default_rng(0)), dtype=float)
    except Exception:
        return False
    return out.shape == (d,) and bool(np.isfinite(out).all())
