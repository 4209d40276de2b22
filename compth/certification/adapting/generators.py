"""Generators that belong to the process or to an object: seeded from the referee's, and put back.

What must not be changed: whatever happens inside the block, the process's generators are put back, since
they are the user's.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

GLOBALS = ("numpy", "random", "torch")
"""Whose global generators are seeded: np.random, random, torch (where it was imported)."""


def _torch() -> ModuleType | None:
    """The module, where it was imported whole."""
    found = sys.modules.get("torch")
    return found if hasattr(found, "get_rng_state") else None


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The process's generators start from this seed inside the block, and from where they were after it."""
    held = np.random.get_state()  # noqa: NPY002  (the global generator is what this is about)
    python, torch = random.getstate(), _torch()
    # torch's only where it was imported: importing it here would change the process.
    tensors = None if torch is None else torch.get_rng_state()
    try:
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        if torch is not None:
            torch.manual_seed(seed)
        yield
    finally:
        np.random.set_state(held)  # noqa: NPY002
        random.setstate(python)
        if torch is not None:
            torch.set_rng_state(tensors)


def reseed(generator: object, seed: int) -> bool:
    """Start a generator that an object holds from this seed; False for what is none."""
    # The state is replaced in place: other names lead to the same generator.
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = type(generator.bit_generator)(seed).state
    elif isinstance(
        generator, np.random.RandomState | random.Random
    ):  # the system's own takes no seed, and stays
        generator.seed(seed)
    elif type(generator).__module__.partition(".")[0] == "torch" and hasattr(generator, "manual_seed"):
        generator.manual_seed(seed)
    else:
        return False
    return True
