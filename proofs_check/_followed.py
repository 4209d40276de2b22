"""A statement's step, as the kernel reads it, against the method's own step on arrays at random instances.

Nothing here looks at the trace: the method runs on a random quadratic with different minimisers, what its verbs were
given and gave is noted, and every vector of the statement gets its value from there. Then, to rounding,

    every draw's declared mean is the mean of what was drawn, given what was known when it was drawn;
    what a hypothesis says was compressed is what was compressed; gradients are taken where they were taken;
    a mixture has the values of its sides and the probability of the coin, or of a message that is sent whole or not;
    a draw that is said to be one worker's vector is one of theirs;
    `next` gives the state, and the gradients at it, that the method itself arrives at.

So a wrong translation of a trace, a word that means another vector, or an update that the script wrote itself is
refused. Parameters are free numbers here: the identities are polynomial, and hold for all values if at random ones.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from compth.methods.core.body import runs_its_body
from compth.proof import kernel
from compth.proof.kernel import Refused, parts, require
from compth.proof.roles import ROLES
from proofs_check._instance import CLOSE, Instance, close, mean_of
from proofs_check._update import Update

GRADIENTS = {"gradient", "expected", "at", "ahead"}
SEEDS = (1, 2)


def follows(statement: Mapping[str, Any], update: Update, left: str = "") -> None:
    """Refused where the statement's step is not the method's; ValueError where a word of it is unknown.

    left: what the first claim bounds where there is no run, as it is before the step.
    """
    require(runs_its_body(update.method), f"{update.method.__name__} runs more than its body")
    theory = kernel.Theory(dict(statement))
    moves = dict(statement.get("run", {}).get("next", {}))
    if left:
        found = kernel.names_in(kernel.read(left, theory.env)) & set(theory.level)
        moves = update.next(*sorted(k for k in found if _moving(update, k)))
        after = kernel.Expand({k: kernel.read(t, theory.env) for k, t in moves.items()})
        # Without a run the first claim has to bound what the script names, after the step: else it may be
        # about anything.
        bounded = kernel.read(theory.claims[0], theory.env).left
        gap = kernel.add(
            theory.scalar(after.visit(kernel.read(left, theory.env))), theory.scalar(bounded), -1
        )
        require(not theory.cleared(gap), f"the claim bounds something else than {left} after the step")
    # gradients that a word tells from their means come once as their means, where means can be compared, and once noisy
    drawn = any(of.startswith("gradient") for of in update.expected.values())
    for seed in SEEDS:
        _Checked(theory, moves, update, np.random.default_rng(seed)).check()
        if drawn:
            _Checked(theory, moves, update, np.random.default_rng(seed), noisy=True).check()


def _moving(update: Update, name: str) -> bool:
    try:
        return bool(update.source(name))
    except ValueError:
        return False


class _Checked(Instance):
    """The statement at one random instance, held against the step there."""

    # -- the checks --------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Everything that the module's docstring lists."""
        for said, word in self.words.items():
            for name in set(word) & set(self.theory.env):
                value = self.vector(self.theory.value(self.theory.env[name], {1}))
                close(value, self.values[said], f"{name} is not the step's {said}")
        if not self.noisy:
            self._check_means()
        self._check_one_of()
        self._check_inputs()
        self._check_points()
        self._check_next()

    def _check_means(self) -> None:
        """Each verb by its mean: a draw that moves with it has to have the declared mean, and one has to move."""
        verbs = [*self.heard.named()]
        for name, given, gave in verbs:
            # the gradients of a drawn part are drawn with it
            together = [v for v in verbs if v[0] == name or ("picked" in name and "drawn" in v[0])]
            if "drawn" in name:
                continue
            found = self._solved(self._values({k: self._expected(k, u) for k, u, _ in together}), {})
            said = {v for k in (name, f"mean {name}") for v in self.words.get(k, {})}
            for vector, (centre, _) in self.theory.draws.items():
                changed = vector in found and np.abs(found[vector] - self.vectors[vector]).max() > 1e-9
                # A vector may hang on a verb through a combination: whatever moves when the verb gives its
                # mean is drawn with it, and has the mean that is found then.
                through = {op for _, word, _ in parts(centre) for op in word} - {"P"}
                told = vector in self.update.stated or (through and self.update.hidden)
                if (changed or vector in said) and not told:
                    close(self.vector(centre), found[vector], f"{vector} has another mean than declared")
            known = said & {*self.theory.draws, *self._compressed(), *self.theory.env}
            exact = np.shape(given) == np.shape(gave) and np.abs(given - gave).max() < CLOSE
            quiet = name.startswith("gradient") or name in self.update.hidden or (exact and bool(said))
            require(quiet or bool(known), f"the statement says nothing of {name}")

    def _check_one_of(self) -> None:
        """A draw that is one worker's vector, uniformly: it is one of those of which a hypothesis takes the mean.

        growth(sq(J), sq(v), 0, 0, 1, 0, 0) says E|J|^2 <= mean|v_i|^2. J having the average of the v_i for its mean,
        and these being in general position, it is each of them with the same probability.
        """
        calls = [args for _, schema, args in self.roles.calls if schema == "growth"]
        plain = [a for a in calls if [ast.unparse(k) for k in a[2:]] == ["0", "0", "1", "0", "0"]]
        for name in self.update.one_of:
            found = [a[1] for a in plain if ast.unparse(a[0]) == f"sq({name})"]
            require(len(found) == 1, f"no hypothesis says of which vectors {name} is one")
            each = self.vector(self.theory.value(found[0].args[0], {1}))  # type: ignore[attr-defined]
            off = np.abs(each - self.vectors[name]).max(axis=2).min(axis=1)
            bound = CLOSE * max(1.0, float(np.abs(each).max()))
            require(float(off.max()) <= bound, f"{name} is none of {ast.unparse(found[0])}")

    def _compressed(self) -> dict[str, list[Any]]:
        """Message -> what hypotheses say was compressed into it."""
        out: dict[str, list[Any]] = {}
        for _, schema, args in self.roles.calls:
            if ROLES[schema][0] == "m" or schema in ("spread", "mean_spread"):
                out.setdefault(getattr(args[0], "id", ""), []).append(args[1])
        return out

    def _check_inputs(self) -> None:
        """What a hypothesis says was compressed."""
        given = {name: self._wide(u) for name, u, _ in self.heard.named()}
        for vector, inputs in self._compressed().items():
            of = [k for k, w in self.words.items() if vector in w and ("message" in k or "broadcast" in k)]
            require(bool(of), f"{vector} is no message of the step")
            name = of[0].removeprefix("expected ").removeprefix("mean ")
            require(not of[0].startswith("mean ") or self.problem.n == 1, f"{vector} is a mean of messages")
            for node in inputs:
                value = self.vector(self.theory.value(node, {1}))
                close(value, given[name], f"the step does not compress {ast.unparse(node)} into {vector}")

    def _check_points(self) -> None:
        """The step's gradients are those of the problem at their points."""
        for name in {
            v
            for k, w in self.words.items()
            if (k.split()[0] in GRADIENTS or k.startswith("mean g")) and len(w) == 1
            for v in w
        }:
            if name in self.roles.points and name not in self.theory.draws:
                value = self._gradients(self.vector(self.roles.points[name]))
                value = mean_of(value) if name in self.theory.common else value
                close(self.vectors[name], value, f"{name} is not the gradient at its point")

    def _check_next(self) -> None:
        """`next` is where the method arrives."""
        # Gradients at a vector of the state are known at its next value as well: the memory of a reference
        # point is one.
        gradients = dict(self.update.at)
        for said, given, _ in self.heard.named():  # those at the state: known again after the step
            at = [k for k, v in self.heard.before.items() if np.array_equal(v, self._wide(given))]
            for kind in ("", "mean ") if said.startswith("gradient") and at else ():
                gradients |= dict.fromkeys(self.words.get(kind + said, {}), at[0])
        known = {}
        for name, at_state in gradients.items():
            value = self._gradients(self.heard.after[at_state])
            known[name] = mean_of(value) if name in self.theory.common else value
        moved = self._solved(self.heard.after, known)
        for name in sorted(set(self.moves) & set(self.theory.level)):
            require(name in moved, f"the step does not say what {name} is after it")
            value = self.vector(self.theory.value(kernel.read(self.moves[name], self.theory.env), {1}))
            close(value, moved[name], f"{name} after the step is not {self.moves[name]}")


__all__ = ["Refused", "follows"]
