"""A refuted rate as a script that needs the standard library alone: it runs the step again and looks at its growth.

The step is the method's body, written out from its trace in scalars: all f_i are curvature x^2/2 and the compressor
multiplies. A script is given only where its own run, in Fractions, is the run that the refutation states.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import sympy
from sympy.printing.str import StrPrinter

from compth._numbers import Number
from compth._types import Json
from compth.certificates import Certificate
from compth.errors import CompthError
from compth.methods.core.body import BodyMethod
from compth.methods.core.listing import Formula
from compth.methods.core.program import Program, trace
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, STATE, Key, Vector
from compth.worst_case.bodies import asked_for
from compth.worst_case.told import at_home

if TYPE_CHECKING:
    from compth.methods.core import Constants


LONGEST = 60.0
"""Seconds after which a script that is tried is given up: it would take as long for its reader."""
MOST = 6
"""Numbers of a state that a script follows: second moments of more take long in Fractions."""


def script(c: Certificate, texts: Mapping[str, str], source: tuple[str, str] | None = None) -> str | None:
    """The script of a refutation by a run on a 1-D quadratic, None for others and for steps that it cannot write.

    texts: rate and stepsize as claimed, where they are text. source: (file, name) of the claim, which is read again.
    """
    w: Json = c.witness or {}
    # Only a run on a 1-D quadratic with one factor can be written out in scalars: a witness by one step of a
    # given V has no run, and messages that differ have no single factor.
    if "mean squares" not in w or not w.get("factor"):
        return None
    try:
        kind = at_home(asked_for(c.scope["method"]).kind)
        program = _symbolic(kind, int(w["n"]))
        lines = _step(program)
    except (CompthError, LookupError, TypeError, ValueError):
        return None
    # The moment map has about (size^2/2)^2 entries, in Fractions: beyond a few numbers it is no quick check.
    if len(program.server) + len(program.worker) * program.n > MOST:
        return None
    random = "probability" in str(w["compressor"])
    params = {k: w[k] for k in kind.signature.params if k in w}
    constants = {k: v for k, v in c.scope.items() if k != "method"}
    head = [
        f"CLAIM = {c.claim!r}",
        f"CURVATURE = Fraction({str(Fraction(w['curvature']))!r})  # f_i(x) = {w['f_i(x)']}",
        f"N = {int(w['n'])}  # workers",
        f"LAW = {_law(Fraction(w['factor']), random)}  # {w['compressor']}",
        f"PARAMETERS = {_exact(params)}",
        f"CONSTANTS = {_exact(constants)}",
        f"GAMMA, RATE = Fraction({str(Fraction(w['gamma']))!r}), Fraction({str(Fraction(c.bound))!r})  # as claimed",
        f"TEXTS = {dict(texts)!r}",
        f"FILE, NAME = {source or ('', '')!r}  # read again where it is a dict with rate and stepsize as text",
        f"STATED = {len(w['mean squares']) - 1}  # rounds of the stated run",
        f"START = {_start(program)}",
        f"SERVER = {program.server!r}",
        f"MESSAGES = {len(_draws(program))}  # independent draws of a worker in a round",
    ]
    body = [*head, "", "", *lines, "", TAIL]
    text = "\n".join([_HEAD.format(method=c.scope["method"]), *body])
    # the file is left alone here: what the script would read there again is what was judged What is shipped is
    # what was tried: the script is run here as its reader will run it, by an isolated Python without compth,
    # and is given only where it prints the very numbers of the refutation.
    tried = text if source is None else text.replace(f"FILE, NAME = {source!r}", "FILE, NAME = ('', '')", 1)
    return text if _stands(tried, w["gamma"], c.bound, list(w["mean squares"])) else None


def _symbolic(kind: type[BodyMethod], n: int) -> Program:
    """The body's trace with its parameters as symbols."""
    form = kind.signature
    names = (*form.params, *(("gamma",) if form.takes_gamma else ()))
    given: dict[str, Number] = {k: Formula(sympy.Symbol(k, positive=True)) for k in names}
    for symbol in given.values():
        (
            1 - symbol,
            symbol * (1 - symbol),
        )  # sympy fills its tables by exceptions, which a trace would take for the body's
    return trace(kind.body, form.server, form.worker, given, n=n, d=1, start=form.start, coins_unknown=True)


