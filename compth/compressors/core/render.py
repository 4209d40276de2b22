"""The catalogue as rows: parameters, claims rendered from the formulas themselves, standing, sources, bits.

The formulas that lists and pages print are the claims themselves, evaluated at symbols for as many parameters as they
take: nothing is typed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from compth._numbers import Number, is_exact
from compth._own import altered
from compth.claims import Claim, Standing, how_sharp, sure
from compth.compressors import Compressor, Fleet, catalogue
from compth.compressors.three_point import ThreePoint
from compth.errors import CompthError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True)
class Constant:
    """One constant of a claim: its name, the formula as text and as LaTeX."""

    name: str
    text: str
    latex: str


@dataclass(frozen=True)
class ClaimRow:
    """One claim of a row."""

    kind: str
    constants: tuple[Constant, ...]
    sharpness: str
    standing: str
    attribution: str
    source: str
    domain: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{c.name} = {c.text}' for c in self.constants)})"


@dataclass(frozen=True)
class CatalogueRow:
    """One object. `example` is the instance shown; `symbols` its parameters that stand as symbols in the formulas."""

    name: str
    kind: str
    summary: str
    parameters: tuple[str, ...]
    example: str
    symbols: tuple[str, ...]
    claims: tuple[ClaimRow, ...]
    bits: str
    bits_at: str


def _symbolic(example: T, formulas: Callable[[T], object]) -> tuple[T, tuple[str, ...]]:
    """The example with as many scalar number fields as possible as positive symbols, and their names."""
    names: tuple[str, ...] = ()
    # one field at a time, kept as a symbol only where the formulas still evaluate: some parameters decide
    # cases and have to be numbers
    for f in fields(example):
        value = getattr(example, f.name)
        if not is_exact(value):
            continue
        try:
            changed = replace(
                example,
                **{f.name: _symbol(f.name, isinstance(value, int) or None)},
            )
            formulas(changed)
        except (CompthError, TypeError, ValueError, AttributeError, KeyError):
            continue  # a field that the formulas need as a number keeps its number
        example, names = changed, (*names, f.name)
    return example, names


GREEK = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "mu", "rho", "tau", "omega"}
)


def _symbol(name: str, integer: bool | None = True) -> object:
    """A positive symbol; sympy is imported when the first is made, for names alone cost no second."""
    import sympy

    return sympy.Symbol(name, positive=True, integer=integer)


def _claims(thing: Compressor | Fleet) -> tuple[Claim, ...]:
    """Claims at symbols d (and n)."""
    d = _symbol("d")
    return tuple(thing.claims(_symbol("n"), d) if isinstance(thing, Fleet) else thing.claims(d))


def _claims_or_numbers(thing: Compressor | Fleet) -> tuple[Claim, ...]:
    """Formulas in d (and n); where an object cannot be symbolic in d, its numbers at the smallest supported size."""
    try:
        return _claims(thing)
    except (TypeError, ValueError, AttributeError, KeyError):
        n, d = smallest_size(thing)
        return tuple(thing.claims(n, d) if isinstance(thing, Fleet) else thing.claims(d))


def smallest_size(thing: Compressor | Fleet, start: int = 1) -> tuple[int, int]:
    """(n, d), smallest d >= start that an object supports (n = 1 for compressors); any d where there is none."""
    if isinstance(thing, Fleet):
        # by trial: objects say why they do not support a size, not which sizes they support
        sizes = [(n, d) for n in (*range(2, 17), 1) for d in range(start, start + 64)]
        found = next(((n, d) for n, d in sizes if not thing.why_not(n, d)), None)
    else:
        found = next(((1, d) for d in range(start, start + 1024) if thing.supports(d)), None)
    return smallest_size(thing) if found is None and start > 1 else found or (1, 1)


def _latex(formula: Number) -> str:
    """LaTeX with parameters of several letters upright: "budget" is a name, not a product of six variables."""
    import sympy

    words = {
        s: rf"\mathrm{{{s.name}}}" for s in formula.free_symbols if len(s.name) > 1 and s.name not in GREEK
    }
    return str(sympy.latex(formula, symbol_names=words))


def _standings() -> Callable[[object], Standing]:
    """The standing of each thing as lists show it; one look at the package serves a whole list."""
    # in a package of which something was replaced no list may show a proof
    return (lambda thing: Standing.ASSUMED) if altered() else sure


def _row(claim: Claim, standing: Callable[[object], Standing]) -> ClaimRow:
    """A claim with its constants simplified and printed."""
    import sympy

    constants = []
    for name, value in claim.constants.items():
        # JointVariance carries the number of workers it is for beside its constants
        if name == "n":  # a fleet size, not a constant
            continue
        formula = sympy.simplify(sympy.nsimplify(value)) if is_exact(value) else sympy.sympify(value)
        constants.append(Constant(name, str(formula), _latex(formula)))
    return ClaimRow(
        kind=type(claim).__name__,
        constants=tuple(constants),
        sharpness=how_sharp(claim),
        standing=str(standing(claim)),
        attribution=str(claim.attribution),
        source=str(claim.source),
        domain=claim.domain,
        name=claim.name,
    )


def _bits(thing: Compressor | Fleet) -> tuple[str, str]:
    """Total bits and the size they are for: 100 where it is supported, else the smallest supported one."""
    n, d = smallest_size(thing, 100)
    cost = thing.bits(n, d)[0] if isinstance(thing, Fleet) else thing.bits(d)
    shown = " + ".join(f"{part} {float(v):g}" for part, v in cost.parts().items())
    expected = "expected " if cost.random else ""
    at = f"d = {d}" + (f", n = {n}, each worker" if isinstance(thing, Fleet) else "")
    return f"{expected}{float(cost.total):g} ({shown})", at


def catalogue_rows() -> tuple[CatalogueRow, ...]:
    """A row for every compressor and fleet of the catalogue, alphabetical: what `compth list` shows."""
    standing = _standings()
    return tuple(_catalogue_row(name, thing, standing) for name, thing in catalogue().items())


def catalogue_row(thing: type[Compressor | Fleet]) -> CatalogueRow:
    """The row of one class."""
    return _catalogue_row(thing.__name__, thing, _standings())


def _catalogue_row(
    name: str, thing: type[Compressor | Fleet], standing: Callable[[object], Standing]
) -> CatalogueRow:
    """The row of a class, from the first of its examples."""
    example = thing.examples()[0]
    shown, symbols = _symbolic(example, _claims)
    text, at = _bits(example)
    return CatalogueRow(
        name=name,
        kind="compressor" if issubclass(thing, Compressor) else "fleet",
        summary=(thing.__doc__ or "").strip().splitlines()[0],
        parameters=tuple(f.name for f in fields(thing)),
        example=repr(example),
        symbols=symbols,
        claims=tuple(_row(c, standing) for c in _claims_or_numbers(shown)),
        bits=text,
        bits_at=at,
    )


@dataclass(frozen=True)
class MapRow:
    """One three-point map: an instance and its bound (1-A)||h-y||^2 + B||x-y||^2 as formulas."""

    name: str
    example: str
    summary: str
    A: str
    B: str
    standing: str
    attribution: str
    source: str


def map_rows() -> tuple[MapRow, ...]:
    """A row for every three-point map of the package, alphabetical."""
    import sympy

    rows, standing, d = [], _standings(), _symbol("d")
    for kind in sorted(ThreePoint.__subclasses__(), key=lambda k: k.__name__):
        if kind.__module__ != ThreePoint.__module__:  # a user's own
            continue
        example = kind.examples()[0]
        bound = _symbolic(example, lambda m: m.bound(d))[0].bound(d)
        about = (kind.__doc__ or "").strip().splitlines()[0]
        A, B = str(sympy.nsimplify(bound.A)), str(sympy.nsimplify(bound.B))
        rows.append(
            MapRow(
                name=kind.__name__,
                example=repr(example),
                summary=about,
                A=A,
                B=B,
                standing=str(standing(example)),
                attribution=str(kind.attribution),
                source=str(kind.source),
            )
        )
    return tuple(rows)
