"""A derivation as sections of a paper's appendix: statement, assumptions, proof, the instance on the other side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compth._earned import earned
from compth.reporting.appendix import Section, rational_proof
from compth.reporting.formulas import symbol
from compth.reporting.latex_text import code, number, plain, prose
from compth.studies.derivation.words import formulas, notes

if TYPE_CHECKING:
    from compth.studies.derivation.cell import Cell
    from compth.studies.derivation.result import Derivation

Body = list[str | Sequence[str]]
LAWS = {
    "delta": r"$\|\mathcal{C}_i(v)-v\| \leq s\,\|v\|$ with $s = \sqrt{1-\delta}$",
    "omega": r"$\mathbb{E}\,\mathcal{C}_i(v) = v$ and $\mathbb{E}\,\|\mathcal{C}_i(v)-v\|^2 \leq \omega\,\|v\|^2$,"
    " independently of each other",
}


def sections(result: Derivation) -> list[Section]:
    """All that is known of a method's worst rate at the constants asked for, with every exact number."""
    law = LAWS["omega" if "omega" in result.cells[0].constants else "delta"]
    every = rf"Let every $f_i$ be $\mu$-strongly convex and $L$-smooth, and the messages such that {law}."
    rates = "Then the worst factor of the method's best quadratic Lyapunov function lies between:"
    word = (
        []
        if earned(result)
        else ["The following is somebody{'}s word: this derivation was typed or changed."]
    )
    statement: Body = [*word, every, "The method:", [code(line) for line in result.algorithm]]
    statement += [rates, [_cell(c) for c in result.cells], *_closed(result)]
    known = [line.removeprefix("assumes: ") for line in notes(result)]
    proof: Body = [part for c in result.cells for part in _proof(c, earned(result))]
    return [
        Section("Statement", statement),
        Section("Assumptions", [[prose(line) for line in known]]),
        Section("Proof of the upper side", proof),
        Section("Instances of the lower side", [[_instance(c) for c in result.cells]]),
    ]


def _at(c: Cell) -> str:
    """The constants, step and parameters of a place."""
    held = {**c.constants, **({} if c.stepsize is None else {"gamma": c.stepsize}), **c.params}
    return ", ".join(f"${symbol(k)}$ = {number(v)}" for k, v in held.items())


def _cell(c: Cell) -> str:
    """The bracket of one place."""
    if c.certified is None:
        return f"{_at(c)}: at least {number(float(c.lower))}; no rate below 1 is certified"
    return rf"{_at(c)}: $\rho \geq$ {number(float(c.lower))} and $\rho \leq$ {number(float(c.certified))}"


def _closed(result: Derivation) -> Body:
    """The closed form, and how far it is known."""
    found = formulas(result)
    if found is None:
        return [f"No closed form: {prose(result.reason)}."]
    met = "it lies in every bracket" if result.confirmed else "a candidate, not met in every cell"
    # A polynomial that the rate is a root of; where it was not met in every bracket it is a candidate.
    unknown = found.pop("unknown")
    shown = [code(found.pop("polynomial")), *(code(f"{k} = {v}") for k, v in found.items())]
    return [f"Closed form by elimination, in {code(unknown)} ({plain(met)}; elsewhere a conjecture):", shown]


def _proof(c: Cell, holds: bool) -> Body:
    """The certificate of one place."""
    if c.bracket.certificate is None:
        return []
    seen = f", $V$ sees {c.bracket.window} past rounds" if c.bracket.window else ""
    return [f"At {_at(c)}{seen}.", *rational_proof(c.bracket.certificate.to_dict(), holds)]


def _instance(c: Cell) -> str:
    """The quadratic and the messages that are as slow as this, in exact numbers."""
    slow = c.bracket.instance
    factors = "; ".join(f"{number(a)}" + (f" + i {number(b)}" if b else "") for a, b in slow.factors)
    law = f", {plain(slow.law)}" if slow.law else ""
    return (
        rf"At {_at(c)}: $f_i(x) = \frac{{a}}{{2}}\|x\|^2$ with $a$ = {number(slow.curvature)}, messages of the factors"
        rf" {factors or 'none'}{law}: $\rho$ = {number(slow.rho)}"
    )


__all__ = ["sections"]
