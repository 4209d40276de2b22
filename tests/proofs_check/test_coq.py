"""Stored proofs as Coq files: all parts written; Coq refuses what is false, assumed or tampered with."""

import hashlib
import json
import re
import shutil

import pytest

from compth import claims
from proofs_check.coq import build, controls
from proofs_check.coq.audit import Unsound
from proofs_check.coq.build import checker_objection, trusted_index
from proofs_check.coq.export import module
from proofs_check.coq.texts import NoExport
from tests.thorough import alone

from .needs_coq import NEEDS_COQ

SHORT = "dcgd.interpolation"


def stored(theorem):
    return json.loads((build.CERTIFICATES / f"{theorem}.json").read_text())


def coq_text(theorem=SHORT):
    return module([(p["statement"], p["certificate"], p["witness"]) for p in stored(theorem)["parts"]])


@alone
@pytest.mark.slow
def test_every_part_is_written(tmp_path):
    outcomes = build.export(tmp_path)
    index = trusted_index()
    assert {o.theorem: o.parts for o in outcomes} == index["proved"]
    for outcome in outcomes:
        assert (outcome.written, outcome.reasons) == (len(outcome.parts), []), "docs/coq.rst says all"
    record = json.loads(build.RECORD.read_text())["theorems"]
    assert {o.theorem: o.sha256 for o in outcomes if o.written} == {t: e["file"] for t, e in record.items()}


def test_a_file_states_its_theorem_in_the_words_of_the_library():
    text = coq_text()
    theorem, run = re.findall(r"^Theorem .*?\.$", text, flags=re.M | re.S)
    assert "sq (sub (sub x (scal ga (P Q))) xs)" in theorem
    assert "(sq (sub (x steps) xs)) + sum steps" in run
    assert "(((- ga) * mu) + 1) ^ steps * (sq (sub (x 0%nat) xs))" in run
    assert "cocoercive f fs (P g) zero x xs L" in text
    assert "drawn 0 Q g" in text
    assert not re.search(r"\b(SV|VA|Rel)\b", theorem)


def test_what_coqchk_says_is_read():
    good = "\n".join(
        f"* {line}: <none>" for line in ("type-in-type", "unsafe (co)fixpoints", "positivity is assumed")
    )
    assert checker_objection(good) == ""
    assert "Compth.cheat" in checker_objection(good + "\n    Compth.cheat")
    assert "type-in-type" in checker_objection(good.replace("type-in-type: <none>", "type-in-type: t"))
    assert checker_objection("") != ""


def test_assumptions_are_read_by_question():
    printed = "Axioms:\nA.b : nat\nfunext\n  : forall x,\n    x = x\nClosed under the global context\n"
    assert build.assumptions(printed) == [["A.b", "funext"], []]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coq")
    [outcome] = build.export(folder, [SHORT])
    build.compile_library(folder)
    done = build.check_theorem(folder, outcome)
    assert done.whole, done.error
    assert set(done.axioms) <= build.WHITELIST
    assert build.coqchk(folder, ["dcgd_interpolation"]) == ""
    return folder


def test_a_share_is_named_by_two_numbers_and_all_shares_are_everything():
    shares = [build.share_of(f"{k}/12") for k in range(12)]
    assert sorted(t for share in shares for t in share) == sorted(trusted_index()["proved"])
    assert build.share_of("20000/12") == build.share_of("8/12")
    with pytest.raises(Unsound, match="K/N"):
        build.share_of("1/0")


def test_the_stored_record_is_of_this_library():
    if not build.RECORD.exists():
        pytest.skip("no run of Coq is stored: make coq")
    record = json.loads(build.RECORD.read_text())
    library = {name: hashlib.sha256((build.HERE / name).read_bytes()).hexdigest() for name in build.LIBRARY}
    assert record["library"] == library, "the library changed: run make coq"
    assert set(claims.coq_index()) <= claims.proved_index()


def changes(part):
    """What may be done to a part's data so that the certificate proves nothing any more."""
    script = part.script
    nothing = ("Rel", ("KLe",), ("SC", 0), ("SC", 0))

    def of_fact(k):
        return lambda p: p.script.facts.__setitem__(k, nothing)

    def of_item(k, new):
        return lambda p: p.script.items.__setitem__(k, new)

    def of_claim(new):
        return lambda p: p.script.claims.__setitem__(0, ("", new))

    def of_theory(change):
        return lambda p: change(p.theory)

    # a domain's relation may be more than Coq needs; every hypothesis is used
    yield from (of_fact(k) for k in range(len(part.statement["domain"]), len(script.facts)))
    for k, item in enumerate(script.items):
        if item[0] == "Step":
            head, relation, uses, terms = item
            yield from (
                of_item(k, (head, relation, uses[:u] + uses[u + 1 :], terms)) for u in range(len(uses))
            )
            yield from (
                of_item(k, (head, relation, uses, terms[:t] + terms[t + 1 :])) for t in range(len(terms))
            )
            for u, (fact, factor) in enumerate(uses):
                turned = [*uses[:u], (fact, ("SNeg", factor)), *uses[u + 1 :]]
                yield of_item(k, (head, relation, turned, terms))
    rel, kind, left, right = script.claims[0][1]
    yield of_claim((rel, ("KLt",), left, right))
    yield of_claim((rel, ("KEq",), left, right))
    yield of_claim((rel, kind, right, left))
    yield of_claim((rel, kind, left, ("SC", 0)))
    yield of_theory(lambda theory: theory.draws.clear())
    yield of_theory(lambda theory: theory.level.update(x=2))


