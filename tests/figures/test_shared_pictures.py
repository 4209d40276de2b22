"""Who is right, the error atlas and the animation: what they show holds in their data, and planted errors are seen."""

import dataclasses
import importlib

import numpy as np
import pytest
from PIL import Image

import compth as ct
from figures._command import caption, main

WHO = importlib.import_module("figures.who_is_right")


@pytest.fixture(scope="module")
def few():
    """GD and DCGD alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WHO, "METHODS", ("GD", "DCGD"))
        return WHO.compute()


def test_exact_and_simulated_agree_and_promises_are_kept(few):
    rows = few["rows"]
    assert [r["guarantee"] for r in rows] == sorted(r["guarantee"] for r in rows)
    said = WHO.facts(few)
    assert said["agree"] == said["kept"] == said["rows"] == len(rows) >= 4
    gd = rows[0]
    assert gd["theorem"] == "gd.contraction"
    # by hand: at gamma = 2/(mu + L) the factor of E||x_t - x*||^2 is at most ((kappa - 1)/(kappa + 1))^2
    assert gd["guarantee"] == gd["certified"] == int(np.ceil(np.log(1e-3) / (2 * np.log(99 / 101))))
    words = " ".join(caption(WHO, few).split())
    assert f"agree in {len(rows)} of {len(rows)} rows" in words


def test_a_step_that_is_not_the_theorems_is_seen(few, monkeypatch):
    """Planted: runs with twice the step that promise and exact value speak of."""
    q, honest = WHO.problem(), ct.simulate

    def longer(method, problem, steps, runs, seed, theorem):
        gamma = ct.guarantee(method, problem, theorem=theorem).stepsize
        return honest(dataclasses.replace(method, gamma=2 * gamma), problem, steps, runs, seed)

    monkeypatch.setattr(WHO.ct, "simulate", longer)
    goal = 1e-3 * float(q.start @ q.start)
    old = next(r for r in few["rows"] if r["theorem"] == "dcgd.general")
    new = WHO.row(WHO.of_method("DCGD", q), q, "dcgd.general", goal, old["guarantee"])
    assert WHO.agrees(old)
    assert not WHO.agrees(new)


def test_a_promise_that_is_broken_is_counted(few):
    """Planted: a theorem that promises half of what is needed."""
    rows = [dict(r) for r in few["rows"]]
    rows[1]["guarantee"] = rows[1]["exact"] // 2
    assert WHO.facts({**few, "rows": rows})["kept"] == len(rows) - 1


def test_every_row_writes_its_gap(few):
    figure = WHO.draw(few)
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == [f"{r['guarantee'] / r['exact']:.2g}×" for r in few["rows"]]
    assert [t.get_text() for t in axes.get_yticklabels()] == [r["theorem"] for r in few["rows"]]


@pytest.fixture(scope="module")
def atlas():
    return importlib.import_module("figures.error_atlas").compute()


def test_the_atlas_refutes_what_is_false_on_purpose(atlas):
    module = importlib.import_module("figures.error_atlas")
    said = module.facts(atlas)
    assert said == {"panels": 14, "honest": 10, "spikes": 2, "biased": 2}
    false = [t for t, p in atlas["panels"].items() if module.biased(p) or module.beyond(p).any()]
    assert false == list(atlas["panels"])[-4:]
    assert all(p["d"] == 2 for p in atlas["panels"].values())


def test_the_atlas_sees_a_compressor_that_lost_its_scale(monkeypatch):
    """Planted among the honest: Rand-1 whose draws are halved."""
    module = importlib.import_module("figures.error_atlas")
    monkeypatch.setattr(
        module, "entries", lambda: {"Rand-1": (module.forgot_the_scale, ct.Unbiased("d - 1"))}
    )
    assert module.facts(module.compute())["honest"] == 0


def test_every_entry_of_the_atlas_has_its_two_panels(atlas):
    figure = importlib.import_module("figures.error_atlas").draw(atlas)
    assert len(figure.axes) == 2 * len(atlas["panels"])
    assert [axes.get_xlabel() for axes in figure.axes[-4::2]] == ["biased", "biased"]


MOVES = importlib.import_module("figures.mean_and_floor")


@pytest.fixture(scope="module")
def moving():
    return MOVES.compute()


def check_acts(data):
    """The scaled mean is x, the other x/2; DIANA ends far below the floor, DCGD does not."""
    kept, lost = (np.array(data["messages"][k]["mean"]) for k in ("with scale", "without"))
    assert kept == pytest.approx(data["x"], abs=1e-15)
    assert lost == pytest.approx(np.array(data["x"]) / 2, abs=1e-15)
    off = {k: np.linalg.norm(np.subtract(p, data["x_star"]), axis=1) for k, p in data["paths"].items()}
    radius = np.sqrt(data["floor"])
    assert off["DIANA"][-1] < 1e-3 * radius
    assert off["DCGD"][-20:].max() > 0.5 * radius


def test_the_acts_show_what_their_titles_say(moving):
    check_acts(moving)
    drawn = np.array(moving["messages"]["with scale"]["drawn"])
    spread = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - moving["x"]) < 5 * spread).all()


def test_the_circle_is_where_long_runs_stay(moving):
    """The exact stationary value against the time mean of 4000 rounds of the drawn process, by batches of 200."""
    method = ct.DCGD(ct.RandK(1), gamma=moving["gamma"])
    along = np.array(MOVES.path(method, MOVES.problem(), 4100))[101:]
    squares = ((along - moving["x_star"]) ** 2).sum(axis=1).reshape(20, 200).mean(axis=1)
    error = squares.std(ddof=1) / np.sqrt(20)
    assert abs(squares.mean() - moving["floor"]) < 6 * error
    assert error < 0.1 * moving["floor"]
    assert abs(squares.mean() - 2 * moving["floor"]) > 6 * error  # a circle twice as large would be seen


@pytest.mark.parametrize("part", ["memory", "scale"])
def test_a_method_that_lost_its_part_is_seen(moving, part):
    """Planted: DIANA's path is DCGD's; Rand-1's messages are those without their scale."""
    if part == "memory":
        wrong = {**moving, "paths": dict.fromkeys(moving["paths"], moving["paths"]["DCGD"])}
    else:
        wrong = {**moving, "messages": dict.fromkeys(moving["messages"], moving["messages"]["without"])}
    with pytest.raises(AssertionError):
        check_acts(wrong)


@pytest.mark.slow
def test_the_animation_has_a_picture_for_every_step_and_the_same_bytes(moving, tmp_path, monkeypatch):
    short = {**moving, "paths": {k: p[:3] for k, p in moving["paths"].items()}}
    short["messages"] = {k: {**m, "drawn": m["drawn"][:2]} for k, m in moving["messages"].items()}
    monkeypatch.setattr(MOVES, "compute", lambda: short)
    assert main(["mean_and_floor", "--out", str(tmp_path)]) == 0
    written = (tmp_path / "mean_and_floor.gif").read_bytes()
    assert written == MOVES.animate(short)
    with Image.open(tmp_path / "mean_and_floor.gif") as found:
        assert found.n_frames == 2 + 3
        rests = []
        for k in range(found.n_frames):
            found.seek(k)
            rests.append(found.info["duration"])
    assert [k for k, ms in enumerate(rests) if ms == MOVES.REST] == [1, 4]
    page = (tmp_path / "gallery.html").read_text()
    assert 'src="data:image/gif;base64,' in page
    assert (
        '<source media="print, (prefers-reduced-motion: reduce)" srcset="data:image/svg+xml;base64,' in page
    )
