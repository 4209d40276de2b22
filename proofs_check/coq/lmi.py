"""`python -m proofs_check.coq.lmi CERT OUT`: a rational certificate of a rate as a Coq file, checked where Coq is.

CERT is a JSON file: `RateCertificate.to_dict()`, or what holds some (`compth analyse ... --json`, `refute --json`).
The file states the certificate's hypotheses as forms in inner products, and that V decreases; Lmi.v proves it from
L D L' of the certificate's matrices. That the forms are what the class of functions and compressors allows, and that
`after` is V's expectation one step later, is the model's word (`compth.worst_case.model`), not Coq's.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from .audit import Unsound, audit_library
from .build import HERE, WHITELIST, assumptions, coq_version, coqc
from .texts import NoExport
from .written import comment, identifier

Matrix = list[list[Fraction]]
Form = dict[str, Matrix]
LIBRARY = ("Compth.v", "Lmi.v")
HEAD = """From Coq Require Import Reals Lra List ZArith QArith Qreals.
From Compth Require Import Compth Lmi.
Import ListNotations.
Open Scope R_scope.
"""
TRIES, CLIMB, MARGIN, GRID = 40, 2000, 1e-3, 1 << 12


KEYS = {"rho", "scale", "v", "multipliers", "vectors", "normal", "now", "after", "known"}


def certificates_in(data: Any) -> list[dict[str, Any]]:
    """The certificates that a JSON object is or holds, in order."""
    if isinstance(data, dict) and set(data) >= KEYS:
        return [data]
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [found for part in inside for found in certificates_in(part)]


def ldl(m: Matrix) -> tuple[Matrix, list[Fraction]]:
    """(L, D) with m = L D L', L unit lower triangular; NoExport where m is not positive semidefinite."""
    size, rows = len(m), [list(row) for row in m]
    left = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    pivots = []
    for k in range(size):
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[i][k] for i in range(k + 1, size))):
            raise NoExport("a matrix of the certificate is not positive semidefinite")
        pivots.append(pivot)
        for i in range(k + 1, size):
            left[i][k] = rows[i][k] / pivot if pivot else Fraction(0)
        for i in range(k + 1, size):
            for j in range(k + 1, size):
                rows[i][j] -= left[i][k] * rows[k][j]
    return left, pivots


def q(x: Fraction) -> str:
    return f"({x.numerator} # {x.denominator})"


def listed(m: Any) -> str:
    """Nested lists of numbers."""
    return "[" + "; ".join(map(listed, m)) + "]" if isinstance(m, list) else q(m)


