"""Proofs by laws on cells: right programs in many styles are proved, mutants never; certificates replay, strictly."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify
from compth.certification.beside import drawn_by_numpy
from compth.certification.cells import question, stage, visits, words
from compth.certification.cells.evaluation import Ties
from compth.certification.cells.nodes import Node, Stopped, holds
from compth.certification.cells.numbers import Numbers, Unknown
from compth.certification.cells.scripted import draw_errors_raised, scripted
from compth.certification.subject import as_subject, declared_claims
from compth.certification.tracer import TooManyLeaves, leaves
from compth.proof import cells
from tests.thorough import alone, thorough, tries

from . import corners, loops, outside, piecewise, randomly, rebound, sly, styles, unlike
from .piecewise import FALSE, PARTIAL, TRUE

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def found(program, claim, d):
    """What the stage alone says."""
    subject = as_subject(program)
    (make,) = declared_claims(subject, claim, {})
    return question.ask(subject, d, make(d), 60.0).found[0]


@pytest.mark.slow
@pytest.mark.parametrize("programs", [piecewise, styles])
@pytest.mark.parametrize("d", [3, 30])
def test_right_programs_are_proved(d, programs):
    said = {f.__name__: found(f, claim, d).says for f, claim in programs.TRUE.items()}
    assert not {name: says for name, says in said.items() if says}
    assert len(said) >= 25


def test_one_of_each_kind_is_proved():
    for name in ("natural_masked", "dither_one", "terngrad", "grid_add", "scaled_sign", "sample_one"):
        (program,) = (f for f in TRUE if f.__name__ == name)
        assert found(program, TRUE[program], 3).data is not None, name


@pytest.mark.parametrize("d", [3, pytest.param(30, marks=[pytest.mark.slow, alone])])
def test_what_loops_run_up_is_what_numpy_has_a_word_for(d):
    said = {f.__name__: found(f, claim, d).says for f, claim in loops.TRUE.items()}
    assert not {name: says for name, says in said.items() if says}


@alone
@pytest.mark.slow
def test_what_looks_like_it_in_loops_is_not_proved():
    proved = [f.__name__ for f, claim in loops.FALSE.items() if found(f, claim, 8).data is not None]
    assert not proved
    assert len(loops.FALSE) >= 16


def test_a_name_may_mean_another_array_on_one_way_of_a_branch():
    assert not [f.__name__ for f in rebound.RIGHT if found(f, ct.Unbiased(0), 3).data is None]


@pytest.mark.parametrize(("of_integers", "cut"), [(True, True), (False, False)])
def test_a_selection_has_the_type_of_what_it_selects_from(of_integers, cut):
    """An array made with it cuts numbers off where numpy's does."""

    def stored(x):
        of = np.arange(len(x)) if of_integers else x
        out = np.zeros(len(x), dtype=of[x > 0].dtype)
        out[:] = x
        return 1.0 * out

    trace = stage.traced(stored, 3, True)
    assert {holds(v, "cast") for v in trace.outputs} == {cut}
    assert stored(np.array([1.5, -1.0, 2.0]))[0] == (1.0 if cut else 1.5)


@pytest.mark.parametrize("turned", [False, True])
def test_a_tie_has_one_answer_for_both_orders(turned):
    """Whichever node lies lower in memory: laws would else come in another order in another process."""
    nodes = [Node("x", (i,), "") for i in range(2)]
    a, b = reversed(nodes) if turned else nodes
    ties = Ties([False, True])
    assert (ties.compared(a, b), ties.compared(b, a), len(ties.answers)) == (1, -1, 2)


def test_memory_that_two_ways_share_is_not_written():
    said = {f.__name__: found(f, ct.Unbiased(0), 3).says for f in rebound.WRONG}
    assert not {name: says for name, says in said.items() if "one of two on two ways" not in says}


def test_words_of_python_that_are_not_traced_say_so():
    def kept(x):
        places = set(range(1))
        return np.array([x[i] if i in places else 0.0 for i in range(len(x))])

    assert "set() is not traced" in found(kept, ct.Contractive("1/d"), 3).says


def test_a_partial_and_an_object_are_proved_as_functions_are():
    assert found(PARTIAL, ct.Unbiased("d/64"), 3).data


@pytest.mark.slow
@pytest.mark.parametrize("at", [0, 2])
def test_mutants_are_not_proved(at):
    proved = [f.__name__ for f, claim in FALSE.items() if found(f, claim, (3, 8, 30)[at]).data is not None]
    assert not proved
    assert len(FALSE) >= 25