def _draws(program: Program) -> list[int]:
    """Numbers of the independent draws of a worker, in the order of their first use."""
    return list(dict.fromkeys(op.draw for op in program.ops if op.kind == MESSAGE))


def _start(program: Program) -> dict[str, str]:
    """Where each vector of the state begins, as words that the script knows."""
    begins = {k: program.start.get(k, "0") for k in program.names}
    return begins | {program.server[0]: "x0"}


def _law(factor: Fraction, random: bool) -> str:
    """[(factor, probability)] of a compressor, as source."""
    if not random:
        return f"[(Fraction({str(factor)!r}), Fraction(1))]"
    p = 1 / factor
    return f"[(Fraction({str(factor)!r}), Fraction({str(p)!r})), (Fraction(0), Fraction({str(1 - p)!r}))]"


def _exact(values: Mapping[str, Number]) -> str:
    """A dict of Fractions, as source."""
    return "{" + ", ".join(f"{k!r}: Fraction({str(Fraction(v))!r})" for k, v in values.items()) + "}"


def _step(program: Program) -> list[str]:
    """The source of `outcomes`: [(probability, next state)] for the factors of all messages."""
    names = ", ".join(["gamma", *sorted(_parameters(program))])
    # The body's trace, operation by operation, as lists over workers; coefficients are printed formulas.
    draws = _draws(program)
    lines = [f"def outcomes(s, factor, {names}):", '    """[(probability, next state)] of one round."""']
    for i, op in enumerate(program.ops):
        if op.kind not in (GRADIENT, MESSAGE) or op.parts:
            raise ValueError(op.kind)
        times = "CURVATURE" if op.kind == GRADIENT else f"factor[{draws.index(op.draw)}][i]"
        lines.append(f"    {op.kind}_{i} = [{times} * ({_sum(op.argument, program)}) for i in range(N)]")
    lines.append("    return [")
    for leaf in program.leaves:
        state = [f"{k!r}: {_sum(leaf.following[k], program)}" for k in program.server]
        state += [f"{k!r}: [{_sum(leaf.following[k], program)} for i in range(N)]" for k in program.worker]
        lines.append(f"        ({_number(leaf.probability)}, {{{', '.join(state)}}}),")
    return [*lines, "    ]", ""]


def _parameters(program: Program) -> set[str]:
    """Names of the parameters in the step's formulas, gamma apart."""
    vectors = [op.argument for op in program.ops] + [
        v for leaf in program.leaves for v in leaf.following.values()
    ]
    numbers = [c for v in vectors for c in v.terms.values()] + [leaf.probability for leaf in program.leaves]
    return {s.name for c in numbers for s in sympy.sympify(_bare(c)).free_symbols} - {"gamma"}


class _Python(StrPrinter):  # type: ignore[misc]  # sympy has no types
    """Formulas as Python that stays in Fractions."""

    def _print_Rational(self, expr: sympy.Rational) -> str:
        return f"Fraction({expr.p}, {expr.q})"


def _bare(c: Constants) -> object:
    """The sympy expression inside a coefficient."""
    return c.it if isinstance(c, Formula) else c


def _number(c: Constants) -> str:
    """A coefficient as source."""
    return str(_Python().doprint(sympy.nsimplify(_bare(c), rational=True)))


def _sum(v: Vector, program: Program) -> str:
    """A combination of the state and of what was computed before, for worker i."""
    return " + ".join(f"({_number(c)}) * {_value(key, program)}" for key, c in v.terms.items()) or "0"


def _value(key: Key, program: Program) -> str:
    """A term as source, for worker i. ValueError for one that a script cannot write."""
    scope, kind, name = key
    if kind == STATE:
        held = f"s[{name!r}]"
        if name in program.server:
            return held
        return f"mean({held})" if scope == COMMON else f"{held}[i]"
    if kind not in (GRADIENT, MESSAGE) or scope not in (COMMON, OWN):
        raise ValueError(key)
    return f"mean({kind}_{name})" if scope == COMMON else f"{kind}_{name}[i]"


