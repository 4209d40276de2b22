"""`analyse`: the algorithm as understood, what follows from it, and which line stops what does not."""

from __future__ import annotations

import json
from fractions import Fraction as F

import pytest

import compth as ct
from compth.cli import run
from compth.errors import InvalidParameter
from compth.methods.core.listing import listing
from tests.methods import bodies

pytest.importorskip("clarabel")
PROBLEM = ct.problems.random_quadratic(3, 4, 5, seed=0)
FILE = '''
from __future__ import annotations
import compth as ct

@ct.method
def Momentum(w, x, m: ct.Server, *, gamma, beta):
    """Compressed gradients with momentum."""
    m_next = beta * m + w.mean(w.compress(w.gradient(x)))
    return dict(x=x - gamma * m_next, m=m_next)

def plain(w, x, *, gamma):
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))))

def squared(w, x, *, gamma):
    g = w.mean(w.gradient(x))
    return dict(x=x - gamma * g * g)

NUMBER = 3
'''


def test_pseudo_code_and_latex_come_from_the_trace():
    found = listing(bodies.DianaMomentum, {}, 3, 4, False)
    assert found.symbolic
    assert found.lines[2:] == (
        "repeat",
        "    every worker i: g_i = grad f_i(x)",
        "    every worker i: c_i = C_i(g_i - h_i), sent",
        "    x+ = x - beta*gamma m - gamma mean(h) - gamma mean(c)",
        "    m+ = beta m + mean(h) + mean(c)",
        "    h_i+ = h_i + alpha c_i",
    )
    assert r"h_{i}^{+} &= h_{i} + \alpha c_{i}" in found.latex
    coin = listing(bodies.Marina, {}, 3, 4, True).lines
    assert "    with probability 1 - p: g+ = g + mean(c)" in coin
    assert "    server: b = C_M(g), heard by all" in coin


def test_a_body_that_asks_for_its_parameters_is_shown_with_numbers():
    @ct.method
    def Asking(w, x, *, gamma):
        return dict(x=x - (gamma if gamma < 1 else 1) * w.mean(w.gradient(x)))

    found = listing(Asking, {"gamma": F(1, 4)}, 2, 3, False)
    assert not found.symbolic
    assert found.lines[-1] == "    x+ = x - 1/4 mean(g)"


def test_the_numbers_are_those_of_the_functions():
    compressor = ct.RandK(1)
    found = ct.analyse(bodies.Shifted, [compressor], PROBLEM, gamma=0.25, params={"alpha": 0.25})
    (setting,) = found.settings
    made = bodies.Shifted(compressor, 0.25, 0.25)
    claim = {"mu": PROBLEM.mu_min, "L": PROBLEM.L_max, "omega": 3, "n": 3}
    assert (
        setting.numbers["certified"]
        == ct.tight_rate(bodies.Shifted, gamma=0.25, alpha=0.25, **claim).certified
    )
    assert setting.numbers["exact_rate"] == ct.exact_rate(made, PROBLEM).rho
    assert setting.numbers["max_stable_step"] == pytest.approx(ct.max_stable_step(made, PROBLEM), rel=1e-3)
    text = found.text()
    for piece in (
        "no floor",
        "1 message from every worker",
        "server follows  h_i",
        "worst instance",
        "certified rate",
    ):
        assert piece in text
    assert json.loads(json.dumps(found.to_dict()["derived"])) == dict(found.derived)


def test_parameters_that_are_found_are_stable_and_no_worse_than_a_grid():
    found = ct.analyse(bodies.Shifted, omega=2, mu=F(1, 10), L=1, n=3).settings[0].numbers
    grid = [
        ct.tight_rate(bodies.Shifted, mu=F(1, 10), L=1, omega=2, n=3, gamma=g, alpha=a).certified
        for g in (F(1, 4), F(1, 2), F(3, 4))
        for a in (F(1, 10), F(1, 4))
    ]
    assert found["certified"] <= min(g for g in grid if g is not None) * (1 + 1e-3)


@pytest.mark.parametrize(
    ("kind", "compressor", "says"),
    [
        (bodies.Shifted, ct.Shared(ct.RandK(1)), "workers that compress independently"),
        (bodies.Compressed, ct.TopK(1), "not a linear sketch"),
    ],
)
def test_what_is_not_derived_says_why(kind, compressor, says):
    params = {"alpha": 0.25} if kind is bodies.Shifted else {}
    assert says in ct.analyse(kind, [compressor], PROBLEM, gamma=0.1, params=params).text()


