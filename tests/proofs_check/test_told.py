"""Every script tells readers what it proves and why its multipliers are what they are."""

import itertools
import json
import re

import pytest

from compth import sources
from compth.claims import Sharpness
from compth.methods import theorems
from compth.proof.legend import declared, legend, letters, unexplained
from compth.sources import Source
from proofs_check._command import CERTIFICATES, INDEX
from proofs_check._told import Told, parsed, told

THEOREMS = sorted(path.stem for path in CERTIFICATES.glob("*.json"))
ATTAINED = json.loads(INDEX.read_text())["attained"]
WORKS = {s for s in vars(sources).values() if isinstance(s, Source)}
STANDING = ("attained", "equality", "tight", "upper")


def parts(theorem):
    return json.loads((CERTIFICATES / f"{theorem}.json").read_text())["parts"]


def names(part):
    """What a backtick may name: hypotheses and shown relations, letters, or a piece of the certificate."""
    return set(part["statement"].get("given", {})), json.dumps([part["statement"], part["certificate"]])


def objections(theorem: str, found: Told, stored) -> list[str]:
    """What is wrong with the words of a script."""
    out = [
        f"no {k}"
        for k in ("summary", "setting", "guarantee", "tight", "source")
        if len(getattr(found, k)) < 5
    ]
    if not 4 <= len(found.proof) <= 8:
        out.append(f"{len(found.proof)} lines of proof: 4 to 8")
    text = " ".join(found.proof)
    if len(text) < 300:
        out.append(f"{len(text)} characters of proof")
    given = set().union(*(names(p)[0] for p in stored))
    written = " ".join(names(p)[1] for p in stored)
    named = re.findall(r"`([^`]+)`", text)
    out += [
        f"`{name}` is nowhere in the proof" for name in named if name not in given and name not in written
    ]
    if given and not given & set(named):
        out.append(f"names no hypothesis of {', '.join(sorted(given))}")
    if not found.tight.startswith(STANDING):
        out.append(f"tight begins with none of {STANDING}")
    if found.tight.startswith("attained") != (theorem in ATTAINED):
        out.append("attained is what the index says, no more and no less")
    cited = [s for s in WORKS if f"{s.families[-1]} {s.year}" in found.source]
    if not cited and "ours" not in found.source:
        out.append("the source is no work of sources.py and not ours")
    missing = {x for p in stored for x in unexplained(p["statement"], found.symbols)}
    out += [f"letter {name} is not explained" for name in sorted(missing)]
    return out


@pytest.mark.parametrize("theorem", THEOREMS)
def test_a_script_says_what_it_proves_and_why(theorem):
    assert objections(theorem, told(theorem), parts(theorem)) == []


def shingles(found: Told) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", " ".join(found.proof).lower())
    return {tuple(words[k : k + 4]) for k in range(len(words) - 3)}


def test_no_proof_is_told_in_the_words_of_another():
    known = {theorem: shingles(told(theorem)) for theorem in THEOREMS}
    close = {
        (a, b): len(known[a] & known[b]) / min(len(known[a]), len(known[b]))
        for a, b in itertools.combinations(known, 2)
    }
    assert {pair: share for pair, share in close.items() if share > 0.4} == {}


def test_what_a_script_leaves_out_is_seen():
    """Each planted fault alone."""
    good, stored = told("dcgd.general"), parts("dcgd.general")
    told_of = vars(good)
    faults = {
        "no setting": {"setting": ""},
        "3 lines of proof": {"proof": good.proof[:3]},
        "`smoothness` is nowhere": {"proof": (*good.proof[:-1], "`smoothness` pays.")},
        "names no hypothesis": {"proof": tuple(line.replace("`", "") for line in good.proof)},
        "tight begins with none": {"tight": "it is what it is"},
        "attained is what the index says": {"tight": "attained, we believe"},
        "the source is no work": {"source": "Euler 1736"},
        "letter S is not explained": {"symbols": {}},
    }
    for expected, fault in faults.items():
        found = objections("dcgd.general", Told(**{**told_of, **fault}), stored)
        assert [text for text in found if text.startswith(expected)], (expected, found)


@pytest.mark.parametrize(
    "theorem", [th for th in theorems().values() if th.proof in THEOREMS], ids=lambda th: th.id
)
def test_the_catalogue_says_tight_where_the_script_does(theorem):
    found = told(theorem.proof).tight
    assert found.startswith("upper") == (theorem.sharpness is Sharpness.UPPER), found


@pytest.mark.parametrize("theorem", THEOREMS)
def test_a_legend_has_a_meaning_for_every_row(theorem):
    own = told(theorem).symbols
    for part in parts(theorem):
        rows = legend(part["statement"], own)
        assert rows or not letters(part["statement"])
        assert all(meaning for _, meaning in rows), rows


def test_declarations_are_read():
    assert declared("common x") == ("x", "the same at every worker")
    assert declared("common c @ 1") == ("c", "the same at every worker; known after the first draw")
    assert declared("family Q ~ g - h @ 0") == (
        "Q",
        "one for each worker; drawn, with mean g - h given what is known before",
    )


def test_fields_are_read():
    found = parsed(
        "One line.\n\nSetting: a\n    b.\nSymbols: r, R: root; T: time.\nProof:\n    one\n    two\n"
    )
    assert (found.summary, found.setting, found.proof) == ("One line.", "a b.", ("one", "two"))
    assert found.symbols == {"r": "root", "R": "root", "T": "time"}
