"""A symbolic proof as statements and certificates for the kernel: made of texts, judged there and not here.

Three scripts: one step, E V+ <= rho V; the quadratics, on which messages and gradients are of the class and the step
has the factor rho exactly; the root, signs of the closed form at both ends of an interval. Parameters are letters > 0
(`regions`), every other constant a definition in these. Vectors other than x are measured from where they rest at x*:
a gradient g stands for g - grad f_i(x*), which is the gradient of a function of the same class with its minimiser
at x*. What the kernel then says does not rest on anything that was computed on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import sympy

from compth._own import remembered
from compth._types import Json
from compth.methods.core.vectors import MESSAGE
from compth.proof import SCHEMAS, Refused, check, identity
from compth.studies.derivation.fitting import along
from compth.studies.derivation.proofs import GAP, Square, SymbolicProof
from compth.studies.derivation.regions import LETTERS, RANGES, Formula, Region, within
from compth.studies.derivation.rounds import OMEGA, SMOOTH, WORKERS
from compth.worst_case.model import pair_of
from compth.worst_case.resolved import AT_X

TAKEN = {"P", "sq", "dot", "mean", "Sum", "E", *SCHEMAS}
"""Names that the kernel keeps for itself."""
MOST = 12
"""The highest power in a text of the kernel."""
Script = tuple[str, str]
"""Statement and certificate, JSON."""
Text = dict[str, str]


def checked(proof: SymbolicProof) -> tuple[Json, ...]:
    """What the kernel said of the proof, the equality on the instances, and the root: a record each.

    Empty where it refused one of them: then nothing says that the kernel proved it. Asked once for each proof.

    Records are the kernel's own (statement, identity, standing); nothing of this module enters them. All scripts must
    pass: the step alone would leave open whether the rate is attained and whether the closed form has a root at all.
    """
    return remembered(proof, checked.__name__, lambda: _checked(proof))


def _checked(proof: SymbolicProof) -> tuple[Json, ...]:
    # Without squares there is nothing that the kernel could add up: S was not shown positive semidefinite.
    if proof.squares is None:
        return ()  # nothing to be asked
    try:
        return tuple(check(statement, certificate) for statement, certificate in scripts(proof))
    except Refused:
        return ()


def scripts(proof: SymbolicProof) -> Iterator[Script]:
    """All that the kernel is asked.

    The step first, an instance for each active quadratic, then the root; one refused script voids the whole.
    """
    yield _Told(proof).step()
    for k in range(len(proof.active)):
        told = _Told(proof)
        yield told.noisy_instance(k) if proof.round_.noisy else told.instance(k)
    yield from root(proof)


def script(statement: Json, steps: Sequence[Json]) -> Script:
    """Both texts.

    The certificate names its statement by the kernel's identity, a hash of it: a certificate cannot be moved to
    another statement.
    """
    text = json.dumps(statement)
    return text, json.dumps({"statement": identity(text), "steps": list(steps)})


def written(e: sympy.Expr) -> str:
    """A rational expression in the kernel's spelling: whole numbers, powers up to 12.

    Sums, products and whole powers of symbols and rationals; what else sympy has (roots, functions) is not spelled
    here.
    """
    e = sympy.sympify(e)
    if e.is_Symbol:
        return str(e)
    if e.is_Rational:
        return str(e.p) if e.q == 1 else f"({e.p}/{e.q})"
    if e.is_Pow:
        # The kernel reads powers up to MOST: higher ones are written as products of such powers.
        power, base = abs(int(e.exp)), written(e.base)
        text = "*".join(f"({base})**{min(MOST, power - k)}" for k in range(0, power, MOST))
        return f"({text})" if e.exp > 0 else f"(1/({text}))"
    sign = " + " if e.is_Add else "*"
    return sign.join(f"({written(a)})" for a in e.args)


def of_field(f: Formula, region: Region) -> str:
    """An element of the field in factors, each turned so that it is positive where it has one sign on the region."""
    sides = []
    for part in (f.numer, f.denom):
        unit, factors = part.factor_list()
        texts = []
        # The kernel sees a sign from the signs of coefficients. A factor that is negative all over the
        # region is turned round, and the sign it had goes to the number in front; an even power has none.
        for g, power in factors:
            turned = region.sign(g) == -1
            unit = -unit if turned and power % 2 else unit
            texts.append(written((-g if turned else g).as_expr() ** power))
        sides.append((sympy.Rational(unit), texts))
    (top, over), (bottom, under) = sides
    return "*".join([f"({written(top / bottom)})", *(f"({t})" for t in over), *(f"(1/({t}))" for t in under)])


class _Told:
    """The names, definitions and forms that the statements share."""

    def __init__(self, proof: SymbolicProof) -> None:
        self.proof, self.region, self.round_ = proof, proof.region, proof.round_
        self.bare = False
        self.several = bool(proof.model.space.worker)
        self.x = self.round_.program.server[0]
        # Names of vectors must collide neither with the letters, nor with constants, nor with what the
        # kernel reserves: a vector called "mu" would change the meaning of the definition of mu.
        found = {k: k for k in (*self.round_.program.names, "xs")}
        for name in proof.model.space.common:
            found.setdefault(
                name, name.replace("gradient at x", "gx").replace("gradient ", "g").replace(" ", "")
            )
        found |= {f"message {k}": f"c{k}" for k in range(len(self.round_.program.of_kind(MESSAGE)))}
        letters = {str(x) for e in self.region.put.values() for x in e.free_symbols}
        taken = TAKEN | letters | set(self.constants())
        self.names = {k: f"{v}_" if v in taken else v for k, v in found.items()}

    def text(self, f: Formula) -> str:
        """An element of the field for the kernel; in letters where definitions are not known yet."""
        if self.bare:
            return written(sympy.factor(f.as_expr().subs(self.region.put)))
        return of_field(f, self.region)

    def constants(self) -> Text:
        """Each constant as a definition in letters, the later ones in the earlier."""
        out = {}
        for letter, (x, (low, high)) in zip(LETTERS, self.region.bounds.items(), strict=False):
            # low + (high - low) p/(1 + p): positive letters run exactly through the region, so that
            # a claim for all letters > 0 is a claim for all constants of it.
            least = self.text(self.region.lifted(low))
            room = "" if high is None else f"({self.text(self.region.lifted(high - low))})/(1 + {letter})*"
            out[str(x)] = f"{least} + {room}{letter}"
        out |= {str(x): self.text(self.proof.values[x]) for x in self.proof.parameters}
        return out | {"L": "1"}

    def base(self, suffix: str, title: str) -> Json:
        """What every statement has."""
        letters = sorted({str(x) for e in self.region.put.values() for x in e.free_symbols})
        return {
            "name": f"derived.{self.round_.program.name.lower()}{suffix}",
            "title": title,
            "params": " ".join(letters),
            "domain": [f"{x} > 0" for x in letters],
            "let": self.constants(),
        }

    # -- vectors -----------------------------------------------------------------------------------------------

    def vector(self, name: str) -> str:
        """A vector of the model: x counts from xs; "mean h" is P(h)."""
        if name.startswith("mean "):
            inner = self.vector(name.removeprefix("mean "))
            return f"P({inner})" if self.several else inner
        return f"({self.names[name]} - {self.names['xs']})" if name == self.x else self.names[name]

    def combined(self, v: Mapping[str, sympy.Expr | Formula]) -> str:
        """A linear combination."""
        terms = []
        for name, c in v.items():
            value = c if isinstance(c, Formula) else self.proof.lift(c)
            if value != 0:
                terms.append(f"({self.coefficient(c)})*{self.vector(name)}")
        return " + ".join(terms) or f"0*{self.vector(self.x)}"

    def coefficient(self, c: sympy.Expr | Formula) -> str:
        """A round's own as the body has it, in gamma and the parameters, which the statement defines."""
        if self.bare or isinstance(c, Formula):
            return self.text(c if isinstance(c, Formula) else self.proof.lift(c))
        return written(c)

    def point(self, v: Mapping[str, sympy.Expr]) -> str:
        """A point at which a gradient is taken: x, or x and a combination of the other vectors."""
        rest = {k: c for k, c in v.items() if k.removeprefix("mean ") != self.x}
        return self.names[self.x] + (f" + {self.combined(rest)}" if rest else "")

    def moved(self, name: str) -> str:
        """A state vector after the round, counted from where it rests, noise and all."""
        if name == AT_X:
            return self.names[self.ahead]
        (leaf,) = self.round_.program.leaves
        # E V+ is taken by the kernel and not here: the text has the message itself,
        # as mean plus (message - input), and the kernel knows of that difference
        # only what is given of it, the mean 0 and the variance.
        v, noise = self.round_.step.value(leaf.following[name])
        parts = [self.combined(v)]
        for key, c in noise.items():
            k, own = (key, True) if isinstance(key, int) else (key[1], False)
            fresh = f"({self.message(k)} - ({self.input(k)}))"
            parts.append(f"({self.coefficient(c)})*{fresh if own or not self.several else f'P({fresh})'}")
        return " + ".join(parts)

    @property
    def ahead(self) -> str:
        """The gradient at x+."""
        (leaf,) = self.round_.program.leaves
        # x+ is one of the points at which the model takes gradients:
        # found by its combination, not by its name.
        after, _ = self.round_.step.value(leaf.following[self.x])
        plain = {k.removeprefix("mean "): c for k, c in after.items()}
        return next(
            name for at, name in self.proof.model.curved
            if {k.removeprefix("mean "): c for k, c in at.items()} == plain
        )  # fmt: skip

    def message(self, k: int) -> str:
        """The name of what the k-th operation sends."""
        return self.names[f"message {self.round_.program.of_kind(MESSAGE).index(k)}"]

    def input(self, k: int) -> str:
        """What it compresses."""
        return self.combined(self.round_.step.value(self.round_.program.ops[k].argument)[0])

    # -- forms -------------------------------------------------------------------------------------------------

    def potential(self, of: str) -> str:
        """V of the state; "next": of the state after the round.

        A coefficient of 0 is left out. Products of two different vectors count twice, as both places of a symmetric
        matrix; f - f* has the values f and fs (fp after the round).
        """
        terms = []
        for key, c in self.proof.v.items():
            value = self.proof.lift(c)
            if value == 0:
                continue
            if key == GAP:
                terms.append(f"({self.text(value)})*({'fp' if of else 'f'} - fs)")
                continue
            a, b = (self.moved(k) if of else self.vector(k) for k in pair_of(key))
            # P projects on the mean over the workers. P[a,b] is of means, Q[a,b] of what is left of them.
            if key[0] == "P" and self.several:
                a, b = f"P({a})", f"P({b})"
            elif key[0] == "Q":
                a, b = f"({a} - P({a}))", f"({b} - P({b}))"
            twice = 1 if len(set(pair_of(key))) == 1 else 2
            # P[a,b] multiplies 2 <a, b>: both places of a symmetric matrix
            terms.append(f"({self.text(value * twice)})*dot({a}, {b})")
        return " + ".join(terms)

    def squares(self) -> list[str]:
        """S as the kernel's terms."""
        out = []
        assert self.proof.squares is not None
        for block, found in self.proof.squares.items():
            for weight, v in found:
                out.append(f"({self.text(weight)})*sq({self._inside(block, (weight, v))})")
        return out

    def _inside(self, block: str, square: Square) -> str:
        text = self.combined(square[1])
        if block == "deviation":
            return f"{text} - P({text})"
        return f"P({text})" if self.several else text

    # -- the statements ----------------------------------------------------------------------------------------

    def vectors(self) -> list[str]:
        """Declarations: servers' vectors are common, the others are where there are several workers."""
        own, program = "family" if self.several else "common", self.round_.program
        out = [f"common {self.names[k]}" for k in (*program.server, "xs")]
        out += [f"{own} {self.names[k]}" for k in program.worker]
        if self.round_.noisy:
            return [
                *out,
                *(f"{own} {self.names[name]}" for _, name in self.proof.model.curved),
                *self.drawn(),
            ]
        # a message is random, and so is a gradient at a point that a message made
        # What is declared "@ 1" is revealed by the round and may depend on its randomness; what is common
        # before it may not. Without the distinction the kernel could not take expectations of products.
        late = {name for _, name, _ in self.proof.model.sent}
        for argument, name in self.proof.model.curved:
            late |= {name} if {k.removeprefix("mean ") for k in argument} & late else set()
        made = [name for _, name in self.proof.model.curved] + [name for _, name, _ in self.proof.model.sent]
        return [*out, *(f"{own} {self.names[k]}" + " @ 1" * (k in late) for k in made)]

    def drawn(self) -> list[str]:
        """Declarations of unbiased messages with their means, which are read before any definition."""
        # Declarations are read before definitions: constants are written in letters here.
        self.bare, own = True, "family" if self.several else "common"
        out = [f"{own} {self.message(k)} ~ {self.input(k)} @ 0" for k in self.round_.program.of_kind(MESSAGE)]
        self.bare = False
        return out

    def given(self) -> tuple[Text, Text]:
        """(hypotheses, their multipliers).

        Multipliers are by name of the model's inequalities; each becomes a hypothesis h0, h1 ... and a number to use
        it with. Noise adds the hypotheses of variance and of independence for each message.
        """
        given, use = dict[str, str](), dict[str, str]()
        for name, m in self.proof.multipliers.items():
            value = self.proof.lift(m)
            if value == 0:
                continue
            key = f"h{len(given)}"
            given[key], unit = self._hypothesis(name)
            use[key] = f"({self.text(value)})*{unit}" if unit else self.text(value)
        if self.round_.noisy:
            self._noise(given, use)
        return given, use

    def _hypothesis(self, name: str) -> tuple[str, str]:
        """(the kernel's schema, the factor that makes it the model's form)."""
        model = self.proof.model
        # Each multiplier's inequality by its name, as the instance of a schema that the
        # kernel proves itself: a contraction with 1 - s^2, the coercivity of a
        # gradient, or the interpolation inequality of the sector [mu, L].
        if name.startswith("compression"):
            places = [n for _, n, _ in model.sent]
            place = 0 if name == "compression" else places.index(name.removeprefix("compression of "))
            u, message, _ = model.sent[place]
            return f"contraction({self.names[message]}, {self.combined(u)}, 1 - s**2)", ""
        if name == "interpolation":
            ((at, g),) = model.curved
            return f"coercive({self.names[g]}, 0, {self.point(at)}, {self.names['xs']}, mu, L)", ""
        high, low = (self._evaluation(t[2:-1]) for t in name.split(" >= "))
        (f, g, x), (h, k, y) = high, low
        # The schema is stated for f - h; the model's form is 2 (L - mu) times it.
        return f"sector({f}, {h}, {g}, {k}, {x}, {y}, mu, L)", "2*(L - mu)"

    def _evaluation(self, label: str) -> tuple[str, str, str]:
        """(value, gradient, point) of x, x+ or x*."""
        if label == "x*":
            return "fs", "0", self.names["xs"]
        if label == "x":
            return "f", self.names[AT_X], self.names[self.x]
        at = next(at for at, name in self.proof.model.curved if name == self.ahead)
        return "fp", self.names[self.ahead], self.point(at)

    def _noise(self, given: Text, use: Text) -> None:
        """Variance and independence of each message, with what E V+ has of its noise.

        a |P(noise)|^2 + b |noise|^2 is bounded through n |P(noise)|^2 = |noise|^2 <= omega |input|^2.
        """
        (leaf,) = self.round_.program.leaves
        for k in self.round_.program.of_kind(MESSAGE):
            mean = apart = self.region.field.zero
            for key, c in self.proof.v.items():
                a, b = (self.round_.step.value(leaf.following[name])[1] for name in pair_of(key))
                # What E V+ holds of this message's noise: its coefficients in
                # the images a+ and b+, own and whole, multiplied.
                twice = 1 if len(set(pair_of(key))) == 1 else 2
                value = self.proof.lift(c) * twice
                own = [self.proof.lift(v.get(k, 0)) for v in (a, b)]
                whole = [o + self.proof.lift(v.get(("mean", k), 0)) for o, v in zip(own, (a, b), strict=True)]
                if key[0] == "P":
                    mean += value * whole[0] * whole[1]
                else:
                    apart += value * own[0] * own[1]
            # `mean` stands at |P(noise)|^2 and `apart` at |noise|^2 - |P(noise)|^2
            # n |P(noise)|^2 = |noise|^2 in expectation by independence: with a = mean
            # - apart at |P(noise)|^2 and b = apart at |noise|^2, a |P|^2 + b
            # |noise|^2 = (a/n + b) |noise|^2 <= (a/n + b) omega |input|^2.
            n = self.proof.values.get(WORKERS, self.region.field.one)
            share = (mean - apart) / n if self.several else mean
            given[f"variance{k}"] = f"variance({self.message(k)}, omega)"
            use[f"variance{k}"] = self.text(apart + share)
            if self.several:
                given[f"independent{k}"] = f"independent({self.message(k)}, n)"
                use[f"independent{k}"] = self.text(share)

    def factor(self) -> str:
        """rho in the constants' names."""
        return "rho" if self.round_.noisy else "r**2"

    def step(self) -> Script:
        """E V+ <= rho V for every function and compressor of the class."""
        given, use = self.given()
        claim = f"{self.potential('next')} <= {self.factor()}*({self.potential('')})"
        statement = self.base("", "one round at the best step, for all constants of the class") | {
            "vectors": self.vectors(), "given": given, "claim": [claim],
        }  # fmt: skip
        # Function values are declared where a hypothesis names them, and only there.
        values = sorted(
            {v for t in given.values() for v in ("f", "fp", "fs") if f"({v}," in t or f" {v}," in t}
        )
        if values:
            statement["values"] = " ".join(values)
        return script(statement, [{"show": claim, "use": use, "terms": self.squares()}])

    def instance(self, k: int) -> Script:
        """The k-th active quadratic: one vector, of which all others are multiples; r or -r times it after a round."""
        active = self.proof.active[k]
        # All vectors are multiples of x - x*, so that three kinds of claims fix the run: each
        # message lies on the boundary of the class, each state vector becomes r or -r times
        # itself, each gradient is the curvature times its point. A vector is 0 exactly where
        # its square is, which is how the kernel is asked for equality.
        turn = self.region.lifted(self.region.symbols[0]) * (1 if active.eigenvalue.real > 0 else -1)
        state = self._eigenvector(k)
        lift, region, z = self.proof.lift, self.region, self.names[self.x]
        at = along(self.proof.model, active, state, region, lift)
        vector = {name: f"({self.text(c)})*({z} - xs)" for name, c in at.items()}
        (leaf,) = self.round_.program.leaves
        claims = []
        for u, name, _ in self.proof.model.sent:
            sent = self._on(u, vector)
            claims.append(f"sq({vector[name]} - ({sent})) == s**2*sq({sent})")
        for name in self.round_.program.names:
            after = self._on(self.round_.step.value(leaf.following[name])[0], vector)
            claims.append(f"sq({after} - ({self.text(turn)})*({vector[name]})) == 0*sq({z} - xs)")
        for argument, name in self.proof.model.curved:
            slope = self.text(lift(active.instance.curvature))
            claims.append(f"sq({vector[name]} - ({slope})*({self._on(argument, vector)})) == 0*sq({z} - xs)")
        # a run of zeros would satisfy all of this: some vector of the state is no zero
        alive = next(at[name] for name in self.round_.program.names if at[name] != 0)
        size = self.text(alive if region.positive(alive) else -alive)
        sizes = [f"{size} > 0"] if alive.as_expr().free_symbols else []
        statement = self.base(f".attained{k}", str(active.instance))
        statement |= {"vectors": [f"common {z}", "common xs"], "claim": [*claims, *sizes]}
        shown = [{"show": c} for c in claims] + [{"show": c, "terms": [size]} for c in sizes]
        return script(statement, shown)

    def _eigenvector(self, k: int) -> dict[str, Formula]:
        """The state of the slow run, x - x* = 1 or any multiple."""
        from compth.studies.derivation.fitting import runs_of

        (run,) = runs_of(self.round_, self.proof.active[k], self.proof.model, self.region, self.proof.lift)[
            "mean"
        ]
        return {name: run[name] for name in self.round_.program.names}

    def _on(self, v: Mapping[str, sympy.Expr], vector: Text) -> str:
        """A combination on the instance."""
        return " + ".join(f"({self.coefficient(c)})*{vector[a.removeprefix('mean ')]}" for a, c in v.items())

    def noisy_instance(self, k: int) -> Script:
        """Equal workers of one curvature, messages sent over p with probability p = 1/(1 + omega): E V+ = rho V.

        With equal workers nothing deviates from the mean but the noise, and a message sent with probability p has all
        the variance of the class: each inequality of the step is an equality there.
        """
        x, xs = self.names[self.x], self.names["xs"]
        program = self.round_.program
        # gradients are multiples of vectors there: they stand for themselves in every text below
        slope = self.proof.lift(self.proof.active[k].instance.curvature)
        drawn: list[str] = []
        # Twice, in letters for the declarations and in constants for the claims: the
        # messages' inputs are declared before the definitions are read.
        for bare in (True, False):
            self.bare = bare
            for argument, name in self.proof.model.curved:
                self.names[name] = f"({self.text(slope)})*({self.combined(argument)})"
            drawn = drawn or self.drawn()
        statement = self.base(f".attained{k}", f"{self.proof.active[k].instance}, all workers equal")
        states = [f"common {self.names[m]}" for m in program.names if m != self.x]
        given, use, claims = dict[str, str](), dict[str, str](), list[str]()
        _, known = self.given()
        for m in program.of_kind(MESSAGE):
            q, u = self.message(m), self.input(m)
            # Sent over p with probability p = 1/(1 + omega), else 0: the mean is u and the
            # variance (1/p - 1) |u|^2 = omega |u|^2, all that the class allows. So the
            # hypothesis of the step becomes an equality, and E V+ = rho V with it.
            given[f"coin{m}"] = f"mixture({q}, 1/(1 + omega), (1 + omega)*({u}), 0*({u}))"
            use[f"coin{m}"] = known[f"variance{m}"]
            if self.several:
                given[f"independent{m}"] = f"independent({q}, n)"
                use[f"independent{m}"] = known[f"independent{m}"]
            claims.append(f"sq({q} - ({u})) == omega*sq({u})")
        statement |= {"vectors": [f"common {x}", f"common {xs}", *states, *drawn], "given": given}
        equal = f"{self.potential('next')} == {self.factor()}*({self.potential('')})"
        statement["claim"] = [equal, *claims]
        steps = [{"show": equal, "use": use}]
        steps += [{"show": c, "use": {f"coin{m}": "1"}}
                  for c, m in zip(claims, program.of_kind(MESSAGE), strict=True)]  # fmt: skip
        return script(statement, steps)


