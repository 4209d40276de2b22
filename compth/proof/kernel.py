"""The trusted kernel: `check(statement, certificate)` on two JSON texts, in exact rational arithmetic.

Everything stochastic and distributed lives in one Hilbert space H = L2(Omega; (R^d)^n) with the inner product
<a, b> = E (1/n) sum_i <a_i, b_i>. A `common` vector is the same at every worker, a `family` may differ; P is the
averaging operator (1/n) sum_i: self-adjoint, P P = P, P c = c for common c, commuting with common operators.
Standing assumption: random vectors are square integrable, hypotheses hold integrated. A vector of level t is
F_t-measurable; `Q ~ v @ t` is a draw with E[Q | F_t] = v, of level t + 1. Sums over indices (`Sum(j, ...)`) with
random indicators (`E`) and plain polynomial facts live in the same ring of scalars.

There is one inference rule. A step shows `lhs <= rhs` when, identically,
    rhs - lhs = sum_h m_h * slack_h + sum_j t_j
with h known relations (slack >= 0, or = 0), m_h >= 0 (any sign where h is an equality) and t_j >= 0, both by the
structure of their text: sums, products and even powers of nonnegative things, squares sq(v), known relations.
A division is accepted only when its divisor is positive in the same sense.

This file is all that has to be trusted: it imports nothing but the standard library, takes only text, and
knows no floating point.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction

Symbol = tuple[str, tuple[str, ...]]  # a name and its indices; indices that start with "$" are summed over
Monomial = tuple[tuple[Symbol, int], ...]
Poly = dict[Monomial, Fraction]
Frozen = tuple[tuple[Monomial, Fraction], ...]
Word = tuple[str, ...]

# The axioms: name -> (arguments, relation, where it comes from). `mean(Q)` exists only for a declared draw;
# a name in DRAWS must be given a draw, a name in FAMILIES a draw of a family.
SCHEMAS: dict[str, tuple[str, str, str]] = {
    "variance": ("Q omega", "sq(Q - mean(Q)) <= omega*sq(mean(Q))", "U(omega), natural compression Def. 2"),
    "absolute_variance": ("Q s2", "sq(Q - mean(Q)) <= s2", "bounded variance"),
    "independent": ("Q n", "n*sq(P(Q - mean(Q))) == sq(Q - mean(Q))", "workers draw independently given F_t"),
    "joint": ("Q A B", "sq(P(Q - mean(Q))) <= A*sq(mean(Q)) - B*sq(P(mean(Q)))", "AB inequality, PermK Def. 1"),
    "mixture": ("Y p u v", "sq(Y) == p*sq(u) + (1 - p)*sq(v)", "Y is u with probability p, else v; MARINA"),
    "contraction": ("c v delta", "sq(c - v) <= (1 - delta)*sq(v)", "B(delta), EF21 Def. 1"),
    "bias": ("c v eta", "sq(c - v) <= eta**2*sq(v)", "C(eta, omega), EF-BV Sec. 2"),
    "b1_lower": ("c x alpha", "alpha*sq(x) <= sq(c)", "class B1, biased compression"),
    "b1_upper": ("c x beta", "sq(c) <= beta*dot(c, x)", "classes B1 and B2, biased compression"),
    "b2_lower": ("c x gamma", "gamma*sq(x) <= dot(c, x)", "class B2, biased compression"),
    "strongly_convex": (
        "f fs g x xs mu",
        "f + dot(g, xs - x) + mu/2*sq(xs - x) <= fs",
        "mu-strong (quasi-)convexity between x and xs, unified theory Ass. 4.2",
    ),
    "cocoercive": (
        "f fs g gs x xs L",
        "fs + dot(gs, x - xs) + sq(g - gs)/(2*L) <= f",
        "convex and L-smooth: f - fs - <gs, x - xs> >= |g - gs|^2 / 2L",
    ),
    "interpolation": (
        "fx gx x fy gy y mu L",
        "fy + dot(gy, x - y) + (sq(gx - gy) + mu*L*sq(x - y) - 2*mu*dot(gx - gy, x - y))/(2*(L - mu)) <= fx",
        "mu-strongly convex and L-smooth functions, Taylor, Hendrickx and Glineur Thm 4",
    ),
    "monotone": (
        "g z mu L",
        "(sq(g) + mu*L*sq(z))/(L + mu) <= dot(g, z)",
        "g = grad f(x) - grad f(y), z = x - y, f mu-strongly convex and L-smooth, Nesterov Thm 2.1.12",
    ),
    "descent": ("fp f g xp x L", "fp <= f + dot(g, xp - x) + L/2*sq(xp - x)", "L-smooth, descent lemma"),
    "polyak": ("f fs g mu", "2*mu*(f - fs) <= sq(g)", "Polyak-Lojasiewicz"),
    "lipschitz": ("g gs x xs L", "sq(g - gs) <= L**2*sq(x - xs)", "the gradients are L-Lipschitz"),
    "minimum": ("f fs", "fs <= f", "fs is the least value"),
    "orthogonal": ("u v", "dot(u, v) == 0", "u and v are orthogonal in H"),
    "equal": ("u v w", "dot(u, w) == dot(v, w)", "u = v, tested by w"),
    "positive": ("x y", "0 <= dot(x, y)", "y = A x with A positive semidefinite"),
    "dominated": ("u v", "u <= v", "a Loewner order or a definition, at the named vectors"),
}
DRAWS = {"variance", "absolute_variance", "independent", "joint", "mixture"}
FAMILIES = {"independent", "joint"}
RESERVED = {"P", "sq", "dot", "mean", "Sum", "E", *SCHEMAS}


class Refused(Exception):
    """The statement is malformed, or the certificate does not prove it; the message says where."""


def require(ok: bool, message: str) -> None:
    if not ok:
        raise Refused(message)


# ---- scalars: Laurent polynomials over Q, with a product of positive polynomials as denominator ------------


def bound_of(m: Monomial) -> list[str]:
    return sorted({i for (_, idx), _ in m for i in idx if i[0] == "$"})


def rename(m: Monomial, names: dict[str, str]) -> Monomial:
    powers: Counter[Symbol] = Counter()
    for (name, idx), e in m:
        powers[(name, tuple(names.get(i, i) for i in idx))] += e
    return tuple(sorted((s, e) for s, e in powers.items() if e))


def canonical(m: Monomial) -> Monomial:
    """The least renaming of the summed indices, sort by sort ("$sort:number")."""
    bound = bound_of(m)
    if not bound:
        return m
    sorts = [i.split(":")[0] for i in bound]
    require(len(bound) <= 6, "more than six summed indices in one term")
    fresh = [f"{s}:{k}" for k, s in enumerate(sorts)]
    options = [p for p in itertools.permutations(fresh) if all(a.split(":")[0] == b for a, b in zip(p, sorts, strict=True))]
    return min(rename(m, dict(zip(bound, p, strict=True))) for p in options)


def p_add(a: Poly, b: Poly, factor: Fraction = Fraction(1)) -> Poly:
    out = dict(a)
    for m, c in b.items():
        out[m] = out.get(m, Fraction(0)) + factor * c
        if not out[m]:
            del out[m]
    return out


def p_mul(a: Poly, b: Poly) -> Poly:
    out: Poly = {}
    for (m, c), (k, e) in itertools.product(a.items(), b.items()):
        apart = {i: i + "'" for i in bound_of(k)} if bound_of(m) else {}
        product = canonical(rename(m + rename(k, apart), {}))
        out[product] = out.get(product, Fraction(0)) + c * e
    return {m: c for m, c in out.items() if c}


class Scalar:
    """num / prod den_i^e_i; every den_i has been shown positive when it entered."""

    __slots__ = ("den", "num")

    def __init__(self, num: Poly, den: Counter[Frozen] | None = None) -> None:
        self.num, self.den = num, den or Counter()

    def over(self, den: Counter[Frozen]) -> Poly:
        num = self.num
        for factor in (den - self.den).elements():
            num = p_mul(num, dict(factor))
        return num

    def plus(self, other: Scalar, factor: int = 1) -> Scalar:
        den = self.den | other.den
        return Scalar(p_add(self.over(den), other.over(den), Fraction(factor)), den)

    def times(self, other: Scalar) -> Scalar:
        return Scalar(p_mul(self.num, other.num), self.den + other.den)

    def inverse(self) -> Scalar:
        """1 / self, for self shown positive: a single term inverts in place, a sum becomes a denominator."""
        top = Scalar({(): Fraction(1)})
        for factor in self.den.elements():
            top = Scalar(p_mul(top.num, dict(factor)))
        if len(self.num) == 1:
            [(m, c)] = self.num.items()
            return top.times(Scalar({tuple((s, -e) for s, e in m): 1 / c}))
        lead = min(self.num)
        unit = abs(self.num[lead])
        frozen = tuple(sorted((m, c / unit) for m, c in self.num.items()))
        require(not any(idx for m in self.num for (_, idx), _ in m), "a sum with indices cannot be a divisor")
        return Scalar(p_mul(top.num, {(): 1 / unit}), Counter({frozen: 1}))


Vec = dict[tuple[Word, str], Scalar]
Value = Scalar | Vec


def constant(c: Fraction | int) -> Scalar:
    return Scalar({(): Fraction(c)} if c else {})


def symbol(name: str, idx: tuple[str, ...] = ()) -> Scalar:
    return Scalar({(((name, idx), 1),): Fraction(1)})


def v_add(a: Vec, b: Vec, factor: int = 1) -> Vec:
    out = dict(a)
    for k, c in b.items():
        out[k] = out[k].plus(c, factor) if k in out else c.times(constant(factor))
    return {k: c for k, c in out.items() if c.num}


def show(p: Poly) -> str:
    """A polynomial as text, for messages."""

    def factor(s: Symbol, e: int) -> str:
        return s[0] + (f"[{','.join(s[1])}]" if s[1] else "") + (f"**{e}" if e != 1 else "")

    return " + ".join("*".join([str(c), *(factor(s, e) for s, e in m)]) for m, c in sorted(p.items())) or "0"


# ---- text --------------------------------------------------------------------------------------------------


class Expand(ast.NodeTransformer):
    """Puts the definitions of `let` names and schema arguments in place."""

    def __init__(self, env: dict[str, ast.expr]) -> None:
        self.env = env

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.env.get(node.id, node)


def read(text: object, env: dict[str, ast.expr]) -> ast.expr:
    require(type(text) is str and len(text) <= 20000, f"not a text of at most 20000 characters: {text!r:.60}")
    try:
        tree = ast.parse(str(text).strip(), mode="eval").body
        return Expand(env).visit(tree)  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"cannot read {text!r:.80}: {error}") from None


Relation = tuple[Scalar, str]  # slack and ">=", ">" or "=="


class Theory:
    """A statement that has been read: its names, its Hilbert space, and the relations known so far."""

    def __init__(self, statement: dict[str, object]) -> None:
        unknown = set(statement) - {
            "name", "params", "sizes", "indices", "arrays", "law", "domain", "vectors", "operators", "values",
            "let", "given", "claim", "run", "point", "title",
        }  # fmt: skip
        require(not unknown, f"unknown fields {sorted(unknown)}")
        self.names: set[str] = set()
        self.level: dict[str, int] = {}
        self.common: set[str] = set()
        self.draws: dict[str, tuple[Vec, int]] = {}
        self.ops: set[str] = set()
        self.env: dict[str, ast.expr] = {}
        self.known: dict[str, Relation] = {}
        self.bases: list[tuple[Poly, bool]] = []
        self.atom_sign: dict[Symbol, int] = {}
        self.scalars = {self.fresh(p) for key in ("params", "values") for p in words(statement, key)}
        self.sorts = {self.fresh(s): text for s, text in pairs(statement, "sizes")}
        self.indices = {self.fresh(i): s for i, s in pairs(statement, "indices")}
        require(set(self.indices.values()) <= set(self.sorts), "an index of an unknown sort")
        self.arrays = {self.fresh(a): tuple(s.split()) for a, s in pairs(statement, "arrays")}
        self.law = dict(pairs(statement, "law"))
        if self.law:
            require(set(self.law) == {"indicator", "kind", "on", "parameter"}, "a law has four fields")
            require(self.law["kind"] in {"deal", "coins"}, "a law deals or tosses coins")
            self.arrays[self.fresh(self.law["indicator"])] = tuple(self.law["on"].split())
        require(all(s in self.sorts for a in self.arrays.values() for s in a), "an array over an unknown sort")
        for text in texts(statement, "domain"):
            self.learn(text, text)
        for text in texts(statement, "operators"):
            self.declare(text, operator=True)
        for text in texts(statement, "vectors"):
            self.declare(text, operator=False)
        for name, text in pairs(statement, "let"):
            self.env[self.fresh(name)] = read(text, self.env)
        if self.law.get("kind") == "coins":
            self.arrays_in_law = self.value(read(self.law["parameter"], self.env))
        self.given: dict[str, tuple[str, str]] = {}
        for name, text, source in triples(statement, "given"):
            require(name not in self.known, f"two hypotheses are called {name}")
            self.given[name] = (text, source)
            self.learn(name, text, hypothesis=True)
        self.claims = texts(statement, "claim")
        require(bool(self.claims), "nothing is claimed")

    def fresh(self, name: str) -> str:
        require(name.isidentifier() and name.isascii(), f"not a name: {name!r:.40}")
        require(name not in self.names and name not in RESERVED, f"the name {name} is taken")
        self.names.add(name)
        return name

    def declare(self, text: str, operator: bool) -> None:
        """`common x`, `family g @ 1`, `family Q ~ mean @ 0` (the mean is measurable at 0, Q at 1)."""
        head, _, at = text.partition("@")
        head, _, mean = head.partition("~")
        kind, _, name = head.strip().partition(" ")
        require(kind in {"common", "family"}, f"{text!r:.60} is neither common nor family")
        time = int(at) if at.strip().isdecimal() else 0
        require(not at or at.strip().isdecimal(), f"{text!r:.60}: the level is a number")
        name = self.fresh(name.strip())
        if mean:
            require(not operator, "operators have no declared mean")
            centre = self.vector(read(mean, self.env))
            require(max((self.level[k] for w, a in centre for k in (*w, a)), default=0) <= time, f"{name}: mean not measurable")
            require(kind == "family" or all(self.is_common(w, a) for w, a in centre), f"{name}: common, its mean is not")
            self.draws[name] = (centre, time)
            time += 1
        self.level[name] = time
        self.level["P"] = 0
        if kind == "common":
            self.common.add(name)
        if operator:
            self.ops.add(name)

    def is_common(self, word: Word, atom: str) -> bool:
        for op in (*word, atom):
            if op == "P":
                return True
            if op in self.ops and op not in self.common:
                return False
        return atom in self.common

    # -- relations known ---------------------------------------------------------------------------------

    def relations(self, text: object, hypothesis: bool = False) -> list[Relation]:
        env = dict(self.env)
        node = read(text, env)
        if hypothesis and isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SCHEMAS:
            arguments, body, _ = SCHEMAS[node.func.id]
            require(len(arguments.split()) == len(node.args) and not node.keywords, f"{text}: wrong arguments")
            if node.func.id in DRAWS:
                first = node.args[0]
                require(isinstance(first, ast.Name) and first.id in self.draws, f"{text}: not a draw")
                require(node.func.id not in FAMILIES or first.id not in self.common, f"{text}: not a family")  # type: ignore[attr-defined]
            node = read(body, dict(zip(arguments.split(), node.args, strict=True)))
        require(isinstance(node, ast.Compare), f"{text!r:.80} is no relation")
        assert isinstance(node, ast.Compare)
        out: list[Relation] = []
        for op, left, right in zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False):
            a, b = self.scalar(left), self.scalar(right)
            kind = {ast.LtE: ">=", ast.Lt: ">", ast.GtE: ">=", ast.Gt: ">", ast.Eq: "=="}.get(type(op), "")
            require(bool(kind), f"{text!r:.80}: the relation must be <=, <, >=, > or ==")
            out.append((b.plus(a, -1) if type(op) in (ast.LtE, ast.Lt, ast.Eq) else a.plus(b, -1), kind))
        return out

    def learn(self, name: str, text: str, hypothesis: bool = False) -> None:
        found = self.relations(text, hypothesis)
        require(len(found) == 1 or not hypothesis, f"{text!r:.80}: one relation at a time")
        for k, (slack, kind) in enumerate(found):
            self.known[name if len(found) == 1 else f"{name} #{k + 1}"] = (slack, kind)
            if kind != "==":
                for q in self.instances(slack.num):
                    self.bases.append((q, kind == ">"))
                    self.learn_symbol(q, kind == ">")

    def instances(self, p: Poly) -> Iterator[Poly]:
        """A relation with free indices holds for all values of them: rename within the sorts."""
        free = sorted({i for m in p for (_, idx), _ in m for i in idx if i[0] != "$"})
        choices = [[k for k, s in self.indices.items() if s == self.indices[i]] for i in free]
        for names in itertools.product(*choices):
            yield {canonical(rename(m, dict(zip(free, names, strict=True)))): c for m, c in p.items()}

    def learn_symbol(self, p: Poly, strict: bool) -> None:
        """From `symbol - c` with c >= 0: the symbol is nonnegative, positive if c > 0 or strictly."""
        rest = p.get((), Fraction(0))
        heads = [m for m in p if m]
        if len(heads) == 1 and len(heads[0]) == 1 and heads[0][0][1] == 1 and p[heads[0]] > 0 and rest <= 0:
            s = heads[0][0][0]
            self.atom_sign[s] = max(self.atom_sign.get(s, 0), 2 if strict or rest < 0 else 1)

    # -- values ------------------------------------------------------------------------------------------

    def scalar(self, node: ast.expr) -> Scalar:
        out = self.value(node)
        require(isinstance(out, Scalar), f"{ast.unparse(node):.80} is no scalar")
        assert isinstance(out, Scalar)
        return out

    def vector(self, node: ast.expr) -> Vec:
        out = self.value(node)
        require(not isinstance(out, Scalar), f"{ast.unparse(node):.80} is no vector")
        assert not isinstance(out, Scalar)
        return out

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=c) if type(c) is int:
                return constant(c)
            case ast.Name(id=name) if name in self.scalars:
                return symbol(name)
            case ast.Name(id=name) if name in self.level and name not in self.ops and name != "P":
                return {((), name): constant(1)}
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return self.combine(constant(0), self.value(a), -1)
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                return self.combine(self.value(a), self.value(b), 1 if isinstance(op, ast.Add) else -1)
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                return self.product(self.value(a), self.value(b))
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                require(self.sign(b) == 2, f"the divisor {ast.unparse(b)} was not shown positive")
                return self.product(self.value(a), self.scalar(b).inverse())
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=e)) if type(e) is int and 0 <= e <= 12:
                out, base = constant(1), self.scalar(a)
                for _ in range(e):
                    out = out.times(base)
                return out
            case ast.Subscript(value=ast.Name(id=name), slice=index) if name in self.arrays:
                return self.entry(name, index.elts if isinstance(index, ast.Tuple) else [index])
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
        raise Refused(f"not allowed in a text: {ast.unparse(node):.80}")

    def entry(self, name: str, index: list[ast.expr]) -> Scalar:
        idx = tuple(i.id if isinstance(i, ast.Name) else "" for i in index)
        require(tuple(self.indices.get(i) for i in idx) == self.arrays[name], f"wrong indices of {name}")
        return symbol(name, idx)

    def call(self, name: str, args: list[ast.expr]) -> Value:
        if name == "sq" and len(args) == 1:
            v = self.vector(args[0])
            return self.inner(v, v)
        if name == "dot" and len(args) == 2:
            return self.inner(self.vector(args[0]), self.vector(args[1]))
        if (name == "P" or name in self.ops) and len(args) == 1:
            return {((name, *w), a): c for (w, a), c in self.vector(args[0]).items()}
        if name == "mean" and len(args) == 1 and isinstance(args[0], ast.Name) and args[0].id in self.draws:
            return self.draws[args[0].id][0]
        if name == "Sum" and len(args) >= 2 and all(isinstance(i, ast.Name) and i.id in self.indices for i in args[:-1]):
            out = self.scalar(args[-1])
            for i in reversed(args[:-1]):
                out = self.total(i.id, out)  # type: ignore[attr-defined]
            return out
        if name == "E" and len(args) == 1 and self.law:
            return self.expect(self.scalar(args[0]))
        raise Refused(f"unknown or misused: {name}({', '.join(map(ast.unparse, args))})"[:120])

    def combine(self, a: Value, b: Value, factor: int) -> Value:
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            return a.plus(b, factor)
        if isinstance(a, Scalar) and not a.num:
            a = {}
        if isinstance(b, Scalar) and not b.num:
            b = {}
        require(not isinstance(a, Scalar) and not isinstance(b, Scalar), "a scalar added to a vector")
        return v_add(a, b, factor)  # type: ignore[arg-type]

    def product(self, a: Value, b: Value) -> Value:
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            return a.times(b)
        if not isinstance(a, Scalar):
            a, b = b, a
        require(isinstance(a, Scalar) and not isinstance(b, Scalar), "a product of two vectors")
        return {k: c.times(a) for k, c in b.items()}  # type: ignore[union-attr, arg-type]

    # -- the Hilbert space -------------------------------------------------------------------------------

    def inner(self, u: Vec, v: Vec) -> Scalar:
        out = constant(0)
        for ((w, a), c), ((z, b), e) in itertools.product(u.items(), v.items()):
            out = out.plus(c.times(e).times(self.gram(a, (*reversed(w), *z), b)))
        return out

    def gram(self, a: str, word: Word, b: str) -> Scalar:
        """<a, word b> in canonical form: means of draws, then the place of P, then the orientation."""
        for left, middle, right in ((a, word, b), (b, word[::-1], a)):
            if right in self.draws:
                centre, time = self.draws[right]
                if all(self.level[k] <= time for k in (left, *middle)):
                    out = constant(0)
                    for (w, atom), c in centre.items():
                        out = out.plus(c.times(self.gram(left, (*middle, *w), atom)))
                    return out
        x, y = self.settle(a, word, b), self.settle(b, word[::-1], a)
        return symbol("<{}|{}|{}>".format(*min((a, ".".join(x), b), (b, ".".join(y), a))))

    def settle(self, a: str, word: Word, b: str) -> Word:
        """Between two family operators at most one P, first; none where P meets a common vector."""
        segments: list[list[str]] = [[]]
        for op in word:
            if op != "P" and op not in self.common:
                segments += [[op], []]
            else:
                segments[-1].append(op)
        for k in range(0, len(segments), 2):
            ends = (k == 0 and a in self.common) or (k == len(segments) - 1 and b in self.common)
            averaged = "P" in segments[k] and not ends
            segments[k] = ["P"] * averaged + [op for op in segments[k] if op != "P"]
        return tuple(itertools.chain.from_iterable(segments))

    # -- sums over indices -------------------------------------------------------------------------------

    def total(self, index: str, body: Scalar) -> Scalar:
        size = self.scalar(read(self.sorts[self.indices[index]], self.env))
        out = constant(0)
        for m, c in body.num.items():
            if any(index in idx for (_, idx), _ in m):
                summed = canonical(rename(m, {index: f"${self.indices[index]}:new"}))
                out = out.plus(Scalar({summed: c}))
            else:
                out = out.plus(Scalar({m: c}).times(size))
        return out.times(Scalar({(): Fraction(1)}, body.den))

    def expect(self, p: Scalar) -> Scalar:
        u = self.law["indicator"]
        out = constant(0)
        for m, c in p.num.items():
            cells = sorted({idx for (name, idx), _ in m if name == u})
            require(all(e > 0 for (name, _), e in m if name == u), "an indicator cannot be a divisor")
            require(all(i[0] == "$" for idx in cells for i in idx), "an indicator with a free index")
            rest = tuple((s, e) for s, e in m if s[0] != u)
            out = out.plus(self.split(rest, cells, sorted({i for idx in cells for i in idx})).times(constant(c)))
        return out.times(Scalar({(): Fraction(1)}, p.den))

    def split(self, m: Monomial, cells: list[tuple[str, ...]], indices: list[str]) -> Scalar:
        """Sum over all ways in which the summed indices of the indicators coincide."""
        out = constant(0)
        for blocks in partitions(indices):
            if all(len({i.split(":")[0] for i in block}) == 1 for block in blocks):
                merge = {i: block[0] for block in blocks for i in block}
                where = sorted({tuple(merge[i] for i in idx) for idx in cells})
                weight = self.probability(where)
                if weight.num:
                    out = out.plus(self.distinct(self.times_mono(weight, rename(m, merge)), [b[0] for b in blocks]))
        return out

    def times_mono(self, weight: Scalar, m: Monomial) -> Scalar:
        """Multiply by a monomial whose summed indices are meant to be the weight's own."""
        return Scalar({rename(k + m, {}): c for k, c in weight.num.items()}, weight.den)

    def distinct(self, p: Scalar, indices: list[str]) -> Scalar:
        """Sum over pairwise different values of the indices, written by unrestricted sums."""
        if not indices:
            return Scalar(p_add({}, {}), p.den) if not p.num else merged(p)
        last, others = indices[-1], indices[:-1]
        free = constant(0)
        for m, c in p.num.items():
            if any(last in idx for (_, idx), _ in m):
                free = free.plus(Scalar({m: c}))
            else:
                size = self.scalar(read(self.sorts[last[1:].split(":")[0]], self.env))
                free = free.plus(Scalar({rename(m + k, {}): c * e for k, e in size.num.items()}, size.den))
        out = self.distinct(Scalar(free.num, free.den + p.den), others)
        for other in others:
            if other.split(":")[0] == last.split(":")[0]:
                same = [(rename(m, {last: other}), c) for m, c in p.num.items()]
                out = out.plus(self.distinct(Scalar(collect(same), p.den), others), -1)
        return out

    def probability(self, cells: list[tuple[str, ...]]) -> Scalar:
        """P(all the cells' indicators are 1), the indices being pairwise different."""
        if self.law["kind"] == "coins":
            out = constant(1)
            for idx in cells:
                names = dict(zip(self.law_indices(), idx, strict=True))
                parameter = self.scalar(read(self.law["parameter"], self.env))
                out = Scalar(collect((rename(a + rename(m, names), {}), x * c) for a, x in out.num.items() for m, c in parameter.num.items()), out.den + parameter.den)
            return out
        coordinates = [idx[-1] for idx in cells]
        if len(set(coordinates)) < len(coordinates):
            return constant(0)  # one card cannot be in two hands
        out, size = constant(1), read(self.sorts[self.law["on"].split()[-1]], self.env)
        for r in range(len(coordinates)):
            left = ast.BinOp(size, ast.Sub(), ast.Constant(r))
            require(self.sign(left) == 2, f"{ast.unparse(left)} > 0 is needed by the law and was not shown")
            out = out.times(self.scalar(left).inverse())
        for count in Counter(idx[:-1] for idx in cells).values():
            for r in range(count):
                out = out.times(self.scalar(read(f"({self.law['parameter']}) - {r}", self.env)))
        return out

    def law_indices(self) -> list[str]:
        """The index names that the coins' parameter uses, in the order of the law's sorts."""
        free = {s: i for i, s in reversed(self.indices.items())}
        return [free[s] for s in self.law["on"].split()]

    # -- signs -------------------------------------------------------------------------------------------

    def sign(self, node: ast.expr) -> int:
        """2: positive, 1: nonnegative, 0: not shown; by the structure of the text, then as one known relation."""
        found = 0
        match node:
            case ast.Constant(value=c) if type(c) is int:
                return 2 if c > 0 else int(c == 0)
            case ast.BinOp(left=a, op=ast.Add(), right=b):
                x, y = self.sign(a), self.sign(b)
                found = max(x, y) if x and y else 0
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                found = min(self.sign(a), self.sign(b))
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                found = self.sign(a) if self.sign(b) == 2 else 0
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=e)) if type(e) is int:
                found = 2 if e == 0 else max(self.sign(a), 1 - e % 2)
            case ast.Call(func=ast.Name(id="sq")):
                found = 1
            case ast.Call(func=ast.Name(id="Sum" | "E"), args=[*_, body]):
                found = min(self.sign(body), 1)
        return found if found == 2 else max(found, self.leaf(node))

    def leaf(self, node: ast.expr) -> int:
        value = self.value(node)
        if not isinstance(value, Scalar):
            return 0
        best = self.coefficients(value.num)
        for q, strict in self.bases:
            rest = self.coefficients(p_add(value.num, q, Fraction(-1)))
            best = max(best, (2 if strict else rest) if rest else 0)
        return best

    def coefficients(self, p: Poly) -> int:
        """Nonnegative coefficients in nonnegative symbols (the zero polynomial is nonnegative)."""
        best = 1
        for m, c in p.items():
            signs = [self.atom_sign.get(s, 0) if e % 2 else max(self.atom_sign.get(s, 0), 1) for s, e in m]
            if c < 0 or 0 in signs:
                return 0
            best = max(best, min(signs, default=2))
        return best

    # -- the rule ----------------------------------------------------------------------------------------

    def step(self, step: dict[str, object], used: set[str]) -> None:
        require(set(step) <= {"show", "use", "terms"}, f"unknown fields in a step: {sorted(step)}")
        text = str(step["show"])
        found = self.relations(text)
        require(len(found) == 1, f"{text!r:.80}: one relation at a time")
        gap, kind = found[0]
        strict = 0
        for name, multiplier in pairs(step, "use"):
            require(name in self.known, f"{name!r:.80} is not known here")
            slack, its = self.known[name]
            node = read(multiplier, self.env)
            how = self.sign(node) if its != "==" else 1
            require(how > 0, f"the multiplier {multiplier} of {name} was not shown nonnegative")
            require(kind != "==" or its == "==", f"{text:.60}: an equality follows from equalities only")
            strict = max(strict, 2 if its == ">" and how == 2 else 0)
            gap = gap.plus(self.scalar(node).times(slack), -1)
            used.add(name)
        for term in texts(step, "terms"):
            node = read(term, self.env)
            how = self.sign(node)
            require(how > 0, f"the term {term} was not shown nonnegative")
            require(kind != "==", f"{text:.60}: an equality has no remainder")
            strict = max(strict, how)
            gap = gap.plus(self.scalar(node), -1)
        require(not gap.num, f"{text:.120}: the identity fails by {show(gap.num)[:1500]}")
        require(kind != ">" or strict == 2, f"{text:.80}: strictness was not shown")
        if text not in self.known:
            self.learn(text, text)


