"""Arrays of torch and jax: vectors to tensors, tensors to vectors, generators and keys from a seed.

The libraries are imported where they are asked for. What must not be changed: values go to tensors and back
without loss, up to the rounding of the tensors' own type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from compth._types import Array, Tensor
from compth.certification.arithmetic import as_numpy
from compth.errors import InvalidParameter


class Backend(NamedTuple):
    """to: numpy array -> tensor; back: tensor -> numpy array; source: seed -> what draws."""

    to: Callable[[Array], Tensor]
    back: Callable[[Tensor], Tensor]
    source: Callable[[int], object] | None


def backend_of(name: str | None, dtype: str | None) -> Backend:
    """The backend of this name ("torch", "jax", None: numpy); dtype: of the tensors that the program gets.

    Raises InvalidParameter for an unknown backend or dtype, or one that is not installed.
    """
    makers: dict[str | None, Callable[[str | None], Backend]] = {"torch": _torch, "jax": _jax, None: _numpy}
    if name not in makers:
        raise InvalidParameter(f"backend={name!r} is not known: choose torch or jax")
    try:
        return Backend(*makers[name](dtype))
    except ImportError:
        raise InvalidParameter(f"backend={name!r} is not installed: pip install {name}") from None
    # What the library says of a type that it has not.
    except (AttributeError, TypeError):
        more = " or bfloat16" if name else " (bfloat16 with a backend)"
        raise InvalidParameter(
            f"dtype={dtype!r} is no type of {name or 'numpy'}: try float32{more}"
        ) from None


def _numpy(dtype: str | None) -> Backend:
    """Arrays of a type of numpy."""
    kind = np.dtype(dtype or "float64")
    return Backend(lambda x: np.array(x, dtype=kind), as_numpy, np.random.default_rng)


def _torch(dtype: str | None) -> Backend:
    """Tensors of torch, generators seeded."""
    import torch

    # np.array copies: a tensor would share the referee's memory.
    kind = getattr(torch, dtype or "float64")
    if not isinstance(kind, torch.dtype):
        raise TypeError

    def source(seed: int) -> object:
        return torch.Generator().manual_seed(seed)

    return Backend(lambda x: torch.from_numpy(np.array(x)).to(kind), as_numpy, source)


def _jax(dtype: str | None) -> Backend:
    """Arrays of jax, keys from seeds; without a dtype jax decides, which knows no float64 unless it was told."""
    import jax
    import jax.numpy as jnp

    kind = None if dtype is None else getattr(jnp, dtype)
    return Backend(lambda x: jnp.asarray(x, dtype=kind), np.asarray, jax.random.key)
