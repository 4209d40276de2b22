"""Exports the stored theorems, has Coq check them, and says what it found.

What a run accepts: the certificates are those that the index lists (same hashes); no file assumes anything by a word,
and each says what a second translation of the catalogue's statement says; Coq compiles every file; what Coq prints as
assumptions is in WHITELIST; coqchk agrees with all of it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from compth.claims import COQ_REALS
from proofs_check._found import scripts
from proofs_check.recheck import INDEX, digests, sealed

from . import compared
from .audit import Unsound, audit, audit_library, uncommented
from .controls import HEAD as CONTROLS
from .controls import refusals
from .export import assembled, part_of
from .reread import words_of
from .texts import NoExport
from .written import identifier

HERE = Path(__file__).resolve().parent
CERTIFICATES = HERE.parent / "certificates"
LIBRARY = ("Compth.v", "Model.v", "Multi.v")
BATCH = 60  # false versions to a file
WHITELIST = set(COQ_REALS)  # what Print Assumptions may name


@dataclass
class Outcome:
    """What came of one theorem."""

    theorem: str
    parts: list[str]  # the statements' hashes, in order
    written: int  # how many of them have a Coq theorem
    reasons: list[str] = field(default_factory=list)  # why the others have none
    axioms: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""
    sha256: str = ""

    @property
    def whole(self) -> bool:
        """All parts were checked by Coq."""
        return not self.error and self.written == len(self.parts) and bool(self.axioms)


def listed(path: Path, index: dict[str, Any]) -> dict[str, Any]:
    """The certificate, when it is the one that the index was made with."""
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    theorem = data["theorem"]
    hashes = [sealed(part["statement"]) for part in data["parts"]]
    if path.stem != theorem or index["proved"].get(theorem) != hashes:
        raise Unsound(f"{path.name}: the index has other statements under this name")
    if index["sealed"].get(theorem) != sealed(data):
        raise Unsound(f"{path.name}: the index was made with another certificate")
    places = [f"{theorem} {k}/{len(hashes)}" for k in range(1, len(hashes) + 1)]
    if [part["statement"].get("of") for part in data["parts"]] != places:
        raise Unsound(f"{path.name}: parts that are not {', '.join(places)}")
    return data


def trusted_index(path: Path = INDEX) -> dict[str, Any]:
    """The index of proved statements, when it is as it was written and made with these files."""
    index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if index.get("index") != sealed({k: v for k, v in index.items() if k != "index"}):
        raise Unsound(f"{path.name}: its own hash differs")
    stale = [name for name, digest in digests().items() if index.get(name) != digest]
    if stale:
        raise Unsound(f"{path.name}: made with another {', '.join(stale)}")
    return index


def text_of(data: dict[str, Any]) -> tuple[str, int, list[str]]:
    """(a theorem's file, how many of its parts it has, why it has not the others)."""
    parts, reasons = [], []
    for part in data["parts"]:
        try:
            read = part_of(part["statement"], part["certificate"], part["witness"])
            parts.append((read.names(), read.text()))
        except NoExport as reason:
            reasons.append(f"{part['statement']['of']}: {reason}")
    return assembled(parts) if parts else "", len(parts), reasons


def export_theorem(data: dict[str, Any], out: Path) -> Outcome:
    """Writes the theorem's file; parts that cannot be written yet are named with the reason."""
    theorem = data["theorem"]
    text, written, reasons = text_of(data)
    outcome = Outcome(theorem, [sealed(part["statement"]) for part in data["parts"]], written, reasons)
    if written:
        audit(identifier(theorem), text)
        (out / f"{identifier(theorem)}.v").write_text(text, encoding="utf-8")
        outcome.sha256 = hashlib.sha256(text.encode()).hexdigest()
    return outcome


def share_of(share: str) -> list[str]:
    """The theorems of the share "K/N": every N-th of the sorted list, from the K-th on, K counted modulo N."""
    found = re.fullmatch(r"(\d+)/([1-9]\d*)", share)
    if not found:
        raise Unsound(f"share={share}: K/N with N >= 1, for example 3/12")
    k, n = map(int, found.groups())
    return sorted(path.stem for path in CERTIFICATES.glob("*.json"))[k % n :: n]


def export(out: Path, theorems: Sequence[str] = ()) -> list[Outcome]:
    """The library and a file for each theorem (default: all)."""
    out.mkdir(parents=True, exist_ok=True)
    for name in LIBRARY:
        text = (HERE / name).read_text(encoding="utf-8")
        audit_library(name, text)
        (out / name).write_text(text, encoding="utf-8")
    index = trusted_index()
    paths = [CERTIFICATES / f"{t}.json" for t in theorems] or sorted(CERTIFICATES.glob("*.json"))
    if not theorems and {p.stem for p in paths} != set(index["proved"]) | set(index["solver_signed"]):
        raise Unsound("the index lists other theorems than there are certificates")
    outcomes = [export_theorem(listed(path, index), out) for path in paths]
    retold = catalogue()
    for outcome in outcomes:
        compare(out, outcome, retold[outcome.theorem])
    return outcomes


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """The statements that the scripts derive from the catalogue's objects as they are now."""
    return {theorem: [part.statement for part in script.parts] for theorem, script in scripts().items()}


def compare(out: Path, outcome: Outcome, statements: Sequence[Mapping[str, Any]]) -> None:
    """Unsound where a theorem's file, read back, says something else than the second translation of its statements."""
    name = identifier(outcome.theorem)
    if not outcome.written:
        return
    text = uncommented((out / f"{name}.v").read_text(encoding="utf-8"))
    words = words_of(uncommented((out / LIBRARY[0]).read_text(encoding="utf-8")))
    found = 0
    for k, statement in enumerate(statements, start=1):
        if re.search(rf"^Theorem {name}_{k} ", text, flags=re.M):
            found += 1
            objections = compared.differences(text, f"{name}_{k}", dict(statement), words)
            if objections:
                raise Unsound(f"{outcome.theorem} {k}: two translations differ: {objections[0]}")
    if found != outcome.written:
        raise Unsound(f"{outcome.theorem}: {found} theorems in the file, {outcome.written} written")


def coq_version() -> str:
    """Of the coqc on the path; "" where there is none."""
    if not shutil.which("coqc"):
        return ""
    found = subprocess.run(["coqc", "--print-version"], capture_output=True, text=True, check=False)
    return found.stdout.split(" ")[0].strip()


def coqc(out: Path, name: str) -> tuple[str, str]:
    """(what Coq printed, its error) for one file."""
    command = ["coqc", "-q", "-Q", ".", "Compth", f"{name}.v"]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    return done.stdout, (done.stderr.strip() or f"coqc: exit {done.returncode}") if done.returncode else ""


def assumptions(printed: str) -> list[list[str]]:
    """By question, the axioms that Print Assumptions named."""
    blocks = re.split(r"^(?:Axioms:|Closed under the global context)\n?", printed, flags=re.M)
    return [re.findall(r"^([A-Za-z][\w.']*)\s*(?::|$)", block, flags=re.M) for block in blocks[1:]]


def check_theorem(out: Path, outcome: Outcome) -> Outcome:
    """Compiles a theorem's file and reads the assumptions of each of its theorems and instances."""
    began = perf_counter()
    printed, outcome.error = coqc(out, identifier(outcome.theorem))
    outcome.seconds = perf_counter() - began
    if outcome.error:
        return outcome
    found = assumptions(printed)
    outcome.axioms = sorted({axiom for block in found for axiom in block})
    if len(found) != 1:
        outcome.error = f"Coq printed assumptions {len(found)} times, not once"
    elif not set(outcome.axioms) <= WHITELIST:
        outcome.error = f"assumes {', '.join(sorted(set(outcome.axioms) - WHITELIST))}"
    return outcome


def compile_library(out: Path) -> None:
    """Unsound where the library does not compile."""
    for name in LIBRARY:
        _, error = coqc(out, name.removesuffix(".v"))
        if error:
            raise Unsound(f"{name}: {error}")


def coqchk(out: Path, names: Sequence[str]) -> str:
    """What coqchk objects to in these modules, or in what they assume: "" when nothing."""
    modules = [f"Compth.{name}" for name in names]
    command = ["coqchk", "-silent", "-o", "-Q", ".", "Compth", "-norec", *" -norec ".join(modules).split()]
    done = subprocess.run(command, cwd=out, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip() or f"coqchk: exit {done.returncode}"
    return checker_objection(done.stdout + done.stderr)


def checker_objection(summary: str) -> str:
    """What coqchk's summary says that it should not: an axiom of ours, or a switched-off check."""
    ours = re.findall(r"^ +(Compth\.\S+)", summary, flags=re.M)
    if ours:
        return f"coqchk: axioms {', '.join(ours)}"
    for line in ("type-in-type", "unsafe (co)fixpoints", "positivity is assumed"):
        if not re.search(re.escape(line) + r":\s*<none>", summary):
            return f"coqchk: {line} is not <none>"
    return ""


RECORD = INDEX.with_name("_coq.json")


def library_hashes() -> dict[str, str]:
    """sha256 of the library's files as they are here."""
    return {name: hashlib.sha256((HERE / name).read_bytes()).hexdigest() for name in LIBRARY}


def record(outcomes: Sequence[Outcome], checker: str) -> dict[str, Any]:
    """What a run found, sealed: by theorem the statements and certificate that Coq saw, whole or in part.

    Theorems that this run did not look at are kept from the stored record, where it is of this library and this Coq.
    checker: what coqchk said of them, "agrees" or "not run".
    """
    index = trusted_index()
    head = {"coq": coq_version(), "library": library_hashes()}
    theorems = _kept(head)
    for o in outcomes:
        if o.written and not o.error:
            theorems[o.theorem] = {
                "statements": o.parts,
                "certificate": index["sealed"][o.theorem],
                "file": o.sha256,
                "axioms": o.axioms,
                "checked": o.written,
                "coqchk": checker,
            }
    found = {**head, "theorems": dict(sorted(theorems.items()))}
    return {**found, "record": sealed(found)}


def _kept(head: dict[str, Any]) -> dict[str, Any]:
    """The theorems of the stored record, when it was made with this library and this Coq and is as it was written.

    A library file that there was not yet is none that the stored theorems could use.
    """
    stored = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    whole = stored.get("record") == sealed({k: v for k, v in stored.items() if k != "record"})
    if not whole or stored["coq"] != head["coq"]:
        return {}
    same = all(head["library"].get(name) == digest for name, digest in stored["library"].items())
    return dict(stored["theorems"]) if same else {}


def check_controls(out: Path, theorems: Sequence[str], jobs: int = 2) -> tuple[int, list[str]]:
    """(how many false versions Coq's checker refused, those that no script could be written for); else Unsound."""
    index, texts, unwritten = trusted_index(), list[str](), list[str]()
    for theorem in theorems:
        found, left = refusals(listed(CERTIFICATES / f"{theorem}.json", index))
        texts, unwritten = texts + found, unwritten + left
    names = []
    for k in range(0, len(texts), BATCH):
        names.append(f"false_{k}")
        (out / f"false_{k}.v").write_text(CONTROLS + "\n".join(texts[k : k + BATCH]), encoding="utf-8")
    with ThreadPoolExecutor(jobs) as pool:
        for name, (_, error) in zip(names, pool.map(lambda n: coqc(out, n), names), strict=True):
            if error:
                raise Unsound(f"{name}.v: a false version was not refused: {error}")
    return len(texts), unwritten


def check_all(
    out: Path, outcomes: Sequence[Outcome], jobs: int, told: Callable[[Outcome], None]
) -> list[Outcome]:
    """Every exported theorem, `jobs` at a time."""
    compile_library(out)
    with ThreadPoolExecutor(jobs) as pool:
        done = []
        for outcome in pool.map(lambda o: check_theorem(out, o), [o for o in outcomes if o.written]):
            told(outcome)
            done.append(outcome)
    return done
