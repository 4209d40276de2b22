"""Specs that name objects of files, as in "EF21(mine.py:f)": each file's code runs in a process of its own.

What is promised of such a method rests on the file's claims: every command that takes one says whether they hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from compth._numbers import Number
from compth._types import Json
from compth.errors import CompthError, InvalidParameter

if TYPE_CHECKING:
    from compth.certificates import Report
    from compth.certification.hosted import Host
    from compth.compressors import Compressor
    from compth.text.specs import Built

NAMED = re.compile(r"""[^\s(),=\[\]"']+\.py:[A-Za-z_]\w*""")
"""FILE.py:NAME inside a spec."""
WORD = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\()")
"""A name in an expression, not one of a function."""
CLAIMS = {"omega": "Unbiased({})", "delta": "Contractive({})", "claim": "{}"}
"""What a plain function's arguments in a spec claim."""


class Files:
    """Builds specs; `checked` is what the referee says of each file's claims at dimension d.

    host: where files run. requests: what has to be judged, by label. asked: labels that the last specs named.
    """

    def __init__(self, host: Host | None, d: int) -> None:
        self.host, self.d = host, d
        self.made: dict[str, Compressor] = {}
        self.requests: dict[str, Json] = {}
        self.asked: list[str] = []

    def build(self, text: str, known: Mapping[str, object]) -> Built:
        """`text.specs.build`, where names of files stand for their compressors.

        known: the names of the package. Raises InvalidParameter, in the words that were typed.

        The text is parsed, never evaluated; a file's code runs only in the host's processes.
        """
        from compth.text.specs import build

        found: list[str] = []

        def named(match: re.Match[str]) -> str:
            found.append(match[0])
            return f"file_{len(found) - 1}_"

        # A spec is Python's grammar and "mine.py:f" is none: each such name is replaced by a word of ours,
        # which stands for its maker, and put back into whatever message comes.
        spec = NAMED.sub(named, text)
        makers = {f"file_{i}_": self._maker(target) for i, target in enumerate(found)}
        if not found:
            return build(text, dict(known))
        try:
            return build(spec, {**known, **makers})
        except CompthError as problem:
            said = str(problem)
            for i, target in enumerate(found):
                said = said.replace(f"file_{i}_", target)
            raise type(problem)(said) from None

    def _maker(self, target: str) -> Callable[..., Compressor]:
        """The function that a spec calls in a file's name."""

        def make(**given: Number) -> Compressor:
            # omega, delta and claim are what the function is said to satisfy; bits is its price; the rest are
            # its parameters.
            claims = [CLAIMS[k].format(v) for k, v in given.items() if k in CLAIMS]
            parameters = {k: v for k, v in given.items() if k not in CLAIMS and k != "bits"}
            odd = next((k for k, v in parameters.items() if not isinstance(v, int | float)), None)
            if odd is not None:
                raise InvalidParameter(
                    f"{target}({odd}={parameters[odd]!r}): parameters of files are numbers"
                )
            bits = given.get("bits")
            return self._compressor(
                target, parameters, claims, None if bits is None else _at(str(bits), parameters)
            )

        return make

    def _compressor(
        self, target: str, parameters: dict[str, Number], claims: list[str], bits: str | None
    ) -> Compressor:
        """The hosted compressor of a file at these parameters, with what it claims."""
        from compth.claims.written import claims_of

        # One hosted compressor a label: methods of a comparison share it, and it is judged once.
        claims_of(claims, parameters)  # refuse an unreadable claim before anything runs
        declared = [*claims, *([f"bits={bits}"] if bits is not None else [])]
        inside = ", ".join([*(f"{k}={v}" for k, v in parameters.items()), *declared])
        label = target + (f"({inside})" if inside else "")
        self.asked.append(label)
        if label not in self.made:
            file, _, name = target.rpartition(":")
            assert self.host is not None  # a spec that names a file has one
            made = self.host.compressor(file, name, parameters, claims, bits)
            self.made[label] = made
            made.bits(self.d)  # bits that nothing has are said before anything runs
            self.requests[label] = {
                "file": file, "name": name, "params": parameters, "claims": claims, "dims": [self.d],
                "budget": "quick", "alpha": 1e-9, "seed": 0, "magnitudes": [None, None],
                "adapt": {"pair": True} if made.pair else {},
            }  # fmt: skip
        return self.made[label]

    def checked(
        self, only: Collection[str] | None = None, advance: Callable[[str], None] | None = None
    ) -> list[str]:
        """One line a file, of those labels only where they are given: are its claims true at d?

        only: labels, None for all. advance: called with the name of each piece of work as it starts.
        """
        from compth.certification.sandbox import check

        lines = []
        # Each file's claims are judged once, by the referee of `compth check`, however many methods used it.
        for label, request in self.requests.items():
            if only is None or label in only:
                if advance is not None:
                    advance(f"claims of {label}")
                lines.append(_found(label, check(request)))
        return lines


def _at(bits: str, parameters: Mapping[str, Number]) -> str:
    """The expression of d and the parameters, with the parameters' numbers in it.

    Raises InvalidParameter for other names.
    """
    from compth.text.expressions import parse

    # Parsed before numbers are put in, so that an error names what was typed; the brackets keep precedence.
    parse(bits, frozenset({"d", *parameters}))
    return WORD.sub(lambda m: f"({parameters[m[0]]})" if m[0] in parameters else m[0], bits)


def _found(label: str, report: Report) -> str:
    """The verdict on a file's claims in one line, and what follows from a false one.

    The certificate of the report's own verdict; where several have it, the first.
    """
    # The certificate that decided, which is the one that a reader asks about.
    last = report.certificates[-1]
    worst = next((c for c in report.certificates if c.verdict is report.verdict), last)
    said = worst.details.get("says") or worst.technique
    line = f"{label}: its claims at d = {worst.scope.get('d')} are {report.verdict.value} ({said})"
    if report.verdict.value == "REFUTED":
        return f"{line}: what is promised and certified above rests on a false claim"
    return line
