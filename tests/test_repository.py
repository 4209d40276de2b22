"""The house rules that a machine can check: layers, exports, README, no leftovers."""

import ast
import re
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

import compth as ct

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    **dict.fromkeys(
        (
            "_numbers",
            "_door",
            "_earned",
            "_identity",
            "_own",
            "_rng",
            "_shown",
            "_types",
            "_interrupts",
            "_memory",
            "_plugins",
            "_threads",
            "errors",
            "sources",
            "text",
        ),
        0,
    ),
    **dict.fromkeys(("claims", "calculus", "bits", "rates", "certificates"), 1),
    **dict.fromkeys(("compressors", "problems"), 2),
    **dict.fromkeys(("methods", "tuning"), 3),
    **dict.fromkeys(("simulation", "dynamics", "worst_case", "certification", "proof"), 4),
    **dict.fromkeys(
        (
            "studies",
            "sweeps",
            "reporting",
            "testing",
            "cli",
            "__main__",
        ),
        5,
    ),
}
MODULES = sorted((ROOT / "compth").rglob("*.py"))


def imported(path):
    """Top-level subpackages of compth that a module imports, relative imports included."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = list(parts[: len(parts) - node.level]) if node.level else []
            base = ".".join([*stem, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            pieces = name.split(".")
            if pieces[0] == "compth" and len(pieces) > 1:
                yield pieces[1], name


def upward(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    if len(parts) < 2 or parts[1] == "__init__":
        return []
    mine = LAYERS[parts[1]]
    return [name for top, name in imported(path) if LAYERS.get(top, 0) > mine]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    assert upward(path) == []


def test_the_layer_check_sees_relative_and_plain_imports(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    for text in (
        "from compth.cli import run",
        "import compth.cli",
        "from ..cli import run",
        "from .. import cli",
    ):
        bad = tmp_path / "compth" / "methods" / "bad.py"
        bad.parent.mkdir(parents=True, exist_ok=True)
        bad.write_text(text)
        assert upward(bad), text


def module_name(path, root=None):
    parts = path.relative_to(root or ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def edges(paths, root=None):
    """{module: modules that it imports anywhere}: inside functions and for type checkers, too."""
    known = {module_name(path, root): path for path in paths}
    out = {}
    for name, path in known.items():
        package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
        out[name] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                asked = [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                stem = package[: len(package) - node.level + 1] if node.level else []
                base = ".".join([*stem, *([node.module] if node.module else [])])
                asked = [(base, alias.name) for alias in node.names]
            else:
                continue
            for base, imported_name in asked:
                whole = f"{base}.{imported_name}"
                out[name] |= {whole if whole in known else base} & known.keys()
    return out


@cache
def of_the_package():
    return edges(MODULES)


def circles(graph):
    """Modules that can reach themselves through what they import, by the smallest set of each."""

    def reach(start):
        seen, left = set(), [*graph[start]]
        while left:
            at = left.pop()
            if at not in seen:
                seen.add(at)
                left += graph[at]
        return seen

    reached = {name: reach(name) for name in graph}
    around = [name for name in graph if name in reached[name]]
    return sorted({tuple(sorted(m for m in around if m in reached[n] and n in reached[m])) for n in around})


OPEN_CIRCLES: set[tuple[str, ...]] = set()
"""Rooms that are being rebuilt: nothing may be added."""


def test_no_module_imports_itself_through_others():
    """A late import hides a circle; it does not open it."""
    assert set(circles(of_the_package())) <= OPEN_CIRCLES


@pytest.mark.parametrize(
    "late",
    ["from compth.a import f", "def g():\n    from . import a", "if TYPE_CHECKING:\n    import compth.a"],
)
def test_a_circle_is_seen(tmp_path, late):
    for name, text in {"a": "from compth.b import g\n", "b": f"{late}\n", "c": "import compth.a\n"}.items():
        (tmp_path / "compth").mkdir(exist_ok=True)
        (tmp_path / "compth" / f"{name}.py").write_text(text)
    found = edges(sorted(tmp_path.rglob("*.py")), tmp_path)
    assert circles(found) == [("compth.a", "compth.b")]


def reaches(graph):
    """(module, module) where one imports an underscore module of a package in which it does not live."""
    for name, found in graph.items():
        for other in found:
            pieces = other.split(".")
            owners = [".".join(pieces[:i]) for i, piece in enumerate(pieces) if piece.startswith("_")]
            if not all(name == owner or name.startswith(f"{owner}.") for owner in owners):
                yield name, other


def test_no_package_reaches_into_anothers_private_module():
    assert list(reaches(of_the_package())) == []


def test_a_reach_is_seen():
    graph = {"compth.a.x": {"compth.a._own", "compth._root"}, "compth.b": {"compth.a._own"}}
    assert list(reaches(graph)) == [("compth.b", "compth.a._own")]


def test_compressors_and_problems_do_not_know_each_other():
    for path in MODULES:
        part = path.relative_to(ROOT / "compth").parts[0]
        forbidden = {"compressors": "problems", "problems": "compressors", "proof": "methods"}.get(part)
        assert forbidden not in {top for top, _ in imported(path)}, path


def test_every_module_has_a_layer():
    tops = {p.relative_to(ROOT / "compth").with_suffix("").parts[0] for p in MODULES} - {"__init__"}
    assert tops <= set(LAYERS), f"give {sorted(tops - set(LAYERS))} a layer"


def asked_by_attribute(tree):
    """Lines where an object is asked for what makes it a quadratic, a sum, or one that can be dealt out."""
    for node in ast.walk(tree):
        asks = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("hasattr", "getattr")
        if asks and {"A", "parts", "as_workers"} & {text for part in node.args for text in texts(part)}:
            yield node.lineno


def test_what_a_problem_has_is_asked_in_one_place():
    found = [path for path in MODULES if [*asked_by_attribute(ast.parse(path.read_text()))]]
    assert [str(path.relative_to(ROOT)) for path in found] == ["compth/problems/interface.py"]


def test_everything_public_resolves():
    for name in [*ct._OWNER, *ct._MODULES]:
        assert getattr(ct, name) is not None
    from compth.compressors import catalogue as compressors
    from compth.methods import catalogue as methods

    for name, thing in {**compressors(), **methods()}.items():
        assert getattr(ct, name) is thing
    with pytest.raises(AttributeError, match="compth list"):
        ct.NoSuchThing  # noqa: B018


def test_type_checkers_see_what_there_is():
    from tests import stub

    assert stub.FILE.read_text() == stub.text(), "run `python -m tests.stub`"
    seen = {
        getattr(node, "asname", "") or getattr(node, "id", "") for node in ast.walk(ast.parse(stub.text()))
    }
    assert {name for name in dir(ct) if name not in seen and not is_contributed(name)} == set()


def is_contributed(name):
    """By another package that is installed: no type checker of ours speaks of it."""
    return not getattr(getattr(ct, name), "__module__", "compth.").startswith("compth.")


WORDS_OF_METHODS = {"OWN_STEPS"}
"""Tables by a method's name that are read by people alone: why it is no body."""
LOOKS = {
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "get",
    "pop",
    "setdefault",
    "index",
    "count",
}