class Rate:
    """A certificate read for Coq."""

    def __init__(self, data: Mapping[str, Any], name: str) -> None:
        self.data, self.name = data, identifier(name)
        self.rho, self.scale = Fraction(data["rho"]), Fraction(data["scale"])
        self.v = {k: Fraction(x) for k, x in data["v"].items()}
        self.multipliers = {k: Fraction(x) for k, x in data["multipliers"].items()}
        self.now, self.after = self.forms("now"), self.forms("after")
        self.known, self.normal = self.forms("known"), self.form(data["normal"])
        if (
            set(self.v) != set(self.now)
            or set(self.v) != set(self.after)
            or set(self.multipliers) != set(self.known)
        ):
            raise NoExport("coefficients and forms have different names")
        if self.rho < 0 or self.scale <= 0 or any(m < 0 for m in self.multipliers.values()):
            raise NoExport("rho or a multiplier is negative, or scale is not positive")
        vectors = {k: list(names) for k, names in data["vectors"].items() if names}
        every = [self.normal, *self.now.values(), *self.after.values(), *self.known.values()]
        numbers = sorted({b for form in every for b in form} - set(vectors))
        self.blocks = {**vectors, **{b: [b] for b in numbers}}
        self.numbers = numbers
        for form in every:
            for block, m in form.items():
                if {len(m), *map(len, m)} != {len(self.blocks[block])}:
                    raise NoExport(
                        f"a matrix of the block {block} is not {len(self.blocks[block])} x {len(self.blocks[block])}"
                    )

    def form(self, data: Mapping[str, Any]) -> Form:
        return {block: [[Fraction(x) for x in row] for row in m] for block, m in data.items()}

    def forms(self, key: str) -> dict[str, Form]:
        return {k: self.form(f) for k, f in self.data[key].items()}

    def sum(self, terms: Sequence[tuple[Fraction, Form]], block: str) -> Matrix:
        """A combination of forms on a block."""
        size = range(len(self.blocks[block]))
        return [
            [sum((c * f[block][i][j] for c, f in terms if block in f), Fraction(0)) for j in size]
            for i in size
        ]

    def slack(self) -> list[tuple[Fraction, Form]]:
        """rho V - E V+ - sum of multipliers times what is known."""
        terms = [(self.rho * c, self.now[k]) for k, c in self.v.items()]
        terms += [(-c, self.after[k]) for k, c in self.v.items()]
        return [*terms, *((-c, self.known[k]) for k, c in self.multipliers.items())]

    def excess(self) -> list[tuple[Fraction, Form]]:
        """V - scale times the normal form."""
        return [*((c, self.now[k]) for k, c in self.v.items()), (-self.scale, self.normal)]

    def factors(self, terms: Sequence[tuple[Fraction, Form]]) -> str:
        found = [ldl(self.sum(terms, block)) for block in self.blocks]
        return "[" + ";\n    ".join(f"({listed(left)}, {listed(d)})" for left, d in found) + "]%Q"

    def whole(self, form: Form) -> str:
        """A form as Coq's lists, block by block."""
        return f"of_lists {listed([form.get(b, []) for b in self.blocks])}%Q"

    def polynomial(self, form: Form) -> str:
        """A form for readers."""
        out = []
        for block, names in self.blocks.items():
            for i, row in enumerate(form.get(block, [])):
                for j, x in enumerate(row[: i + 1]):
                    c = x if i == j else 2 * x
                    what = f"<{names[i]}, {names[j]}>" if block not in self.numbers else names[i]
                    out += [f"{c} {what}" + (" (deviation)" if block == "deviation" else "")] * bool(c)
        return " + ".join(out) or "0"

    # -- the file ---------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The whole file; NoExport where the matrices are not what they should be, or no instance is found."""
        return (
            "\n".join(
                [HEAD, *self.title(), *self.definitions(), *self.theorems(), *self.instance(), *self.end()]
            )
            + "\n"
        )

    def title(self) -> list[str]:
        data = self.data
        constants = ", ".join(f"{k} = {x}" for k, x in data.get("constants", {}).items())
        lines = [f"{data.get('method', '')}: {constants}", *data.get("assumptions", [])]
        lines += [f"{block}: {', '.join(names)}" for block, names in self.blocks.items()]
        lines += [
            "What is known of a step, >= 0:",
            *(f"  {k}: {self.polynomial(f)}" for k, f in self.known.items()),
        ]
        return ["(* " + "\n   ".join(comment(line) for line in lines) + " *)"]

    def definitions(self) -> list[str]:
        n, out = self.name, []
        for key, forms in (("now", self.now), ("after", self.after), ("known", self.known)):
            out += [
                f"Definition {n}_{key}_{k} : qform := {self.whole(f)}." for k, f in enumerate(forms.values())
            ]
        v = "; ".join(f"({q(c)}, ({n}_now_{k}, {n}_after_{k}))" for k, c in enumerate(self.v.values()))
        known = "; ".join(f"({q(self.multipliers[key])}, {n}_known_{k})" for k, key in enumerate(self.known))
        sizes = "; ".join(str(len(names)) for names in self.blocks.values())
        return [
            *out,
            f"Definition {n}_normal : qform := {self.whole(self.normal)}.",
            f"Definition {n} : certificate := {{|",
            f"  rho := {q(self.rho)}; scale := {q(self.scale)}; sizes := [{sizes}]%nat; normal := {n}_normal;",
            f"  v := [{v}]%Q;",
            f"  known := [{known}]%Q;",
            f"  decrease_factors := {self.factors(self.slack())};",
            f"  excess_factors := {self.factors(self.excess())} |}}.",
            f"Lemma {n}_checked : checked_rate {n} = true.",
            "Proof. vm_cast_no_check (eq_refl true). Qed.",
        ]

    def theorems(self) -> list[str]:
        n, at = self.name, 0
        vectors, numbers, blocks = [], [], []
        for block, names in self.blocks.items():
            shown = [f"a{at + k}" for k in range(len(names))]
            at += len(names)
            blocks.append(f"Number {shown[0]}" if block in self.numbers else f"Vectors [{'; '.join(shown)}]")
            (numbers if block in self.numbers else vectors).extend(shown)
        binders = f"({' '.join(vectors)} : V)" + f" ({' '.join(numbers)} : R)" * bool(numbers)
        given = [f"0 <= {a}" for a in numbers]
        given += [f"0 <= total {n}_known_{k} blocks" for k in range(len(self.known))]
        names = [f"positive{k}" for k in range(len(numbers))], [f"known{k}" for k in range(len(self.known))]
        cases = [
            f"    destruct inside as [E | inside]; [injection E as _ E; subst form; exact {k} |]."
            for k in names[1]
        ]
        return [
            "",
            f"Theorem {n}_decreases {{H : Space}} {binders} :",
            f"  let blocks := [{'; '.join(blocks)}] in",
            *(f"  {g} ->" for g in given),
            f"  weighted (after {n}) blocks <= Q2R {q(self.rho)} * weighted (now {n}) blocks /\\",
            f"  Q2R {q(self.scale)} * total {n}_normal blocks <= weighted (now {n}) blocks.",
            "Proof.",
            f"  intros blocks {' '.join(names[0] + names[1])}; apply (decrease {n} blocks {n}_checked).",
            "  split; [reflexivity | split].",
            f"  - intro b; do {len(self.blocks)} (destruct b as [| b]; [simpl; auto; assumption |]).",
            "    destruct b; simpl; lra.",
            f"  - intros m form inside; cbn [In known {n}] in inside.",
            *cases,
            "    contradiction.",
            "Qed.",
            f"Theorem {n}_run {{H : Space}} (blocks : nat -> list block) (steps : nat) :",
            f"  (forall step, (step < steps)%nat -> holds {n} (blocks step) /\\",
            f"    weighted (now {n}) (blocks (S step)) = weighted (after {n}) (blocks step)) ->",
            f"  weighted (now {n}) (blocks steps) <= Q2R {q(self.rho)} ^ steps * weighted (now {n}) (blocks O).",
            f"Proof. exact (rate {n} blocks steps {n}_checked). Qed.",
        ]

    def instance(self) -> list[str]:
        n, found = self.name, self.found()
        blocks = []
        for block, values in found.items():
            blocks.append(
                f"QNumber {q(values[0])}" if block in self.numbers else f"QVectors {listed(values)}"
            )
        return [
            "",
            "(* Vectors on a line that meet what is assumed; V does not vanish there. *)",
            f"Definition {n}_there : list qblock := [{'; '.join(blocks)}]%Q.",
            f"Example {n}_instance : holds (H := line) {n} (map real {n}_there).",
            "Proof. apply line_instance; vm_cast_no_check (eq_refl true). Qed.",
        ]

    def end(self) -> list[str]:
        names = ", ".join(f"@{self.name}_{k}" for k in ("decreases", "run", "instance"))
        return ["", f"Definition all_of_it := ({names}).", "Print Assumptions all_of_it."]

    # -- an instance ------------------------------------------------------------------------------------------

    def at(self, form: Form, values: Mapping[str, list[Any]]) -> Any:
        """A form's value for vectors on a line."""
        total: Any = 0
        for block, m in form.items():
            x = values[block]
            if block in self.numbers:
                total += m[0][0] * x[0]
            else:
                total += sum(c * x[i] * x[j] for i, row in enumerate(m) for j, c in enumerate(row) if c)
        return total

    def found(self) -> dict[str, list[Fraction]]:
        """Rational values at which all that is known holds and V > 0, by climbing from seeded starts."""
        draw = np.random.default_rng(0)
        for _ in range(TRIES):
            exact = self.split(self.climbed(draw))
            v = sum((c * self.at(self.now[k], exact) for k, c in self.v.items()), Fraction(0))
            if v > 0 and all(self.at(f, exact) >= 0 for f in self.known.values()):
                return exact
        raise NoExport("no instance was found that meets the hypotheses")

    def split(self, point: Any) -> dict[str, list[Fraction]]:
        """Block by block, in Fractions; a number >= 0 is the square of its coordinate."""
        exact, out, at = [Fraction(round(x * GRID), GRID) for x in point], {}, 0
        for block, names in self.blocks.items():
            values = exact[at : at + len(names)]
            out[block] = [x * x for x in values] if block in self.numbers else values
            at += len(names)
        return out

    def climbed(self, draw: np.random.Generator) -> Any:
        """A point that is improved at random until every known form, scaled, is positive by some margin."""
        forms = np.array([self.matrix(f) for f in self.known.values()])
        forms = forms / np.maximum(np.abs(forms).max(axis=(1, 2), initial=0), 1e-300)[:, None, None]
        point = draw.normal(size=sum(map(len, self.blocks.values())))
        best = np.min(point @ forms @ point, initial=np.inf)
        for step in range(CLIMB):
            if best > MARGIN:
                break
            other = point + draw.normal(size=len(point)) * 0.5 ** (1 + 5 * step / CLIMB)
            score = np.min(other @ forms @ other, initial=np.inf)
            if score > best:
                point, best = other, score
        return point

    def matrix(self, form: Form) -> Any:
        """A form's blocks along the diagonal of one matrix."""
        sizes = [len(names) for names in self.blocks.values()]
        out, at = np.zeros((sum(sizes), sum(sizes))), 0
        for block, size in zip(self.blocks, sizes, strict=True):
            if block in form:
                out[at : at + size, at : at + size] = [[float(x) for x in row] for row in form[block]]
            at += size
        return out


