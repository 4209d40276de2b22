"""A counterexample as a script: numpy and the user's file only; exits 1 while the defect stands, 0 when it is gone.

The script holds the witness, the claim and the package's own lines that judged it (`carried`): it evaluates the program
as it is when the script runs, so that a mended file clears. 2: it could not be run. Objects of the package's own types
need the package anyway: their scripts ask it.

The templates hold as little code as possible: judging is done by carried lines of the package, so that script and
verdict cannot differ. Everything that is formatted in is a literal made here, never text of the user's as it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth import __version__
from compth.certificates import Certificate
from compth.certification import again, contract, selection
from compth.certification.arithmetic import as_numpy
from compth.certification.carried import carried
from compth.certification.cells import pointwise
from compth.certification.subject import CALL_LIMIT, time_limit
from compth.claims import Claim
from compth.compressors.core.calling import takes_rng

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from compth._numbers import Number
    from compth._types import Json


@dataclass(frozen=True)
class Program:
    """How a script finds and calls the program: FILE.py:NAME with bound parameters; own: needs the package itself.

    adaptation: settings with which `adapting.adapted_as` makes a program of it.
    """

    file: str
    name: str
    parameters: Json
    workers: int | None = None
    own: bool = False
    adaptation: Json = field(default_factory=dict)


HEAD = """\
# REFUTED: {claim} of {name} at d = {d}, {how}.
#
{found}
#
# Exits with 1 while the defect stands, with 0 once it is gone, with 2 when it cannot be run. Needs {needs}.
from __future__ import annotations

{imports}

FILE = {file}
NAME = {name!r}
PARAMETERS = {parameters!r}
D = {d}
X = {x}
"""

LOAD = '''

def load(path):
    """The module of the judged file as it stands now, which may import its neighbours."""
    spec = importlib.util.spec_from_file_location("checked", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["checked"] = module
    sys.path.insert(0, os.path.dirname(path))
    loader = spec.loader  # reads the file: Python's cache takes an edit within the same second for no edit
    loader.get_code = lambda name: loader.source_to_code(loader.get_data(path), path)
    loader.exec_module(module)
    return module


try:
    thing = getattr(load(FILE), NAME)
    if isinstance(thing, type):
        thing, PARAMETERS = thing(**PARAMETERS), {}
except BaseException as problem:
    print(f"{FILE}: {NAME} cannot be loaded: {type(problem).__name__}: {problem}")
    sys.exit(2)
'''

CALL = '''

def program(x, rng):
    """One call; what torch and others return is made numpy's."""
    x = x.reshape(WORKERS, -1) if WORKERS else x
    out = thing(x, rng, **PARAMETERS) if TAKES_RNG else thing(x, **PARAMETERS)
    if WORKERS and np.shape(out) != x.shape:
        raise ValueError(f"returned shape {{np.shape(out)}} for n={{WORKERS}} rows of shape {{x.shape}}")
    return np.asarray(out).sum(axis=0) / WORKERS if WORKERS else as_numpy(out)


TAKES_RNG, WORKERS = takes_rng(thing), {workers}
subject = SimpleNamespace(
    name=NAME, program=program, deterministic=not TAKES_RNG, workers=WORKERS, batch=None, worker=None, form="",
    object=thing, size=lambda d: len(X),
)
'''

LINES = """
# From here on: the lines of compth {version} that judged, as they are in the package.

{lines}

# The verdict.
{load}{call}
{main}"""

JUDGE = """\
CLAIM = {claim}
SLACK = {slack!r}  # rounding that the program's arithmetic is granted, relative to ||C(x)|| + ||x||
"""

EXACT = "found = {how}(subject, CLAIM, X, D, SLACK)"
SAMPLED = "found = by_samples(subject, CLAIM, X, D, SLACK, seed={seed}, blocks={blocks}, level={level!r})"
END = """
for line in found:
    print({True: "violated: ", False: "holds:    ", None: "remark:   "}[line.violated] + line.says)
sys.exit(1 if any(line.violated for line in found) else 0)
"""

CONTRACT = '''
CHECKS = ({checks},)


def look(v, seed):
    """One call, ended when it takes too long."""
    with time_limit({limit}):
        return observe(program, v, seed)


