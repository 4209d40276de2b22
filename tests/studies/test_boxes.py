"""Brackets over a box: stored certificates hold at every constant, edited ones are refused, a box is searched for."""

import copy
import itertools
import json
import os
import subprocess
import sys
from fractions import Fraction as F
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core.closed_forms import feedback_factor, feedback_step
from compth.studies.derivation import boxes, recheck, recheck_box
from compth.studies.derivation.boxes import Box, Instance, asked, box_of
from compth.studies.derivation.recheck_box import A, B, BoxCell, bernstein, between
from figures import boxes as page

PLACES = [(F(0), F(0)), (F(1, 3), F(2, 5)), (F(1), F(1, 7)), (F(5, 8), F(1))]


@pytest.fixture(scope="module")
def econtrol():
    return page.stored("EControl")


def at_a_point(box, cell, a, b):
    """A cell at one place, as `recheck.py` reads a bracket."""
    number = {k: p.at(a, b) for k, p in cell.params.items()}
    constants = {k: str(recheck_box.poly(cell.constants[k]).at(a, b)) for k in ("mu", "loss")}

    def valued(terms):
        out = []
        for scope, kind, i, sums in terms:
            c = sum(
                F(x) * np.prod([number[k] ** p for k, p in powers.items()] or [F(1)]) for x, powers in sums
            )
            out.append([scope, kind, i, str(c)])
        return out

    program = box.data["program"]
    return {
        "class": {**constants, "L": "1", "n": box.data["n"]},
        "window": box.data["window"],
        "program": {
            **program,
            "ops": [{"kind": op["kind"], "argument": valued(op["argument"])} for op in program["ops"]],
            "next": {k: valued(v) for k, v in program["next"].items()},
        },
        "upper": {
            "rho": str(cell.rho.at(a, b)),
            "scale": cell.cell["scale"],
            "v": {k: str(between(x).at(a, b)) for k, x in cell.cell["v"].items()},
            "multipliers": {k: str(between(x).at(a, b)) for k, x in cell.cell["multipliers"].items()},
        },
    }


@pytest.mark.parametrize("name", [a.name for a in page.BOXES])
def test_a_stored_cell_holds_as_a_polynomial_and_at_points(name):
    """The points by two implementations that share nothing with the polynomials: `recheck.py` and the LMI's model."""
    box, kind = page.stored(name), next(a.kind for a in page.BOXES if a.name == name)
    cell = box.cells[5]
    assert cell.lower_holds()
    assert cell.narrow(box.width)
    for a, b in PLACES[1:3]:
        data = at_a_point(box, cell, a, b)
        assert recheck.upper_holds(data)
        upper = data["upper"]
        params = {k: p.at(a, b) for k, p in cell.params.items()}
        q = asked(kind, F(data["class"]["mu"]), 1 - F(data["class"]["loss"]), params)
        own = {k: v for k, v in params.items() if k != "gamma"}
        model = q.model(params["gamma"], own, window=box.data["window"])
        v = {k: F(upper["v"].get(k, 0)) for k in model.now}
        used = {k: F(upper["multipliers"].get(k, 0)) for k in model.known}
        assert model.holds(F(upper["rho"]), v, used, F(upper["scale"]))
        assert not model.holds(F(upper["rho"]) - F(1, 50) * (1 - F(upper["rho"])), v, used, F(upper["scale"]))
        # the attained side: an eigenvalue of the very round of the package
        s = float(F(data["class"]["loss"])) ** 0.5
        factor = 1 + int(cell.cell["lower"]["sign"]) * s
        rows = recheck.round_matrix(data["program"], F(data["class"]["mu"]), [(F(factor), F(0))])
        radius = max(abs(np.linalg.eigvals(np.array([[float(x) for x, _ in row] for row in rows]))))
        assert float(cell.radius.at(a, b)) <= radius + 1e-12
        assert radius**2 <= float(F(upper["rho"]))


@pytest.mark.parametrize("name", [a.name for a in page.BOXES])
def test_the_step_is_one_rule_on_the_whole_box(name):
    """Cells agree on the nodes that they share."""
    seen = {}
    for cell in page.stored(name).data["cells"]:
        for (i, mu), (j, loss) in itertools.product(enumerate(cell["mu"]), enumerate(cell["loss"])):
            params = {k: v[i][j] for k, v in cell["parameters"].items()}
            assert seen.setdefault((mu, loss), params) == params
    assert len(seen) == 25


