"""The command line: the only place of the package that prints. Each command is one module, imported when it runs.

A command returns its exit code, raises CompthError for what a user can mend, and writes files only where it was asked
to. New commands are a line in COMMANDS and a module beside this one; typer reads the options from its function.
"""

from __future__ import annotations

import importlib
import os
import sys

from compth._interrupts import interruptible

COMMANDS = {
    "compare": ("compth.cli.compare", "Compare methods on real or random data: guarantee beside simulation."),
    "list": (
        "compth.cli.catalogue",
        "List compressors, fleets and methods with their constants, or show one.",
    ),
    "theorems": (
        "compth.cli.theorems",
        "List the theorems with steps, rate and standing, or show one and its proof.",
    ),
    "check": ("compth.cli.check", "Certify or refute a compressor's declared constants."),
    "refute": ("compth.cli.refute", "Prove or refute a claimed rate or theorem."),
    "analyse": ("compth.cli.analyse", "Derive all that follows from a method written as one body."),
    "derive": ("compth.cli.derive", "From a method's body to its theorem: bracket and closed form."),
    "tune": ("compth.cli.tune", "Choose compression level and step size: improvement per bit."),
    "budget": ("compth.cli.budget", "Say how far one may compress within rounds or bits."),
    "sweep": ("compth.cli.sweep", "Run a grid of experiments that survives being killed."),
}


def available() -> dict[str, tuple[str, str]]:
    """The commands whose modules are installed.

    A wheel without optional parts lacks some of them: then they are not offered.
    """
    from importlib.util import find_spec

    return {name: entry for name, entry in COMMANDS.items() if find_spec(entry[0]) is not None}


def _help() -> str:
    """What `compth` alone prints: the commands and the exit codes."""
    from compth import __version__

    # No command's module is imported for the list of them: `compth` alone must answer at once.
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {about}" for name, (_, about) in available().items()]
    return "\n".join(
        [
            f"compth {__version__}: the referee of communication-compression theory",
            "",
            "usage: compth COMMAND [OPTIONS]      (compth COMMAND --help for its options)",
            "",
            *lines,
            "",
            "compth --install-completion: complete commands and options in this shell",
            "exit codes: 0 proved or consistent, 1 refuted, 2 unusable input, 3 inconclusive",
        ]
    )


