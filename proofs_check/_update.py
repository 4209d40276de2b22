"""A method's step in the words of a statement, printed from the trace of its body and from nothing else.

A script says how its statement calls the vectors of the step; `next`, the state after the step in the claim, what is
compressed and where gradients are taken are then texts made here. `_followed` holds the statement they end up in
against the method's own step on arrays: a wrong translation, or a script that wrote its update itself, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy

from compth.errors import Unsupported
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.listing import Formula
from compth.methods.core.program import Leaf, Program, trace
from compth.methods.core.vectors import (
    COMMON,
    GRADIENT,
    MESSAGE,
    OWN,
    PART,
    PICKED,
    SPOKEN,
    STATE,
    Key,
    Vector,
    averaged,
)
from proofs_check._printed import (
    Combination,
    Word,
    averaged_name,
    joined,
    number,
    short,
    signs_turned,
    spelled,
    summed,
)

KINDS = {"gradient": GRADIENT, "message": MESSAGE, "broadcast": SPOKEN, "picked": PICKED}
SIZES = ((3, 2), (5, 7))
"""(n, d) at which a body is traced: a statement speaks of all of them."""
WORD = re.compile(r"(?P<mean>mean )?(?P<kind>gradient|message|broadcast|picked)(?: (?P<number>\d+))?")


@dataclass(frozen=True)
class Update:
    """The step of a method in a statement's words.

    words: what the step has -> the statement's vector. The step has its state, by the body's names (their own where
    nothing else is said), `gradient`, `message` and `broadcast`, the next of a kind `gradient 1` ...; `mean gradient`
    is the average of one, `point gradient` what it is taken at. `picked` is what a drawn part says; a gradient of parts
    is every worker's mean over them, `drawn gradient` that of the part drawn. A combination {vector: coefficient} where
    the statement calls only sums of them by a name, P(v) in it the average of v.
    params: the statement's texts of gamma and the other parameters. at: gradients at vectors of the state that the
    body does not take itself, {"g": "x"}; ahead: at vectors of the next state, {"gp": "x"}. called: `let` names of what
    a `gradient` or `message` is taken of. expected: {"c": "message"}: the message's mean. own: the statement's
    parameters that the method's instance fixes, IBCD's tau. scale: what the mean of a message is its input times.
    hidden: operations of which the statement knows only what comes of them in the end, whose mean it calls by an
    operator.
    sizes: the statement's names of n and d, where the body asks for them, and of the number m of parts. parts: how many
    of them every worker of the instance has. given: parameters of the instance. kept: the probability with which a
    message is what it was made of, over that probability; else it is nothing. one_of: draws that are one
    worker's vector, each with the same probability. split: the draws of which a message is made, each what the
    message's draw makes of its mean. later: {"Y": ("t", "hs")}, Y is t after the step less hs, and t is then Y + hs.
    stated: draws whose mean the statement says in terms of its class of functions, with the gradient put in.
    """

    method: type[BodyMethod]
    words: Mapping[str, Word]
    params: Mapping[str, str] = field(default_factory=dict)
    at: Mapping[str, str] = field(default_factory=dict)
    ahead: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    scale: str = "1"
    hidden: Sequence[str] = ()
    downlink: bool = False
    workers: int = 3
    sizes: Mapping[str, str] = field(default_factory=dict)
    parts: int = 0
    given: Mapping[str, int] = field(default_factory=dict)
    kept: str = ""
    one_of: Sequence[str] = ()
    split: Sequence[str] = ()
    later: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stated: Sequence[str] = ()

    @cached_property
    def program(self) -> Program:
        """The trace with symbols for parameters. Unsupported where it hangs on n or d."""
        kind = self.method
        if not runs_its_body(kind):
            raise Unsupported(f"{kind.__name__} runs more than its body: no statement follows from that")
        form = kind.signature
        names = [*form.params, *(["gamma"] if form.takes_gamma else [])]
        given = {k: _parameter(self.params.get(k, k)) for k in names}
        # Traced at two sizes: what comes out the same hangs on neither n nor d. A size that the statement
        # has a name for is a symbol, and the trace then holds at every value of it.
        found = [
            trace(
                kind.body,
                form.server,
                form.worker,
                given,
                n=_parameter(self.sizes["n"]) if "n" in self.sizes else n,
                d=_parameter(self.sizes["d"]) if "d" in self.sizes else d,
                downlink=self.downlink,
                start=form.start,
                coins_unknown=True,
            )
            for n, d in SIZES
        ]
        if repr(_plain(found[0])) != repr(_plain(found[1])):
            raise Unsupported(f"{kind.__name__} depends on n or d: no statement speaks of its step")
        return found[0]

    def operation(self, name: str) -> int:
        """The number in the trace of `message 1`."""
        said = WORD.fullmatch(name)
        if said is None:
            raise ValueError(f"{name!r} is no gradient, message or broadcast of a step")
        return self.program.of_kind(KINDS[said["kind"]])[int(said["number"] or 0)]

    def name_of(self, key: Key) -> str:
        """What `words` calls a key of the trace."""
        _, kind, i = key
        if kind == STATE:
            return str(i)
        same = self.program.of_kind(kind)
        word = next(w for w, k in KINDS.items() if k == kind)
        return word + (f" {same.index(i)}" if i != same[0] else "")

    # -- in the statement's vectors ---------------------------------------------------------------------------

    def put(self, vector: Vector) -> Combination:
        """A vector of the trace as a combination of the statement's vectors."""
        out: Combination = {}
        for key, c in vector.terms.items():
            scope, kind, i = key
            name = self.name_of(key)
            # A common term is either one vector (of the server, or a broadcast), or the average of what the
            # workers have.
            common = scope == COMMON
            single = common and (kind == SPOKEN or (kind == STATE and i in self.program.server))
            averaged = common and not single
            # Before the mean over a worker's parts is taken, a gradient is that of the part which is drawn.
            name = f"drawn {name}" if scope == PART else name
            word: Word | None = self.words.get(name, name if kind == STATE else None)
            if averaged and f"mean {name}" in self.words:
                averaged, word = False, self.words[f"mean {name}"]
            if word is None:
                raise ValueError(
                    f"{self.method.__name__}'s step has a {name} that the statement gives no name"
                )
            for vector_name, factor in ({word: 1} if isinstance(word, str) else word).items():
                place = (
                    averaged or bool(averaged_name(vector_name)),
                    averaged_name(vector_name) or vector_name,
                )
                out[place] = out.get(place, 0) + number(c) * number(factor)
        return {k: v for k, c in out.items() if (v := short(c)) != 0}

    def text(self, vector: Vector | Combination) -> str:
        """As a text, with the statement's names for points and inputs put in where they stand as a whole."""
        found = dict(self.put(vector) if isinstance(vector, Vector) else vector)
        for name, of in self.called.items():
            inner = self.put(self.program.ops[self.operation(of)].argument)
            held = bool(inner) and len(inner) > 1
            if held and found != {} and all(sympy.expand(found.get(k, 0) - c) == 0 for k, c in inner.items()):
                rest = {k: c for k, c in found.items() if k not in inner}
                return joined({(False, name): sympy.Integer(1), **rest})
        return joined(found, self.sizes.values())

    def argument(self, of: str) -> str:
        """What a gradient is taken at, a message or a broadcast made of."""
        return joined(self.put(self.program.ops[self.operation(of)].argument))

    def one(self, of: str = "message") -> str:
        """d in x+ = x - gamma d where exactly one worker's message is kept: it is then what it was made of."""
        [leaf] = {
            repr(_said(leaf.following[self.program.server[0]])): leaf for leaf in self.program.leaves
        }.values()
        sent = self.operation(of)
        # mean(C(u)) is u_j itself where one worker j is kept, and over-weighted by n: the rest of the step
        # stands beside it.
        total = dict(self.put(self.program.ops[sent].argument))
        factor = sympy.Integer(0)
        for key, c in leaf.following[self.program.server[0]].terms.items():
            if key[1] == MESSAGE and key[2] == sent:
                factor = -number(c) / number(self.params["gamma"])
            elif key != (COMMON, STATE, self.program.server[0]):
                for place, a in self.put(Vector({key: c})).items():
                    total[place] = total.get(place, 0) - a / number(self.params["gamma"])
        if sympy.expand(factor - 1) != 0:
            raise ValueError(f"{self.method.__name__}'s step takes {factor} times the mean of its messages")
        return joined({k: v for k, c in total.items() if (v := short(c)) != 0})

    def renewed(self, name: str, less: str = "") -> tuple[str, str, str]:
        """(probability, a statement's vector after the step where it is renewed, where it is not), each minus `less`.

        Renewed by the step's coin, or where the worker's message is kept. name: a vector of the statement, or a state
        vector of the body at which a drawn part has a gradient.
        """
        sides: list[Combination] = []
        if len(self.program.leaves) == 2:
            chance = number(self.program.leaves[0].probability)
            sides = [self._there(name, leaf) for leaf in self.program.leaves]
        else:
            # A message is u/p with probability p, else 0: both sides are the next value with these in its
            # place.
            [leaf], [i], chance = self.program.leaves, self.program.of_kind(MESSAGE), number(self.kept)
            after = leaf.following[self.source(name)[1]]
            for factor in (1 / chance, sympy.Integer(0)):
                rest = self.put(Vector({k: c for k, c in after.terms.items() if k[1:] != (MESSAGE, i)}))
                of = sum(number(c) for k, c in after.terms.items() if k[1:] == (MESSAGE, i))
                for place, c in self.put(self.program.ops[i].argument).items():
                    rest[place] = rest.get(place, 0) + of * factor * c
                sides.append({k: v for k, c in rest.items() if (v := short(sympy.cancel(c))) != 0})
        for side in sides if less else ():
            side[False, less] = side.get((False, less), 0) - sympy.Integer(1)
        yes, no = (joined({k: c for k, c in side.items() if c != 0}) for side in sides)
        return str(chance), yes, no

    def _there(self, name: str, leaf: Leaf) -> Combination:
        """A statement's vector after the step, or the drawn part's gradient at a state vector of the body."""
        if name not in self.program.names or not any(op.parts for op in self.program.ops):
            return self.following(name, leaf)
        at = leaf.following[name]
        i = next(i for i, op in enumerate(self.program.ops) if op.parts and _same(op.argument, at))
        return self.put(Vector({(PART, GRADIENT, i): 1}))

    def mean(self, of: str, vector: str = "", order: str = "") -> str:
        """The mean of a message, a broadcast or a drawn part, given what it was made of.

        vector: of the draw within its word. order: which vectors are written first.
        """
        factor = number(self.scale) if "message" in of else sympy.Integer(1)
        inner = self.put(
            averaged(self.program.ops[self.operation(of)].argument, OWN)
            if of.startswith("picked")
            else self.program.ops[self.operation(of)].argument
        )
        first = order.split()
        inner = dict(sorted(inner.items(), key=lambda kv: (*first, kv[0][1]).index(kv[0][1])))
        total = {place: factor * c for place, c in inner.items()}
        word = self.words[of] if vector else {}
        for name, c in word.items() if isinstance(word, Mapping) else ():
            if name != vector:
                total[False, name] = total.get((False, name), 0) - number(c)
        return joined({k: v for k, c in total.items() if (v := short(c)) != 0})

    def let(self) -> dict[str, str]:
        """The names of `called` with their texts."""
        return {name: self.argument(of) for name, of in self.called.items()}

    def direction(self, apart: bool = False) -> str:
        """d in x+ = x - gamma d; apart: with the average of every vector of the step by itself."""
        x, gamma = self.program.server[0], number(self.params.get("gamma", "gamma"))
        # A coin may move memories; where it moved x itself, x+ = x - gamma d would have two d.
        texts = {self._along(leaf.following[x], x, gamma, apart) for leaf in self.program.leaves}
        if len(texts) > 1:
            raise ValueError(f"{self.method.__name__}'s next x hangs on a coin")
        return texts.pop()

    def steps(self) -> dict[str, str]:
        """`next` of x as x - gamma (d), what the body's vectors stand for kept together."""
        x = self.program.server[0]
        return {x: f"{x} - {self.params['gamma']}*({self.direction(apart=True)})"}

    def _along(self, after: Vector, x: str, gamma: Any, apart: bool) -> str:
        if apart:
            keys = [(k, c) for k, c in after.terms.items() if k != (COMMON, STATE, x)]
            return summed([f"+ {joined(self._slope({k: c}, gamma))}" for k, c in keys])
        found = self.put(after)
        if found.pop((False, str(self.words.get(x, x))), 0) != 1:
            raise ValueError(f"{self.method.__name__}'s next x is no step from x")
        return joined({k: sympy.cancel(-c / gamma) for k, c in found.items()})

    def _slope(self, terms: Mapping[Key, Any], gamma: Any) -> Combination:
        """-1/gamma times a part of the next x."""
        return {k: sympy.cancel(-c / gamma) for k, c in self.put(Vector(terms)).items()}

    # -- after the step ---------------------------------------------------------------------------------------

    def source(self, name: str) -> tuple[str, str]:
        """("state", the body's name) or ("gradient", the state vector it is taken at) of a statement's vector."""
        if name in self.at:
            return "gradient", self.at[name]
        for said, word in self.words.items():
            if word == name and said in self.program.names:
                return "state", said
            if word == name and "gradient" in said:
                return "gradient", self._state_at(said)
        if name in self.program.names and name not in self.words:
            return "state", name
        raise ValueError(f"{name} is neither of the state of {self.method.__name__} nor a gradient at it")

    def _state_at(self, said: str) -> str:
        """The state vector at which a gradient of the step is taken."""
        [(_, kind, at), *more] = self.program.ops[self.operation(said)].argument.terms
        if kind != STATE or more:
            raise ValueError(f"{said} of {self.method.__name__} is taken at no vector of the state")
        return str(at)

    def following(self, name: str, leaf: Leaf) -> Combination:
        """A statement's vector after the step."""
        kind, at = self.source(name)
        if kind == "state":
            return self.put(leaf.following[at])
        return {(False, self._gradient_at(leaf.following[at])): sympy.Integer(1)}

    def _gradient_at(self, point: Vector) -> str:
        """The statement's gradient at this point of the step."""
        for i in self.program.of_kind(GRADIENT):
            if _same(self.program.ops[i].argument, point):
                word = self.words[self.name_of(("", GRADIENT, i))]
                return str(word)
        for name, state in self.at.items():
            if _same(Vector({(COMMON, STATE, state): 1}), point):
                return name
        for name, state in self.ahead.items():
            if all(_same(leaf.following[state], point) for leaf in self.program.leaves):
                return name
        raise ValueError(f"the statement has no gradient at the next point of {self.method.__name__}")

    def next(self, *names: str, **others: str) -> dict[str, str]:
        """`next` of a run: state vectors and gradients of `at` by the statement's names, others as they are given."""
        out = {}
        for name in names:
            made = [f"{y} + {less}" for y, (of, less) in self.later.items() if of == name]
            if made:
                [out[name]] = made
                continue
            texts = {self.text(self.following(name, leaf)) for leaf in self.program.leaves}
            if len(texts) > 1:
                raise ValueError(f"{name} hangs on a coin: give the draw of its `outcomes` a name")
            out[name] = texts.pop()
        return {**out, **others}

    def outcomes(self, state: str, less: str) -> tuple[str, list[str]]:
        """(p, [state vector minus gradient after the step where the coin came up, where it did not]).

        state: by the body's name; less: the statement's gradient at a state vector, its mean for a server's state.
        """
        yes, no = self.program.leaves
        texts = []
        for leaf in (yes, no):
            total = self.put(leaf.following[state])
            for (_, name), c in self.following(less, leaf).items():
                place = (state in self.program.server, name)
                total[place] = total.get(place, 0) - c
            texts.append(self.text({k: v for k, v in total.items() if sympy.expand(v) != 0}))
        return spelled(number(yes.probability)), texts

    @staticmethod
    def after(potential: str, moves: Mapping[str, str]) -> str:
        """The potential with every name of `moves` replaced by its text."""
        found = re.compile(r"\b(" + "|".join(map(re.escape, moves)) + r")\b")

        def put(at: re.Match[str]) -> str:
            text = moves[at[0]]
            before, behind = potential[: at.start()].rstrip(), potential[at.end() :].lstrip()
            alone = behind[:1] not in ("*", "/")
            if alone and (not before or before[-1] in "(+,"):
                return text
            # a - v with v = b + c is a - b - c: the text is put in as people write it, so that statements
            # stay readable.
            if alone and before[-1] == "-":
                return signs_turned(text)
            return f"({text})" if not text.isidentifier() else text

        return found.sub(put, potential)


def _said(v: Vector) -> list[tuple[Key, str]]:
    return [(k, str(number(c))) for k, c in v.terms.items()]


def _plain(program: Program) -> Any:
    """What must be the same for all n and d."""
    ops = [(op.kind, op.draw, _said(op.argument)) for op in program.ops]
    leaves = [
        (str(number(leaf.probability)), leaf.coins, [(k, _said(v)) for k, v in leaf.following.items()])
        for leaf in program.leaves
    ]
    return ops, leaves


def _parameter(text: str) -> Any:
    """A whole number as it is, a body may branch on it; everything else as a symbol that it cannot compare."""
    return int(text) if text.isdecimal() else Formula(number(text))


def _same(a: Vector, b: Vector) -> bool:
    keys = {*a.terms, *b.terms}
    return all(sympy.expand(number(a.terms.get(k, 0)) - number(b.terms.get(k, 0))) == 0 for k in keys)
