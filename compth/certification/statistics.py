"""What sampling can say when nothing exact is affordable: e-processes, a pilot, then the most suspicious input.

Every input has its own stream and its own e-processes, so that any rule that looks only at the past may decide which
input is sampled next; the level pays for all inputs and inequalities that can be tried (union bound).

Samples refute or leave open: CONSISTENT, with the excess that would have been found, is the best that they earn. Every
number that decides which input comes next may be changed freely, as long as it looks at the past alone.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from compth._types import Array, Json
from compth.certificates import Certificate, Verdict
from compth.certification import evalues
from compth.certification.adversary import Search, Worst
from compth.certification.allowance import Allowance, Limits
from compth.certification.arithmetic import grid_points
from compth.certification.beside import beside, is_floats
from compth.certification.oracle import NotFinite, enumerating
from compth.certification.points import inside, structured
from compth.certification.run import Run, certificate_at
from compth.certification.sampled import Point, Suspects, Test
from compth.claims import Claim
from compth.compressors import Compressor, DiagonalSketch
from compth.text.counts import counted

if TYPE_CHECKING:
    from compth.certification.beside import Program
    from compth.certification.subject import Subject


KERNEL_RUNS = 4000
KEPT, FINAL, ADAPTED = 12, 4, 8
"""Inputs kept after the pilot, inputs among which the last samples go, inputs made from where errors were seen."""
TESTS = 3
"""Most tests of one claim at one input."""
STREAM = 1
"""Ends the seeds of inputs: zeros at the end of a seed do not tell it from a shorter one."""
SAME = 16
"""Runs at one input whose equal outputs make a program look deterministic."""


def settle(run: Run, d: int, claims: list[Claim]) -> list[Certificate]:
    """CONSISTENT or REFUTED for every claim, at the level alpha that this dimension has."""
    start = time.perf_counter()
    fixed = Fixed(run, d, claims)
    # Inputs that something points to (a search, the object itself, a probe) are tried before listed ones; the
    # level pays for each of them.
    probe = path_probe(run, d)
    thing = run.subject.object
    known = list(thing.worst_inputs(d)) if isinstance(thing, Compressor) else []
    known += grid_points(run.subject.size(d), run.arithmetic.grid)
    sampling = Sampling(run, d, claims, [*fixed.inputs, *([] if probe is None else [probe]), *known])
    sampling.run_all()
    if sampling.broken is not None:
        raise NotFinite(sampling.broken)
    run.stage(
        d,
        "e-processes",
        start,
        f"{counted(sampling.used, 'sample')} at {counted(len(sampling.seen), 'input')}",
    )
    return [_verdict(sampling, i, fixed) for i in range(len(claims))]


class Sampling:
    """The pilot over all inputs, the narrowing, and the rest of the budget on the most suspicious ones.

    level: log evidence that refutes, paid for every test that may be made. pool: inputs still in the running; refuted:
    the deciding input and test of each claim that fell.
    """

    def __init__(self, run: Run, d: int, claims: list[Claim], known: list[Array]) -> None:
        self.run, self.d, self.claims, self.known = run, d, claims, known
        self.budget = int(max(64, min(run.budget.samples, run.budget.elements / d)))
        self.listed = structured(run.subject.size(d), run.seed, run.domain)
        self.inputs = len(known) + min(len(self.listed), max(8, self.budget // 32))
        self.level = math.log(1 / run.alpha) + math.log(TESTS * len(claims) * (self.inputs + ADAPTED))
        self.allowance = run.allowance(f"sampling at d = {d}")
        self.used = self.made = 0
        self.suspects = Suspects(d)
        self.seen: list[Point] = []
        self.pool: list[Point] = []
        self.broken: Array | None = None
        self.refuted: dict[int, tuple[Point, Test]] = {}

    @property
    def over(self) -> bool:
        """True when every claim is refuted, the samples are used up or the cap has bitten."""
        done = len(self.refuted) == len(self.claims) or self.used >= self.budget
        return done or self.broken is not None or self.allowance.spent

    def run_all(self) -> None:
        """A pilot and two rounds of narrowing, an eighth of the samples each; the rest where most is suspected."""
        # Successive halving: a little of every input, then the most suspicious twelve, then four, with an
        # eighth of the samples each; half of the budget is left for the one input that the evidence points
        # to. Any such rule keeps the level, since every input has its own e-process and the union bound pays
        # for all of them.
        share = self.budget / 8
        for k in range(self.inputs):
            x = self.known[k] if k < len(self.known) else self.listed[k - len(self.known)]
            self._try(x, share / self.inputs, k)
            if self.over:
                return
            if len(self.pool) > 3 * KEPT:
                self._keep(KEPT)
        self._keep(KEPT)
        for point in self.pool:
            self._extend(point, share / KEPT)
        best = sorted(self.pool, key=self._rate, reverse=True)[:2]
        self._add([x for point in best for x in point.where_errors_are()], share / KEPT)
        self._keep(FINAL)
        for point in self.pool:
            self._extend(point, share / FINAL)
        while not self.over and self.used < self.budget / 2:
            self._follow()
        self._add(self.suspects.inputs(), share / FINAL)
        while not self.over:
            self._follow()

    def _follow(self) -> None:
        """More of the most suspicious input."""
        point = max(self.pool, key=self._rate)
        self._extend(point, max(64, point.n // 4))

    def _add(self, inputs: list[Array], count: float) -> None:
        """Inputs made from what was seen: ADAPTED / 2 at each of two occasions, which the level pays for."""
        for x in inputs[: ADAPTED // 2]:
            self._try(x, count, self.inputs + self.made)
            self.made += 1

    def _try(self, x: Array, count: float, k: int) -> None:
        """A new input with its own stream, inside the domain."""
        if self.over or not x.any() or not inside(x, self.run.domain):
            return
        point = Point(x, self.d, self.claims, [self.run.seed, self.d, k, STREAM], self.run.granted(x))
        self.seen.append(point)
        self.pool.append(point)
        self._extend(point, count)

    def _extend(self, point: Point, count: float) -> None:
        """About so many samples more, an even number: pairs are tested."""
        left = 2 * max(2, round(min(count, self.budget - self.used) / 2))
        while left > 0 and not self.over:
            done = point.extend(self.run.subject, left, self.suspects)
            left, self.used = left - done, self.used + done
            if not np.isfinite(point.total).all():
                self.broken = point.x
            for test in point.tests:
                if test.process.evidence > self.level and test.claim not in self.refuted:
                    self.refuted[test.claim] = point, test

    def _open(self, point: Point) -> list[Test]:
        """Tests of claims that are not refuted yet."""
        return [t for t in point.tests if t.claim not in self.refuted]

    def _rate(self, point: Point) -> float:
        """Evidence a sample: what the next ones may be expected to add."""
        return max((t.process.now for t in self._open(point)), default=-math.inf) / max(point.n, 1)

    def _keep(self, most: int) -> None:
        """The inputs with the largest rates, and each inequality's best two (best one at the end)."""
        # Beside the best inputs overall, the best of each inequality: a bias that is small but sure would
        # otherwise be dropped for large mean squares that nothing is wrong with.
        ranked = sorted(self.pool, key=self._rate, reverse=True)[:most]
        lists: dict[tuple[int, str], list[tuple[float, int]]] = {}
        for i, point in enumerate(self.pool):
            for t in self._open(point):
                where = lists.setdefault((t.claim, t.inequality.name), [])
                where.append((t.process.now / max(point.n, 1), i))
        each = 2 if most > FINAL else 1
        kept, witnesses = {id(p) for p in ranked}, {id(p) for p, _ in self.refuted.values()}
        for scores in lists.values():
            kept |= {id(self.pool[i]) for _, i in sorted(scores, key=lambda s: -s[0])[:each]}
        for point in self.pool:
            if id(point) not in kept | witnesses:
                point.release()
        self.pool = [p for p in self.pool if id(p) in kept]


