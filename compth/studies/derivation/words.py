"""A derivation in words, as text and as LaTeX: the statement, the step rule, the instances, what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Protocol

import sympy

from compth._numbers import Number
from compth._types import Json
from compth.certificates import Report, Verdict
from compth.claims import Standing
from compth.reporting.reports import latex_escape
from compth.studies.derivation.cell import Cell
from compth.studies.derivation.elimination import RHO, ClosedForm
from compth.studies.derivation.kernel_proof import checked
from compth.studies.derivation.proofs import SymbolicProof
from compth.studies.derivation.published import Promise
from compth.studies.derivation.rounds import MU, NORM, OMEGA, SMOOTH, WORKERS

CONTRACTIVE = "|C_i(v) - v| <= s |v|, s = sqrt(1 - delta)"
UNBIASED = "E C_i(v) = v, E|C_i(v) - v|^2 <= omega |v|^2, workers independent"
MOST_TERMS = 40
"""Terms of a polynomial that is printed in a table."""


class Derived(Protocol):
    """What the words ask of a derivation."""

    @property
    def method(self) -> str: ...
    @property
    def latex_algorithm(self) -> str: ...
    @property
    def cells(self) -> tuple[Cell, ...]: ...
    @property
    def closed(self) -> ClosedForm | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def report(self) -> Report | None: ...
    @property
    def proof(self) -> SymbolicProof | None: ...
    @property
    def published(self) -> Promise | None: ...
    @property
    def standing(self) -> Standing: ...
    @property
    def tight(self) -> bool: ...
    @property
    def confirmed(self) -> bool: ...


def collected(result: Derived) -> sympy.Expr:
    """The polynomial by powers of its unknown, each coefficient factored; the leading one positive."""
    assert result.closed is not None
    # A polynomial is known up to its sign: the one that a reader expects has a positive leading coefficient.
    poly = sympy.Poly(result.closed.polynomial, result.closed.unknown)
    lead = poly.LC()
    sign = -1 if lead.could_extract_minus_sign() else 1
    return sum(
        (sympy.factor(sign * c) * result.closed.unknown ** powers[0] for powers, c in poly.terms()),
        sympy.Integer(0),
    )


def solution(result: Derived) -> sympy.Expr | None:
    """The rate as a formula, where the polynomial has degree 1 or 2; None otherwise."""
    closed = result.closed
    if closed is None or sympy.degree(closed.polynomial, closed.unknown) > 2 or result.cells[0].root is None:
        return None
    # Of two roots the one that has the first cell's value there; which
    # root it is cannot change without the two meeting.
    found = sympy.solve(closed.polynomial, closed.unknown)
    c = result.cells[0].constants
    at: dict[sympy.Symbol, Number] = {MU: c["mu"], SMOOTH: c["L"]}
    at |= {NORM: (1 - float(c["delta"])) ** 0.5} if "delta" in c else {OMEGA: c["omega"]}
    wanted = result.cells[0].root if closed.unknown == RHO else result.cells[0].root ** 0.5
    named = {x: c["n"] for f in found for x in f.free_symbols if str(x) == "n"}
    values = {k: float(v) for k, v in (at | named).items()}
    return min(found, key=lambda f: abs(complex(f.subs(values)) - wanted))


def formulas(result: Derived) -> dict[str, str] | None:
    """The closed form as text: polynomial, rate where it is solved, parameters in it.

    Keys: polynomial, unknown, the rate under its own name where it is solved, and each parameter in the rate.
    """
    if result.closed is None:
        return None
    poly = collected(result)
    out = {"polynomial": f"{poly} = 0", "unknown": _unknown(result)}
    solved = solution(result)
    out |= {} if solved is None else {_name(result): str(sympy.simplify(solved))}
    return out | {str(k): str(v) for k, v in result.closed.best.items()}


def _name(result: Derived) -> str:
    """The unknown of the closed form: r or rho."""
    assert result.closed is not None
    return str(result.closed.unknown)


def _unknown(result: Derived) -> str:
    return "rho" if _name(result) == "rho" else "r, rho = r^2"


def cell_values(c: Cell) -> Json:
    """A cell as plain values."""
    return {
        "constants": dict(c.constants),
        "stepsize": c.stepsize,
        "parameters": dict(c.params),
        "lower": c.lower,
        "certified": c.certified,
        "width": c.bracket.width,
        "past_rounds_in_V": c.bracket.window,
        "instance": str(c.bracket.instance),
        "active": list(c.active),
        "root": c.root,
    }


def rows(result: Derived) -> tuple[list[str], list[list[str]]]:
    """The cells as a table."""
    names = list(result.cells[0].constants)
    params = list(result.cells[0].params)
    header = [*names, "gamma", *params, "attained", "certified", "width/(1-rho)", "V sees"]
    out = []
    for c in result.cells:
        certified = "none below 1" if c.certified is None else f"{float(c.certified):.8f}"
        width = "-" if c.certified is None else f"{c.bracket.width:.1e}"
        seen = "the state" if not c.bracket.window else f"+ {c.bracket.window} past"
        step = "-" if c.stepsize is None else f"{float(c.stepsize):.6g}"
        own = [f"{float(v):.6g}" for v in c.params.values()]
        out.append(
            [
                *(_short(v) for v in c.constants.values()),
                step,
                *own,
                f"{float(c.lower):.8f}",
                certified,
                width,
                seen,
            ]
        )
    return header, out


def _short(v: Number) -> str:
    return str(v) if len(str(v)) <= 8 else f"{float(v):.6g}"


def head(result: Derived) -> str:
    """What is known, in a sentence."""
    where = "at the constants below" if len(result.cells) > 1 else "at these constants"
    if result.confirmed:
        return f"{result.method}: the rate in closed form, met by certificates {where}"
    if result.tight:
        return f"{result.method}: the worst case at the parameters shown, tight {where}"
    return f"{result.method}: a bracket of the worst case {where}"


def facts(result: Derived) -> list[tuple[str, str]]:
    """Heading and text.

    Pairs for text, HTML and the terminal alike; an empty heading continues the one above.
    """
    unbiased = "omega" in result.cells[0].constants
    out = [("class", f"every f_i mu-strongly convex and L-smooth; {UNBIASED if unbiased else CONTRACTIVE}")]
    found = formulas(result)
    if found is not None:
        poly = found.pop("polynomial")
        unknown = found.pop("unknown")
        out.append(("closed form", f"{poly}  ({unknown})"))
        out += [("", f"{k} = {v}") for k, v in found.items()]
        out += _proof_lines(result) or [
            ("", "CONJECTURE beyond the cells below: the active quadratics are as found there")
        ]
        if not result.confirmed:
            out.append(("", "not met by certificates in every cell: a lower bound's candidate, no more"))
    else:
        out.append(
            ("closed form", f"none: {result.reason}; the rates below are numbers, at these constants alone")
        )
    out += [("active", a) for a in result.cells[0].active]
    return [
        *out,
        ("slowest found", str(result.cells[0].bracket.instance)),
        *_beside(result.published, result.cells[0].certified),
    ]


def _beside(promise: Promise | None, certified: Fraction | None) -> list[tuple[str, str]]:
    """What is published beside what was derived, in the first cell."""
    if promise is None or certified is None:
        return []
    return [
        (
            "theorem",
            f"{promise.theorem} ({promise.source}) promises a factor {promise.rho:.6f} at its own step, in its own "
            f"metric: {promise.against(certified):.3g} times as many rounds as are certified in the first row",
        )
    ]


def scope_of(proof: SymbolicProof) -> str:
    """The constants for which it holds.

    The words that stand beside every claim of the proof: constants outside are not covered.
    """
    if not proof.round_.noisy:
        return "0 < mu < L = 1, 0 < s < 1, one worker"
    return "0 < mu < L = 1, omega > 0, " + ("n > 1 workers" if proof.closed.has(WORKERS) else "one worker")


def proof_of(proof: SymbolicProof) -> Json:
    """The proof in symbols as text; parameters are formulas of the symbols that are left, the rate's among them."""
    return {
        "scope": scope_of(proof),
        "parameters": {str(k): str(v) for k, v in proof.parameters.items()},
        "V": {k: str(v) for k, v in proof.v.items() if v != 0},
        "multipliers": {k: str(v) for k, v in proof.multipliers.items() if v != 0},
        "kernel": [dict(record) for record in checked(proof)],
    }


