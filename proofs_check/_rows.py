"""A row of the unified theory put into the theorem: the row's proof, then the theorem's step from what it showed.

The claim is the theorem's for the method's own vectors, V = |x - xs|^2 + M ga^2 sigma^2 with the row's sigma^2, and
over the whole run. Nothing of the assumption is taken over but what the row's steps show.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction as F
from typing import Any

import sympy

from compth.methods.core.unified import Parameters
from proofs_check._models import plain
from proofs_check._script import Part, members, step, symbols, text
from proofs_check._update import Update

mu, ga, M = symbols("mu ga M")


@dataclass(frozen=True)
class Row:
    """A method's row: its step and the gradient in the mean, the claims of the assumption, sigma^2, how it moves.

    uniform: the step is that of a uniform component of the family `drawn`, J. fixed: what does not move. more: fields
    added to the statement; uses: multipliers of its hypotheses in the theorem's step; before: steps ahead of it.
    update: the method's step, from whose trace `drawn` and `moves` are then.
    """

    name: str
    row: Parameters
    drawn: str
    mean: str
    first: str
    second: str = ""
    memory: str = ""
    later: str = ""
    moves: dict[str, str] = field(default_factory=dict)
    fixed: str = "xs"
    uniform: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    uses: dict[str, str] = field(default_factory=dict)
    before: Sequence[dict[str, Any]] = ()
    stars: dict[str, str] = field(default_factory=dict)
    update: Update | None = None

    @property
    def along(self) -> str:
        return "J" if self.uniform else f"({self.drawn})"

    def at(self, numbers: dict[str, Any], formula: Any) -> Any:
        """The formula where the model's parameters have their values."""
        found = sympy.sympify(formula)
        values = {s: sympy.Rational(str(numbers[s.name])) for s in found.free_symbols if s.name in numbers}
        return F(str(found.subs(values)))


def statement(part: Part, row: Row) -> dict[str, Any]:
    """The theorem for the row's method."""
    base, weight = part.statement, M if row.memory else 0
    new = [
        p for p in (("mu", "ga", "M", "R") if row.memory else ("mu", "ga")) if p not in base["params"].split()
    ]
    slope, rate = text(1 / row.row.largest_step(weight)), row.row.rate(ga, mu, weight)
    domain = [*base["domain"], *(["mu > 0"] if "mu" in new else []), "ga > 0", f"ga*{slope} <= 1"]
    domain += [f"{name} >= 0" for name in row.stars]
    domain += ["M > 0", *(f"R >= {m}" for m in members(rate)), "R >= 0"] if row.memory else [f"mu <= {slope}"]
    given = {**base["given"], **row.more.get("given", {}), "low": "least(f, fs)"}
    if not any(t.startswith("strongly_convex") for t in given.values()):
        given["strong"] = f"strongly_convex(f, fs, {row.mean}, x, xs, mu)"
    vectors = [*base["vectors"]]
    if row.uniform:
        vectors.append(f"common J ~ {row.mean} @ 0")
        given["uniform"] = f"growth(sq(J), sq({row.drawn}), 0, 0, 1, 0, 0)"
    for name, draw in row.stars.items():
        given[f"at_{name}"] = f"growth(sq({draw}), 0, 0, 0, 0, 0, {name})"
    asked = {k for s in shown(part, row) for k in s["use"]}
    given = {
        k: v for k, v in given.items() if k not in base["given"] or k in asked or v.startswith("strongly")
    }
    noise, factor = text(row.row.noise(ga, weight)), "R" if row.memory else text(rate)
    potential, now = "sq(x - xs)", f"sq(x - ga*{row.along} - xs)"
    if row.memory:
        potential, now = f"{potential} + M*ga**2*({row.memory})", f"{now} + M*ga**2*({row.later})"
    out = {
        **{k: v for k, v in base.items() if k != "let"},
        "let": {k: v for k, v in base.get("let", {}).items() if k not in row.stars},
        "name": row.name,
        "params": " ".join([base["params"], *new, *row.stars]),
        "domain": domain,
        "vectors": vectors,
        "values": f"{base['values']} {row.more.get('values', '')}".strip(),
        "given": given,
        "claim": [f"{now} <= {factor}*({potential}) + {noise}"],
        "run": {
            "potential": potential,
            "next": {"x": f"x - ga*{row.along}", **row.moves},
            "rate": factor,
            "gain": "0",
            "noise": noise,
            "fixed": row.fixed,
        },
    }
    return out


