"""The step of every statement is its method's: taken from the trace, and held against the method's own step."""

import __future__

import ast
import importlib
import inspect
import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from compth.errors import InvalidParameter, Unsupported
from compth.methods import catalogue
from compth.methods.core.body import runs_its_body
from compth.methods.core.vectors import MESSAGE
from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.methods.marina import MARINA
from compth.proof import Refused
from proofs_check._command import scripts
from proofs_check._followed import follows
from proofs_check._own_step import TableStep, TunedStep
from proofs_check._script import run, run_part, tied
from proofs_check._untraced import UNTRACED
from proofs_check.dcgd import dcgd_interpolation
from proofs_check.diana import diana_unified
from proofs_check.ef import ef21_pl
from proofs_check.marina import marina_pl

FOLDER = Path(dcgd_interpolation.__file__).parents[1]
SCRIPTS = scripts()
TIED = {name: [p for p in s.parts if p.update is not None] for name, s in SCRIPTS.items()}
RUNS = {
    p.statement["name"]: p
    for parts in TIED.values()
    for p in parts
    if "x" in p.statement.get("run", {}).get("next", {})
}
OF = {th.proof: m for m in catalogue().values() for th in m.theorems() if th.proof}
"""Proof -> a method with a theorem that names it."""


def changed(part, **fields):
    return replace(part, statement={**part.statement, **fields})


def moved(part, **texts):
    run_ = part.statement["run"]
    return changed(part, run={**run_, "next": {**run_["next"], **texts}})


# -- every script is tied, or named with its reason ------------------------------------------------------------------


def vectors_moved(part):
    declared = {text.split()[1] for text in part.statement.get("vectors", ())}
    return declared & set(part.statement.get("run", {}).get("next", {}))


def test_every_part_that_moves_vectors_names_its_method_or_is_listed():
    parts = [(n, p) for n, s in SCRIPTS.items() for p in s.parts if p.update is None and p.own_step is None]
    typed = {n for n, p in parts if vectors_moved(p)}
    assert typed == set(UNTRACED) == {"unified.theorem"}
    assert all(len(reason) > 20 for reason in UNTRACED.values())
    assert len(RUNS) >= 40


@pytest.mark.parametrize("proof", sorted(OF))
def test_the_theorems_of_a_body_have_its_step(proof):
    """A reason does not outlive its method's becoming a body; one part at least says where the step leads."""
    if proof not in SCRIPTS or proof in UNTRACED:
        return
    if runs_its_body(OF[proof]):
        assert any("run" in p.statement or p.left for p in TIED[proof])
        assert all(issubclass(OF[proof], p.update.method) for p in TIED[proof])
    else:
        [own] = [p.own_step for p in SCRIPTS[proof].parts if p.own_step is not None]
        assert own.method is OF[proof], f"{OF[proof].__name__} is a body: give its script an Update"


def typed_moves(source):
    """What a script gives as the moves of its runs: values of a `next`, second arguments of `over_run`."""
    nodes = list(ast.walk(ast.parse(source)))
    found = [n for n in nodes if isinstance(n, ast.Dict)]
    calls = [n for n in nodes if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "over_run"]
    pairs = [(k, v) for d in found for k, v in zip(d.keys, d.values, strict=True)]
    # a hypothesis may be called next: its value is a text, a run's is a table of texts
    nexts = [v for k, v in pairs if getattr(k, "value", 0) == "next"]
    return [v for v in nexts if not isinstance(v, ast.Constant | ast.JoinedStr)] + [c.args[1] for c in calls]


@pytest.mark.parametrize(
    "source", ['{"next": {"x": "x - ga*Q"}}', 'over_run("sq(x)", {"x": "x - ga*Q"}, "1", "")']
)
def test_a_typed_step_is_seen(source):
    assert [ast.unparse(v) for v in typed_moves(source)] == ["{'x': 'x - ga*Q'}"]


@pytest.mark.parametrize("name", sorted(n for n, parts in TIED.items() if parts))
def test_no_script_writes_where_a_step_leads(name):
    """The values of a `next` are texts of the trace, or plain names."""
    (path,) = FOLDER.glob(f"*/{name.replace('.', '_')}.py")
    nexts = typed_moves(path.read_text())
    written = [c.value for v in nexts for c in ast.walk(v) if isinstance(c, ast.Constant)]
    assert not [text for text in written if not str(text).isidentifier()]


