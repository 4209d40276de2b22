"""What an object may claim, as values: each claim is a set of inequalities in E C(x) and E||C(x)||^2.

One engine serves all: `claim.margins(x, mean, second)` returns inequalities `value <= bound`; the certifier,
the tests and the adversary read nothing else. The constants may be int, float, Fraction or sympy symbols.

A new class of compressors is a frozen dataclass here: its constants are its fields, its inequalities are `margins`.
What must not change: `margins` is the only statement of a claim (proofs read their quadratic forms off it, scripts
carry its lines), the names of margins (tests of rounding and of samples know them), and that no claim says of itself
that it is PROVED: `standing` asks the index of passing proofs, and the object that made the claim.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache, wraps
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeVar, Union, cast

from compth._numbers import Number, is_symbolic, plain
from compth._own import ROOT, altered, different, foreign, stranger
from compth._shown import Shown
from compth.errors import InvalidParameter
from compth.sources import COMPTH, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from compth._types import Json, Numbers


C = TypeVar("C", bound="Claim")
Vector = Union[Sequence[Number], "Numbers"]  # quoted: numpy is not imported for claims alone
"""An input, or a mean: floats in an array, exact numbers in a list."""


class Sharpness(StrEnum):
    """TIGHT: the constant is the supremum (attained or not). UPPER: a valid bound, possibly loose."""

    TIGHT = "tight"
    UPPER = "upper"


class Standing(StrEnum):
    """How sure the formula is. PROVED is read from the index of passing proofs. ASSUMED: a user typed it."""

    PROVED = "PROVED"
    DERIVED = "DERIVED"
    CITED = "CITED"
    CONJECTURE = "CONJECTURE"
    ASSUMED = "ASSUMED"


class Attribution(StrEnum):
    """Where the formula comes from: READ in the paper, CODE (authors' code or slides), RECALLED, OURS."""

    READ = "READ"
    CODE = "CODE"
    RECALLED = "RECALLED"
    OURS = "OURS"


HASHED = {
    "kernel": ("kernel.py", "axioms.py"),
    "guard": ("guard.py", "roles.py", "survival.py"),
    "models": ("models.py",),
}
"""The files that the proofs of the index were checked by: `proofs_check.recheck` has the same list."""


_open = open
"""Files are opened by the function that was there at the import: tests and notebooks replace the name."""


def _held(folder: str, name: str) -> bytes:
    """A file's bytes; none where there is no such file."""
    try:
        with _open(folder + name, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _listed(name: str) -> frozenset[str]:
    """A list of the index of passing proofs: written by `python -m proofs_check`, shipped with the package.

    Nothing of an index that was edited, or that another kernel made, nor while something of the package is replaced.
    """
    text = _held(ROOT, "_proved.json")
    return frozenset() if altered() or not text else _entries(json.loads(text), name, ROOT)


def _entries(index: Json, name: str, folder: str = ROOT) -> frozenset[str]:
    """A list of an index that is whole and made by this kernel, else nothing."""
    # The index seals itself: its last entry is the digest of all others, and it names the digests of the
    # kernel that made it. An edited entry, or a kernel that accepts more, empties the whole index rather than
    # a line of it.
    rest = {k: v for k, v in index.items() if k != "index"}
    whole = index.get("index") == _digest(json.dumps(rest, sort_keys=True).encode())
    return frozenset(rest.get(name, ())) if whole and _same_kernel(rest, folder) else frozenset()


def _same_kernel(index: Mapping[str, object], folder: str) -> bool:
    """True when the kernel, its guard and models are those that the index was made with."""
    return all(
        index.get(part) == _digest(b"".join(_held(folder, f"proof/{f}") for f in files))
        for part, files in HASHED.items()
    )


def _digest(data: bytes) -> str:
    """SHA-256, as the index and the record of Coq write it."""
    return hashlib.sha256(data).hexdigest()


@cache
def proved_index() -> frozenset[str]:
    """Ids of the statements whose proofs pass."""
    return _listed("proved")


@cache
def stated_index() -> frozenset[str]:
    """ "theorem proof fingerprint", of each theorem of the catalogue as it was when its proof was made."""
    return _listed("stated")


@cache
def attained_index() -> frozenset[str]:
    """Those with a statement that the bound is attained: equality on a named instance, or at every input."""
    return _listed("attained")


COQ_REALS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
    }
)
"""The axioms of Coq's real numbers: what its standard library itself assumes."""


