"""What sampling can say when nothing exact is affordable: e-processes on structured points and a path probe."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compth.certificates import Certificate, Verdict
from compth.certification import evalues
from compth.certification.allowance import Allowance
from compth.certification.beside import beside, is_floats
from compth.certification.points import Points, structured
from compth.claims import (
    B1,
    B2,
    AbsoluteError,
    BiasVariance,
    Claim,
    Contractive,
    JointVariance,
    Unbiased,
)

if TYPE_CHECKING:
    from compth.certification.pipeline import Run

Array = NDArray[np.float64]
CHUNK = 250
POINTS = 10
KERNEL_RUNS = 4000


def statistic(claim: Claim, x: Array, out: Array) -> tuple[Array, float] | None:
    """(Z >= 0, limit) with the claim saying E Z <= limit; None where the claim has no such upper inequality."""
    xx = float(x @ x) or 1.0
    if isinstance(claim, JointVariance):
        rows = x.reshape(claim.n, -1)
        bar = rows.mean(axis=0)
        allowed = float(claim.A) * xx / claim.n - float(claim.B) * float(bar @ bar)
        return ((out - bar) ** 2).sum(axis=1) / xx, allowed / xx
    error = ((out - x) ** 2).sum(axis=1) / xx if out.shape[1] == len(x) else None
    if isinstance(claim, Unbiased) and error is not None:
        return error, float(claim.omega)
    if isinstance(claim, Contractive) and error is not None:
        return error, 1 - float(claim.delta)
    if isinstance(claim, AbsoluteError) and error is not None:
        return error * xx, float(claim.Delta) ** 2
    if isinstance(claim, BiasVariance):  # independent pairs: E||y - y'||^2/2 is the variance
        half = len(out) // 2
        return ((out[:half] - out[half : 2 * half]) ** 2).sum(axis=1) / (2 * xx), float(claim.omega)
    if isinstance(claim, B1 | B2):  # ||y||^2 - beta <y, x> + beta^2 ||x||^2/4 >= 0
        beta = float(claim.beta)
        z = (out**2).sum(axis=1) - beta * (out @ x) + beta * beta * xx / 4
        return np.maximum(z, 0) / xx, beta * beta / 4
    return None


def settle(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """CONSISTENT or REFUTED for every claim, at the level alpha that this dimension has."""
    start = time.perf_counter()
    size = run.subject.size(d)
    candidates = _chosen(structured(size, run.seed, run.domain), run.seed)
    probe = path_probe(run, d)
    if probe is not None:
        candidates = [probe, *candidates]
    level = math.log(1 / run.alpha) + math.log(2 * len(candidates) * len(claims))
    found: list[dict[str, Any]] = [{"z": 0.0, "log": -math.inf, "x": None, "gap": math.inf} for _ in claims]
    trials = 0
    allowance = Allowance(run.budget.sample_seconds)
    per_point = max(1, run.budget.samples // len(candidates) if len(candidates) else 1)
    for k, x in enumerate(candidates):
        rng = np.random.default_rng(np.random.SeedSequence([run.seed, d, k]))
        trials += _at_point(run, d, claims, x, rng, per_point, level, found, allowance)
        if allowance.spent:
            break
    run.stage(d, "e-processes", start, f"{trials} samples")
    return [_verdict(run, d, c, f, level, trials) for c, f in zip(claims, found, strict=True)]


def _chosen(points: Points, seed: int) -> list[Array]:
    """The first structured points: they hold the known worst inputs, and some with both signs."""
    return [*points[: POINTS - 2], points[len(points) - 1], points[min(len(points) - 1, 40)]]


def _at_point(
    run: Run,
    d: int,
    claims: list[Claim],
    x: Array,
    rng: Any,
    count: int,
    level: float,
    found: list[Any],
    allowance: Allowance,
) -> int:
    """Sample one input in growing chunks until everything is refuted there or the budget is used."""
    out = np.empty((0, d))
    target = x if len(x) == d else x.reshape(-1, d).mean(axis=0)
    while len(out) < count and not allowance.spent:
        more = evalues.sample(run.subject, x, rng, min(max(CHUNK, len(out)), count - len(out) or 1), d)
        out = np.concatenate([out, more])
        for claim, held in zip(claims, found, strict=True):
            _update(claim, x, target, out, level, held)
        if all(h["log"] > level for h in found):
            break
    return len(out)


def _update(claim: Claim, x: Array, target: Array, out: Array, level: float, held: dict[str, Any]) -> None:
    tested = statistic(claim, x, out)
    if tested is not None:
        z, limit = tested
        tiny = 1e-9 * float((out**2).sum(axis=1).mean()) / (float(x @ x) or 1.0)
        log = math.inf if limit <= 0 and z.max() > tiny else 0.0 if limit <= 0 else evalues.exceeds(z, limit)
        _keep(held, log, x, float(z.mean()), "second moment", limit)
        if limit > 0:
            held["gap"] = min(held["gap"], evalues.detectable(z, limit, level))
            held["tight"] = max(held.get("tight", 0.0), float(z.mean()) / limit)
    if isinstance(claim, Unbiased | JointVariance) and tested is not None:
        errors = (out - target) / np.sqrt(float(x @ x) or 1.0)
        variance = max(tested[1], 0.0)
        if variance > 0:
            log = evalues.biased(errors, evalues.running_directions(errors), variance)
            shift = float(np.linalg.norm(errors.mean(axis=0)))
            _keep(held, log, x, shift, "bias or variance", 0.0)


def _keep(held: dict[str, Any], log: float, x: Array, value: float, what: str, limit: float) -> None:
    if log > held["log"]:
        held.update(log=log, x=x, z=value, what=what, limit=limit)


def _verdict(run: Run, d: int, claim: Claim, held: dict[str, Any], level: float, trials: int) -> Certificate:
    from compth.certification.pipeline import _certificate

    checked = held["x"] is not None
    refuted = held["log"] > level
    verdict = Verdict.REFUTED if refuted else Verdict.CONSISTENT if checked else Verdict.INCONCLUSIVE
    details = {
        "log_evidence": held["log"],
        "log_level": level,
        "detectable_relative_gap": held["gap"],
        "observed_ratio": held.get("tight"),
        "inequality": held.get("what"),
        "replay": {"kind": "samples", "seed": run.seed, "count": trials},
    }
    return _certificate(
        run, d, str(claim), verdict, "statistical", estimate=held["z"] if checked else None, bound=held.get("limit"),
        alpha=run.alpha, trials=trials, witness=held["x"], technique="e-process", details=details,
    )  # fmt: skip


def path_probe(run: Run, d: int, paths: int = 12) -> Array | None:
    """For programs that are linear once the draws are fixed: the direction in which sampled paths err most."""
    size = run.subject.size(d)
    if size != d or size > 1200 or run.subject.deterministic:
        return None
    found: Array | None = _probe(run.subject, d, paths, run.budget.sample_seconds)
    return found


@beside(lambda answer, subject, d, *_: answer is None or is_floats(answer, (d,)))
def _probe(subject: Any, d: int, paths: int, seconds: float) -> Array | None:
    size, program = subject.size(d), subject.program
    rng = np.random.default_rng(0)
    try:
        x, y = rng.normal(size=(2, size))
        for seed in (1, 2):
            out = [
                np.asarray(program(v.copy(), np.random.default_rng(seed)), dtype=float) for v in (x, y, x + y)
            ]
            if not np.allclose(out[0] + out[1], out[2], rtol=1e-9, atol=1e-12):
                return None
        total = np.zeros((size, size))
        allowance = Allowance(seconds)
        for seed in range(paths):
            s = np.empty((d, size))
            for j in range(size):
                e = np.zeros(size)
                e[j] = 1.0
                s[:, j] = program(e, np.random.default_rng([7, seed]))
            s[np.arange(d), np.arange(d)] -= 1
            total += s.T @ s / paths
            if allowance.spent:
                break
    except Exception:
        return None
    return np.asarray(np.linalg.eigh(total)[1][:, -1])


def draw_breach(sketch: Any, d: int, alpha: float, seed: int) -> str:
    """ "" when draw() and weights() give 0 or 1/p_j, each coordinate at its declared frequency; else what is wrong.

    Exact binomial tails on the counts of every coordinate, alpha split over them.
    """
    from scipy.stats import binom

    p = np.array([float(q) for q in np.broadcast_to(np.asarray(sketch.inclusion(d), dtype=object), (d,))])
    rows = max(200, min(100_000, 3_000_000 // d))
    for name in ("draw", "weights"):
        rng = np.random.default_rng(np.random.SeedSequence([seed, d, len(name)]))
        w = np.asarray(getattr(sketch, name)((rows, d), rng), dtype=np.float64)
        kept = w != 0
        if w.shape != (rows, d) or not np.allclose(np.where(kept, w * p, 1.0), 1.0, rtol=1e-12, atol=0):
            return f"{name}() gives a weight other than 0 or 1/p_j"
        counts = kept.sum(axis=0)
        tail = np.minimum(binom.cdf(counts, rows, p), binom.sf(counts - 1, rows, p))
        if tail.min() < alpha / (4 * d):
            j = int(tail.argmin())
            return (
                f"{name}() selects coordinate {j} in {counts[j]} of {rows} draws, declared p_j = {p[j]:.6g}"
            )
    return ""


def rows_evidence(rows: Any, x: Array, law: dict[bytes, float], seed: int) -> tuple[float, bool]:
    """(log evidence that rows(X, rng) have another law than the enumerated one or depend on each other, stray output).

    Single rows are held against the law, neighbouring pairs against its square.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 99]))
    out = np.asarray(rows(np.tile(x, (KERNEL_RUNS, 1)), rng), dtype=np.float64) + 0.0
    index = {name: i for i, name in enumerate(law)}
    seen = [index.get(row.tobytes(), -1) for row in out]
    if min(seen) < 0:
        return math.inf, True
    p, k = np.array(list(law.values())), len(law)
    evidence = evalues.same_law(np.bincount(seen, minlength=k).astype(float), p) if k > 1 else 0.0
    if 1 < k <= 64:
        pairs = np.array(seen[0::2]) * k + np.array(seen[1::2])
        joint = evalues.same_law(
            np.bincount(pairs, minlength=k * k).astype(float), np.outer(p, p).reshape(-1)
        )
        evidence = max(evidence, joint)
    return evidence, False
