"""The bibliography: every record is read by a BibTeX parser of others and comes back whole."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import compth as ct
from compth import sources
from compth.sources import Source

pybtex = pytest.importorskip("pybtex.database")
yaml = pytest.importorskip("yaml")

RECORDS = {s.key: s for s in vars(sources).values() if isinstance(s, Source)}
# Counted on the first pages of the papers, so that a lost co-author is seen.
AUTHORS = {
    "atomo": 6, "switchml": 10, "natural": 6, "qsgd": 5, "terngrad": 7, "cat": 4, "unified_sgd": 3, "ibcd": 3,
    "diana": 4, "diana_omega": 5, "induced": 2, "ist": 2, "rdme": 2, "tight_one": 3, "tight_n": 3, "3pc": 6,
}  # fmt: skip


def parsed(text):
    return pybtex.parse_string(text, "bibtex").entries


@pytest.mark.parametrize("source", RECORDS.values(), ids=RECORDS)
def test_a_parser_reads_the_record_as_it_is_meant(source):
    (entry,) = parsed(source.bibtex()).values()
    people = entry.persons["author"]
    if source.key == "compth":
        assert [str(p) for p in people] == ["{The compth developers}"]
        return
    assert tuple(" ".join(p.prelast_names + p.last_names) for p in people) == source.families
    assert all(p.first_names for p in people)
    assert entry.fields["year"] == str(source.year)
    assert re.search(r"[^\\]%|[^\\]&", entry.fields["title"]) is None
    assert entry.fields.get("eprint") or entry.fields.get("doi")


@pytest.mark.parametrize("key", AUTHORS)
def test_records_name_as_many_authors_as_the_paper(key):
    assert len(RECORDS[key].families) == AUTHORS[key]


def test_no_record_stands_without_its_title_and_keys_are_unique():
    assert all("confirmed" not in s.title and "arXiv" not in s.authors for s in RECORDS.values())
    assert len(RECORDS) == sum(isinstance(s, Source) for s in vars(sources).values())


@pytest.mark.parametrize(
    "spoiled",
    [
        replace(sources.DIANA, authors="Mishchenko, Gorbunov, Takáč and Richtárik"),
        replace(sources.IBCD, title="99% of {Worker"),
    ],
    ids=["families by commas", "an open brace"],
)
def test_the_parser_would_see_a_broken_record(spoiled):
    with pytest.raises((AssertionError, pybtex.PybtexError)):
        test_a_parser_reads_the_record_as_it_is_meant(spoiled)


def test_what_a_comparison_cites_can_be_pasted():
    problem = ct.problems.random_quadratic(2, 4, 5, seed=0)
    cited = ct.compare([ct.EF21(ct.TopK(2)), ct.DIANA(ct.RandK(2))], problem, steps=5, runs=2, seed=0).cite()
    assert {"compth", "ef21", "diana"} <= set(parsed(cited))


def test_the_citation_file_has_what_its_format_asks_for():
    record = yaml.safe_load((Path(__file__).parent.parent / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(record)
    assert record["version"] == ct.__version__
    assert all({"name"} <= set(a) or {"family-names", "given-names"} <= set(a) for a in record["authors"])
