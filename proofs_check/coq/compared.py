"""An exported file against the catalogue: what it says, read back, is what the second translation says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .reread import Meaning, Terms, Tree, Unreadable, Words, binders_of
from .retold import Retold, Unspoken


def sentence(text: str, name: str) -> tuple[dict[str, str], str]:
    """(binders with types, what follows) of a definition or theorem."""
    found = re.search(
        rf"^(?:Definition|Theorem) {name} (.*?) :(?: Prop :=)?\n(.*?)\.$", text, flags=re.M | re.S
    )
    if not found:
        raise Unreadable(f"no {name}")
    return binders_of(found[1]), found[2]


def pieces(tree: Tree) -> Iterator[Tree]:
    """The members of a conjunction."""
    while tree[0] == "and":
        yield tree[1]
        tree = tree[2]
    yield tree


def named(binders: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """The statement's name by Coq's: the same, or with one _ more where Coq has taken it."""
    out = {}
    for name in binders:
        if name in wanted:
            out[name] = name
        elif name.endswith("_") and name[:-1] in wanted:
            out[name] = name[:-1]
        else:
            raise Unreadable(f"{name} is no name of the statement")
    if len(set(out.values())) < len(out):
        raise Unreadable(f"two names for one: {', '.join(out)}")
    return out


def unlike(what: str, said: list[Tree], wanted: list[Tree]) -> Iterator[str]:
    """Differences of two lists, in any order."""
    left = list(said)
    for tree in wanted:
        if tree in left:
            left.remove(tree)
        else:
            yield f"{what} is missing: {spelled(tree)}"
    yield from (f"{what} that is not the statement's: {spelled(tree)}" for tree in left)


def spelled(tree: Any) -> str:
    """A tree on a line."""
    if not isinstance(tree, tuple):
        return str(tree)
    if tree[0] in {"name", "num"}:
        return str(tree[1])
    if len(tree) == 3 and tree[0] in {"+", "-", "*", "/", "^", "<=", "<", "=", "->", "and"}:
        return f"({spelled(tree[1])} {tree[0]} {spelled(tree[2])})"
    return f"{tree[0]}({', '.join(map(spelled, tree[1:]))})"


def differences(text: str, name: str, statement: dict[str, Any], words: Words) -> list[str]:
    """What a part's file says otherwise than the statement: nothing, when all is well."""
    try:
        return list(_differences(text, name, Retold(statement), words))
    except (Unreadable, Unspoken) as objection:
        return [f"{type(objection).__name__}: {objection}"]


def _differences(text: str, name: str, told: Retold, words: Words) -> Iterator[str]:
    binders, assumed = sentence(text, f"{name}_assumed")
    again, theorem = sentence(text, name)
    space = {"H": "Space"} if told.vectors or not told.sizes else {}
    known = named({k: v for k, v in binders.items() if k not in space}, told.binders())
    if {**{known.get(k, k): v for k, v in binders.items()}} != {**space, **told.binders()}:
        yield f"names or kinds: {binders}"
    if list(again.items()) != list(binders.items()):
        yield f"the theorem is about other names: {again}"
    meaning = Meaning(words, known, set(told.operators), set(told.arrays))
    said = [meaning.of(t) for t in pieces(Terms(assumed).whole())]
    yield from unlike("an assumption", [t for t in said if t != ("name", "True")], told.assumed())
    head, claims = implied(Terms(theorem).whole())
    arguments = [("name", v) for v in binders if v not in space]
    if head != ("app", ("name", f"{name}_assumed"), *arguments):
        yield f"the theorem assumes something else: {spelled(head)}"
    yield from unlike("a claim", [meaning.of(t) for t in pieces(claims)], told.claims())
    if "run" in told.statement:
        yield from _run(text, name, told, words)


def _run(text: str, name: str, told: Retold, words: Words) -> Iterator[str]:
    """The same of a run: what it is, and what is claimed of it."""
    binders, running = sentence(text, f"{name}_running")
    again, theorem = sentence(text, f"{name}_run")
    known = named({k: v for k, v in binders.items() if k != "H"}, told.run_binders())
    if {known.get(k, k): v for k, v in binders.items()} != {"H": "Space", **told.run_binders()}:
        yield f"a run's names or kinds: {binders}"
    if list(again.items()) != list(binders.items()):
        yield f"the run's theorem is about other names: {again}"
    meaning = Meaning(words, known, set(told.operators), told.each_step())
    arguments = [known[v] for v in sentence(text, name)[0] if v != "H"]
    wanted = told.running(f"{name}_assumed", arguments)
    yield from unlike("of a run", [meaning.of(t) for t in pieces(Terms(running).whole())], wanted)
    head, claim = implied(Terms(theorem).whole())
    if head != ("app", ("name", f"{name}_running"), *(("name", v) for v in binders if v != "H")):
        yield f"the run's theorem assumes something else: {spelled(head)}"
    yield from unlike("a run's claim", [meaning.of(claim)], [told.run_claim()])


def implied(tree: Tree) -> tuple[Tree, Tree]:
    """(premise, conclusion)"""
    if tree[0] != "->":
        raise Unreadable("a theorem without a premise")
    return tree[1], tree[2]
