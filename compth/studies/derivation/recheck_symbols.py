"""Recheck a proof for symbolic constants with Python's standard library alone: `python recheck_symbols.py FILE ...`.

A file holds a method's round, a closed form of its rate, and formulas in some constants and the rate: the other
constants, V, multipliers. What is free runs over a region: each symbol between two bounds in the symbols before it,
L = 1. With low + (high - low) p/(1 + p) for each symbol, p > 0, a polynomial without coefficients of the other sign has
one sign on the region; that is how every sign is seen, and nothing is sampled. Checked:

root: for all constants the closed form vanishes on the region, since it changes sign between its ends; there it gives
the one constant that is no symbol. Without such a one the symbols are the constants and the region is the class.
upper: rho V - E V+ minus multiples >= 0 of inequalities of the class is a sum of squares, all weights >= 0, and so is V
minus a positive multiple of |x|^2, of |grad f(x)|^2 or of f - f*. Everything is rebuilt from the round.
attained: on a quadratic with mu or L and messages on the boundary of the class the factor is rho: an eigenvector, or
for unbiased messages the identity E V+ = rho V.

`recheck.py` must lie beside this file; its module text says how vectors are measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from os.path import abspath, dirname

if __name__ == "__main__":  # the file that lies beside it, whatever is installed
    sys.path.insert(0, dirname(abspath(__file__)))
    import recheck  # type: ignore[import-not-found, unused-ignore]
else:
    from compth.studies.derivation import recheck

Monomial = tuple[tuple[str, int], ...]
Poly = dict[Monomial, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)
RANGES: Mapping[str, tuple[int, int | None]] = {
    "mu": (0, 1), "r": (0, 1), "rho": (0, 1), "s": (0, 1), "omega": (0, None), "n": (1, None),
}  # fmt: skip
"""What the class allows of each symbol; None: no upper end."""


def times(a: Poly, b: Poly) -> Poly:
    """a b."""
    out: Poly = {}
    for m, c in a.items():
        # A product of monomials adds their exponents. Exponents are kept sorted by
        # symbol, so that equal monomials are equal keys and a coefficient that
        # cancels to 0 leaves the dictionary: `not p` then is `p = 0`.
        for k, d in b.items():
            powers = dict(m)
            for x, e in k:
                powers[x] = powers.get(x, 0) + e
            key = tuple(sorted(powers.items()))
            out[key] = out.get(key, ZERO) + c * d
    return {m: c for m, c in out.items() if c}


class Ratio:
    """A polynomial over a product of polynomials to powers; nothing is cancelled, equality is of cross products."""

    def __init__(self, top: Poly, under: Mapping[tuple[tuple[Monomial, Fraction], ...], int]) -> None:
        self.top, self.under = top, {k: e for k, e in under.items() if e}

    @classmethod
    def of(cls, x: object) -> Ratio:
        """A number, or what a file has for a formula: numerator's terms, and denominators with their powers."""
        if isinstance(x, Ratio):
            return x
        if isinstance(x, str | int | Fraction):
            value = Fraction(x)
            return cls({(): value} if value else {}, {})
        assert isinstance(x, dict)
        return cls(_poly(x["n"]), {tuple(sorted(_poly(p).items())): int(e) for p, e in x["d"]})

    def __add__(self, other: object) -> Ratio:
        b = Ratio.of(other)
        # Over the least common multiple of the denominators as they are written: each top is
        # multiplied by the factors that its own denominator lacks. No greatest common divisor
        # is ever needed, which keeps this file short enough to be read.
        common = {k: max(self.under.get(k, 0), b.under.get(k, 0)) for k in {**self.under, **b.under}}
        out: Poly = {}
        for side in (self, b):
            top = side.top
            for k, e in common.items():
                for _ in range(e - side.under.get(k, 0)):
                    top = times(top, dict(k))
            for m, c in top.items():
                out[m] = out.get(m, ZERO) + c
        return Ratio({m: c for m, c in out.items() if c}, common)

    def __mul__(self, other: object) -> Ratio:
        b = Ratio.of(other)
        powers = dict(self.under)
        for k, e in b.under.items():
            powers[k] = powers.get(k, 0) + e
        return Ratio(times(self.top, b.top), powers)

    def __truediv__(self, other: object) -> Ratio:
        b = Ratio.of(other)
        if not b:
            raise ZeroDivisionError("a formula divides by 0")
        # 1/b turns b's denominators into factors of the top, and b's top into a
        # denominator. A b that is identically 0 is refused above; one that vanishes
        # somewhere on the region is caught where a sign is asked for.
        top = Ratio(self.top, self.under)
        for k, e in b.under.items():
            for _ in range(e):
                top = Ratio(times(top.top, dict(k)), top.under)
        return top * Ratio({(): ONE}, {tuple(sorted(b.top.items())): 1})

    def __neg__(self) -> Ratio:
        return Ratio({m: -c for m, c in self.top.items()}, self.under)

    def __sub__(self, other: object) -> Ratio:
        return self + -Ratio.of(other)

    def __rsub__(self, other: object) -> Ratio:
        return Ratio.of(other) - self

    __radd__, __rmul__ = __add__, __mul__

    def __bool__(self) -> bool:
        return bool(self.top)

    def __eq__(self, other: object) -> bool:
        return not (self - other)

    __hash__ = None  # type: ignore[assignment]  # equal ones may be written in several ways

    def put(self, values: Mapping[str, Ratio]) -> Ratio:
        """The symbols replaced; others stay."""
        out = _put(self.top, values)
        for k, e in self.under.items():
            for _ in range(e):
                out = out / _put(dict(k), values)
        return out

    def sign(self) -> int:
        """Of a formula in positive letters: 1 or -1 where coefficients have one sign above and one below; else 0."""
        out = _one_sign(self.top.values())
        for k, e in self.under.items():
            # A denominator whose coefficients have several signs may vanish on the region: its sign
            # is 0 and makes that of the whole 0, even where its power is even.
            out *= _one_sign(c for _, c in k) ** e
        return out