def _proof_lines(result: Derived) -> list[tuple[str, str]]:
    """Scope, judge, V and multipliers; nothing without a proof."""
    proof = result.proof
    if proof is None:
        return []
    said = proof_of(proof)
    # Asked of the kernel here, not read off the proof: the word follows from the run.
    judge = "by the kernel" if checked(proof) else "by an exact check in symbols (not the kernel's)"
    factor = "rho" if proof.round_.noisy else "r^2"
    attained = "the active quadratics have that rate there"
    return [
        (
            "proved",
            f"for all {scope_of(proof)}, {judge}: E V+ <= {factor} V at the step above, and {attained}; "
            "P[a,a] is |a|^2, P[a,b] is 2 <a,b>, Q the same of deviations from the workers' means",
        ),
        *(("", f"{k} = {v}") for k, v in said["parameters"].items()),
        *(("", f"V: {value} times {name}") for name, value in said["V"].items()),
        *(("", f"multiplier of {name}: {value}") for name, value in said["multipliers"].items()),
    ]


def notes(result: Derived) -> list[str]:
    """What both sides mean, what is assumed, and what would close a gap.

    Assumptions are those of the certificates themselves, of all cells.
    """
    out = [
        "attained: a quadratic and a compressor of the class, exact; certified: V and multipliers in Fractions. "
        "Both at the parameters shown: the best found, not proved to be the best."
    ]
    assumed = {
        a for c in result.cells if c.bracket.certificate for a in c.bracket.certificate.model.assumptions
    }
    out += [f"assumes: {a}" for a in sorted(assumed)]
    if not result.tight:
        out.append(
            "the sides do not meet everywhere: a longer window (window=...) may lower the certificate; a function that "
            "is no quadratic, or a compressor that changes with time, may raise the instance; a bracket over a box of "
            "constants: compth.studies.derivation.boxes"
        )
    if result.report is not None:
        out += f"conjecture: {result.report!s}".splitlines() + _longer(result)
    return out


