"""Polynomial sign facts by z3 and cvc5 side by side: a fallback outside the trusted part, marked wherever it is used.

Both read the same SMT-LIB text. A fact is signed when at least one of them says unsat of its negation and none says
sat, and its premises are satisfiable: at least one says sat of them and none says unsat. `unsat` carries no proof
object, so a theorem that leans on a signed fact is "solver-signed" and never PROVED.

Nothing in the package calls this of itself: a script that wants it says so (`signed`), and its theorem carries the
word. Installed by the extra `proofs`; without it a signed script is refused, never waved through.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from compth.proof.kernel import TEXT, Refused, require

SECONDS = 5
"""Time limit of each solver for each question."""
_RELATIONS = {ast.GtE: ">=", ast.Gt: ">", ast.LtE: "<=", ast.Lt: "<", ast.Eq: "="}
_OPERATIONS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(frozen=True)
class Signed:
    """A fact with each solver's answers: on its premises, and on its premises with its negation.

    smt: the text that both were asked. Stored with the proof, so that the question can be asked again.
    """

    fact: str
    smt: str
    premises: dict[str, str]
    negation: dict[str, str]


def _term(node: ast.expr, names: set[str]) -> str:
    """A polynomial as an SMT term; parameters get a prefix, so that no name is a word of SMT-LIB.

    Refused where a name is no parameter, or for anything but + - * powers and division by a number.
    """
    match node:
        case ast.Constant(value=c) if type(c) is int:
            return str(c)
        case ast.Name(id=name):
            require(name in names, f"{name!r} is not a parameter")
            return f"p_{name}"
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return f"(- {_term(a, names)})"
        case ast.BinOp(left=a, op=op, right=b) if type(op) in _OPERATIONS:
            return f"({_OPERATIONS[type(op)]} {_term(a, names)} {_term(b, names)})"
        case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=c)) if type(c) is int and 1 <= c <= 12:
            return _term(a, names) if c == 1 else f"(* {' '.join([_term(a, names)] * c)})"
        case ast.BinOp(left=a, op=ast.Div(), right=ast.Constant(value=c)) if type(c) is int and c > 0:
            return f"(/ {_term(a, names)} {c}.0)"
    raise Refused(f"not a polynomial: {ast.unparse(node)}")


def _fact(text: str, names: set[str]) -> str:
    """A relation as an SMT formula."""
    require(TEXT.fullmatch(text) is not None, f"not a text of formulas: {text!r:.60}")
    node = ast.parse(text.strip(), mode="eval").body
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _RELATIONS):
        raise Refused(f"not an inequality: {text}")
    left, right = _term(node.left, names), _term(node.comparators[0], names)
    return f"({_RELATIONS[type(node.ops[0])]} {left} {right})"


def smt(params: str, domain: Sequence[str], fact: str = "") -> str:
    """The question as SMT-LIB text: are the premises, and the negation of the fact if there is one, satisfiable?"""
    # The fact follows where its negation cannot hold together with the premises; without a fact the text
    # asks of these alone.
    names = set(params.split())
    lines = ["(set-logic QF_NRA)", *(f"(declare-const p_{name} Real)" for name in sorted(names))]
    lines += [f"(assert {_fact(text, names)})" for text in domain]
    return "\n".join([*lines, f"(assert (not {_fact(fact, names)}))" if fact else "", "(check-sat)"])


def answers(text: str) -> dict[str, str]:
    """sat, unsat or unknown of each installed solver, within its time limit.

    Raises Refused where none is installed: silence is no answer.
    """
    found = {}
    for name, ask in (("z3", _z3), ("cvc5", _cvc5)):
        try:
            found[name] = ask(text)
        except ImportError:
            continue
    if not found:
        raise Refused("no solver is installed: pip install 'compth[proofs]'")
    return found


def _z3(text: str) -> str:
    """What z3 says: sat, unsat or unknown."""
    import z3

    solver = z3.Solver()
    solver.set("timeout", 1000 * SECONDS)
    solver.from_string(text.replace("(check-sat)", ""))
    return str(solver.check())


def _cvc5(text: str) -> str:
    """What cvc5 says of the same text."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(1000 * SECONDS))
    parser = cvc5.InputParser(solver)
    manager = parser.getSymbolManager()
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    # Commands are run one after another; the last that says something is check-sat.
    said = "unknown"
    while not (command := parser.nextCommand()).isNull():
        said = command.invoke(solver, manager).strip() or said
    return said


def sign(params: str, domain: Sequence[str], fact: str) -> Signed:
    """The fact with both solvers' answers. Refused when it is false, undecided, or follows from impossible premises.

    params: names, all real. domain: the premises. The two solvers have to agree as far as they answer: one "unsat" of
    the negation is enough, one "sat" is too much.
    """
    premises, question = answers(smt(params, domain)), smt(params, domain, fact)
    # From premises that contradict each other anything follows: they have to be seen to hold somewhere.
    if "unsat" in premises.values() or "sat" not in premises.values():
        raise Refused(f"the premises of {fact} are not seen to be satisfiable: {premises}")
    negation = answers(question)
    if "sat" in negation.values() or "unsat" not in negation.values():
        raise Refused(f"{fact} is not signed: {negation}")
    return Signed(fact, question, premises, negation)
