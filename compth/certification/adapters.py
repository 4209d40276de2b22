"""Functions on whole batches, declared for speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from compth.certification.subject import Array, Subject
from compth.compressors.core.calling import takes_rng


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