def _poly(terms: Sequence[Sequence[object]]) -> Poly:
    out: Poly = {}
    for c, powers in terms:
        assert isinstance(powers, dict)
        key = tuple(sorted((str(x), int(e)) for x, e in powers.items() if e))
        out[key] = out.get(key, ZERO) + Fraction(str(c))
    return {m: c for m, c in out.items() if c}


def _put(p: Poly, values: Mapping[str, Ratio]) -> Ratio:
    out = Ratio.of(0)
    for m, c in p.items():
        term = Ratio.of(c)
        for x, e in m:
            for _ in range(e):
                term = term * values.get(x, Ratio({((x, 1),): ONE}, {}))
        out = out + term
    return out


def _one_sign(coefficients: Iterable[Fraction]) -> int:
    # Sufficient, not necessary: p^2 - p + 1 > 0 has both signs and is
    # refused. A refusal costs a proof, never its truth.
    signs = {1 if c > 0 else -1 for c in coefficients if c}
    return signs.pop() if len(signs) == 1 else 0


def symbol(x: str) -> Ratio:
    """A symbol as a formula."""
    return Ratio({((x, 1),): ONE}, {})


def within(low: object, high: object | None, letter: str) -> Ratio:
    """low + (high - low) p/(1 + p), or low + p where there is no upper end."""
    # p/(1 + p) is a bijection of (0, inf) with (0, 1): positive letters
    # reach every point of the open interval and no other.
    p = symbol(letter)
    return p + low if high is None else (Ratio.of(high) - low) * p / (p + 1) + low