def _stands(text: str, gamma: Fraction, rate: Fraction, stated: list[Number]) -> bool:
    """True where the script, run by itself, has this claim and this run and ends with a refutation."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.py"
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(path), "--exact"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            return False
    said = [str(Fraction(v)) for v in (gamma, rate, *stated)]
    return done.returncode == 1 and done.stdout.splitlines()[-1:] == [" ".join(said)]


_HEAD = '''"""A claimed rate of {method} and a run that refutes it: python FILE [--rate R] [--gamma G].

Exit code 1 while the claim is refuted: E x_t^2 grows by more than the claimed factor a round, shown in exact
arithmetic; 0 when it no longer is. Needs the standard library alone. Generated by compth.
"""

import argparse
import ast
import importlib.util
import itertools
import math
import operator
import sys
from fractions import Fraction
'''

TAIL = '''def mean(values):
    return sum(values) / Fraction(N)


def first():
    begin = {"0": Fraction(0), "x0": Fraction(1), "gradient": CURVATURE}
    x = next(iter(START))
    shared = {k for k in START if k in SERVER}
    return {k: begin[v] if k in shared else [begin[v]] * N for k, v in START.items()}, x


def flat(s):
    return [v for k in START for v in (s[k] if isinstance(s[k], list) else [s[k]])]


def shaped(values):
    left = list(values)
    return {k: left.pop(0) if k in SERVER else [left.pop(0) for _ in range(N)] for k in START}


def matrices(gamma):
    """[(probability, matrix)]: the step is linear, so its columns are the steps from unit states."""
    size = len(flat(first()[0]))
    out = []
    for drawn in itertools.product(LAW, repeat=N * MESSAGES):
        factor = [[drawn[m * N + i][0] for i in range(N)] for m in range(MESSAGES)]
        p = math.prod((q for _, q in drawn), start=Fraction(1))
        columns = [outcomes(shaped([Fraction(j == k) for j in range(size)]), factor, gamma, **PARAMETERS)
                   for k in range(size)]
        for leaf in range(len(columns[0])):
            rows = list(zip(*(flat(c[leaf][1]) for c in columns)))
            out.append((p * columns[0][leaf][0], rows))
    return out


def moved(parts, s):
    """E z z' after a round, from E z z' = s before."""
    size = range(len(s))
    total = [[0] * len(s) for _ in size]
    for p, a in parts:
        left = [[sum(a[i][k] * s[k][j] for k in size) for j in size] for i in size]
        for i in size:
            for j in size:
                total[i][j] += p * sum(left[i][k] * a[j][k] for k in size)
    return total


def squares(gamma, rounds):
    """E x_t^2 for t = 0, 1, ..., exactly."""
    z, parts = flat(first()[0]), matrices(gamma)
    s, out = [[a * b for b in z] for a in z], []
    for _ in range(rounds + 1):
        out.append(s[0][0])
        s = moved(parts, s)
    return out


def growth(gamma, rounds=400):
    """The factor of E x_t^2 a round over the last half of a long run, in floats, scaled back every round."""
    z, parts = flat(first()[0]), [(float(p), [[float(v) for v in row] for row in a]) for p, a in matrices(gamma)]
    s, log, logs = [[float(a * b) for b in z] for a in z], 0.0, []
    for _ in range(rounds):
        s = moved(parts, s)
        scale = max(abs(v) for row in s for v in row)
        if scale == 0:
            return 0.0
        log += math.log(scale)
        s = [[v / scale for v in row] for row in s]
        logs.append(log + math.log(max(s[0][0], 1e-300)))
    return math.exp((logs[-1] - logs[rounds // 2 - 1]) / (rounds - rounds // 2))


def determinant_sign(parts, x, size):
    """Sign of det(x I - M), M the exact map of second moments: negative means an eigenvalue above x."""
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    rows = []
    for i, j in pairs:
        unit = [[Fraction((a, b) in ((i, j), (j, i))) for b in range(size)] for a in range(size)]
        image = moved(parts, unit)
        rows.append([x * (q == (i, j)) - image[q[0]][q[1]] for q in pairs])
    sign = 1
    for k in range(len(rows)):
        pivot = next((r for r in range(k, len(rows)) if rows[r][k]), None)
        if pivot is None:
            return 0
        if pivot != k:
            rows[k], rows[pivot], sign = rows[pivot], rows[k], -sign
        sign = sign if rows[k][k] > 0 else -sign
        for r in range(k + 1, len(rows)):
            f = rows[r][k] / rows[k][k]
            rows[r] = [a - f * b for a, b in zip(rows[r], rows[k])]
    return sign


def refuted(gamma, rate):
    """(True where an eigenvalue above the rate is shown and the long run grows so, the growth found)."""
    found = growth(gamma)
    if not found > float(rate) * (1 + 1e-9):
        return False, found
    parts, size = matrices(gamma), len(flat(first()[0]))
    between = [rate, (rate + Fraction(found)) / 2, max(rate, Fraction(found * (1 - 1e-6)))]
    return any(x >= rate and determinant_sign(parts, x, size) < 0 for x in between), found


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
             ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos}
CALLS = {"min": min, "max": max, "abs": abs, "sqrt": lambda v: Fraction(math.sqrt(v))}


def number(text, names):
    """Arithmetic in the constants, read and never evaluated as code."""
    def value(node):
        if isinstance(node, ast.Constant):
            return Fraction(str(node.value))
        if isinstance(node, ast.Name):
            return names[node.id]
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            return Fraction(OPERATORS[type(node.op)](left, int(right) if isinstance(node.op, ast.Pow) else right))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](value(node.operand))
        return CALLS[node.func.id](*map(value, node.args))
    return Fraction(value(ast.parse(text, mode="eval").body))


def claimed():
    """(gamma, rate): what the file says now, else what the refutation says."""
    texts = TEXTS
    if FILE:
        spec = importlib.util.spec_from_file_location("claim", FILE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = getattr(module, NAME)
        texts = found if isinstance(found, dict) else {}
        if not all(isinstance(texts.get(k), str) for k in ("rate", "stepsize")):
            print(f"{FILE} says its rate otherwise than as text: the numbers of the refutation stand")
            return GAMMA, RATE
    if not all(k in texts for k in ("rate", "stepsize")):
        return GAMMA, RATE
    gamma = number(texts["stepsize"], CONSTANTS)
    return gamma, number(texts["rate"], {**CONSTANTS, **PARAMETERS, "gamma": gamma})


def given(text):
    """A number from the command line; of anything else a line says so."""
    try:
        value = Fraction(text)
        float(value)
    except (ValueError, ArithmeticError):
        print(f"{text!r} is no number such as 0.99 or 1/50", file=sys.stderr)
        sys.exit(2)
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gamma", type=given, help="another step size, such as 1/50")
    parser.add_argument("--rate", type=given, help="another claimed factor, such as 0.99")
    parser.add_argument("--exact", action="store_true", help="print step, rate and E x_t^2 as fractions, nothing else")
    options = parser.parse_args()
    try:
        gamma, rate = claimed()
    except Exception as problem:  # whatever the file does, or says instead of a claim
        print(f"the claim cannot be read{' from ' * bool(FILE)}{FILE}: {problem!r}", file=sys.stderr)
        return 2
    gamma = gamma if options.gamma is None else options.gamma
    rate = rate if options.rate is None else options.rate
    stands, found = refuted(gamma, rate)
    if options.exact:
        print(*map(str, (gamma, rate, *squares(gamma, STATED))))
        return 1 if stands else 0
    print(f"gamma = {gamma}, claimed factor {float(rate):.10g} a round")
    print("E x_t^2 =", ", ".join(f"{float(v):.6g}" for v in squares(gamma, 8)), "...")
    print(f"in the long run it changes by a factor {found:.10g} a round:", "REFUTED" if stands else "not refuted")
    return 1 if stands else 0


if __name__ == "__main__":
    sys.exit(main())
'''
