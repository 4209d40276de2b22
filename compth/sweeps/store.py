"""One SQLite file (WAL) per sweep: each finished row is one committed transaction."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from compth._files import MARK, write_all
from compth.errors import UnusableInput

APPLICATION_ID = 0x434F4D50
"""Marks the file as ours in its header."""
WAIT = 30.0
"""Seconds to wait for another process's lock."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, spec TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS strikes (key TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""


class Store:
    """Rows by key. Errors of the file (locked, corrupt, full, foreign) are one clear line and lose no finished row."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise UnusableInput(f"store={str(path)!r}: the folder {str(self.path.parent)!r} does not exist")
        with self._errors():
            self._db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
            held = self._db.execute("PRAGMA application_id").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if held != APPLICATION_ID and tables:
                self._db.close()
                raise UnusableInput(f"store={str(path)!r} is another program's database: choose another file")
            if held != APPLICATION_ID:
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(SCHEMA)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            raise UnusableInput(f"store={str(self.path)!r}: {_explain(problem)}") from None

    def put(self, key: str, spec: str, row: str) -> None:
        """Commit one finished row; a row already there stays as it is."""
        with self._errors():
            self._db.execute("INSERT OR IGNORE INTO results VALUES (?, ?, ?)", (key, spec, row))

    def keys(self) -> set[str]:
        """Keys of finished rows."""
        with self._errors():
            return {k for (k,) in self._db.execute("SELECT key FROM results")}

    def rows(self, keys: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Finished rows in the order of `keys` (default: all, by key)."""
        with self._errors():
            held = dict(self._db.execute("SELECT key, row FROM results ORDER BY key"))
        wanted = held if keys is None else [k for k in keys if k in held]
        return [json.loads(held[k]) for k in wanted]

    def raw(self) -> list[tuple[str, str, str]]:
        """Everything stored, by key: what a bitwise comparison of two sweeps compares."""
        with self._errors():
            return list(self._db.execute("SELECT key, spec, row FROM results ORDER BY key"))

    def strike(self, key: str) -> int:
        """Count one death of a worker during this task; the new count."""
        with self._errors():
            self._db.execute(
                "INSERT INTO strikes VALUES (?, 1) ON CONFLICT(key) DO UPDATE SET count = count + 1", (key,)
            )
            return int(self._db.execute("SELECT count FROM strikes WHERE key = ?", (key,)).fetchone()[0])

    def strikes(self) -> dict[str, int]:
        """Deaths by task."""
        with self._errors():
            return dict(self._db.execute("SELECT key, count FROM strikes"))

    def to_csv(self, path: str | Path) -> Path:
        """All rows as CSV. Raises UnusableInput where a file that is no such export stands there."""
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)

        def own(file: Path) -> bool:
            with file.open(newline="", encoding="utf-8", errors="replace") as held:
                header = next(csv.reader(held), [])
            return not header or {"method", "seed"} <= set(header) <= {*names, "error"}

        return write_all(Path(path).parent, {Path(path).name: text.getvalue().encode()}, own=own)[0]

    def to_parquet(self, path: str | Path) -> Path:
        """All rows as Parquet (needs pyarrow: extra `cluster`). Raises UnusableInput as `to_csv` does."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise UnusableInput("Parquet export needs pyarrow: pip install 'compth[cluster]'") from None
        table = pyarrow.Table.from_pylist(self.rows()).replace_schema_metadata({"made": MARK})
        out = io.BytesIO()
        pyarrow.parquet.write_table(table, out)

        def own(file: Path) -> bool:
            try:
                return MARK.encode() in (pyarrow.parquet.read_schema(file).metadata or {}).values()
            except pyarrow.ArrowInvalid:
                return False

        return write_all(Path(path).parent, {Path(path).name: out.getvalue()}, own=own)[0]

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _explain(problem: sqlite3.Error) -> str:
    """What happened and what to do, in the user's terms."""
    text = str(problem)
    if "locked" in text or "busy" in text:
        return f"another process has held its lock for {WAIT:.0f} s; wait for it or stop it (finished rows are safe)"
    if "full" in text:
        return "the disk is full; free some space and run the same command again (finished rows are safe)"
    if "malformed" in text or "not a database" in text:
        return f"it is corrupt ({text}); move it away, or restore rows with: sqlite3 FILE .recover"
    if "readonly" in text or "unable to open" in text:
        return f"it cannot be written ({text}); check the path and its permissions"
    return text
