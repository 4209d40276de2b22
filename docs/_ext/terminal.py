"""`.. terminal:: compth check ...`: run a command of the package while building and show it with what it prints.

Option :exit: is the exit code that the command must end with (0), :file: NAME holds the content as a file beside it.
The build fails when the exit code is another one.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives


def run(arguments: list[str], files: dict[str, str], expected: int) -> str:
    """What the command prints; RuntimeError when it ends with another code than expected."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    if done.returncode != expected:
        raise RuntimeError(
            f"{shlex.join(arguments)} ended with {done.returncode}, not {expected}: {done.stderr}"
        )
    return done.stdout + done.stderr


class Terminal(Directive):
    """The directive: its argument is the command line, its content the file that the command reads."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {"exit": directives.nonnegative_int, "file": directives.unchanged}  # noqa: RUF012  # docutils' API

    def run(self) -> list[nodes.Node]:
        """The file, the command and its output."""
        command = " ".join(self.arguments[0].split())
        name, text = self.options.get("file"), "\n".join(self.content) + "\n"
        try:
            said = run(shlex.split(command), {name: text} if name else {}, self.options.get("exit", 0))
        except RuntimeError as problem:
            raise self.error(str(problem)) from None
        shown: list[nodes.Node] = []
        if name:
            shown += [
                nodes.paragraph("", "", nodes.literal(name, name), nodes.Text(":")),
                nodes.literal_block(text, text, language="python"),
            ]
        session = f"$ {command}\n{said.rstrip()}\n"
        return [*shown, nodes.literal_block(session, session, language="text")]


def setup(app):
    app.add_directive("terminal", Terminal)
    return {"parallel_read_safe": True}
