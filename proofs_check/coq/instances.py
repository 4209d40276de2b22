"""A stored witness as a model of Model.v, in which a part's hypotheses are shown to hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from compth.proof.models import Model

from .texts import Deep, coq_name, written
from .written import conjunction

if TYPE_CHECKING:
    from .export import Part


def rational(value: Any) -> str:
    """Numbers and nested lists of numbers in the scope of Q."""
    if isinstance(value, list) and len(value) > 1 and all(v == value[0] for v in value):
        return f"(repeat {rational(value[0])} {len(value)}%nat)"
    if isinstance(value, list):
        return "[" + "; ".join(map(rational, value)) + "]"
    return f"({value.numerator} # {value.denominator})"


class Instance:
    """What a part assumes, at a witness."""

    def __init__(self, part: Part, witness: dict[str, Any]) -> None:
        self.part, self.reader, self.name = part, part.reader, part.name
        self.model = Model(json.dumps(part.statement), witness)

    def cells(self) -> str:
        """For t = 1, 2, ... the cell of each outcome."""
        levels = []
        for partition in self.model.cells:
            where = {int(w): k for k, cell in enumerate(partition) for w in cell}
            levels.append("[" + "; ".join(str(where[w]) for w in range(len(self.model.prob))) + "]")
        return "[" + "; ".join(levels) + "]"

    def live(self) -> list[tuple[str, Deep]]:
        """(shown, as data) of what is positive here: vectors that do not vanish, draws that are random."""
        out = []
        for i, name in enumerate(self.reader.vectors):
            if self.model.inner(self.model.names[name], self.model.names[name]):
                out.append((f"sq {coq_name(name)}", ("SSq", ("VA", i))))
            mean = self.part.mean(name)
            if mean:
                out.append((f"sq (sub {coq_name(name)} {mean[1]})", ("SSq", ("VSub", ("VA", i), mean[2]))))
        return out

    def values(self) -> list[str]:
        """The statement's names with their values."""
        kinds = [(self.reader.scalars, self.number), (self.reader.operators, self.operator)]
        kinds.append((self.reader.vectors, self.vector))
        return [f"let {coq_name(v)} := {value(v)} in" for names, value in kinds for v in names]

    def vector(self, name: str) -> str:
        return f"embed (entries {self.name}_at_{name})"

    def number(self, name: str) -> str:
        return f"Q2R {rational(self.model.names[name])}"

    def operator(self, name: str) -> str:
        return f"apply_matrices {self.name}_model {self.name}_at_{name}"

    def lines(self) -> list[str]:
        """The model, the values, and the example that the hypotheses hold there."""
        n, live = self.name, self.live()
        prob, workers = rational(self.model.prob), self.model.workers
        base = rational([self.model.names[s] for s in self.reader.scalars])
        out = ["", "(* Numbers and vectors that meet what is assumed; none of the vectors below vanishes. *)"]
        out += [f"Definition {n}_model : rational := {{|", f"  q_prob := {prob}%Q; q_workers := {workers};"]
        out += [f"  q_dim := {self.model.dim}; q_cells := {self.cells()}%nat |}}."]
        for name in (*self.reader.vectors, *self.reader.operators):
            out.append(f"Definition {n}_at_{name} := {rational(self.model.names[name])}%Q.")
        tables = "; ".join(f"{n}_at_{v}" for v in self.reader.vectors)
        mats = "; ".join(f"{n}_at_{v}" for v in self.reader.operators)
        out.append(
            f"Definition {n}_divisors : list sx := [{'; '.join(map(written, self.reader.divisors))}]%nat."
        )
        positive = [f"Rel KLt (SC 0) {written(deep)}" for _, deep in live]
        out.append(f"Definition {n}_live : list rel := [{'; '.join(positive)}]%nat.")
        out += [f"Lemma {n}_valid : valid {n}_model = true.", "Proof. vm_cast_no_check (eq_refl true). Qed."]
        out += self.alive([shown for shown, _ in live])
        out += [f"Example {n}_instance : let H := space (model {n}_model {n}_valid) in"]
        out += [f"  {value}" for value in self.values()]
        claims = [f"{n}_assumed {self.part.arguments()}", *(f"0 < {shown}" for shown, _ in live)]
        out += ["  " + " /\\\n  ".join(claims) + ".", "Proof."]
        out += [f"  destruct (instance_ok {n}_model {n}_valid [{tables}] [{mats}] {base}%Q {n}_divisors"]
        out += [f"    {n}_infos {n}_ops ({n}_facts ++ {n}_live) ltac:(vm_cast_no_check (eq_refl true)))"]
        out += [
            "    as (declared & operated & hold); apply all_hold_split in hold; destruct hold as [given live]."
        ]
        names = " ".join(["H", *self.part.arguments().split()])
        arguments = self.part.arguments()
        whole = f"proj1 ({n}_means {arguments}) (conj declared (conj operated given))"
        whole = f"conj ({whole}) ({n}_alive {arguments} live)" if live else whole
        return [*out, f"  intros {names}.", f"  exact ({whole}).", "Qed."]

    def alive(self, live: list[str]) -> list[str]:
        """The lemma that the data say that these vectors do not vanish."""
        if not live:
            return []
        n, names = self.name, [f"live{k}" for k in range(len(live))]
        out = [f"Lemma {n}_alive {{H : Space}} {self.part.binders()} :"]
        out += [
            f"  all_hold {self.part.lists()} {n}_live ->",
            "  " + " /\\ ".join(f"0 < {v}" for v in live) + ".",
        ]
        proof = f"Proof. intros ({' & '.join([*names, '_'])}); exact {conjunction(names)}. Qed."
        return [*out, proof]
