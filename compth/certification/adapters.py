"""Functions on whole batches, declared for speed.

An adapter states how a program is to be called and nothing of its law: what it promises of its rows is judged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compth._types import Numbers
from compth.certification.beside import Program
from compth.certification.subject import Subject
from compth.compressors.core.calling import takes_rng


class Batched:
    """Declares f(X, rng) or f(X) on rows (N, d) for speed: `certify(Batched(f))` samples whole batches.

    The rows are checked: each must have the law of a single call, and neighbouring rows must be independent.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        given: Callable[..., object] = function
        self.function: Program = function if takes_rng(function) else lambda rows, rng: given(rows)
        self.__qualname__ = getattr(function, "__qualname__", repr(function))

    def __call__(self, x: Numbers, rng: np.random.Generator) -> object:
        """One row: C(x) of a vector is what the batch makes of it alone."""
        row: object = np.asarray(self.function(x[None, :], rng))[0]
        return row

    def subject(self) -> Subject:
        """How the certifier sees it."""
        return Subject(self.__qualname__, self, object=self, batch=self.function)
