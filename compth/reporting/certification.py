"""A certification report for people: plain lines and what it takes to check a refutation by hand.

`sentence` is the one place where a certificate becomes a line; pages and appendices use it, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth.certificates import SEVERITY, Certificate, Report, Verdict
from compth.certification.estimated import described
from compth.text.counts import counted

if TYPE_CHECKING:
    from compth._types import Array, Json


LADDER = {
    Verdict.PROVED: "for all inputs of the stated scope, in exact arithmetic on the algorithm as written",
    Verdict.CONSISTENT: "not refuted; this is no proof",
    Verdict.INCONCLUSIVE: "nothing could be said within the budget",
    Verdict.REFUTED: "false: see the witness",
}


def short(value: object) -> str:
    """A number or vector in few characters.

    Six digits; of vectors the first eight entries.
    """
    if value is None:
        return "-"
    if isinstance(value, list | tuple | np.ndarray):
        listed = [short(v) for v in list(value)[:8]]
        return "(" + ", ".join(listed) + (", ..." if len(value) > 8 else "") + ")"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def briefly(witness: object) -> str:
    """A witness in few characters: a long one of few different stretches with all that it is.

    Anything else as `short` has it.
    """
    flat = np.asarray(witness)
    # Hard vectors are long and simple (one large entry, the rest equal): counted stretches say all of them.
    if flat.ndim == 1 and len(flat) > 8 and flat.dtype == np.float64:
        text = vector(flat, lambda v: f"{v:.6g}")
        if len(text) <= 60:
            return text
    return short(witness)


def sentence(c: Certificate) -> str:
    """One certificate in one line.

    Verdict, claim and place, then what its evidence can say: technique, counterexample, or what samples would have
    shown.

    No line breaks: the caller wraps it.
    """
    # One line: verdict, claim, place, and then what this kind of evidence can say of itself.
    at = {k: c.scope[k] for k in ("d", "mu", "L", "delta", "omega", "eta", "n") if k in c.scope}
    where = ", ".join(f"{k} = {v}" for k, v in at.items())
    parts = [f"{c.verdict.value:<12} {c.claim} at {where}"]
    if c.verdict is Verdict.PROVED:
        parts.append(f"all x, by {c.technique}")
    elif c.verdict is Verdict.REFUTED:
        parts.append(c.details.get("says") or c.technique)
        parts += [c.details[k] for k in ("cause", "remedy") if k in c.details]
        if c.witness is not None and not isinstance(c.witness, Mapping):
            parts.append(f"x = {briefly(c.witness)}")
        if c.evidence == "statistical":
            evidence = [short(c.details[k]) for k in ("log_evidence", "log_level") if k in c.details]
            parts += [f"log evidence {' > '.join(evidence)}"] if evidence else []
    elif c.evidence == "statistical":
        parts.append(
            f"{c.trials} samples of {counted(c.details.get('inputs', 0), 'input')} at alpha = {c.alpha:.1e}"
        )
        parts += found_at_most(c)
    elif c.evidence == "none":
        parts.append(c.technique)
    elif c.claim == "contract":
        parts.append("kept at the listed inputs")
    else:
        tight = c.details.get("tightness")
        parts.append(
            f"{c.technique} at {counted(c.trials, 'input')}"
            + (f", worst is {tight:.4f} of the bound" if tight else "")
        )
    return "; ".join(parts)


def found_at_most(c: Certificate) -> list[str]:
    """What the samples would have shown, and where: nothing is said of other inputs.

    Detectable excesses are the referee's own, for each input and its number of samples.
    """
    # "Not refuted" is worth as much as what would have been seen: the smallest excess that these samples show.
    listed = c.details.get("detectable") or []
    if not listed:
        return [c.details["says"]] if "says" in c.details else []
    near = " and ".join(_excess(f["inequality"], f["excess"]) for f in listed)
    out = [f"would have shown, at x = {short(c.witness)} with {listed[0]['samples']} samples, {near}"]
    if listed[0]["elsewhere"] is not None:
        far = " and ".join(_excess(f["inequality"], f["elsewhere"]) for f in listed)
        out.append(f"at each of the other inputs, {listed[0]['samples_elsewhere']} samples or more, {far}")
    return out


def _excess(inequality: str, size: float) -> str:
    """An excess in the units of its test: relative for mean squares, a length for the bias."""
    # No excess at all would have been seen with so few samples: said as it is.
    if size == float("inf"):
        return f"no excess of {inequality}"
    if inequality.startswith("||E C"):
        return f"a bias {size:.2g} ||x|| beyond what is allowed"
    if inequality in ("alpha||x||^2", "gamma||x||^2"):
        return f"<E C(x), x> {size:.2g} ||x||^2 too small"
    return f"{inequality} above {1 + size:.4g} times its bound"


MOST = 2000
"""Runs of equal entries up to which a line spells a vector."""


def shortest_digits(value: float) -> str:
    """A float with the digits that give it back; a whole one without its point.

    repr of a float is the shortest text that reads back as it.
    """
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def nearby_fraction(value: float) -> str:
    """A float that was summed: 2/3 for the floats next to it; others, and short decimals, as `shortest_digits`.

    A fraction of a denominator up to 1000 is meant within 4 units in the last place: some other number lies so close to
    one with a probability below 1e-9.
    """
    text = shortest_digits(value)
    if len(text) <= 6 or not math.isfinite(value):
        return text
    # A mean of a few rational outcomes is a fraction that floats almost hit: the fraction is what a reader
    # recognises.
    near = Fraction(value).limit_denominator(1000)
    return str(near) if near and abs(near - Fraction(value)) <= 4 * Fraction(math.ulp(value)) else text


def vector(x: Sequence[float] | Array, word_of: Callable[[float], str] = shortest_digits) -> str:
    """Every entry of a vector, by default with all its digits; equal neighbours are counted.

    x: one dimension. word_of: how an entry is written. Beyond MOST runs the rest is counted.
    """
    # By words, not by values: entries that print alike are counted together, and the text gives all of them
    # back.
    runs: list[tuple[str, int]] = []
    for word in map(word_of, x):
        if runs and runs[-1][0] == word:
            runs[-1] = (word, runs[-1][1] + 1)
        else:
            runs.append((word, 1))
    listed = [w if n == 1 else f"{w}, {w}" if n == 2 else f"{w} ({n} times)" for w, n in runs[:MOST]]
    more = len(x) - sum(n for _, n in runs[:MOST])
    return (
        "("
        + ", ".join(listed)
        + (f", and {more} more: the script and --json have them" if more else "")
        + ")"
    )


def by_hand(c: Certificate) -> list[str]:
    """What it takes to check a refutation without this package: x, the claim, moments or how to draw the samples.

    Lines begin with "by hand: ". Empty for anything but a refutation with a witness.
    """
    # Only a refutation is checked by hand: it needs one input, a proof needs all of them.
    if c.verdict is not Verdict.REFUTED or c.witness is None:
        return []
    if isinstance(c.witness, Mapping):  # of a claimed rate: a problem and its run
        plain = {k: v for k, v in c.witness.items() if not isinstance(v, list | tuple)}
        return [f"by hand: {name} = {short(value)}" for name, value in plain.items()]
    # Enough to redo it with paper or ten lines of code: the vector, the claim, and the moments or how samples
    # were drawn.
    x = np.asarray(c.witness, dtype=np.float64)
    n = c.scope.get("n")
    # A claim about a fleet has one vector a worker, laid end to end in the witness.
    joint = c.claim.startswith("Joint") and isinstance(n, int) and n > 0 and x.size % n == 0
    out = [_rows(x, n) if joint and n else _one(x, c.claim)]
    statement = c.details.get("statement")
    if statement is not None:
        constants = ", ".join(f"{k} = {_constant(v)}" for k, v in statement["constants"].items())
        out.append(f"claimed: {statement['kind']} with {constants}")
    if "mean" in c.details:
        mean = vector(c.details["mean"], nearby_fraction)
        out.append(f"E C(x) = {mean}, E||C(x)||^2 = {nearby_fraction(float(c.details['second']))}")
    replay = c.details.get("replay") or {}
    if replay.get("kind") == "samples":
        # The very samples can be drawn again: the seed's sequence and in which blocks the calls were made.
        blocks = replay["blocks"]
        out.append(
            f"samples: {sum(blocks)} calls at x one after the other (rows: in blocks of {_counted(blocks)}) on "
            f"numpy.random.default_rng(numpy.random.SeedSequence({list(replay['seed'])}))"
        )
    return [f"by hand: {line}" for line in out]


def _one(x: Array, claim: str) -> str:
    """A vector, with the size that the claim speaks of: the largest entry, or the squared norm."""
    if claim.startswith("MaxNormError"):
        return f"x = {vector(x)}, ||x||_inf = {shortest_digits(float(np.abs(x).max()))}"
    return f"x = {vector(x)}, ||x||^2 = {shortest_digits(float(x @ x))}"


def _rows(x: Array, n: int) -> str:
    """The vectors of n workers."""
    told = "; ".join(f"a_{i} = {vector(row)}" for i, row in enumerate(x.reshape(n, -1), 1))
    return f"{told}; mean||a_i||^2 = {shortest_digits(float(x @ x) / n)}"


def _constant(text: str) -> str:
    """Fraction(1, 2) as 1/2."""
    # Constants are stored as Python spells them, so that scripts read them back.
    inside = text.removeprefix("Fraction(").removesuffix(")")
    return inside.replace(", ", "/").removesuffix("/1") if inside != text else text


def _counted(blocks: list[int]) -> str:
    """The blocks' sizes, the first dozen of them."""
    return ", ".join(map(str, blocks[:12])) + (", ..." if len(blocks) > 12 else "")


