"""Verdicts and the certificates that carry their evidence: pure values with a JSON round trip.

A certificate is written by the stage that earned it and judged by nobody here. What must not change: the JSON form is
read by users' tools and by `from_json` of older files (fields may be added, never renamed); exact numbers keep their
"p/q" beside the float; and what a file says is shown as somebody's word (`Report.stored`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from compth._earned import Earned
from compth._numbers import Number
from compth._shown import Shown

if TYPE_CHECKING:
    from compth._types import Json, Tensor


class Verdict(StrEnum):
    """The ladder of evidence, best first."""

    PROVED = "PROVED"
    CONSISTENT = "CONSISTENT"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUTED = "REFUTED"


SEVERITY = {Verdict.PROVED: 0, Verdict.CONSISTENT: 1, Verdict.INCONCLUSIVE: 2, Verdict.REFUTED: 3}
EXIT_CODE = {Verdict.PROVED: 0, Verdict.CONSISTENT: 0, Verdict.REFUTED: 1, Verdict.INCONCLUSIVE: 3}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a report: its worst claim's."""
    return max(verdicts, key=SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)


NUMBERS = ("estimate", "bound")
"""Fields of a certificate that are numbers."""


@dataclass(frozen=True)
class Certificate(Earned, Shown):
    """One claim settled (or not), with everything needed to see why.

    One that was typed or changed, or that a file holds, keeps its verdict, and is shown as somebody's word.

    Attributes
    ----------
    subject, claim : what was examined and what was claimed, as text.
    verdict : PROVED, CONSISTENT, INCONCLUSIVE or REFUTED.
    evidence : "kernel proof", "rational certificate", "symbolic trace", "inclusion probabilities",
        "exact at listed inputs", "statistical", "contract", ...
    estimate : measured or exact value (float, Fraction or an interval as a pair), None if there is none.
    bound : what the claim allows there.
    alpha : error level spent, 0 for exact evidence.
    trials : samples or paths used.
    witness : input that decides (vector as list), None if there is none.
    seed, technique, scope, assumptions, details : how it was done, for which inputs, and what was assumed.
    """

    subject: str
    claim: str
    verdict: Verdict
    evidence: str
    estimate: Number = None
    bound: Number = None
    alpha: float = 0.0
    trials: int = 0
    witness: Tensor = None
    seed: int | None = None
    technique: str = ""
    scope: Json = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    details: Json = field(default_factory=dict)

    def inside(self) -> str:
        """All that it says."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form: estimate and bound as numbers, exact ones also as "p/q" in estimate_exact, bound_exact."""
        out: Json = {}
        for f in fields(self):
            value = getattr(self, f.name)
            # Two fields instead of one object: readers that only want a number find one, exact ones read the
            # "p/q" beside it.
            if f.name in NUMBERS and isinstance(value, Fraction | int) and _writable(Fraction(value)):
                out[f.name], out[f"{f.name}_exact"] = float(value), str(Fraction(value))
            else:
                out[f.name] = encode(value)
        return out

    @classmethod
    def from_dict(cls, data: Json) -> Certificate:
        """Inverse of to_dict."""
        # Unknown fields of a later version are left out, missing ones of an earlier version have their
        # defaults.
        values = {f.name: decode(data[f.name]) for f in fields(cls) if f.name in data}
        for name in NUMBERS:
            if f"{name}_exact" in data:
                values[name] = Fraction(data[f"{name}_exact"])
        values["verdict"] = Verdict(values["verdict"])
        values["assumptions"] = tuple(values.get("assumptions", ()))
        return cls(**values)


def _writable(value: Fraction) -> bool:
    """False for a fraction of more digits than Python writes."""
    most = sys.get_int_max_str_digits() or 10**9
    return max(value.numerator.bit_length(), value.denominator.bit_length()) < 3 * most


def _near(value: Fraction) -> str:
    """The nearest float, as text."""
    return repr(float(value))


def encode(value: object) -> Number:
    """JSON form of numbers, arrays, verdicts and containers (non-finite floats as strings)."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Fraction):
        return {"exact": str(value), "float": float(value)} if _writable(value) else {"float": _near(value)}
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if value - value == 0 else {"float": repr(value)}
    if isinstance(value, dict):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [encode(v) for v in value]
    # Arrays and numbers of numpy, as Python's.
    if hasattr(value, "tolist"):
        return encode(value.tolist())
    return str(value)


def decode(value: object) -> Number:
    """Inverse of encode, up to tuples and arrays becoming lists."""
    if isinstance(value, dict):
        if set(value) == {"exact", "float"}:
            return Fraction(value["exact"])
        if set(value) == {"float"}:
            return float(value["float"])
        return {k: decode(v) for k, v in value.items()}
    if isinstance(value, list):
        return [decode(v) for v in value]
    return value


@dataclass(frozen=True)
class Report(Earned, Shown):
    """Certificates of one subject; its verdict is its worst claim's.

    stored: read from a file, typed or changed. Its verdicts are then somebody's word, which a reader is told: nothing
    was run.
    """

    WORDS = MappingProxyType({"stored": True})

    subject: str
    certificates: tuple[Certificate, ...]
    info: Json = field(default_factory=dict)
    stored: bool = field(default=False, compare=False)

    def inside(self) -> str:
        """All that it says."""
        return self.to_json()

    def parts(self) -> tuple[Certificate, ...]:
        """Its certificates stand alone, too."""
        return self.certificates

    @property
    def verdict(self) -> Verdict:
        """The worst of the certificates' verdicts."""
        return worst(c.verdict for c in self.certificates)

    def __bool__(self) -> bool:
        raise TypeError(
            f"a Report has no truth value: look at report.verdict (here {self.verdict.value}); "
            "CONSISTENT is not PROVED"
        )

    def to_json(self) -> str:
        """One JSON object with `verdict`, `subject`, `certificates` and `info`."""
        data = {
            "verdict": self.verdict.value,
            "subject": self.subject,
            "certificates": [c.to_dict() for c in self.certificates],
            "info": encode(self.info),
        }
        return json.dumps(data, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Inverse of to_json but for `stored`: what a file says was not earned here."""
        data = json.loads(text)
        certificates = tuple(Certificate.from_dict(c) for c in data["certificates"])
        return cls(data["subject"], certificates, decode(data["info"]), stored=True)
