"""Arrays of torch and jax: vectors to tensors, tensors to vectors, generators and keys from a seed."""

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
    except (AttributeError, TypeError):
        more = " or bfloat16" if name else " (bfloat16 with a backend)"
        raise InvalidParameter(
            f"dtype={dtype!r} is no type of {name or 'numpy'}: try float32{more}"
        ) from None


def _numpy(dtype: str | None) -> Backend:
    kind = np.dtype(dtype or "float64")
    return Backend(lambda x: np.array(x, dtype=kind), as_numpy, np.random.default_rng)


def _torch(dtype: str | None) -> Backend:
    import torch

    kind = getattr(torch, dtype or "float64")
    if not isinstance(kind, torch.dtype):
        raise TypeError

    def source(seed: int) -> object:
        return torch.Generator().manual_seed(seed)

    return Backend(lambda x: torch.from_numpy(np.array(x)).to(kind), as_numpy, source)


def _jax(dtype: str | None) -> Backend:
    import jax
    import jax.numpy as jnp

    kind = None if dtype is None else getattr(jnp, dtype)
    return Backend(lambda x: jnp.asarray(x, dtype=kind), np.asarray, jax.random.key)
