"""Which tests test which module: tests/where.txt, one line a module without a mirror of its own name.

A line is `MODULE TEST...`, read against what files import. A module is named by a test that imports it, or a name that
it defines, from it or through the package's surface (`ct.NAME`), and uses it. `MODULE TEST through OTHER...` says of a
module that no test names by which modules it is reached: the test names the first, and each imports the next.
`python -m tests.where` adds lines for modules that have none.
"""

import ast
import re
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import compth as ct

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "tests" / "where.txt"


def module_of(path, root=ROOT):
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(root=ROOT):
    """{module: its file}."""
    return {module_of(path, root): path for path in sorted((root / "compth").rglob("*.py"))}


@cache
def tree(path):
    return ast.parse(path.read_text())


def runs(path):
    """Whether a module has a function or class: without one there is nothing to test but its names."""
    return any(
        isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in ast.walk(tree(path))
    )


def mirror(path, root=ROOT):
    """tests/<same>/test_<same>.py."""
    place = path.relative_to(root / "compth")
    if place.stem == "__init__":
        return root / "tests" / place.parent.parent / f"test_{place.parent.name}.py"
    return root / "tests" / place.parent / f"test_{place.stem}.py"


@cache
def made_in(name, root=ROOT):
    """What a module's top defines, and {name: (module, name there)} of what it imports, late imports included."""
    path = modules(root)[name]
    own, others = set(), {}
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            own |= {t.id for t in targets if isinstance(t, ast.Name)}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            others |= {a.asname or a.name: (base_of(node, name, path), a.name) for a in node.names}
        elif isinstance(node, ast.Import):
            others |= {a.name: (a.name, "") for a in node.names}
    return own, others


def base_of(node, name, path):
    """The module from which something is imported."""
    package = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    stem = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*stem, *([node.module] if node.module else [])])


def owner(base, name, root=ROOT):
    """The module that defines what is imported as `name` from `base`; None for what is not the package's."""
    known = modules(root)
    for _ in range(len(known)):
        if f"{base}.{name}" in known:
            return f"{base}.{name}"
        if base not in known:
            return None
        own, others = made_in(base, root)
        if name in own or name not in others:
            return base
        base, name = others[name]
    return None


def spelled_out(path, root=ROOT):
    """Modules whose whole name stands in a text of the file: imported by name, run by `-m`, or patched."""
    texts = [
        n.value for n in ast.walk(tree(path)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    words = {word for text in texts for word in re.findall(r"\bcompth(?:\.\w+)+", text)}
    return {".".join(word.split(".")[:i]) for word in words for i in range(2, 9)} & modules(root).keys()


@cache
def imports(name, root=ROOT):
    """Modules from which this one imports something, or whose name it gives."""
    found = {owner(base, other, root) for base, other in made_in(name, root)[1].values()}
    return (found | spelled_out(modules(root)[name], root)) - {name, None}


@cache
def surface():
    """{public name: the module that defines it}."""
    out = {}
    for name in dir(ct):
        thing = getattr(ct, name)
        base = ct._OWNER.get(name) or getattr(thing, "__module__", None) or getattr(thing, "__name__", "")
        out[name] = base if getattr(thing, "__name__", "") == base else owner(base, name)
    return out


@cache
def named_by(path, root=ROOT):
    """Modules that a test file names: an import counts where what it binds is used."""
    code = tree(path)
    used = {n.id for n in ast.walk(code) if isinstance(n, ast.Name)}
    bound, found = {}, set()
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            bound |= {a.asname: a.name for a in node.names if a.asname in used}
            found |= {a.name for a in node.names if a.asname in used}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for a in node.names:
                if (a.asname or a.name) in used and (module := owner(node.module, a.name, root)):
                    found.add(module)
                    bound[a.asname or a.name] = f"{node.module}.{a.name}"
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            base = bound.get(node.value.id)
            module = (
                surface().get(node.attr)
                if base == "compth"
                else owner(base, node.attr, root)
                if base
                else None
            )
            found |= {module} - {None}
    return found & modules(root).keys() | spelled_out(path, root)


def mirrored(module, root=ROOT):
    """Whether the file of its name is there, and names the module or one that imports it."""
    test = mirror(modules(root)[module], root)
    named = named_by(test, root) if test.is_file() else set()
    return module in named or any(module in imports(other, root) for other in named)


def lines(text):
    """{module: (test files, modules through which they reach it)}."""
    out = {}
    for line in text.splitlines():
        (module, *tests), _, through = line.split(" through ")[0].split(), *line.partition(" through ")[1:]
        assert module not in out, f"{module} has two lines"
        out[module] = tests, through.split()
    return out


def faults(told, root=ROOT):
    """What is wrong with a table, a line each."""
    known = modules(root)
    for module, path in known.items():
        if runs(path) and module not in told and not mirrored(module, root):
            yield f"{module}: no {mirror(path, root).relative_to(root)}, and no line: python -m tests.where"
    for module, (tests, through) in told.items():
        if module not in known:
            yield f"{module}: there is no such module"
        elif mirrored(module, root):
            yield f"{module}: its tests are in {mirror(known[module], root).relative_to(root)}: no line is needed"
        elif not tests:
            yield f"{module}: no test file"
        else:
            yield from unnamed(module, tests, [*through, module], root)


def unnamed(module, tests, chain, root=ROOT):
    """Why these test files do not reach a module so."""
    for test in tests:
        if not (root / test).is_file():
            yield f"{module}: there is no {test}"
        elif chain[0] not in named_by(root / test, root):
            yield f"{module}: {test} uses nothing of {chain[0]}"
    for one, other in pairwise(chain):
        if one not in modules(root) or other not in imports(one, root):
            yield f"{module}: {one} does not import {other}"


def nearest(module, names):
    """A chain of imports to the module from one that a test names: short, and by tests of the same room."""
    ways, seen, found = [[module]], {module}, []
    for way in ways:
        tests = [t for t, named in names.items() if way[0] in named]
        far = min((away(module, t) for t in tests), default=0)
        found += [(len(way) + 2 * far, way)] if tests else []
        for other in sorted(modules().keys() - seen - {"compth"}):
            if way[0] in imports(other):
                seen.add(other)
                ways.append([other, *way])
    return min(found)[1] if found else []


def away(module, test):
    """How far a test lies from the room of a module."""
    room, place = module.split(".")[1:-1], test.split("/")[1:-1]
    return min(len(room), 1 + len(place)) - sum(a == b for a, b in zip(room, place, strict=False))


def closeness(module, test, names):
    """Tests of the same room first, then those that name few modules."""
    return module.rpartition(".")[2] not in test, away(module, test), len(names[test]), test


def proposed():
    """A table of every module without a mirror: the two closest tests that name it, or a way to it."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    names = {str(p.relative_to(ROOT)): named_by(p) for p in files}
    for module, path in modules().items():
        if not runs(path) or mirrored(module):
            continue
        way = [module] if any(module in found for found in names.values()) else nearest(module, names)
        tests = [t for t, found in names.items() if way and way[0] in found]
        best = sorted(tests, key=lambda t: closeness(way[0], t, names))[:2]
        yield module, (best, way[:-1])


def written(told):
    return "".join(
        f"{module} {' '.join(tests)}{' through ' if through else ''}{' '.join(through)}\n"
        for module, (tests, through) in sorted(told.items())
    )


if __name__ == "__main__":
    before = lines(FILE.read_text()) if FILE.exists() else {}
    sys.stdout.write(f"{len(modules())} modules\n")
    FILE.write_text(written({m: before.get(m, line) for m, line in proposed()}))