def judged():
    """The contract at X, in a process of its own: the program may end it, or hang."""
    done = subprocess.run([sys.executable, __file__, "--inside"], capture_output=True, text=True, timeout={patience})
    return done.stdout.strip().splitlines()[-1:] == ["kept"] and done.returncode == 0, done.stdout.strip()


if "--inside" in sys.argv:
    {memory}
    print(kept(look, CHECKS, X, D, {seeds}) or "kept", flush=True)
    os._exit(0)
try:
    good, said = judged()
except subprocess.TimeoutExpired:
    good, said = False, "hangs"
print("the contract is kept here" if good else f"confirmed: {{said or 'the program ended its process'}}")
sys.exit(0 if good else 1)
'''

MEMORY = "resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))"

PACKAGE = """
from compth.certification import certify
from compth.reporting.certification import lines

thing = functools.partial(thing, **PARAMETERS) if PARAMETERS else thing
{adapted}report = certify(thing, D, claims={claims}, **{settings!r})
print("\\n".join(lines(report)))
sys.exit(1 if report.verdict.value == "REFUTED" else 0)
"""


def stated(claim: Claim) -> dict[str, object]:
    """A claim as data that keeps its constants exactly."""
    constants = {**claim.constants, **({"n": claim.n} if hasattr(claim, "n") else {})}
    return {"kind": type(claim).__name__, "constants": {k: _literal(v) for k, v in constants.items()}}


def _literal(value: Number) -> str:
    """A number as an expression that gives it back."""
    if isinstance(value, Fraction) and value.denominator > 1:
        return f"Fraction({value.numerator}, {value.denominator})"
    return repr(int(value) if isinstance(value, int | Fraction) else float(value))


def _vector(x: object) -> str:
    """A vector as an expression, every digit of it; equal neighbours are counted."""
    # repr of a float gives every digit, so the script's input is the witness bit for bit.
    values = [float(v) for v in np.asarray(x, dtype=np.float64)]
    runs: list[tuple[float, int]] = []
    for v in values:
        if runs and repr(runs[-1][0]) == repr(v):
            runs[-1] = (v, runs[-1][1] + 1)
        else:
            runs.append((v, 1))
    if len(values) > 8 and len(runs) <= len(values) // 2:
        return f"np.repeat({[v for v, _ in runs]!r}, {[n for _, n in runs]!r})"
    return f"np.array({values!r})"


def script(certificate: Certificate, program: Program, settings: dict[str, object] | None = None) -> str:
    """The reproduction script of a REFUTED certificate for FILE.py:NAME ("" when it carries no witness)."""
    # Objects of the package's own types, and laws by cells, need the package to be evaluated: their scripts
    # ask it. All others carry the lines that judged, so that they run on a machine where the package is not
    # installed.
    if certificate.witness is None and certificate.evidence != "contract" and not program.own:
        return ""
    if program.own or certificate.technique == pointwise.TECHNIQUE:
        return _by_package(certificate, program, settings or {})
    if certificate.claim == "contract":
        return _contract(certificate, program)
    return _claimed(certificate, program)


def _head(certificate: Certificate, program: Program, imports: str, needs: str) -> str:
    """The first lines of a script: what was refuted, in words, and the data."""
    words = certificate.details.get("says") or certificate.technique
    how = certificate.evidence + (f" ({certificate.technique})" if certificate.technique != words else "")
    x = [] if certificate.witness is None else certificate.witness
    return HEAD.format(
        claim=_comment(certificate.claim), name=program.name, how=_comment(how), found=f"# {_comment(words)}",
        needs=needs, imports=imports, file=ascii(program.file), parameters=program.parameters,
        d=certificate.scope.get("d") or len(x), x=_vector(x),
    )  # fmt: skip


def _comment(text: str) -> str:
    """Text that stays within its comment."""
    return " ".join(ascii(text)[1:-1].split())


def _imports(*lines: str) -> str:
    """Import lines of all blocks, each once."""
    known = ["import importlib.util", "import os", "import sys", "from types import SimpleNamespace"]
    known += ["import numpy as np"]
    plain = sorted({line for block in [*lines, "\n".join(known)] for line in block.splitlines() if line})
    return "\n".join(plain)


def _assembled(
    certificate: Certificate, program: Program, roots: tuple[Callable[..., object], ...], main: str, more: str
) -> str:
    """Head, the package's lines that the roots reach, how the file is loaded and called, and the verdict."""
    imports, lines = carried(*roots, as_numpy, takes_rng)
    call = CALL.format(workers=program.workers)
    head = _head(certificate, program, _imports(imports, more), "numpy and the judged file only")
    return head + LINES.format(version=__version__, lines=lines, load=LOAD, call=call, main=main)


def _claimed(certificate: Certificate, program: Program) -> str:
    """The claim's inequalities at the witness: exact moments, or the same seeded samples."""
    import compth.claims

    details = certificate.details
    statement = details["statement"]
    inside = ", ".join(f"{k}={v}" for k, v in statement["constants"].items())
    # Statistical refutations are replayed with their seeds and block sizes: the same samples give the same
    # evidence.
    replay = details.get("replay") or {}
    judge = JUDGE.format(claim=f"{statement['kind']}({inside})", slack=float(details.get("slack", 0.0)))
    kind = getattr(compth.claims, statement["kind"])
    if replay.get("kind") == "samples":
        roots: tuple[Callable[..., object], ...] = (again.by_samples, kind)
        main = SAMPLED.format(seed=replay["seed"], blocks=replay["blocks"], level=float(details["log_level"]))
    else:
        how = _how(certificate)
        roots, main = (how, kind), EXACT.format(how=how.__name__)
    return _assembled(certificate, program, roots, judge + main + END, "from fractions import Fraction")


def _how(certificate: Certificate) -> Callable[..., object]:
    """The way in which exact moments are found again."""
    if certificate.technique == "direct evaluation":
        return again.directly
    if certificate.technique == selection.TECHNIQUE:
        return again.by_selection
    return again.by_coordinates if "factored" in certificate.technique else again.enumerated


def _contract(certificate: Certificate, program: Program) -> str:
    """The contract's checks at the witness, each call limited, in a process of its own."""
    x = certificate.witness
    zero = x is not None and not np.asarray(x).any()
    checks = list(contract.CHECKS.values()) if zero else list(contract.CHECKS.values())[:-1]
    main = CONTRACT.format(
        checks=", ".join(f.__name__ for f in checks), limit=CALL_LIMIT, patience=600, memory=MEMORY,
        seeds=int(certificate.details.get("seeds", 0)),
    )  # fmt: skip
    roots: tuple[Callable[..., object], ...] = (again.kept, contract.observe, time_limit, *checks)
    return _assembled(certificate, program, roots, main, "import resource\nimport subprocess")


def _by_package(certificate: Certificate, program: Program, settings: Mapping[str, object]) -> str:
    """The same question to the package: the object is made of its classes."""
    # The claim with the constants of the refuted dimension; without one, the object's own claims are asked
    # again.
    statement = certificate.details.get("statement")
    claims, imports = "None", ["import functools"]
    if statement is not None:
        inside = ", ".join(f"{k}={v}" for k, v in statement["constants"].items())
        claims = f"{statement['kind']}({inside})"
        imports += [f"from compth.claims import {statement['kind']}", "from fractions import Fraction"]
    if program.adaptation:
        imports += ["from compth.certification.adapting.adapted import adapted_as"]
    head = _head(
        certificate, program, _imports("\n".join(imports)), "the judged file and compth, which it uses"
    )
    adapted = f"thing = adapted_as(thing, {program.adaptation!r})\n" if program.adaptation else ""
    return head + _loaded(program) + PACKAGE.format(claims=claims, settings=settings, adapted=adapted)


def _loaded(program: Program) -> str:
    """LOAD for one name or two, and for a class that stays a factory."""
    if "," in program.name:
        both = "module = load(FILE)\n    thing = tuple(getattr(module, name) for name in NAME.split(','))"
        return LOAD.replace("thing = getattr(load(FILE), NAME)", both)
    return LOAD.replace("isinstance(thing, type)", "False") if program.adaptation.get("fresh") else LOAD
