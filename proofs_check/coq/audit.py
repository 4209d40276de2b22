"""What a Coq file may say: nothing that assumes what it should prove, nothing but definitions and proved theorems.

Print Assumptions names axioms, but not the hypotheses of sections: those of the library are listed here, one by one,
and the files of theorems have none. Of words and commands only the listed ones pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


class Unsound(Exception):
    """Something that must not be accepted; the message says what and where."""


# words by which a file would assume what it should prove, or switch a check off
FORBIDDEN = re.findall(
    r"\w+",
    "Admitted admit Axiom Axioms Parameter Parameters Conjecture Conjectures Hypothesis Hypotheses Variable "
    "Variables Context Obligation Obligations Program Unset Load Declare Primitive Extraction bypass_check give_up "
    "Abort Section Module Admit Redirect Register Add Universe Constraint Instance Existing ",
)
SECTION_WORDS = {"Section", "Context", "Variable", "Variables", "Hypothesis"}
# what the library's sections assume: their theorems carry it as arguments
ASSUMED = {
    "Compth.v": (
        "Context {H : Space}",
        "Variables (sc : list R) (ats : list V) (ops : list (V -> V))",
        "Variables (infos : list info) (opinfos : list opinfo) (table : list triple)",
        "Hypothesis Hdecl : declared 0 infos",
        "Hypothesis Hops : operators 1 opinfos",
        "Variable G : gram_fun",
        "Hypothesis HG : good G",
        "Variables (k : positive) (q : pe)",
        "Hypothesis inverse : pden q * pden (PEX k) = 1",
        "Variables (szs : list nat) (arrs : list (nat -> R)) (ex : ((nat -> R) -> R) -> R) (law : option (nat * sx))",
        "Hypothesis Hlaw : lawful",
        "Variable sums : sums_table",
        "Hypothesis Hsums : sums_named sums",
        "Variable expect : bool",
    ),
    "Model.v": (
        "Variable M : finite",
        "Variable m : rational",
        "Hypothesis ok : valid m = true",
        "Variables (tables : list (list (list (list Q)))) (mats : list matrices)",
    ),
    "Multi.v": (
        "Variables (szs : list nat) (arrs : list (list nat -> R))",
        "Variable sc : list R",
        "Variable szx : list sx",
        "Hypothesis Hsizes : forall s, INR (msize s) = val (nth s szx (SC 0))",
        "Variables (table : list key) (base : nat)",
        "Hypothesis Htable : forall i h, nth_error table i = Some h -> val (SV (base + i)) = key_value h",
        "Variables (ex : ((list nat -> R) -> R) -> R) (law : mlaw)",
        "Hypothesis Hlaw : lawfully",
        "Variables (facts : list rel) (hyps : list hyp)",
    ),
    "Lmi.v": ("Context {H : Space}",),
}
LIBRARY_COMMANDS = set(
    re.findall(
        r"\w+",
        "From Import Open Section End Context Variable Variables Hypothesis Let Local Fixpoint Definition Inductive "
        "Record Class Lemma Theorem Corollary Example Notation Scheme Combined Ltac Arguments Proof Qed Defined",
    )
)
THEOREM_COMMANDS = set(
    re.findall(r"\w+", "From Import Open Definition Lemma Theorem Example Proof Qed Print")
)
# inside a section the library names a thing; it is no assumption
LETS = {"Let n := length (q_prob m)", "Let H := space model"}
WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
STATED = {"Definition", "Lemma", "Theorem", "Example"}


def uncommented(text: str) -> str:
    """Coq text without its comments."""
    out, depth, i = [], 0, 0
    while i < len(text):
        two = text[i : i + 2]
        if two == "(*":
            depth, i = depth + 1, i + 2
        elif two == "*)" and depth:
            depth, i = depth - 1, i + 2
        else:
            out.append("" if depth else text[i])
            i += 1
    return "".join(out)


def sentences(text: str) -> Iterator[str]:
    """Commands, each on a line without its full stop; the tactics between Proof and Qed are left out."""
    proving = False
    for piece in re.split(r"\.(?=\s|$)", uncommented(text)):
        sentence = " ".join(piece.split())
        ends = sentence in {"Qed", "Defined"}
        if sentence and (not proving or ends):
            yield sentence
        proving = (proving or sentence.split(" ")[0] == "Proof") and not ends


def audit(name: str, text: str) -> None:
    """Unsound where a theorem's file assumes, switches a check off, or says something that no theorem's file says."""
    _no_words(name, text, FORBIDDEN)
    for sentence in sentences(text):
        words = sentence.split(" ")
        if words[0] not in THEOREM_COMMANDS:
            raise Unsound(f"{name}: {words[0]!r} is no command of a theorem's file")
        if words[0] in {"From", "Import", "Open"} and sentence not in HEAD_SENTENCES:
            raise Unsound(f"{name}: {sentence!r} opens something else than the library")
        if words[0] in STATED and words[1] != LAST and not words[1].startswith(f"{name}_"):
            raise Unsound(f"{name}: {words[1]} is not a name of its own")


HEAD = """From Coq Require Import Reals List ZArith QArith Qreals.
From Compth Require Import Compth Model.
Import ListNotations.
Open Scope R_scope.
"""
TABLES = HEAD.replace("Model.", "Model Multi.")  # with arrays of several indices
HEAD_SENTENCES = {*sentences(HEAD), *sentences(TABLES)}
LAST = "all_of_it"


def audit_library(name: str, text: str) -> None:
    """Unsound where a library file assumes by a word, or where its sections assume more than is listed."""
    _no_words(name, text, set(FORBIDDEN) - SECTION_WORDS)
    for sentence in sentences(text):
        head = sentence.split(" ")[0]
        if head not in LIBRARY_COMMANDS:
            raise Unsound(f"{name}: {head!r} is no command of the library")
        if head in SECTION_WORDS - {"Section"} and sentence not in ASSUMED[name]:
            raise Unsound(f"{name}: {sentence!r} is not among what its sections assume")
        if head == "Let" and sentence not in LETS:
            raise Unsound(f"{name}: {sentence!r} is not among what its sections name")


def _no_words(name: str, text: str, forbidden: Iterable[str]) -> None:
    found = set(WORDS.findall(uncommented(text))) & set(forbidden)
    if found:
        raise Unsound(f"{name} uses {', '.join(sorted(found))}")
