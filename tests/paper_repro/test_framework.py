"""The machinery of paper_repro: verdicts, bad targets, resumption, failing runs, one-line errors."""

import json
import re
from fractions import Fraction
from types import SimpleNamespace

import pytest

from compth import sources
from compth._interrupts import last_words
from paper_repro import _papers
from paper_repro._command import main
from paper_repro._targets import (
    BadTargets,
    Standing,
    Target,
    Verdict,
    decode,
    encode,
    judge,
    load_targets,
    show,
)

HEAD = '[[target]]\nid = "a"\nwhere = "Thm 1"\nquantity = "x"\nstanding = "READ"\n'


def target(**changes):
    given = {"id": "a", "where": "Thm 1", "quantity": "x", "value": 1, "standing": Standing.READ} | changes
    return Target(**given)


@pytest.mark.parametrize(
    ("changes", "ours", "agrees"),
    [
        ({}, 1, True),
        ({}, 1.0000001, False),
        ({"value": Fraction(1, 3)}, Fraction(1, 3), True),
        ({"value": Fraction(1, 3)}, 1 / 3, False),
        ({"absolute": 0.1}, 1.09, True),
        ({"absolute": 0.1}, 1.11, False),
        ({"value": 200, "relative": 0.01}, 202, True),
        ({"value": 200, "relative": 0.01}, 202.1, False),
        ({"sense": "<="}, 0.2, True),
        ({"sense": "<="}, 1.001, False),
        ({"sense": ">=", "absolute": 0.1}, 0.95, True),
        ({"sense": ">="}, 0.999, False),
        ({"value": [1, 2], "absolute": 0.1}, [1.05, 2.05], True),
        ({"value": [1, 2], "absolute": 0.1}, [1.05, 2.2], False),
        ({"value": [1, 2]}, [1], False),
        ({"value": [1, 2]}, 1, False),
        ({}, float("nan"), False),
        ({"sense": "<="}, float("nan"), False),
        ({"value": float("inf")}, float("inf"), True),
        ({"value": float("inf")}, 1e300, False),
        ({"value": "diverges"}, "diverges", True),
        ({"value": "diverges"}, "converges", False),
        ({"value": True}, 1, False),
    ],
)
def test_agreement(changes, ours, agrees):
    assert target(**changes).agrees(ours) is agrees


SLIP = {"differs": "printed upside down", "ours": 2}
PINNED = {"sense": "<=", "ours": 0.5, "ours_relative": 0.01}


@pytest.mark.parametrize(
    ("changes", "values", "verdict", "good"),
    [
        ({}, {"a": 1}, Verdict.REPRODUCED, True),
        ({"standing": Standing.CODE}, {"a": 1}, Verdict.REPRODUCED, True),
        ({"transcribed": True}, {"a": 1}, Verdict.TRANSCRIBED, True),
        ({"standing": Standing.DERIVED}, {"a": 1}, Verdict.DERIVED, True),
        ({"standing": Standing.RECALLED}, {"a": 1}, Verdict.RECALLED, True),
        ({}, {"a": 2}, Verdict.DIFFERS, False),
        (SLIP, {"a": 2}, Verdict.DIFFERS, True),
        (SLIP, {"a": 1}, Verdict.REPRODUCED, False),
        (SLIP, {"a": 2.02}, Verdict.DIFFERS, False),
        (SLIP | {"ours_relative": 0.02}, {"a": 2.02}, Verdict.DIFFERS, True),
        (SLIP, {"a": float("nan")}, Verdict.DIFFERS, False),
        (SLIP, {"a": float("inf")}, Verdict.DIFFERS, False),
        (SLIP, {"a": 12345}, Verdict.DIFFERS, False),
        (SLIP | {"sense": "<="}, {"a": 2}, Verdict.DIFFERS, True),
        (SLIP | {"sense": "<="}, {"a": 3}, Verdict.DIFFERS, False),
        (PINNED, {"a": 0.5}, Verdict.REPRODUCED, True),
        (PINNED, {"a": 0.506}, Verdict.REPRODUCED, False),
        (PINNED, {"a": 0.494}, Verdict.REPRODUCED, False),
        (PINNED, {"a": 1.01}, Verdict.DIFFERS, False),
        ({}, {}, Verdict.NOT_RUN, False),
        ({"not_run": "a cluster"}, {}, Verdict.NOT_RUN, True),
        ({"full": True}, {}, Verdict.NOT_RUN, True),
    ],
)
def test_verdicts(changes, values, verdict, good):
    row = judge("p", target(**changes), values, quick=True)
    assert (row.verdict, row.good) == (verdict, good)
    assert row.note or row.good


