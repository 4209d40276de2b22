"""The statement of a proof at a random instance of its method: numbers for parameters, arrays for vectors.

The method runs its own step on a random quadratic. What its verbs were given and gave is what the words of an `Update`
call the statement's vectors; nothing here looks at the trace. What is then compared: `_followed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from compth._types import Array
from compth.compressors import Bernoulli, Identity
from compth.dynamics.sketches import sketches_of
from compth.methods.core import Plan
from compth.methods.core import body as running
from compth.problems import distributed_quadratic
from compth.problems.finite_sum import FiniteSum
from compth.problems.interface import Problem
from compth.proof import kernel
from compth.proof.kernel import Poly, Theory, parts, require
from compth.proof.roles import Roles
from proofs_check._heard import Heard
from proofs_check._printed import averaged_name
from proofs_check._update import Update

ROWS, WIDTH = 6, 3
CLOSE = 1e-11
"""Relative to the largest term: some forty operations in double precision."""


class Instance:
    """The statement at one random instance: numbers for its parameters, arrays (R, n, d) for its vectors."""

    def __init__(
        self,
        theory: Theory,
        moves: Mapping[str, str],
        update: Update,
        rng: np.random.Generator,
        noisy: bool = False,
    ) -> None:
        self.theory, self.moves, self.update, self.rng, self.noisy = theory, moves, update, rng, noisy
        self.roles = Roles(theory)
        n, d = update.workers, WIDTH
        self.method = self._method()
        # the statement's functions are those that the method runs on
        self.problem = self.method.seen(self._problem(n, d))
        self.numbers: dict[str, float] = {p: rng.uniform(0.1, 0.9) for p in sorted(theory.scalars)}
        self.numbers |= {"n": float(n)} | {k: float(getattr(self.method, a)) for k, a in update.own.items()}
        sizes = {"n": n, "d": d, "m": update.parts}
        self.numbers |= {text: float(sizes[k]) for k, text in update.sizes.items()}
        self.heard = self._step()
        self.words = self._all_words()
        self.values = self._values({})
        self.vectors = self._filled(self._solved(self.values, {}))
        self.draw_mixtures()

    def _problem(self, n: int, d: int) -> Problem:
        """A quadratic of every worker, or the mean of its parts."""
        if not self.update.parts:
            A = self.rng.standard_normal((n, d, d))
            b = self.rng.standard_normal((n, d))
            return distributed_quadratic(A @ A.transpose(0, 2, 1) / d, b)
        B = self.rng.standard_normal((n, self.update.parts, d, d))
        return FiniteSum(B @ B.transpose(0, 1, 3, 2) / d, self.rng.standard_normal(B.shape[:3]))

    def _method(self) -> Any:
        """An instance; messages that a `let` says are exact are sent as they are."""
        kind, names = self.update.method, [w for w in self.update.words.values() if isinstance(w, str)]
        # Bernoulli messages: unbiased, random, and linear in what is sent, so that a wrong input or mean
        # shows. Where a `let` says that messages are exact, they are.
        compressor = Identity() if set(names) & set(self.theory.env) else Bernoulli(p=0.5)
        fields = kind.__dataclass_fields__
        given: dict[str, Any] = {"gamma": 0.1} | ({"oracle": None} if kind.takes_oracle else {})
        if kind.takes_compressor:
            given["compressor"] = compressor
        given |= {k: 0.5 for k in ("tau",) if k in fields and fields[k].init}
        if self.update.downlink and fields["downlink"].init:
            given["downlink"] = Bernoulli(p=0.5)
        return kind(**given, **self.update.given)

    def _step(self) -> Heard:
        """The method's own step from a random state."""
        form, given = self.method.signature, self.update.params
        numbers = {k: self.scalar(given.get(k, k)) for k in (*form.params, "gamma")}
        planned = type(self.method).planned
        plan = Plan(numbers.pop("gamma"), {planned.get(k, k): v for k, v in numbers.items()})
        heard, shape = Heard(self.noisy), (ROWS, self.problem.n, self.problem.d)
        names = (*form.server, *form.worker)
        state = {k: self.rng.standard_normal(shape if k in form.worker else shape[::2]) for k in names}
        heard.before = {k: self._wide(v) for k, v in state.items()}
        fleet = self.method.fleet
        heard.multiplier = float(sketches_of(fleet, self.problem.n, self.problem.d).delta)
        # The method's own step with another `w`, which does the same and takes notes.
        with patch.object(running, "Running", heard.listen()):
            out = self.method.step(self.problem, self.method.state_class(**state), self.rng, plan, 1)
        heard.after = {k: self._wide(getattr(out, k)) for k in names}
        return heard

    def _wide(self, v: Array) -> Array:
        """(R, d) or (R, 1, d) as (R, n, d)."""
        v = np.asarray(v, dtype=float)
        v = v[:, None] if v.ndim == 2 else v
        return np.broadcast_to(v, (len(v), self.problem.n, self.problem.d)).copy()

    # -- values of the statement's vectors ---------------------------------------------------------------------

    def _values(self, instead: Mapping[str, Array]) -> dict[str, Array]:
        """What the step has, by the names of `Update.words`; instead: other values of some verbs."""
        out = dict(self.heard.before)
        for name, given, gave in self.heard.named():
            value = instead.get(name, self._wide(gave))
            out |= {
                name: value,
                f"mean {name}": mean_of(value),
                f"point {name}": self._wide(given),
                f"expected {name}": self._expected(name, given),
            }
        for at in self.update.at.values():
            out[f"at {at}"] = self._gradients(self.heard.before[at])
        for at in self.update.ahead.values():
            out[f"ahead {at}"] = self._gradients(self.heard.after[at])
        return out

    def _expected(self, name: str, given: Array) -> Array:
        """The mean of what a verb gives, given what it was given."""
        if "gradient" in name:
            return self._gradients(self._wide(given))
        return self._wide(given) * (self.heard.multiplier if name.startswith("message") else 1)

    def _gradients(self, points: Array) -> Array:
        """Of every worker at its own point."""
        return np.asarray(self.problem.gradients_at(points))

    def _all_words(self) -> dict[str, dict[str, Any]]:
        """What the step has -> the statement's vectors; state vectors by their own names where nothing else is said."""
        own = {k: k for k in self.heard.before if k not in self.update.words and k in self.theory.level}
        at = {f"at {state}": name for name, state in self.update.at.items()}
        at |= {f"ahead {state}": name for name, state in self.update.ahead.items()}
        means = {f"expected {of}": name for name, of in self.update.expected.items()}
        words = {**own, **self.update.words, **at, **means}
        return {k: {w: 1} if isinstance(w, str) else dict(w) for k, w in words.items()}

    def _solved(self, values: Mapping[str, Array], known: Mapping[str, Array]) -> dict[str, Array]:
        """The statement's vectors, each from a word in which it is the last unknown; other words have to agree."""
        out = dict(known)
        split = set(self.update.split)
        todo = {k: w for k, w in self.words.items() if k in values and not split & {*w}}
        # Words are linear in the vectors of the statement: one after another is solved for its last
        # unknown. A word without an unknown is a check: two names for one vector have to agree.
        while todo:
            ready = next((k for k, w in todo.items() if len(unknown(w, out)) <= 1), "")
            if not ready:  # more vectors than words: one is free, any value will do
                fresh = sorted({v for w in todo.values() for v in unknown(w, out)})
                out[fresh[-1]] = self._free(fresh[-1])
                continue
            word = todo.pop(ready)
            rest = values[ready] - self._combined(
                {k: c for k, c in word.items() if not unknown({k: c}, out)}, out
            )
            fresh = [k for k in word if k not in out and not averaged_name(k)]
            if fresh:
                out[fresh[0]] = rest / self.scalar(word[fresh[0]])
            else:
                close(rest, 0 * rest, f"{ready} is not {word}")
        self._split(values, out)
        return out

    def _filled(self, found: dict[str, Array]) -> dict[str, Array]:
        """With any value for what the step does not know: gradients at the minimiser."""
        # Not the draws of mixtures: they get the value of the side that came up.
        made = {args[0].id for _, schema, args in self.roles.calls if schema == "mixture"}  # type: ignore[attr-defined]
        unsaid = set(self.theory.level) - {*found, *made, *self.theory.env, *self.moves}
        return found | {name: self._free(name) for name in sorted(unsaid)}

    def _combined(self, word: Mapping[str, Any], known: Mapping[str, Array]) -> Array:
        """sum of coefficient * vector, P(v) being an average."""
        total: Array = np.zeros((ROWS, self.problem.n, self.problem.d))
        for k, c in word.items():
            inner = averaged_name(k)
            total = total + self.scalar(c) * (mean_of(known[inner]) if inner else known[k])
        return total

    def _split(self, values: Mapping[str, Array], out: dict[str, Array]) -> None:
        """What a message's own draw makes of the means of the vectors that it is split into."""
        for said, word in self.words.items():
            if said not in values or not {*self.update.split} & {*word}:
                continue
            (_, gave), k = self._verb(said), int(said.partition(" ")[2] or 0)
            # With the drawn message the draw itself is made again on the parts; with its mean, the parts
            # have their means.
            whole = np.array_equal(values[said], self._wide(gave))
            for name in word:
                centre = self.theory.draws[name][0]
                for _, _, atom in parts(centre):
                    out.setdefault(atom, self._free(atom))
                mean = self.vector(centre, out)
                out[name] = self.heard.sent[k](mean) if whole else self.heard.multiplier * mean
            close(self._combined(word, out), values[said], f"{said} is not {word}")

    def _verb(self, name: str) -> tuple[Array, Array]:
        """What a verb was given and what it gave."""
        return next((given, gave) for said, given, gave in self.heard.named() if said == name)

    def _free(self, name: str) -> Array:
        """A random vector, the same whenever it is asked for; noise around 0 is 0."""
        if name in self.theory.draws and not self.theory.draws[name][0]:
            return np.zeros((ROWS, self.problem.n, self.problem.d))
        rng = np.random.default_rng([ord(c) for c in name])
        return self._wide(rng.standard_normal((ROWS, self.problem.d)))

    def draw_mixtures(self) -> None:
        """A mixture has the value of the side on which the coin came up."""
        for text, schema, args in self.roles.calls:
            if schema != "mixture":
                continue
            name = args[0].id  # type: ignore[attr-defined]
            said = self.number(self.theory.scalar(args[1]))
            taken, p = self._taken(text, said)
            require(abs(said - p) < CLOSE, f"{text}: the step's coin comes up with another probability")
            yes, no = (self.vector(self.theory.value(a, {1})) for a in args[2:])
            self.vectors[name] = self._mixture_mean(name, p, args[2:])
            if not self.noisy:
                close(
                    self.vectors[name],
                    self.vector(self.theory.draws[name][0]),
                    f"{name} has another mean than declared",
                )
            self.vectors[name] = np.where(taken, yes, no)

    def _taken(self, text: str, said: float) -> tuple[Array, float]:
        """Where the first side of a mixture came up, and with which probability.

        The step's one coin; without one, its one message, which is what it was made of over the probability, or
        nothing: messages being unbiased, the share of those that are sent is then that probability.
        """
        if self.heard.coins:
            require(len(self.heard.coins) == 1, f"{text}: the step tosses {len(self.heard.coins)} coins")
            [(taken, p)] = self.heard.coins
            return taken[:, None, None], p
        sent = [
            (self._wide(u), self._wide(c)) for name, u, c in self.heard.named() if name.startswith("message")
        ]
        require(len(sent) == 1, f"{text}: the step tosses 0 coins and sends {len(sent)} messages")
        [(given, gave)] = sent
        whole = np.abs(gave).max(axis=2, keepdims=True) > 0
        require(abs(self.heard.multiplier - 1) < CLOSE, f"{text}: the step's messages are biased")
        close(
            np.where(whole, given / said, 0.0), gave, f"{text}: the step's messages have another probability"
        )
        return whole, said

    def _mixture_mean(self, name: str, p: float, sides: list[Any]) -> Array:
        """Its mean where messages that are drawn no earlier have their means."""
        # Given what is known when the coin is tossed: messages drawn after that count by their means.
        later = {v for v in self.theory.draws if self.theory.level[v] > self.theory.draws[name][1]}
        means = {
            said: self._expected(said, given)
            for said, given, _ in self.heard.named()
            if later & {v for k in (said, f"mean {said}") for v in self.words.get(k, {})}
        }
        drawn, self.vectors = self.vectors, self._filled(self._solved(self._values(means), {}))
        yes, no = (self.vector(self.theory.value(a, {1})) for a in sides)
        self.vectors = drawn
        return np.asarray(p * yes + (1 - p) * no)

    # -- numbers -----------------------------------------------------------------------------------------------

    def scalar(self, text: Any) -> float:
        """A text of parameters; divisors are positive here. A name that the statement does without: any number."""
        unknown = str(text).isidentifier() and text not in {*self.theory.scalars, *self.theory.env}
        if unknown:
            return float(self.numbers.setdefault(str(text), self.rng.uniform(0.1, 0.9)))
        with patch.object(self.theory, "sign", lambda _: 2):
            return self.number(self.theory.scalar(kernel.read(str(text), self.theory.env)))

    def number(self, p: Poly) -> float:
        """A polynomial of parameters."""
        total = 0.0
        for m, c in p.items():
            term = float(c)
            for (name, _), e in m:
                inverse = self.theory.inverses.get(name)
                term *= (1 / self.number(inverse) if inverse else self.numbers[name]) ** e
            total += term
        return total

    def vector(self, p: Poly, known: Mapping[str, Array] | None = None) -> Array:
        """A combination of the statement's vectors, (R, n, d)."""
        vectors = self.vectors if known is None else known
        total: Array = np.zeros((ROWS, self.problem.n, self.problem.d))
        for c, word, atom in parts(p):
            require(set(word) <= {"P"} and atom in vectors, f"the step does not say what {atom} is")
            v = vectors[atom]
            total = total + self.number(c) * (mean_of(v) if word else v)
        return total


def unknown(word: Mapping[str, Any], known: Mapping[str, Array]) -> set[str]:
    """Vectors of a combination that have no value yet."""
    return {inner for k in word if (inner := averaged_name(k) or k) not in known}


def mean_of(v: Array) -> Array:
    """The average over the workers, at every worker."""
    return np.broadcast_to(v.mean(axis=1, keepdims=True), v.shape)


def close(a: Array, b: Array, complaint: str) -> None:
    scale = max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))
    require(float(np.abs(a - b).max()) <= CLOSE * scale, complaint)