class Fixed:
    """A program that takes a generator and gives the same output for all seeds tried: searched as a deterministic one.

    What the search finds is evidence: the inputs are sampled like others, and only samples refute.
    """

    def __init__(self, run: Run, d: int, claims: list[Claim]) -> None:
        self.inputs: list[Array] = []
        self.worst: dict[int, Worst] = {}
        self.note = ""
        listed = structured(run.subject.size(d), run.seed, run.domain)
        allowance = run.allowance(f"the look for a deterministic program at d = {d}")
        if not all(_same(run, x) and not allowance.spent for x in listed[:8]):
            return
        start = time.perf_counter()
        once = replace(run.subject, program=_seeded(run), deterministic=True, batch=None, worker=None)
        allowance = run.allowance(f"the search at d = {d}", run.budget.search)
        # A deterministic program's moments are one evaluation, so the adversary can search; what it finds is
        # only an input to be sampled, since another seed may still do something else.
        oracle = enumerating(once, d, 1)
        oracle.slack = run.granted
        search = Search(oracle, claims, run.subject.size(d), allowance, run.domain)
        search.run([], run.seed, stop_early=True)
        for i in range(len(claims)):
            bad = search.any_violation(i)
            found = bad or search.tightness(i)
            if found is not None:
                self.inputs.append(found.x)
            if bad is not None:
                self.worst[i] = bad
        self.note = (
            f"the output was the same in {SAME} runs at each of 8 inputs: searched as a deterministic program at "
            f"{counted(search.points, 'input')}; that is evidence, not proof"
        )
        run.stage(d, "deterministic so far", start, counted(search.points, "input"))