@thorough
@pytest.mark.slow
def test_programs_that_look_right_to_a_tracer_are_not_proved():
    """A third of them, or all."""
    some = list(sly.SLY.items())[:: tries(3, 1)]
    proved = [f.__name__ for f, claim in some if found(f, claim, 3).data is not None]
    assert not proved
    assert len(sly.SLY) >= 60


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow, id="all"), pytest.param(9, id="some")]
)
def test_programs_that_are_wrong_on_a_thin_set_are_not_proved(step):
    listed = list(outside.THIN.items())[::step]
    proved = [f.__name__ for f, (claim, d) in listed if found(f, claim, d).data is not None]
    assert not proved
    assert len(outside.THIN) >= 100


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow, id="all"), pytest.param(29, id="some")]
)
def test_programs_of_which_numbers_are_unlike_symbols_are_not_proved(step):
    listed = [*unlike.THIN.items(), *corners.THIN.items()][::step]
    proved = [f.__name__ for f, (claim, d) in listed if found(f, claim, d).data is not None]
    assert not proved
    assert len(unlike.THIN) + len(corners.THIN) >= 300


@pytest.mark.parametrize(("start", "count"), [(0, 250), pytest.param(1000, 4000, marks=pytest.mark.slow)])
def test_traces_of_random_programs_are_what_numpy_makes(start, count):
    traced = 0
    for seed in range(start, start + count):
        f = randomly.program(seed)
        outputs = (
            [] if f is None else [(x, y) for x in randomly.INPUTS if (y := randomly.real(f, x)) is not None]
        )
        if not outputs:
            continue
        try:
            trace = stage.traced(f, 3, True)
        except Stopped:
            continue
        traced += 1
        for x, y in outputs:
            now = Numbers(x, trace.floats)
            try:
                seen = np.array([now.at(n) for n in trace.outputs])
            except Unknown:
                continue
            assert not np.isfinite(y).all() or np.allclose(seen, y, rtol=1e-9, atol=1e-12), randomly.text(
                seed
            )
    assert traced > count // 5


UNMET = {
    "mod_entry",
    "exponent_mantissa",
    "sum_signs_odd",
    "decreasing",
    "order_pattern",
    "disc",
    "lattice_prime",
}
"""Sets so thin, or so far from all numbers of the program, that no run is made on them."""


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow, id="all"), pytest.param(15, id="some")]
)
def test_a_word_that_is_traced_wrongly_is_seen_by_a_real_run(monkeypatch, step):
    """Planted: np.fromiter without its count. Where that matters a real run must be made, or all else must stop."""
    wrong = words.Word(lambda a, dtype=None, count=-1: words.make_array(list(a), dtype))
    monkeypatch.setitem(words.NUMPY, "fromiter", wrong)
    listed = [(f, *about) for f, about in unlike.VISITED.items() if f.__name__ not in UNMET][::step]
    said = {f.__name__: found(f, claim, d).says for f, claim, d in listed}
    assert all(said.values()), [name for name, says in said.items() if not says]
    assert sum("a real run at" in says for says in said.values()) >= 0.6 * len(said)


@pytest.mark.parametrize("program", styles.PARTED)
def test_what_float64_breaks_is_not_proved_and_says_where(program):
    assert "a real run" in found(program, styles.PARTED[program], 3).says


def test_what_is_raised_inside_a_chosen_draw_is_raised_after_the_call():
    """C lets nothing through: a limit of time and Ctrl-C were lost, and the worker's supervisor refuted the program."""

    class Failing(dict):
        def get(self, at):
            raise KeyboardInterrupt

    rng = scripted(Failing(), 1)
    with pytest.raises(KeyboardInterrupt), draw_errors_raised():
        rng.random()
    with draw_errors_raised():
        assert scripted({0: 0.25}, 1).random() == 0.25


def test_chosen_draws_cost_us_and_not_the_program():
    assert drawn_by_numpy(np.random.default_rng(0))
    assert not drawn_by_numpy(scripted({}, 0))
    assert not drawn_by_numpy(None)


def test_a_loop_until_something_is_drawn_ends():
    """Symbolic runs take the first branch for ever: certify did not come back."""

    def distinct(x, rng):
        kept = set()
        while len(kept) < 2:
            kept.add(int(rng.integers(len(x))))
        y = np.zeros(len(x))
        for j in kept:
            y[j] = x[j] * len(x) / 2
        return y

    with pytest.raises(TooManyLeaves, match="in one run"):
        list(leaves(lambda rng: distinct(np.ones(4), rng)))
    assert certify(distinct, 4, claims=ct.Unbiased("d/2 - 1"), budget="quick").verdict is not Verdict.REFUTED


