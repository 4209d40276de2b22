"""Slips in print and defects in published code that compth found, each with a counterexample that anyone can rerun.

An entry says what stands where in which version, what holds instead, and what shows it: a row of paper_repro that
DIFFERS, or a check below, which computes what is promised and what is found. `python -m paper_repro --errata` reruns
them. Code is described and re-created in a few lines of ours; nothing is copied. A slip is no judgement of a work: most
of these leave its theorems as they are, and every formula was read in one version only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from compth import sources
from compth.certification.oracle import enumerating
from compth.certification.subject import as_subject
from paper_repro._defects import doubling, qsgd_wrong_way, rand2_unscaled, ternary, ternary_clipped
from paper_repro._papers import targets
from paper_repro._shown import (
    Shown,
    beyond,
    decayed,
    iasgd_rounds,
    isaga_step,
    isega_start,
    ist_average,
    ist_converges,
    ist_square,
    one_clip_spent,
    packets,
    unequal_rate,
    unequal_step,
)
from paper_repro._targets import Target

Array = Any


@dataclass(frozen=True)
class Code:
    """A file of a public repository at a commit."""

    repository: str
    path: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repository}, {self.path}, commit {self.commit[:7]}"

    @property
    def url(self) -> str:
        """The file at that commit."""
        return f"https://github.com/{self.repository}/blob/{self.commit}/{self.path}"


Check = Callable[[], Shown]


@dataclass(frozen=True)
class Erratum:
    """One slip: id; source (a bibliographic record, Code, or words); version read; where in it; says and holds.

    shown_by: "paper:row" of paper_repro, or a check.
    """

    id: str
    source: sources.Source | Code | str
    version: str
    where: str
    says: str
    holds: str
    shown_by: str | Check

    @property
    def row(self) -> Target | None:
        """The row of paper_repro that shows it, None where a check does."""
        if not isinstance(self.shown_by, str):
            return None
        key, _, name = self.shown_by.partition(":")
        return next(t for t in targets(key) if t.id == name)

    @property
    def command(self) -> str:
        """What reruns it."""
        return f"python -m paper_repro --errata {self.id}"

    def stored(self) -> Shown | None:
        """Promised and found as the targets' file has them, None where a check computes them."""
        row = self.row
        return None if row is None else Shown(row.value, row.ours, row.quantity, not row.agrees(row.ours))

    def rerun(self) -> Shown:
        """Promised and found, computed now."""
        if not isinstance(self.shown_by, str):
            return self.shown_by()
        key, _, name = self.shown_by.partition(":")
        row = self.row
        assert row is not None
        ours = importlib.import_module(f"paper_repro.{key}").run(True).values[name]
        return Shown(row.value, ours, row.quantity, not row.agrees(ours))


def dithering_of_ones(p: int = 1) -> Shown:
    """Exact error of dithering at a flat vector, for p = 1 or 2: d entries, each a rounding of s/d^(1/p)."""
    d, s = 100, 12
    norm = d if p == 1 else 10
    part = Fraction(s, norm) % 1
    error = Fraction(norm, s) ** 2 * part * (1 - part)  # E||C(x)-x||^2/||x||^2 at x = (1, ..., 1)
    return beyond(
        min(1, Fraction(10, s)) * Fraction(norm, s), error, f"p = {p}, d = 100, s = 12, x = (1, ..., 1)"
    )


def gdci_corollary(kappa: int = 3) -> Shown:
    """Theorem 1's condition at Corollary 1's omega and step, L = 1: 4 omega/mu over what is allowed."""
    step, mu = Fraction(1, 4), Fraction(1, kappa)
    allowed = (1 - 2 * step) / (2 * step + 2 / step + 1 - mu)
    at = f"L = 1, kappa = {kappa}: 4 omega/mu, and Theorem 1's limit for it"
    return beyond(allowed, 4 / (73 * mu * kappa), at)


def bernoulli_omega() -> Shown:
    """Exact variance of x/p with probability p, at p = 1/4."""
    p = Fraction(1, 4)
    return beyond(1 - p, (1 / p - 1) ** 2 * p + (1 - p), "p = 1/4: E||C(x)-x||^2/||x||^2, any x")


def law(program: Any, x: Array) -> tuple[float, float]:
    """(||E C(x) - x||^2, E||C(x)-x||^2) over ||x||^2: every outcome of the program at one input."""
    found = enumerating(as_subject(program), len(x), 10_000)(x)
    size = float(x @ x)
    return float(((found.mean - x) ** 2).sum() / size), float(found.error.sum() / size)