def test_inputs_that_cannot_be_read_are_refused():
    class Cat(ct.CAT):
        """A step of a user's own, whatever it is called."""

    Cat.__name__ = "CAT"
    with pytest.raises(InvalidParameter, match="CAT is no method written as a body"):
        ct.analyse(Cat)
    with pytest.raises(InvalidParameter, match="beta=1 is no parameter of Shifted"):
        ct.analyse(bodies.Shifted, params={"beta": 1})
    with pytest.raises(InvalidParameter, match="give both or neither"):
        ct.analyse(bodies.Shifted, mu=1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


@pytest.mark.slow
def test_the_command(file, capsys):
    assert run(["analyse", f"{file}:Momentum", "--param", "gamma=1/4", "--param", "beta=1/4", "-c", "RandK(k=2)",
                "--workers", "2", "--dim", "3"]) == 0  # fmt: skip
    text = capsys.readouterr().out
    for piece in (
        "Compressed gradients with momentum",
        "m+ = beta m + mean(c)",
        "a floor on heterogeneous data",
    ):
        assert piece in text
    assert (
        run(["analyse", f"{file}:plain", "--mu", "1/10", "--L", "1", "--omega", "1", "-n", "2", "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["settings"][0]["certified"] < 1
    assert run(["analyse", f"{file}:plain", "--latex"]) == 0
    assert capsys.readouterr().out.startswith("\\begin{align*}")
    assert run(["analyse", f"{file}:squared"]) == 0
    assert "line 16 (return dict(x=x - gamma * g * g)): a vector times a vector" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{file}:NUMBER"], "int is no method written as a body"),
        (["{file}:nothing"], "has no 'nothing'"),
        (["{file}"], "must be FILE.py:NAME"),
        (["{file}:plain", "--param", "alpha"], "must be NAME=VALUE"),
        (["{file}:plain", "-c", "RandK(k=9)"], "k <= d"),
        (["{file}:plain", "--mu", "0"], "mu"),
    ],
)
def test_bad_input_is_one_line(file, capsys, arguments, says):
    assert run(["analyse", *(a.format(file=file) for a in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert says in captured.err


def test_a_method_of_the_catalogue_is_analysed_by_name(capsys):
    assert run(["analyse", "GD", "--dim", "3", "--workers", "2"]) == 0
    shown = capsys.readouterr().out
    assert "x+ = x - gamma mean(g)" in shown
    assert "gd.contraction, PROVED" in shown
    assert "certified rate" in shown
    assert run(["analyse", "SGD(oracle=Minibatch(size=2))", "--latex"]) == 0
    assert r"\nabla f_i(x)" in capsys.readouterr().out
    assert run(["analyse", "RandK(k=2)"]) == 2
    assert "must be FILE.py:NAME or a method" in capsys.readouterr().err


def test_what_the_catalogue_knows_of_a_class_stands_beside_what_is_found():
    (seen,) = ct.analyse(ct.DIANA(ct.RandK(1), gamma=0.1, alpha=0.25), (), PROBLEM).settings
    lines = dict(seen.lines)
    assert lines["parameters given"] == "gamma=0.1, alpha=0.25"
    promised = ct.guarantee(ct.DIANA(ct.RandK(1), gamma=0.1, alpha=0.25), PROBLEM)
    assert promised.theorem in lines["guarantee"]
    assert seen.numbers["certified"] >= seen.numbers["exact_rate"]
    assert seen.numbers["exact_rate"] == ct.exact_rate(ct.DIANA(ct.RandK(1), 0.1, alpha=0.25), PROBLEM).rho


@pytest.mark.slow
def test_an_oracle_a_table_and_a_step_of_its_own_say_what_stops_them():
    sums = ct.problems.random_finite_sum(2, 2, 3, 5, seed=0)

    def said(what):
        found = ct.analyse(what, [ct.RandK(1)], sums)
        return found, dict(found.settings[0].lines)

    found, lines = said(ct.SGD)
    assert dict(found.derived)["gradients"] == "drawn by Minibatch()"
    assert "stochastic gradients are outside the class" in lines["worst case"]
    assert "sgd.reweighted" in lines["guarantee"]
    assert "draw together" in said(ct.SAGA)[1]["worst case"]
    found, lines = said(ct.VRDIANA)
    assert "every worker i: v_i = (g2_ij - g1_ij) at one part j, drawn uniformly" in "".join(found.algorithm)
    assert "drawn parts" in lines["worst case"]
    assert "best exact rate" in lines
    found, lines = said(ct.CAT)
    assert "CAT is no body" in found.stopped
    assert "cat.workers" in lines["guarantee"]
    assert "every worker i: c2_i = S_i(g_i), sent, the same S_i wherever it stands" in "".join(
        ct.analyse(ct.IST).algorithm
    )


@pytest.mark.slow
def test_the_search_finds_more_than_theorems_promise():
    problem = ct.problems.random_quadratic(2, 3, 5, seed=0, hessians=0.3)
    (found,) = ct.analyse(ct.DIANA, [ct.RandK(1)], problem).settings
    assert found.numbers["certified"] < ct.guarantee(ct.DIANA(ct.RandK(1)), problem).rho
    assert set(found.numbers["parameters"]) == {"alpha"}


def test_a_body_that_compresses_asks_with_what():
    """Nobody named a compressor: the default sends everything, and its numbers are not those of the method."""

    @ct.method
    def Asks(w, x, *, gamma):
        return {"x": x - gamma * w.mean(w.compress(w.gradient(x)))}

    problem = ct.problems.random_quadratic(n=2, d=2, kappa=3, seed=0)
    alone, default = ct.analyse(Asks), ct.analyse(Asks(gamma=0.1), problem=problem)
    assert "none is named; name one as compressors=[ct.RandK(k=2)]" in str(alone)
    assert "Identity(), the default: nothing is compressed; name one" in str(default)
    assert not alone.settings
    for said in (
        ct.analyse(Asks, [ct.RandK(k=1)]),
        ct.analyse(Asks(ct.RandK(k=1), gamma=0.1)),
        ct.analyse(ct.GD()),
    ):
        assert "name one" not in str(said)
    for wrong in (problem, ct.RandK(k=1), "RandK(k=1)", [problem]):
        with pytest.raises(ct.errors.InvalidParameter, match="must be a list, as compressors="):
            ct.analyse(Asks, wrong)


def test_an_instance_is_asked_about_with_another_compressor():
    """The promise is that of the compressor that was asked about, not of the one that the instance holds."""
    problem = ct.problems.random_quadratic(4, 6, 10, seed=0)
    found = ct.analyse(ct.DIANA(ct.Identity()), problem=problem, compressors=[ct.RandK(k=2)])
    line = dict(found.settings[0].lines)["guarantee"]
    want = ct.guarantee(ct.DIANA(ct.RandK(k=2)), problem).rho
    held = ct.guarantee(ct.DIANA(ct.Identity()), problem).rho
    assert f"rho={float(want):.6g}" in line
    assert f"{float(want):.6g}" != f"{float(held):.6g}"
    assert found.settings[0].title.startswith("DIANA RandK(k=2)")


def test_constants_that_do_not_hold_the_problem_are_refused():
    """Its certified rate would stand above the exact rate of a problem outside the class, and refute it."""
    q = ct.problems.random_quadratic(n=4, d=6, kappa=10, seed=0)
    with pytest.raises(InvalidParameter, match="do not hold the problem, whose workers have"):
        ct.analyse(ct.DCGD, [ct.RandK(k=2)], q, mu=0.5, L=0.6, gamma=0.1)
    wide = ct.analyse(ct.DCGD, [ct.RandK(k=2)], q, mu=q.mu_min / 2, L=2 * q.L_max, gamma=0.1)
    assert wide.settings[0].numbers["certified"] >= wide.settings[0].numbers["exact_rate"]


def test_a_claim_of_a_users_compressor_is_named_beside_the_class_that_it_names():
    """The rate is certified for the class of the claim; a compressor that claims too much is not in it."""

    class Boaster(ct.RandK):
        def claims(self, d):
            return (ct.Unbiased(F(1, 1000)),)

    q = ct.problems.random_quadratic(n=2, d=4, kappa=10, seed=0)
    boasting = str(ct.analyse(ct.DCGD, [Boaster(k=2)], q, gamma=0.1))
    assert "omega=0.001, which" in boasting
    assert "says of itself" in boasting
    assert "says of itself" not in str(ct.analyse(ct.DCGD, [ct.RandK(k=2)], q, gamma=0.1))
