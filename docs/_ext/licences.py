"""Licences of what an installation brings: `python docs/_ext/licences.py` prints them, exit code 1 for a GPL one.

Names and requirements come from pyproject.toml, licences from the installed packages' own metadata.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"
RUN_TIME_EXTRAS = ("fast", "proofs", "data", "peers", "cluster", "real")
"""Extras that the package imports when it runs; test, lint, docs and teach are tools beside it."""
# A GPL beside a permissive alternative ("MIT OR GPL-2.0") is no obligation; LGPL libraries may be linked to.
COPYLEFT = re.compile(r"\bA?GPL|GNU (?:Affero )?General Public", re.IGNORECASE)
WEAK = re.compile(r"\bLGPL|GNU (?:Lesser|Library) ", re.IGNORECASE)
PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software|ISC|HPND|MPL|Mozilla|Zlib|Unlicense|CC0|0BSD", re.IGNORECASE
)

TEXTS = {
    "MIT": "Permission is hereby granted, free of charge",
    "BSD-3-Clause": "Neither the name of",
    "BSD-2-Clause": "Redistribution and use in source and binary forms",
    "Apache-2.0": "Apache License Version 2.0",
}
"""Words by which a licence text without a name is known, most specific first."""


@dataclass(frozen=True)
class Row:
    """One installed dependency."""

    name: str
    version: str
    licence: str
    needed_by: str

    @property
    def copyleft(self) -> bool:
        """True when every alternative it offers is a GPL."""
        offers = re.split(r"\bOR\b|;", self.licence)
        return all(COPYLEFT.search(offer) for offer in offers)

    @property
    def known(self) -> bool:
        """True when the metadata or the licence file names a licence that we can read."""
        return any(kind.search(self.licence) for kind in (COPYLEFT, WEAK, PERMISSIVE))


def licence_of(found: metadata.Distribution) -> str:
    """SPDX expression, else classifiers, else the first line of the License field, else its licence file's words."""
    info = found.metadata
    expression = info.get("License-Expression")
    classified = [
        c.rsplit(" :: ", 1)[1]
        for c in info.get_all("Classifier") or []
        if c.startswith("License :: OSI Approved ::")
    ]
    free = (info.get("License") or "").strip().split("\n")[0]
    return expression or "; ".join(classified) or free[:60] or _from_file(found) or "not stated"


def _from_file(found: metadata.Distribution) -> str:
    """What the shipped licence text calls itself."""
    for file in found.files or []:
        if re.match(r"LICEN[CS]E|COPYING", file.name, re.IGNORECASE):
            text = " ".join(file.read_text(encoding="utf-8").split())
            for name, words in TEXTS.items():
                if words in text:
                    return f"{name} (by its licence file)"
    return ""


def _wanted(requirement: Requirement, extras: frozenset[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in (extras or {""}))


def closure(roots: list[str]) -> dict[str, str]:
    """Installed packages reached from the requirements, each with the one that asked first."""
    found: dict[str, str] = {}
    queue = [(Requirement(r), "compth") for r in roots]
    while queue:
        requirement, by = queue.pop(0)
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or name == "compth":
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed here
        found[name] = by
        extras = frozenset(requirement.extras)
        queue += [(r, name) for text in needs if _wanted(r := Requirement(text), extras)]
    return found


def dependency_rows(extras: tuple[str, ...] = RUN_TIME_EXTRAS) -> list[Row]:
    """Core dependencies and those of the extras, with all that they need, as far as they are installed."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    roots = list(project["dependencies"])
    for extra in extras:
        roots += project["optional-dependencies"].get(extra, [])
    rows = []
    for name, by in sorted(closure([r for r in roots if not r.startswith("compth")]).items()):
        found = metadata.distribution(name)
        rows.append(Row(name, found.version, licence_of(found), by))
    return rows


def main() -> int:
    """Print the table; 1 when a package offers nothing but a GPL, or names no licence."""
    rows = dependency_rows()
    for row in rows:
        mark = "  COPYLEFT" if row.copyleft else "" if row.known else "  UNKNOWN"
        print(f"{row.name:<24} {row.version:<14} {row.licence:<50} {row.needed_by}{mark}")
    return int(any(r.copyleft or not r.known for r in rows))


if __name__ == "__main__":
    sys.exit(main())
