"""A judged file's body as data: what its step does, its coefficients as formulas of the parameters; and a body of that.

The worker runs the file's function once on symbols and tells operations and next states. The referee makes a body of
its own that does just that, so that whatever `analyse` derives is computed here, where the file cannot reach it.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypedDict, TypeVar

from compth._numbers import Number
from compth._types import Json
from compth.certification.beside import beside
from compth.errors import CompthError
from compth.methods.core.body import NOTHING, BodyMethod, derived, method, runs_its_body
from compth.methods.core.program import Body, Tracer, _run
from compth.methods.core.signature import Server, Start, Worker
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, SPOKEN, STATE, Underivable
from compth.worst_case.told import Statement

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World
    from compth.methods.core.vectors import Vector


T = TypeVar("T")
OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
DEPTH, SIZE = 60, 4000
"""Deepest formula that is told, and most operations in it."""
TOLD = (GRADIENT, MESSAGE, SPOKEN)
Term = tuple[str, str, str | int, object]
"""Scope, kind, id and the coefficient's formula."""


class Formula:
    """A number that is not known yet: it writes down what is done with it, as nested tuples."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: object, depth: int = 0, size: int = 1) -> None:
        # A formula doubles with every use of itself: what is too long to send is refused while it is made.
        if depth > DEPTH or size > SIZE:
            raise Underivable("a formula that is too long to be told")
        self.tree, self.depth, self.size = tree, depth, size

    def _with(self, sign: str, other: object, turned: bool = False) -> object:
        """The formula of an operation; turned: this one stands on the right."""
        if not isinstance(other, Formula | int | float | Fraction):
            return NotImplemented
        second = other if isinstance(other, Formula) else Formula(_plain(other))
        a, b = (second, self) if turned else (self, second)
        return Formula((sign, a.tree, b.tree), max(a.depth, b.depth) + 1, a.size + b.size + 1)

    def __neg__(self) -> Formula:
        return Formula(("*", -1, self.tree), self.depth + 1, self.size + 1)

    def _compared(self, *_: object) -> bool:
        """No order and no value: a body that branches on a parameter is not told."""
        raise Underivable("control flow on a parameter")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = __index__ = __float__ = _compared


def _add_operations() -> None:
    """Arithmetic on either side of a Formula."""
    names = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}
    for sign, name in names.items():
        setattr(Formula, f"__{name}__", lambda self, other, s=sign: self._with(s, other))
        setattr(Formula, f"__r{name}__", lambda self, other, s=sign: self._with(s, other, True))


_add_operations()


def _plain(value: Number) -> int | float | Fraction:
    """A number as it is sent."""
    return value if isinstance(value, Fraction) else float(value) if isinstance(value, float) else int(value)


def _tree(value: Number) -> object:
    """The tree of a formula, or the number."""
    return value.tree if isinstance(value, Formula) else _plain(value)


def valued(tree: object, values: Mapping[str, Number]) -> Number:
    """A formula's value."""
    if isinstance(tree, str):
        return values[tree]
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]](valued(tree[1], values), valued(tree[2], values))
    return tree


class _Teller(Tracer):
    """A tracer with unknown n and d, which notes the chances of coins."""

    def __init__(self, body: Body, path: tuple[bool, ...]) -> None:
        super().__init__(body, path, 1, 1, True, True)
        unknown: tuple[Number, Number] = (Formula("n"), Formula("d"))
        self._n, self._d = unknown
        self.chances: list[object] = []

    def coin(self, p: Number, yes: T, no: T) -> T:
        """As the tracer's, and p is noted."""
        self.chances.append(p)
        taken: T = super().coin(p, yes, no)
        return taken


# the file's side


def _kind(thing: object) -> type[BodyMethod] | None:
    """The class of a function, or of a class that is a body and nothing else; None for all other things."""
    # A class counts only where it is a body and nothing else: theorems, closed forms or a compressor of its
    # own would be lost on the way, and the referee would judge another method.
    kind = method(thing) if inspect.isfunction(thing) else thing
    if not (isinstance(kind, type) and issubclass(kind, BodyMethod) and kind.__bases__ == (BodyMethod,)):
        return None
    bare = not (kind.own_theorems or kind.known or kind.planned or kind.lyapunov_names or kind.requires)
    return kind if bare and runs_its_body(kind) and kind.takes_compressor else None


