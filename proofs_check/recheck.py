"""Rechecks the stored certificates with the standard library and the kernel's own files, in a fresh process.

    python proofs_check/recheck.py [DIRECTORY] [--index FILE]

Every statement is proved again from its stored text, its witness and its negative controls are evaluated again, and
what was found is compared with the index of proved statements. Nothing else of the package is imported.

A certificate is a JSON object, texts in the kernel's language:
    theorem, title   the id, which is the file's name, and a line for readers
    parts            [{statement, certificate, witness, controls, signed?}]
        statement    its field `of` says which part it is of which theorem, "dcgd.general 1/2"
        certificate  {statement: the statement's hash, steps: [{show, use, terms}]}
        witness      a finite model in which the hypotheses hold
        controls     [{of: the statement's hash, statement, model, margin, refusal}]: false, by one change each
        signed       answers of solvers, where a part leans on them
The index has, by theorem, the hashes of the statements (`proved`, `solver_signed`), the names of those which say that
the bound is attained, with equality on a named instance or at every input (`attained`), and the hash of the whole
certificate (`sealed`); the theorems of the catalogue whose formulas these proofs speak of (`stated`); the hashes of
the files that judge (`kernel`, `guard`, `models`); and its own (`index`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import sys
import types
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROOF = HERE.parent / "compth" / "proof"
INDEX = HERE.parent / "compth" / "_proved.json"
# what a false version may change, where its claims stay as they are
CHANGES = {"given", "domain", "let", "law", "sizes", "vectors"}
PART, CONTROL = (
    {"statement", "certificate", "witness", "controls"},
    {"of", "statement", "model", "margin", "refusal"},
)
LISTS = {"proved", "solver_signed", "attained", "sealed", "stated"}
# the trusted files; what decides vacuity; what decides witnesses and negative controls
HASHED = {
    "kernel": ("kernel.py", "axioms.py"),
    "guard": ("guard.py", "roles.py", "survival.py"),
    "models": ("models.py",),
}


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


def sealed(data):
    """sha256 of a JSON object in canonical form."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def attained(data):
    """The names of the statements that say that a bound is attained: on a named instance, or at every input."""
    parts = [part["statement"] for part in data["parts"]]
    named = [s["name"] for s in parts if ".attained" in s["name"]]
    return named or ([s["name"] for s in parts] if all(equal(s["claim"]) for s in parts) else [])


def equal(claims):
    """True when every claim is an equality, or an inequality that stands beside its reverse."""
    turned = {c.replace("<=", "?").replace(">=", "<=").replace("?", ">=") for c in claims}
    return all("==" in c or c in turned for c in claims)


def one_change(statement, false):
    """True when the false version changes one claim, which keeps a side, or something else and no claim."""
    changed = {
        k for k in {*statement, *false} - {"run"} if (statement.get(k) or None) != (false.get(k) or None)
    }
    if "claim" not in changed:
        return changed <= CHANGES and bool(changed)
    before, after = statement["claim"], false["claim"]
    pairs = {(a, b) for a, b in zip(before, after, strict=True) if a != b}
    return (
        changed == {"claim"}
        and len(pairs) == 1
        and any(x == y for x, y in zip(*map(sides, *pairs), strict=True))
    )


def sides(claim):
    """The two sides of a claim, as parsed."""
    node = ast.parse(claim.strip(), mode="eval").body
    return ast.dump(node.left), ast.dump(node.comparators[0])


def recheck_control(part, control, kernel, models):
    """The hash of a false version that belongs to the part's statement and fails in its model."""
    kernel.require(set(control) == CONTROL, "a control has other fields")
    own = control["of"] == kernel.identity(json.dumps(part["statement"]))
    kernel.require(own, "a negative control of another statement")
    false = json.dumps(control["statement"])
    kernel.require(
        one_change(part["statement"], control["statement"]), "a negative control with more than one change"
    )
    margin = models.counterexample(false, control["model"])
    kernel.require(str(margin) == control["margin"], "a control's margin differs from the stored one")
    return kernel.identity(false)


def recheck(path, kernel, guard, models, index):
    """(the name of the theorem, whether it leans on solvers), or an exception that says what does not stand."""
    data = json.loads(path.read_text(encoding="utf-8"))
    require, theorem = kernel.require, data["theorem"]
    require(set(data) == {"theorem", "title", "parts"}, "a certificate has other fields")
    require(bool(data["parts"]), "nothing is proved")
    require(path.stem == theorem, f"the file proves {theorem}")
    signed = any(part.get("signed") for part in data["parts"])
    listed = index.get("solver_signed" if signed else "proved", {})
    hashes = [kernel.identity(json.dumps(part["statement"])) for part in data["parts"]]
    require(listed.get(theorem) == hashes, "the index has other statements under this name")
    require(index["attained"].get(theorem, []) == attained(data), "the index says other bounds are attained")
    require(index["sealed"].get(theorem) == sealed(data), "the index was made with another certificate")
    for k, part in enumerate(data["parts"], start=1):
        recheck_part(part, f"{theorem} {k}/{len(data['parts'])}", kernel, guard, models)
    return theorem, signed


def recheck_part(part, place, kernel, guard, models):
    """The part's proof, witness and controls stand, and it is the part that it says."""
    require, text = kernel.require, json.dumps(part["statement"])
    require(PART <= set(part) <= PART | {"signed"}, "a part has other fields")
    require(part["statement"].get("of") == place, f"a part that is not {place}")
    record = guard.check(text, json.dumps(part["certificate"]))
    require(not record["unused"], f"hypotheses not used: {record['unused']}")
    models.witness(text, part["witness"])
    false = {recheck_control(part, control, kernel, models) for control in part["controls"]}
    require(len(false) >= 3, "fewer than three negative controls")


def objections(index):
    """What is wrong with the index itself."""
    found = []
    for name, digest in digests().items():
        made_with = index.get(name, "no hash")
        if made_with != digest:
            files = ", ".join(HASHED[name])
            found.append(f"{files}: hash {digest[:16]}, the index was made with {made_with[:16]}")
    if set(index) != {*HASHED, *LISTS, "index"}:
        found.append(f"the index has other fields: {sorted(set(index) ^ {*HASHED, *LISTS, 'index'})}")
    if index.get("index") != sealed({k: v for k, v in index.items() if k != "index"}):
        found.append("the index is not as it was written: its own hash differs")
    return found


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
    failures, passed, signed = objections(index), [], []
    for path in sorted(where.glob("*.json")):
        try:
            theorem, leaning = recheck(path, kernel, guard, models, index)
            (signed if leaning else passed).append(theorem)
        except Exception as error:
            failures.append(f"{path.name}: {type(error).__name__}: {error}")
    missing = set(index["proved"]) - set(passed) | set(index["solver_signed"]) - set(signed)
    if missing:
        failures.append(f"in the index without a certificate that stands: {sorted(missing)}")
    for line in failures:
        print(line, file=sys.stderr)
    for theorem in signed:
        print(f"{theorem}: solver-signed, not proved: its sign facts are the word of z3 and cvc5")
    print(
        f"{len(passed)} theorems rechecked with kernel {digests()['kernel'][:16]}, {len(failures)} failures"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("recheck: interrupted; it only reads: nothing was written", file=sys.stderr)
        os._exit(130)
