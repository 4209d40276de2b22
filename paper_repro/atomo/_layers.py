"""Spectral against entry-wise ATOMO on gradients of real layers: small networks on the digits, trained for a while.

Two networks in plain numpy: 3 x 3 convolutions with 32 and 64 channels and a dense layer; dense layers of 512. A
gradient [x, y, k, k] of a convolution becomes a matrix [xy/2, 2 k^2], as in the paper's Section 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from compth.tuning.probabilities import sampling_value

Array = Any
ATOMS = 3
"""Expected singular vectors a message, as in the paper's VGG runs."""
BATCH, STEPS, RATE = 128, 100, 0.1


def digits() -> tuple[Array, Array]:
    """(images in [0, 1], classes) of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    held = load_digits()
    return held.images / 16.0, held.target


def patches(x: Array) -> Array:
    """(B, h, w, c) -> (B, h, w, 9 c): 3 x 3 neighbourhoods, zeros outside."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = x.shape[1:3]
    return np.concatenate([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=-1)


def unpatched(g: Array, channels: int) -> Array:
    """The adjoint of patches."""
    B, h, w, _ = g.shape
    out = np.zeros((B, h + 2, w + 2, channels))
    for k in range(9):
        i, j = divmod(k, 3)
        out[:, i : i + h, j : j + w] += g[..., k * channels : (k + 1) * channels]
    return out[:, 1:-1, 1:-1]


def error(scores: Array, y: Array) -> Array:
    """Gradient of the mean cross-entropy by the scores."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


def convolutional(weights: list[Array], x: Array, y: Array) -> list[Array]:
    """Gradients by both convolutions (9 c_in, c_out) and the dense layer after the mean over places."""
    first = patches(x[..., None])
    one = np.maximum(first @ weights[0], 0)
    second = patches(one)
    two = np.maximum(second @ weights[1], 0)
    pooled = two.mean(axis=(1, 2))
    slope = error(pooled @ weights[2], y)
    back = np.broadcast_to((slope @ weights[2].T)[:, None, None] / 64, two.shape) * (two > 0)
    before = unpatched(back @ weights[1].T, one.shape[-1]) * (one > 0)
    return [
        np.einsum("bijp,bijc->pc", first, before, optimize=True),
        np.einsum("bijp,bijc->pc", second, back, optimize=True),
        pooled.T @ slope,
    ]


def dense(weights: list[Array], x: Array, y: Array) -> list[Array]:
    """Gradients by the three layers."""
    held = [x.reshape(len(x), -1)]
    for w in weights[:-1]:
        held.append(np.maximum(held[-1] @ w, 0))
    slope, found = error(held[-1] @ weights[-1], y), []
    for w, a in zip(reversed(weights), reversed(held), strict=True):
        found.append(a.T @ slope)
        slope = (slope @ w.T) * (a > 0)
    return found[::-1]


def as_matrix(g: Array, kernel: bool) -> Array:
    """A convolution's (9 c_in, c_out) as [c_in c_out/2, 18]; a dense layer's as it is."""
    if not kernel:
        return g
    channels = g.shape[0] // 9
    return g.reshape(9, channels, -1).transpose(2, 1, 0).reshape(-1, 18)


def gradients(steps: int) -> dict[str, Array]:
    """Matrices of the layers' gradients on one batch after that many steps of SGD."""
    images, classes = digits()
    found = {}
    for gradient, shapes, names in (
        (convolutional, ((9, 32), (288, 64), (64, 10)), ("conv 1→32", "conv 32→64", "dense 64→10")),
        (dense, ((64, 512), (512, 512), (512, 10)), ("dense 64→512", "dense 512→512", "dense 512→10")),
    ):
        rng = np.random.default_rng(9)
        weights = [rng.standard_normal(s) * np.sqrt(2 / s[0]) for s in shapes]
        for _ in range(steps + 1):
            batch = rng.choice(len(classes), BATCH, replace=False)
            slopes = gradient(weights, images[batch], classes[batch])
            last = slopes
            weights = [w - RATE * g for w, g in zip(weights, slopes, strict=True)]
        found |= {name: as_matrix(g, name.startswith("conv")) for name, g in zip(names, last, strict=True)}
    return found


def ratio(a: Array) -> float:
    """Least variance of the spectral estimator with 3 atoms over the entry-wise one's with 3 (n + m) entries."""
    sigma = np.linalg.svd(a, compute_uv=False)
    entries = np.abs(a[a != 0]).ravel()
    sigma = sigma[sigma > 1e-12 * sigma[0]]
    size, room = float((a**2).sum()), min(len(entries), ATOMS * sum(a.shape))
    spectral = sampling_value(sigma, ct.sampling_probabilities(sigma, ATOMS))
    entrywise = sampling_value(entries, ct.sampling_probabilities(entries, room))
    return float((spectral - size) / max(entrywise - size, 1e-300))


def layers(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ratios of the variances by layer, at the start and (full run) after training."""
    values: dict[str, Any] = {}
    data: dict[str, Any] = {"ratios": {}}
    for label, steps in (("start", 0), ("trained", STEPS))[: 1 if quick else 2]:
        made = gradients(steps)
        found = {name: ratio(a) for name, a in made.items()}
        values[f"layers.{label}"] = [found[n] for n in ("conv 32→64", "dense 64→512", "dense 512→512")]
        data["ratios"][label] = found
        data["shapes"] = {name: list(a.shape) for name, a in made.items()}
    return values, data


def draw_layers(data: Any) -> Any:
    """Where singular vectors are worth sending: gradients of small networks on the digits, batches of 128.

    Variance of spectral ATOMO with 3 atoms over that of entry-wise ATOMO with 3 (n + m) entries, the same floats, for
    each layer's n x m gradient (a convolution's [x, y, k, k] as [xy/2, 2 k^2]): below 1 spectral is better. At the
    start (circles) and, in the full run, after 100 steps of SGD (squares).
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 2.9), layout="constrained")
        axes = figure.subplots()
        names = list(data["shapes"])
        y = np.arange(len(names))[::-1]
        for i, (key, ratios) in enumerate(data["ratios"].items()):
            label = {"start": "at the start", "trained": "after 100 steps"}[key]
            axes.plot([ratios[n] for n in names], y, "os"[i], color=COLOURS[i], label=label)
        axes.axvline(1, color="0.4", linestyle="--", linewidth=1)
        axes.set_xscale("log")
        axes.set_yticks(y, [f"{n}, {data['shapes'][n][0]} × {data['shapes'][n][1]}" for n in names])
        axes.set_xlabel("variance: spectral / entry-wise, same floats")
        axes.grid(axis="y", visible=False)
        axes.legend(fontsize=7)
    return figure