def changed(box, path, value):
    """The file with one entry replaced."""
    data = copy.deepcopy(dict(box.data))
    place = data
    for key in path[:-1]:
        place = place[key]
    assert place[path[-1]] != value
    place[path[-1]] = value
    return data


def test_a_box_with_one_thing_changed_is_refused(econtrol):
    cell = econtrol.data["cells"][0]
    assert BoxCell(econtrol.data, cell).upper_holds()
    v, used = next(iter(cell["v"])), max(cell["multipliers"], key=lambda k: F(cell["multipliers"][k][0][0]))
    upper = [
        (("cells", 0, "rho", 0, 0), str(F(cell["rho"][0][0]) - F(1, 100))),
        (("cells", 0, "v", v, 1, 1), str(-F(cell["v"][v][1][1]))),
        (("cells", 0, "multipliers", used, 0, 1), "0"),
        (("cells", 0, "multipliers", used, 0, 1), "-1"),
        (("cells", 0, "scale"), "0"),
        (("cells", 0, "loss", 1), "99/100"),
        (("cells", 0, "mu", 0), "1/40"),
        (("cells", 0, "parameters", "gamma", 0, 0), "2"),
    ]
    for path, value in upper:
        data = changed(econtrol, path, value)
        assert not BoxCell(data, data["cells"][0]).upper_holds(), path
    raised = str(F(cell["lower"]["radius"][1][1]) + F(1, 1000))
    for path, value in [
        (("cells", 0, "lower", "radius", 1, 1), raised),
        (("cells", 0, "lower", "size", 1), "1"),
        (("cells", 0, "lower", "curvature"), "L"),
    ]:
        data = changed(econtrol, path, value)
        assert not BoxCell(data, data["cells"][0]).lower_holds(), path
    assert not BoxCell(econtrol.data, cell).narrow(F(1, 10**4))


def test_a_gap_in_the_box_is_seen(econtrol):
    assert recheck_box.covered(econtrol.data)
    for k in (0, 7, 15):
        data = copy.deepcopy(dict(econtrol.data))
        del data["cells"][k]
        assert not recheck_box.covered(data)
    assert not recheck_box.covered(changed(econtrol, ("edges", "mu", 0), "1/30"))
    assert not recheck_box.covered(changed(econtrol, ("edges", "mu", 1), "1/30"))
    assert not recheck_box.covered(changed(econtrol, ("cells", 3, "loss", 1), "1/3"))
    with pytest.raises(InvalidParameter, match="outside the box"):
        econtrol.at(F(1, 50), F(3, 5))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*(a.name for a in page.BOXES), "EControl_many"])
