"""Objects that other installed packages contribute by entry point."""

from __future__ import annotations

import warnings
from importlib import metadata


def plugins(group: str) -> dict[str, object]:
    """Loaded entry points of a group by name; one that cannot be loaded is a warning, never an error."""
    found: dict[str, object] = {}
    for point in metadata.entry_points(group=group):
        try:
            found[point.name] = point.load()
        # A package of others that is broken must not keep ours from being imported.
        except Exception as problem:
            reason = f"{type(problem).__name__}: {problem}"
            warnings.warn(f"plug-in {point.value!r} of {group} cannot be loaded ({reason})", stacklevel=2)
    return found