def collect(terms: Iterable[tuple[Monomial, Fraction]]) -> Poly:
    out: Poly = {}
    for m, c in terms:
        out[m] = out.get(m, Fraction(0)) + c
    return {m: c for m, c in out.items() if c}


def merged(p: Scalar) -> Scalar:
    return Scalar(collect((canonical(m), c) for m, c in p.num.items()), p.den)


def partitions(items: list[str]) -> Iterator[list[list[str]]]:
    if not items:
        yield []
        return
    for blocks in partitions(items[1:]):
        yield [[items[0]], *blocks]
        for k in range(len(blocks)):
            yield [*blocks[:k], [items[0], *blocks[k]], *blocks[k + 1 :]]


# ---- statements and certificates as data -------------------------------------------------------------------


def texts(data: dict[str, object], key: str) -> list[str]:
    out = data.get(key, [])
    require(type(out) is list and all(type(t) is str for t in out), f"{key} is a list of texts")
    return list(out)  # type: ignore[call-overload, no-any-return]


def words(data: dict[str, object], key: str) -> list[str]:
    out = data.get(key, "")
    require(type(out) is str, f"{key} is one text")
    return str(out).split()


def pairs(data: dict[str, object], key: str) -> list[tuple[str, str]]:
    out = data.get(key, {})
    require(type(out) is dict and all(type(v) is str for v in out.values()), f"{key} maps names to texts")
    return list(out.items())  # type: ignore[attr-defined]


