"""The authors' code, re-created in a few lines: github.com/SamuelHorvath/Compressed_SGD_PyTorch, commit 60e8fb2.

Each function does in numpy what the named one does in torch, for one tensor; nothing is copied. Laws are enumerated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import compth as ct
from compth.methods import find_guarantee
from paper_repro._exact import law
from paper_repro.atomo import distance
from paper_repro.induced._problems import SAMPLINGS, star, top_rand

Array = Any
Compress = Callable[[Array, Any], Array]
X = np.array([4.0, -2.0, 1.0, 0.5])


def c_nat(x: Array, rng: Any) -> Array:
    """quant.c_nat: the exponent rounded up with the mantissa as probability."""
    low = 2.0 ** np.floor(np.log2(np.abs(x), where=x != 0, out=np.zeros(len(x))))
    up = rng.random(len(x)) >= 2 - np.abs(x) / low
    return np.sign(x) * low * (1 + up)


def dithering(x: Array, rng: Any, p: float, s: int, natural: bool) -> Array:
    """quant.random_dithering_opt: natural dithering with s levels is C_nat of 2^(s-1) equal levels."""
    norm = np.linalg.norm(x, p)
    levels = 2 ** (s - 1) if natural else s
    y = levels * np.abs(x) / norm
    f = (np.floor(y) + (rng.random(len(x)) >= 1 - (y - np.floor(y)))) / levels
    return np.sign(x) * norm * (c_nat(f, rng) if natural else f)


def rand_spars(x: Array, rng: Any, r: int) -> Array:
    """quant.rand_spars_opt: r places of a permutation, scaled by d/r."""
    kept = np.zeros(len(x))
    kept[rng.permutation(len(x))[:r]] = 1
    return kept * x * (len(x) / r)


def top_k(x: Array, r: int) -> Array:
    """quant.top_k_opt."""
    kept = np.zeros(len(x))
    kept[np.argsort(-np.abs(x))[:r]] = 1
    return kept * x


def greedy(x: Array, r: int, rounds: int = 4) -> Array:
    """The probabilities of quant.grad_spars_opt: min(1, r|x|/sum|x|), what is left over spread `rounds` times."""
    d = len(x)
    p = np.minimum(r * np.abs(x) / np.abs(x).sum(), 1)
    for _ in range(rounds):
        rest = p[p != 1]
        if len(rest) == 0 or np.abs(rest).sum() == 0:
            break
        c = (r - d + len(rest)) / rest.sum()
        p = np.minimum(c * p, 1)
        if c <= 1:
            break
    return p


def grad_spars(x: Array, rng: Any, r: int) -> Array:
    """quant.grad_spars_opt: kept with probability p and divided by it, unless p <= 1e-6."""
    p = greedy(x, r)
    return np.where(rng.random(len(x)) <= p, np.where(p <= 1e-6, x, x / np.maximum(p, 1e-300)), 0.0)


def induced(first: Callable[[Array], Array], second: Compress) -> Compress:
    """quant.biased_unbiased_wrap: C1(x) + C2(x - C1(x))."""
    return lambda x, rng: first(x) + second(x - first(x), rng)


def mean(compress: Any, x: Array) -> Array:
    """E C(x), from the enumerated law."""
    return sum(float(p) * np.array(y) for y, p in law(compress, x).items())


def laws() -> dict[str, float]:
    """Total variation between the code's law and the package's, one compressor each."""
    ours: dict[str, tuple[Any, Any, Array]] = {
        "c_nat": (c_nat, ct.NaturalCompression(), np.array([2.5, -2.75, 0.375, 1.0])),
        "standard": (lambda x, rng: dithering(x, rng, 2, 4, False), ct.RandomDithering(4), X[:3]),
        "natural": (lambda x, rng: dithering(x, rng, np.inf, 3, True), ct.NaturalDithering(3, np.inf), X[:3]),
        "rand": (lambda x, rng: rand_spars(x, rng, 2), ct.RandK(2), X),
        "top": (lambda x, rng: top_k(x, 2), ct.TopK(2), X),
        "greedy": (lambda x, rng: grad_spars(x, rng, 2), ct.AtomoEntrywise(2), X),
        "induced": (
            induced(lambda x: top_k(x, 1), lambda e, rng: rand_spars(e, rng, 1)),
            ct.Induced(ct.TopK(1), ct.RandK(1)),
            X,
        ),
        "example": (
            induced(lambda x: top_k(x, 1), lambda e, rng: grad_spars(e, rng, 1)),
            ct.Induced(ct.TopK(1), ct.AtomoEntrywise(1)),
            X,
        ),
    }
    return {f"code.{name}": distance(law(code, x), law(own, x)) for name, (code, own, x) in ours.items()}


def unspent() -> float:
    """Expected entries that the greedy rule keeps over those of the optimal probabilities, 6 at x_j = 10^-j, d = 12."""
    x = 10.0 ** -np.arange(12)
    return float(greedy(x, 6).sum() / ct.sampling_probabilities(x, 6).sum())


def tiny() -> float:
    """Mean of the second entry of (1, 10^-8) by the code over that of entry-wise ATOMO, one entry asked for."""
    x = np.array([1.0, 1e-8])
    return float((mean(lambda v, rng: grad_spars(v, rng, 1), x) / mean(ct.AtomoEntrywise(1), x))[1])


def feedback() -> float:
    """Largest distance of 30 rounds of optim.SGDGen with error feedback from EF's, Top-1, the three-worker example."""
    q, gamma = star(), 0.02
    x, e = np.ones(3), np.zeros((3, 3))
    path = [x]
    for _ in range(30):
        loaded = gamma * q.gradients(x[None])[0] + e
        sent = np.array([top_k(row, 1) for row in loaded])
        x, e = x - sent.mean(axis=0), loaded - sent
        path.append(x)
    trace = ct.simulate(ct.EF(ct.TopK(1), gamma), q, 30, 1, seed=0, x0=np.ones(3))
    return float(np.abs(np.asarray(trace.mean) - np.array(path)).max())