def shown(part: Part, row: Row) -> list[dict[str, Any]]:
    """The row's steps that the theorem needs; the noise at the minimiser is a number that bounds it."""
    todo, needed = [row.first, row.second], set[str]()
    proofs = {s["show"]: s for s in part.steps}
    while todo:
        name = todo.pop()
        if name in proofs and name not in needed:
            needed.add(name)
            todo += proofs[name]["use"]
    signs = {s["show"] for s in part.steps} - set(part.statement["claim"])
    stars = {f"at_{k}": text(sympy.diff(row.row.D1, sympy.Symbol(k, positive=True))) for k in row.stars}
    kept = [s for s in part.steps if s["show"] in needed | signs]
    return [{**s, "use": {**s["use"], **stars}} if s["show"] == row.first else s for s in kept]


def steps(part: Part, row: Row, stated: dict[str, Any]) -> list[dict[str, Any]]:
    """The row's steps and the theorem's."""
    weight = M if row.memory else 0
    slope, [claim] = text(1 / row.row.largest_step(weight)), stated["claim"]
    strong = next(k for k, t in stated["given"].items() if t.startswith("strongly_convex"))
    use = {strong: "2*ga", row.first: "ga**2", "low": f"2*ga*(1 - ga*{slope})", **row.uses}
    if row.uniform:
        use["uniform"] = "ga**2"
    terms = []
    if row.memory:
        slow, learn = sorted(
            (t.removeprefix("R >= ") for t in stated["domain"] if t.startswith("R >= ") and t != "R >= 0"),
            key=lambda t: "mu" not in t,
        )
        use[row.second] = "M*ga**2"
        terms = [f"(R - {slow})*sq(x - xs)", f"(R - {learn})*M*ga**2*({row.memory})"]
    rate = (
        []
        if row.memory
        else [step(f"{stated['run']['rate']} >= 0", {f"ga*{slope} <= 1": "1", f"mu <= {slope}": "ga"})]
    )
    return [*shown(part, row), *row.before, *rate, step(claim, use, terms)]


def drawn_component(found: dict[str, Any]) -> list[Any]:
    """J: the mean gradient with a little noise, known at level 1."""
    prob = [F(p) for p in found["prob"]]
    cells = found["cells"][0] if found.get("cells") else [[k] for k in range(len(prob))]
    mean = sum(F(v[0]) for v in found["vectors"]["g"]) / len(found["vectors"]["g"])
    mass = [sum(prob[k] for k in cell) for cell in cells[:2]]
    out = [mean] * len(prob)
    for cell, weight, sign in zip(cells, mass, (1, -1), strict=False):
        for k in cell:
            out[k] = mean + sign / (100 * weight)
    return plain([[[v]] * found["workers"] for v in out])


