"""What a Coq file may say: words, commands and section hypotheses that assume, outside a list, fail the build."""

import pytest

from proofs_check.coq import build
from proofs_check.coq.audit import (
    ASSUMED,
    FORBIDDEN,
    HEAD,
    SECTION_WORDS,
    Unsound,
    audit,
    audit_library,
    sentences,
)

LIBRARY = sorted(ASSUMED)
FILE = f"{HEAD}Theorem t_1 : True.\nProof. exact I. Qed.\nDefinition all_of_it := t_1.\nPrint Assumptions all_of_it.\n"


def library(name):
    return (build.HERE / name).read_text()


def test_files_as_they_are_written_pass():
    """And the list of what sections may assume has nothing that no section does: such an entry would wait for one."""
    audit("t", FILE)
    for name in LIBRARY:
        audit_library(name, library(name))
        assert set(ASSUMED[name]) <= set(sentences(library(name)))


@pytest.mark.parametrize("word", sorted(set(FORBIDDEN)))
def test_a_word_that_assumes_is_refused(word):
    with pytest.raises(Unsound, match=word):
        audit("t", f"{FILE}Theorem t_2 : True.\n{word} ok.\n")
    audit("t", f"(* no {word} (* here *) {word} *)\n{FILE}")
    if word not in SECTION_WORDS:
        with pytest.raises(Unsound, match=word):
            audit_library("Compth.v", f"{library('Compth.v')}\nTheorem t : True.\n{word} ok.\n")


@pytest.mark.parametrize(
    "sentence",
    [
        "Notation cheat := True",
        'Infix "<=" := Rlt',
        "Fixpoint t_2 (n : nat) : nat := t_2 n",
        "Inductive t_2 := t_3",
        "Coercion t_1 : nat >-> R",
        "Ltac cheat := idtac",
        "Set Nested Proofs Allowed",
        "Goal False",
        "Fact t_2 : False",
        "Ltac2 Type t_2",
        "Local Definition t_2 := 1",
        "#[local] Definition t_2 := 1",
        "Require Import Classical",
        "From Coq Require Import Classical",
        "Import Classical",
        "Open Scope nat_scope",
        "Definition joint := 1",
        "Lemma sq : True",
        "Theorem other_1 : True",
    ],
)
def test_a_command_that_no_theorem_file_needs_is_refused(sentence):
    with pytest.raises(Unsound):
        audit("t", f"{HEAD}{sentence}.\n{FILE.removeprefix(HEAD)}")


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize(
    "sentence",
    [
        "Hypothesis cheat : False",
        "Variable cheat : False",
        "Variables (a : nat) (cheat : a = S a)",
        "Context (cheat : False)",
        "Context {H : Space} (cheat : False)",
        "Let cheat : False := boom",
    ],
)
def test_a_section_hypothesis_that_is_not_listed_is_refused(name, sentence):
    text = library(name)
    begun = ("Context {H : Space}.", "Variable M : finite.", "Variable sc : list R.")
    assert any(inside in text for inside in begun)
    for inside in begun:
        if inside in text:
            with pytest.raises(Unsound, match="not among"):
                audit_library(name, text.replace(inside, f"{inside}\n{sentence}.", 1))


def test_every_listed_hypothesis_is_one_of_the_library():
    for name in LIBRARY:
        said = set(sentences(library(name)))
        assert set(ASSUMED[name]) <= said
        assert {s for s in said if s.split(" ")[0] in SECTION_WORDS - {"Section"}} == set(ASSUMED[name])
