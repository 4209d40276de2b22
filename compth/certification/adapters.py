"""Programs that are not numpy on one vector: torch tensors, jax arrays, and functions on whole batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compth.certification.arithmetic import as_numpy
from compth.certification.subject import Array, Subject, takes_rng
from compth.errors import InvalidParameter


class Batched:
    """Declares f(X, rng) on rows (N, d) for speed: `certify(Batched(f))` samples whole batches.

    The rows are checked: each must have the law of a single call, and neighbouring rows must be independent.
    """

    def __init__(self, function: Callable[[Array, Any], Any]) -> None:
        self.function = function
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