def triples(data: dict[str, object], key: str) -> list[tuple[str, str, str]]:
    out = data.get(key, {})
    ok = type(out) is dict and all(type(v) is list and [type(t) for t in v] == [str, str] for v in out.values())
    require(ok, f"{key} maps names to [relation, source]")
    return [(k, v[0], v[1]) for k, v in out.items()]  # type: ignore[attr-defined]


def identity(statement: str) -> str:
    """sha256 of the statement's JSON in canonical form."""
    return hashlib.sha256(json.dumps(json.loads(statement), sort_keys=True).encode()).hexdigest()


def lift(theory: Theory, run: dict[str, object]) -> str:
    """From one step to whole runs: V(next state) <= rate V(state) + noise, with rate and noise nonnegative.

    The claim must be exactly that relation for the declared potential and next state, every hypothesis an axiom
    schema (a property of functions and draws, true at every step), and what moves must be in `next`. Then
    V_k <= rate^k V_0 + noise (1 + rate + ... + rate^(k-1)).
    """
    require(set(run) == {"potential", "next", "rate", "noise", "fixed"}, "a run has five fields")
    moves = {name: read(text, theory.env) for name, text in pairs(run, "next")}
    fixed = set(words(run, "fixed"))
    potential = read(run["potential"], {})
    names = {node.id for node in ast.walk(potential) if isinstance(node, ast.Name)}
    movable = set(theory.level) - theory.ops - {"P"} | (theory.scalars - fixed)
    require(not fixed & set(moves), "fixed and moving")
    require(names & movable <= set(moves) | fixed, f"neither moving nor fixed: {sorted(names & movable - set(moves) - fixed)}")
    require(all(theory.level.get(m, 0) == 0 and m not in theory.draws for m in names & set(theory.level)), "the state is of level 0")
    require(all(t.split("(")[0] in SCHEMAS for t, _ in theory.given.values()), "a hypothesis is no axiom schema")
    after = Expand(moves).visit(read(run["potential"], {}))
    rate, noise = read(run["rate"], theory.env), read(run["noise"], theory.env)
    require(theory.sign(rate) > 0 and theory.sign(noise) > 0, "rate or noise was not shown nonnegative")
    bound = theory.scalar(rate).times(theory.scalar(potential)).plus(theory.scalar(noise))
    gap = bound.plus(theory.scalar(after), -1)
    same = [r for c in theory.claims for r in theory.relations(c) if r[1] != "==" and not r[0].plus(gap, -1).num]
    require(bool(same), "no claim is V(next) <= rate V + noise")
    return f"V_k <= ({run['rate']})**k*V_0 + ({run['noise']})*(1 - ({run['rate']})**k)/(1 - ({run['rate']}))"