def test_what_the_environment_lacks_is_not_run_and_what_it_has_is():
    lacking, there = (
        target(needs="no_such_module (pip install it)"),
        target(needs="numpy (pip install numpy)"),
    )
    row = judge("p", lacking, {}, quick=False)
    assert (row.verdict, row.good) == (Verdict.NOT_RUN, True)
    assert row.note == "needs no_such_module (pip install it)"
    assert not judge("p", there, {}, quick=False).good
    assert not judge("p", lacking, {"a": 2}, quick=False).good


def test_what_the_full_run_must_give_is_not_left_out():
    assert not judge("p", target(full=True), {}, quick=False).good


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs .*target.* tables"),
        (HEAD, "'a': it needs a value"),
        (HEAD + "value = 1\nabsolute = 0.1\n", "needs its reason"),
        (HEAD + 'value = 1\nsense = "<"\n', "sense='<'"),
        (HEAD + "value = 1\ntolerance = 3\n", "'a': .*tolerance"),
        (HEAD.replace("READ", "SEEN") + "value = 1\n", "'a': 'SEEN' is not a valid Standing"),
        (HEAD + "value = 1\n" + HEAD + "value = 1\n", "used twice"),
        (HEAD + 'value = 1\ndiffers = "x"\nnot_run = "y"\n', "both differ and not be run"),
        (HEAD + 'value = 1\ndiffers = "x"\n', "needs ours"),
        (HEAD + "value = 1\nours = 2\n", "for bounds and differences"),
        (HEAD + 'value = 1\ndiffers = "x"\nours = 1.0\n', "agrees with a value"),
        (HEAD + 'value = 1\nsense = "<="\nours = 2\n', "breaks a bound"),
        (HEAD + 'value = 1\ndiffers = "x"\nours = 2\nours_absolute = 0.1\n', "needs its reason"),
        (HEAD.replace("READ", "RECALLED") + "value = 1\ntranscribed = true\n", "can be transcribed"),
    ],
)
def test_unclear_targets_are_refused(tmp_path, text, message):
    file = tmp_path / "targets.toml"
    file.write_text(text)
    with pytest.raises(BadTargets, match=message):
        load_targets(file)


def test_values_survive_storage():
    for value in (
        1,
        0.1,
        Fraction(4, 3),
        "text",
        True,
        [1, Fraction(1, 3), 0.5],
        float("inf"),
        float("-inf"),
    ):
        assert decode(json.loads(json.dumps(encode(value)))) == value
    assert [show(v) for v in (Fraction(4, 3), 1e-9, 12345.678, [3.2, 3.6], 1234567, True, None)] == [
        "4/3",
        "1e-09",
        "12346",
        "3.2 .. 3.6",
        "1,234,567",
        "yes",
        "-",
    ]


@pytest.fixture
def papers(monkeypatch, tmp_path):
    """Two small papers whose runs are counted; `broken` names the one that is killed or fails, with the exception."""
    state = SimpleNamespace(runs=[], broken={}, value=1, out=tmp_path / "out")

    def module(key):
        def run(quick):
            state.runs.append(key)
            if key in state.broken:
                raise state.broken[key]
            return _papers.Results({"a": state.value})

        return SimpleNamespace(SOURCE=sources.NATURAL, FIGURES={}, run=run)

    for key in ("one", "two"):
        (tmp_path / key).mkdir()
        (tmp_path / key / "targets.toml").write_text(HEAD + "value = 1\n")
    monkeypatch.setattr(_papers, "ROOT", tmp_path)
    monkeypatch.setattr(_papers, "paper", module)
    for place in ("_command", "_papers", "_page"):
        monkeypatch.setattr(f"paper_repro.{place}.paper", module)
    monkeypatch.setattr("paper_repro._command.keys", lambda: ["one", "two"])
    state.main = lambda *more: main([*more, "--jobs", "1", "--out", str(state.out)])
    return state