def _invoke(name: str, arguments: list[str]) -> int:
    """Run one command; its return value is the exit code. Raises what the command raises, and click's own errors."""
    import typer

    # Numbers and figures take seconds to import: each command pays for its own alone.
    module = importlib.import_module(COMMANDS[name][0])
    # One application of one command: the others' modules, and what they import, are not loaded.
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name=name)(getattr(module, "list_" if name == "list" else name))
    command = typer.main.get_command(app)
    try:
        result = command.main(args=arguments, prog_name=f"compth {name}", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    # typer turns Ctrl-C into an exit code; what was interrupted is said in one place, by `main`.
    if result == 130:  # what the option parser makes of Ctrl-C
        raise KeyboardInterrupt
    return int(result or 0)


COMPLETION = ("--install-completion", "--show-completion")


def _complete(arguments: list[str]) -> int:
    """Shell completion by typer: all commands in one application, made only when a shell asks.

    COMPLETION and the variable that shells set lead here.
    """
    import typer

    # All modules are imported here: a shell asks for every command's options.
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    for name, (module, about) in available().items():
        held = importlib.import_module(module)
        app.command(name=name, help=about)(getattr(held, "list_" if name == "list" else name))
    app(args=arguments, prog_name="compth")
    return 0


def run(arguments: list[str]) -> int:
    """The exit code of `compth ARGUMENTS`; every error a user can cause is one line on standard error.

    0 proved or consistent, 1 refuted, 2 unusable input, 3 inconclusive, 70 a bug of ours. Raises KeyboardInterrupt:
    `main` says what is kept.
    """
    from compth._interrupts import interrupted
    from compth.errors import CompthError

    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    # Words that are no commands come first; any other first word must be one.
    if arguments[0] in COMPLETION:
        return _complete(arguments)
    if arguments[0] in ("-V", "--version"):
        from compth.reporting.files import provenance

        print(provenance())
        return 0
    name = arguments[0]
    if name not in available():
        print(
            f"compth: error: command={name!r} is not known: choose one of {', '.join(available())}",
            file=sys.stderr,
        )
        return 2
    try:
        return _invoke(name, arguments[1:])
    except CompthError as problem:
        print(f"compth {name}: error: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    # Sizes are the user's to choose: what does not fit is unusable input and no bug.
    except MemoryError as problem:
        print(
            f"compth {name}: error: not enough memory ({problem or 'none left'}): choose smaller sizes",
            file=sys.stderr,
        )
        return 2
    # Head has read enough: the descriptor goes to nowhere, or Python would complain again while it ends.
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:
        # a library whose start was interrupted says that it could not be imported
        if interrupted():
            raise KeyboardInterrupt from None
        return _unexpected(name, problem)


def _unexpected(name: str, problem: Exception) -> int:
    """Usage errors of the option parser are one line; anything else is our bug and says so.

    With COMPTH_DEBUG set the bug's traceback is shown. Exit code 2 or 70.
    """
    message = getattr(problem, "format_message", None)
    # click's own errors (an unknown option, a missing value) have a message for users; others are ours.
    if message is not None:
        print(
            f"compth {name}: error: {' '.join(message().split())} (see compth {name} --help)", file=sys.stderr
        )
        return 2
    if os.environ.get("COMPTH_DEBUG"):
        raise problem
    # A traceback helps us and frightens others: one line, and how to see the rest.
    kind = type(problem).__name__
    print(
        f"compth {name}: internal error ({kind}: {problem}); set COMPTH_DEBUG=1 for the details",
        file=sys.stderr,
    )
    return 70


def _ascii(problem: UnicodeError) -> tuple[str, int]:
    """What a terminal's encoding lacks, in letters that it has: accents dropped, Greek by name, "?" for the rest.

    Returns (the letters, where the encoder goes on), as `codecs.register_error` asks.
    """
    import unicodedata

    assert isinstance(problem, UnicodeEncodeError)
    said = ""
    for letter in problem.object[problem.start : problem.end]:
        # By decomposition "é" loses its accent; Greek letters have names; the rest has a table or is a
        # question mark.
        plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        name = unicodedata.name(letter, "")
        greek = name.split()[-1].lower() if name.startswith("GREEK SMALL LETTER") else ""
        said += plain or greek or LETTERS.get(letter, "?")
    return said, problem.end


LETTERS = {
    "ł": "l",
    "Ł": "L",
    "—": "-",
    "–": "-",
    "≤": "<=",
    "≥": ">=",
    "·": "*",
    "×": "x",
    "’": "'",
    "│": "|",
    "─": "-",
}


def _speak_any_encoding() -> None:
    """No terminal makes a command fail: letters that its encoding lacks are spelled.

    Streams that were replaced (by a test, a notebook) may not be configurable: they are left as they are.
    """
    import codecs

    # A handler of our own, so that "strict" streams spell what they lack instead of failing in the last line
    # of a table.
    codecs.register_error("compth", _ascii)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="compth")


def main() -> None:
    """Entry point of the `compth` script: the exit code is the process's, also after Ctrl-C."""
    # The name that an interrupted run is told by.
    name = next((f"compth {a}" for a in sys.argv[1:2] if a in COMMANDS), "compth")
    sys.exit(interruptible(name, _main))


def _main() -> int:
    """The exit code; a closed pipe is no error.

    Flushed here, so that a full disk or a closed pipe is met while it can still be told.
    """
    try:
        _speak_any_encoding()
        if "_COMPTH_COMPLETE" in os.environ:
            _complete(sys.argv[1:])
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone: nothing is wrong here
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    return code
