"""What each argument of a schema may be: hypotheses about functions speak of points, values and gradients only.

An evaluation of a function is a point, its value and its gradient. A value is a plain name with one point; a gradient
is a vector of its own (or its mean over the workers, or 0 at a minimiser) with one point; a constant of a class of
functions is a plain name; everything else that is a number is made of parameters. So no hypothesis can be a rate in
disguise. What has to hold along a run: `survival`.
"""

from __future__ import annotations

import ast
from typing import Any

from . import kernel
from .axioms import SCHEMAS
from .kernel import Poly, Theory, add, constant, multiply, parts, require

# A hypothesis is only as good as what it may speak of: |x+ - x*|^2 <= r |x - x*|^2 would be an instance of
# many an inequality if its arguments could be any vectors. So every argument has a role.
# per argument: v and a number: the value at that point, g: its gradient, d: the gradient or its deviation from the
# mean, p: a point, c: a constant or 0, 0: one shown nonnegative, = the same but not 0, +: one shown positive,
# n: a number of parameters,
# s: the least value, m: a message, a: what was sent, q: a draw, *: looked at below
ROLES = {
    "variance": "q n",
    "independent": "q n",
    "joint": "q n n",
    "mixture": "q n * *",
    "contraction": "m a n",
    "bias": "m a n",
    "spread": "q * n",
    "mean_spread": "q * n",
    "b1_lower": "m a n",
    "b2_lower": "m a n",
    "b_upper": "m a n",
    "strongly_convex": "v3 v4 g3 p p c",
    "cocoercive": "v4 v5 g4 g5 p p +",
    "sector": "v4 v5 g4 g5 p p 0 +",
    "coercive": "g2 g3 p p 0 +",
    "descent": "v3 v4 g4 p p +",
    "polyak": "v s g +",
    "lipschitz": "d2 d3 p p =",
    "least": "v s",
    "floor": "* n",
    "growth": "* * * * n n n",
    "quadratic": "v v * * *",
    "loewner": "* * * n",
    "noise": "q * n",
    "dissimilar": "* n",
    "zero": "* *",
    "order": "* *",
}
SIGNS = {"c": (0, ""), "0": (1, "nonnegative"), "=": (1, "nonnegative"), "+": (2, "positive")}
Data = dict[str, Any]
"""A statement, its run or a model as JSON gives it: each field is looked at where it is read."""
Call = tuple[str, str, list[ast.expr]]  # the hypothesis as written, its schema, its arguments