def test_a_fresh_process_rechecks_the_files_with_the_standard_library_alone(name, tmp_path):
    for script in (recheck, recheck_box):
        (tmp_path / Path(script.__file__).name).write_text(Path(script.__file__).read_text())
    path = page.PAGE / f"{name.lower()}.json"
    command = [sys.executable, "-I", "-S", str(tmp_path / "recheck_box.py"), str(path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "holds" in run.stdout
    assert ("12 cells" if name.endswith("many") else "16 cells") in run.stdout


def test_an_installed_package_has_no_say_in_a_recheck(tmp_path):
    """Planted: a compth that raises, found before anything else."""
    lying = tmp_path / "elsewhere" / "compth"
    lying.mkdir(parents=True)
    (lying / "__init__.py").write_text("raise SystemExit('compth was asked')\n")
    for script in (recheck, recheck_box):
        (tmp_path / Path(script.__file__).name).write_text(Path(script.__file__).read_text())
    run = subprocess.run(
        [sys.executable, "-S", str(tmp_path / "recheck_box.py")],
        env={**os.environ, "PYTHONPATH": str(lying.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (2, "usage: python recheck_box.py BOX.json ...\n")


def test_files_that_are_no_box_are_one_line(tmp_path, capsys, econtrol):
    path = tmp_path / "none.json"
    for text in ("{", "{}", json.dumps(changed(econtrol, ("cells", 0, "rho"), [["1/2"]]))):
        path.write_text(text)
        assert recheck_box.main([str(path)]) == 1
        assert capsys.readouterr().out.count("\n") == 1
    assert recheck_box.main([]) == 2


def test_bernstein_coefficients_are_a_polynomials():
    table = [[F(1, 2), F(3), F(-1)], [F(2), F(1, 3), F(5)]]
    p = between(table)
    assert bernstein(p, (1, 2)) == [x for row in table for x in row]
    q = (A * 2 - B + F(1, 3)) * p - 1
    for a, b in PLACES:
        assert q.at(a, b) == (2 * a - b + F(1, 3)) * p.at(a, b) - 1
    assert q == (A * 2 - B + F(1, 3)) * p - 1
    assert q != p
    assert recheck_box.never_negative((A - B) * (A - B) + F(1, 2))
    assert not recheck_box.never_negative(A - B)
    assert not recheck_box.always_psd([[A, B], [B, A]])
    assert recheck_box.always_psd([[A + 1, B], [B, A + 1]])


@pytest.mark.parametrize(("mu", "delta"), [(F(1, 10), F(1, 2)), (F(1, 20), F(2, 5)), (F(1, 8), F(3, 5))])
def test_better_than_error_feedback_is_said_of_what_is_better_alone(mu, delta):
    """Of a rate 3 per cent better than EF21's tight one a gain of 3 per cent is shown, of 3.1 not; of its own none."""
    best = 1 - feedback_factor(float(mu), 1, float(delta))
    norm = F(float(1 - delta) ** 0.5).limit_denominator(10**9) - F(1, 10**8)
    constants = {"mu": recheck_box.poly(mu), "loss": recheck_box.poly(1 - delta)}

    def with_rate(gain):
        rho = recheck_box.poly(1 - F(best * gain).limit_denominator(10**12))
        return SimpleNamespace(constants=constants, rho=rho, cell={"lower": {"size": [str(norm)] * 2}})

    assert boxes.better_by(with_rate(1.0301), F(3, 100))
    assert not boxes.better_by(with_rate(1.0301), F(31, 1000))
    assert not boxes.better_by(with_rate(1), F(1, 10**4))


def shortened(mu, delta):
    """A rule for EF21."""
    return {"gamma": F(0.9 * feedback_step(float(mu), 1, float(delta))).limit_denominator(1000)}


def quarter(mu, delta):
    """One step everywhere."""
    return {"gamma": F(1, 4)}


@pytest.fixture(scope="module")
def small():
    return box_of(ct.EF21, [F(1, 10), F(1, 9)], [F(1, 2), F(21, 40)], shortened, Instance(), window=0)


def test_a_box_is_searched_for_and_holds(small):
    assert small.check()
    assert small.width < F(1, 100)
    for mu, delta in itertools.product((F(1, 10), F(2, 19), F(1, 9)), (F(1, 2), F(41, 80), F(21, 40))):
        lower, upper, params = small.at(mu, delta)
        tight = ct.tight_rate("EF21", mu=mu, L=1, delta=delta, gamma=params["gamma"])
        assert float(lower) <= tight.attained + 1e-12
        assert tight.attained <= float(upper)
    assert not Box(changed(small, ("width",), "1/10000")).check()


def test_boxes_that_are_none_are_one_line():
    for mu in ([F(1, 10)], [F(1, 5), F(1, 10)]):
        with pytest.raises(InvalidParameter, match="must rise"):
            box_of(ct.EF21, mu, [F(1, 2), F(3, 5)], quarter, Instance())
    with pytest.raises(Unsupported, match=r"no real root|no certificate"):
        box_of(ct.EF21, [F(1, 50), F(1, 2)], [F(1, 10), F(9, 10)], quarter, Instance(), window=0)


@pytest.mark.parametrize("name", ["recheck", "recheck_box", "recheck_symbols"])
def test_a_checker_runs_where_it_lies(name):
    """Python looks beside a script first, and takes a module there for the standard library's of that name."""
    path = Path(recheck.__file__).with_name(f"{name}.py")
    out = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert (out.returncode, out.stderr.split(".py")[0]) == (2, f"usage: python {name}")
    assert not {p.stem for p in path.parent.glob("*.py")} & sys.stdlib_module_names