def abstract() -> dict[str, Any]:
    """What the abstract says: unbiased from any contractive one, less memory, any distribution over the nodes."""
    first = (ct.TopK(2), ct.ScaledSign(), ct.Scaled(ct.RandK(2)))
    second = (ct.RandK(1), ct.NaturalCompression(), ct.TernGrad())
    bias = max(float(np.abs(mean(ct.Induced(a, b), X) - X).max()) for a in first for b in second)
    q, kept = star(), []
    for method in (ct.EF(ct.TopK(1)), ct.DCGD(top_rand(1))):
        state = vars(method.init(q, np.ones((1, 3)), find_guarantee(method, q).plan))
        kept.append(sum(np.size(v) for name, v in state.items() if name != "x" and np.ndim(v) > 1) // q.n)
    return {
        "abstract.unbiased": bias,
        "abstract.memory": kept,
        "abstract.sampling": max(sampled_bias(s) for s in SAMPLINGS),
    }


def sampled_bias(sampling: Any) -> float:
    """Largest error of E (1/n) sum_S C(z_i)/p_i = mean z_i, Top-1 + Rand-1 in R^2, from the enumerated law."""
    n = sampling.workers
    z = np.arange(1.0, 2 * n + 1) * np.tile([1, -1], n)
    fleet = ct.Sampled(ct.Induced(ct.TopK(1), ct.RandK(1)), sampling)
    seen = mean(lambda x, rng: fleet._compress(x.reshape(n, 2), rng).mean(axis=0), z)
    return float(np.abs(seen - z.reshape(n, 2).mean(axis=0)).max())


def code() -> dict[str, Any]:
    """All of them."""
    sent = ct.Induced(ct.TopK(25), ct.RandK(25)).bits(1000), ct.TopK(50).bits(1000)
    big = np.array([10.0, 1, 1, 1, 1])
    return {
        **laws(),
        "code.saturated": float(np.abs(greedy(big, 3) - ct.sampling_probabilities(big, 3)).max()),
        "code.unspent": unspent(),
        "code.tiny": tiny(),
        "code.density": sent[0].floats / sent[1].floats,
        "code.feedback": feedback(),
        **abstract(),
    }
