"""Bodies of methods as targets: FILE.py:NAME, or a method of the catalogue; what is asked, here or in a child.

No line of a user's file runs in this process: whoever adds a command asks through `of_file`.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from compth._numbers import Number
from compth._types import Json
from compth.errors import InvalidParameter, UnusableInput

if TYPE_CHECKING:
    from compth.certification.sandbox import Pulse
    from compth.methods import Method

LIMIT = 900.0
"""Seconds after which an answer that has not come counts as a hang."""
TRUSTED = (
    "trusted: the process of {file}, in which this was computed: what the file holds is more than one body whose "
    "coefficients are formulas of its parameters"
)
"""Said where the file could have forged what is shown."""

Answering = Callable[[object, Json], Json]
"""(the method, the request) -> {"text": what is printed, ...}."""


def of_file(request: Json, module: str, told: str, answer: Answering) -> Json:
    """A body is told as data and asked here; anything else in a child with the file, `python -m MODULE`, which is
    said.

    request: plain values, "file" and "name" among them. told: the part of the answer that is shown as JSON. answer:
    what asks, here. Raises UnusableInput where the file's program does not answer, InvalidParameter as the answer
    does.
    """
    from compth.certification import sandbox
    from compth.certification.supervisor import Worker
    from compth.worst_case.body_told import body_of, told_body
    from compth.worst_case.told import Statement

    file, name = request["file"], request["name"]
    # The file is loaded in a process of its own: as data where it can be told so, and then whatever is derived
    # is computed here, where the file's lines cannot reach. Only what cannot be told is computed beside the
    # file, and the answer says so.
    with sandbox.naming(file), Worker() as worker:
        worker.first("load body", (file, name, {}, sandbox.LOAD_LIMIT), sandbox.LOAD_LIMIT)
        body = told_body(Statement(None, name, worker))
    if body:
        return answer(body_of(body), request)
    found, code = sandbox.ask(module, request)
    if found is None:
        raise UnusableInput(f"file={file!r}: the program {sandbox.ending(code)}")
    said = TRUSTED.format(file=file)
    found[told]["trusted"] = said
    return {**found, "text": f"{found['text']}\n{said}"}


def serve(answer: Answering) -> None:
    """The child's side: load the file and answer one request about what it names.

    What the file prints is not shown, and its errors become one line of the answer.

    answer: called with the loaded object and the request; it must give JSON-ready values.
    """
    from compth.certification import sandbox

    sandbox.serve(lambda request, pulse: _answered(request, pulse, answer))


def _answered(request: Json, pulse: Pulse, answer: Answering) -> Json:
    """The answer, or {"unusable": ...} and {"invalid": ...} with one line, which the parent raises again."""
    from compth.certification import sandbox
    from compth.certification.loading import load
    from compth.certification.subject import CallTooLong, time_limit
    from compth.errors import CompthError

    # The parent listens for signs of life: they are promised for the import, then for the answer, so that a
    # hang in either is told from a long computation.
    pulse.until = time.monotonic() + sandbox.LOAD_LIMIT
    file, name = request["file"], request["name"]
    try:
        with contextlib.redirect_stdout(io.StringIO()), time_limit(sandbox.LOAD_LIMIT):
            thing = load(file, name, {})
        pulse.until = time.monotonic() + LIMIT
        with contextlib.redirect_stdout(io.StringIO()):
            return answer(thing, request)
    except CallTooLong:
        return {"unusable": f"file={file!r} takes more than {sandbox.LOAD_LIMIT:g} s to import"}
    except UnusableInput as problem:
        return {"unusable": str(problem)}
    except CompthError as problem:
        return {"invalid": str(problem)}


def of_catalogue(text: str) -> type[Method] | Method:
    """The class of a plain name, else the instance that a spec says. InvalidParameter for neither.

    text: "DIANA", or "DIANA(alpha=0.5)" as Python would spell it; it is parsed and never evaluated.
    """
    from compth.methods import Method, catalogue, vocabulary
    from compth.text.specs import build

    if text in catalogue():
        return catalogue()[text]
    # A bare name means the class, whose parameters are then planned; a spec means this instance.
    spec = "(" in text and not text.endswith(".py")
    found = build(text, vocabulary()) if spec else None
    if not isinstance(found, Method):
        known = ", ".join(catalogue())
        raise InvalidParameter(f"target={text!r} must be FILE.py:NAME or a method: {known}")
    return found


def number(name: str, text: str) -> Number:
    """A constant of the class or of the body, exact. InvalidParameter, with its name, for what is none.

    text: a decimal or a fraction, read as the number that it spells.
    """
    from compth.worst_case.theorem_file import constant

    return constant(name, text)


def pair(text: str) -> tuple[str, Number]:
    """(name, number) of NAME=VALUE. InvalidParameter for other text.

    NAME is an identifier; VALUE is read exactly, as `number` does.
    """
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise InvalidParameter(f"param={text!r} must be NAME=VALUE, such as alpha=1/4")
    return name, number(name, value)