ROUNDING = 1e-12
BIAS = "||E C(x) - x||^2/||x||^2"


def biased(program: Any, x: list[float], where: str) -> Shown:
    """An unbiased compressor has no bias beyond rounding."""
    found = law(program, np.array(x))[0]
    return Shown(0, found, f"{BIAS} at {where}", found > ROUNDING)


def omega_zero() -> Shown:
    """TernGrad's error at (2, 1), where omega = 0 is declared."""
    return beyond(0, law(ternary, np.array([2.0, 1.0]))[1], "E||C(x)-x||^2/||x||^2 at x = (2, 1)")


def share_of_levels(rounded: bool = False) -> Shown:
    """The share of entries that dithering may send, (0, 1/4, 1/2, 1) times the largest: of the input, or rounded."""
    x = np.array([0.3, 0.5, 0.6])
    top = np.abs(x).max()
    levels = top * np.array([0, *2.0 ** -np.arange(3)])
    out = np.array([levels[np.abs(levels - v).argmin()] for v in x]) if rounded else x
    share = Fraction(sum(bool(np.isclose(v, levels).any()) for v in out), len(x))
    return Shown(1, share, "share of entries that are a level, x = (.3, .5, .6), p = inf, s = 3", share < 1)


def masks(p: list[Fraction]) -> list[tuple[tuple[int, ...], Fraction]]:
    """Every outcome of independent inclusions, with its probability."""
    found = [((), Fraction(1))]
    for q in p:
        found = [((*m, b), w * (q if b else 1 - q)) for m, w in found for b in (0, 1)]
    return found


def multiplier(p: list[Fraction], kept: Callable[[int], bool]) -> Fraction:
    """E[first included]/p_1, given that the number of included atoms is one that is kept."""
    listed = [(m, w) for m, w in masks(p) if kept(sum(m))]
    return sum(w for m, w in listed if m[0]) / sum(w for _, w in listed) / p[0]


def redrawn_empty() -> Shown:
    """Inclusion given that the draw is not empty, singular values (4, 2, 1), budget 1."""
    found = multiplier([Fraction(4, 7), Fraction(2, 7), Fraction(1, 7)], lambda count: count > 0)
    return beyond(1, found, "E of the first atom over it: singular values (4, 2, 1), budget 1")


def redrawn_to_rank() -> Shown:
    """Inclusion given that two atoms are drawn, singular values (3, 2, 1, 1), budget 2."""
    p = [Fraction(2 * v, 7) for v in (3, 2, 1, 1)]
    return beyond(
        1, multiplier(p, lambda count: count == 2), "the same: singular values (3, 2, 1, 1), budget 2"
    )