# -- a step that is not the method's is refused ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_spoiled_step_is_refused(name):
    """The next x with a sign turned, the next x that does not move, and a memory that stays."""
    part = RUNS[name]
    moves = part.statement["run"]["next"]
    text = part.statement["let"][moves["x"]] if moves["x"] in part.statement.get("let", {}) else moves["x"]
    tied(part)
    spoiled = [{"x": text.replace(" - ", " + ")}, {"x": "x" if text != "x" else "2*x"}]
    spoiled += [{k: k} for k in ("h", "e", "g", "v", "t") if k in moves]
    for texts in spoiled:
        with pytest.raises(Refused, match="after the step is not"):
            run_part(moved(part, **texts))


UNIFIED, PL, COIN = diana_unified.SCRIPT.parts[0], ef21_pl.SCRIPT.parts[1], marina_pl.SCRIPT.parts[0]
DECREASING = SCRIPTS["diana.decreasing"].parts[0]


def refused_when_spoiled(part, fields, complaint):
    """(field of the statement, a text in it, another): with the other in its place it is refused, and says why."""
    field, old, new = fields
    text = json.dumps(part.statement[field])
    assert old in text
    with pytest.raises(Refused, match=complaint):
        tied(changed(part, **{field: json.loads(text.replace(old, new))}))


@pytest.mark.parametrize(
    ("part", "fields", "complaint"),
    [
        (UNIFIED, ("vectors", "~ g - h @", "~ g @"), "Q has another mean"),
        (UNIFIED, ("vectors", "~ g - h @", "~ (g - h)/2 @"), "Q has another mean"),
        (
            PL,
            ("given", "contraction(c, gp - e,", "contraction(c, gp - g,"),
            "does not compress gp - g into c",
        ),
        (PL, ("given", "lipschitz(gp, g, xp, x, M)", "lipschitz(gp, g, x + e, x, M)"), "gp|common"),
        (PL, ("let", "x - ga*P(e)", "x - 2*ga*P(e)"), "gp is not the gradient at its point"),
        (
            COIN,
            ("given", "mixture(Y, p, 0, e + P(Q - gp))", "mixture(Y, p, e + P(Q - gp), 0)"),
            "another mean",
        ),
        (COIN, ("given", "mixture(Y, p,", "mixture(Y, 1 - p,"), "Y has another mean"),
        (DECREASING, ("claim", "sq(h + al*Q - hs)", "sq(h + Q - hs)"), "something else than"),
    ],
)
def test_a_spoiled_draw_input_point_coin_or_claim_is_refused(part, fields, complaint):
    refused_when_spoiled(part, fields, complaint)


def test_a_step_without_a_method_is_refused():
    with pytest.raises(Refused, match="a step that is typed"):
        run_part(replace(UNIFIED, update=None))


def test_a_word_for_another_vector_is_refused():
    swapped = replace(UNIFIED.update, words={"gradient": "h", "message": "Q", "h": "g"})
    with pytest.raises(Refused):
        follows(UNIFIED.statement, swapped)


# -- a method that is changed by one token refuses its script --------------------------------------------------------


def mutants(kind):
    """The class with one + for a -, a - for a +, or one vector for another."""
    source = textwrap.dedent(inspect.getsource(kind.body)).replace("@staticmethod\n", "")
    tree = ast.parse(source)
    places = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)]
    for node in places:
        kept, node.op = node.op, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield made(kind, tree)
        node.op = kept
    names = [*kind.signature.server, *kind.signature.worker]
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names):
        kept = node.id
        for other in (k for k in names if k != kept):
            node.id = other
            yield made(kind, tree)
        node.id = kept


ANNOTATED = __future__.annotations.compiler_flag
"""Bodies have types that only type checkers import."""


def made(kind, tree):
    space = dict(kind.body.__globals__)
    text = ast.unparse(ast.fix_missing_locations(tree))
    exec(
        compile(text, "<mutant>", "exec", ANNOTATED), space
    )  # the catalogue's own source with one token changed
    return type(kind.__name__, (kind,), {"body": staticmethod(space["body"]), "text": text})


@pytest.mark.parametrize("name", ["dcgd.interpolation", "diana.unified", "ef.explicit", "ef21.pl", "efbv.pl"])
def test_a_body_changed_by_one_token_refuses_its_script(name):
    assert refused_by_one_token(name) >= 1


REDUCED = [
    "jacsketch.linear",
    "lsvrg.linear",
    "nsaga.neighbourhood",
    "nsega.neighbourhood",
    "saga.linear",
    "sega.linear",
    "vrdiana.linear",
]