def models(part: Part, row: Row, more: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the row's witness with a short step and the rate of a weak convexity, the same with the memory's rate)."""
    found = {"prob": ["1/2", "1/2"], **part.witness} if row.uniform else part.witness
    numbers = found["params"]
    if row.uniform:
        found = {**found, "vectors": {**found["vectors"], "J": drawn_component(found)}}
    A, B, rho, C = (
        row.at(numbers, getattr(row.row, k)) if row.memory or k == "A" else 0 for k in ("A", "B", "rho", "C")
    )
    weight = 2 * B / rho + 1 if row.memory else 0
    pace = 1 / (50 * (A + C * weight))
    convex = F(numbers["mu"]) if "mu" in numbers else F(1, 100)
    own = {"mu": convex, "ga": pace, **dict.fromkeys(row.stars, 10)}
    learn = 1 - rho + B / weight if row.memory else 0
    rates = [{"M": weight, "R": (1 + max(learn, 1 - pace * convex)) / 2}, {"M": weight, "R": learn}]
    made = [{**numbers, **plain({**own, **(r if row.memory else {})})} for r in rates]
    extra = {"values": {**found["values"], **plain(more)}} if more else {}
    return tuple({**found, **extra, "params": m} for m in made)  # type: ignore[return-value]


def theorem_part(part: Part, row: Row, **values: Any) -> Part:
    """The theorem for the row's method, with its witness and false versions."""
    stated = statement(part, row)
    witness, learning = models(part, row, values)
    [claim] = stated["claim"]
    factor = stated["run"]["rate"]
    along = f"x - ga*{row.along}"
    spoils = [
        ({"claim": [claim.replace(f"<= {factor}*", f"<= 0*{factor}*")]}, witness),
        ({"claim": [claim.replace(along, along.replace("-", "+", 1))]}, witness),
        ({"claim": [f"{claim} - sq(x - xs)"]}, witness),
    ]
    if row.memory:
        slow = next(t for t in stated["domain"] if t.startswith("R >= ") and "mu" in t)
        spoils.append(({"domain": [t for t in stated["domain"] if t != slow]}, learning))
    return Part(stated, steps(part, row, stated), witness, spoils, update=row.update)


def exact_messages(part: Part, message: str) -> Part:
    """The row's part at omega = 0, where Q is what was compressed."""

    def zero(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: zero(v) for k, v in value.items()}
        return [zero(v) for v in value] if isinstance(value, list) else re.sub(r"\bom\b", "0", value)

    base = part.statement
    kept = {k: v for k, v in base["given"].items() if "Q" not in v and "om" not in v}
    stated = {
        **zero({**base, "given": kept, "domain": [t for t in base["domain"] if t != "om >= 0"]}),
        "params": " ".join(p for p in base["params"].split() if p != "om"),
        "vectors": [v for v in base["vectors"] if not v.startswith("family Q")],
        "let": {**base.get("let", {}), "Q": message},
    }
    gone = set(base["given"]) - set(kept)
    left = [{**s, "use": {k: m for k, m in s["use"].items() if k not in gone}} for s in part.steps]
    steps = [
        step(zero(s["show"]), {zero(k): zero(m) for k, m in s["use"].items()}, zero(s["terms"])) for s in left
    ]
    found = part.witness
    params = {k: v for k, v in found["params"].items() if k != "om"}
    vectors = {k: v for k, v in found["vectors"].items() if k != "Q"}
    return Part(stated, steps, {**found, "params": params, "vectors": vectors}, ())


def memory_rows(
    part: Part, name: str, row: Parameters, update: Update, first: str, second: str, later: str
) -> list[Part]:
    """The assumption of a method whose workers remember h, the theorem with it, and that for exact messages."""
    along = update.direction()
    remembered = ("sq(h - hs)", later, update.next("h"), "xs hs")
    return [
        part,
        theorem_part(part, Row(name, row, along, "P(g)", first, second, *remembered, update=update)),
        exact_row(part, f"{name}.exact", row, update.mean("message"), along, first, update),
    ]


def exact_row(
    part: Part, name: str, row: Parameters, message: str, along: str, first: str, update: Update | None = None
) -> Part:
    """The theorem without a memory, for messages that are exact."""
    om = sympy.Symbol("om", positive=True)
    plain_row = Parameters(
        *(sympy.sympify(getattr(row, k)).subs(om, 0) for k in ("A", "B", "rho", "C", "D1", "D2"))
    )
    found = exact_messages(part, message)
    shown = re.sub(r"\bom\b", "0", first)
    return theorem_part(found, Row(name, plain_row, along, "P(g)", shown, fixed="xs hs", update=update))