class TestCoq:
    """With Coq: one theorem passes, and each change of it is refused."""

    pytestmark = NEEDS_COQ

    def refused(self, out, text):
        (out / "changed.v").write_text(text)
        return build.coqc(out, "changed")[1]

    @alone
    def test_coq_refuses_a_false_version(self, out):
        """Each stored negative control, with the certificate of the true statement."""
        part = stored(SHORT)["parts"][0]
        for control in part["controls"]:
            try:
                text = module([(control["statement"], part["certificate"], part["witness"])])
            except (NoExport, KeyError):
                continue  # the certificate names what the control left out
            assert self.refused(out, text)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("((- ga) * mu) + 1", "((- ga) * mu) + 0"),  # the shown claim alone
            ("joint Q g A B", "joint Q g A 0"),  # a hypothesis as shown
            ("drawn 0 Q g", "drawn 0 g Q"),
            ("(Info 1 false (Some (0%nat, (VA 2))))", "(Info 0 false (Some (0%nat, (VA 2))))"),
            (
                "Step (Rel KLe (SC 0) (SSub (SV 1) (SV 0))) [(4,",
                "Step (Rel KLe (SC 0) (SSub (SV 1) (SV 0))) [(3,",
            ),
            ("let mu := Q2R (1 # 1)", "let mu := Q2R (9 # 1)"),  # the instance
            ("+ 1) ^ steps *", "+ 1) ^ (S steps) *"),  # the run's claim
            ("x (S step) = (sub (x step)", "x (S step) = (sub (x 0%nat)"),
            ("(step < steps)%nat -> @", "(step < 1)%nat -> @"),
            ("(fun _ => O) 1.", "(fun _ => O) 2."),  # the instance's run has one step
        ],
    )
    def test_coq_refuses_a_change(self, out, old, new):
        text = coq_text()
        assert text.count(old) >= 1
        assert self.refused(out, text.replace(old, new))

    def test_a_law_of_indicators_is_checked_and_its_false_version_is_not(self, out):
        text = coq_text("bernoulli.omega")
        assert "inclusion size_col (fun j => p) E" in text
        assert self.refused(out, text) == ""
        changed = text.replace("(((- 1) + (1 / p)) * ", "(((- 2) + (1 / p)) * ")
        assert changed != text
        assert self.refused(out, changed)
        assert self.refused(out, text.replace("(fun j => p) E", "(fun j => 1 - p) E"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("= (((1 * (sum size_worker", "= (((2 * (sum size_worker"),  # the claim
            ("deal2 size_worker size_col q E", "deal2 size_worker size_col (q + 1) E"),  # the law as shown
            ("(Deal [0; 1] (SV 1)", "(Deal [0; 1] (SV 0)"),  # the law as data
            ("size_col = (n * q)", "size_col = (n + q)"),  # a side's size
            ("(MA 0 [0; 1])", "(MA 0 [1; 0])"),  # an entry
            ("(1 # 6, ", "(1 # 7, "),  # the instance's law: its chances, its outcomes
            ("[[0; 0]; [0; 1]; ", "[[0; 0]; [0; 0]; "),
        ],
    )
    def test_a_random_table_is_checked_and_a_change_of_it_is_not(self, out, old, new):
        text = coq_text("permk.joint")
        assert text.count(old) >= 1
        assert self.refused(out, text.replace(old, new))

    @pytest.mark.parametrize(
        "theorem",
        [SHORT, "bernoulli.omega", "rdme.weighted_centre", "sampling.nice", "adaptive_random.delta"],
    )
    def test_every_false_version_of_a_theorem_is_refused(self, out, theorem):
        wanted = sum(len(part["controls"]) for part in stored(theorem)["parts"])
        assert build.check_controls(out, [theorem]) == (wanted, [])

    def test_a_control_that_is_true_does_not_pass_for_refused(self, out):
        """The lemma that the checker says no fails where it says yes."""
        for theorem in (SHORT, "bernoulli.omega", "rdme.weighted_centre", "sampling.nice", "ist.moments"):
            part = stored(theorem)["parts"][0]
            true = controls.false_part(part["statement"], part["certificate"], part["witness"])
            assert "false" in self.refused(out, controls.HEAD + true.refused("false_0"))

    def test_coq_refuses_every_one_of_many_changes_of_the_data(self, out):
        """By stratum: a hypothesis that says nothing, a declaration, a claim, a use or term left out, a sign."""
        part = stored(SHORT)["parts"][0]
        arguments = (part["statement"], part["certificate"], part["witness"])
        texts = [controls.HEAD]
        for k, change in enumerate(changes(controls.FalsePart(*arguments))):
            changed = controls.FalsePart(*arguments)
            change(changed)
            texts.append(changed.refused(f"changed_{k}"))
        assert len(texts) > 30
        assert self.refused(out, "\n".join(texts)) == ""

    def test_coq_refuses_a_library_whose_words_say_less(self, out, tmp_path):
        """Were a schema False, every theorem would hold: but no instance would."""
        shutil.copytree(out, tmp_path / "weak")
        library = tmp_path / "weak" / "Compth.v"
        text = library.read_text()
        assert "sq (P (Q -v m)) <= A * sq m - B * sq (P m)." in text
        library.write_text(text.replace("sq (P (Q -v m)) <= A * sq m - B * sq (P m).", "(False : Prop)."))
        build.compile_library(tmp_path / "weak")
        assert build.coqc(tmp_path / "weak", "dcgd_interpolation")[1]
