"""CAT on sparse text-like data, d = 47,236 as in RCV1: do orders of magnitude appear? And what the abstracts say.

The rows are generated (`texts`); the second-order model of logistic regression at its optimum stands in for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from compth.tuning.rules import level_shares
from compth.tuning.schemes import SCHEMES, Ordered

Array = Any
D = 47_236
ROWS = 20_000
COSTS: dict[str, Any] = {"payload": ct.costs.Payload(), "packets": ct.costs.LINKS["cat"].cost}
LIMIT = 12_000
BEFORE = (0.001, 0.01)
"""Shares of the entries that are sent where the level is chosen before training."""
TOPICAL = 0.02
"""Share of the words that speak for a class."""


def texts(rows: int, d: int = D, seed: int = 0) -> tuple[Any, Array]:
    """(X, y): rows of unit norm, words by Zipf's law (weight (rank + 20)^-1.1), about 90 different ones a row.

    Counts become (1 + log count) log((1 + rows)/(1 + document frequency)) and rows are normalised, as in RCV1-v2's
    vectors; lengths are log-normal (sigma 0.75). One word in 50 speaks for a class, with log-normal size (sigma 1.5);
    y is the side of the median score, two classes of the same size. RCV1's training part is said to have 20,242 rows,
    d = 47,236 and some 75 entries a row; density here 0.19 %.
    """
    rng = np.random.default_rng(seed)
    p = (np.arange(d) + 20.0) ** -1.1
    lengths = np.maximum(5, np.round(rng.lognormal(np.log(100) - 0.3, 0.75, rows))).astype(int)
    words = rng.permutation(d)[rng.choice(d, lengths.sum(), p=p / p.sum())]
    X = sp.csr_matrix((np.ones(len(words)), (np.repeat(np.arange(rows), lengths), words)), shape=(rows, d))
    X.sum_duplicates()
    frequency = np.bincount(X.indices, minlength=d)
    X.data = (1 + np.log(X.data)) * np.log((1 + rows) / (1 + frequency[X.indices]))
    norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X = sp.csr_matrix(sp.diags(1 / norms) @ X)
    topical = rng.random(d) < TOPICAL
    scores = X @ np.where(topical, rng.standard_normal(d) * np.exp(1.5 * rng.standard_normal(d)), 0.0)
    return X, np.where(scores > np.median(scores), 1.0, -1.0)


@dataclass(frozen=True, eq=False)
class LogisticModel:
    """f(x) = (x - w)'H(x - w)/2, w the optimum of logistic regression on (X, y), H = X'SX/rows + reg I its Hessian."""

    X: Any
    y: Array
    reg: float

    @cached_property
    def optimum(self) -> Array:
        """w, by L-BFGS on the logistic loss."""
        X, y, rows = self.X, self.y, len(self.y)

        def loss(w: Array) -> tuple[float, Array]:
            z = -y * (X @ w)
            slope = X.T @ (-y / (1 + np.exp(-z))) / rows + self.reg * w
            return float(np.logaddexp(0, z).mean() + self.reg / 2 * (w @ w)), slope

        start = np.zeros(X.shape[1])
        return minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-14}).x

    @cached_property
    def weights(self) -> Array:
        """S: p (1 - p) of every row at the optimum, over the number of rows."""
        p = 1 / (1 + np.exp(-self.y * (self.X @ self.optimum)))
        return p * (1 - p) / len(self.y)

    @cached_property
    def columns(self) -> Any:
        """X by columns."""
        return self.X.tocsc()

    def times(self, v: Array) -> Array:
        """H v."""
        return self.X.T @ (self.weights * (self.X @ v)) + self.reg * v

    def times_sparse(self, places: Array, values: Array) -> Array:
        """H v for v with these entries only: through the rows that have them."""
        moved = self.columns[:, places] @ values
        rows = np.flatnonzero(moved)
        out = self.X[rows].T @ (self.weights[rows] * moved[rows])
        out[places] += self.reg * values
        return out

    @cached_property
    def L(self) -> float:
        """Largest eigenvalue of H, by the power method."""
        v = np.ones(self.X.shape[1])
        size = 0.0
        for _ in range(60):
            v = self.times(v / np.linalg.norm(v))
            size = float(np.linalg.norm(v))
        return size


def message(g: Array, scheme: str, level: int) -> tuple[Array, Array]:
    """Places and values of the largest `level` entries: themselves (S), or their signs times ||g|| (S+Q)."""
    places = np.argpartition(-np.abs(g), level - 1)[:level]
    return places, g[places] if scheme == "S" else np.sign(g[places]) * np.linalg.norm(g)


def level_of(g: Array, scheme: str, cost: Any, L: float, last: Any, t: int) -> Any:
    """The rule's choice. Where entries alone are paid it is one entry in every round: then it is asked now and then."""
    same = last is not None and scheme == "S" and isinstance(cost, ct.costs.Payload) and t % 500
    return last if same else ct.tune(g, scheme, cost, L=L)