def test_scripted_draws_are_numpys_own():
    rng = scripted({0: 0.25, 2: 0.65, 3: 0.9, 4: 0.3}, 1)
    assert type(rng) is np.random.Generator
    assert rng.random() == 0.25
    assert rng.random() not in (0.25, 0.65)
    assert (rng.integers(10), rng.choice(4, p=[0.1, 0.2, 0.3, 0.4])) == (6, 3)
    assert rng.uniform(1, 3) == 1.6


def test_a_shuffle_that_rejects_its_draws_ends():
    rng = scripted(visits.Always(1 - 1e-12), 1)
    assert sorted(rng.permutation(3)) == [0, 1, 2]


def test_entries_that_are_kept_on_all_of_the_line_take_no_part_of_the_bound():
    def first_only(x):
        y = x.copy()
        y[0] = np.where(x[0] > 1.25, 1 * x[0], x[0])
        return y

    assert found(first_only, ct.Unbiased(0), 3).data


def doubled_powers(x):
    e = np.log2(np.abs(np.where(x == 0, 1, x)))
    return np.where(e == np.floor(e), 2 * x, x)


def branch_not_taken(x):
    with np.errstate(all="ignore"):
        return np.where(x != 0, 1 / x * x * x, 0)


def branch_taken(x):
    with np.errstate(all="ignore"):
        return 1 / x * x * x


def sign_of_zero(x):
    return np.abs(x) * np.sign(x)


def sign_of_zero_wrong(x):
    return np.abs(x) * np.where(x > 0, 1, -1) + np.where(x == 0, 1, 0)


def floors(x):
    return (np.floor(x) + np.ceil(-x)) + x


def floors_wrong(x):
    return (np.floor(x) + np.floor(-x)) + x


def cast_bounded(x):
    top = np.abs(x).max()
    return x + (np.abs(x) / top * 0.5).astype(int) if top > 0 else 0 * x


def cast_unbounded(x):
    return x - np.floor(x).astype(int) + np.floor(x)


def written_in_place(x):
    y = x.copy()
    half = y[::2]
    half *= 2
    y[::2] = half / 2
    return y


def written_through_a_view(x):
    y = x.copy()
    half = y[::2]
    half *= 2
    return y


def equal_number(x):
    return np.where(x == 1.25, 0, x)


def equal_entries(x):
    return np.where(x == x[::-1], 0, x)


RULES = [
    (doubled_powers, False), (branch_not_taken, True), (branch_taken, False), (sign_of_zero, True),
    (sign_of_zero_wrong, False), (floors, True), (floors_wrong, False), (cast_bounded, True), (cast_unbounded, False),
    (written_in_place, True), (written_through_a_view, False), (equal_number, False), (equal_entries, False),
]  # fmt: skip
"""Programs that are the identity, or all but on a border."""
ON_A_LATTICE = (floors, floors_wrong, cast_unbounded)


@pytest.mark.parametrize(("program", "holds"), RULES)
def test_each_border_has_its_rule(program, holds):
    claim = ct.AbsoluteError(0) if program in ON_A_LATTICE else ct.Unbiased(0)
    assert (found(program, claim, 3).data is not None) is holds


def test_aliases_state_and_types_are_refused_with_their_line():
    words = {sly.alias2: "on two ways of a branch", sly.counter: "line", sly.dt: "asks for a dtype",
             sly.tryx: "catches an exception", sly.nonl: "outer function", sly.glob2: "uses .random"}  # fmt: skip
    for program, word in words.items():
        says = found(program, ct.Unbiased("1/8"), 3).says
        assert word in says
        assert says.count("line ") == 1
        assert "None" not in says


@pytest.mark.parametrize(
    "asked", ["x.dtype.kind == 'i'", "(x > 0).dtype.kind == 'f'", "(x * 1.0).dtype.kind != 'f'"]
)
def test_the_kind_of_a_dtype_is_not_told(asked):
    """It was known to the trace: a program that is wrong for whole numbers alone was proved."""
    space = {"np": np}
    body = "m, e = np.frexp(np.abs(x))\n    up = rng.random(x.shape) < 2 * m - 1"
    out = f"np.sign(x) * np.ldexp(0.5, e) * np.where(up, 2.0, 1.0) * (3 if {asked} else 1)"
    exec(f"def program(x, rng):\n    {body}\n    return {out}", space)
    says = found(space["program"], ct.Unbiased("1/8"), 3).says
    assert ".kind of an array, a dtype" in says


@pytest.mark.slow
def test_constants_a_little_too_small_are_not_proved():
    for program, claim in TRUE.items():
        (name, text), *_ = claim.constants.items()
        factor = "1.001" if name == "delta" else "0.999"
        tighter = claim.with_constants(**{name: f"({text}) * {factor}"})
        if program.__name__ not in LOOSE:
            assert found(program, tighter, 3).data is None, program.__name__