def lines(report: Report, script: str = "") -> list[str]:
    """The report as plain lines; script: where its reproduction script was written.

    Failures come last, where a terminal shows them; then what is known of the constants, assumed, and not checked.

    report.info holds estimates, arithmetic and notes of what was not checked; each is a line where there is one.
    """
    # The verdict with what it means, since PROVED and CONSISTENT are words of this package.
    out = [f"{report.subject}: {report.verdict.value} ({LADDER[report.verdict]})"]
    if report.stored:
        out.append(
            "  the file's word, or somebody's: this report was read from a file, typed or changed, or something of the"
            " package was replaced when it was made; judge it again"
        )
    for c in sorted(report.certificates, key=lambda c: SEVERITY[c.verdict]):  # failures last: they are seen
        out += [f"  {sentence(c)}", *(f"    {line}" for line in by_hand(c))]
    out += [f"  {described(known)}" for known in report.info.get("estimates", [])]
    out += [f"  {line}" for line in arithmetic_line(report.info)]
    assumptions = sorted({a for c in report.certificates for a in c.assumptions})
    out += [f"  assumed: {a}" for a in assumptions]
    out += [f"  not checked: {note}" for note in report.info.get("not_checked", [])]
    if report.info.get("reproduction"):
        told = f"written to {script}" if script else "in the report (--script FILE writes it)"
        out.append(f"  a reproduction script is {told}")
    return out


def arithmetic_line(info: Json) -> list[str]:
    """What the program computes in, on which magnitudes, and the rounding that it is granted.

    info: of a report; [] where it says nothing of that.
    """
    used = info.get("arithmetic")
    if not used:
        return []
    least, largest = info["magnitudes"]
    said = f"arithmetic: {used['name']} ({used['origin']}), magnitudes {least:g} to {largest:g}"
    flat = used.get("slack_where_flat", {})
    # Rounding is granted where the program computes in floats: how much, and relative to what, is part of the
    # claim.
    granted = [
        _range(flat.get(d, slack), slack) + f" at d = {d}" for d, slack in used["slack"].items() if slack
    ]
    if granted:
        said += f"; rounding granted, relative to ||C(x)|| + ||x||: {', '.join(granted)}"
    return [said]


def _range(least: float, most: float) -> str:
    """From flat inputs to those of one entry."""
    return (
        f"{most:.2g}"
        if f"{least:.2g}" == f"{most:.2g}"
        else f"{least:.2g} (flat x) to {most:.2g} (one entry)"
    )
