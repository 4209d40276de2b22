"""Claims, verdicts and rates as LaTeX sentences with their evidence, ready for a paper (amsmath, amssymb).

Every sentence is made of the object that it speaks of; INEQUALITY holds what each kind of claim says, once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compth.certificates import Verdict
from compth.certification.estimated import rounded
from compth.claims.written import split_arguments
from compth.reporting.formulas import formula, sentence, symbol, value
from compth.reporting.reports import latex_escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from compth.certificates import Certificate, Report
    from compth.certification.estimated import Estimate
    from compth.claims import Claim
    from compth.dynamics.fixed_points import Stationary
    from compth.rates import Rate


C = r"\mathcal{C}(x)"
E = r"\mathbb{E}"
ERROR = rf"{E}\,\|{C}-x\|^2"
SPREAD = rf"{E}\,\|{C}-{E}\,{C}\|^2"
JOINTLY = rf"{E}\,\|\frac{{1}}{{n}}\sum_i \mathcal{{C}}_i(a_i)-\bar{{a}}\|^2"
INEQUALITY = {
    "Unbiased": rf"{E}\,{C}=x, \quad {ERROR} \leq \omega\,\|x\|^2",
    "Contractive": rf"{ERROR} \leq (1-\delta)\,\|x\|^2",
    "BiasVariance": rf"\|{E}\,{C}-x\| \leq \eta\,\|x\|, \quad {SPREAD} \leq \omega\,\|x\|^2",
    "AbsoluteError": rf"{ERROR} \leq \Delta^2",
    "B1": rf"\alpha\,\|x\|^2 \leq {E}\,\|{C}\|^2 \leq \beta\,\langle {E}\,{C},x\rangle",
    "B2": rf"\max\{{\gamma\,\|x\|^2, {E}\,\|{C}\|^2/\beta\}} \leq \langle {E}\,{C},x\rangle",
    "RelativeAbsoluteError": rf"{ERROR} \leq (1-\delta)\,\|x\|^2 + \Delta^2",
    "MaxNormError": rf"{ERROR} \leq c\,d\,\|x\|_\infty^2",
    "JointVariance": rf"{JOINTLY} \leq A\,\frac{{1}}{{n}}\sum_i\|a_i\|^2-B\,\|\bar{{a}}\|^2",
    "JointContractive": rf"{JOINTLY} \leq (1-\delta)\,\frac{{1}}{{n}}\sum_i\|a_i\|^2",
}
"""What each kind of claim says, in its own letters."""


def inequality(kind: str, constants: Mapping[str, object]) -> str:
    """The claim's inequality with its constants, in mathematics.

    kind: a key of INEQUALITY; constants: by name, numbers or formulas.

    KeyError for a kind that INEQUALITY lacks.
    """
    # n is a matter of the class and stands in the domain, not among the constants.
    held = ", ".join(f"{symbol(k)} = {value(v)}" for k, v in constants.items() if k != "n")
    return rf"{INEQUALITY[kind]}, \quad {held}" if held else INEQUALITY[kind]


def read(claim: str) -> tuple[str, dict[str, str]] | None:
    """A claim's text "Unbiased(omega=1/2)" as its kind and constants; None for what is none ("contract").

    Constants as text, by name: they are set in mathematics by `formulas`.
    """
    kind, bracket, rest = claim.partition("(")
    if kind not in INEQUALITY or not bracket:
        return None
    # Constants may hold commas inside brackets: arguments are split by the parser of claims.
    names = re.findall(r"(\w+)=", rest)
    return kind, dict(zip(names, split_arguments(rest.rpartition(")")[0]), strict=True))


def of_claim(claim: Claim) -> str:
    """A declared claim: its inequality, tight or not, standing, attribution and source.

    Of a claim that somebody typed neither attribution nor source are told: they would be its own word.
    """
    kind = type(claim).__name__
    said = f"${inequality(kind, claim.constants)}$" if kind in INEQUALITY else latex_escape(str(claim))
    joint = (
        rf"all $a_1, \ldots, a_n$, $n = {value(claim.constants['n'])}$"
        if kind.startswith("Joint")
        else "all $x$"
    )
    domain = joint if claim.domain == "all x" else latex_escape(claim.domain)
    # Only a claim that the package issued carries its source; one that was typed or changed is somebody's own.
    whose = (
        f", {claim.attribution.value}: {claim.source}" if claim.issued else ""
    )  # else it is somebody's own
    sure = f"{claim.sharpness.value}; {claim.standing.value}{whose}"
    return f"For {domain}: {said} ({latex_escape(sure)})."


def settled(c: Certificate) -> str:
    """A certificate: what was claimed where, and the verdict with its evidence.

    The sentence of a paper: subject, inequality, domain, evidence.

    Amsmath; escaped where it is somebody's text. Constants and dimension as the certificate's scope has them.
    """
    found = read(c.claim)
    said = (
        f"${inequality(*found)}$"
        if found
        else _rate_claim(c.claim)
        if "method" in c.scope
        else latex_escape(c.claim)
    )
    scope = {k: v for k, v in c.scope.items() if k not in ("inputs", "method") and v is not None}
    at = ", ".join(f"{symbol(k)}={value(v)}" for k, v in scope.items())
    # For which inputs is said of proofs alone: a sample says nothing of other inputs.
    space = f", and {_inputs(c, found[0])}" if c.verdict is Verdict.PROVED and found else ""
    where = f", for ${at}${space}" if at else space
    return (
        rf"\noindent \textbf{{{c.verdict.value}}}: {latex_escape(c.subject)}: {said}{where}. {_evidence(c)}"
    )


def _inputs(c: Certificate, kind: str) -> str:
    """For which inputs it is proved."""
    inputs = c.scope.get("inputs", "all x")
    if inputs != "all x":
        return latex_escape(str(inputs))
    return (
        r"all $a_1, \ldots, a_n \in \mathbb{R}^d$"
        if kind.startswith("Joint")
        else r"all $x \in \mathbb{R}^d$"
    )


def _evidence(c: Certificate) -> str:
    """How it is known, in a sentence.

    A proof says by what, a refutation at which input, a test at which level.
    """
    technique = latex_escape(c.technique or c.evidence)
    if c.verdict is Verdict.PROVED:
        loose = c.details.get("looseness")
        tail = (
            f" It needs {loose:.4g} times the rounds that the slowest quadratic found needs." if loose else ""
        )
        return f"Evidence: {technique}; exact arithmetic on the algorithm as written.{tail}"
    if c.verdict is Verdict.REFUTED:
        at = f" at $x = {_vector(c.witness)}$" if _is_vector(c.witness) else ""
        says = sentence(str(c.details.get("says") or c.technique))
        return f"Counterexample{at}: {says} ({technique})."
    if c.evidence == "statistical":
        return f"Evidence: {c.trials} samples at error level $\\alpha = {value(float(c.alpha))}$; this is no proof."
    return f"Evidence: {technique}; this is no proof."


def _rate_claim(claim: str) -> str:
    """ "E V+ <= 0.9 V with V = x**2; gamma = 0.1" in mathematics."""
    # The claim's own text, taken apart where the referee put it together: bound, V, step, parameters.
    held, _, gamma = claim.rpartition("; gamma = ")
    bound, _, v = held.partition(" with V = ")
    whose = rf"with $V = {formula(v)}$" if v else "for some quadratic $V$"
    bound = bound.removesuffix(" for some quadratic V")
    step, *params = gamma.split(", ")
    more = "".join(f", ${formula(p)}$" for p in params)
    return rf"${formula(bound)}$ {whose}, at $\gamma = {value(step)}${more}"


def _is_vector(witness: object) -> bool:
    """True for what can be written entry by entry."""
    return isinstance(witness, list | tuple) or hasattr(witness, "tolist")


def _vector(witness: Iterable[float]) -> str:
    """A vector, the first eight entries."""
    entries = list(witness)
    more = [r"\ldots"] if len(entries) > 8 else []
    return f"({', '.join([*(value(float(v)) for v in entries[:8]), *more])})"


def assumed(report: Report) -> str:
    """What the verdicts take for granted, each assumption once."""
    lines = dict.fromkeys(a.removeprefix("assumed: ") for c in report.certificates for a in c.assumptions)
    return f"\\noindent Assumed: {latex_escape('; '.join(lines))}."


def of_estimate(known: Estimate) -> str:
    """The class that a program seems to belong to, and what is known of its constant, each kind of knowledge named.

    Proved, sure (seen at an input), suggested and guessed are told apart.
    """
    # The law of the class, then what is known of its constant, from proved to guessed.
    name, kind = symbol(known.symbol), known.kind
    if not known.symbol:
        return rf"\noindent {latex_escape(known.subject)}: {latex_escape(str(known))}."
    laws = {
        "unbiased": "Unbiased", "contractive": "Contractive", "absolute error": "AbsoluteError",
        "relative and absolute error": "RelativeAbsoluteError",
    }  # fmt: skip
    law = INEQUALITY[laws.get(kind, "BiasVariance" if "bias" in kind else "JointVariance")]
    # A bound that was seen is from below for omega and from above for delta; digits are rounded to the safe
    # side.
    sign, side = (r"\leq", 1) if known.symbol == "delta" else (r"\geq", -1)
    parts = []
    # From sure to unsure: what is proved, what was seen at an input, what is suggested, and a guess that says
    # so.
    if known.exact is not None and known.joint is None:
        parts.append(f"${name} = {value(known.exact)}$, proved for all $x$ ({latex_escape(known.technique)})")
    elif known.bound is not None:
        parts.append(
            f"${name} {sign} {value(rounded(known.bound, side))}$ "
            f"(sure, seen at an input; {latex_escape(known.technique)})"
        )
    if known.delta_beside is not None:
        parts.append(
            f"$\\delta = {value(rounded(known.delta_beside, -1))}$ beside it, as large inputs show it"
        )
    if known.max_norm is not None:
        parts.append(f"$c \\geq {value(rounded(known.max_norm, -1))}$ relative to the max norm")
    if known.joint is not None:
        held = ", ".join(f"{k} = {value(v)}" for k, v in known.joint.constants.items())
        parts.append(f"${held}$ ({'proved' if known.exact is not None else 'suggested, not proved'})")
    if known.guess is not None:
        parts.append(f"${name} \\approx {value(known.guess)}$ (a guess from {known.samples} samples)")
    subject = latex_escape(known.subject)
    seems = "is" if known.exact is not None else "seems"
    return rf"\noindent {subject} {seems} {kind} at $d = {known.d}$: ${law}$, with {'; '.join(parts)}."


def of_rate(r: Rate) -> str:
    """A theorem's promise on a problem: metric, bound, step, standing, and what it assumes."""
    # The theorem's own metric: a bound on V is not one on the distance.
    metric = sentence(r.metric)
    step = rf"Theorem {latex_escape(r.theorem)}, step $\gamma = {value(float(r.stepsize))}$"
    if r.rho is None:
        # A bound that is not geometric has no rate: three rounds of it say how it falls.
        told = {t: r.values(t) for t in (10, 100, 1000)}
        bound = "at most " + ", ".join(f"${value(float(v))}$ after {t} rounds" for t, v in told.items())
    else:
        floor = f" + {value(float(r.floor))}" if r.floor else ""
        bound = f"$\\leq {value(float(r.start))} \\cdot ({float(r.rho):.10g})^t{floor}$"
    lines = [line.removeprefix("assumed: ") for line in r.assumed]
    words = f" Assumed: {latex_escape('; '.join(lines))}." if lines else ""
    return (
        rf"\noindent {step}: {metric} is {bound} ({latex_escape(r.standing or 'standing not known')}).{words}"
    )


def of_floor(s: Stationary) -> str:
    """Where a run ends, with its brackets.

    Brackets only: a floor that did not converge has nothing else.
    """
    if s.mean_square == float("inf"):
        return r"\noindent The second moments grow: there is no floor."
    (low, high), (below, above) = s.bracket, s.gap_bracket
    sure = "" if s.converged else " (only the brackets are known)"
    return (
        rf"\noindent In the limit $\mathbb{{E}}\,\|x_t-x^*\|^2 \in [{low:.6g}, {high:.6g}]$ and "
        rf"$\mathbb{{E}}\,f(x_t)-f^* \in [{below:.6g}, {above:.6g}]${sure}."
    )