@cache
def coq_index() -> frozenset[str]:
    """Ids of the theorems all of whose statements, as proved now, a stored run of Coq has checked (`make coq`).

    A record that was edited, or made with other statements or certificates than the index lists, says nothing, nor does
    an entry that coqchk did not agree with or that assumes more than Coq's reals do. Where a statement has a run, Coq
    has checked one step and k steps of it.
    """
    return frozenset() if altered() else checked_by_coq(ROOT)


def checked_by_coq(folder: str) -> frozenset[str]:
    """What the record in a folder says beside the index there, which must be as it was written."""
    texts = [_held(folder, name) for name in ("_proved.json", "_coq.json")]
    if not all(texts):
        return frozenset()
    # A record speaks of the statements and certificates as they were: where a proof was changed since, Coq
    # has checked something else, and the theorem counts as unchecked until it is run again.
    index, record = map(json.loads, texts)
    body = json.dumps({k: v for k, v in record.items() if k != "record"}, sort_keys=True)
    if record.get("record") != _digest(body.encode()):
        return frozenset()
    known = _entries(index, "proved", folder)
    return frozenset(
        name
        for name, found in record["theorems"].items()
        if name in known
        and set(found["axioms"]) <= COQ_REALS
        and found["statements"] == index["proved"].get(name)
        and found["certificate"] == index["sealed"].get(name)
        and found["checked"] == len(found["statements"])
        and found["coqchk"] == "agrees"
    )


class Stated(Protocol):
    """A claim, theorem or map, and what it declares of its own formula."""

    @property
    def sharpness(self) -> Sharpness: ...
    @property
    def declared(self) -> Standing: ...
    @property
    def proof(self) -> str: ...


class Issuer(Protocol):
    """An object that makes claims, at a dimension (a fleet: at a number of workers and a dimension)."""

    def claims(self, *sizes: Number, **named: Number) -> tuple[Claim, ...]: ...
    def why_not(self, *sizes: Number) -> str: ...


def how_sharp(thing: Stated) -> str:
    """The sharpness of a claim or theorem in words: "tight" is plain only where its proof covers attainment.

    A constant whose bound alone is proved is attained in tests; what a user calls tight is their word.
    """
    if thing.sharpness is Sharpness.UPPER:
        return Sharpness.UPPER.value
    standing = shown(thing)
    if standing is Standing.PROVED and thing.proof not in attained_index():
        return "tight: bound proved, attained in tests"
    return {Standing.PROVED: "tight", Standing.ASSUMED: "tight: assumed"}.get(standing, "tight: in tests")


def rule_proof(rule: str, *members: Claim) -> str:
    """The proof of a rule for claims made from others: only where these are PROVED themselves, else ""."""
    return rule if all(c.issued and c.proof in proved_index() for c in members) else ""


def standing_of(proof: str, otherwise: Standing, owner: object = None) -> Standing:
    """PROVED when the id is in the index of passing proofs, else `otherwise`; ASSUMED unless the owner is our own code.

    owner: the object that the statement speaks of, None for a formula of the package that the caller just evaluated.
    """
    if foreign(owner):
        return Standing.ASSUMED
    return Standing.PROVED if proof and proof in proved_index() else otherwise


def shown(thing: object) -> Standing:
    """The standing of a claim, theorem or map as lists and pages show it: never PROVED by code that is not ours."""
    return Standing.ASSUMED if altered() else sure(thing)


def sure(thing: object) -> Standing:
    """As `shown`, of a package in which nothing was replaced since its import: for inner steps."""
    # A claim is believed where an object of the package makes it again now; a theorem where its class is the
    # package's own. The words `declared` and `proof` on an object are read only after that: anybody can write
    # them.
    whole = not different(thing) and (thing.issued if isinstance(thing, Claim) else not stranger(thing))
    if not whole:
        return Standing.ASSUMED
    stated = cast("Stated", thing)
    return Standing.PROVED if rests(stated) else stated.declared


def rests(stated: Stated) -> bool:
    """True where its proof passes, and was made of these formulas where a theorem says by `statement` what they are.

    `proof` is a typed name: another theorem's proof under it proves nothing of this one.
    """
    if stated.proof not in proved_index():
        return False
    said = getattr(stated, "statement", None)
    # one that is made for a method shows its closed form at the very constants of a run
    return said is None or getattr(stated, "derived", False) or said() in stated_index()


