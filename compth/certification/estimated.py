"""What is known about a compressor's constants at one dimension: exact values, sure bounds and guesses, kept apart.

Four kinds of knowledge have four fields, and no function mixes them: exact (a proof), bound (an input), interval
(samples, with a confidence), guess (samples, without one).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from compth._earned import Earned
from compth._shown import Shown
from compth.certificates import Report, encode

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth._types import Array, Json
    from compth.claims import JointVariance


SYMBOL = {
    "unbiased": "omega",
    "contractive": "delta",
    "absolute error": "Delta",
    "relative and absolute error": "Delta",
    "bias and variance": "omega",
    "unbiased fleet": "A, B",
}
"""The constant of each kind."""
AT_MOST = ("delta",)
"""Constants that are the better the larger: evidence bounds them from above."""


@dataclass(frozen=True)
class Estimate(Earned, Shown):
    """Which constants could be declared at dimension d. The kind is what the program seems to be at the inputs tried.

    Attributes
    ----------
    kind : "unbiased" (omega), "contractive" (delta), "absolute error" (Delta), "relative and
        absolute error" (delta_beside, Delta), "bias and variance" (eta, omega),
        "unbiased fleet" (JointVariance), or "none" (the first breach or what was seen in `technique`).
    exact : the constant, proved for all x at this d; None where there is no proof.
    bound : sure, from exact moments at `worst_x`: no omega or Delta below it and no delta above it can hold.
    interval : from `samples` fresh runs at `worst_x`: contains the constant with confidence 1 - alpha. One-sided: no
        finite number of runs bounds a mean of unbounded squares from above.
    guess : the mean of these runs: neither a bound nor certain.
    eta : of "bias and variance", a pair (bound or None, guess or None).
    delta_beside : of "relative and absolute error", the delta (from large inputs) with which Delta goes.
    max_norm : the sure lower bound on c of a `MaxNormError`, where it was looked for (deterministic programs).
    joint : a fleet's JointVariance as the bounds suggest it (A from below, B from above).
    worst_x, technique, report, arithmetic : where, how, the evidence of a breach, and what the program computes in.
    One that was typed, changed or read from a pickle knows nothing: it is somebody's word.
    """

    WORDS = MappingProxyType(
        {
            "exact": None,
            "bound": None,
            "interval": None,
            "joint": None,
            "technique": "somebody's word: nothing was run",
        }
    )

    subject: str
    d: int
    kind: str
    exact: Number | JointVariance | None = None
    bound: Number | None = None
    interval: tuple[float, float] | None = None
    guess: float | None = None
    alpha: float = 0.0
    samples: int = 0
    eta: tuple[object, object] = (None, None)
    worst_x: Array | None = None
    technique: str = ""
    joint: JointVariance | None = None
    delta_beside: object = None
    max_norm: object = None
    report: Report | None = None
    arithmetic: str = "float64"

    @property
    def symbol(self) -> str:
        """Name of the constant of this kind, "" where there is none."""
        return SYMBOL.get(self.kind, "")

    @property
    def omega(self) -> Number:
        """The sure lower bound on omega; None for other kinds and where only samples are known."""
        return self.bound if self.symbol == "omega" else None

    @property
    def delta(self) -> Number:
        """The sure upper bound on delta; None for other kinds and where only samples are known."""
        return self.bound if self.symbol == "delta" else None

    @property
    def Delta(self) -> Number:
        """The sure lower bound on Delta, in the units of x; None for other kinds and where only samples are known."""
        return self.bound if self.symbol == "Delta" else None

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: every kind of knowledge under its own name; exact numbers also as "p/q"."""
        names = (
            "d",
            "kind",
            "symbol",
            "exact",
            "bound",
            "interval",
            "guess",
            "alpha",
            "samples",
            "eta",
            "delta_beside",
            "max_norm",
            "technique",
        )
        out = {name: encode(getattr(self, name)) for name in names}
        joint = None if self.joint is None else {k: encode(v) for k, v in self.joint.constants.items()}
        return {**out, "joint": joint, "arithmetic": self.arithmetic}

    def __str__(self) -> str:
        return f"{self.subject}: {described(self.to_dict())}"


def described(known: Json) -> str:
    """One line of what is known, in words that say which kind of knowledge it is (of `Estimate.to_dict`).

    known: `Estimate.to_dict`, or the same read from a file.
    """
    name = known["symbol"]
    seems = "it has no constant of a known kind" if not name else f"it seems {known['kind']}"
    # Every part says which kind of knowledge it is; what is sure comes first.
    parts = [f"at d = {known['d']} {seems}", *_sure(known, name)]
    if known["guess"] is not None:
        parts.append(f"{name} near {rounded(known['guess'])} (a guess from {known['samples']} samples)")
    if known["interval"] is not None:
        end = known["interval"][1 if name in AT_MOST else 0]
        parts.append(f"{_beyond(name, end)} with confidence 1 - {known['alpha']:.0e}")
    sure, guess = known["eta"]
    if sure is not None or guess is not None:
        parts.append(_beyond("eta", sure) if sure is not None else f"eta near {rounded(guess)} (a guess)")
    if known.get("delta_beside") is not None:
        parts.append(f"with delta = {rounded(known['delta_beside'], -1)}, as large inputs show it")
    if known.get("max_norm") is not None:
        parts.append(f"relative to the max norm c >= {rounded(known['max_norm'], -1)}")
    return "; ".join(parts) + f", by {known['technique']}"


def _sure(known: Json, name: str) -> list[str]:
    """What is proved, else what an input shows."""
    if known["exact"] is not None:
        said = known["exact"] if known["joint"] is not None else f"{name} = {rounded(known['exact'])}"
        return [f"{said} exactly, for all x"]
    if known["bound"] is not None:
        return [f"{_beyond(name, known['bound'])}, seen at an input"]
    if known["joint"] is not None:
        a, b = (known["joint"][k] for k in ("A", "B"))
        return [f"A >= {rounded(a, -1)}, and with this A, B <= {rounded(b, 1)}"]
    return []


def _beyond(name: str, value: object) -> str:
    """The bound as an inequality; the digits that are left out are never in its favour."""
    return f"{name} <= {rounded(value, 1)}" if name in AT_MOST else f"{name} >= {rounded(value, -1)}"


def rounded(value: object, side: int = 0) -> str:
    """A number in six digits, rounded to nearest, upwards (side = 1) or downwards (-1); fractions as they are."""
    if isinstance(value, Mapping):
        return str(value.get("exact", value.get("float")))
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    # A lower bound on omega that is rounded up would claim more than was shown: bounds are cut in the
    # direction in which they stay true.
    rounding = {0: ROUND_HALF_EVEN, 1: ROUND_CEILING, -1: ROUND_FLOOR}[side]
    exact = Decimal(value)
    shown = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 5), rounding) if value else exact
    return f"{float(shown):.6g}"


def as_ratio(symbol: str, ratio: Number) -> Number:
    """The constant that an error ratio E||C(x) - x||^2 / ||x||^2 (Delta: the squared error itself) stands for."""
    if symbol == "delta":
        return 1 - ratio
    return root(ratio) if symbol == "Delta" else ratio


def root(value: Number) -> Number:
    """sqrt, exact for squares of fractions."""
    if isinstance(value, Fraction | int) and value >= 0:
        exact = Fraction(value)
        above, below = math.isqrt(exact.numerator), math.isqrt(exact.denominator)
        if above * above == exact.numerator and below * below == exact.denominator:
            return Fraction(above, below)
    return math.sqrt(value)