def written(data: Mapping[str, Any], out: Path, name: str) -> str:
    """Writes the library and a certificate's file; its module's name."""
    rate = Rate(data, name)
    out.mkdir(parents=True, exist_ok=True)
    for file in LIBRARY:
        text = (HERE / file).read_text(encoding="utf-8")
        audit_library(file, text)
        (out / file).write_text(text, encoding="utf-8")
    (out / f"{rate.name}.v").write_text(rate.text(), encoding="utf-8")
    return rate.name


def checked(out: Path, name: str) -> str:
    """What Coq objects to: "" when it accepts the file with the axioms of its real numbers alone."""
    for file in (*LIBRARY, f"{name}.v"):
        printed, error = coqc(out, file.removesuffix(".v"))
        if error:
            return f"{file}: {error}"
    found = {axiom for block in assumptions(printed) for axiom in block}
    return f"assumes {', '.join(sorted(found - WHITELIST))}" if found - WHITELIST else ""


def main(arguments: Sequence[str]) -> int:
    """0 when Coq accepts, 1 when it does not, 2 without Coq or where CERT is none."""
    parser = argparse.ArgumentParser(prog="proofs_check.coq.lmi", description=__doc__)
    parser.add_argument("cert", type=Path, help="a JSON file with a rational certificate")
    parser.add_argument("out", type=Path, help="the folder for the files")
    options = parser.parse_args(list(arguments))
    stem = "rate_" + re.sub(r"\W", "_", options.cert.stem)
    try:
        found = certificates_in(json.loads(options.cert.read_text(encoding="utf-8")))
        if not found:
            raise NoExport("it holds no rational certificate (rho, v, multipliers, known forms ...)")
        names = [written(data, options.out, f"{stem}_{k}") for k, data in enumerate(found, start=1)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NoExport, Unsound) as objection:
        print(f"proofs_check.coq.lmi: error: {options.cert}: {objection}", file=sys.stderr)
        return 2
    if not coq_version():
        print(f"{len(names)} files are written; there is no coqc on the path to check them", file=sys.stderr)
        return 2
    objections = [
        told(name, data, checked(options.out, name)) for name, data in zip(names, found, strict=True)
    ]
    return int(any(objections))


def told(name: str, data: Mapping[str, Any], objection: str) -> str:
    """Prints what came of a certificate's file."""
    rho = Fraction(data["rho"])
    print(f"{name}: {objection or f'checked by Coq {coq_version()}: E V+ <= rho V, rho = {float(rho):.9g}'}")
    return objection


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
