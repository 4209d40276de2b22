"""A theorem of one's own, as `compth refute FILE.py:NAME` reads it: claims over a grid of constants."""

from __future__ import annotations

import inspect
import itertools
import numbers
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction

from compth._earned import made
from compth._numbers import Number
from compth.certificates import Certificate, Report
from compth.certification.beside import beside
from compth.certification.subject import CallTooLong
from compth.claims import Contractive
from compth.errors import CompthError, InvalidParameter, NoGuarantee, UnusableInput, require
from compth.methods import Theorem, catalogue
from compth.text.expressions import parse
from compth.worst_case.bodies import Named, asked_for, constants_of
from compth.worst_case.described import body_in, method_in
from compth.worst_case.rational import spelled
from compth.worst_case.referee import chosen_text, judged_rate, told_of
from compth.worst_case.told import Statement

GRID: Mapping[str, tuple[Fraction | int, ...]] = {
    "mu": (Fraction(1, 2), Fraction(1, 10), Fraction(1, 100)),
    "L": (1,),
    "delta": (Fraction(9, 10), Fraction(1, 2), Fraction(1, 10)),
    "omega": (1, 9),
    "n": (1, 4),
}
"""Constants at which a theorem that names none is judged."""
CLAIM = ("rate", "stepsize", "lyapunov", "alpha", "p", "lam", "nu")
CONSTANTS = ("mu", "L", "delta", "omega", "eta", "n")