def issued(formulas: Callable[..., tuple[C, ...]]) -> Callable[..., tuple[C, ...]]:
    """`claims(self, ...)` of an object, its claims marked with the object and the sizes that they were asked for."""

    @wraps(formulas)
    def claims(self: object, *sizes: tuple[int, ...], **named: object) -> tuple[C, ...]:
        # The claim remembers who made it and at which sizes, as plain numbers, so that `Claim.issued` can ask
        # again: a claim that was typed, or changed since, has no issuer that repeats it.
        sizes, named = plain(sizes), {k: plain(v) for k, v in named.items()}
        made = formulas(self, *sizes, **named)
        if not isinstance(made, tuple | list) or not all(isinstance(c, Claim) for c in made):
            said = f"{type(self).__name__}.claims() gives {made!r}"
            raise InvalidParameter(f"{said[:200]}: return a tuple of claims, as in (Unbiased(omega=2),)")
        marked = tuple(map(copy, made))
        for c in marked:
            object.__setattr__(c, "_issuer", (self, sizes, named))
        return marked

    return claims


def _elsewhere(issuer: Issuer, sizes: tuple[object, ...]) -> bool:
    """True where an object has no meaning at these sizes, so that it claims nothing there."""
    numbers = [s for s in sizes if not is_symbolic(s)]
    if any(type(s) is not int or s < 1 for s in numbers):
        return True
    return len(numbers) == len(sizes) and bool(issuer.why_not(*sizes))


def strange_claim(claim: Claim) -> str:
    """ "" for a claim whose inequalities are the package's and whose constants are plain numbers; else what is not.

    Proofs speak of the package's inequalities alone: a quadratic form is read off them, and they are what is printed.
    """
    return different(claim) or next((s for v in claim.constants.values() if (s := stranger(v))), "")


class Margin(NamedTuple):
    """One inequality `value <= bound` of a claim, at one input."""

    name: str
    value: Number
    bound: Number

    @property
    def slack(self) -> Number:
        """bound - value: negative where the claim is violated."""
        return self.bound - self.value


def dot(a: Vector, b: Vector) -> Number:
    """<a, b> for sequences of any number type (exact for Fractions)."""
    # numpy's own product for floats, which is fast; a plain sum else, in which Fractions and symbols stay
    # exact.
    if all(str(getattr(v, "dtype", "")) == "float64" for v in (a, b)):
        value: Number = cast("Numbers", a).dot(cast("Numbers", b))
        return value
    return sum((u * v for u, v in zip(a, b, strict=True)), start=0)


@dataclass(frozen=True, kw_only=True)
class Claim(Shown, ABC):
    """A statement about one compressor (or a fleet) for all inputs of its domain.

    Attributes
    ----------
    source, attribution : where the constant comes from.
    sharpness : TIGHT (the supremum) or UPPER.
    declared : the standing when no machine-checked proof is in the index.
    proof : id of the proofs_check statement, "" for none.
    domain : the inputs it speaks of, in words; "all x" means every real vector.
    name : label where one object carries several constants of one kind ("textbook", "sharp").
    """

    source: Source = COMPTH
    attribution: Attribution = Attribution.OURS
    sharpness: Sharpness = Sharpness.UPPER
    declared: Standing = Standing.DERIVED
    proof: str = ""
    domain: str = "all x"
    name: str = ""

    @property
    def issued(self) -> bool:
        """True when an object of the package, of its own code throughout, makes this very claim: it is asked again."""
        issuer, sizes, named = getattr(self, "_issuer", (None, (), {}))
        # Asked now, not remembered: an object that was changed since makes other claims, and this one is then
        # nobody's.
        if issuer is None or stranger((self, *sizes, *named.values())):
            return False
        if _elsewhere(issuer, (*sizes, *named.values())):
            return False
        return any(type(c) is type(self) and c == self for c in issuer.claims(*sizes, **named))

    @property
    def standing(self) -> Standing:
        """PROVED when its proof is in the shipped index and an unmodified object of the package makes this claim.

        What the package declares where there is no proof; ASSUMED for a claim that anybody else made or changed.
        """
        if altered() or not self.issued:
            return Standing.ASSUMED
        return Standing.PROVED if self.proof in proved_index() else self.declared

    @property
    def constants(self) -> dict[str, Number]:
        """The claim's own numbers by name, in the field's notation."""
        # The fields that a subclass adds to Claim's are its constants, in their order.
        base = {f.name for f in fields(Claim)}
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in base}

    @abstractmethod
    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        """The claim's inequalities at input x, from mean = E C(x) and second = E||C(x)||^2."""

    @property
    def relative(self) -> bool:
        """True when both sides scale as ||x||^2, so that C(0) = 0 is implied."""
        return True

    def unit(self, x: Vector) -> tuple[Number, str]:
        """What the constants multiply at x, and how that is written; 1 and "" for absolute claims."""
        return (dot(x, x), " ||x||^2") if self.relative else (1, "")

    @property
    def quadratic(self) -> bool:
        """True when the bounds are quadratic forms of x: then a program that is linear on every path has proofs."""
        return True

    def __str__(self) -> str:
        inside = ", ".join(f"{k}={_short(v)}" for k, v in self.constants.items())
        return f"{type(self).__name__}({inside})"

    def with_constants(self, **values: Number) -> Self:
        """The same claim with other constants."""
        return replace(self, **values)


