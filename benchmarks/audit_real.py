"""Other people's compressors under the referee: `python -m benchmarks.audit_real` prints their classes and constants.

Needs the extra `real`; packages that are missing are left out with a line. Adapters are a few lines each; nothing of
those packages is copied. Declared constants are those that a user would believe; the false ones come back REFUTED.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import compth as ct
from compth.reporting.certification import short
from compth.reporting.files import provenance
from compth.reporting.reports import text_table

D = 64


@dataclass(frozen=True)
class Audit:
    """A program, what one would declare, and whether that is true."""

    name: str
    package: str
    make: Callable[[], Callable[..., Any]]
    claim: ct.Claim
    true: bool
    d: tuple[int, ...] = (4, D)
    magnitudes: tuple[float, float] = (1e-3, 1e3)


def cast(kind: str) -> Callable[[], Any]:
    """x -> float type -> x."""

    def make() -> Any:
        types = importlib.import_module("ml_dtypes")
        return lambda x: x.astype(getattr(types, kind)).astype(np.float64)

    return make


def codec(maker: Callable[[Any], Any]) -> Callable[[], Any]:
    """A numcodecs codec as a compressor."""

    def make() -> Any:
        held = maker(importlib.import_module("numcodecs"))

        def program(x: Any) -> Any:
            raw = held.decode(held.encode(np.ascontiguousarray(x)))
            return np.array(
                np.asarray(raw).view(np.float64) if np.asarray(raw).dtype != np.float64 else raw
            ).reshape(x.shape)

        return program

    return make


def zfp(rate: float) -> Callable[[], Any]:
    """zfpy at a fixed rate in bits a number."""

    def make() -> Any:
        zfpy = importlib.import_module("zfpy")
        return lambda x: np.array(zfpy.decompress_numpy(zfpy.compress_numpy(x, rate=rate)))

    return make


def sz3(bound: float) -> Callable[[], Any]:
    """SZ3 with an error bound relative to the range of the data."""

    def make() -> Any:
        pysz = importlib.import_module("pysz")

        def program(x: Any) -> Any:
            config = pysz.szConfig(x.shape)
            config.errorBoundMode, config.relErrorBound = pysz.szErrorBoundMode.REL, bound
            packed, _ = pysz.sz.compress(np.ascontiguousarray(x), config)
            return np.array(pysz.sz.decompress(packed, np.float64, x.shape)[0])

        return program

    return make


def gaussian(k: int) -> Callable[[], Any]:
    """S'S with scikit-learn's Gaussian random projection."""

    def make() -> Any:
        module = importlib.import_module("sklearn.random_projection")

        def program(x: Any, rng: Any) -> Any:
            seed = int(rng.integers(1 << 31))
            s = module.GaussianRandomProjection(k, random_state=seed).fit(x[None]).components_
            return s.T @ (s @ x)

        return program

    return make


def count_sketch(k: int) -> Callable[[], Any]:
    """S'S with scipy's Clarkson-Woodruff transform."""

    def make() -> Any:
        linalg = importlib.import_module("scipy.linalg")

        def program(x: Any, rng: Any) -> Any:
            s = linalg.clarkson_woodruff_transform(
                np.eye(len(x)), k, np.random.RandomState(int(rng.integers(1 << 31)))
            )
            return s.T @ (s @ x)

        return program

    return make


def stochastic(bits: int) -> Callable[[], Any]:
    """gfloat's stochastic rounding to an 8-bit float with so many random bits."""

    def make() -> Any:
        g = importlib.import_module("gfloat")
        formats = importlib.import_module("gfloat.formats")

        def program(x: Any, rng: Any) -> Any:
            draws = rng.integers(0, 1 << bits, size=len(x))
            pairs = zip(x, draws, strict=True)
            return np.array(
                [
                    g.round_float(
                        formats.format_info_ocp_e5m2, float(v), g.RoundMode.Stochastic, False, int(r), bits
                    )
                    for v, r in pairs
                ]
            )

        return program

    return make


AUDITS = (
    Audit("bfloat16 cast", "ml_dtypes", cast("bfloat16"), ct.Contractive("1 - 1.6e-5"), True),
    Audit(
        "float8_e4m3fn cast",
        "ml_dtypes",
        cast("float8_e4m3fn"),
        ct.Contractive("0.99"),
        False,
        (4, D),
        (1e-6, 1e6),
    ),
    Audit("BitRound(3)", "numcodecs", codec(lambda n: n.BitRound(3)), ct.Contractive("1 - 1/256"), True),
    Audit(
        "Quantize(2 digits)",
        "numcodecs",
        codec(lambda n: n.Quantize(2, "<f8")),
        ct.AbsoluteError("0.01*sqrt(d)"),
        True,
        (4,),
    ),
    Audit("zfp rate 8", "zfpy", zfp(8), ct.Contractive("0.5"), True),
    Audit("zfp rate 4", "zfpy", zfp(4), ct.Contractive("0.01"), False),
    Audit("SZ3 relative 0.01", "pysz", sz3(0.01), ct.Contractive("1 - 4e-4*d"), True, (D,)),
    Audit("Gaussian projection k=16", "sklearn", gaussian(16), ct.Unbiased("(d+1)/16"), True, (4, 24)),
    Audit("Gaussian projection k=16, d/k", "sklearn", gaussian(16), ct.Unbiased("d/32"), False, (24,)),
    Audit("CountSketch k=16", "scipy", count_sketch(16), ct.Unbiased("(d-1)/16"), True, (4, 24)),
    Audit("stochastic e5m2, 2 bits", "gfloat", stochastic(2), ct.Unbiased("1/8"), False, (1, 2)),
)


def rows() -> Iterator[tuple[Audit, ct.Report | str]]:
    """Each audit with its report, or the reason it could not run."""
    for audit in AUDITS:
        try:
            importlib.import_module(audit.package)
        except ImportError:
            yield audit, f"{audit.package} is not installed (extra `real`)"
            continue
        yield audit, ct.certify(audit.make(), audit.d, claims=audit.claim, magnitudes=audit.magnitudes)


def main() -> int:
    """Print the table; 1 when a true claim was refuted or a false one was not."""
    table, surprises = [], 0
    for audit, report in rows():
        if isinstance(report, str):
            table.append([audit.name, audit.package, "-", report, "", ""])
            continue
        last = report.certificates[-1]
        surprises += (report.verdict is ct.Verdict.REFUTED) is audit.true
        declared = {type(audit.claim).__name__: audit.claim.constants}
        shown = "; ".join(f"{k}({', '.join(map(str, v.values()))})" for k, v in declared.items())
        said = last.details.get("says") or last.technique
        table.append(
            [audit.name, audit.package, shown, report.verdict.value, str(said)[:60], short(last.witness)[:40]]
        )
    print(text_table(["compressor", "package", "declared", "verdict", "evidence", "worst x"], table))
    print(provenance(0))
    return int(surprises > 0)


if __name__ == "__main__":
    sys.exit(main())
