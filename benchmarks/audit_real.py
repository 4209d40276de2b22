"""Other people's compressors under the referee: `python -m benchmarks.audit_real [--out docs/audit]`.

Each is one command, `compth check` with the adapter that its package needs; `audited` has the few lines of glue, and
nothing of the packages. Constants are those that a user would believe; what is false comes back REFUTED, with who would
be hurt. Packages that are missing are left out with a line (extra `real`; torch, torchao, fedlab, hivemind, jax, pychop
and quantizers from the index). Prints the table; with --out stores it as the docs' page has it. Exit code 1 when a true
claim was refuted or a false one was not.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compth.reporting.files import provenance, write_all
from compth.reporting.reports import text_table

HERE = Path(__file__).resolve().parent
PATIENCE = 600
"""Seconds of one command."""


@dataclass(frozen=True)
class Audit:
    """A compressor, the words after `compth check FILE:`, whether the claim is true, and who is hurt where not."""

    what: str
    package: str
    command: str
    true: bool
    hurt: str = ""

    @property
    def words(self) -> list[str]:
        """The arguments of `compth`."""
        file = f"of_{re.sub('[^a-z0-9]', '_', self.package.lower())}.py"
        return ["check", *shlex.split(f"{file}:{self.command} --budget quick")]


@dataclass(frozen=True)
class Row:
    """What one command said."""

    what: str
    package: str
    version: str
    command: str
    true: bool
    verdict: str
    claim: str
    says: str
    seconds: float
    hurt: str


TORCH = "--backend torch --dtype float32"
HALF = '--claim "RelativeAbsoluteError(1 - 2**(-22), sqrt(d)*2**(-24))" --arithmetic float64'
AUDITS = (
    Audit("bfloat16 cast", "ml_dtypes", 'bfloat16 -d 4 --delta "1 - 1.6e-5"', True),
    Audit(
        "float8_e4m3fn cast", "ml_dtypes",
        'float8 -d 4 --claim "RelativeAbsoluteError(1 - 2**(-8), sqrt(d)*2**(-10))" --least 1e-6 --largest 400 '
        "--arithmetic float64", True,
    ),
    Audit(
        "float8_e4m3fn cast, as a contraction", "ml_dtypes",
        "float8 -d 4 --delta 0.99 --least 1e-6 --largest 400 --arithmetic float64", False,
        "small gradients: below 2^-10 all is 0, and EF or EF21 with this delta has no theorem",
    ),
    Audit("BitRound(3)", "numcodecs", 'bit_round -d 4 --pair --delta "1 - 1/256"', True),
    Audit("Quantize(2)", "numcodecs", 'quantize -d 4 --pair --claim "AbsoluteError(0.01*sqrt(d))"', True),
    Audit(
        "FixedScaleOffset int16", "numcodecs",
        'fixed_scale -d 4 --pair --claim "AbsoluteError(0.006*sqrt(d))" --least 1e-3 --largest 1e3', False,
        "whoever sends entries beyond 327: they wrap, with another sign",
    ),
    Audit("Zlib, bits as encoded", "numcodecs", "zlib -d 4", True),
    Audit(
        "zfp rate 8", "zfpy", "compress,decompress -d 4 --pair --delta 1/2 --least 1e-3 --largest 1e3", True
    ),
    Audit(
        "zfp rate 4", "zfpy",
        "compress,decompress -d 4 --pair --param rate=4 --delta 0.01 --least 1e-3 --largest 1e3", False,
        "error feedback at this rate: some inputs are lost entirely",
    ),
    Audit(
        "SZ3, 1 % of the range", "pysz",
        'compress,decompress -d 64 --pair --delta "1 - 4e-4*d" --least 1e-3 --largest 1e3', True,
    ),
    Audit(
        "e5m2, two random bits", "gfloat", "stochastic -d 2 --omega 1/8 --least 1e-3 --largest 1e3", False,
        "methods for unbiased compressors (DCGD, DIANA): two random bits leave a bias",
    ),
    Audit("Gaussian projection to 16", "sklearn", 'projected -d 4 --omega "(d+1)/16"', True),
    Audit(
        "minifloat, 3 and 4 bits", "quantizers",
        'minifloat -d 4 --claim "RelativeAbsoluteError(0.99, sqrt(d)/512)" --least 1e-4 --largest 100', True,
    ),
    Audit(
        "fixed point by default", "quantizers",
        'fixed -d 4 --claim "AbsoluteError(sqrt(d)/16)" --least 1e-3 --largest 100', False,
        "entries beyond 8: the default wraps them around",
    ),
    Audit(
        "e5m2, stochastic", "pychop",
        "stochastic -d 4 --state fresh --omega 1/16 --least 1e-3 --largest 1e3", True,
    ),
    Audit("TopkCompressor(1/4)", "fedlab", f"top_quarter -d 4 --pair {TORCH} --delta 1/4", True),
    Audit("QSGDCompressor(2)", "fedlab", f"qsgd -d 4 --pair {TORCH} --generators global --omega d/64", True),
    Audit(
        "DDP hook fp16", "torch", f"fp16_hook -d 4 {TORCH} {HALF} --least 1e-9 --largest 1e6", False,
        "large losses or loss scaling: entries beyond 65504 become inf",
    ),
    Audit("DDP hook bf16", "torch", f"bf16_hook -d 4 {TORCH} --delta 0.9999", True),
    Audit("int8, one scale", "torchao", f'int8 -d 4 {TORCH} --claim "MaxNormError(1/127**2)"', True),
    Audit(
        "MX float8, blocks of 32", "torchao",
        f'mx_compress,mx_decompress -d 64 --pair {TORCH} --claim "MaxNormError(2**(-8))"', False,
        "the largest entry of a block: scales round down, so that it saturates",
    ),
    Audit(
        "Float16Compression", "hivemind", f"half,half_back -d 4 --pair {TORCH} {HALF}", False,
        "entries beyond 65504, which are clipped: no constant delta covers them",
    ),
    Audit(
        "Uniform8BitQuantization", "hivemind", f"uniform,uniform_back -d 4 --pair {TORCH} --delta 1/2", False,
        "everybody with a current numpy: extract raises TypeError",
    ),
    Audit(
        "rounding to integers", "jax",
        'rounded -d 4 --backend jax --claim "AbsoluteError(sqrt(d)/2)" --least 1e-3 --largest 1e3', True,
    ),
)  # fmt: skip


def installed(package: str) -> str:
    """The version, "" where the package is missing."""
    names = {"ml_dtypes": "ml-dtypes", "sklearn": "scikit-learn"}
    try:
        return version(names.get(package, package))
    except PackageNotFoundError:
        return ""


def row(audit: Audit) -> Row:
    """Run the command."""
    start = time.monotonic()
    command = [sys.executable, "-m", "compth", *audit.words, "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=HERE / "audited", timeout=PATIENCE, check=False
    )
    seconds = time.monotonic() - start
    if done.returncode not in (0, 1, 3):
        says, verdict, claim = done.stderr.strip().splitlines()[-1:], "none", ""
        return _row(audit, verdict, claim, (says or ["no answer"])[0], seconds)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    worst = next(c for c in report["certificates"] if c["verdict"] == report["verdict"])
    says = worst.get("details", {}).get("says") or worst["technique"]
    return _row(audit, report["verdict"], worst["claim"], says, seconds)


def _row(audit: Audit, verdict: str, claim: str, says: str, seconds: float) -> Row:
    command = f"compth {shlex.join(audit.words)}"
    return Row(
        audit.what, audit.package, installed(audit.package), command, audit.true, verdict, claim, says,
        round(seconds, 1), audit.hurt,
    )  # fmt: skip


def rows() -> Iterator[tuple[Audit, Row | None]]:
    """Each audit with what its command said; None where its package is missing."""
    for audit in AUDITS:
        yield audit, row(audit) if installed(audit.package) else None


def as_page(found: list[Row]) -> str:
    """The table of the docs' page."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 14 26 40", ""]
    lines += ["   * - compressor", "     - verdict", "     - claim", "     - evidence; who would be hurt"]
    for r in found:
        hurt = f". Hurt: {r.hurt}" if r.verdict == "REFUTED" and r.hurt else ""
        lines += [
            f"   * - {_escaped(r.what)} ({r.package} {r.version})",
            f"     - {r.verdict}, {r.seconds:.0f} s",
            f"     - {_escaped(r.claim)}",
            f"     - {_escaped(r.says + hurt)}",
        ]
    lines += ["", "The commands, in ``benchmarks/audited``:", "", ".. code-block:: text", ""]
    return "\n".join([*lines, *(f"   {r.command}" for r in found)]) + "\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; store it with --out."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.audit_real", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, help="folder for audit.json and audit.inc")
    options = parser.parse_args(arguments)
    found, missing = [], []
    for audit, seen in rows():
        if seen is None:
            missing.append(audit.package)
        else:
            found.append(seen)
            print(f"{seen.what}: {seen.verdict} ({seen.seconds:g} s)", file=sys.stderr, flush=True)
    table = [[r.what, r.package, r.verdict, r.claim[:40], r.says[:60]] for r in found]
    print(text_table(["compressor", "package", "verdict", "claim", "evidence"], table))
    for package in sorted(set(missing)):
        print(f"left out: {package} is not installed")
    print(provenance(0))
    if options.out is not None:
        stored = json.dumps([asdict(r) for r in found], indent=1) + "\n"
        contents = {"audit.json": stored.encode(), "audit.inc": as_page(found).encode()}
        write_all(options.out, contents, force=True)
    return int(any((r.verdict == "REFUTED") is r.true or r.verdict == "none" for r in found))


if __name__ == "__main__":
    sys.exit(main())
