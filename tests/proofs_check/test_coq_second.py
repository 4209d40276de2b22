"""Files read back against the second translation of the catalogue's statements: wrong translations are seen."""

import random
import re
from functools import cache

import pytest

from proofs_check._found import scripts
from proofs_check.coq import build, compared
from proofs_check.coq.audit import Unsound, uncommented
from proofs_check.coq.reread import TOKEN, Terms, words_of
from proofs_check.coq.retold import Retold

WORDS = words_of((build.HERE / "Compth.v").read_text())
AMONG = (
    "dcgd.interpolation",
    "diana.convex",
    "ef21.pl",
    "isgd.decreasing",
    "bernoulli.omega",
    "dithering.uniform",
    "permk.joint",
    "switchml.mean",
)


@cache
def exported(theorem):
    """(file, statements of the catalogue)"""
    data = build.listed(build.CERTIFICATES / f"{theorem}.json", build.trusted_index())
    text = build.text_of(data)[0]
    return uncommented(text), [part.statement for part in scripts()[theorem].parts]


def objections(text, theorem, k):
    name = f"{build.identifier(theorem)}_{k}"
    return compared.differences(text, name, exported(theorem)[1][k - 1], WORDS)


def parts(theorem):
    text, statements = exported(theorem)
    name = build.identifier(theorem)
    return [k for k in range(1, len(statements) + 1) if f"Theorem {name}_{k} " in text]


@pytest.mark.parametrize("theorem", AMONG)
def test_a_file_says_what_the_catalogue_says(theorem):
    for k in parts(theorem):
        assert objections(exported(theorem)[0], theorem, k) == []


PLANTED = [
    # a hypothesis more, or a stronger one: an easier theorem
    ("dcgd.interpolation", "mu <= L /\\", "mu <= L /\\ L <= mu /\\"),
    ("dcgd.interpolation", "common xs /\\", "common xs /\\ common g /\\"),
    ("dcgd.interpolation", "joint Q g A B", "joint Q g A A"),
    ("dcgd.interpolation", "drawn 0 Q g", "drawn 1 Q g"),
    ("dcgd.interpolation", "F 0 g", "F 1 g"),
    ("dcgd.interpolation", "0 < ga /\\", "ga < 0 /\\"),
    ("dcgd.interpolation", "(ga * ((A * Lm) + (L * S_))) <= 1", "(ga * ((A * Lm) + (L * S_))) < 1"),
    ("dcgd.interpolation", "cocoercive f fs g zero x xs Lm", "cocoercive f fs (P g) zero x xs Lm"),
    ("diana.convex", "coercive (P g)", "coercive g"),
    ("ef21.pl", "0 < mu", "1 < mu"),
    # a hypothesis dropped
    ("dcgd.interpolation", "mu <= L /\\", ""),
    ("diana.convex", "common x /\\", ""),
    # a weaker claim, another symbol, another constant
    ("dcgd.interpolation", "(((- ga) * mu) + 1) * (sq (sub x xs))", "(((- ga) * mu) + 2) * (sq (sub x xs))"),
    ("dcgd.interpolation", "(scal ga (P Q))", "(scal ga (P g))"),
    ("dcgd.interpolation", "(scal ga (P Q))", "(scal ga Q)"),
    ("dcgd.interpolation", "(scal ga (P Q))", "(scal mu (P Q))"),
    ("isgd.decreasing", "(mu * tau) / 4", "(mu * tau) / 5"),
    ("bernoulli.omega", "((- 1) + (1 / p))", "((- 1) + (2 / p))"),
    ("bernoulli.omega", "(x j)) ^ 2", "(y j)) ^ 2"),
    ("bernoulli.omega", "inclusion size_col (fun j => p) E", "inclusion size_col (fun j => 1) E"),
    ("bernoulli.omega", "INR size_col = d", "INR size_col = p"),
    ("dithering.uniform", "order 0 (w j)", "order 1 (w j)"),
    ("dithering.uniform", "(forall j, (j < size_col)%nat -> order (w j) 1) /\\", ""),
    # of tables: whose cards, how many of them, which cell, over which side, which chance
    ("permk.joint", "deal2 size_worker size_col q E", "deal2 size_col size_worker q E"),
    ("permk.joint", "deal2 size_worker size_col q E", "deal2 size_worker size_col n E"),
    ("permk.joint", "(n * (u i j))", "(n * (u j i))"),
    ("permk.joint", "(a i j)", "(a i i)"),
    ("switchml.mean", "(j < size_col)%nat -> 0 <= (h i b j)", "(j < size_block)%nat -> 0 <= (h i b j)"),
    ("switchml.mean", "(fun j => (h i b j))", "(fun j => (x i b j))"),
    ("switchml.mean", "(fun j => (h i b j))", "(fun j => (h b i j))"),
    # of a run: the assumptions of the first step alone, another next state, a rate without its power, a lost factor
    ("dcgd.interpolation", "(step < steps)%nat -> @", "(step < 1)%nat -> @"),
    ("dcgd.interpolation", "x (S step) = (sub (x step)", "x (S step) = (sub (x steps)"),
    ("dcgd.interpolation", "(((- ga) * mu) + 1) ^ steps *", "(((- ga) * mu) + 1) ^ 1 *"),
    ("dcgd.interpolation", "(later (clock step))", "(later (clock steps))"),
    ("isgd.decreasing", "(steps - 1 - step)", "(steps - step)"),
    # names: another binder, a theorem that assumes something else
    ("dcgd.interpolation", "(x xs g Q : V)", "(x xs Q g : V)"),
    (
        "dcgd.interpolation",
        "dcgd_interpolation_1_assumed L Lm mu A B S_ ga f fs x xs g Q ->\n  ((sq",
        "dcgd_interpolation_1_assumed L Lm mu B A S_ ga f fs x xs g Q ->\n  ((sq",
    ),
    (
        "dcgd.interpolation",
        "dcgd_interpolation_1_assumed L Lm mu A B S_ ga f fs x xs g Q ->\n  ((sq",
        "False ->\n  ((sq",
    ),
]