def coefficients(kind):
    """The class with one summand of its body twice."""
    source = textwrap.dedent(inspect.getsource(kind.body)).replace("@staticmethod\n", "")
    tree = ast.parse(source)
    for node in (
        n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)
    ):
        for side in ("left", "right"):
            kept = getattr(node, side)
            setattr(node, side, ast.BinOp(ast.Constant(2), ast.Mult(), kept))
            yield made(kind, tree)
            setattr(node, side, kept)


@pytest.mark.parametrize("name", REDUCED)
def test_a_coefficient_of_a_variance_reduced_body_cannot_be_changed(name):
    """Every summand of every line of the body counts, in the theorem's step."""
    part = next(p for p in TIED[name] if "run" in p.statement and p.statement["name"] == name)
    follows(part.statement, part.update)
    changed_bodies = [*coefficients(part.update.method)]
    assert len(changed_bodies) >= 6
    for body in changed_bodies:
        with pytest.raises(Refused):
            follows(part.statement, replace(part.update, method=body))


@pytest.mark.parametrize("name", ["ist.theorem2", "ist.theorem2_sharp", "ist.exact_law"])
@pytest.mark.parametrize(
    ("old", "new"),
    [("x - w.mean(moved)", "x - 2*w.mean(moved)"), ("gamma * sketch(", "-gamma * sketch(")],
)
def test_a_changed_sketched_body_refuses_a_statement_with_its_gradient_put_in(name, old, new):
    """The mean of the draw is the statement's; where the step leads is the body's."""
    part = next(p for p in TIED[name] if "run" in p.statement)
    source = textwrap.dedent(inspect.getsource(part.update.method.body)).replace("@staticmethod\n", "")
    assert source.count(old) == 1
    changed_body = made(part.update.method, ast.parse(source.replace(old, new)))
    with pytest.raises(Refused):
        follows(part.statement, replace(part.update, method=changed_body))


TABLE, JACOBIAN = (SCRIPTS[name].parts[-1] for name in ("saga.linear", "jacsketch.linear"))
NOISY, PARTS = (SCRIPTS[name].parts[-1] for name in ("nsaga.neighbourhood", "vrdiana.linear"))


@pytest.mark.parametrize(
    ("part", "fields", "complaint"),
    [
        (TABLE, ("given", "g - hs, t - hs)", "t - hs, g - hs)"), "another mean"),
        (TABLE, ("given", "sq(g - t + P(t))", "sq(g - t)"), "J is none of"),
        (TABLE, ("vectors", "J ~ P(g)", "J ~ P(t)"), "J has another mean"),
        (NOISY, ("run", "Y + hs", "Y + hs + N - g"), "t after the step is not"),
        (JACOBIAN, ("vectors", "U ~ g - hs", "U ~ t - hs"), "message is not"),
        (PARTS, ("vectors", "X ~ g - hs - e", "X ~ g - hs"), "X has another mean"),
        (PARTS, ("vectors", "Q ~ X + e + hs - h", "Q ~ X + hs - h"), "Q has another mean"),
    ],
)
def test_a_spoiled_table_or_drawn_part_is_refused(part, fields, complaint):
    refused_when_spoiled(part, fields, complaint)


@pytest.mark.parametrize(
    ("part", "chance", "other", "complaint"),
    [
        (TABLE, "1/n", "2/n", "messages have another probability"),
        (JACOBIAN, "size/n", "1/n", "messages have another probability"),
        (PARTS, "1/m", "1/n", "coin comes up with another probability"),
    ],
)
def test_another_probability_of_being_renewed_is_refused(part, chance, other, complaint):
    """A statement that is consistent in itself: the draw and the hypothesis on it have the same wrong probability."""
    spoilt = {}
    for field in ("vectors", "given"):
        texts = part.statement[field]
        pairs = texts.items() if isinstance(texts, dict) else enumerate(texts)
        put = {k: v.replace(chance, other) if "Y" in v else v for k, v in pairs}
        spoilt[field] = put if isinstance(texts, dict) else [*put.values()]
    with pytest.raises(Refused, match=complaint):
        tied(changed(part, **spoilt))


def test_another_vector_than_the_drawn_worker_s_is_refused():
    """The direction of a worker that is drawn, where another body takes twice its message."""
    given = {
        k: v.replace("sq(g - t + P(t))", "sq(2*(g - t) + P(t))") for k, v in TABLE.statement["given"].items()
    }
    with pytest.raises(Refused, match="J is none of"):
        follows({**TABLE.statement, "given": given}, TABLE.update)