def cells(method: Named, given: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Every choice of constants: a value, a list of values, or the grid's.

    given: by name, numbers or text. Raises InvalidParameter for the wrong claim, an empty list and what is no number.
    """
    # Which constant names the class: the one that the method requires, or delta where it takes either and
    # delta alone was given.
    free = method.claim is None and given.get("delta") is not None and given.get("omega") is None
    kind = "delta" if free or method.claim is Contractive else "omega"
    if kind == "omega" and given.get("delta") is not None and given.get("omega") is None:
        delta = given["delta"]
        shown = ", ".join(map(str, delta)) if isinstance(delta, list | tuple) else delta
        raise InvalidParameter(
            f"delta={shown}: {method.name} takes unbiased compressors: give omega (delta beside omega means the"
            " compressor induced by both)"
        )
    axes = {k: GRID[k] for k in ("mu", "L", kind, "n")}
    if method.most_workers is not None:
        axes["n"] = tuple(n for n in axes["n"] if n <= method.most_workers)
    for name in CONSTANTS:
        if given.get(name) is not None:
            value = given[name]
            values = tuple(value) if isinstance(value, list | tuple) else (value,)
            require(len(values) > 0, f"{name}={value!r} is empty: give a number or a list of numbers")
            axes[name] = tuple(constant(name, v) for v in values)
    for cell in itertools.product(*axes.values()):
        yield dict(zip(axes, cell, strict=True))


def constant(name: str, given: object) -> Number:
    """A number as it is, text such as "1/10" read. Raises InvalidParameter for anything else."""
    if isinstance(given, str):
        try:
            return parse(given, frozenset())()
        except InvalidParameter as reason:
            raise InvalidParameter(f"{name}={given!r} is not a number: {reason}") from None
    if isinstance(given, bool) or not isinstance(given, numbers.Real):
        raise InvalidParameter(f"{name}={given!r} must be a number or a list of numbers")
    return given


Said = tuple[dict[str, object], str | None, str | None]
"""What a theorem says without constants: a dict's entries, the method's name, the identity of a Theorem."""


def _is_told(answer: object, *_: object) -> bool:
    """True for (entries, method's name or None, identity or None)."""
    if not isinstance(answer, tuple) or len(answer) != 3 or not isinstance(answer[0], dict):
        return False
    return all(v is None or isinstance(v, str) for v in answer[1:])


@beside(_is_told)
def told(statement: Statement) -> Said:
    """What the theorem says without constants. Raises UnusableInput for what is no theorem."""
    thing = statement.thing
    if isinstance(thing, Mapping):  # a method that is no name is asked for by itself
        return {k: v for k, v in thing.items() if k != "method" or isinstance(v, str)}, None, None
    if not callable(thing) and not isinstance(thing, Theorem):
        raise UnusableInput(
            f"{statement.name!r} is a {type(thing).__name__}: give a dict, a compth Theorem or a function"
        )
    method, identity = getattr(thing, "method", None), getattr(thing, "id", None)
    return {}, method if isinstance(method, str) else None, None if identity is None else str(identity)


def _is_claim(answer: object, *_: object) -> bool:
    """True for a dict of numbers and text."""
    kinds = int | float | Fraction | str | None
    return isinstance(answer, dict) and all(isinstance(v, kinds) for v in answer.values())


@beside(_is_claim)
def claimed(statement: Statement, cell: Mapping[str, object]) -> dict[str, object]:
    """What the theorem claims at these constants: {rate, stepsize, ...}. Raises NoGuarantee where it does not apply."""
    thing = statement.thing
    # A dict says everything without being asked again; a Theorem plans, a function is called at these
    # constants.
    if isinstance(thing, Mapping):
        return {}
    theorem = thing() if inspect.isclass(thing) and issubclass(thing, Theorem) else thing
    return planned(theorem, cell) if isinstance(theorem, Theorem) else _called(thing, statement.name, cell)


def judge(
    thing: object,
    name: str,
    overrides: Mapping[str, object],
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Report:
    """The report of a theorem: a dict (method, rate, stepsize, ...), a compth Theorem, or a function of constants.

    A function takes mu, L, n and delta or omega and returns (stepsize, rate) or a dict; its `method` is an attribute or
    an override: a name, or one's own body (its class or an instance), whose parameters a claim may give. guard() is
    entered around every call of the theorem. A Statement may live in a worker. Raises UnusableInput when it is none of
    these.
    """
    statement = thing if isinstance(thing, Statement) else Statement(thing, name)
    # What overrides win over what the file says; then the method from wherever it is named.
    base, named, identity = told(statement)
    base |= {k: v for k, v in overrides.items() if v is not None}
    method = base.pop("method", None) or named or _body_of(statement) or _owner(identity)
    if method is None:
        raise UnusableInput(f"{name!r} names no method: give method= in it, or --method")
    asked = asked_for(method)
    allowed = (*CLAIM, *(k for k in asked.kind.signature.params if k not in (*CLAIM, *CONSTANTS)))
    _check_names(base, (*allowed, *CONSTANTS, "name"), f"{name!r} gives {{}}: a theorem has {{}}")
    certificates: list[Certificate] = []
    skipped: list[str] = []
    for cell in cells(asked, base):
        try:
            with guard():
                claim = {**claimed(statement, cell), **{k: base[k] for k in allowed if k in base}}
        except NoGuarantee as reason:
            skipped.append(str(reason))
            continue
        # What a plan holds beyond rate, step and the body's parameters (batches, say) is for the run, not for
        # the claim.
        if identity is not None:  # a plan holds what a run needs, too
            claim = {k: v for k, v in claim.items() if k in allowed}
        _check_names(claim, allowed, f"{name!r} gives {{}}: a claim has {{}}")
        if claim.get("rate") is None:
            raise UnusableInput(f"{name!r} gives no rate: give rate= in it, or --rate")
        certificates += judged_rate(method, cell, claim).certificates
    if not certificates:
        raise UnusableInput(f"{name!r} applies at none of the constants: {skipped[0]}")
    said = {k: told_of(base[k]) for k in ("rate", "stepsize", "lyapunov") if base.get(k) is not None}
    own = {k: told_of(base[k]) for k in allowed if base.get(k) is not None and k not in said}
    info = {"method": asked.name, "skipped": len(skipped), **said, "parameters": own}
    info["chosen"] = _chosen(base, certificates)
    return made(Report(name, tuple(certificates), info))


def _chosen(base: Mapping[str, object], certificates: list[Certificate]) -> str:
    """The constants that nobody gave, with the values that the grid has for them; then the step and parameters."""
    free = [k for k in CONSTANTS if base.get(k) is None and k in GRID and k in certificates[0].scope]
    values = {k: dict.fromkeys(str(c.scope[k]) for c in certificates) for k in free}
    said = [f"{k} = {', '.join(held)}" for k, held in values.items()]
    return "; ".join([*said, *filter(None, [chosen_text(certificates)])])


def _body_of(statement: Statement) -> object:
    """The method that is no name: itself, or what its process tells of it."""
    return method_in(statement.thing) if statement.worker is None else body_in(statement)


def _check_names(given: Mapping[str, object], allowed: tuple[str, ...], says: str) -> None:
    """UnusableInput, in these words, for what a theorem gives and none has."""
    unknown = set(given) - set(allowed)
    if unknown:
        raise UnusableInput(says.format(", ".join(sorted(unknown)), ", ".join(allowed)))


def _owner(identity: str | None) -> str | None:
    """The package's method that lists this theorem."""
    return next((k for k, m in catalogue().items() if any(t.id == identity for t in m.theorems())), None)


def planned(theorem: Theorem, cell: Mapping[str, object]) -> dict[str, object]:
    """What a Theorem plans from these constants (every L_i = L, shared minimiser, independent workers)."""
    # In Fractions, so that closed forms stay exact and the rate that comes back is the theorem's, not its
    # float.
    exact: dict[str, Number] = {k: v if k == "n" else spelled(v) for k, v in cell.items()}
    c = constants_of(**exact)
    try:
        reason = theorem.why_not(c)
        plan = None if reason else theorem.plan(c)
    except KeyError as missing:  # what the method itself gives a theorem: blocks, batches
        raise NoGuarantee(
            f"{theorem.id} needs {missing.args[0]} of the method: no constant of a class"
        ) from None
    if plan is None:
        raise NoGuarantee(reason)
    if plan.rho is None:
        raise NoGuarantee(f"{theorem.id} is not linear: it has no rate to judge")
    params = {{"lambda": "lam"}.get(k, k): v for k, v in plan.params.items()}
    return {**params, "rate": plan.rho, "stepsize": plan.gamma}


def _called(function: object, name: str, cell: Mapping[str, object]) -> dict[str, object]:
    """What a function answers at these constants, as a dict. Raises UnusableInput for what is no claim."""
    if not callable(function):
        raise UnusableInput(f"{name!r} is a {type(function).__name__}: give a function")
    try:
        accepted = inspect.signature(function).parameters
        answer = function(**{k: v for k, v in cell.items() if k in accepted})
    except (CompthError, CallTooLong):
        raise
    # Whatever a function of the user's raises, an exit included, is told in one line with the constants.
    except (Exception, SystemExit) as problem:
        raise UnusableInput(f"{name!r} fails at {dict(cell)}: {type(problem).__name__}: {problem}") from None
    if isinstance(answer, Mapping):
        return dict(answer)
    if isinstance(answer, tuple) and len(answer) == 2:
        return {"stepsize": answer[0], "rate": answer[1]}
    raise UnusableInput(f"{name!r} returned {type(answer).__name__}: return (stepsize, rate) or a dict")