def texts(node):
    """The strings of a constant, or of a tuple, list or set of them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for part in getattr(node, "elts", ()):
        yield from texts(part)


def names_asked_for(tree):
    """(line, strings) wherever a string may decide: compared, matched, looked up, or the key of a table."""
    told = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(getattr(t, "id", "") in WORDS_OF_METHODS for t in node.targets)
    }
    for node in ast.walk(tree):
        found = []
        if isinstance(node, ast.Compare):
            found = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict) and id(node) not in told:
            found = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.MatchValue):
            found = [node.value]
        elif isinstance(node, ast.Subscript):
            found = [node.slice]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in LOOKS:
            found = node.args
        yield from ((node.lineno, text) for part in found for text in texts(part))


def method_names():
    """What methods are called: classes, names, and aliases of closed forms."""
    kinds = ct.methods.catalogue()
    known = {known.alias for kind in kinds.values() for known in getattr(kind, "known", ())} - {""}
    return {*kinds, *(kind.name for kind in kinds.values()), *known}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_name_of_a_method_decides(path):
    assert [hit for hit in names_asked_for(ast.parse(path.read_text())) if hit[1] in method_names()] == []


@pytest.mark.parametrize(
    "text",
    [
        'x = 1 if method == "EF21" else 2',
        'x = q.method not in ("CGD", "EF")',
        'STEPS = {"EF-BV": 1}',
        'step = STEPS["MARINA"]',
        'step = steps.get("DIANA", 1)',
        'x = name.startswith("EF21")',
        'match name:\n    case "GD":\n        pass',
    ],
)
def test_a_name_that_decides_is_seen(text):
    assert [hit for hit in names_asked_for(ast.parse(text)) if hit[1] in method_names()] != []


def test_only_the_cli_prints():
    for path in MODULES:
        if "cli" in path.parts:
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not any(getattr(n.func, "id", "") in ("print", "eval", "exec") for n in calls), path


PAGES_WITH_CODE = ("README.md", "docs/guide/python.rst", "docs/guide/own_method.rst")


def blocks_of_code(name):
    """The Python blocks of a page, in Markdown or reStructuredText."""
    text = (ROOT / name).read_text()
    if name.endswith(".md"):
        return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found = re.findall(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def test_pages_have_their_code():
    assert [len(blocks_of_code(name)) for name in PAGES_WITH_CODE] == [1, 12, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES_WITH_CODE)
def test_code_of_pages_runs(tmp_path, name):
    """README, and the pages that go on where it ends."""
    for block in blocks_of_code(name):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + block


def test_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 168
    links = re.findall(r"\]\((?!http)([^)]+)\)", text)
    assert len(links) >= 10
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_readme_commands_exist():
    from compth.cli import COMMANDS

    text = (ROOT / "README.md").read_text()
    for line in re.findall(r"^compth ([a-z]+)", text, re.MULTILINE):
        assert line in COMMANDS, line
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert target in targets, target


def test_constraints_cover_the_dependencies():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        re.split(r"[=;]", line)[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    for extra in ("fast", "cluster", "proofs", "test", "lint", "peers", "docs", "teach"):
        wanted += extras[extra]
    for requirement in wanted:
        name = re.split(r"[<>=\[; ]", requirement)[0].lower().replace("_", "-")
        assert name in pinned, f"add {name} to constraints.txt"


def test_no_theorem_borrows_the_proof_of_another():
    """A subclass that changes the statement must not inherit the proof's name, and with it the standing PROVED."""
    from compth.methods import theorems

    owners = {}
    for identifier, theorem in theorems().items():
        if theorem.proof:
            owners.setdefault(theorem.proof, []).append(identifier)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}
    assert "dcgd.no_memory" in owners


def test_long_cases_are_cases():
    """A renamed test must not stay on the list under its old name."""
    for line in (ROOT / "tests/long_cases.txt").read_text().splitlines():
        file, _, name = line.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(), line
