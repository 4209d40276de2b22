"""README's tables and pictures against the commands that they are of: `python docs/_ext/readme.py [--write]`.

A block after `<!-- table: COMMAND -->` is what the command prints, a picture after `<!-- picture: COMMAND -->` what it
draws, run in a folder that holds the blocks after `<!-- file: NAME -->`. `make demo` stands for its recipe; other
pictures are of `compth compare` or of `python -m figures NAME`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.image import imread

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"<!-- table: (.*?) -->\n```\n(.*?)```", re.DOTALL)
PICTURE = re.compile(r"<!-- picture: (.*?) -->\n!\[.*?\]\((.*?)\)")
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", re.DOTALL)
FIGURES = "python -m figures "
VERSIONS = re.compile(r"^(compth \d|written: )")
"""Lines that change with the machine and say nothing of the result."""
SAME = 2e-3
"""Mean difference of two pictures, black against white being 1: one curve moved is more, one pixel of rounding less."""


def arguments(command: str) -> list[str]:
    """The command's words after `compth`."""
    if command.startswith("make "):
        recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
        command = re.search(rf"^{command[5:]}:.*\n\t\$\(BIN\)/(.*)$", recipe, re.MULTILINE)[1]
        command = re.sub(r" --out \S+", "", command)
    return shlex.split(command)[1:]


def run(command: str, files: dict[str, str], folder: Path) -> list[str]:
    """What the command prints, without the lines of the machine; its files lie in the folder's `out`."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if command.startswith(FIGURES):
        words = ["figures", command.removeprefix(FIGURES), "--out", "out"]
    else:
        words = ["compth", *arguments(command)]
    if words[1] == "compare":
        words += ["--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):  # 1: refuted
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
    return [line for line in done.stdout.splitlines() if not VERSIONS.match(line)]


def same_picture(one: Path, other: Path) -> bool:
    """Whether two pictures show the same."""
    a, b = imread(one), imread(other)
    return a.shape == b.shape and float(np.mean(np.abs(a - b))) < SAME


def same_table(shown: str, printed: list[str]) -> bool:
    """Whether the block is what was printed, lines of the machine aside."""
    return [line for line in shown.splitlines() if not VERSIONS.match(line)] == printed


def compare(text: str, root: Path, only: str = "", write: bool = False) -> tuple[list[str], str]:
    """The commands whose block or picture is not theirs, and the text with their tables; pictures are replaced."""
    files = dict(FILE.findall(text))
    tables, pictures = dict(TABLE.findall(text)), dict(PICTURE.findall(text))
    wrong = []
    for command in [*dict.fromkeys([*tables, *pictures])]:
        if only not in command:
            continue
        with tempfile.TemporaryDirectory() as name:
            printed = run(command, files, Path(name))
            if command in tables and not same_table(tables[command], printed):
                wrong.append(f"table: {command}")
                mark = f"<!-- table: {command} -->\n```\n"
                text = text.replace(mark + tables[command], mark + "\n".join([*printed, ""]), 1)
            if command in pictures:
                figure = command.removeprefix(FIGURES) if command.startswith(FIGURES) else "comparison"
                drawn, kept = Path(name) / "out" / f"{figure}.png", root / pictures[command]
                if not kept.is_file() or not same_picture(drawn, kept):
                    wrong.append(f"picture: {command}")
                    if write:
                        kept.write_bytes(drawn.read_bytes())
    return wrong, text


def main(write: bool) -> int:
    page = ROOT / "README.md"
    wrong, text = compare(page.read_text(encoding="utf-8"), ROOT, write=write)
    if write:
        page.write_text(text, encoding="utf-8")
    verb = "written anew" if write else "not what the command gives: run `make readme`"
    print("\n".join(f"{name}: {verb}" for name in wrong) or "README shows what its commands give")
    return int(bool(wrong) and not write)


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
