"""What a proof script declares, and how it is run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import Any

import sympy

from compth.claims import JointVariance, Unbiased
from compth.methods.core import Constants, Plan, Theorem
from compth.proof import Refused, check, counterexample, identity, witness
from compth.proof.solvers import sign
from proofs_check._followed import follows
from proofs_check._own_step import OwnStep
from proofs_check._untraced import UNTRACED
from proofs_check._update import Update
from proofs_check.recheck import one_change

Model = dict[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """One statement with its certificate, its witness and its really false versions.

    signed: polynomial facts that enter the statement's domain because z3 and cvc5 say so: the part is then
    "solver-signed" and its theorem never PROVED. update: the method's step, which the statement has to follow (see
    `_update`, `_followed`); own_step: the same of a method that is no body (`_own_step`).
    left: where there is no run, what its first claim bounds, as it is before the step.
    """

    statement: Statement
    steps: Sequence[dict[str, Any]]
    witness: Model
    spoils: Sequence[tuple[dict[str, Any], Model]]
    technique: str = "Gram identity"
    signed: Sequence[str] = ()
    update: Update | None = None
    left: str = ""
    own_step: OwnStep | None = None


@dataclass(frozen=True)
class Script:
    """A theorem's proof: all parts have to pass."""

    id: str
    title: str
    parts: Sequence[Part] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        """Every statement says which part it is, so that its hash does: no part can be left out unseen."""
        places = (f"{self.id} {k}/{len(self.parts)}" for k in range(1, len(self.parts) + 1))
        named = [
            replace(p, statement={**p.statement, "of": o}) for p, o in zip(self.parts, places, strict=True)
        ]
        object.__setattr__(self, "parts", named)


@dataclass(frozen=True)
class Result:
    """What `run` found: the records of the parts, the stored form, the seconds it took."""

    id: str
    title: str
    records: list[dict[str, Any]]
    stored: dict[str, Any]
    seconds: float


def step(show: str, use: dict[str, str] | None = None, terms: Sequence[str] = ()) -> dict[str, Any]:
    """One step of a certificate."""
    return {"show": show, "use": use or {}, "terms": list(terms)}


def symbols(names: str) -> list[sympy.Symbol]:
    """Positive symbols."""
    return [sympy.Symbol(name, positive=True) for name in names.split()]


def text(expression: Any) -> str:
    """A catalogue formula as a text of the kernel's language."""
    found = sympy.sympify(expression)
    if found.has(sympy.Max, sympy.Min, sympy.Piecewise) or any(
        not p.exp.is_integer for p in found.atoms(sympy.Pow)
    ):
        raise ValueError(f"{found} is not rational: state its members or parametrise its root")
    return f"({found})"


def members(expression: Any) -> list[str]:
    """The texts of the members of a max or min."""
    found = sympy.sympify(expression)
    return [text(a) for a in (found.args if isinstance(found, sympy.Max | sympy.Min) else (found,))]


def plan_of(theorem: Theorem, constants: Constants, gamma: Any) -> tuple[Plan, Any]:
    """(plan at the symbol gamma, its largest step): the theorem's own formulas, the range being a domain here."""
    return theorem.at(constants, gamma), theorem.step_limit(constants)[0]


def constants(omega: Any = None, A: Any = None, B: Any = 0, **values: Any) -> Constants:
    """Constants with symbols in every field named; the rest zero."""
    claims = [] if omega is None else [Unbiased(omega)]
    claims += [] if A is None else [JointVariance(A, B)]
    base: dict[str, Any] = dict.fromkeys(("n", "d", "L", "mu", "L_max", "L_tilde"), 0)
    return Constants(**{**base, "claims": (*claims, *values.pop("claims", ())), **values})


def spoiled(statement: Statement, change: dict[str, Any]) -> Statement:
    """The statement with fields replaced; in `given`, None drops a hypothesis."""
    out = {k: v for k, v in {**statement, **change}.items() if k != "run"}
    given = {**statement.get("given", {}), **change.get("given", {})}
    return {**out, "given": {k: v for k, v in given.items() if v is not None}}


def certificate(statement: Statement, steps: Sequence[dict[str, Any]]) -> str:
    """The certificate's JSON text."""
    return json.dumps({"statement": identity(json.dumps(statement)), "steps": list(steps)})