def _seeded(run: Run) -> Program:
    """The program on one seed whatever generator it is given: what a program that ignores it does anyway."""
    program, seed = run.subject.program, run.seed
    return lambda x, rng: program(x, np.random.default_rng([seed, 0]))


def _same(run: Run, x: Array) -> bool:
    """True where SAME seeds give one output at x."""
    first = np.asarray(run.subject.program(x.copy(), np.random.default_rng([run.seed, 0])))
    return all(
        np.array_equal(first, np.asarray(run.subject.program(x.copy(), np.random.default_rng([run.seed, s]))))
        for s in range(1, SAME)
    )


def _verdict(sampling: Sampling, i: int, fixed: Fixed) -> Certificate:
    """REFUTED where a test crossed the level, else CONSISTENT at the input that was watched most, if there is one."""
    if i in sampling.refuted:
        return _certificate(sampling, i, Verdict.REFUTED, *sampling.refuted[i], fixed)
    tested = [(p, t) for p in sampling.pool for t in p.tests if t.claim == i and len(t.values)]
    if not tested:
        return _certificate(sampling, i, Verdict.INCONCLUSIVE, None, None, fixed)
    # What was not refuted is reported at the input that was sampled most: there the samples could have shown
    # least.
    most = max(p.n for p, _ in tested)
    point, test = max((pt for pt in tested if pt[0].n == most), key=lambda pt: _ratio(pt[1]))
    verdict = Verdict.INCONCLUSIVE if i in fixed.worst else Verdict.CONSISTENT
    return _certificate(sampling, i, verdict, point, test, fixed)


def _ratio(test: Test) -> float:
    """Value seen over bound; 0 where the bound is."""
    value, bound = test.inequality.sides(test.values)
    return value / bound if bound > 0 else 0.0


def _certificate(
    sampling: Sampling, i: int, verdict: Verdict, point: Point | None, test: Test | None, fixed: Fixed
) -> Certificate:
    """The certificate of one claim: what was seen at the deciding input, and what would have been seen."""
    run, claim = sampling.run, sampling.claims[i]
    details: Json = {"log_level": sampling.level, "inputs": len(sampling.seen)}
    estimate = bound = witness = None
    if point is not None and test is not None:
        q, witness = test.inequality, point.x
        estimate, bound = q.sides(test.values)
        _, unit = claim.unit(witness)
        details |= {
            "log_evidence": test.process.evidence,
            "inequality": q.name,
            "observed_ratio": _ratio(test),
            "samples_there": point.n,
            "replay": {"kind": "samples", "seed": point.entropy, "blocks": point.blocks},
        }
        if verdict is Verdict.REFUTED:
            details["says"] = q.says(test.values, unit)
        elif verdict is Verdict.CONSISTENT:
            details |= could_have_been_found(sampling, i, point)
    if i in fixed.worst and verdict is Verdict.INCONCLUSIVE:
        bad = fixed.worst[i]
        witness = bad.x
        details["says"] = (
            f"{bad.margin.name} = {float(bad.margin.value):.6g} > {float(bad.margin.bound):.6g} in every run, but rare "
            "draws could make up for it: more samples decide"
        )
    return certificate_at(
        run, sampling.d, str(claim), verdict, "statistical", estimate=estimate, bound=bound, alpha=run.alpha,
        trials=sampling.used, witness=witness, technique="e-process", details=details,
        assumptions=(fixed.note,) if fixed.note else (),
    )  # fmt: skip


def could_have_been_found(sampling: Sampling, i: int, watched: Point) -> dict[str, object]:
    """Per inequality: the excess that the samples at the most watched input, and at the least, would have shown.

    The very samples, moved until the test speaks (`evalues.detectable`). Mean squares: relative to the bound.
    """
    found: list[Json] = []
    for test in watched.tests:
        if test.claim != i or any(f["inequality"] == test.inequality.name for f in found):
            continue  # bias: along x only, where the direction needs no learning
        elsewhere = [
            t.detectable(sampling.level)
            for p in sampling.seen
            for t in p.tests
            if p is not watched and t.claim == i and t.kind == test.kind
        ]
        found.append({
            "inequality": test.inequality.name,
            "excess": test.detectable(sampling.level),
            "samples": watched.n,
            "elsewhere": max(elsewhere, default=None),
            "samples_elsewhere": min((p.n for p in sampling.seen if p is not watched), default=None),
        })  # fmt: skip
    return {"detectable": found, "detectable_relative_gap": found[0]["excess"] if found else None}


