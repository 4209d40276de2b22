"""A part's run: the statement for k steps, from the part's one step by the run lemma of Compth.v.

What moves and what is drawn at each step become sequences; what is fixed over the run, parameters and operators of
level 0 stay as they are. Step t begins at the time `clock t`: there the part's assumptions hold in the space seen from
that time. No more is assumed than that, and that each state is the one that the step before leads to.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from compth.proof.kernel import read

from .texts import NoExport, coq_name

if TYPE_CHECKING:
    from .export import Part

OWN = {"step", "steps", "clock", "held", "moved", "inside"}  # the words of a run


class Run:
    """The k steps of a part."""

    def __init__(self, part: Part) -> None:
        self.part, self.reader, self.theory = part, part.reader, part.theory
        self.run: dict[str, str] = {k: v for k, v in part.statement["run"].items() if k != "next"}
        self.moves: dict[str, str] = part.statement["run"]["next"]
        levels = {v: part.op_levels[k] for k, v in enumerate(self.reader.operators, start=1)}
        fixed = {*self.run["fixed"].split(), *self.theory.params, *(v for v in levels if levels[v] == 0)}
        self.groups = [
            (self.reader.scalars, "R"),
            (self.reader.operators, "V -> V"),
            (self.reader.vectors, "V"),
        ]
        self.names = [v for names, _ in self.groups for v in names]
        self.each = [v for v in self.names if v not in fixed]
        if OWN & set(map(coq_name, self.names)):
            raise NoExport(f"a run's word as a name: {', '.join(sorted(OWN & set(self.names)))}")

    def binders(self) -> str:
        """The fixed names as they are, the others as sequences, the times at which steps begin, how many there are."""
        out = []
        for names, kind in self.groups:
            still = [coq_name(v) for v in names if v not in self.each]
            moving = [coq_name(v) for v in names if v in self.each]
            out += [f"({' '.join(still)} : {kind})"] * bool(still)
            out += [f"({' '.join(moving)} : nat -> {kind})"] * bool(moving)
        return " ".join([*out, "(clock : nat -> nat) (steps : nat)"])

    def spelled(self, at: str) -> dict[str, str]:
        """How the names that change are shown at a step."""
        return {v: f"({coq_name(v)} {at})" for v in self.each}

    def arguments(self, at: str) -> str:
        """The part's arguments at a step."""
        spelled = self.spelled(at)
        return " ".join(spelled.get(v, coq_name(v)) for v in self.names)

    def shown(self, text: str, at: str) -> str:
        """A number of the run at a step."""
        return self.reader.spelled_as(self.spelled(at), read(text, self.theory.env), vector=False)

    def following(self, name: str, at: str) -> str:
        """The state after a step."""
        node: ast.expr = read(self.moves[name], self.theory.env)
        return self.reader.spelled_as(self.spelled(at), node, vector=name in self.reader.vectors)

    def claim(self) -> str:
        """What is shown of k steps."""
        rate, noise = self.shown(self.run["rate"], "step"), self.shown(self.run["noise"], "step")
        gains = (
            f"sum steps (fun step => {rate} ^ (steps - 1 - step) * {self.shown(self.run['gain'], 'step')})"
        )
        last, first = self.shown(self.run["potential"], "steps"), self.shown(self.run["potential"], "0%nat")
        return f"{last} + {gains} <=\n  {rate} ^ steps * {first} + {noise} * sum steps (fun step => {rate} ^ step)"

    def lines(self) -> list[str]:
        """What a run is, that there is one, and the theorem."""
        return [*self.definition(), *self.begins(), *self.theorem()]

    def definition(self) -> list[str]:
        n = self.part.name
        held = (
            f"(forall step, (step < steps)%nat -> @{n}_assumed (later (clock step)) {self.arguments('step')})"
        )
        moved = [
            f"(forall step, (step < steps)%nat -> {coq_name(v)} (S step) = {self.following(v, 'step')})"
            for v in self.moves
        ]
        return [
            "",
            "(* The run: what is assumed of a step holds at every step, and each state follows from the one before. *)",
            f"Definition {n}_running {{H : Space}} {self.binders()} : Prop :=",
            "  " + " /\\\n  ".join([held, *moved]) + ".",
        ]

    def begins(self) -> list[str]:
        """Whatever meets the assumptions of a step begins a run: those of the instance above do."""
        n, part = self.part.name, self.part
        given = []
        for v in self.ordered():
            if v in self.moves:
                after = self.reader.spelled_as(
                    {}, read(self.moves[v], self.theory.env), v in self.reader.vectors
                )
                given.append(f"(fun step => match step with O => {coq_name(v)} | S _ => {after} end)")
            else:
                given.append(f"(fun _ => {coq_name(v)})" if v in self.each else coq_name(v))
        return [
            f"Lemma {n}_begins {{H : Space}} {part.binders()} :",
            f"  {n}_assumed {part.arguments()} -> {n}_running {' '.join(given)} (fun _ => O) 1.",
            "Proof.",
            "  intro assumed; refine "
            + "(conj _ " * len(self.moves)
            + "_"
            + ")" * len(self.moves)
            + "; intros step inside; apply only_first in inside; subst step;",
            "    [exact assumed | reflexivity ..].",
            "Qed.",
        ]

    def theorem(self) -> list[str]:
        n, count = self.part.name, len(self.part.script.claims)
        step = self.shown(self.run["potential"], "step")
        names = [f"moved{k}" for k in range(len(self.moves))]
        pieces = " & ".join([*["_"] * count, "one", "rate", "_"])
        gain, rate, noise = (self.shown(self.run[key], "step") for key in ("gain", "rate", "noise"))
        return [
            "",
            f"Theorem {n}_run {{H : Space}} {self.binders()} :",
            f"  {n}_running {self.sequences()} clock steps ->",
            f"  {self.claim()}.",
            "Proof.",
            f"  intros (held & {' & '.join(names)}).",
            f"  apply (iterate (fun step => {step}) (fun step => {gain}) {rate} {noise} steps).",
            f"  intros step inside; destruct (@{n}_step (later (clock step)) {self.arguments('step')} "
            "(held step inside))",
            f"    as ({pieces}); split; [exact rate |].",
            f"  rewrite {', '.join(f'?({name} step inside)' for name in names)}; exact one.",
            "Qed.",
        ]

    def ordered(self) -> list[str]:
        """The names in the order of the binders."""
        return [v for names, _ in self.groups for v in sorted(names, key=lambda v: v in self.each)]

    def sequences(self) -> str:
        return " ".join(map(coq_name, self.ordered()))