def check(statement: str, certificate: str) -> dict[str, object]:
    """Refused, or a record of what was proved: name, identity, the hypotheses used with their sources, runs."""
    require(type(statement) is str and type(certificate) is str, "statement and certificate are JSON texts")
    data, proof = json.loads(statement), json.loads(certificate)
    require(type(data) is dict and type(proof) is dict, "statement and certificate are JSON objects")
    require(set(proof) == {"statement", "steps"}, "a certificate has the fields statement and steps")
    require(proof["statement"] == identity(statement), "the certificate is for another statement")
    try:
        theory = Theory(data)
        used: set[str] = set()
        require(type(proof["steps"]) is list, "steps is a list")
        shown = []
        for step in proof["steps"]:
            require(type(step) is dict and type(step.get("show")) is str, "a step shows a relation")
            theory.step(step, used)
            shown.append(step["show"])
        missing = [c for c in theory.claims if c not in shown]
        require(not missing, f"not shown: {missing}")
        runs = lift(theory, data["run"]) if "run" in data else ""
    except (RecursionError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"malformed: {type(error).__name__}: {error}") from None
    axioms = {k: list(v) for k, v in theory.given.items() if k in used}
    return {
        "name": data.get("name", ""), "statement": proof["statement"], "claims": theory.claims, "runs": runs,
        "hypotheses": axioms, "unused": sorted(set(theory.given) - used), "steps": len(shown),
    }  # fmt: skip