def test_noise_that_is_left_out_is_refused():
    """The mean in place of the stochastic gradient, which exact gradients would not tell apart."""
    part = RUNS["sgd.minibatch"]
    moves = part.statement["run"]["next"]
    assert "G" in moves["x"]
    with pytest.raises(Refused, match="after the step is not"):
        tied(moved(part, x=moves["x"].replace("G", "g")))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gd.contraction", "marina.pl", "iasgd.growth", "adiana.accelerated"])
def test_a_longer_body_changed_by_one_token_refuses_its_script(name):
    assert refused_by_one_token(name) >= 1


def refused_by_one_token(name):
    """How many mutants are refused; those that are no method (a worker's vector for the server) are left out."""
    part = next(p for p in TIED[name] if "run" in p.statement)
    follows(part.statement, part.update)
    count = 0
    for mutant in mutants(part.update.method):
        try:
            follows(part.statement, replace(part.update, method=mutant))
        except InvalidParameter:
            continue
        except Refused:
            count += 1
        else:
            pytest.fail(f"{name} follows {mutant.text}")
    return count


@pytest.mark.parametrize(
    ("kind", "name", "old", "new"),
    [
        (DCGD, "dcgd.dcgd_general", "x - gamma", "x + gamma"),
        (MARINA, "marina.marina_pl", "g + w.mean", "g - w.mean"),
    ],
)
def test_a_script_written_again_from_a_changed_body_proves_nothing(monkeypatch, kind, name, old, new):
    """The script takes the changed step: its statement is then another, and what it shows no proof of it."""
    source = textwrap.dedent(inspect.getsource(kind.body)).replace("@staticmethod\n", "")
    assert old in source
    space = dict(kind.body.__globals__)
    exec(compile(source.replace(old, new), "<mutant>", "exec", ANNOTATED), space)
    module = importlib.import_module(f"proofs_check.{name}")
    before = [p.statement for p in module.SCRIPT.parts]
    monkeypatch.setattr(kind, "body", staticmethod(space["body"]))
    for part in module.SCRIPT.parts:
        part.update.__dict__.pop("program", None)
    try:
        again = importlib.reload(module).SCRIPT
        assert [p.statement for p in again.parts] != before
        with pytest.raises(Refused):
            run(again)
    finally:
        monkeypatch.undo()
        for part in module.SCRIPT.parts:
            part.update.__dict__.pop("program", None)
        importlib.reload(module)


# -- methods that are no body: their own step on symbols, or on arrays ----------------------------------------------


def steps_changed(kind, *pairs):
    """The class with its step's source changed at each place by itself."""
    source = textwrap.dedent(inspect.getsource(kind.step))
    for old, new in pairs:
        assert source.count(old) == 1
        space = dict(vars(inspect.getmodule(kind)))
        exec(compile(source.replace(old, new), "<mutant>", "exec", ANNOTATED), space)
        yield type(kind.__name__, (kind,), {"step": space["step"]})


SHARED, TUNED = SCRIPTS["isaga.shared"].parts[0], SCRIPTS["cat.single"].parts[1]
ISAGAS = [
    ("state.x - plan", "state.x + plan"),
    ("plan.step(t) * g", "2 * plan.step(t) * g"),
    ("plan.step(t) * g", "plan.step(t) * g * (float(self.tau) * 3)"),
    ("plan.step(t) * g", "plan.step(t) * g * (n / (table.shape[1] - 1))"),
    ("seen * (change", "seen * (2 * change"),
    ("change + table.mean", "change - table.mean"),
    ("change + table.mean(axis=1, keepdims=True)", "change"),
    (
        "seen * (change + table.mean(axis=1, keepdims=True))",
        "seen * change + table.mean(axis=1, keepdims=True)",
    ),
    ("j, axis=1) - old", "j, axis=1) - 2 * old"),
    ("old + seen * change", "old + change"),
    ("old + seen * change", "old - seen * change"),
    ("old + seen * change", "old + seen * change / 2"),
]
CATS = [
    ("state.x - np", "state.x + np"),
    ("np.reshape(gamma", "2 * np.reshape(gamma"),
    ("np.reshape(gamma", "0.5 * np.reshape(gamma"),
]


@pytest.mark.parametrize(
    ("part", "step", "pairs"), [(SHARED, TableStep, ISAGAS), (TUNED, TunedStep, CATS)], ids=["ISAGA", "CAT"]
)
def test_an_own_step_that_is_changed_refuses_its_script(part, step, pairs):
    step().follows(part.statement)
    kind = step().method
    for changed_kind in steps_changed(kind, *pairs):
        mutant = step(changed_kind)
        with pytest.raises(Refused):
            mutant.follows(part.statement)