def _short(v: Number) -> str:
    """A constant in a claim's text."""
    return f"{v:.6g}" if isinstance(v, float) else str(v)


def _error(x: Vector, mean: Vector, second: Number) -> Number:
    """E||C(x) - x||^2 from the first moment and E||C(x)||^2."""
    # E||y - x||^2 = E||y||^2 - 2 <E y, x> + ||x||^2: two moments say it for every claim. In floats the terms
    # cancel where the error is small, so the referee puts a directly summed error in its place.
    return second - 2 * dot(mean, x) + dot(x, x)


def _bias(x: Vector, mean: Vector) -> Margin:
    """||E C(x) - x||^2 <= 0: no bias."""
    arrays = hasattr(mean, "dtype") and hasattr(x, "dtype")
    gap: Vector = (
        cast("Numbers", mean) - cast("Numbers", x)
        if arrays
        else [m - v for m, v in zip(mean, x, strict=True)]
    )
    return Margin("||E C(x) - x||^2", dot(gap, gap), 0)


@dataclass(frozen=True)
class Unbiased(Claim):
    """E C(x) = x and E||C(x) - x||^2 <= omega ||x||^2; omega = 0 is the identity.

    omega is the relative variance: 0 for the identity, d/k - 1 for RandK; E||C(x)||^2 <= (1 + omega) ||x||^2.
    """

    omega: Number

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        return (
            _bias(x, mean),
            Margin("E||C(x)-x||^2", _error(x, mean, second), self.omega * dot(x, x)),
        )


@dataclass(frozen=True)
class Contractive(Claim):
    """E||C(x) - x||^2 <= (1 - delta) ||x||^2 with 0 < delta <= 1; delta = 1 is the identity."""

    delta: Number

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        return (Margin("E||C(x)-x||^2", _error(x, mean, second), (1 - self.delta) * dot(x, x)),)


@dataclass(frozen=True)
class BiasVariance(Claim):
    """||E C(x) - x|| <= eta ||x|| and E||C(x) - E C(x)||^2 <= omega ||x||^2 (EF-BV's class)."""

    eta: Number
    omega: Number

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        xx = dot(x, x)
        return (
            # Squared on both sides: margins are polynomials in the moments, so that exact numbers and
            # quadratic forms pass through.
            _bias(x, mean)._replace(bound=self.eta * self.eta * xx),
            Margin("E||C(x)-E C(x)||^2", second - dot(mean, mean), self.omega * xx),
        )


@dataclass(frozen=True)
class AbsoluteError(Claim):
    """E||C(x) - x||^2 <= Delta^2, Delta in the units of x: rounding to a grid is of this class."""

    Delta: Number

    @property
    def relative(self) -> bool:
        return False

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        return (Margin("E||C(x)-x||^2", _error(x, mean, second), self.Delta * self.Delta),)


@dataclass(frozen=True)
class RelativeAbsoluteError(Claim):
    """E||C(x) - x||^2 <= (1 - delta) ||x||^2 + Delta^2, 0 < delta <= 1, Delta in the units of x.

    Formats with subnormal numbers, and quantisers whose scale has an eps, are of this class and of no smaller one.
    """

    delta: Number
    Delta: Number

    @property
    def relative(self) -> bool:
        return False

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        bound = (1 - self.delta) * dot(x, x) + self.Delta * self.Delta
        return (Margin("E||C(x)-x||^2", _error(x, mean, second), bound),)


@dataclass(frozen=True)
class MaxNormError(Claim):
    """E||C(x) - x||^2 <= c d ||x||_inf^2, c >= 0: rounding on a grid that follows the largest entry (int8, MX)."""

    c: Number

    @property
    def quadratic(self) -> bool:
        return False

    def unit(self, x: Vector) -> tuple[Number, str]:
        return len(x) * max(abs(v) for v in x) ** 2, " d ||x||_inf^2"

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        largest = max(abs(v) for v in x)
        return (Margin("E||C(x)-x||^2", _error(x, mean, second), self.c * len(x) * largest * largest),)