@dataclass(frozen=True)
class Fixed:
    """A level chosen before training, with its step at this gradient and its cost."""

    level: int
    stepsize: float
    cost: float


def fixed_at(g: Array, scheme: str, cost: Any, L: float, level: int) -> Fixed:
    """The scheme at that level."""
    rule = SCHEMES[scheme]
    _, share = level_shares(g[None], rule, level)
    step = rule.stepsize(Ordered.of(g[None]), np.full(share.shape, level), share, L)
    return Fixed(level, float(step.item()), float(cost(rule.compressor(level).bits(len(g)).total)))


def run(
    model: LogisticModel,
    scheme: str,
    cost: Any,
    accuracies: tuple[float, ...],
    limit: int = LIMIT,
    fixed: int | None = None,
) -> dict[str, Any]:
    """Cost to each accuracy of f - f*, relative to the start at 0, with the level tuned in every round, or fixed."""
    x, g = np.zeros(model.X.shape[1]), -model.times(model.optimum)
    gap = first = -float(model.optimum @ g) / 2
    spent, path, levels, tuned = 0.0, [(0.0, 1.0)], set(), None
    found: dict[float, float] = {}
    for t in range(limit):
        if fixed is None:
            tuned = level_of(g, scheme, cost, model.L, tuned, t)
        else:
            tuned = fixed_at(g, scheme, cost, model.L, fixed)
        places, values = message(g, scheme, tuned.level)
        step = -float(tuned.stepsize) * values
        change = model.times_sparse(places, step)
        gap += float(g[places] @ step) + float(change[places] @ step) / 2
        x[places] += step
        g = g + change
        spent += float(tuned.cost)
        if not found:  # on the way to the first accuracy
            levels.add(tuned.level)
        path.append((spent, gap / first))
        for accuracy in accuracies:
            if gap <= accuracy * first:
                found.setdefault(accuracy, spent)
        if len(found) == len(accuracies):
            break
    return {"found": found, "path": path, "levels": levels}


def full(model: LogisticModel, price: float, accuracies: tuple[float, ...]) -> dict[str, Any]:
    """The same for gradient descent at 1/L, whole gradients at `price`."""
    away, gaps = -model.optimum, []
    while not gaps or gaps[-1] > accuracies[-1] * gaps[0]:
        slope = model.times(away)
        gaps.append(float(away @ slope) / 2)
        away = away - slope / model.L
    share = np.array(gaps) / gaps[0]
    found = {a: price * float(np.argmax(share <= a)) for a in accuracies}
    return {"found": found, "path": [(price * t, float(v)) for t, v in enumerate(share)]}


def thinned(path: list[tuple[float, float]], count: int = 200) -> list[list[float]]:
    """At most `count` points, evenly in the logarithm of the round."""
    keep = np.unique(np.geomspace(1, len(path), count).astype(int)) - 1
    return [[float(v) for v in path[k]] for k in keep]


