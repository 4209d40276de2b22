"""Every module of the package has its tests in the place of its name, or a line in where.txt that is true."""

import pytest

from .where import FILE, ROOT, faults, lines, mirror, modules, named_by, runs


@pytest.fixture(scope="module")
def told():
    return lines(FILE.read_text())


def test_every_module_has_its_tests(told):
    assert list(faults(told)) == []


def test_lines_are_in_order(told):
    assert [*told] == sorted(told)


def package(root, tests, **files):
    """A package of a few modules, and one test file."""
    for name, text in files.items():
        path = root / "compth" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (root / "tests").mkdir()
    (root / "tests" / "test_all.py").write_text(tests)
    return root


FILES = {
    "a": "def f():\n    pass\n",
    "b": "from compth.a import f\n\n\ndef g():\n    f()\n",
    "names": "ONE = 1\n",
}
USED = "from compth.b import g\n\n\ndef test_g():\n    g()\n"
LINES = {"compth.a": (["tests/test_all.py"], ["compth.b"]), "compth.b": (["tests/test_all.py"], [])}


def test_a_true_table_has_no_faults(tmp_path):
    assert list(faults(LINES, package(tmp_path, USED, **FILES))) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"compth.a": None}, "compth.a: no tests/test_a.py, and no line"),
        ({"compth.gone": (["tests/test_all.py"], [])}, "compth.gone: there is no such module"),
        ({"compth.b": (["tests/test_gone.py"], [])}, "compth.b: there is no tests/test_gone.py"),
        ({"compth.b": ([], [])}, "compth.b: no test file"),
        ({"compth.a": (["tests/test_all.py"], [])}, "compth.a: tests/test_all.py uses nothing of compth.a"),
        ({"compth.b": (["tests/test_all.py"], ["compth.a"])}, "tests/test_all.py uses nothing of compth.a"),
        ({"compth.names": (["tests/test_all.py"], ["compth.b"])}, "compth.b does not import compth.names"),
    ],
)
def test_a_line_that_is_not_true_is_seen(tmp_path, change, says):
    table = {m: line for m, line in (LINES | change).items() if line is not None}
    found = list(faults(table, package(tmp_path, USED, **FILES)))
    assert len(found) >= 1
    assert says in found[0]


def test_a_line_beside_a_mirror_is_seen(tmp_path):
    root = package(tmp_path, USED, **FILES)
    (root / "tests" / "test_b.py").write_text(USED)
    assert list(faults(LINES, root)) == ["compth.b: its tests are in tests/test_b.py: no line is needed"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("from compth.a import f\nf()", {"compth.a"}),
        ("from compth.b import f\nf()", {"compth.a"}),
        ("from compth import a\na.f()", {"compth.a"}),
        ("import compth.a as m\nm.f()", {"compth.a"}),
        ("patch('compth.a.f', None)", {"compth.a"}),
        ("from compth.a import f", set()),
        ("from compth import a", set()),
        ("import compth.a as m", set()),
    ],
)
def test_an_import_counts_where_it_is_used(tmp_path, text, named):
    root = package(tmp_path, text, __init__="", **FILES)
    assert named_by(root / "tests" / "test_all.py", root) - {"compth"} == named


def test_a_name_of_the_surface_is_its_module(tmp_path):
    file = tmp_path / "test_some.py"
    file.write_text("import compth as ct\nct.certify\nct.RandK\nct.nothing\n")
    assert named_by(file) == {"compth", "compth.certification.pipeline", "compth.compressors.rand_k"}


def test_two_lines_for_one_module_are_refused():
    with pytest.raises(AssertionError, match="two lines"):
        lines("compth.a tests/test_a.py\ncompth.a tests/test_b.py\n")


def test_a_mirror_that_tests_something_else_is_none(tmp_path):
    root = package(tmp_path, USED, **FILES)
    (root / "tests" / "test_a.py").write_text("def test_nothing():\n    pass\n")
    assert [*faults(LINES, root)] == []
    assert [line[:28] for line in faults({}, root)] == [
        "compth.a: no tests/test_a.py",
        "compth.b: no tests/test_b.py",
    ]


def test_mirrors_are_counted_as_such():
    """A module, a package, and a module in which nothing runs."""
    known = modules()
    assert mirror(known["compth.calculus"]) == ROOT / "tests/test_calculus.py"
    assert mirror(known["compth.claims"]) == ROOT / "tests/test_claims.py"
    assert mirror(known["compth.text.specs"]) == ROOT / "tests/text/test_specs.py"
    assert not runs(known["compth._types"])
