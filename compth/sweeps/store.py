"""One SQLite file (WAL) per sweep: each finished row is one committed transaction.

Every record is sealed by a checksum: a damaged one counts as missing and is computed again. The schema may grow by
editions; a file of an older one is brought forward when it is opened, a newer one is refused.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from compth._types import Json
from compth.errors import UnusableInput
from compth.reporting.files import MARK, write_all

APPLICATION_ID = 0x434F4D50
"""Marks the file as ours in its header."""
WAIT = 30.0
"""Seconds to wait for another process's lock."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, spec TEXT NOT NULL, row TEXT NOT NULL, seal TEXT);
CREATE TABLE IF NOT EXISTS strikes (key TEXT PRIMARY KEY, count INTEGER NOT NULL);
"""
EDITION = 2
"""The schema's number in the file (user_version). 1 had no seals; its rows are sealed as they stand."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to a spreadsheet: an apostrophe before it makes it a text again."""


def seal_of(key: str, spec: str, row: str) -> str:
    """Checksum of one record: a damaged one is found, and computed again, instead of being read."""
    return hashlib.sha256("\n".join((key, spec, row)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Store:
    """Rows by key. Errors of the file (locked, corrupt, full, foreign) are one clear line and lose no finished row."""

    def __init__(self, path: str | Path, *, check: bool = True) -> None:
        """Open or make the file. check: read it whole once and refuse a damaged one (a worker's put need not)."""
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise UnusableInput(f"store={str(path)!r}: the folder {str(self.path.parent)!r} does not exist")
        with self._errors():
            self._db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
            held = self._db.execute("PRAGMA application_id").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            # Another program's database is left alone; an empty file may become ours.
            if held != APPLICATION_ID and tables:
                self._db.close()
                raise UnusableInput(f"store={str(path)!r} is another program's database: choose another file")
            if held != APPLICATION_ID:
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            if check and tables:
                self._check()
            self._open(held == APPLICATION_ID)

    def _check(self) -> None:
        """An index that does not name its rows would lose them silently: SQLite's own check of the whole file."""
        said = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if said != "ok":
            self._db.close()
            raise sqlite3.DatabaseError(f"malformed: {' '.join(str(said).split())[:80]}")

    def _open(self, ours: bool) -> None:
        """Bring the file to this edition of the schema; a newer one is refused."""
        edition = self._db.execute("PRAGMA user_version").fetchone()[0] if ours else EDITION
        if edition > EDITION:
            self._db.close()
            raise UnusableInput(
                f"store={str(self.path)!r} was written by a newer compth: update, or choose another"
            )
        # WAL: workers commit while the driver reads, and a killed writer leaves the last whole state.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.executescript(SCHEMA)
        # Rows of the first edition have no seals: they are sealed as they stand, in one transaction.
        if edition < EDITION and "seal" not in self._columns():
            with self._transaction():
                self._db.execute("ALTER TABLE results ADD COLUMN seal TEXT")
                for key, spec, row in list(self._db.execute("SELECT key, spec, row FROM results")):
                    self._db.execute(
                        "UPDATE results SET seal = ? WHERE key = ?", (seal_of(key, spec, row), key)
                    )
        self._db.execute(f"PRAGMA user_version = {EDITION}")

    def _columns(self) -> set[str]:
        """Names of the columns of the results."""
        return {column[1] for column in self._db.execute("PRAGMA table_info(results)")}

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite says, in the user's terms, as UnusableInput."""
        try:
            yield
        except (sqlite3.Error, UnicodeError, OverflowError) as problem:
            raise UnusableInput(f"store={str(self.path)!r}: {_explain(problem)}") from None

    def put(self, key: str, spec: str, row: str) -> None:
        """Commit one finished row; a whole row already there stays as it is, a damaged one is replaced.

        key: of the task. spec, row: as canonical JSON. Raises UnusableInput for errors of the file.
        """
        with self._errors():
            held = self._db.execute(
                "SELECT key, spec, row, seal FROM results WHERE key = ?", (key,)
            ).fetchone()
            # Two drivers may compute one row: the first stays, for it is the same to the last bit.
            if held is None or not _whole(held):
                record = (key, spec, row, seal_of(key, spec, row))
                self._db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", record)

    def has(self, key: str) -> bool:
        """True where a whole row is finished."""
        with self._errors():
            held = self._db.execute(
                "SELECT key, spec, row, seal FROM results WHERE key = ?", (key,)
            ).fetchone()
        return held is not None and _whole(held)

    def _records(self) -> tuple[dict[str, tuple[str, str]], int]:
        """(spec, row) of every whole record by key, and how many are damaged."""
        with self._errors():
            held = list(self._db.execute("SELECT key, spec, row, seal FROM results ORDER BY key"))
        whole = {r[0]: (r[1], r[2]) for r in held if _whole(r)}
        return whole, len(held) - len(whole)

    def keys(self) -> set[str]:
        """Keys of finished rows; damaged ones are not finished."""
        return set(self._records()[0])

    def rows(self, keys: Iterable[str] | None = None) -> list[Json]:
        """Finished rows in the order of `keys` (default: all, by key)."""
        # A sweep reads its own rows, and damaged ones are computed again; an export of all of them may not
        # leave any out.
        held = self._all() if keys is None else self._records()[0]
        wanted = held if keys is None else [k for k in keys if k in held]
        return [json.loads(held[k][1]) for k in wanted]

    def _all(self) -> dict[str, tuple[str, str]]:
        """Every record; UnusableInput when one of them is damaged: an export never leaves rows out silently."""
        held, damaged = self._records()
        if damaged:
            raise UnusableInput(
                f"store={str(self.path)!r} has {damaged} damaged rows: run the sweeps that made them again, "
                "only those rows are computed"
            )
        return held

    def raw(self) -> list[tuple[str, str, str]]:
        """Everything stored, by key: what a bitwise comparison of two sweeps compares."""
        return [(key, *record) for key, record in self._records()[0].items()]

    def table(self) -> list[Json]:
        """Rows for export, all with the same columns: what was found, then the grid's own (grid.dataset ...)."""
        rows = [json.loads(row) | _grid(json.loads(spec)) for spec, row in self._all().values()]
        # One set of columns for all rows: what a task did not give is empty.
        names = dict.fromkeys(name for row in rows for name in row)
        names = dict.fromkeys(sorted(names, key=lambda name: name.startswith("grid.")))
        return [dict.fromkeys(names) | row for row in rows]

    def strike(self, key: str) -> int:
        """Count one death of a worker during this task; the new count. Raises UnusableInput for errors of the file."""
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
        rows = self.table()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]) if rows else ["method", "version", "seed"])
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
        # Text that no encoding takes (from file names) is written with escapes rather than lost.
        data = text.getvalue().encode("utf-8", "backslashreplace")
        return write_all(Path(path).parent, {Path(path).name: data}, own=own_csv)[0]

    def to_parquet(self, path: str | Path) -> Path:
        """All rows as Parquet (needs pyarrow: extra `cluster`). Raises UnusableInput as `to_csv` does."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise UnusableInput("Parquet export needs pyarrow: pip install 'compth[cluster]'") from None
        table = pyarrow.Table.from_pylist(self.table()).replace_schema_metadata({"made": MARK})
        out = io.BytesIO()
        pyarrow.parquet.write_table(table, out)

        return write_all(Path(path).parent, {Path(path).name: out.getvalue()}, own=own_parquet)[0]

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _whole(record: tuple[str, ...]) -> bool:
    """A record is four texts of which the last seals the others."""
    return all(isinstance(part, str) for part in record) and seal_of(*record[:3]) == record[3]


def _grid(spec: Json) -> dict[str, object]:
    """The columns of a task that its row does not hold: which problem of the grid it was."""
    content = {"grid.content": spec["content"]} if "content" in spec else {}
    columns = {f"grid.{name}": value for name, value in spec.get("problem", {}).items()} | content
    if "grid.target" in columns:
        columns["grid.target"] = str(columns["grid.target"])  # a name in one row, a number in another
    return columns


def _plain(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def own_csv(file: Path) -> bool:
    """True for an export of ours: its header has the columns that every row has."""
    with file.open(newline="", encoding="utf-8", errors="replace") as held:
        header = next(csv.reader(held), [])
    return not header or {"method", "seed", "version"} <= set(header)


def own_parquet(file: Path) -> bool:
    """True for a Parquet file with our mark."""
    import pyarrow
    import pyarrow.parquet

    try:
        return MARK.encode() in (pyarrow.parquet.read_schema(file).metadata or {}).values()
    except pyarrow.ArrowInvalid:
        return False


def _explain(problem: Exception) -> str:
    """What happened and what to do, in the user's terms."""
    text = str(problem)
    if "locked" in text or "busy" in text:
        return f"another process has held its lock for {WAIT:.0f} s; wait for it or stop it (finished rows are safe)"
    if "full" in text:
        return "the disk is full; free some space and run the same command again (finished rows are safe)"
    # SQLite's words are for programmers: each kind of failure gets what to do about it, and whether rows are
    # safe.
    if "malformed" in text or "not a database" in text or not isinstance(problem, sqlite3.Error):
        return f"it is corrupt ({text}); move it away, or restore rows with: sqlite3 FILE .recover"
    if "readonly" in text or "unable to open" in text:
        return f"it cannot be written ({text}); check the path and its permissions"
    if "decode" in text or "no such" in text or "has no column" in text:
        return f"it is corrupt ({text}); move it away, or restore rows with: sqlite3 FILE .recover"
    return text
