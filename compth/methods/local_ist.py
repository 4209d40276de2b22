"""IST with several local steps: every worker trains its own block of the model for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from compth.claims import Unbiased
from compth.compressors import Compressor, CompressorLike
from compth.compressors.identity import Identity
from compth.compressors.perm_k import PermK
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import Array, Constants, Method
from compth.methods.core.body import BodyMethod, Reading
from compth.methods.core.state import Bits, Counted
from compth.problems.interface import Problem, as_quadratic
from compth.sources import IST as IST_PAPER

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth.methods.core.signature import Vec, World


def block_solution(A: Array, b: Array, x: Array, gamma: float, local: int) -> Array:
    """x_b after H = `local` steps on x'Ax/2 - b'x of a block: (I - gamma A)^H x + sum_{k<H} (I - gamma A)^k gamma b.

    The sum is (I - (I - gamma A)^H) A^-1 b where A is regular; added up term by term it needs no inverse.
    """
    # in A's eigenbasis H steps are powers of 1 - gamma lambda, and the geometric sum needs no division by
    # lambda
    values, vectors = np.linalg.eigh(A)
    factor = 1 - gamma * values
    kept = factor**local
    pulled = gamma * sum((factor**k for k in range(local)), np.zeros_like(factor))
    return np.asarray(vectors @ (kept * (vectors.T @ x) + pulled * (vectors.T @ b)))


def mean_map(problem: Problem, gamma: float, local: int) -> tuple[Array, Array]:
    """(T, c) with E x+ = T x + c: every block's closed form, averaged over all ways to deal d = qn coordinates out.

    For d <= 8: the ways are listed. Its fixed point is not x*, for any number of local steps.
    """
    quadratic, n, d = as_quadratic(problem), problem.n, problem.d
    if d % n or d > 8:
        raise Unsupported(f"d={d} must be a multiple of n={n}, at most 8: its {d}! deals are listed")
    T, c, q, count = np.zeros((d, d)), np.zeros(d), d // n, 0
    # all deals have one probability: the mean map is the mean over them
    for order in permutations(range(d)):
        count += 1
        for i in range(n):
            block = np.array(order[i * q : (i + 1) * q])
            A, b = quadratic.A[i][np.ix_(block, block)], quadratic.b[i][block]
            c[block] += block_solution(A, b, np.zeros(q), gamma, local)
            columns = [block_solution(A, 0 * b, e, gamma, local) for e in np.eye(q)]
            T[np.ix_(block, block)] += np.stack(columns, axis=1)
    return T / count, c / count


def rest_of_mean(problem: Problem, gamma: float, local: int) -> Array:
    """The fixed point of `mean_map`, (d,)."""
    T, c = mean_map(problem, gamma, local)
    return np.asarray(np.linalg.solve(np.eye(len(c)) - T, c))


@dataclass(frozen=True)
class LocalIST(BodyMethod):
    """y_i = M_i x; `local` times y_i = y_i - gamma M_i grad f_i(y_i); x+ = sum y_i, M_i the 0/1 masks of a PermK.

    The masks share d = qn coordinates out among the workers. `block_solution` is the closed form of the local steps on
    a quadratic, `rest_of_mean` where E x_t ends, which is not x*. No theorem is known for local > 1.
    """

    local: int = 1
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    requires = (Unbiased,)
    name = "IST with local steps"
    source = IST_PAPER

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.local, int | np.integer) or self.local < 1:
            raise InvalidParameter(f"LocalIST(local={self.local!r}) needs a whole number of local steps >= 1")

    def check(self, problem: Problem) -> Constants:
        if not isinstance(self.fleet, PermK) or problem.d < problem.n:
            raise Unsupported(
                f"LocalIST(compressor={self.compressor!r}) needs PermK(n) with d >= n: blocks that share all"
                " coordinates out"
            )
        return super().check(problem)

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """The block, once."""
        return next(iter(w.cost.values()))

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number, local: Number = 1) -> dict[str, Vec]:
        s = w.sketch()
        # the sketch scales by n: divided by n it is the 0/1 mask of the worker's block
        y = s(x) / w.n
        for _ in range(int(local)):
            y = y - gamma * s(w.gradient(y)) / w.n
        return dict(x=w.n * w.mean(y))

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(PermK(2) if compressor is None else compressor, gamma=0.1, local=2),)