def _terms(vector: Vector) -> list[Term]:
    """A vector's terms as (scope, kind, id, formula)."""
    return [(scope, kind, at, _tree(c)) for (scope, kind, at), c in vector.terms.items()]


def _paths(kind: type[BodyMethod]) -> list[tuple[_Teller, dict[str, Vector]]]:
    """The runs of the body: one, or one for each side of its only coin."""
    form = kind.signature
    given = {k: Formula(k) for k in (*form.params, *(("gamma",) if form.takes_gamma else ()))}
    out = []
    # n and d are symbols, too, so that one trace serves all sizes; each side of the coin is another run.
    for path in ((True,), (False,)):
        w = _Teller(kind.body, path)
        out.append((w, _run(kind.body, w, form.server, form.worker, given)))
        if not w.chances:
            break
    return out


class Answer(TypedDict, total=False):
    """A body as data; {} for one that is not told so. Exactly these keys are checked where the data arrive."""

    name: str
    text: str
    server: list[str]
    worker: list[str]
    start: dict[str, str]
    params: dict[str, Number]
    gamma: bool
    ops: list[tuple[str, list[Term], int, int]]
    leaves: list[dict[str, list[Term]]]
    chance: object


def _is_answer(answer: object, *_: object) -> bool:
    """True for {} or data that a body can be made of."""
    return isinstance(answer, dict) and (not answer or _well_formed(answer))


@beside(_is_answer)
def told_body(statement: Statement) -> Answer:
    """The body as data, {} for what is not told so: a class with more than its body, control flow on parameters ..."""
    kind = _kind(statement.thing)
    if kind is None:
        return {}
    form, defaults = kind.signature, {}
    for name, value in kind.signature.params.items():
        if value is not NOTHING and not (isinstance(value, int | float | Fraction) and value is not True):
            return {}
        defaults[name] = None if value is NOTHING else _plain(value)
    try:
        # Symbols may hide what arrays do: a body is told only where `derived` finds its trace to be what it
        # does.
        runs = _paths(kind)
        first = runs[0][0]
        if any(len(w.chances) > 1 or op.parts or op.kind not in TOLD for w, _ in runs for op in w._ops):
            return {}
        values = tuple(
            sorted(dict.fromkeys((*form.params, *(("gamma",) if form.takes_gamma else ())), 0.25).items())
        )
        derived(kind, values, 3, 6, False)  # on arrays the body does what it does on symbols
    except CompthError:
        return {}
    ops = [(op.kind, _terms(op.argument), op.draw, op.line) for op in first._ops]
    leaves = [{k: _terms(v) for k, v in following.items()} for _, following in runs]
    chance = _tree(first.chances[0]) if first.chances else None
    return {
        "name": kind.__name__, "text": inspect.getdoc(kind.body) or "", "server": list(form.server),
        "worker": list(form.worker), "start": dict(form.start), "params": defaults, "gamma": form.takes_gamma,
        "ops": ops, "leaves": leaves, "chance": chance,
    }  # fmt: skip


# the referee's side


