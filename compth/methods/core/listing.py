"""The algorithm as it was understood: pseudo-code and LaTeX, printed from the trace and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

from compth._numbers import Number
from compth.errors import CompthError
from compth.methods.core.body import NOTHING, BodyMethod
from compth.methods.core.program import Program, from_server, trace
from compth.methods.core.vectors import (
    COMMON,
    GRADIENT,
    MESSAGE,
    OWN,
    PART,
    PICKED,
    STATE,
    Underivable,
    Vector,
)

LETTERS = {GRADIENT: "g", MESSAGE: "c", PICKED: "v"}
GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "eta",
    "theta",
    "lambda",
    "mu",
    "nu",
    "omega",
    "rho",
    "tau",
    "kappa",
    "sigma",
)


@dataclass(frozen=True)
class Listing:
    """Lines of pseudo-code, and the same as a LaTeX align environment. symbolic: parameters are names, not numbers."""

    lines: tuple[str, ...]
    latex: str
    symbolic: bool


def listing(kind: type[BodyMethod], numbers: Mapping[str, Number], n: int, d: int, downlink: bool) -> Listing:
    """The body's algorithm. numbers: parameters for a body that asks for their values.

    Underivable, with the line, for a body that is no linear program.
    """
    program, symbolic = _program(kind, numbers, n, d, downlink)
    plain, pretty = _Words(program), _Symbols(program)
    lines = [*_beginning(program), "repeat", *(f"    {text}" for text in plain.steps())]
    rows = " \\\\\n".join(f"  {row}" for row in pretty.steps())
    return Listing(tuple(lines), f"\\begin{{align*}}\n{rows}\n\\end{{align*}}", symbolic)


def round_of(kind: type[BodyMethod], numbers: Mapping[str, Number], n: int, d: int) -> list[str]:
    """The lines of one round without a compressed broadcast. numbers, errors: as for `listing`."""
    return steps_of(_program(kind, numbers, n, d, False)[0])


def steps_of(program: Program) -> list[str]:
    """The lines of one round of a program."""
    return _Words(program).steps()


def _program(
    kind: type[BodyMethod], numbers: Mapping[str, Number], n: int, d: int, downlink: bool
) -> tuple[Program, bool]:
    from sympy import Symbol

    form = kind.signature
    names = [*form.params, *(("gamma",) if form.takes_gamma else ())]
    traced = partial(
        trace, kind.body, form.server, form.worker, n=n, d=d, downlink=downlink, start=form.start
    )
    defaults = {k: v for k, v in form.params.items() if v is not NOTHING}
    # with every parameter a name, if the body lets it; else with defaults for what it asks about; else at
    # numbers. The listing says which
    for known in ({}, defaults) if defaults else ({},):  # a body may ask what a parameter with a default is
        try:
            given = {k: Formula(Symbol(k, positive=True)) for k in names} | known
            return traced(given, coins_unknown=True), not known
        except CompthError:
            continue
    return traced({k: numbers[k] for k in names}), False


@dataclass(frozen=True, eq=False)
class Formula:
    """A sympy expression that leaves vectors alone (sympy would ask them for their value) and is never compared."""

    it: Number

    @property
    def is_zero(self) -> bool:
        """True where it vanishes identically."""
        return self.it.is_zero is True

    def _with(self, other: object, made: Callable[[Number, Number], Number]) -> object:
        # NotImplemented hands the product to the vector, whose coefficients these formulas then are
        if isinstance(other, Vector):
            return NotImplemented
        return Formula(made(self.it, other.it if isinstance(other, Formula) else other))

    def __add__(self, other: object) -> object:
        return self._with(other, lambda a, b: a + b)

    __radd__ = __add__

    def __sub__(self, other: object) -> object:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: object) -> object:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: object) -> object:
        return self._with(other, lambda a, b: a * b)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> object:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: object) -> object:
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, other: object) -> object:
        return self._with(other, lambda a, b: a**b)

    def __neg__(self) -> Formula:
        return Formula(-self.it)

    def _compared(self, *_: object) -> bool:
        raise Underivable("control flow on a parameter")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _compared


def _beginning(program: Program) -> list[str]:
    """Where every vector begins."""
    said = {"x0": "x_0", "gradient": "the gradient at x_0"}
    server = [f"{k} at {said.get(program.start.get(k, ''), '0')}" for k in program.server[1:]]
    worker = [f"{k}_i at {said.get(program.start.get(k, ''), '0')}" for k in program.worker]
    out = [f"server begins with {', '.join(['x at x_0', *server])}"]
    return out + ([f"every worker i begins with {', '.join(worker)}"] if worker else [])


@lru_cache(1024)
def _simplest(c: Number) -> Number:
    """A coefficient as the body has it, or with fewer operations: the same one stands on several lines.

    Common factors are cancelled; sympy's general simplification tries far more, for the same or for longer ones.
    """
    from sympy import cancel, count_ops, nsimplify

    # floats of defaults become the rationals they stand for, or 0.5 would be carried beside 1/2
    exact = nsimplify(c, rational=True)
    # a product of powers is as simple as it gets, and most coefficients are one
    factors = exact.as_ordered_factors()
    plain = all(f.is_Atom or (f.is_Pow and f.base.is_Atom and f.exp.is_Integer) for f in factors)
    return exact if plain else sorted((exact, cancel(exact)), key=count_ops)[0]


class _Words:
    """Plain text."""

    gradient = "every worker i: {0} = grad f_i({1})"
    parts = "every worker i, each of its parts j: {0} = grad f_ij({1})"
    picked = "every worker i: {0} = ({1}) at one part j, drawn uniformly"
    compressor = "every worker i: {0} = C_i({1}), sent"
    shared = "every worker i: {0} = S_i({1}), sent, the same S_i wherever it stands"
    received = "every worker i: {0} = S_i({1}), received, the same S_i wherever it stands"
    broadcast = "server: {0} = C_M({1}), heard by all"
    following, chance = "{0}+ = {1}", "with probability {0}: {1}"

    def __init__(self, program: Program) -> None:
        self.program = program

    def steps(self) -> list[str]:
        """One line for each operation, then the next state."""
        out = []
        for k, op in enumerate(self.program.ops):
            out.append(self.form(k).format(self.name(k, PART if op.parts else OWN), self.vector(op.argument)))
        leaves = self.program.leaves
        for name in self.program.names:
            shown = [self.vector(leaf.following[name]) for leaf in leaves]
            left = self.state(name, OWN if name in self.program.worker else "")
            # the same in every outcome: no coin is mentioned
            if len(set(shown)) == 1:
                out.append(self.following.format(left, shown[0]))
                continue
            for text in dict.fromkeys(shown):
                # outcomes that print alike are one line, with the sum of their probabilities
                chance: object = sum(
                    leaf.probability for leaf, s in zip(leaves, shown, strict=True) if s == text
                )
                out.append(self.chance.format(self.number(chance), self.following.format(left, text)))
        return out

    def form(self, k: int) -> str:
        """The sentence of an operation."""
        op, program = self.program.ops[k], self.program
        # a message that shares its draw with another is a sketch S_i, and where the server makes it from
        # what it holds the worker receives it
        draws = [program.ops[i].draw for i in program.of_kind(MESSAGE)]
        if op.kind == MESSAGE and draws.count(op.draw) > 1:
            return self.received if k in from_server(program) else self.shared
        plain = {GRADIENT: self.gradient, MESSAGE: self.compressor, PICKED: self.picked}
        return self.parts if op.parts else plain.get(op.kind, self.broadcast)

    def name(self, k: int, scope: str) -> str:
        """An operation's result: numbered where there are several of its kind."""
        kind = self.program.ops[k].kind
        same = self.program.of_kind(kind)
        letter = LETTERS.get(kind, "b") + (str(same.index(k) + 1) if len(same) > 1 else "")
        taken = letter in self.program.names
        return self.state(letter + ("'" if taken else ""), scope if kind in LETTERS else "")

    def state(self, name: str, scope: str) -> str:
        """h_i of a worker, g_ij of its parts, mean(h), or a server's."""
        return f"{name}{ {OWN: '_i', PART: '_ij'}.get(scope, '') }"

    def mean(self, name: str, over: str = "") -> str:
        """An average over the workers, or over the parts of one."""
        return f"mean({name}{over})"

    def vector(self, v: Vector) -> str:
        """A linear combination."""
        parts = []
        for (scope, kind, i), c in v.terms.items():
            own = kind in LETTERS or (kind == STATE and i in self.program.worker)
            name = self.state(i, scope) if kind == STATE else self.name(i, scope)
            # a worker's mean of its parts' gradients is written out, as the gradient that was taken is that
            # of a part
            if kind == GRADIENT and scope == OWN and self.program.ops[i].parts:
                name = self.mean(self.name(i, PART), " over j")
            parts.append(self.times(c, self.mean(name) if scope == COMMON and own else name))
        text = " + ".join(parts).replace("+ -", "- ")
        return text or "0"

    def times(self, c: object, name: str) -> str:
        """coefficient * vector."""
        text = self.number(c)
        if text in ("1", "-1"):
            return name if text == "1" else f"-{name}"
        inside = text[1:] if text.startswith("-") else text
        whole = f"({text})" if " + " in inside or " - " in inside else text
        return f"{whole} {name}"

    def number(self, c: object) -> str:
        """A coefficient."""
        if not isinstance(c, Formula):
            return f"{c:g}" if isinstance(c, float) else str(c)
        return self.expression(_simplest(c.it))

    def expression(self, c: object) -> str:
        """A symbolic coefficient."""
        return str(c)


