"""`compth/__init__.pyi`, made from what `import compth` offers lazily: `python -m tests.stub` writes it anew."""

from __future__ import annotations

from pathlib import Path

import compth as ct

FILE = Path(ct.__file__).with_suffix(".pyi")
HEAD = (
    '"""compth: the referee of communication-compression theory. Made by tests/stub.py for type checkers."""'
)


def text():
    """Every public name as an import from where it is written; plug-ins of other packages are left out."""
    own = {name: thing for name, thing in ct._by_name().items() if thing.__module__.startswith("compth.")}
    homes = {thing.__name__: thing.__module__ for thing in own.values()}
    homes |= {**ct._OWNER, **dict.fromkeys(ct._MODULES, "compth")}
    imports = [f"from {homes[name]} import {name} as {name}" for name in sorted(homes, key=order(homes))]
    aliases = [f"{name} = {thing.__name__}" for name, thing in sorted(own.items()) if name != thing.__name__]
    return "\n".join([HEAD, "", *imports, "", *aliases, "__version__: str", ""])


def order(homes):
    """As linters sort imports: by module; in it constants, classes, functions."""
    return lambda name: (homes[name], not name.isupper(), name[0].islower(), name)


if __name__ == "__main__":
    FILE.write_text(text())