class Roles:
    """The evaluations that the hypotheses of a statement speak of; Refused where one speaks of anything else.

    points: value or gradient -> the point it is taken at. still: points at which a gradient is 0. messages: what
    compressors gave. gradients: vectors with a point. named: vectors that are points themselves.
    """

    def __init__(self, theory: Theory) -> None:
        self.theory = theory
        self.calls = [self._read(text) for text in theory.given.values()]
        self.points: dict[str, Poly] = {}  # of values and gradients, by name
        self.places: list[Poly] = []
        self.still: list[Poly] = []  # where a gradient is 0
        self.roots: set[str] = set()  # of Hessians
        self.made: dict[str, set[str]] = {}  # what gradients and messages are functions of
        for call in self.calls:
            self._numbers(*call)
            self._evaluations(*call)
        self.messages = {getattr(args[0], "id", "") for _, s, args in self.calls if ROLES[s][0] == "m"}
        self.gradients = {n for n in self.points if n in theory.level}
        self.named = {a for p in self.places for a in [self._alone(p)] if a}
        for call in self.calls:
            self._later(*call)
        self._apart()
        self._circles()

    def _read(self, text: str) -> Call:
        """(text, schema, arguments) of a hypothesis, `let` names put in."""
        node = kernel.read(text, self.theory.env)
        schema, wanted = node.func.id, SCHEMAS[node.func.id][0]
        require(len(node.args) == len(wanted.split()), f"{text!r:.80}: the arguments are {wanted}")
        return text, schema, node.args

    # -- numbers ----------------------------------------------------------------------------------------------

    def _numbers(self, text: str, schema: str, args: list[ast.expr]) -> None:
        """Numbers are made of parameters; the constants of a class of functions are plain names, of the right sign."""
        theory = self.theory
        # As it stands in the text, before `let` is put in: a constant has to be a name there.
        written = kernel.read(text, {}).args
        for role, name, arg in zip(ROLES[schema].split(), written, args, strict=True):
            if role == "n" or role in SIGNS:
                own = kernel.names_in(arg) <= theory.params
                require(own, f"{text!r:.80}: {ast.unparse(arg):.40} is no number of parameters")
            if role in SIGNS:
                plain = _is_name(name) or (role in "c0" and _is_zero(name))
                require(plain, f"{text!r:.80}: {ast.unparse(name):.40} is no plain name of a constant")
                least, sign = SIGNS[role]
                # mu >= 0, L > 0: of other signs the inequality is another.
                shown = theory.sign(arg) >= least
                require(shown, f"{text!r:.80}: {ast.unparse(name):.40} was not shown {sign}")

    # -- evaluations ------------------------------------------------------------------------------------------

    def _evaluations(self, text: str, schema: str, args: list[ast.expr]) -> None:
        """Registers every value and gradient at its point."""
        for role, arg in zip(ROLES[schema].split(), args, strict=True):
            if role == "p":
                self.places.append(self.theory.value(arg, {1}))
            elif role[0] in "vs":
                self._value(text, arg)
                if len(role) == 2:
                    self._put(text, getattr(arg, "id", ""), self.theory.value(args[int(role[1])], {1}))
            elif role[0] in "gd" and len(role) == 2:
                at = self.theory.value(args[int(role[1])], {1})
                found = self._gradient(text, arg, role[0] == "d")
                self._put(text, found, at) if found else self.still.append(at)
        if schema == "quadratic":
            self._quadratic(text, args)

    def _value(self, text: str, arg: ast.expr) -> None:
        """Refused unless this is a plain name of a value: f, no combination of values."""
        own = _is_name(arg) and arg.id in self.theory.scalars - self.theory.params  # type: ignore[attr-defined]
        require(own, f"{text!r:.80}: {ast.unparse(arg):.40} is no plain name of a value")

    def _gradient(self, text: str, arg: ast.expr, deviation: bool = False) -> str:
        """The vector's name, "" for 0; a gradient is g or P(g), a deviation also g - P(g)."""
        # g, the mean P(g), and for Lipschitz gradients the deviation g - P(g): each with the coefficient
        # one.
        terms = [(c, w, a) for c, w, a in parts(self.theory.value(arg, {1}))]
        shape = sorted((w, c == constant(1), c == constant(-1)) for c, w, a in terms)
        whole = [[((), True, False)], [(("P",), True, False)]]
        apart = [[((), True, False), (("P",), False, True)]] * deviation
        names = {a for _, _, a in terms}
        right = not terms or (shape in whole + apart and len(names) == 1)
        require(right, f"{text!r:.80}: {ast.unparse(arg):.40} is no gradient, a vector of its own")
        return names.pop() if names else ""

    def _put(self, text: str, name: str, at: Poly) -> None:
        """One point for each; a drawn gradient is one of the same point in the mean."""
        # Two points for one gradient, and strong convexity between them would force what nobody assumed.
        known = self.points.setdefault(name, at)
        require(known == at, f"{text!r:.80}: {name} belongs to two points")
        if name in self.theory.level:
            self._after(text, name, at)
        if name in self.theory.draws:
            # A stochastic gradient G ~ g is taken where g is; around anything else it is no gradient.
            [*rest, (c, word, mean)] = parts(self.theory.draws[name][0]) or [({}, (), "")]
            one = not rest and (c, word) == (constant(1), ())
            require(one, f"{text!r:.80}: {name} is a draw around more than a gradient")
            self._put(text, mean, at)

    def _after(self, text: str, name: str, of: Poly) -> None:
        """What is a function of vectors is random as soon as they are, and differs where they do."""
        theory = self.theory
        # A gradient at a random point is random from then on: known earlier, it would not depend on the
        # point.
        late = {k for _, w, a in parts(of) for k in (*w, a) if theory.level[k] > theory.level[name]}
        require(not late, f"{text!r:.80}: {name} is known before {sorted(late)}")
        alike = name not in theory.common or is_common(theory, of)
        require(alike, f"{text!r:.80}: {name} is common, what it is made of is not")
        self.made.setdefault(name, set()).update(a for _, _, a in parts(of))

    def _circles(self) -> None:
        """No gradient is taken at a point that it helped to make."""
        made = dict(self.made)
        for draw, (mean, _) in self.theory.draws.items():
            made[draw] = made.get(draw, set()) | {a for _, _, a in parts(mean)}
        # x made of grad f(x): such a point need not exist, and hypotheses about it may contradict each
        # other.
        for name in made:
            found: set[str] = set()
            todo = set(made[name])
            while todo:
                found |= todo
                todo = set().union(*(made.get(a, set()) for a in todo)) - found
            require(name not in found, f"{name} is made of itself")

    def _quadratic(self, text: str, args: list[ast.expr]) -> None:
        """f(u + d) = f(u) + <R R u, d> + |R d|^2/2, u counted from the centre: f at u, fp at u + d."""
        fp, f, g, d, r = (self.theory.value(a, {k}) for k, a in zip((0, 0, 1, 1, 1), args, strict=True))
        # Quadratics: Hessian R R with one root R, so that |R d|^2 is its form and R R x its gradient.
        root = next((w[0] for _, w, _ in parts(r) if w), "")
        own = root in self.theory.ops - {"P"} and r == self.theory.applied((root,), d)
        require(own, f"{text!r:.80}: r is no root applied to d")
        self.roots.add(root)
        require(len(self.roots) == 1, f"{text!r:.80}: a Hessian has one root")
        at = constant(0)
        for c, word, atom in parts(g):
            require(word[:2] == (root, root), f"{text!r:.80}: g is no gradient of a quadratic, R(R(x))")
            at = add(at, multiply(c, kernel.symbol("|" + atom, word[2:])))
        for value, place in ((f, at), (fp, add(at, d))):
            [((name, _), _)] = next(iter(value))
            self._put(text, name, place)

    # -- what needs all evaluations ---------------------------------------------------------------------------

    def _later(self, text: str, schema: str, args: list[ast.expr]) -> None:
        """What needs to know all points: which f belongs to which gradient, what is sent, what vanishes."""
        match schema, args:
            case "polyak", [f, _, g, _]:
                name = self._gradient(text, g)
                here = name in self.points and self.points[name] == self.points.get(getattr(f, "id", ""))
                require(here, f"{text!r:.80}: f and its gradient g belong to no common point")
            case "least", [f, fs]:
                require(getattr(f, "id", "") != getattr(fs, "id", ""), f"{text!r:.80}: a value below itself")
                require(getattr(f, "id", "") in self.points, f"{text!r:.80}: f is the value at no point")
            case "floor", [s, _]:
                self._value(text, s)
                require(getattr(s, "id", "") not in self.points, f"{text!r:.80}: a value of f")
            case "spread" | "mean_spread", [_, v, _]:
                self._free_of_points(text, v)
                mixed = is_common(self.theory, self.theory.value(v, {1}))
                require(not mixed, f"{text!r:.80}: v is no family of vectors")
            case "dissimilar", [g, _]:
                name = self._gradient(text, g)
                own = name in self._families() - self.named - self.messages
                placed = not self.places or name in self.points
                require(own and placed, f"{text!r:.80}: g is no family of gradients")
            case "growth", [a, s, f, fs, *rates]:
                self._growth(text, a, s, f, fs, rates)
            # The mean of Y is p u + (1 - p) v, the draws in u and v being replaced by their means on both
            # sides.
            case "mixture", [y, p, u, v]:
                share, first, second = (self.theory.value(k) for k in (p, u, v))
                rest = multiply(add(constant(1), share, -1), second)
                drawn = self.theory.value(y, {1})
                gap = add(self.averaged(drawn), self.averaged(add(multiply(share, first), rest)), -1)
                require(not self.theory.cleared(gap), f"{text!r:.80}: Y has another mean")
            case "zero", [v, u]:
                self._zero(text, v, u)
            case "loewner", [v, u, w, t]:
                self._loewner(text, v, u, w, t)
        if ROLES[schema][0] == "m":
            name = getattr(args[0], "id", "")
            own = name in set(self.theory.level) - self.theory.ops - self.gradients - self.named
            require(own, f"{text!r:.80}: the message is a vector of its own, no point and no gradient")
            self._free_of_points(text, args[1])
            sent = self.theory.value(args[1], {1})
            self._after(text, name, sent)
            levels = [self.theory.level[k] for _, w, a in parts(sent) for k in (*w, a)]
            # A compressor that draws gives something new: its message is known one level after what was
            # sent. Where nothing is drawn at all it may be deterministic, and `bias` is about the mean.
            chance = (
                schema == "bias" or not self.theory.draws or self.theory.level[name] > max(levels, default=0)
            )
            require(chance, f"{text!r:.80}: {name} is random, its level is above that of what was sent")

    def _families(self) -> set[str]:
        """Vectors that may differ between workers."""
        return set(self.theory.level) - self.theory.common - self.theory.ops

    def _free_of_points(self, text: str, node: ast.expr) -> None:
        """What is sent is no point and no distance between points."""
        found = atoms(self.theory, node) & self.named
        require(not found, f"{text!r:.80}: {sorted(found)} of a point is sent, not a gradient")

    def _growth(
        self, text: str, a: ast.expr, s: ast.expr, f: ast.expr, fs: ast.expr, rates: list[ast.expr]
    ) -> None:
        """growth(a, s, f, fs, B, C, D) bounds an estimate's size by values of f: neither side speaks of points or
        messages.
        """
        found = atoms(self.theory, a) | atoms(self.theory, s)
        require(not found & self.named, f"{text!r:.80}: growth of gradients, not of distances between points")
        placed = found & (set(self.points) - self.gradients)
        require(not placed, f"{text!r:.80}: growth of gradients, not of values of f")
        require(not found & self.messages, f"{text!r:.80}: growth of gradients, not of messages")
        for side in (a, s):
            self._size(text, side)
        for value in (f, fs):
            if not _is_zero(value):
                self._value(text, value)
        require(_is_zero(f) == _is_zero(fs), f"{text!r:.80}: one value without the other")
        seen = (not _is_zero(s), not _is_zero(f), True)
        # With all three factors 0 it would read a <= 0.
        bounds = any(self.theory.scalar(r) and by for r, by in zip(rates, seen, strict=True))
        require(bounds, f"{text!r:.80}: nothing bounds a")

    def _size(self, text: str, node: ast.expr) -> None:
        """0, a value of its own, or a square times a number."""
        match node:
            case ast.BinOp(left=number, op=ast.Mult(), right=square):
                own = kernel.names_in(number) <= self.theory.params and self.theory.sign(number) == 2
                require(own, f"{text!r:.80}: {ast.unparse(number):.40} is no positive number")
                self._size(text, square)
            case ast.Call(func=ast.Name(id="sq")):
                pass
            case _ if not _is_zero(node):
                self._value(text, node)

    def _zero(self, text: str, v: ast.expr, u: ast.expr) -> None:
        """P(h) = 0 for the gradients h at a minimiser, or for h of no role; or a selection c: <c, x - c> = 0."""
        [(c, word, name), *rest] = parts(self.theory.value(v, {1})) or [({}, (), "")]
        plain = c == constant(1) and not rest
        # A selection keeps entries: c and v - c live on different coordinates, so <c, v - c> = 0. Here u =
        # v - c.
        if plain and word == () and name in self.messages:
            whole = add(self.theory.value(u, {1}), self.theory.value(v, {1}))
            require(all(a != name for _, _, a in parts(whole)), f"{text!r:.80}: no selection")
            return
        require(plain and word == ("P",), f"{text!r:.80}: no mean of gradients at a minimiser")
        own = name in self._families() - set(self.theory.draws) - self.named - self.messages
        require(own, f"{text!r:.80}: {name} is no family of gradients")
        if name in self.points:
            self.still.append(self.points[name])

    def _loewner(self, text: str, v: ast.expr, u: ast.expr, w: ast.expr, t: ast.expr) -> None:
        """v = B u or B u - u for the declared random B, w = W u for one product W: the form E[B'B] <= t W at u, and
        no rate.
        """
        theory = self.theory
        at = theory.value(u, {1})
        require(bool(at), "loewner at the zero vector")
        drawn, form = self.averaged(theory.value(v, {1})), theory.value(w, {1})
        errors = [(op,) for op in theory.ops - self.roots - {"P"}]
        # Which operators could have been applied to u to give the mean of v; one of them has to.
        images = [constant(0), *(theory.applied(p, at) for p in _prefixes(drawn, at))]
        images += [add(theory.applied(p, at), at, -1) for p in errors]
        require(drawn in images, f"{text!r:.80}: v is no B u, and no B u - u")
        single = any(form == theory.applied(p, at) for p in _prefixes(form, at))
        require(single, f"{text!r:.80}: w is no W u with one product W of operators")
        require(theory.sign(t) > 0, f"{text!r:.80}: t was not shown nonnegative")

    def averaged(self, v: Poly) -> Poly:
        """v with every draw replaced by its mean, again and again."""
        out = constant(0)
        for c, word, atom in parts(v):
            mean = self.theory.draws[atom][0] if atom in self.theory.draws else None
            inner = kernel.symbol("|" + atom) if mean is None else self.averaged(mean)
            out = add(out, multiply(c, self.theory.applied(word, inner)))
        return out

    def _alone(self, point: Poly) -> str:
        """The name of a point that is one vector, "" for any other."""
        found = list(parts(point))
        return found[0][2] if len(found) == 1 else ""

    def _apart(self) -> None:
        """Points, gradients and messages are different vectors; minimisers and least values are nobody's iterates."""
        both = sorted(self.named & (self.gradients | self.messages))
        require(not both, f"{both} are a point and a gradient or message")
        for place in self.places:
            terms = list(parts(place))
            plain = len(terms) != 1 or terms[0][:2] == (constant(1), ())
            based = {a for _, _, a in terms} - self.gradients - self.messages
            require(plain and bool(based), f"{kernel.show(place):.80} is no point")
        # x* is a point of its own, at which gradients vanish. Were an iterate called x*, its distance to
        # the minimiser would be 0.
        minimisers = {self._alone(p) for p in self.still if p}
        require("" not in minimisers, "a minimiser is a vector of its own")
        inside = {a for p in self.places if not self._alone(p) for _, _, a in parts(p)}
        require(not minimisers & inside, f"{sorted(minimisers & inside)}: a minimiser in an iterate")
        for draw in self.theory.draws:
            # A draw may be around one point (a gradient step), never around x* or a difference of points:
            # that would hide a rate in a declaration.
            past = behind(self.theory, draw) & self.named
            fair = len(past) < 2 and not past & minimisers
            require(fair, f"{draw} is drawn around the minimiser or a distance: {sorted(past)}")
        for text, schema, args in self.calls:
            if schema in {"least", "polyak"}:
                place = self.points.get(getattr(args[1], "id", ""), {})
                lowest = not place or self._alone(place) not in {"", *inside}
                require(lowest, f"{text!r:.80}: {ast.unparse(args[1])} is the value at an iterate")