@pytest.mark.parametrize(
    ("part", "field", "old", "new", "complaint"),
    [
        (SHARED, "run", "x - ga*tau*P(Q)", "x - 2*ga*tau*P(Q)", "x after the step is not"),
        (SHARED, "run", '"e": "Y"', '"e": "e"', "e after the step is not"),
        (SHARED, "vectors", "+ P(hs + e)", "+ P(e)", "Q has another mean"),
        (SHARED, "given", "g - hs, e)", "g - hs, 0)", "another mean"),
        (TUNED, "run", "x - 1/L*R", "x - 2/L*R", "x after the step is not"),
        (TUNED, "given", "1/d", "2/d", "has <g, E R> <"),
        (TUNED, "given", "b_upper(R, g, 1)", "b_upper(R, g, 1/2)", "has E..R.... >"),
    ],
)
def test_a_statement_that_is_not_of_the_own_step_is_refused(part, field, old, new, complaint):
    text = json.dumps(part.statement[field])
    assert old in text
    with pytest.raises(Refused, match=complaint):
        tied(changed(part, **{field: json.loads(text.replace(old, new))}))


# -- the translation is not trusted ----------------------------------------------------------------------------------


class Careless(type(UNIFIED.update)):
    """Translates one kind of thing wrongly."""

    def put(self, vector):
        found = super().put(vector)
        return {(averaged, name): -c if name == "Q" else c for (averaged, name), c in found.items()}


class Unaveraged(type(UNIFIED.update)):
    """Forgets that a vector is averaged."""

    def put(self, vector):
        return {(False, name): c for (_, name), c in super().put(vector).items()}


@pytest.mark.parametrize("wrong", [Careless, Unaveraged])
def test_a_wrong_translation_is_refused(wrong):
    """The statement is printed by the wrong translation; the method's own step does not follow it."""
    good = UNIFIED.update
    bad = wrong(good.method, good.words, good.params)
    moves = bad.next("x", "h")
    assert moves != good.next("x", "h")
    with pytest.raises(Refused, match="after the step is not"):
        follows(moved(UNIFIED, **moves).statement, bad)


def test_what_runs_more_than_its_body_is_refused():
    class Quick(DIANA):
        def step(self, problem, state, rng, plan, t):
            return super().step(problem, state, rng, plan, t)

    with pytest.raises(Unsupported, match="runs more than its body"):
        replace(UNIFIED.update, method=Quick).next("x")
    with pytest.raises(Refused, match="runs more than its body"):
        follows(UNIFIED.statement, replace(UNIFIED.update, method=Quick))


def test_a_body_that_hangs_on_n_or_d_is_refused():
    class Scaled(DCGD):
        @staticmethod
        def body(w, x, *, gamma):
            return dict(x=x - gamma / w.n * w.mean(w.compress(w.gradient(x))))

    update = replace(dcgd_interpolation.SCRIPT.parts[0].update, method=Scaled)
    with pytest.raises(Unsupported, match="depends on n or d"):
        update.next("x")


def test_texts_are_put_in_with_their_signs():
    after = type(UNIFIED.update).after
    assert after("sq(g - e) + 2*e", {"e": "e + c"}) == "sq(g - e - c) + 2*(e + c)"
    assert after("f - fs + sq(g - e)/e", {"e": "p - c", "f": "fp"}) == "fp - fs + sq(g - p + c)/(p - c)"
    assert after("a - e", {"e": "-c + d"}) == "a - (-c + d)"
    assert after("sq(x - P(e) - xs)", {"x": "x - ga*P(c)", "e": "e - c"}) == "sq(x - ga*P(c) - P(e - c) - xs)"


def test_a_step_is_printed_as_people_write_it():
    update = UNIFIED.update
    assert update.next("x", "h") == {"x": "x - ga*P(h + Q)", "h": "h + al*Q"}
    assert update.argument("message") == update.mean("message") == "g - h"
    assert update.direction() == "P(h + Q)"
    assert re.fullmatch(r"be\*z \+ \(1 - be\)\*u - s\*P\(Q\)", TIED["adiana.paper"][0].update.next("z")["z"])


def test_every_message_of_the_step_has_its_place_in_the_statement():
    """A statement that forgets what is drawn says nothing of the method."""
    assert UNIFIED.update.program.of_kind(MESSAGE)
    quiet = [v for v in UNIFIED.statement["vectors"] if "Q" not in v] + ["family Q @ 1"]
    with pytest.raises(Refused, match="says nothing of message"):
        tied(changed(UNIFIED, vectors=quiet, given={"convex": UNIFIED.statement["given"]["convex"]}))