def _well_formed(a: Json) -> bool:
    """True for data that a body can be made of."""
    names = ("name", "text", "server", "worker", "start", "params", "gamma", "ops", "leaves", "chance")
    if tuple(a) != names or not all(isinstance(a[k], list) for k in ("server", "worker", "ops", "leaves")):
        return False
    if not (isinstance(a["start"], dict) and isinstance(a["params"], dict) and isinstance(a["gamma"], bool)):
        return False
    # Names are identifiers, vectors and parameters do not share one, x comes first: everything that the body
    # made of this data will rely on, since what sent it is not trusted.
    vectors, known = (
        [*a["server"], *a["worker"]],
        {*a["params"], "n", "d", *(["gamma"] if a["gamma"] else [])},
    )
    words = [a["name"], *vectors, *a["params"]]
    fine = all(isinstance(v, str) and v.isidentifier() for v in words) and isinstance(a["text"], str)
    if not fine or len({*vectors, *known}) != len(vectors) + len(known) or a["server"][:1] != ["x"]:
        return False
    fine = all(v in ("x0", "gradient") for v in a["start"].values()) and set(a["start"]) <= set(vectors[1:])
    numbers = all(v is None or isinstance(v, int | float | Fraction) for v in a["params"].values())
    sides = len(a["leaves"]) == (1 if a["chance"] is None else 2)
    if not (fine and numbers and sides and (a["chance"] is None or _is_formula(a["chance"], known))):
        return False
    # An operation may read only what came before it; a leaf all of them.
    for at, op in enumerate(a["ops"]):
        shaped = (
            isinstance(op, tuple) and len(op) == 4 and op[0] in TOLD and all(type(v) is int for v in op[2:])
        )
        if not (shaped and _are_terms(op[1], vectors, known, at)):
            return False
    every = [leaf for leaf in a["leaves"] if isinstance(leaf, dict) and set(leaf) == set(vectors)]
    return len(every) == len(a["leaves"]) and all(
        _are_terms(v, vectors, known, len(a["ops"])) for leaf in every for v in leaf.values()
    )


def _are_terms(terms: object, vectors: Sequence[str], known: set[str], before: int) -> bool:
    """True for terms that name vectors of the state, or operations before this one, with formulas as coefficients."""
    if not isinstance(terms, list):
        return False
    for term in terms:
        if not (isinstance(term, tuple) and len(term) == 4 and term[0] in (COMMON, OWN)):
            return False
        _, kind, at, tree = term
        named = at in vectors if kind == STATE else kind in TOLD and type(at) is int and 0 <= at < before
        if not (isinstance(at, str | int) and named and _is_formula(tree, known)):
            return False
    return True


def _is_formula(tree: object, known: set[str], depth: int = 0) -> bool:
    """True for a number, a known name, or an operation on two formulas, nested DEPTH deep at most."""
    if isinstance(tree, str):
        return tree in known
    if isinstance(tree, tuple):
        inner = len(tree) == 3 and tree[0] in OPERATIONS and depth <= DEPTH
        return inner and all(_is_formula(t, known, depth + 1) for t in tree[1:])
    return isinstance(tree, int | float | Fraction) and not isinstance(tree, bool)


class _Step:
    """One step of a told body with any `w`: a tracer's, or one on arrays."""

    def __init__(
        self,
        body: Body,
        told: Answer,
        w: World,
        x: Vec,
        given: Mapping[str, Number],
        speak: Callable[[Vec], Vec],
    ) -> None:
        self.body, self.told, self.w, self.speak = body, told, w, speak
        vectors = {*told["server"], *told["worker"]}
        self.state = {"x": x, **{k: v for k, v in given.items() if k in vectors}}
        self.values = {k: v for k, v in given.items() if k not in vectors}
        # Only where a formula names it: asking w.n marks the program as one for this number of workers.
        if _asks(told, "n"):  # who asks is another method for other workers, or at another dimension
            self.values["n"] = w.n
        if _asks(told, "d"):
            self.values["d"] = w.d
        self.results: list[Vec] = []
        self.sketches: dict[int, Callable[[Vec], Vec]] = {}

    def combined(self, terms: list[Term]) -> Vec:
        """The combination; nothing at all is 0 times x."""
        total: Vec | None = None
        for scope, kind, at, tree in terms:
            v = self.state[str(at)] if kind == STATE else self.results[int(at)]
            # A worker's vector in the common scope is its mean, which the verb takes again on whatever w works
            # with.
            own = kind in (GRADIENT, MESSAGE) or (kind == STATE and at in self.told["worker"])
            part = valued(tree, self.values) * (self.w.mean(v) if own and scope == COMMON else v)
            total = part if total is None else total + part
        return 0 * self.state["x"] if total is None else total

    def did(self, kind: str, argument: Vec, draw: int, shared: bool) -> Vec:
        """What the verb gives."""
        if kind == SPOKEN:
            return self.speak(argument)
        if kind == GRADIENT:
            return self.w.gradient(argument, draw=draw) if shared else self.w.gradient(argument)
        if not shared:
            return self.w.compress(argument)
        # Operations of one draw share a sketch: it is drawn once and applied as often as the body did.
        if draw not in self.sketches:
            self.sketches[draw] = self.w.sketch()
        return self.sketches[draw](argument)

    def following(self) -> dict[str, Vec]:
        """The next state."""
        draws = [op[2] for op in self.told["ops"]]
        for kind, terms, draw, line in self.told["ops"]:
            vars(self.body)["told_line"] = line
            self.results.append(self.did(kind, self.combined(terms), draw, draws.count(draw) > 1))
        # Both sides of the coin are computed, as in the body: w.coin says which one counts.
        sides = [tuple(self.combined(v) for v in leaf.values()) for leaf in self.told["leaves"]]
        names = list(self.told["leaves"][0])
        if len(sides) == 1:
            return dict(zip(names, sides[0], strict=True))
        chosen = self.w.coin(valued(self.told["chance"], self.values), *sides)
        return dict(zip(names, chosen, strict=True))


