"""A symbolic proof as a file that `recheck_symbols.py` reads: the round, the region and formulas, no kernel text."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import sympy

from compth._types import Json
from compth.errors import Unsupported
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, STATE, Vector
from compth.studies.derivation import recheck
from compth.studies.derivation.fitting import runs_of
from compth.studies.derivation.proofs import Square, SymbolicProof
from compth.studies.derivation.recheck_symbols import Ratio
from compth.studies.derivation.regions import Formula
from compth.studies.derivation.rounds import MU, NORM, SMOOTH
from compth.worst_case.resolved import AT_X

KINDS = {GRADIENT: "gradient", MESSAGE: "message", STATE: "state"}


def described(proof: SymbolicProof, method: str) -> Json:
    """The file. Unsupported for a multiplier that the rechecker has no name for.

    Everything is rebuilt from `program` by the reader; squares, V and multipliers are candidates that it checks.
    Nothing of the kernel's or of sympy's is needed to read it.
    """
    made = _File(proof)
    assert proof.sees is not None
    assert proof.squares is not None
    name, scale, squares = proof.sees
    region = proof.region
    return {
        "method": method,
        "noisy": proof.round_.noisy,
        "several": bool(proof.model.space.worker),
        "symbols": [str(x) for x in region.symbols],
        "conditions": [{"positive": plain(c.positive), "bounds": str(c.bounds)} for c in region.conditions],
        "closed": plain(sympy.expand(proof.closed.subs(SMOOTH, 1))),
        "constants": {str(k): number(proof.values[k]) for k in proof.parameters},
        "program": made.program(),
        "v": {k: number(proof.lift(c)) for k, c in proof.v.items() if c != 0},
        "multipliers": made.multipliers(),
        "squares": {b: made.squares(found) for b, found in proof.squares.items() if found},
        "sees": {
            "name": name,
            "scale": number(scale),
            "squares": {b: made.squares(found) for b, found in squares.items() if found},
        },
        "instances": [made.instance(k) for k in range(len(proof.active))],
    }


def plain(e: sympy.Expr) -> Json:
    """A polynomial."""
    names = sorted(e.free_symbols, key=str)
    terms = sympy.Poly(e, *names).terms() if names else [((), e)]
    return {"n": [_term(c, dict(zip(map(str, names), powers, strict=True))) for powers, c in terms], "d": []}


def quotient(e: sympy.Expr) -> Json:
    """A rational formula in any symbols."""
    # The rechecker cancels nothing and needs no lowest terms: any quotient that is equal will do.
    top, bottom = sympy.fraction(sympy.together(e))
    return {"n": plain(top)["n"], "d": [[plain(bottom)["n"], 1]]}


def _term(c: sympy.Rational, powers: Mapping[str, int]) -> list[object]:
    return [str(c), {x: int(k) for x, k in powers.items() if k}]


def number(f: Formula) -> Json:
    """A formula: the numerator's terms, and the irreducible factors of the denominator with their powers."""
    # Denominators in irreducible factors: their signs on the region are then read factor by factor.
    unit, factors = f.denom.factor_list()
    names = [str(x) for x in f.field.symbols]

    def terms(p: sympy.polys.rings.PolyElement, over: Fraction = Fraction(1)) -> list[list[object]]:
        return [_term(Fraction(str(c)) / over, dict(zip(names, m, strict=True))) for m, c in p.terms()]

    return {"n": terms(f.numer, Fraction(str(unit))), "d": [[terms(g), int(k)] for g, k in factors]}


class _File:
    """The parts that need names of the rechecker.

    It unrolls the round as the rechecker does, to learn the names under which that will meet each gradient.
    """

    def __init__(self, proof: SymbolicProof) -> None:
        self.proof = proof
        self.unrolled = recheck.Unrolled({"program": self._program(self._ratio), "window": 0})

    def _ratio(self, c: sympy.Expr) -> Ratio:
        """A coefficient as the rechecker has it."""
        return Ratio.of(number(self.proof.lift(c)))

    def _program(self, read: object) -> Json:
        program = self.proof.round_.program

        def listed(v: Vector) -> list[list[object]]:
            assert callable(read)
            return [
                ["common" if scope == COMMON else "own", KINDS[kind], i, read(c)]
                for (scope, kind, i), c in v.terms.items()
            ]

        (leaf,) = program.leaves
        return {
            "server": list(program.server),
            "worker": list(program.worker),
            "ops": [{"kind": KINDS[op.kind], "argument": listed(op.argument)} for op in program.ops],
            "next": {k: listed(v) for k, v in leaf.following.items()},
        }

    def program(self) -> Json:
        """The round as the body has it, in gamma and the parameters."""
        return self._program(lambda c: quotient(sympy.sympify(c)))

    @property
    def names(self) -> dict[str, str]:
        """The model's gradients -> the rechecker's: both are named in the order in which they are met."""
        u, out = self.unrolled, dict[str, str]()
        for argument, name in self.proof.model.curved:
            # Matched by the point at which the gradient is taken, never by
            # its name, which both sides give on their own.
            at = {k.removeprefix("mean "): self._ratio(c) for k, c in argument.items()}
            for found, place in u.gradients.items():
                if {k: c for (k, _), c in place.items()} == at:
                    out[name] = found
        return out

    def squares(self, found: list[Square]) -> list[list[object]]:
        """Weights and vectors."""
        names = self.names
        return [[number(w), {names.get(k, k): number(c) for k, c in v.items()}] for w, v in found]

    def multipliers(self) -> dict[str, Json]:
        """By the rechecker's names: of ordered pairs of points; a pair's two inequalities together count for both."""
        labels = {name: f"y{k}" for k, name in enumerate(self.unrolled.gradients)}
        labels |= {name: f"x{k}" for k, name in enumerate(self.unrolled.places)}
        places = {"x*": recheck.STAR, "x": labels[AT_X], "x+": labels[self.unrolled.places[-1]]}
        out: dict[str, Json] = {}
        for name, m in self.proof.multipliers.items():
            value = self.proof.lift(m)
            if value == 0:
                continue
            if name == "interpolation":
                # coercivity is half the sum of both inequalities, so that each has half the multiplier
                ((_, gradient),) = self.proof.model.curved
                y = labels[self.names[gradient]]
                out |= {f"f({a}) >= f({b})": number(value / 2) for a, b in ((y, "x*"), ("x*", y))}
            elif name.startswith("f("):
                a, b = (t[2:-1] for t in name.split(" >= "))
                out[f"f({places[a]}) >= f({places[b]})"] = number(value)
            elif name.startswith("compression"):
                out[name] = number(value)
            else:
                raise Unsupported(f"a multiplier of {name}: recheck_symbols.py has no such inequality")
        return out

    def instance(self, k: int) -> Json:
        """The k-th active quadratic; without noise the signs of its messages and the state of its run."""
        active = self.proof.active[k]
        out: Json = {"curvature": "mu" if active.instance.curvature == MU else "L"}
        if self.proof.round_.noisy:
            return out
        out["turn"] = 1 if active.eigenvalue.real > 0 else -1
        out["signs"] = [1 if f == 1 + NORM else -1 for f in active.instance.factors]
        (run,) = runs_of(self.proof.round_, active, self.proof.model, self.proof.region, self.proof.lift)[
            "mean"
        ]
        return out | {"state": [number(run[x]) for x in self.proof.round_.program.names]}


__all__ = ["described", "number"]
