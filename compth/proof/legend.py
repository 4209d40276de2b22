"""What the letters of a statement stand for: read off its declarations, and a list of standard names. No soundness.

A reader has to find every letter of a statement explained; a test holds that none is left out. What a script says of
its letters goes before the standard meanings, which are those of most papers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compth._types import Json


@dataclass(frozen=True)
class Told:
    """What the author of a proof says to readers; proof: its lines, symbols: letter -> meaning.

    From the docstring of the script; nothing of it is checked but that every letter is explained.
    """

    summary: str
    setting: str = ""
    symbols: dict[str, str] = field(default_factory=dict)
    guarantee: str = ""
    proof: tuple[str, ...] = ()
    tight: str = ""
    source: str = ""

    def fields(self) -> list[tuple[str, str]]:
        """(heading, text) of what is said, in the order of reading; what is empty is left out."""
        said = {"Setting": self.setting, "Guarantee": self.guarantee, "Proof": " ".join(self.proof)}
        said |= {"Tight": self.tight, "Source": self.source}
        return [(name, text) for name, text in said.items() if text]


# One meaning for each letter over all proofs; a script that uses a letter otherwise says so in its Symbols.
STANDARD: dict[str, str] = {
    "A": "joint variance of the messages: E||mean(Q_i - v_i)||^2 <= A mean||v_i||^2 - B ||mean v_i||^2",
    "B": "joint variance of the messages, the part that is taken off",
    "G": "stochastic gradients of the f_i at x",
    "L": "smoothness constant of f",
    "LL": "expected smoothness",
    "Lm": "largest smoothness constant of the f_i",
    "Q": "unbiased messages",
    "al": "step of the memories h_i",
    "d": "dimension",
    "de": "delta of the contractive compressor, ||C(v) - v||^2 <= (1 - delta) ||v||^2",
    "eta": "relative bias of the compressor, ||E C(v) - v|| <= eta ||v||",
    "f": "f(x)",
    "fp": "f at the next iterate",
    "fs": "f*, the least value of f",
    "g": "gradients of the f_i at x",
    "ga": "step size",
    "gp": "gradients of the f_i at the next iterate",
    "h": "the workers' memories h_i",
    "hs": "gradients of the f_i at x*",
    "k": "how many entries are kept",
    "mu": "strong convexity of f, or its PL constant",
    "n": "number of workers",
    "om": "omega, the variance of the compressor: E||C(v) - v||^2 <= omega ||v||^2",
    "rho": "the rate, at least every member of its maximum",
    "s2": "variance of the stochastic gradients",
    "tau": "probability with which a block is sent",
    "x": "the iterate",
    "xp": "the next iterate",
    "xs": "x*, the minimiser",
    "zeta2": "mean ||grad f_i(x*)||^2",
}
SPACE = {
    "sq(v)": "E (1/n) sum_i ||v_i||^2",
    "dot(v, w)": "E (1/n) sum_i <v_i, w_i>",
    "P(v)": "the average (1/n) sum_i v_i of the workers, the same at each of them",
}
# what these letters mean where they are arrays of numbers: a compressor's theorem has no iterate
ENTRIES = {"x": "the vector", "y": "any vector"}
KINDS = {"common": "the same at every worker", "family": "one for each worker"}
WHEN = {
    "1": "known after the first draw",
    "2": "known after the second draw",
    "3": "known after the third draw",
}


def declared(vector: str, say: Callable[[str], str] = str) -> tuple[str, str]:
    """(name, what its declaration says): "family Q ~ g @ 0" is drawn, its mean is g; "common c @ 1" is known later.

    say: how the mean is printed.
    """
    # "family Q ~ g @ 0" is drawn with mean g; "common c @ 1" without a mean is just known later.
    kind, name, *rest = vector.replace("~", " ~ ").replace("@", " @ ").split()
    said = [KINDS[kind]]
    if "~" in rest:
        mean = " ".join(rest[rest.index("~") + 1 : rest.index("@") if "@" in rest else None])
        said.append(f"drawn, with mean {say(mean)} given what is known before")
    elif "@" in rest:
        level = rest[rest.index("@") + 1]
        said += [WHEN[level]] if level in WHEN else []
    return name, "; ".join(said)


def letters(statement: Json) -> list[str]:
    """The letters that a statement declares, in its order; an abbreviation of `let` is one."""
    names = [*statement.get("params", "").split(), *statement.get("let", {})]
    names += [declared(v)[0] for v in statement.get("vectors", ())]
    names += [name.split(" ")[1] for name in statement.get("operators", ())]
    return list(dict.fromkeys([*names, *statement.get("values", "").split(), *statement.get("arrays", {})]))


def unexplained(statement: Json, own: Mapping[str, str]) -> list[str]:
    """Letters that neither the script nor the list of standard names explains; an abbreviation explains itself.

    A test holds that there are none in any stored proof.
    """
    known = {*own, *STANDARD, *statement.get("let", {}), *(ENTRIES if "arrays" in statement else ())}
    return [name for name in letters(statement) if name not in known]


def legend(
    statement: Json,
    own: Mapping[str, str],
    say: Callable[[str], str] = str,
    words: Callable[[str], str] = str,
    space: bool = True,
) -> list[tuple[str, str]]:
    """(letter, meaning) of everything in a statement; own: what its script says of its letters, which goes first.

    say, words: how formulas and sentences are printed; space: with the kernel's words for norms and averages.
    """
    vectors = {declared(v)[0]: declared(v, say)[1] for v in statement.get("vectors", ())}
    short = statement.get("let", {})
    # Arrays are numbers of one vector: there x is no iterate, and an abbreviation needs no meaning beside
    # its text.
    standard = {**STANDARD, **(ENTRIES if statement.get("arrays") else {}), **dict.fromkeys(short, "")}
    rows = list(SPACE.items()) if space and (vectors or "operators" in statement) else []
    rows += sums(statement, "Sum({}, e)", "E(e)") if space else []
    for name in letters(statement):
        said = [words(own.get(name, "") or standard.get(name, ""))]
        said += [vectors.get(name, ""), f"stands for {say(short[name])}" if name in short else ""]
        sorts = statement.get("arrays", {}).get(name, "")
        said.append(f"one number for each {each(sorts)}" if sorts else "")
        rows.append((name, "; ".join(s for s in said if s)))
    return rows + _draws(statement, say)


SORTS = {"col": "coordinate", "kept": "kept entry", "dropped": "dropped entry", "full": "entry sent for sure"}
SORTS |= {"rest": "other entry", "down": "entry rounded down", "up": "entry rounded up", "one": "number"}


def each(sorts: str) -> str:
    """What there is one number for: a worker and coordinate, a pair of workers, ..."""
    words = [SORTS.get(s, s) for s in sorts.split()]
    return f"pair of {words[0]}s" if len(words) == 2 and words[0] == words[1] else " and ".join(words)


def sums(statement: Json, total: str, expectation: str) -> list[tuple[str, str]]:
    """What sums over indices and expectations mean, each written as its pattern says."""
    rows = [
        (total.format(i), f"the sum of e over every {each(s)} {i}")
        for i, s in statement.get("indices", {}).items()
    ]
    drawn = statement.get("law", {}).get("indicator", "")
    return [*rows, *[(expectation, f"the expectation of e over the draw of {drawn}")] * bool(drawn)]


LAWS = {
    "coins": "1 with probability {parameter}, else 0, independently",
    "deal": "1 on a uniformly random subset of {parameter} places, else 0",
    "deals": "dealt at random like cards, {parameter} to each {hand}, none to two: 1 where it has been dealt, else 0",
    "one": "1 at one place, which is drawn with the probabilities {parameter}, else 0",
}


def _draws(statement: Json, say: Callable[[str], str]) -> list[tuple[str, str]]:
    """What the indicator of the law means: how it is drawn, and of what there is one."""
    law = statement.get("law")
    if not law:
        return []
    # Dealt to several hands, or a subset for the only one.
    kind = "deals" if law["kind"] == "deal" and " " in law["on"] else law["kind"]
    hand = SORTS.get(first := law["on"].split()[0], first)
    said = LAWS[kind].format(parameter=say(law["parameter"]), hand=hand)
    return [(law["indicator"], f"{said}; one for each {each(law['on'])}")]