def _asks(told: Answer, name: str) -> bool:
    """True when a formula names it."""
    every = [
        told["chance"],
        *(op[1] for op in told["ops"]),
        *(list(leaf.values()) for leaf in told["leaves"]),
    ]
    return _holds(every, name)


def _holds(tree: object, name: str) -> bool:
    """True when a name stands in a formula anywhere inside."""
    if isinstance(tree, tuple) and len(tree) == 4:  # a term: scope, kind and id are no formula
        return _holds(tree[3], name)
    if isinstance(tree, list | tuple):
        return any(_holds(t, name) for t in tree)
    return bool(tree == name)


@dataclass(frozen=True, eq=False)
class _Known:
    """An answer that is never written to: one value of the package's own that a function reads."""

    told: Answer


def _mute(v: Vec) -> Vec:
    """In the place of a broadcast of a body that has none."""
    raise Underivable("a broadcast")


def body_of(told: Answer) -> Body:
    """A function with the file's signature that does what the file's body was seen to do."""
    # Two functions, for whether a body broadcasts is read off the names that its code uses.
    known = _Known(told)

    def heard(w: World, x: Vec, **given: Number) -> dict[str, Vec]:
        return _Step(heard, known.told, w, x, given, w.broadcast).following()

    def silent(w: World, x: Vec, **given: Number) -> dict[str, Vec]:
        return _Step(silent, known.told, w, x, given, _mute).following()

    body = heard if any(op[0] == SPOKEN for op in told["ops"]) else silent
    body.__name__ = body.__qualname__ = told["name"]
    body.__doc__, body.__module__ = told["text"] or None, "judged"
    vars(body).update(told_line=0, __signature__=inspect.Signature(_parameters(told)))
    return body


def _parameters(told: Answer) -> list[inspect.Parameter]:
    """The signature of the file's body: w, x, vectors with their marks and starts, then parameters."""
    one, word = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    out = [inspect.Parameter("w", one), inspect.Parameter("x", one)]
    plain, marked = list[inspect.Parameter](), list[inspect.Parameter]()
    for scope, names in ((Server, told["server"][1:]), (Worker, told["worker"])):
        for name in names:
            kind = told["start"].get(name)
            default: object = inspect.Parameter.empty if kind is None else Start(kind)
            (plain if kind is None else marked).append(
                inspect.Parameter(name, one, annotation=scope, default=default)
            )
    out += [*plain, *marked]
    if told["gamma"]:
        out.append(inspect.Parameter("gamma", word))
    for name, value in told["params"].items():
        default = inspect.Parameter.empty if value is None else value
        out.append(inspect.Parameter(name, word, default=default))
    return out


__all__ = ["body_of", "told_body", "valued"]