class Proof:
    """A file's proof, its formulas read."""

    def __init__(self, data: recheck.Data) -> None:
        self.data, self.symbols = data, list(data["symbols"])
        self.unknown = "rho" if data["noisy"] else "r"
        self.closed = Ratio.of(data["closed"])
        self.conditions = [(Ratio.of(c["positive"]), str(c["bounds"])) for c in data["conditions"]]
        self.constants = {k: Ratio.of(x) for k, x in data["constants"].items()}
        # A symbol stands for itself, whatever the file says under its name: otherwise a file could put a
        # number in the place of what is said to be free, and prove one point as if it were the region.
        self.constants |= {x: symbol(x) for x in self.symbols}
        self.rho = self.constants["rho"] if data["noisy"] else self.constants["r"] * self.constants["r"]
        self.letters = self._letters()
        # L = 1 by the choice of units: f/L has mu/L and 1. n = 1 here, since the scope of contractive
        # messages is one worker; noise of several workers is counted in `_expected`.
        self.c = {"mu": self.constants["mu"], "L": Ratio.of(1), "n": Ratio.of(1)}
        if not data["noisy"]:
            self.c["loss"] = self.constants["s"] * self.constants["s"]
        self.unrolled = recheck.Unrolled({"program": self._program(), "window": 0})

    def _program(self) -> recheck.Data:
        program = self.data["program"]

        def read(terms: Sequence[Sequence[object]]) -> list[list[object]]:
            return [[*rest, Ratio.of(c).put(self.constants)] for *rest, c in terms]

        ops = [{"kind": op["kind"], "argument": read(op["argument"])} for op in program["ops"]]
        return {**program, "ops": ops, "next": {k: read(v) for k, v in program["next"].items()}}

    def end(self, condition: tuple[Ratio, str]) -> Ratio:
        """Where the condition, affine in the symbol that it bounds, stops to hold."""
        positive, x = condition
        if any(dict(m).get(x, 0) > 1 for m in positive.top) or positive.under:
            raise ValueError(f"a condition that is not affine in {x}")
        # a + b x vanishes at x = a/(a - (a + b)), with a and a + b its values at 0 and at 1
        # Two values determine an affine function, and with it where it crosses 0.
        rest = positive.put({x: Ratio.of(0)})
        return rest / (rest - positive.put({x: Ratio.of(1)}))

    def _letters(self) -> dict[str, Ratio]:
        """Each symbol in positive letters."""
        out: dict[str, Ratio] = {}
        for x in self.symbols:
            low: object = RANGES[x][0]
            high: object | None = RANGES[x][1]
            # The condition on the rate bounds it from below (from above it has 1), every other one its
            # symbol from above. Bounds of a later symbol are written in the letters of the earlier ones.
            for c in self.conditions:
                if c[1] == x:
                    low, high = (self.end(c), high) if x == self.unknown else (low, self.end(c))
            out[x] = within(low, high, f"{x}_").put(out)
        return out

    def positive(self, f: Ratio) -> bool:
        """True where it is shown on the region."""
        return f.put(self.letters).sign() == 1

    @property
    def scope(self) -> str:
        """What is proved, read off what is checked; without deviations from the workers' means there is one worker."""
        law = "unbiased messages, omega > 0" if self.data["noisy"] else "contractive messages, 0 < s < 1"
        return f"0 < mu < L = 1, {law}, {'n > 1 workers' if self.data['several'] else 'one worker'}"

    def inside(self) -> bool:
        """The formulas solve the closed form, and the constants lie in the class."""
        wanted = [self.constants["mu"], 1 - self.constants["mu"], self.rho, 1 - self.rho]
        wanted += [self.constants[k] for k in ("omega", "n", "gamma") if k in self.constants]
        # a number of workers besides 1 asks for their deviations, and noise of n workers for n itself
        workers = bool(self.data["several"]) == ("n" in self.constants)
        return workers and not self.closed.put(self.constants) and all(map(self.positive, wanted))

    def root(self) -> bool:
        """For all constants of the class the closed form vanishes where all conditions hold.

        Each condition rises with the unknown, all its terms with it having coefficients > 0, and holds where that is 1.
        The closed form has one sign there and the other where a condition stops to hold, as some condition does.
        """
        u, constants = self.unknown, self._of_the_class()
        named = {x for f in (self.closed, *(c[0] for c in self.conditions)) for m in f.top for x, _ in m}
        if not (self.closed and named <= set(RANGES)):
            return False
        if set(self.symbols) == constants:
            return not self.conditions
        solved = constants - set(self.symbols)
        if len(solved) != 1 or set(self.symbols) != {*constants - solved, u}:
            return False
        # The intermediate value theorem, for every choice of the other constants at once:
        # opposite signs at u = 1 and where any condition stops to hold. A condition that rises
        # with u holds above its end, so the root between meets all of them.
        top = self._on_the_class(self.closed.put({u: Ratio.of(1)}))
        ends = [self._on_the_class(self.closed.put({c[1]: self.end(c)})) for c in self.conditions]
        stops = [self._on_the_class(c[0].put({u: Ratio.of(0)})) == -1 for c in self.conditions]
        fits = self._gives(solved.pop()) and all(map(self._rises, self.conditions))
        return fits and any(stops) and all(top * e == -1 for e in ends)

    def _of_the_class(self) -> set[str]:
        """The constants for all of which the scope speaks: a file that fixes one proves less."""
        return {"mu", "omega" if self.data["noisy"] else "s", *(["n"] if self.data["several"] else [])}

    def _rises(self, condition: tuple[Ratio, str]) -> bool:
        """True where it holds at u = 1, rises with the unknown u, and bounds u from below, another from above."""
        (positive, x), u = condition, self.unknown
        # affine in x: the slope is the difference between the values at 1 and at 0
        slope = positive.put({x: Ratio.of(1)}) - positive.put({x: Ratio.of(0)})
        return (
            self._on_the_class(positive.put({u: Ratio.of(1)})) == 1
            and all(c > 0 for m, c in positive.top.items() if u in dict(m))
            and self._on_the_class(slope) == (1 if x == u else -1)
        )

    def _gives(self, x: str) -> bool:
        """True where the closed form is affine in this constant and its slope has a sign on the region: it gives x."""
        if self.closed.under or any(dict(m).get(x, 0) > 1 for m in self.closed.top):
            return False
        slope = self.closed.put({x: Ratio.of(1)}) - self.closed.put({x: Ratio.of(0)})
        return slope.put(self.letters).sign() != 0

    def _on_the_class(self, f: Ratio) -> int:
        return f.put({x: within(*ends, f"{x}_") for x, ends in RANGES.items()}).sign()

    # -- upper -------------------------------------------------------------------------------------------------

    def upper(self) -> bool:
        """Multipliers >= 0, rho V - E V+ minus their products as squares, V above what only x* makes 0."""
        v = {k: Ratio.of(x) for k, x in self.data["v"].items()}
        used = {k: Ratio.of(x) for k, x in self.data["multipliers"].items()}
        known, sees = recheck.inequalities(self.unrolled), self.data["sees"]
        # Only inequalities that this file derives itself may be used, and only with multipliers > 0: an
        # invented name, or the right one with the wrong sign, would prove any rate.
        if not set(used) <= set(known) or not all(map(self.positive, used.values())):
            return False
        decrease, bound = self.forms(v)
        # S = rho V - E V+ - sum of multiplier * (what is >= 0): where S >= 0 so is rho V - E V+, on all of the class
        for key, x in used.items():
            known[key](decrease, -x, self.c)
        # V >= scale times something that is 0 only at x*. Without this V = 0, or a V that misses a
        # direction in which the method diverges, would satisfy every decrease.
        scale = Ratio.of(sees["scale"])
        if sees["name"] == "f":
            bound.value(self.unrolled.places[0], -scale)
        elif sees["name"] in (self.unrolled.x, recheck.AT_X):
            bound.common(-scale, self.unrolled.unit(sees["name"]), self.unrolled.unit(sees["name"]))
        else:
            return False
        return (
            self.positive(scale)
            and self._squares(decrease, self.data["squares"])
            and self._squares(bound, sees["squares"])
        )

    def _names(self) -> tuple[list[str], list[str]]:
        u = self.unrolled
        seen = u.seen()
        # What V sees comes first, then what a round makes besides. A server's vector is
        # common, so that its deviations are 0: it has no place among them.
        names = [*seen, *(k for k in (*u.gradients, *u.messages) if k not in seen)]
        return names, [k for k in names if k not in u.server] if self.data["several"] else []

    def forms(self, v: Mapping[str, Ratio]) -> tuple[recheck.Forms, recheck.Forms]:
        """(rho V - E V+, V)."""
        u, seen = self.unrolled, self.unrolled.seen()
        decrease, bound = recheck.Forms(*self._names()), recheck.Forms(*self._names())
        for key, x in v.items():
            if not self.data["noisy"] or key == "f":
                recheck.add_v(u, key, x, seen=seen, rho=self.rho, decrease=decrease, bound=bound)
                continue
            a, b = key[2:-1].split(",")
            # An entry off the diagonal stands at two places of a symmetric matrix.
            twice = x if a == b else x * 2
            for form, c in ((decrease, self.rho * twice), (bound, twice)):
                {"P": form.common, "Q": form.between}[key[0]](c, u.unit(a), u.unit(b))
            self._expected(decrease, key[0], -twice, seen[a], seen[b])
        return decrease, bound

    def _expected(
        self, form: recheck.Forms, kind: str, c: Ratio, a: recheck.Vector, b: recheck.Vector
    ) -> None:
        """+ c E <a, b> of means (P) or of deviations (Q): an unbiased message is its input and noise of its own.

        Noise of a worker's own message has the share 1/n of its mean square N in the mean and 1 - 1/n apart from it;
        N = omega mean |input|^2 is the most that the class allows.
        """
        {"P": form.common, "Q": form.between}[kind](c, self._quiet(a), self._quiet(b))
        # E <a, b> splits into the product of the conditional means and the covariance of the noise. Workers
        # draw independently, so E |mean noise|^2 = N/n and the mean of E |noise_i - mean noise|^2 is (1 -
        # 1/n) N; cross terms of different messages vanish, provided that none compresses another's output.
        n, omega = self.constants.get("n", Ratio.of(1)), self.constants["omega"]
        for name, sent in self.unrolled.messages.items():
            # In the mean over the workers an own and a common coefficient
            # count alike; in deviations the common part cancels.
            own = [Ratio.of(v.get((name, recheck.OWN), 0)) for v in (a, b)]
            whole = [o + v.get((name, recheck.MEAN), 0) for o, v in zip(own, (a, b), strict=True)]
            share = whole[0] * whole[1] / n if kind == "P" else own[0] * own[1] * (1 - Ratio.of(1) / n)
            # Its input would be random itself and the variance would not be
            # omega |input|^2 of a fixed input: not covered.
            if any(k in self.unrolled.messages for k, _ in sent):
                raise ValueError("a message of a message")
            form.total(c * share * omega, sent, sent)

    def _quiet(self, v: recheck.Vector) -> recheck.Vector:
        """Messages replaced by their means."""
        parts = []
        for (name, scope), c in v.items():
            sent = self.unrolled.messages.get(name)
            inside = {(name, scope): ONE} if sent is None else sent
            parts.append((c, recheck.mean(inside) if scope == recheck.MEAN and sent is not None else inside))
        return recheck.add(*parts)

    def _squares(self, form: recheck.Forms, squares: recheck.Data) -> bool:
        """The form is the sum of the squares, weights > 0, and of f - f* at points with coefficients >= 0."""
        # An unknown block would be checked against nothing, and so hold by having no entry to compare.
        if not set(squares) <= {"mean", "deviation"} or (squares.get("deviation") and not form.apart):
            return False
        for block, at, matrix in (("mean", form.at, form.mean), ("deviation", form.apart, form.deviation)):
            # entry by entry: the matrix minus all weight * vector vector' has to be 0 as a formula
            left = [list(row) for row in matrix]
            for weight, vector in squares.get(block, []):
                w = Ratio.of(weight)
                if not self.positive(w):
                    return False
                for a, p in vector.items():
                    for b, q in vector.items():
                        left[at[a]][at[b]] = left[at[a]][at[b]] - w * Ratio.of(p) * Ratio.of(q)
            if any(e for row in left for e in row):
                return False
        # f - f* >= 0 at every point: what is left of the function
        # values needs coefficients >= 0 and no square.
        return all(not x or self.positive(Ratio.of(x)) for x in form.values.values())

    # -- attained ----------------------------------------------------------------------------------------------

    def attained(self) -> bool:
        """Every quadratic of the file has the factor rho, and there is one."""
        found = self.data["instances"]
        each = self._identity if self.data["noisy"] else self._eigenvector
        return bool(found) and all(map(each, found))

    def _curvature(self, instance: recheck.Data) -> Ratio:
        return {"mu": self.c["mu"], "L": self.c["L"]}[instance["curvature"]]

    def _eigenvector(self, instance: recheck.Data) -> bool:
        """The round takes the state to r or -r times itself; messages (1 + s) v or (1 - s) v, |C(v) - v| = s |v|."""
        # (1 + s k) v with k = 1 or -1 lies on the boundary of the class: |C(v) - v|^2 =
        # s^2 |v|^2. An eigenvector of the round for r or -r then makes every squared
        # quantity fall by exactly r^2 = rho, which no V can beat.
        turn = self.constants["r"] * int(instance["turn"])
        factors = [(1 + self.constants["s"] * int(k), Ratio.of(0)) for k in instance["signs"]]
        signs = {abs(int(k)) for k in (instance["turn"], *instance["signs"])}
        rows = recheck.round_matrix(self._program(), self._curvature(instance), factors)
        state = [Ratio.of(x) for x in instance["state"]]
        same = (
            sum((e * x for (e, _), x in zip(row, state, strict=True)), Ratio.of(0)) == turn * y
            for row, y in zip(rows, state, strict=True)
        )
        # signs = {1}: a factor 1 + 2 s would leave the class. A state of zeros is an eigenvector of nothing.
        return signs == {1} and any(state) and all(same)

    def _identity(self, instance: recheck.Data) -> bool:
        """E V+ = rho V for all states of equal workers, the variance being all that the class allows."""
        u = self.unrolled
        # equal workers have no deviations: every gradient is the curvature times its point, and only means are left
        states = [*u.server, *u.worker]
        value = {k: {k: Ratio.of(1)} for k in states}
        for name, at in u.gradients.items():
            if all(k in value for k, _ in at):
                out: dict[str, Ratio] = {}
                for (k, _), c in at.items():
                    for x, e in value[k].items():
                        out[x] = out.get(x, Ratio.of(0)) + self._curvature(instance) * c * e
                value[name] = out
        # rho V - E V+ as a form of the states alone, gradients having been put in: it
        # must vanish identically, coefficient by coefficient. Equality for all
        # states, not along one run, is what a noisy round needs.
        form, _ = self.forms({k: Ratio.of(x) for k, x in self.data["v"].items()})
        total = {(a, b): Ratio.of(0) for a in states for b in states}
        for p, i in form.at.items():
            for q, j in form.at.items():
                if form.mean[i][j]:
                    for a, x in value[p].items():
                        for b, y in value[q].items():
                            total[a, b] = total[a, b] + form.mean[i][j] * x * y
        return not any(total.values())