def savings(quick: bool) -> tuple[dict[str, Any], dict[str, Any], set[int]]:
    """Full gradients over tuned messages by link and scheme, to half and (full run) a tenth of f - f*; curves."""
    model = LogisticModel(*texts(ROWS), reg=1e-4)
    accuracies = (0.5,) if quick else (0.5, 0.1)
    found: dict[tuple[str, str], dict[float, float]] = {}
    curves: dict[str, Any] = {}
    levels: set[int] = set()
    gains: list[float] = []
    for link, cost in COSTS.items():
        whole = full(model, float(cost(32 * D)), accuracies)
        curves[link] = {"full gradients": thinned(whole["path"])}
        for scheme in ("S", "S+Q"):
            deep = scheme == "S+Q" or link == "packets"  # one entry a round takes tens of thousands of rounds
            one = run(model, scheme, cost, accuracies if deep else accuracies[:1])
            found[link, scheme] = {a: whole["found"][a] / v for a, v in one["found"].items()}
            curves[link][scheme] = thinned(one["path"])
            levels |= one["levels"] if (link, scheme) == ("payload", "S+Q") else set()
            if link == "payload":
                for share in BEFORE:
                    chosen = run(model, scheme, cost, accuracies[:1], fixed=round(share * D))
                    gains.append(chosen["found"][0.5] / one["found"][0.5])
    values = {f"sparse.{link}": [found[link, s][0.5] for s in ("S", "S+Q")] for link in COSTS}
    values["abstract.efficiency"] = min(gains)
    values["sparse.orders"] = max(v[0.5] for v in found.values())
    if not quick:
        values["sparse.tenth"] = found["payload", "S+Q"][0.1]
    return values, {"curves": curves, "rows": ROWS, "d": D, "kappa": model.L / model.reg}, levels


def megabytes(d: int) -> float:
    """Of a gradient with d entries, sent whole."""
    return float(ct.Identity().bits(d).total / 8e6)


def abstracts(levels: set[int]) -> dict[str, Any]:
    """What the two abstracts and version 1's introduction say, on small gradients and on the sparse run."""
    rng = np.random.default_rng(8)
    worst, best, lost = 1.0, [], 1.0
    links = [link.cost for link in ct.costs.LINKS.values()]
    gradients = [np.exp(s * rng.standard_normal(2000)) for s in (0.5, 1, 2)]
    for cost in links:
        for g in gradients:
            tuned = ct.tune(g, "S", cost)
            had = (
                np.cumsum(np.sort(g**2)[::-1]) / 2
            )  # f(x) - f(x - Q_T g) for f = ||x||^2/2 at x = g, every T
            wire = cost.form(np.arange(1, 2001) * (32 + 11.0))
            worst = min(worst, float((had / wire)[tuned.level - 1] / (had / wire).max()))
            best.append(tuned.level)
            lost = max(lost, float((had / wire).max() / (had / wire)[best[0] - 1]))
    return {
        "intro.megabytes": megabytes(10**7),
        "abstract.per_bit": worst,
        "abstract.each_iteration": len(levels),
        "abstract.technology": len(set(best[:: len(gradients)])),
        "abstract.suboptimal": lost,
    }


def draw_sparse(data: Any) -> Any:
    """Sparse text-like data (20,000 rows, d = 47,236): what tuned messages save depends on how far one goes.

    f - f* of the second-order model of logistic regression, relative to its start, against bits sent: payload (left)
    and CAT's packets of 512 octets (right). Whole gradients, the largest entries (S) and their signs with a norm (S+Q),
    with the level tuned in every round; S in payload bits, one entry a round, is tuned every 500 rounds and followed
    to half. Orders of magnitude lie between them at the start, one or less at a tenth.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (link, curves) in zip(axes, data["curves"].items(), strict=True):
            for i, (name, path) in enumerate(curves.items()):
                spent, gap = np.array(path).T
                live = spent > 0
                panel.plot(spent[live], gap[live], ("-", "--", "-.")[i], color=COLOURS[i], label=name)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xlabel("bits sent" if link == "payload" else "bits sent, packets of 512 octets")
        axes[0].set_ylabel(r"$(f(x_t)-f^*)/(f(x_0)-f^*)$")
        axes[0].legend(fontsize=7)
    return figure