@dataclass(frozen=True)
class B1(Claim):
    """alpha ||x||^2 <= E||C(x)||^2 <= beta <E C(x), x>  (class B1 of Beznosikov et al.)."""

    alpha: Number
    beta: Number

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        return (
            Margin("alpha||x||^2", self.alpha * dot(x, x), second),
            Margin("E||C(x)||^2", second, self.beta * dot(mean, x)),
        )


@dataclass(frozen=True)
class B2(Claim):
    """max{gamma ||x||^2, E||C(x)||^2 / beta} <= <E C(x), x>  (class B2 of Beznosikov et al.)."""

    gamma: Number
    beta: Number

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        xc = dot(mean, x)
        return (
            Margin("gamma||x||^2", self.gamma * dot(x, x), xc),
            Margin("E||C(x)||^2", second, self.beta * xc),
        )


def selection_claims(
    delta: Number,
    *,
    proof: str = "classes.selection",
    sharpness: Sharpness = Sharpness.UPPER,
    source: Source = COMPTH,
    attribution: Attribution = Attribution.OURS,
) -> tuple[B1, B2]:
    """B1(delta, 1) and B2(delta, 1) of a contraction with <C(x), x> = ||C(x)||^2: kept entries, projections."""
    # With <C(x), x> = ||C(x)||^2 the error is ||x||^2 - ||C(x)||^2, so contraction by delta says ||C(x)||^2
    # >= delta ||x||^2: the lower inequality of both classes with alpha = gamma = delta, and the upper one is
    # an equality with beta = 1.
    return (
        B1(delta, 1, proof=proof, sharpness=sharpness, source=source, attribution=attribution),
        B2(delta, 1, proof=proof, sharpness=sharpness, source=source, attribution=attribution),
    )


def _of_fleet(x: Vector, d: int, n: int) -> tuple[list[Number], Number]:
    """(abar, mean||a_i||^2) of the flattened (n, d) input."""
    rows = [list(x[i * d : (i + 1) * d]) for i in range(n)]
    # Column by column, starting from the first entry: an exact sum stays exact, and a symbol is not added to
    # a float 0.
    bar = [sum(column[1:], start=column[0]) / n for column in zip(*rows, strict=True)]
    return bar, sum((dot(r, r) for r in rows), start=0) / n


@dataclass(frozen=True)
class JointVariance(Claim):
    """E (1/n) sum C_i(a_i) = abar and E||(1/n) sum C_i(a_i) - abar||^2 <= A mean||a_i||^2 - B ||abar||^2.

    A claim about a fleet: `x` is the flattened (n, d) input a, `mean` the (d,) mean of the average message and
    `second` its second moment E||(1/n) sum C_i(a_i)||^2. Independent members of variance omega: A = omega/n, B = 0.
    """

    A: Number
    B: Number
    n: int = field(default=1)

    def unit(self, x: Vector) -> tuple[Number, str]:
        return dot(x, x) / self.n, " mean||a_i||^2"

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        # The average message is one random vector with the target abar: the fleet's claim is one about its
        # two moments.
        bar, norms = _of_fleet(x, len(mean), self.n)
        return (
            _bias(bar, mean),
            Margin(
                "E||mean C_i(a_i) - abar||^2",
                _error(bar, mean, second),
                self.A * norms - self.B * dot(bar, bar),
            ),
        )


@dataclass(frozen=True)
class JointContractive(Claim):
    """E||(1/n) sum C_i(a_i) - abar||^2 <= (1 - delta) mean||a_i||^2, 0 < delta <= 1: what n workers do, biased or not.

    As in JointVariance `x` is the flattened (n, d) input. Members that are Contractive(delta), however dependent, are
    of this class, by convexity; a leader's or a vote's choice for all may be where its members are not.
    """

    delta: Number
    n: int = field(default=1)

    def unit(self, x: Vector) -> tuple[Number, str]:
        return dot(x, x) / self.n, " mean||a_i||^2"

    def margins(self, x: Vector, mean: Vector, second: Number) -> tuple[Margin, ...]:
        bar, norms = _of_fleet(x, len(mean), self.n)
        error = _error(bar, mean, second)
        return (Margin("E||mean C_i(a_i) - abar||^2", error, (1 - self.delta) * norms),)


JOINT = (JointVariance, JointContractive)
"""Claims about what n workers send together."""


class ThreePointBound(NamedTuple):
    """E||C_{h,y}(x) - x||^2 <= (1 - A) ||h - y||^2 + B ||x - y||^2 (a three-point compressor's constants)."""

    A: Number
    B: Number