def path_probe(run: Run, d: int, paths: int = 12) -> Array | None:
    """For programs that are linear once the draws are fixed: the direction in which sampled paths err most."""
    size = run.subject.size(d)
    if size != d or size > 1200 or run.subject.deterministic:
        return None
    allowance = run.allowance(f"the path probe at d = {d}")
    found = _probe(run.subject, d, paths, allowance.limits, run.slack)
    if found is None:
        return None
    if found[-1]:
        allowance.tell(allowance.note)
    direction: Array = found[:-1]
    return direction


@beside(lambda answer, subject, d, *_: answer is None or is_floats(answer, (d + 1,)))
def _probe(subject: Subject, d: int, paths: int, limits: Limits, slack: float = 0.0) -> Array | None:
    """The direction, and 1.0 where the cap ended it."""
    size = subject.size(d)
    try:
        # E||C(x) - x||^2 = x' E(S - I)'(S - I) x for a program that is linear once the draws are fixed; its
        # top eigenvector, from a few sampled S, is the direction to look at. The probe only suggests an
        # input: it needs no proof.
        if not _linear(subject, size, slack):
            return None
        total = np.zeros((size, size))
        allowance = Allowance(*limits)
        for seed in range(paths):
            s = np.empty((d, size))
            for j in range(size):
                e = np.zeros(size)
                e[j] = 1.0
                s[:, j] = np.asarray(subject.program(e, np.random.default_rng([7, seed])))
            s[np.arange(d), np.arange(d)] -= 1
            total += _gram(s)
            if allowance.spent:
                break
    except Exception:
        return None
    return np.append(_top(total), float(allowance.capped))


def _linear(subject: Subject, size: int, slack: float) -> bool:
    """C(x) + C(y) = C(x + y) on the same draws, up to the rounding granted."""
    # One seed fixes the draws of all three calls, so a map that is linear on each path passes for every seed.
    x, y = np.random.default_rng(0).normal(size=(2, size))
    for seed in (1, 2):
        a, b, c = (
            np.asarray(subject.program(v.copy(), np.random.default_rng(seed)), dtype=float)
            for v in (x, y, x + y)
        )
        sizes = sum(float(np.linalg.norm(v)) for v in (a, b, c, x, y))
        if not np.linalg.norm(a + b - c) <= (1e-9 + slack) * sizes:
            return False
    return True


def _gram(s: Array) -> Array:
    """S'S, by its non-zero entries where they are few."""
    if np.count_nonzero(s) > s.size / 20:
        return s.T @ s
    from scipy.sparse import csr_array

    few = csr_array(s)
    return np.asarray((few.T @ few).toarray())


def _top(square: Array) -> Array:
    """The direction of the largest eigenvalue of a positive semidefinite matrix, by power iteration."""
    # Sixty steps: an input near the worst is as good as the worst, so the gap of the spectrum does not
    # matter.
    v = np.random.default_rng(0).normal(size=len(square))
    for _ in range(60):
        w = square @ v
        length = float(np.linalg.norm(w))
        if not 0 < length < math.inf:
            break
        v = w / length
    return v


def draw_breach(sketch: DiagonalSketch, d: int, alpha: float, seed: int) -> str:
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
        # Each count is binomial(rows, p_j) under the declaration, whatever the joint law of a row: two tails,
        # two functions and d coordinates share alpha.
        counts = kept.sum(axis=0)
        tail = np.minimum(binom.cdf(counts, rows, p), binom.sf(counts - 1, rows, p))
        if tail.min() < alpha / (4 * d):
            j = int(tail.argmin())
            return (
                f"{name}() selects coordinate {j} in {counts[j]} of {rows} draws, declared p_j = {p[j]:.6g}"
            )
    return ""


def rows_evidence(rows: Program, x: Array, law: dict[bytes, float], seed: int) -> tuple[float, bool]:
    """(log evidence that rows(X, rng) have another law than the enumerated one or depend on each other, stray output).

    Single rows are held against the law, neighbouring pairs against its square.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 99]))
    out = np.asarray(rows(np.tile(x, (KERNEL_RUNS, 1)), rng), dtype=np.float64) + 0.0
    # Rows of a batch must have the law of single calls and be independent of their neighbours: counts of rows
    # test the first, counts of pairs against the product law both.
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