@pytest.mark.parametrize(("theorem", "old", "new"), PLANTED)
def test_a_wrong_translation_is_seen(theorem, old, new):
    text = exported(theorem)[0]
    assert old in text
    assert any(objections(text.replace(old, new), theorem, k) for k in parts(theorem))


def statements_of(text, name):
    """(start, end) of what is said: assumptions, claims, runs."""
    for part in (f"{name}_assumed", name, f"{name}_running", f"{name}_run"):
        found = re.search(
            rf"^(?:Definition|Theorem) {part} .*? :(?: Prop :=)?\n(.*?)\.$", text, flags=re.M | re.S
        )
        if found:
            yield found.span(1)


def changed(token, names, draw):
    """Another token that makes another sentence."""
    if token.isdigit():
        return str(int(token) + 1)
    swaps = {"+": "-", "-": "+", "<=": "<", "<": "<=", "=": "<=", "*": "+"}
    if token in swaps:
        return swaps[token]
    others = [v for v in names if v != token]
    return draw.choice(others) if token in names and others else None


@pytest.mark.parametrize("theorem", AMONG)
def test_every_one_of_many_changes_of_a_token_is_seen(theorem):
    """Numbers, names of the same kind, signs, at sixty places of what a file says, drawn with a seed."""
    draw, text = random.Random(theorem), exported(theorem)[0]
    k = parts(theorem)[-1]
    places = []
    name = f"{build.identifier(theorem)}_{k}"
    binders = compared.sentence(text, f"{name}_assumed")[0]
    numbers = [v for v, kind in binders.items() if kind == "R"]
    for start, end in statements_of(text, name):
        for found in TOKEN.finditer(text, start, end):
            new = changed(found[1], numbers, draw)
            if new and text[found.end() : found.end() + 4] != "%nat":
                places.append((*found.span(1), new))
    assert len(places) > 20
    for start, end, new in draw.sample(places, min(60, len(places))):
        other = text[:start] + new + text[end:]
        assert objections(other, theorem, k), text[start - 60 : end + 60]


def test_the_library_says_what_the_kernels_schemas_say():
    """Were a word of the library another, every file with it would differ."""
    text = (build.HERE / "Compth.v").read_text()
    for old, new in [
        ("A * sq m - B * sq (P m)", "A * sq m"),
        ("fs + dot gs (x -v xs)", "fs + dot g (x -v xs)"),
        ("mu / 2 * sq (xs -v x)", "mu * sq (xs -v x)"),
    ]:
        assert old in text
        words = words_of(text.replace(old, new))
        statement = exported("dcgd.interpolation")[1][0]
        assert compared.differences(
            exported("dcgd.interpolation")[0], "dcgd_interpolation_1", statement, words
        )


def test_a_comment_or_a_second_name_does_not_hide_what_is_said():
    text = exported("dcgd.interpolation")[0]
    fake = text[text.index("Definition dcgd_interpolation_1_assumed") :].split("\n\n")[0]
    hidden = f"(* {fake} *)\n" + text.replace("mu <= L /\\", "mu <= L /\\ L <= mu /\\")
    assert objections(uncommented(hidden), "dcgd.interpolation", 1)
    twice = text.replace("(x xs g Q : V)", "(x xs g Q x_ : V)")
    assert objections(twice, "dcgd.interpolation", 1)


def test_a_build_refuses_a_file_that_says_something_else(tmp_path):
    [outcome] = build.export(tmp_path, ["dcgd.interpolation"])
    statements = build.catalogue()["dcgd.interpolation"]
    build.compare(tmp_path, outcome, statements)
    path = tmp_path / "dcgd_interpolation.v"
    path.write_text(path.read_text().replace("joint Q g A B", "joint Q g A A"))
    with pytest.raises(Unsound, match="two translations differ"):
        build.compare(tmp_path, outcome, statements)
    path.write_text(path.read_text().replace("Theorem dcgd_interpolation_1 ", "Lemma dcgd_interpolation_1 "))
    with pytest.raises(Unsound, match="0 theorems"):
        build.compare(tmp_path, outcome, statements)


def test_terms_are_read_with_coqs_precedence():
    assert Terms("- a * b + c ^ 2 <= d").whole() == Terms("(((- a) * b) + (c ^ 2)) <= d").whole()
    assert Terms("a - b - c").whole() == Terms("(a - b) - c").whole() != Terms("a - (b - c)").whole()
    assert Terms("a / b * c").whole() == Terms("(a / b) * c").whole()
    assert Terms("f x (g y) * z").whole() == Terms("(f x (g y)) * z").whole()


def test_a_definition_stands_for_its_text_and_a_vector_after_its_factor():
    told = Retold(
        {
            "params": "a",
            "vectors": ["common x"],
            "let": {"y": "x*a + x", "b": "a**2"},
            "claim": ["b*sq(y) >= 0"],
        }
    )
    [claim] = told.claims()
    square = ("^", ("name", "a"), ("num", 2))
    y = ("+", ("*", ("name", "a"), ("name", "x")), ("name", "x"))
    assert claim == ("<=", ("num", 0), ("*", square, ("sq", y)))