def _longer(result: Derived) -> list[str]:
    """Where the conjecture stayed open for a V of the state alone: what the first cell's certificate says of it."""
    # `check_rate` uses a V of the state alone. A longer window may
    # settle what it left open, which is told, not decided.
    (c, *_), open_ = result.cells, result.report is not None and result.report.verdict is Verdict.CONSISTENT
    if not open_ or not c.bracket.window or c.certified is None:
        return []
    return [
        "the conjecture was judged with a V of the state alone; by the certificate above, whose V also sees past "
        f"rounds, every rate from {float(c.certified):.9f} on holds at this step"
    ]


def statement(result: Derived) -> str:
    """The theorem in LaTeX: statement, step rule, rate, instance, proof, and the round.

    Self-contained LaTeX, without a theorem environment; what is a candidate only is called one.
    """
    c = result.cells[0]
    unbiased = "omega" in c.constants
    law = (
        r"$\mathbb{E}\,\mathcal{C}_i(v)=v$, $\mathbb{E}\|\mathcal{C}_i(v)-v\|^2\leq\omega\|v\|^2$, independent workers"
        if unbiased
        else r"$\|\mathcal{C}_i(v)-v\|\leq s\|v\|$, $s=\sqrt{1-\delta}$"
    )
    lines = [
        rf"\noindent\textbf{{{result.method}.}} Let every $f_i$ be $\mu$-strongly convex and $L$-smooth, {law}.",
        result.latex_algorithm,
    ]
    if result.closed is not None:
        # The words never exceed what was checked: at the constants of the
        # cells, and beyond them only by a proof in symbols.
        word = "is attained and certified" if result.confirmed else "is a candidate"
        beyond = "" if result.proof is not None else ", elsewhere a conjecture"
        unknown = "" if result.closed.unknown == RHO else r" with $\rho = r^2$"
        lines.append(
            rf"The rate at the best step solves $ {sympy.latex(collected(result))} = 0 ${unknown}: at the "
            rf"constants below it {word}{beyond}."
        )
        solved = solution(result)
        values = {} if solved is None else {result.closed.unknown: sympy.simplify(solved)}
        values |= dict(result.closed.best)
        held = ", ".join(rf"${sympy.latex(k)} = {sympy.latex(v)}$" for k, v in values.items())
        lines += [f"There {held}."] if held else []
    if result.proof is not None:
        lines.append(_proof_latex(result.proof))
    lines += [_cell_latex(cell, result) for cell in result.cells]
    return "\n\n".join(lines)