def adapted(part: Part, false: Statement) -> list[dict[str, Any]]:
    """The part's steps for a spoiled statement: they show its claims, use only what it still has."""
    renamed = dict(zip(part.statement["claim"], false["claim"], strict=False))
    gone = set(part.statement.get("given", {})) - set(false["given"])
    gone |= set(part.statement.get("domain", [])) - set(false.get("domain", []))
    shown = [{**s, "show": renamed.get(s["show"], s["show"])} for s in part.steps]
    return [{**s, "use": {k: m for k, m in s["use"].items() if k not in gone}} for s in shown]


def with_signatures(part: Part) -> tuple[Part, list[dict[str, Any]]]:
    """The part with its signed facts in the domain, and the solvers' answers."""
    domain = list(part.statement.get("domain", []))
    found = [asdict(sign(part.statement["params"], domain, fact)) for fact in part.signed]
    return replace(part, statement={**part.statement, "domain": [*domain, *part.signed]}), found


def tied(part: Part) -> None:
    """Refused where the part's step is not its method's, or where it has one and names no method."""
    if part.update is not None:
        follows(part.statement, part.update, part.left)
        return
    if part.own_step is not None:
        part.own_step.follows(part.statement)
        return
    kinds = dict(text.split()[1::-1] for text in part.statement.get("vectors", ()))
    moving = sorted(set(part.statement.get("run", {}).get("next", {})) & set(kinds))
    name = part.statement.get("of", "").split(" ")[0]
    if moving and name not in UNTRACED:
        raise Refused(
            f"{', '.join(moving)}: a step that is typed: take it from a method's trace, update=Update(...)"
        )


def run_part(part: Part) -> tuple[dict[str, Any], dict[str, Any]]:
    """(record, stored form); Refused when the proof, the witness or a negative control does not stand."""
    if part.signed:
        part, answers = with_signatures(part)
        record, stored = run_part(replace(part, signed=()))
        return {**record, "technique": "solver-signed"}, {**stored, "signed": answers}
    tied(part)
    statement = json.dumps(part.statement)
    proof = certificate(part.statement, part.steps)
    record = check(statement, proof)
    if record["unused"]:
        raise Refused(f"hypotheses not used: {record['unused']}")
    margins = witness(statement, part.witness)
    if len(part.spoils) < 3:
        raise Refused(f"{len(part.spoils)} negative controls, three are needed")
    controls = []
    for change, model in part.spoils:
        false = spoiled(part.statement, change)
        if not one_change(part.statement, false):
            raise Refused(f"the spoil {change} is not one change: one claim that keeps a side, or no claim")
        margin = counterexample(json.dumps(false), model)
        try:
            check(json.dumps(false), certificate(false, adapted(part, false)))
        except Refused as refusal:
            controls.append(
                {
                    "of": record["statement"],
                    "statement": false,
                    "model": model,
                    "margin": str(margin),
                    "refusal": str(refusal)[:200],
                }
            )
        else:
            raise Refused(f"the kernel accepted the false statement {change}")
    stored = {
        "statement": part.statement,
        "certificate": json.loads(proof),
        "witness": part.witness,
        "controls": controls,
    }
    return {**record, "margins": [str(m) for m in margins], "technique": part.technique}, stored


def run(script: Script) -> Result:
    """Runs all parts; Refused with the part's name when one does not stand."""
    began, records, parts = perf_counter(), [], []
    for part in script.parts:
        try:
            record, stored = run_part(part)
        except Refused as refusal:
            raise Refused(f"{part.statement.get('name', script.id)}: {refusal}") from None
        records.append(record)
        parts.append(stored)
    stored = {"theorem": script.id, "title": script.title, "parts": parts}
    return Result(script.id, script.title, records, stored, perf_counter() - began)


def without_max(expression: Any, name: str) -> tuple[Any, list[str]]:
    """(the expression with its one max replaced by the symbol, the domain texts `name >= member`)."""
    found = sympy.sympify(expression)
    [largest] = found.atoms(sympy.Max)
    symbol = sympy.Symbol(name, positive=True)
    return found.subs(largest, symbol), [f"{name} >= {m}" for m in members(largest)]


def quotient(expression: Any, at: dict[sympy.Symbol, Any]) -> str:
    """The formula as (numerator)/(denominator), the denominator positive at the point."""
    numerator, denominator = sympy.fraction(sympy.cancel(sympy.together(expression)))
    sign = 1 if denominator.subs(at) > 0 else -1
    return f"({sympy.expand(sign * numerator)})/({sympy.factor(sign * denominator)})"
