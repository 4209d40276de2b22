"""Running one paper: discovery, the fingerprint of its code, results that survive a killed run, figures."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import platform
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import compth
import paper_repro
from compth.reporting.files import MARK, provenance, write_all
from compth.reporting.reports import figure_bytes
from paper_repro._targets import BadTargets, Row, Target, Value, decode, encode, judge, load_targets, missing

ROOT = Path(__file__).resolve().parent
RESULT = "result.json"


@dataclass(frozen=True)
class Results:
    """What a paper's run(quick) returns: values by target id, and the data of each figure by its name."""

    values: Mapping[str, Value]
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """A paper's rows, its seconds, whether they were stored already, and the error that ended its run."""

    paper: str
    rows: tuple[Row, ...]
    seconds: float
    stored: bool = False
    error: str = ""


def keys() -> list[str]:
    """Every paper's package."""
    return [
        m.name for m in pkgutil.iter_modules(paper_repro.__path__) if m.ispkg and not m.name.startswith("_")
    ]


def paper(key: str) -> Any:
    """The package: SOURCE, run(quick) -> Results, FIGURES: name -> function that draws its data."""
    found = importlib.import_module(f"paper_repro.{key}")
    if lacks := [name for name in ("SOURCE", "run", "FIGURES") if not hasattr(found, name)]:
        raise BadTargets(
            f"paper_repro/{key}/__init__.py has no {lacks[0]}: a paper has SOURCE, run and FIGURES"
        )
    return found


def targets(key: str) -> tuple[Target, ...]:
    """The paper's targets."""
    return load_targets(ROOT / key / "targets.toml")


def fingerprint(key: str, quick: bool) -> str:
    """sha256 of everything that a result depends on: the paper's files, our code, compth's code, versions, mode."""
    digest = hashlib.sha256(f"{key} {quick} {compth.__version__} {platform.python_version()}".encode())
    digest.update("".join(missing(t) for t in targets(key)).encode())
    for name in ("numpy", "scipy", "matplotlib", "scikit-learn"):
        digest.update(f"{name} {metadata.version(name)}".encode())
    package = Path(compth.__file__).parent
    files = [*package.rglob("*.py"), *package.glob("*.json"), *ROOT.glob("*.py"), *(ROOT / key).glob("*")]
    for file in sorted(f for f in files if f.suffix in (".py", ".json", ".toml")):
        digest.update(str(file.name).encode() + file.read_bytes())
    return digest.hexdigest()


def run_paper(key: str, quick: bool, out: Path, fresh: bool = False) -> Outcome:
    """The paper's verdicts: from the stored result of the same fingerprint, else recomputed, stored and drawn."""
    wanted = targets(key)
    mark = fingerprint(key, quick)
    stored = None if fresh else _stored(out / key, mark)
    if stored is not None:
        return Outcome(key, _rows(key, wanted, stored["values"], quick), stored["seconds"], stored=True)
    started = time.monotonic()
    try:
        module = paper(key)
        results: Results = module.run(quick)
        unknown = set(results.values) - {t.id for t in wanted}
        if unknown:
            raise KeyError(f"run() gives {sorted(unknown)[0]!r}, which targets.toml does not have")
        contents = _drawings(module, results)
    except Exception as problem:
        place = traceback.extract_tb(problem.__traceback__)[-1]
        what = str(problem).splitlines()[0] if str(problem) else ""
        error = f"{type(problem).__name__}: {what} ({Path(place.filename).name}:{place.lineno})"
        rows = tuple(judge(key, t, {}, quick, error) for t in wanted)
        return Outcome(key, rows, time.monotonic() - started, error=error)
    seconds = time.monotonic() - started
    values = {name: encode(v) for name, v in results.values.items()}
    record = {"generator": MARK, "provenance": provenance(), "fingerprint": mark, "quick": quick}
    record |= {"seconds": round(seconds, 2), "files": sorted(contents), "values": values}
    write_all(out / key, contents)
    write_all(out / key, {RESULT: (json.dumps(record, indent=1) + "\n").encode()})  # last: it says "finished"
    return Outcome(key, _rows(key, wanted, values, quick), seconds)


def _rows(key: str, wanted: tuple[Target, ...], values: Mapping[str, Any], quick: bool) -> tuple[Row, ...]:
    ours = {name: decode(v) for name, v in values.items()}
    return tuple(judge(key, t, ours, quick) for t in wanted)


def _stored(folder: Path, mark: str) -> Any:
    """The stored record when it is whole and of this fingerprint."""
    try:
        record = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        whole = record["fingerprint"] == mark and all((folder / name).is_file() for name in record["files"])
        return record if whole and isinstance(record["values"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _drawings(module: Any, results: Results) -> dict[str, bytes]:
    """SVG, PDF, PNG and data of each figure; the caption is the drawing function's docstring.

    Figures named in the paper's OPTIONAL may be left out: their data may be missing, or the run is a quick one.
    """
    draw: Mapping[str, Callable[[Any], Any]] = module.FIGURES
    if set(draw) - set(getattr(module, "OPTIONAL", ())) - set(results.figures) or set(results.figures) - set(
        draw
    ):
        raise KeyError(f"FIGURES has {sorted(draw)}, the run gives data for {sorted(results.figures)}")
    contents: dict[str, bytes] = {}
    for name, data in results.figures.items():
        figure = draw[name](data)
        contents |= {f"{name}.{kind}": figure_bytes(figure, kind) for kind in ("svg", "pdf", "png")}
        held = {"generator": MARK, "provenance": provenance(), "caption": draw[name].__doc__, "data": data}
        contents[f"{name}.json"] = (json.dumps(held, indent=1, ensure_ascii=False) + "\n").encode()
    return contents