def test_a_killed_run_resumes(papers):
    papers.broken["two"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        papers.main()
    assert last_words().endswith(f"1 of 2 papers are kept in {papers.out}: run the same command to go on")
    assert papers.runs == ["one", "two"]
    papers.broken.clear()
    assert papers.main() == 0
    assert papers.runs == ["one", "two", "two"]  # what was finished is not done again
    assert papers.main() == 0
    assert papers.runs == ["one", "two", "two"]
    assert papers.main("one", "--fresh") == 0
    assert papers.runs[3:] == ["one"]


def test_what_is_stored_is_used_only_while_it_is_whole_and_current(papers):
    stored = papers.out / "one" / "result.json"

    def again():
        before = len(papers.runs)
        assert papers.main("one") == 0
        return len(papers.runs) > before

    assert again()
    assert not again()
    stored.write_text(stored.read_text()[:-40])
    assert again()
    (_papers.ROOT / "one" / "helper.py").write_text("# new code\n")
    assert again()
    (_papers.ROOT / "one" / "targets.toml").write_text(HEAD + "value = 1\nabsolute = 0.0\n")
    assert again()
    assert papers.main("one", "--quick") == 0  # another mode is another result
    assert papers.runs.count("one") == 5


def test_a_missed_target_and_a_failing_run_give_exit_code_one(papers, capsys):
    papers.value = 2
    assert papers.main("one") == 1
    assert "DIFFERS (!)" in capsys.readouterr().out
    papers.broken["two"] = ZeroDivisionError("x is 0")
    assert papers.main() == 1
    shown = capsys.readouterr()
    assert "two: 0.0 s, FAILED: ZeroDivisionError: x is 0 (test_framework.py" in shown.err
    record = json.loads((papers.out / "results.json").read_text())
    assert [t["verdict"] for p in record["papers"] for t in p["targets"]] == ["DIFFERS", "NOT RUN"]
    assert record["papers"][1]["error"].startswith("ZeroDivisionError")


def test_kinds_are_counted_apart(papers, capsys):
    """A value moved between the kinds changes the summary and the record, never their sum alone."""
    (_papers.ROOT / "two" / "targets.toml").write_text(HEAD + "value = 1\ntranscribed = true\n")
    assert papers.main() == 0
    assert "\n2 targets: 1 REPRODUCED, 1 TRANSCRIBED; 0 not as they should be" in capsys.readouterr().out
    counts = json.loads((papers.out / "results.json").read_text())["counts"]
    assert {k: n for k, n in counts.items() if n} == {"REPRODUCED": 1, "TRANSCRIBED": 1}


def test_the_page_holds_counts_tables_notes_and_drawings(papers):
    (_papers.ROOT / "two" / "targets.toml").write_text(HEAD + 'value = 2\ndiffers = "2 < 3"\nours = 1\n')
    (papers.out / "one").mkdir(parents=True)
    (papers.out / "one" / "curve.svg").write_text("<?xml?><!-- head --><svg><path/></svg>")
    (papers.out / "one" / "curve.json").write_text('{"caption": "What\\n  is <shown>."}')
    assert papers.main("--quick") == 0
    text = (papers.out / "index.html").read_text()
    assert "<b>1 REPRODUCED</b>" in text
    assert "<b>1 DIFFERS</b>" in text
    assert "<li>2 &lt; 3</li>" in text
    assert "<figure><svg><path/></svg><figcaption>What is &lt;shown&gt;.</figcaption></figure>" in text
    assert ">DIFFERS (1)</td>" in text
    assert "python -m paper_repro --quick</pre>" in text
    assert not re.search(r"<script|<link|src=|@import", text)  # nothing from elsewhere


def test_errors_are_one_line(papers, capsys):
    assert main(["natual"]) == 2
    assert capsys.readouterr().err == "paper_repro: error: 'natual' is not a paper: choose from one, two\n"
    assert main(["one", "--jobs", "0"]) == 2
    assert "jobs=0" in capsys.readouterr().err
    (papers.out / "one").mkdir(parents=True)
    (papers.out / "one" / "result.json").write_text("not ours")
    assert papers.main("one") == 2
    assert "was not written by compth" in capsys.readouterr().err