LOOSE = (
    "qsgd",
    "qsgd_bernoulli",
    "qsgd_loop",
    "dither_levels",
    "dither_max",
    "truncate_mantissa",
    "half_max",
)
"""Their claims are upper bounds at d = 3."""


@pytest.fixture(scope="module")
def certificate():
    return found(next(iter(TRUE)), ct.Unbiased("1/8"), 3).data


def numbers(data, path=()):
    """Where numbers stand in a certificate."""
    if isinstance(data, dict | list):
        for k, v in data.items() if isinstance(data, dict) else enumerate(data):
            yield from numbers(v, (*path, k))
    elif isinstance(data, int) or (isinstance(data, str) and data.lstrip("-").replace("/", "").isdigit()):
        yield path


def altered(data, path):
    out = copy.deepcopy(data)
    inside = out
    for k in path[:-1]:
        inside = inside[k]
    old = inside[path[-1]]
    inside[path[-1]] = old + 1 if isinstance(old, int) else str(cells.Fraction(old) + cells.Fraction(1, 7))
    return out


def test_a_certificate_altered_in_one_number_is_refused(certificate):
    places = [p for p in numbers(certificate) if p != ("digest",)]
    assert len(places) > 40
    for path in places:
        with pytest.raises(cells.Refused):
            cells.check(altered(certificate, path))


def test_a_law_altered_and_sealed_again_is_refused(certificate):
    """The seal is not what the check rests on: of the laws' own numbers none may change."""
    kept = ("d", "digest")
    for path in numbers(certificate):
        if path[0] in kept or "claim" in path or path[-1] == "count":
            continue
        forged = altered(certificate, path)
        forged["digest"] = cells.digest(forged)
        with pytest.raises(cells.Refused):
            cells.check(forged)


def test_a_missing_border_is_refused(certificate):
    for at, piece in enumerate(certificate["groups"][0]["charts"][0]):
        forged = copy.deepcopy(certificate)
        del forged["groups"][0]["charts"][0][at]
        forged["digest"] = cells.digest(forged)
        with pytest.raises(cells.Refused, match="cover"):
            cells.check(forged)
        assert piece


def test_a_certificate_replays_in_a_fresh_process(certificate, tmp_path):
    file = tmp_path / "natural.json"
    file.write_text(json.dumps(certificate))
    command = [sys.executable, "-m", "compth.proof.cells", str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (
        run.returncode,
        "proved, Unbiased(omega = 1/8) for all x of length 3, of whatever has the laws in" in run.stdout,
    ) == (0, True)
    file.write_text(json.dumps({**certificate, "d": 4}))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_the_pipeline_proves_and_says_what_is_assumed():
    program, claim = next(iter(TRUE.items()))
    report = ct.certify(program, 3, claims=claim)
    (made,) = report.certificates
    assert report.verdict is Verdict.PROVED
    assert made.technique == "laws on cells"
    assert cells.check(made.details["cells"])
    assert made.details["worst_entry"].startswith(
        "E(y - x)^2 / x^2 of one entry is at most 1/8, at or next to x = "
    )


def test_what_stops_a_proof_names_its_line():
    def median(x):
        return np.where(np.abs(x) >= np.median(np.abs(x)), x, 0)

    report = ct.certify(median, 3, claims=ct.Contractive("1/3"))
    assert report.verdict is not Verdict.PROVED
    assert any("numpy.median is not traced" in note and "line" in note for note in report.info["not_checked"])


class Halves:
    """x/2, with every word that is rewritten, in a method."""

    c = 0.5

    def __call__(self, x):
        y = np.zeros_like(x)
        for i in range(len(x)):
            if x[i] > 0 and not x[i] > 1:
                y[i] = self.c * x[i]
            else:
                y[i] = x[i] / 4 if x[i] < 0 else x[i] / 2
        return y


class HalvesButOnce(Halves):
    """False at one input."""

    def __call__(self, x):
        y = x / 2
        if x[0] == 1.2345 and x[1] > 0:
            y = 5 * x
        return y


class Kept(Halves):
    """False for what it leaves behind: no trace follows that."""

    def __call__(self, x):
        if x[0] == 1.2345:
            self.c = 3.0
        return self.c * x


def test_branches_of_methods_are_followed():
    claim = ct.Contractive("1/4")
    assert certify(Halves(), 3, claims=claim, budget="quick").verdict is Verdict.PROVED
    assert certify(HalvesButOnce(), 3, claims=claim, budget="quick").verdict is Verdict.REFUTED
    assert certify(Kept(), 3, claims=claim, budget="quick").verdict is not Verdict.PROVED


def test_an_adapted_object_is_not_traced():
    assert found(ct.adapt(Halves()), ct.Contractive("1/4"), 3).says == "an adapted object is not traced"
