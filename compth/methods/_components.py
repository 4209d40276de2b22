"""Methods of one node that sample the components of f: a problem's workers, or all components of a finite sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number
from compth._own import remembered
from compth.bits import FLOAT_BITS
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter
from compth.methods._base import Array, Constants, Method
from compth.methods._unified import WITH_MEMORY, UnifiedTheorem


def components(problem: Any) -> Any:
    """f = mean_j f_j with one worker for each component: a FiniteSum's n m components, else the problem's workers."""
    if not hasattr(problem, "as_workers"):
        return problem
    return remembered(problem, "as_workers()", problem.as_workers)


def pick(values: Array, chosen: NDArray[Any]) -> Array:
    """values[r, chosen[r]]: (R, n, d), (R,) -> (R, d)."""
    return np.asarray(np.take_along_axis(values, chosen[:, None, None], axis=1)[:, 0])


def subsets(n: int, size: int, count: int, rng: np.random.Generator) -> NDArray[Any]:
    """(count, size): uniform subsets without replacement, by the first `size` swaps of a shuffle."""
    order, rows = np.tile(np.arange(n), (count, 1)), np.arange(count)
    for i in range(size):
        k = i + rng.integers(n - i, size=count)
        order[rows, i], order[rows, k] = order[rows, k], order[rows, i]
    return order[:, :size]


def check_variance(s2: Any, name: str) -> None:
    """InvalidParameter unless 0 <= s2 < inf."""
    if isinstance(s2, bool) or not (np.ndim(s2) == 0 and 0 <= s2 < float("inf")):
        raise InvalidParameter(f"{name}(s2={s2!r}) needs a noise variance 0 <= s2 < inf")


class ComponentTheorem(UnifiedTheorem):
    """A row for convex components: c.n of them, c.L_max their largest smoothness."""

    metric = WITH_MEMORY

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every component must be convex"


@dataclass(frozen=True)
class SingleNode(Method):
    """No compressor; the constants are those of the components. `affine`: every outcome of a step is an affine map."""

    compressor: Any = field(default_factory=Identity, init=False)
    gamma: Any = None
    takes_compressor: ClassVar[bool] = False
    affine: ClassVar[bool] = True

    def check(self, problem: Any) -> Constants:
        return replace(super().check(components(problem)), params=self.given())

    def default_params(self, c: Constants) -> Mapping[str, Number]:
        return self.given()

    def one_sends(self, problem: Any, t: int, count: int = 1) -> float:
        """Bits per worker when `count` vectors are sent by some workers, and one by each before the first round."""
        whole = float(problem.d * FLOAT_BITS)
        return float(whole * count / problem.n + (whole if t == 0 else 0.0))

    @property
    def label(self) -> str:
        given = "".join(f" {name}={value}" for name, value in self.given().items())
        return f"{self.name}{given}"