def _proof_latex(proof: SymbolicProof) -> str:
    """V and the multipliers, up to a common factor."""

    def listed(values: Mapping[str, sympy.Expr]) -> str:
        return ", ".join(rf"{latex_escape(k)}: ${sympy.latex(v)}$" for k, v in values.items() if v != 0)

    scope = r"$0 < \mu < 1$, " + (r"$\omega > 0$" if proof.round_.noisy else r"$0 < s < 1$, one worker")
    factor = r"\rho" if proof.round_.noisy else "r^2"
    judge = "kernel-checked" if checked(proof) else "exact check in symbols"
    held = ", ".join(rf"${sympy.latex(k)} = {sympy.latex(v)}$" for k, v in proof.parameters.items())
    return (
        rf"\textit{{Proof}} ($L = 1$, {judge} for all {scope}). With {held}: "
        rf"coefficients of $V$: {listed(proof.v)}. Multipliers: {listed(proof.multipliers)}. "
        rf"${factor} V - \mathbb{{E}} V^+$ minus their products is positive semidefinite."
    )


def _cell_latex(c: Cell, result: Derived) -> str:
    held = ", ".join(rf"{_greek(k)} = {sympy.latex(sympy.sympify(str(v)))}" for k, v in c.constants.items())
    own: Mapping[str, Number | None] = {"gamma": c.stepsize, **c.params}
    step = ", ".join(rf"{_greek(k)} = {float(v):.6g}" for k, v in own.items() if v is not None)
    if c.certified is None:
        return rf"For ${held}$ and ${step}$ no rate below 1 is certified; a quadratic has ${float(c.lower):.9f}$."
    both = rf"\rho \in [{float(c.lower):.9f}, {float(c.certified):.9f}]"
    return rf"For ${held}$ and ${step}$: ${both}$ ({result.standing.value})."


def _greek(name: str) -> str:
    return name if len(name) == 1 else rf"\{name}" if name in GREEK else rf"\mathrm{{{name}}}"


GREEK = ("mu", "delta", "omega", "gamma", "alpha", "beta", "eta", "lambda", "nu", "tau", "theta")


def columns(result: Derived) -> dict[str, list[object]]:
    """For a data frame."""
    out: dict[str, list[object]] = {}
    for c in result.cells:
        certified = None if c.certified is None else float(c.certified)
        row: dict[str, object] = {k: float(v) for k, v in c.constants.items()}
        row |= {"gamma": None if c.stepsize is None else float(c.stepsize)}
        row |= {k: float(v) for k, v in c.params.items()}
        row |= {"lower": float(c.lower), "certified": certified, "width": c.bracket.width}
        for k, v in row.items():
            out.setdefault(k, []).append(v)
    return out