def holds(data: recheck.Data) -> bool:
    """All of it."""
    proof = Proof(data)
    return proof.inside() and proof.root() and proof.upper() and proof.attained()


def _judged(data: recheck.Data) -> tuple[bool, list[str]]:
    # Each part is told apart: a file that fails says which of the four statements it does not earn.
    proof = Proof(data)
    found = {k: getattr(proof, k)() for k in ("inside", "root", "upper", "attained")}
    told = [f"  {k} {'holds' if v else 'FAILS'}" for k, v in found.items()]
    named = "  the name is the file's word; the round that is checked:"
    rounds = (f"    {line}" for line in recheck.program_lines(data["program"], _quotient_shown))
    return all(found.values()), [f"{data['method']}: {proof.scope}", named, *rounds, *told]


def _quotient_shown(c: recheck.Data) -> str:
    """(1 - 2 gamma^2)/(1 + mu), of the quotients of a file."""
    under = "".join(f"/({recheck.sums_shown(terms)})^{power}" for terms, power in c["d"])
    return f"({recheck.sums_shown(c['n'])}){under}"


def main(paths: Sequence[str]) -> int:
    """Some lines a file; 1 when one fails or is none, 2 without a file."""
    failed: int = recheck.read_all(paths, "recheck_symbols.py PROOF.json", "proof", _judged)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