FL = Code(
    "burlachenkok/flpytorch", "fl_pytorch/utils/compressors.py", "01f0531424460e6f99ca2a0072bc4f5f769ca712"
)
GRACE = "106e3dee7e35bd21f6d1ebc1552d017ebe43893a"
CODINGS = "30a7d19f72bc9651e2b17895f6c296e0800e7f4b"
IN_PRINT = (
    Erratum("diana-theorem-11", sources.DIANA, "version 1", "Thm 11", "DIANA without memory, decreasing steps: theta "
            "as printed", "theta needs the factor 2 of the paper's own Lemma 6: (mu + L)(2 + (n-2) a)/(n a). With it "
            "the theorem is proved here (dcgd.no_memory_decreasing)", "diana:thm11.theta"),
    Erratum("diana-theorem-4", sources.DIANA, "version 1", "Thm 4 = 6", "the nonconvex bound, with no term for the "
            "difference of the workers' gradients", "from x_0 = x* it promises to stay; on heterogeneous data the "
            "iterates leave. With the term it is proved here (diana.nonconvex)", "diana:thm4.printed"),
    Erratum("atomo-18", sources.ATOMO, "the authors' copy of June 2018", "App. C, (18)", "complementarity at p_i = 1: "
            "lambda_i^2 <= mu", "the sign is reversed: p_i = 1 implies mu <= lambda_i^2. The algorithm is right (its "
            "optimality is proved here, atomo.kkt)", "atomo:eq18.sign"),
    Erratum("ist-17", sources.IST, "version 1", "Sec. 3.1, (17)", "E[B L B] = E[B] L E[B]", "true for a deterministic "
            "B only, that is for equal L_i", "ist:eq17.gap"),
    Erratum("ist-21", sources.IST, "version 1", "Sec. 3.1.1, (21)", "the constant n lambda_max(L~)", "n/lambda_max(L~) "
            "is meant: (22) needs it", "ist:eq21.factor"),
    Erratum("ist-23", sources.IST, "version 1", "Sec. 3.1.2, (23)", "the diagonal of L_i^(-1/2) in the sketch",
            "D_i^(-1/2) is meant, the power of the diagonal, as in Theorem 2", "ist:eq23.literal"),
    Erratum("ist-large-n", sources.IST, "version 1", "Sec. 4.1", "the bias vanishes as n = d grows", "the limit point "
            "is of order 1/sqrt(n), so that the bias tends to x* itself", "ist:sec4.large_n"),
    Erratum("ist-display", sources.IST, "version 1", "Sec. 3.1, display before (17)", "a factor n^2 in the middle of "
            "the display, together with C_i that hold it already", "the result n Dbar is right; the middle is n^2 "
            "times it", ist_square),
    Erratum("ist-remark-1", sources.IST, "version 1", "Remark 1", "L = [[a, c], [c, b]] with c > 2ab/(a + b), for "
            "which W is indefinite, as the counterexample", "f rises at short steps then, and (14) fails; the method "
            "converges all the same, for every step below 2/(n max L_jj)", ist_converges),
    Erratum("ist-average", sources.IST, "version 1", "Sec. 3.1.2, (23) and (6)", "Algorithm 1 as (6), which needs "
            "(1/n) sum C_i = I", "with (23) (1/n) sum C_i is not I: the theory covers the estimator (2), not the "
            "averages of Algorithm 1", ist_average),
    Erratum("ibcd-isega-start", sources.IBCD, "UAI version", "ISEGA, Thm 3", "Phi_0 with h^0 and grad f(x*), no index "
            "of a worker", "the sum over workers of ||h_i^0 - grad f_i(x*)||^2 is meant: grad f(x*) = 0, at h^0 = 0 "
            "the printed Phi_0 promises to stay at x*", isega_start),
    Erratum("ibcd-corollary-6", sources.IBCD, "text of June 2019", "Cor. 6", "the complexity of IASGD, the quotient "
            "upside down", "rho sqrt(L/mu) log(1/eps) rounds: less than one round would be promised", iasgd_rounds),
    Erratum("ibcd-isaga-tau", sources.IBCD, "UAI version", "ISAGA, shared data", "tau in the constants c and vartheta",
            "max{tau, 1/n}: the same for n tau >= 1. Below that V shrinks less in one step than is printed (with the "
            "maximum it is proved here, isaga.shared)", isaga_step),
    Erratum("natural-64-bits", sources.NATURAL, "PMLR version with appendix", "D.7.5", "12 of 64 bits save a factor "
            "5.82", "64/12 = 5.33; 5.82 is 64/11, which leaves out the sign that 32/9 = 3.56 counts",
            "natural:bits.cnat64"),
    Erratum("natural-top-k", sources.NATURAL, "PMLR version with appendix", "headlines", "37.5 % of the bits saved on "
            "top of Top-K", "9 bits are counted as a quarter of 32; with 9 it is 35.9 %", "natural:bits.topk"),
    Erratum("natural-table-1-standard", sources.NATURAL, "PMLR version with appendix", "Table 1", "speed-up of "
            "standard dithering 1.8 to 15.9", "the printed bits 31 + d (2 + s) give 2.01 to 10.67; the upper end "
            "follows from 31 + d (1 + s), the lower from neither", "natural:table1.speedup.dsta"),
    Erratum("natural-table-1-natural", sources.NATURAL, "PMLR version with appendix", "Table 1", "lower end of the "
            "speed-up of natural dithering 4.1", "the printed formulas give 4.83, to the paper's disadvantage",
            "natural:table1.speedup.dnat_low"),
    Erratum("natural-table-5", sources.NATURAL, "PMLR version with appendix", "Table 5", "speed-up of standard "
            "dithering both ways 1.67 to 1.78", "the printed formulas give 1.94 to 2.01", "natural:table5.dsta"),
    Erratum("rdme-example-4", sources.RDME, "arXiv version", "Ex. 4", "the worst error d/2 of binary quantisation, "
            "attained", "d/2 is a bound; (d - 2)/2 is the supremum, attained at (1, -1, 0, ...) (proved here, "
            "rdme.binary_sharp)", "rdme:ex4.sharp"),
    Erratum("unified-slides-saga", sources.UNIFIED, "slides of the authors", "SAGA", "B = 1", "the paper and its lemma "
            "have B = 2; B = 1 fails", "unified_sgd:saga.slides"),
    Erratum("natural-dithering-below-2", sources.NATURAL, "PMLR version with appendix", "Table 1",
            "omega = min{1, sqrt(d)/s} d^(1/r)/s of standard dithering, r = min{p, 2}", "no bound for p < 2; "
            "min{d^(2/r)/(4 s^2), d^(1/r)/s} is one for every p", dithering_of_ones),
    Erratum("gdci-corollary-1", sources.GDCI, "arXiv text", "Cor. 1",
            "omega <= 1/(73 kappa) suffices at gamma = 1/(4L)",
            "by Theorem 1's condition for kappa <= 8/3 only; 1/(76 kappa) suffices for all", gdci_corollary),
    Erratum("gdci-bernoulli", sources.GDCI, "arXiv text", "examples",
            "sending x/p with probability p has omega = 1 - p",
            "omega = 1/p - 1 (proved here, bernoulli.omega)", bernoulli_omega),
    Erratum("feedback-cubic", sources.TIGHT_N, "the authors' notebooks", "Law 4.3, empirical", "EF21's rate for two "
            "unequal workers is the largest root of a cubic", "the law holds and is not tight: another V certifies "
            "less, and quadratics attain that (docs, unequal workers)", unequal_rate),
    Erratum("feedback-step", sources.TIGHT_N, "the authors' notebooks", "step of the laws, empirical", "2n/sum(L_i + "
            "mu_i) (1-s)/(1+s) is EF21's best step", "close to it: at a shorter step a rate is certified that is below "
            "what quadratics attain at this one", unequal_step),
)  # fmt: skip
IN_CODE = (
    Erratum("fl-terngrad", FL, FL.commit[:7], "makeTernGrad", "w = 0, also for standard dithering of any level",
            "TernGrad's omega is (sqrt(d) - 1)/2; a step size computed from w = 0 is one for no compression",
            omega_zero),
    Erratum("fl-natural-dithering", FL, FL.commit[:7], "NATURAL_DITHERING_FP32", "the rounded levels are returned",
            "y sign ||x|| is returned, the input itself: runs with it show no compression, their bits a compressed one",
            share_of_levels),
    Erratum("grace-natural", Code("sands-lab/grace", "grace_dl/torch/compressor/natural.py", GRACE), GRACE[:7],
            "compress", "natural compression, unbiased", "exact powers of two are doubled, always: there floor = ceil "
            "and the chance of adding one to the exponent is 1",
            lambda: biased(doubling, [1.0, 3.0], "x = (1, 3)")),
    Erratum("grace-terngrad", Code("sands-lab/grace", "grace_dl/torch/compressor/terngrad.py", GRACE), GRACE[:7],
            "compress", "TernGrad, whose theorem takes an unbiased quantiser", "entries beyond 2.5 standard deviations "
            "are clipped first (as practice does), which biases it",
            lambda: biased(ternary_clipped, [1.0] + [0.0] * 19, "x = (1, 0, ..., 0), d = 20")),
    Erratum("grace-random-k", Code("sands-lab/grace", "grace_dl/torch/compressor/randomk.py", GRACE), GRACE[:7],
            "decompress", "Rand-K", "without the factor d/k it is a contraction and not unbiased: with a memory fine, "
            "without one the step is k/d of the one that was set",
            lambda: biased(rand2_unscaled, [1.0] * 4, "x = (1, 1, 1, 1), k = 2")),
    Erratum("atomo-qsgd", Code("hwang595/ATOMO", "src/codings/qsgd.py", CODINGS), CODINGS[:7], "encode",
            "QSGD, the baseline", "it rounds up where the draw exceeds the fraction: with probability one minus it",
            lambda: biased(qsgd_wrong_way, [1.0, 0.0], "x = (1, 0), two levels")),
    Erratum("atomo-redraw", Code("hwang595/ATOMO", "src/codings/svd.py", CODINGS), CODINGS[:7], "_sample_svd",
            "atoms kept with probability p and divided by p", "an empty draw is drawn again, which multiplies the mean "
            "by 1/(1 - P(empty))", redrawn_empty),
    Erratum("atomo-one-clip", Code("hwang595/ATOMO", "src/codings/svd.py", CODINGS), CODINGS[:7], "_sample_svd",
            "the sampler of the paper, Algorithm 1", "one clip, p = min{1, s sigma/sum sigma}: what saturated atoms "
            "leave over is not spent (unbiased, with a larger variance: 118.7 for 108)", one_clip_spent),
    Erratum("induced-weight-decay", Code("SamuelHorvath/Compressed_SGD_PyTorch", "optim/gen_sgd.py",
                                         "60e8fb2ff39065b3a22b94ca3f274ec74f094355"), "60e8fb2", "step_local_global",
            "weight decay, where it is not 0", "the sum grad + decay w is made out of place and dropped: weight decay "
            "has no effect", decayed),
    Erratum("cat-octets", "GlobalCATReducer, a third party's", "text, commit not recorded", "communication_cost",
            "the cost model of CAT: packets of 512 octets, paid as 576, and 64 a message", "the payload is in bits and "
            "divided by 512, without the ceiling: one packet is charged as 8 and a share", packets),
    Erratum("powersgd-atomo", Code("epfml/powersgd", "paper-code/gradient_reducers.py",
                                   "eb48559c9c9d26b1c4145d1665288a5fcd234b48"), "eb48559", "AtomoReducer",
            "atoms kept with probability p and divided by p", "it draws until the number of atoms is the rank, and "
            "divides by the p that held before", redrawn_to_rank),
    Erratum("induced-greedy", Code("SamuelHorvath/Compressed_SGD_PyTorch", "quant/quant.py",
                                   "60e8fb2ff39065b3a22b94ca3f274ec74f094355"), "60e8fb2", "grad_spars_opt",
            "greedy sparsification, the second compressor of the induced one, which should be unbiased (notebook)",
            "on purpose, as a comment says: entries with p <= 10^-6 are kept without the factor 1/p: their mean is p x",
            "induced:code.tiny"),
    Erratum("switchml-exponent", Code("p4lang/p4app-switchML", "dev_root/client_lib/src/prepostprocessors/"
                                      "cpu_exponent_quantizer_ppp.cc", "b5c74a04fa66faa82acab154a4e21c8f76d913f2"),
            "b5c74a0", "PreprocessSingle", "the exponent of a block in an int8", "entries from 2^127 have the exponent "
            "128, which wraps to -128: a scale that overflows float32", "switchml:code.int8"),
)  # fmt: skip
ERRATA = IN_PRINT + IN_CODE
IN_WORDS = (
    (sources.DIANA, "version 1, (12)", "takes the square root of the number of bits, which holds it already."),
    (sources.DIANA, "version 1, heading of Table 2", "kappa = Theta(n) and Theta(n^2): the sentence before "
     "says otherwise."),
    (sources.RDME, "arXiv version, Lemma 7.2", "the third term should be (p'(X - X') + p''(X - X''))^2/(1 - p' - p''): "
     "held exactly against a three-point encoder (rdme: lemma72.right)."),
    (sources.RDME, "arXiv version", "eps bits an entry: they cost n eps by the paper's own (8)."),
    (sources.NATURAL, "PMLR version, proof of Theorem 5", "the two constants change places midway; the statement is "
     "symmetric in them."),
)  # fmt: skip
"""Slips of wording, with nothing to compute: source, place, what stands there."""
SURPRISES = (
    ("sgd_star.sharp", "SGD-star's A = 2 LL in the unified theory is loose by exactly 2: with A = LL it takes twice "
     "the step."),
    ("vrdiana.sharp", "VR-DIANA's A and C may be smaller than in the table, which allows steps up to twice as long."),
    ("nsaga.neighbourhood", "Half the printed D1 of N-SAGA and N-SEGA is enough where the noise does not depend on the "
     "component; 0.45 of it is not."),
    ("ibcd.sharp", "Independent blocks under interpolation take twice the step that is printed."),
    ("ist.theorem1_sharp", "IST's Theorem 1 holds for every step below 2/theta, with a finer factor."),
    ("rdme.binary_sharp", "Binary quantisation is better than its bound d/2: (d - 2)/2, which is attained."),
)  # fmt: skip
"""Statements that the package proves and no paper prints: id of the proof, and what it says."""


def known(names: list[str]) -> list[Erratum]:
    """The entries of these ids, all of them where none is named. Raises KeyError with the first unknown id."""
    listed = {e.id: e for e in ERRATA}
    return [listed[name] for name in names] if names else list(ERRATA)