def root(proof: SymbolicProof) -> Iterator[Script]:
    """Signs of the closed form where the rate is 1 and where each condition of the region stops to hold.

    The step's claim presupposes a rate that solves the closed form. That there is one, for all constants of the
    class, is what these signs show; nothing is asked where the rate is a formula of the constants.
    """
    at = proof.region
    if at.unknown not in at.symbols:
        return
    poly = proof.closed.subs(SMOOTH, 1)
    # Opposite signs at u = 1 and at the end of each condition: by continuity there is a
    # root in the region, for every choice of the other constants.
    ends = [poly.subs(at.unknown, 1), *(poly.subs(c.bounds, c.end) for c in at.conditions)]
    names = sorted({x for e in ends for x in e.free_symbols}, key=str)
    let = {str(x): written(within(*RANGES[x], sympy.Symbol(f"{x}_"))) for x in names}
    factored = [sympy.factor(e) for e in ends]
    # the sign at u = 1 is read at one point; that it is the sign everywhere is what the kernel is asked
    top = float(factored[0].subs({x: {OMEGA: 2, WORKERS: 3}.get(x, sympy.Rational(1, 3)) for x in names})) > 0
    claims = []
    for k, e in enumerate(factored):
        upwards = top if k == 0 else not top
        claims.append(f"{written(e if upwards else sympy.factor(-e))} > 0")
    letters = [f"{x}_" for x in names]
    statement = {
        "name": f"derived.{proof.round_.program.name.lower()}.root",
        "title": "the closed form changes sign: it has a root in the region for all constants of the class",
        "params": " ".join(letters), "domain": [f"{x} > 0" for x in letters], "let": let, "claim": claims,
    }  # fmt: skip
    yield script(statement, [{"show": c, "terms": [c.removesuffix(" > 0")]} for c in claims])


__all__ = ["scripts"]