class _Symbols(_Words):
    """LaTeX."""

    gradient = r"{0} &= \nabla f_i({1})"
    compressor = r"{0} &= \mathcal{{C}}_i({1})"
    parts = r"{0} &= \nabla f_{{ij}}({1})"
    picked = r"{0} &= ({1}) \text{{ at one part }} j \text{{, drawn uniformly}}"
    shared = received = r"{0} &= \mathcal{{S}}_i({1})"
    broadcast = r"{0} &= \mathcal{{C}}_M({1})"
    following, chance = r"{0}^{{+}} &= {1}", r"{1} \quad \text{{with probability }} {0}"

    def state(self, name: str, scope: str) -> str:
        stem = name.rstrip("0123456789'")
        tail = name[len(stem) :].rstrip("'")
        mark = "'" if name.endswith("'") else ""
        letter = f"\\{stem}" if stem in GREEK else stem
        shown = (letter if stem in GREEK or len(stem) == 1 else f"\\mathit{{{stem.replace('_', '')}}}") + mark
        index = ",".join(x for x in (tail, {OWN: "i", PART: "ij"}.get(scope, "")) if x)
        return f"{shown}_{{{index}}}" if index else shown

    def number(self, c: object) -> str:
        if isinstance(c, Fraction) and c.denominator > 1:
            return f"{'-' if c < 0 else ''}\\tfrac{{{abs(c.numerator)}}}{{{c.denominator}}}"
        return super().number(c)

    def mean(self, name: str, over: str = "") -> str:
        if over:
            return f"\\tfrac1m \\sum_j {name}"
        return f"\\bar{{{name}}}" if len(name) == 1 else f"\\overline{{{name}}}"

    def expression(self, c: object) -> str:
        from sympy import latex

        return str(latex(c))

    def times(self, c: object, name: str) -> str:
        return super().times(c, name).replace(f") {name}", f")\\,{name}")