def atoms(theory: Theory, node: ast.AST) -> set[str]:
    """The vectors and values in an expression, and those in the means of its draws."""
    found = kernel.names_in(node) - theory.ops
    for name in found & set(theory.draws):
        found |= behind(theory, name)
    return found & ({*theory.level} | theory.scalars - theory.params)


def behind(theory: Theory, draw: str) -> set[str]:
    """The vectors in a draw's mean, through all draws."""
    inner = {a for _, _, a in parts(theory.draws[draw][0])}
    return inner.union(*(behind(theory, a) for a in inner & set(theory.draws)))


def _is_name(node: ast.expr) -> bool:
    """True for a plain name."""
    return isinstance(node, ast.Name)


def _is_zero(node: ast.expr) -> bool:
    """True for the number 0."""
    return isinstance(node, ast.Constant) and node.value == 0


def is_common(theory: Theory, v: Poly) -> bool:
    """True where the vector is the same at every worker: made of common vectors and averages, by common operators."""

    def first_private(word: tuple[str, ...], atom: str) -> str:
        return next((k for k in (*word, atom) if k == "P" or k not in theory.common), "P")

    return all(first_private(w, a) == "P" for _, w, a in parts(v))


def _prefixes(v: Poly, u: Poly) -> list[tuple[str, ...]]:
    """The operators that would turn the first term of u into terms of v."""
    _, word, atom = next(parts(u))
    ends = (w for _, w, a in parts(v) if a == atom and w[len(w) - len(word) :] == word)
    return [w[: len(w) - len(word)] for w in ends]
