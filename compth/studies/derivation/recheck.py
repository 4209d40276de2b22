"""Recheck a bracket of a method's worst rate with Python's standard library alone: `python recheck.py FILE ...`.

A file holds a method's round as a straight-line program, the class (mu, L, loss = 1 - delta, n), a lower and an upper
bound on the factor rho of squared quantities a round. Everything is rebuilt from the program in exact fractions:

upper: V, a quadratic form of the state, of what the last `window` rounds made and of the gradients at their x, plus a
multiple of f - f*. rho V - V+ minus multiples >= 0 of inequalities that hold on the class (interpolation between all
points at which gradients are taken, |C(u) - u|^2 <= loss |u|^2) is positive semidefinite, and so is V - scale |x|^2.
lower: f_i(x) = a |x|^2/2 on the plane, C(v) = c v with c a complex number (a rotation and a factor), |c - 1|^2 <= loss:
the round's matrix has an eigenvalue of modulus at least `radius`, so that rho >= radius^2.

All vectors are measured from where they rest at the minimiser; n workers, means and deviations from them. That the
round has such a point, at which every message is of 0 and gradients are taken at x*, is not checked here: for a round
without one the file speaks of functions whose minimiser is 0.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import Any

Vector = dict[tuple[str, str], Fraction]
"""(name, OWN or MEAN) -> coefficient: a worker's own vector, or a mean over workers (a server's vector is one)."""
Matrix = list[list[Fraction]]
Data = Mapping[str, Any]
"""What a file holds, or a part of it."""
Scalar = Any
"""A number of a statement: a fraction, or a polynomial of `recheck_box.py`."""
OWN, MEAN = "own", "mean"
AT_X, STAR = "gradient at x", "x*"


def add(*terms: tuple[Fraction, Vector]) -> Vector:
    """sum of coefficient * vector."""
    out: Vector = {}
    for c, v in terms:
        for k, a in v.items():
            out[k] = out.get(k, Fraction(0)) + c * a
    return {k: a for k, a in out.items() if a}


def exact(c: Scalar) -> Scalar:
    """A number of a file as a fraction; what was made a number already passes (`recheck_box.py` has polynomials)."""
    return Fraction(c) if isinstance(c, str | int) else c


def mean(v: Vector) -> Vector:
    """Its mean over the workers."""
    return add(*((a, {(name, MEAN): Fraction(1)}) for (name, _), a in v.items()))


class Unrolled:
    """window + 1 rounds on named vectors: what each round makes, and the state before and after each."""

    def __init__(self, data: Data) -> None:
        program, self.window = data["program"], int(data["window"])
        self.server, self.worker = tuple(program["server"]), tuple(program["worker"])
        self.x, self.ops, self.following = self.server[0], program["ops"], program["next"]
        self.gradients: dict[str, Vector] = {}
        self.messages: dict[str, Vector] = {}
        self.outputs: list[str] = []
        # The first state is symbolic: every vector a unit of its own. All later ones
        # are linear combinations of these, of gradients and of messages, so that an
        # inequality between forms holds for all states at once.
        one = {k: {(k, MEAN): Fraction(1)} for k in self.server}
        self.states = [one | {k: {(k, OWN): Fraction(1)} for k in self.worker}]
        for _ in range(self.window + 1):
            self._round()
        # Gradients at the x of every state, made or not by the round itself: V and f - f* may ask for them.
        self.places = [self._gradient(state[self.x]) for state in self.states]

    def _round(self) -> None:
        now, first = self.states[-1], len(self.outputs)

        def value(terms: Sequence[Any]) -> Vector:
            parts = []
            for scope, kind, i, c in terms:
                # An operation refers to those of its own round, counted from the round's first output.
                v = now[i] if kind == "state" else {(self.outputs[first + i], OWN): Fraction(1)}
                parts.append((exact(c), mean(v) if scope == "common" else v))
            return add(*parts)

        for op in self.ops:
            u = value(op["argument"])
            if op["kind"] == "gradient":
                self.outputs.append(self._gradient(u))
            elif op["kind"] == "message":
                name = f"message {len(self.messages)}"
                self.messages[name] = u
                self.outputs.append(name)
            else:
                raise ValueError(f"operation {op['kind']!r} is none of gradient, message")
        self.states.append({k: value(self.following[k]) for k in (*self.server, *self.worker)})

    def _gradient(self, at: Vector) -> str:
        """The name of the gradient at a point; all workers must share it."""
        # Interpolation below speaks of f = mean f_i at one point for all workers; at
        # points of their own the mean of gradients is no gradient of f.
        if any(scope == OWN for _, scope in at):
            raise ValueError("a gradient at a worker's own point")
        # Equal points have equal gradients: one name for both is what lets
        # a later round use the earlier round's gradient.
        for name, known in self.gradients.items():
            if known == at:
                return name
        name = AT_X if at == {(self.x, MEAN): Fraction(1)} else f"gradient {len(self.gradients)}"
        self.gradients[name] = at
        return name

    def seen(self) -> dict[str, Vector]:
        """What V sees -> the same one round further on."""
        out = dict(self.states[1])
        size = len(self.ops)
        # The outputs of the first `window` rounds are the past that V sees;
        # their images are the same outputs a round later.
        for k in range(self.window * size):
            out.setdefault(self.outputs[k], {(self.outputs[k + size], OWN): Fraction(1)})
        for now, later in zip(self.places[:-1], self.places[1:], strict=True):
            out.setdefault(now, {(later, OWN): Fraction(1)})
        return out

    def unit(self, name: str) -> Vector:
        """The named vector.

        A server's vector is a mean over workers already (scope MEAN); a worker's, a gradient or a message is one of
        its own (OWN), and `mean` turns it into its mean.
        """
        return {(name, MEAN if name in self.server else OWN): Fraction(1)}


Check = Callable[[Scalar], bool]


def written(c: object) -> bool:
    """True for a coefficient that a file writes exactly: a decimal of JSON is a float."""
    return isinstance(c, str) or (isinstance(c, int) and not isinstance(c, bool))


def check_program(program: Data, number: Check = written) -> None:
    """ValueError for a round that says anything which is not read: names, scopes, kinds and earlier operations.

    number: tells whether a coefficient is written exactly; a float of JSON is refused, since its decimals are not
    what was certified.
    """
    server, worker = list(program["server"]), list(program["worker"])
    # A file is somebody's word. Whatever is not read here would be ignored later, and a
    # round that is described but not checked could carry any rate: each term must name a
    # vector or an earlier operation, each vector its next value.
    names = [*server, *worker]
    plain = all(isinstance(k, str) and k.isidentifier() for k in names)
    if not server or not plain or len(set(names)) < len(names) or set(program["next"]) != set(names):
        raise ValueError(f"{names} are no names of vectors, each with its own next value")
    made: list[str] = []

    def check(terms: Sequence[Scalar], place: str, common: bool = False) -> None:
        for scope, kind, i, c in terms:
            # Only earlier operations: a negative index, or one that is still
            # to come, would read another vector than it says.
            past = isinstance(i, int) and 0 <= i < len(made) and made[i] == kind
            known = i in names if kind == "state" else past
            # A server's vector and a gradient's point must be made of what all workers share.
            shared = scope == "common" or (kind == "state" and i in server)
            if scope not in (OWN, "common") or not known or not number(c) or (common and not shared):
                raise ValueError(f"{place} has no term {[scope, kind, i, c]!r}")

    for op in program["ops"]:
        if op["kind"] not in ("gradient", "message"):
            raise ValueError(f"operation {op['kind']!r} is none of gradient, message")
        check(op["argument"], op["kind"], op["kind"] == "gradient")
        made.append(op["kind"])
    for name, terms in program["next"].items():
        check(terms, f"{name}+", name in server)


def program_lines(program: Data, shown: Callable[[object], str] = str) -> list[str]:
    """The round that is checked, a line for each operation and each vector; g and c are its gradients and messages."""
    outputs: list[str] = []

    def value(terms: Sequence[Scalar]) -> str:
        parts = []
        for scope, kind, i, c in terms:
            name = i if kind == "state" else outputs[i]
            name = f"mean({name})" if scope == "common" and name not in program["server"] else name
            parts.append(f"({shown(c)}) {name}")
        return " + ".join(parts) or "0"

    out = []
    for k, op in enumerate(program["ops"]):
        outputs.append(f"{'g' if op['kind'] == 'gradient' else 'c'}_{k}")
        what = "gradient at" if op["kind"] == "gradient" else "message of"
        out.append(f"{outputs[-1]} = {what} {value(op['argument'])}")
    return [*out, *(f"next {k} = {value(v)}" for k, v in program["next"].items())]


def sums_shown(c: Scalar) -> str:
    """1 - 2 gamma^2, of the sums of a file."""
    return " + ".join("*".join([str(x), *(f"{k}^{p}" for k, p in held.items())]) for x, held in c) or "0"


class Forms:
    """Quadratic forms of means and of deviations, and linear ones of f - f* at the points.

    Worker vectors split into their mean and deviations from it, and so does every inner product: mean_i <a_i, b_i> is
    <mean a, mean b> plus mean_i <a_i - mean a, b_i - mean b>. `mean` and `deviation` are the matrices of the two
    parts; both must be positive semidefinite, separately, since the parts are free of each other for n > 1.
    """

    def __init__(self, names: Sequence[str], own: Sequence[str]) -> None:
        self.at, self.apart = {k: i for i, k in enumerate(names)}, {k: i for i, k in enumerate(own)}
        self.mean: Matrix = [[Fraction(0)] * len(names) for _ in names]
        self.deviation: Matrix = [[Fraction(0)] * len(own) for _ in own]
        self.values: dict[str, Fraction] = {}

    def common(self, c: Fraction, a: Vector, b: Vector) -> None:
        """+ c <mean a, mean b>."""
        for (p, _), u in a.items():
            for (q, _), v in b.items():
                # Half to each of the two places keeps the matrix symmetric, without
                # a case for p = q: both halves fall on one place.
                self.mean[self.at[p]][self.at[q]] += c * u * v / 2
                self.mean[self.at[q]][self.at[p]] += c * u * v / 2

    def between(self, c: Fraction, a: Vector, b: Vector) -> None:
        """+ c mean_i <a_i - mean a, b_i - mean b>."""
        for (p, scope), u in a.items():
            for (q, other), v in b.items():
                # mean_i |a_i|^2 = |mean a|^2 + mean_i |a_i - mean a|^2: common
                # parts and a server's vectors have no deviations.
                if scope == other == OWN and p in self.apart and q in self.apart:
                    self.deviation[self.apart[p]][self.apart[q]] += c * u * v / 2
                    self.deviation[self.apart[q]][self.apart[p]] += c * u * v / 2

    def total(self, c: Fraction, a: Vector, b: Vector) -> None:
        """+ c mean_i <a_i, b_i>."""
        self.common(c, a, b)
        self.between(c, a, b)

    def value(self, point: str, c: Fraction) -> None:
        """+ c (f - f*) at a point."""
        if point != STAR:
            self.values[point] = self.values.get(point, Fraction(0)) + c

    def positive(self) -> bool:
        """True where nothing of it is ever negative."""
        return (
            is_psd(self.mean)
            and is_psd(self.deviation)
            and min(self.values.values(), default=Fraction(0)) >= 0
        )


def is_psd(m: Matrix) -> bool:
    """L D L' without pivoting: a zero pivot needs a zero row.

    m: a symmetric matrix of fractions, in any dimension. The answer is exact both ways: no tolerance, and a singular
    matrix that is semidefinite is accepted.
    """
    rows = [list(r) for r in m]
    for k in range(len(rows)):
        # After k steps `rows` is the Schur complement of the first k. A semidefinite matrix with 0 on its
        # diagonal has 0 in that whole row, since the 2 x 2 minor would be negative; in fractions that zero
        # test is exact, so singular matrices, the rule for tight certificates, are decided and not guessed.
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[k][j] for j in range(k + 1, len(rows)))):
            return False
        for i in range(k + 1, len(rows)) if pivot else ():
            factor = rows[i][k] / pivot
            for j in range(k + 1, len(rows)):
                rows[i][j] -= factor * rows[k][j]
    return True


def upper_holds(data: Data) -> bool:
    """The certificate of rho: V decreases by it and is at least scale |x|^2."""
    check_program(data["program"])
    u, upper, c = Unrolled(data), data["upper"], constants_of(data)
    rho, scale = Fraction(upper["rho"]), Fraction(upper["scale"])
    v = {k: Fraction(x) for k, x in upper["v"].items()}
    used = {k: Fraction(x) for k, x in upper["multipliers"].items()}
    # Names that are not derived here, a negative multiplier or a scale of 0 would prove anything.
    if not set(used) <= set(inequalities(u)) or not scale > 0 or min(used.values(), default=Fraction(0)) < 0:
        return False
    decrease, bound = statement(u, c, rho, scale, v, used)
    return rho >= 0 and decrease.positive() and bound.positive()


def statement(
    u: Unrolled,
    c: Mapping[str, Scalar],
    rho: Scalar,
    scale: Scalar,
    v: Mapping[str, Scalar],
    used: Mapping[str, Scalar],
) -> tuple[Forms, Forms]:
    """(rho V - V+ minus the inequalities' multiples, V - scale |x|^2): what must never be negative.

    c, rho, scale, v and used may be fractions or the polynomials of `recheck_box.py`: only sums and products are
    formed. Callers check that the multipliers are >= 0 and known, and that both forms are positive.
    """
    # The S-procedure: if rho V - V+ - sum of multiplier * (what is >= 0 on the
    # class) is a positive semidefinite form with coefficients >= 0 at f - f*, then
    # V+ <= rho V for every function and compressor of the class.
    seen, known = u.seen(), inequalities(u)
    names = [*seen, *(k for k in (*u.gradients, *u.messages) if k not in seen)]
    # One worker has no deviations. For n > 1 the condition is the same
    # for every n: it is sufficient, n does not enter.
    own = [k for k in names if k not in u.server] if c["n"] > 1 else []
    decrease, bound = Forms(names, own), Forms(names, own)
    for key, x in v.items():
        add_v(u, key, x, seen, rho, decrease, bound)
    # V >= scale |x|^2: a decrease of V by rho then is one of squared distances, up to a constant factor.
    bound.common(-scale, u.unit(u.x), u.unit(u.x))
    for key, x in used.items():
        known[key](decrease, -x, c)
    return decrease, bound


def add_v(
    u: Unrolled,
    key: str,
    x: Fraction,
    seen: Mapping[str, Vector],
    rho: Fraction,
    decrease: Forms,
    bound: Forms,
) -> None:
    """One coefficient of V: "P[a,b]" of means, "Q[a,b]" of deviations (a product of two counts twice), "f"."""
    if key == "f":
        decrease.value(u.places[-2], rho * x)
        decrease.value(u.places[-1], -x)
        bound.value(u.places[-2], x)
        return
    # <a, b> stands at two places of the symmetric matrix of V, so its coefficient counts twice.
    a, b = key[2:-1].split(",")
    twice = x if a == b else 2 * x
    for form, c, p, q in (
        (decrease, rho * twice, u.unit(a), u.unit(b)),
        (decrease, -twice, seen[a], seen[b]),
        (bound, twice, u.unit(a), u.unit(b)),
    ):
        {"P": form.common, "Q": form.between}[key[0]](c, p, q)


Adds = Callable[[Forms, Scalar, Mapping[str, Scalar]], None]
"""(form, x, constants): x times what is >= 0 on the class is added to the form."""


def inequalities(u: Unrolled) -> dict[str, Adds]:
    """Name -> a function that adds a multiple of what is >= 0 on the class.

    Keys: "f(i) >= f(j)" for ordered pairs of points (y: where the round takes a gradient, x: the x of a state, x*:
    the minimiser), and "compression", of the k-th message where there are several. A certificate may use no other
    names.
    """
    labels = {name: f"y{k}" for k, name in enumerate(u.gradients)}
    labels |= {name: f"x{r}" for r, name in enumerate(u.places)}
    points: dict[str, tuple[str, Vector, Vector]] = {STAR: (STAR, {}, {})}
    points |= {labels[name]: (name, at, u.unit(name)) for name, at in u.gradients.items()}

    def interpolation(i: str, j: str) -> Adds:
        def put(form: Forms, x: Fraction, c: Mapping[str, Fraction]) -> None:
            (pi, xi, gi), (pj, xj, gj) = points[i], points[j]
            # Interpolation of mu-strongly convex L-smooth functions (Taylor, Hendrickx and Glineur
            # 2017), times 2 (L - mu): 2 (L - mu)(f_i - f_j - <g_j, dx>) - |dg|^2 + 2 mu <dg, dx> - L
            # mu |dx|^2 >= 0. It is necessary for every function of the class, so that using it is
            # sound; points are common to all workers, hence `common` with dx.
            scale, one = 2 * (c["L"] - c["mu"]), Fraction(1)
            dx, dg = add((one, xi), (-one, xj)), add((one, gi), (-one, gj))
            form.value(pi, x * scale)
            form.value(pj, -x * scale)
            form.total(-x, dg, dg)
            form.common(x, add((2 * c["mu"], dg), (-scale, gj), (-c["L"] * c["mu"], dx)), dx)

        return put

    def compression(name: str) -> Adds:
        def put(form: Forms, x: Fraction, c: Mapping[str, Fraction]) -> None:
            # loss |u|^2 - |C(u) - u|^2 >= 0 holds for each worker, and so for the mean over the workers.
            missed = add((Fraction(1), u.unit(name)), (Fraction(-1), u.messages[name]))
            form.total(x * c["loss"], u.messages[name], u.messages[name])
            form.total(-x, missed, missed)

        return put

    # All ordered pairs, the minimiser among them: x*, its gradient and f - f* are 0 in these coordinates.
    out = {f"f({i}) >= f({j})": interpolation(i, j) for i, j in permutations(points, 2)}
    single = len(u.messages) == 1
    return out | {"compression" if single else f"compression of {k}": compression(k) for k in u.messages}


def constants_of(data: Data) -> dict[str, Fraction]:
    """mu, L, loss and n. ValueError where they are out of range."""
    c = {k: Fraction(data["class"][k]) for k in ("mu", "L", "loss", "n")}
    if not (0 < c["mu"] < c["L"] and 0 <= c["loss"] < 1 and c["n"] >= 1 and c["n"].denominator == 1):
        raise ValueError("the class needs 0 < mu < L, 0 <= loss < 1, n >= 1")
    return c


Complex = tuple[Fraction, Fraction]


def times(a: Complex, b: Complex) -> Complex:
    """a b."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def lower_holds(data: Data) -> bool:
    """The instance is of the class, and its round has an eigenvalue of modulus at least radius."""
    check_program(data["program"])
    c, lower = constants_of(data), data["lower"]
    curvature, radius = Fraction(lower["curvature"]), Fraction(lower["radius"])
    factors = [(Fraction(a), Fraction(b)) for a, b in lower["factors"]]
    # C(v) = c v is of the class exactly where |c - 1|^2 <= loss. The rate is at least
    # the spectral radius squared, and a characteristic polynomial that is not stable
    # in the circle of this radius has a root on it or outside.
    inside = all((a - 1) ** 2 + b**2 <= c["loss"] for a, b in factors) and c["mu"] <= curvature <= c["L"]
    matrix = round_matrix(data["program"], curvature, factors)
    return inside and radius > 0 and not inside_the_circle(characteristic(matrix), radius)


def round_matrix(
    program: Data, curvature: Scalar, factors: Sequence[tuple[Scalar, Scalar]]
) -> list[list[Complex]]:
    """The round where every f_i is curvature |x|^2/2 and the k-th message is factors[k] times its input.

    Rows are next states, columns states, entries complex as (real, imaginary). ValueError for more factors than
    messages, IndexError for fewer: a message without a factor would be unconstrained.
    """
    # All workers equal, so that own and common vectors coincide and one copy of each is enough.
    names = [*program["server"], *program["worker"]]
    size, outputs, zero = len(names), list[list[Complex]](), (Fraction(0), Fraction(0))
    left = list(factors)

    def value(terms: Sequence[Any]) -> list[Complex]:
        out = [zero] * size
        for _, kind, i, c in terms:
            row = [(Fraction(int(k == i)), Fraction(0)) for k in names] if kind == "state" else outputs[i]
            out = [(p + exact(c) * q, r + exact(c) * t) for (p, r), (q, t) in zip(out, row, strict=True)]
        return out

    for op in program["ops"]:
        by = (curvature, Fraction(0)) if op["kind"] == "gradient" else left.pop(0)
        outputs.append([times(by, a) for a in value(op["argument"])])
    if left:
        raise ValueError("more factors than messages")
    return [value(program["next"][k]) for k in names]


def characteristic(m: Sequence[Sequence[Complex]]) -> list[Complex]:
    """Coefficients of det(z - M), the leading 1 first (Faddeev and LeVerrier)."""
    size = len(m)
    out: list[Complex] = [(Fraction(1), Fraction(0))]
    power = [[(Fraction(int(i == j)), Fraction(0)) for j in range(size)] for i in range(size)]
    # c_k = -trace(M N_k)/k with N_(k+1) = M N_k + c_k: divisions by whole numbers
    # alone, exact in fractions, and no determinant is expanded.
    for k in range(1, size + 1):
        power = [
            [_sum(times(m[i][t], power[t][j]) for t in range(size)) for j in range(size)] for i in range(size)
        ]
        trace = _sum(power[i][i] for i in range(size))
        c = (-trace[0] / k, -trace[1] / k)
        out.append(c)
        power = [[_sum([a, c]) if i == j else a for j, a in enumerate(row)] for i, row in enumerate(power)]
    return out


def _sum(values: Iterable[tuple[Scalar, Scalar]]) -> Complex:
    real = imaginary = Fraction(0)
    for a, b in values:
        real, imaginary = real + a, imaginary + b
    return real, imaginary


def inside_the_circle(polynomial: Sequence[Complex], radius: Fraction) -> bool:
    """True exactly where all roots have a modulus below radius (Schur and Cohn).

    Complex coefficients, the leading one first. A root on the circle itself counts as not inside, so that False
    certifies a modulus of at least the radius.
    """
    degree = len(polynomial) - 1
    # z -> z/radius puts the circle in question on the unit circle.
    p = [(a * radius ** (degree - k), b * radius ** (degree - k)) for k, (a, b) in enumerate(polynomial)]
    while len(p) > 1:
        lead, last = p[0], p[-1]
        # |product of the roots| = |last/lead| >= 1: some root is not inside. Otherwise the Schur transform
        # conj(lead) p - last p* has one degree less and is stable exactly where p is.
        if last[0] ** 2 + last[1] ** 2 >= lead[0] ** 2 + lead[1] ** 2:
            return False
        turned = [(a, -b) for a, b in reversed(p)]
        mixed = [
            _sum([times((lead[0], -lead[1]), a), times((-last[0], -last[1]), b)])
            for a, b in zip(p, turned, strict=True)
        ]
        p = mixed[:-1]
    return True


Judge = Callable[[Data], tuple[bool, list[str]]]
"""A file's data -> whether it holds, and its lines."""


def read_all(paths: Sequence[str], usage: str, kind: str, judge: Judge) -> int:
    """Prints what each file says; 1 when one fails or is none, 2 without a file."""
    if not paths:
        sys.stderr.write(f"usage: python {usage} ...\n")
        return 2
    failed = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                good, lines = judge(json.load(file))
        # Whatever a malformed file raises while it is read means that it is none: a traceback would
        # say less, and a file that stops the run would hide those after it.
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            ArithmeticError,
            AssertionError,
        ) as problem:
            good, lines = False, [f"{path}: no {kind}: {type(problem).__name__}: {problem}"]
        failed += not good
        sys.stdout.write("\n".join(map(one_line, lines)) + "\n")
    return int(failed > 0)


def one_line(text: str) -> str:
    """The text with a mark for what is not printed: a name that breaks the line would say what holds."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _judged(data: Data) -> tuple[bool, list[str]]:
    upper, lower = upper_holds(data), lower_holds(data)
    return upper and lower, _said(data, upper, lower)


def main(paths: Sequence[str]) -> int:
    """Some lines a file; 1 when one fails or is none, 2 without a file."""
    return read_all(paths, "recheck.py BRACKET.json", "bracket", _judged)


def _said(data: Data, upper: bool, lower: bool) -> list[str]:
    held = ", ".join(f"{k}={v}" for k, v in {**data["class"], **data["parameters"]}.items())
    rho, attained = float(Fraction(data["upper"]["rho"])), float(Fraction(data["lower"]["radius"]) ** 2)
    return [
        f"{data['method']}: {held}",
        "  the name, the parameters and what is assumed are the file's words; the round that is checked:",
        *(f"    {line}" for line in program_lines(data["program"])),
        *(f"  assumes: {a}" for a in data["assumptions"]),
        f"  upper: rho <= {rho:.9f} {'holds' if upper else 'FAILS'}",
        f"  lower: rho >= {attained:.9f} {'holds' if lower else 'FAILS'}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
