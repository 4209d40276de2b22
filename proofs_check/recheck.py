"""Rechecks the stored certificates with the standard library and the kernel's own files, in a fresh process.

    python proofs_check/recheck.py [DIRECTORY] [--index FILE]

Every statement is proved again from its stored text, its witness and its negative controls are evaluated again, and
the statements' hashes are compared with the index of proved statements. Nothing else of the package is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROOF = HERE.parent / "compth" / "proof"
INDEX = HERE.parent / "compth" / "_proved.json"
# what a statement and its false versions have in common
SHARED = ("name", "params", "operators", "values", "indices", "arrays")
# the trusted files; what decides vacuity; what decides witnesses and negative controls
HASHED = {"kernel": ("kernel.py", "axioms.py"), "guard": ("guard.py", "roles.py"), "models": ("models.py",)}


def digests() -> dict[str, str]:
    """sha256 of the files as they are here."""
    return {
        name: hashlib.sha256(b"".join((PROOF / f).read_bytes() for f in files)).hexdigest()
        for name, files in HASHED.items()
    }


def load():
    """The kernel, the guard and the models, by path, as a package of their own."""
    package = types.ModuleType("trusted")
    package.__path__ = [str(PROOF)]
    sys.modules["trusted"] = package
    found = []
    for name in ("kernel", "guard", "models"):
        spec = importlib.util.spec_from_file_location(f"trusted.{name}", PROOF / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[f"trusted.{name}"] = module
        spec.loader.exec_module(module)
        found.append(module)
    return found


def recheck(path, kernel, guard, models, index):
    """(the name of the theorem, whether it leans on solvers), or an exception that says what does not stand."""
    data = json.loads(path.read_text(encoding="utf-8"))
    require, theorem = kernel.require, data["theorem"]
    require(bool(data["parts"]), "nothing is proved")
    require(path.stem == theorem, f"the file proves {theorem}")
    hashes = []
    for part in data["parts"]:
        text = json.dumps(part["statement"])
        kernel.check(text, json.dumps(part["certificate"]))
        guard.guard(text)
        models.witness(text, part["witness"])
        false = {kernel.identity(json.dumps(control["statement"])) for control in part["controls"]}
        require(len(false) >= 3, "fewer than three negative controls")
        for control in part["controls"]:
            own = all(control["statement"].get(k) == part["statement"].get(k) for k in SHARED)
            require(own, "a negative control of another statement")
            margin = models.counterexample(json.dumps(control["statement"]), control["model"])
            require(str(margin) == control["margin"], "a control's margin differs from the stored one")
        hashes.append(kernel.identity(text))
    signed = any(part.get("signed") for part in data["parts"])
    listed = index.get("solver_signed" if signed else "proved", {})
    require(listed.get(theorem) == hashes, "the index has other statements under this name")
    return theorem, signed


def main(arguments):
    """0 when every stored certificate stands and the index lists exactly these, else 1."""
    kernel, guard, models = load()
    where = HERE / "certificates"
    index_path = INDEX
    if "--index" in arguments:
        at = arguments.index("--index")
        index_path = Path(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2 :]
    if arguments:
        where = Path(arguments[0])
    index = json.loads(index_path.read_text(encoding="utf-8"))
    failures, passed, signed = [], [], []
    found = digests()
    for name, digest in found.items():
        made_with = index.get(name, "no hash")
        if made_with != digest:
            files = ", ".join(HASHED[name])
            failures.append(f"{files}: hash {digest[:16]}, the index was made with {made_with[:16]}")
    for path in sorted(where.glob("*.json")):
        try:
            theorem, leaning = recheck(path, kernel, guard, models, index)
            (signed if leaning else passed).append(theorem)
        except Exception as error:
            failures.append(f"{path.name}: {type(error).__name__}: {error}")
    missing = set(index["proved"]) - set(passed)
    if missing:
        failures.append(f"in the index without a certificate that stands: {sorted(missing)}")
    for line in failures:
        print(line, file=sys.stderr)
    for theorem in signed:
        print(f"{theorem}: solver-signed, not proved: its sign facts are the word of z3 and cvc5")
    print(f"{len(passed)} theorems rechecked with kernel {found['kernel'][:16]}, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
