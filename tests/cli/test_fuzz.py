"""Hostile command lines: whatever is typed, an exit code that means something and one line, never a traceback."""

import random

import pytest

from compth.cli import run
from tests.thorough import thorough, tries

COMPRESSORS = """RandK(k=2);TopK(k=1);RandK;RandK();RandK(k=0);RandK(k='x');TopK(k=-1);Scaled(RandK);Scaled(None)
Shared('x');Identity();NaturalCompression;RandomDithering(s=0);PermK(n=2);Induced(TopK, RandK(k=1));Bernoulli(p=2)
Bernoulli(p=1/3);Nothing(k=1);-RandK(k=1);3;[RandK(k=1)];Composed(TopK(k=1), None);RandK(k=10**9);RandK(k=99)
RandK(k=1e400);AtomoSpectral(1,(2,2));RandK(q=2);RandK(1,2,3);RandK(*a);RandK(**a);'TopK'"""
METHODS = """GD;GD();GD(gamma=0.1);GD(gamma=-1);GD(gamma='a');GD(gamma=inf);DCGD(%s);DIANA(%s);EF21(%s);EF(%s, gamma=1)
MARINA(%s, p=2);DIANA(%s, alpha=7);DCGD(%s, downlink=%s);SGD;IBCD(tau=0.5);IST(PermK(n=2));Unknown(%s);DCGD;DCGD()
DCGD(DCGD);lambda: 0;;DCGD(%s;__import__('os');DCGD(%s).x;EF21(%s, oracle=Minibatch(size=1));CAT()"""
NUMBERS = "0;1;3;-1;1e20;nan;inf;;x;0x3;99999999999999999999;2.5;1_0;é;\udcff"
OPTIONS = """--workers;--steps;--runs;--dim;--kappa;--eps;--seed;--threads;--components;--regularisation;--split
--engine;--target"""
TEXTS = f"""d/k - 1;1/0;9**9**9;10**64**64;1e999;1e400;sqrt(-1);x;d +;__import__('os');min();log2(0);-1;{"(" * 200}
{"1" * 600};d.real;k**0.5;\udcff;abs(d;2**63;1/3;max(1, d)"""
COSTS = "Affine(1, 64);Packet(85);Payload();Packet(0);Affine('x');x;Time(1)"
FLAGS = "--help;--json;--nothing;x;-d;3;--matrix;--latex"


def pick(rng, words):
    """One of the words, which ; and line ends part."""
    return rng.choice(words.replace("\n", ";").split(";"))


def compare(rng):
    """A comparison of two methods with up to two odd settings."""
    words = ["compare", "--steps", "3", "--runs", "2", "--dim", "3", "--workers", "2"]
    words += ["--dataset", pick(rng, "random;random;wine;no.csv;no.npz;mnist;")]
    for _ in range(rng.randrange(1, 3)):
        words += ["-m", pick(rng, METHODS).replace("%s", pick(rng, COMPRESSORS))]
    if rng.random() < 0.3:
        words += ["-c", pick(rng, COMPRESSORS)]
    for _ in range(rng.randrange(3)):
        words += [pick(rng, OPTIONS), pick(rng, NUMBERS)]
    return words


def tune(rng, folder):
    """A tuning of a gradient that is seldom one."""
    words = [
        "tune",
        rng.choice(["wine", "no.npy", str(folder / "g.csv"), str(folder / "g.json"), "", str(folder)]),
    ]
    words += ["-s", rng.choice(["S", "S+Q", "SS", "Q", pick(rng, COMPRESSORS)]), "-c", pick(rng, COSTS)]
    return [*words, "-L", pick(rng, NUMBERS)] if rng.random() < 0.5 else words


def judged(rng, folder):
    """A file to certify or refute that is missing, broken or holds something else."""
    file = rng.choice(["no.py", str(folder / "mine.py"), str(folder / "bad.py"), str(folder), "", "x" * 300])
    target = f"{file}:{pick(rng, 'half;missing;3;;VALUE;a.b')}"
    if rng.random() < 0.5:
        words = ["check", target, "--omega", pick(rng, TEXTS), "--budget", pick(rng, "quick;x")]
        extra = ["-d", pick(rng, NUMBERS), "--param", pick(rng, "k=1;k;k=x;=;k=1e999;1=2")]
        return words + extra[: rng.choice([0, 2, 4])]
    words = ["refute", target, "--method", pick(rng, "EF;CGD;X;"), "--rate", pick(rng, TEXTS)]
    extra = [
        "--mu",
        pick(rng, TEXTS),
        "--L",
        pick(rng, TEXTS),
        "--delta",
        pick(rng, TEXTS),
        "-n",
        pick(rng, NUMBERS),
    ]
    return words + extra[: rng.choice([0, 2, 4, 6, 8])]


def other(rng, folder):
    """Commands without their arguments, or with those of others; sweeps of files that are none."""
    if rng.random() < 0.5:
        words = [pick(rng, "sweep;list;theorems;nothing;--x;check")]
        return words + rng.sample(FLAGS.split(";"), rng.randrange(3))
    return [
        "sweep",
        str(folder / pick(rng, "g.csv;mine.py;no.toml;spec.toml")),
        "--workers",
        pick(rng, NUMBERS),
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "g.csv").write_text("1,2,x\n")
    (tmp_path / "g.json").write_text('[1, "a"]')
    (tmp_path / "mine.py").write_text("VALUE = 3\n\ndef half(x):\n    return x / 2\n")
    (tmp_path / "bad.py").write_text("def half(x:\n")
    (tmp_path / "spec.toml").write_text('methods = ["GD()"]\n[[problems]]\nrandom = "no"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("compth.cli.compare._write", lambda *a: [])  # figures have tests of their own
    return tmp_path


def clean(words, capfd):
    """Run one line; the reason why it was not clean, or "" ."""
    try:
        code = run(words)
    except SystemExit as ended:
        return f"SystemExit({ended.code})"
    said = capfd.readouterr()
    if code not in (0, 1, 2, 3, 130):
        return f"exit code {code}: {said.err}"
    if "Traceback" in said.err + said.out:
        return "a traceback"
    if code == 2 and len(said.err.strip().splitlines()) != 1:
        return f"not one line: {said.err!r}"
    return ""


def faults(make, seeds, capfd):
    found = {}
    for seed in seeds:
        words = make(random.Random(seed))
        reason = clean(words, capfd)
        if reason:
            found[seed] = (words, reason)
    return found


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("block", range(tries(2, 8)))
def test_compare_tune_and_the_rest(block, folder, capfd):
    """240 or 960 command lines that need no child process."""
    makers = (compare, compare, lambda rng: tune(rng, folder), lambda rng: other(rng, folder))
    for kind, make in enumerate(makers):
        assert faults(make, range(30 * (8 * kind + block), 30 * (8 * kind + block + 1)), capfd) == {}


@pytest.mark.slow
@pytest.mark.parametrize("block", range(2))
def test_check_and_refute(block, folder, capfd):
    """60 command lines whose file is loaded, or is not, in a child process."""
    assert faults(lambda rng: judged(rng, folder), range(30 * block, 30 * block + 30), capfd) == {}


def test_the_fuzz_sees_an_internal_error(folder, capfd, monkeypatch):
    monkeypatch.setattr("compth.problems.random_quadratic", lambda *a, **k: 1 // 0)
    assert "exit code 70" in clean(["compare", "--dataset", "random", "-m", "GD"], capfd)
