"""How exported data and proofs are laid out."""

from __future__ import annotations

import re

from .texts import Deep, written

WIDTH = 116


def listing(items: list[str]) -> str:
    return "[" + "; ".join(items) + "]"


def wrapped(text: str, indent: str = "  ") -> str:
    """Lines of at most WIDTH, broken at spaces (Coq's lexer does not mind)."""
    out, line = [], indent
    for word in text.split(" "):
        if len(line) + len(word) > WIDTH and line.strip():
            out.append(line.rstrip())
            line = indent
        line += word + " "
    return "\n".join([*out, line.rstrip()])


def comment(text: str) -> str:
    """Text for a Coq comment, which neither ends it nor opens another or a string."""
    return text.replace("*)", "* )").replace("(*", "( *").replace('"', "'")


def identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def conjunction(proofs: list[str]) -> str:
    """The proof of a conjunction from proofs of its pieces."""
    return "".join(f"(conj {p} " for p in proofs[:-1]) + proofs[-1] + ")" * (len(proofs) - 1)


def pattern(names: list[str]) -> str:
    """The introduction pattern of a conjunction."""
    return "({})".format(" & ".join(names)) if len(names) > 1 else "".join(names) or "_"


def relation_text(relation: Deep) -> str:
    _, (kind,), a, b = relation
    return f"Rel {kind} {written(a)} {written(b)}"


def item_text(item: Deep) -> str:
    if item[0] != "Step":
        return f"{item[0]} {item[1]} {written(item[2])}"
    _, relation, uses, terms = item
    used = listing([f"({i}, {written(m)})" for i, m in uses])
    return f"Step ({relation_text(relation)}) {used} {listing([written(t) for t in terms])}"


def data_lines(name: str, facts: list[Deep], items: list[Deep], claims: list[Deep]) -> list[str]:
    """The definitions of a script's facts, items and claims."""
    data = {
        "facts": ("rel", list(map(relation_text, facts))),
        "items": ("item", list(map(item_text, items))),
        "claims": ("rel", list(map(relation_text, claims))),
    }
    out = []
    for key, (kind, values) in data.items():
        out += [
            f"Definition {name}_{key} : list {kind} := [",
            ";\n".join(wrapped(v) for v in values),
            "]%nat.",
        ]
    return out
