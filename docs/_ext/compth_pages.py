"""Pages made from the objects themselves: catalogue, theorems, API, licences; written before Sphinx reads."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy
from licences import dependency_rows
from proof_pages import proof_section, sentence
from rst import escape, indent, linked, literal, table, title

import compth as ct
from compth import _EXPORTS
from compth.certificates import Verdict
from compth.certification.portrait import portrait_of
from compth.claims import (
    Sharpness,
    how_sharp,
    shown,
)
from compth.compressors import Fleet, catalogue
from compth.compressors.core.render import ClaimRow, catalogue_rows, smallest_size
from compth.errors import CompthError
from compth.methods import Method, Theorem
from compth.methods import catalogue as methods
from compth.methods.core.symbols import Facts, as_latex, facts_of
from compth.reporting.certification import short
from compth.reporting.portraits import portrait_figure, portrait_words
from compth.reporting.reports import figure_bytes
from paper_repro._errata import IN_CODE, IN_PRINT, IN_WORDS, SURPRISES, Erratum
from paper_repro._targets import show

GREEK = ("alpha", "beta", "eta", "theta", "lambda", "nu", "rho")
AT = 4
"""Dimension at which the referee is asked while building (or the smallest one that an object supports above it)."""


def docstring(thing: Any, shown: Callable[[str], str] = escape) -> str:
    """First sentence as a paragraph, the mathematics below it as it was written."""
    lines = inspect.cleandoc(thing.__doc__ or "").split("\n")
    rest = "\n".join(lines[1:]).strip("\n")
    if shown is sentence and not any(line.startswith(" ") for line in rest.split("\n")):
        return (
            "\n\n".join(shown(" ".join(p.split())) for p in ["\n".join(lines[:1]), *rest.split("\n\n")])
            + "\n"
        )
    return shown(lines[0]) + "\n" + (f"\n.. code-block:: text\n\n{indent(rest)}\n" if rest else "")


def _claim(row: ClaimRow) -> list[str]:
    constants = ", ".join(f":math:`{sympy.latex(sympy.Symbol(c.name))} = {c.latex}`" for c in row.constants)
    name = f"{row.kind} ({escape(row.name)})" if row.name else row.kind
    return [
        name,
        constants,
        f"{row.sharpness}; {row.standing}, {row.attribution}",
        linked(row.source) + (f"; for {escape(row.domain)}" if row.domain != "all x" else ""),
    ]


def _verdicts(example: Any) -> str:
    """What the referee says of one instance now, with the worst input it found."""
    n, d = smallest_size(example, AT)
    report = ct.certify(example, d=d, budget="quick")
    if report.verdict is Verdict.REFUTED:
        raise CompthError(
            f"{example!r} is REFUTED while building its page: {report.certificates[-1].details}"
        )
    rows = [
        [
            escape(c.claim),
            c.verdict.value,
            c.technique,
            literal(short(c.witness))
            if c.witness is not None
            else "all x"
            if c.verdict is Verdict.PROVED
            else "-",
            f"{tight:.4f}" if (tight := c.details.get("tightness")) else "-",
        ]
        for c in report.certificates
    ]
    where = f"d = {d}" + (f", n = {n}" if n > 1 else "")
    header = ["claim", "verdict", "technique", "worst x found", "error / bound there"]
    return f"At {where} the referee says (while this page was built):\n\n" + table(header, rows)


def _portrait(example: Any, stem: Path) -> list[str]:
    """Its error in every direction of the plane as a picture, [] where there is no exact law or no constant."""
    d = 2 if not isinstance(example, Fleet) and example.supports(2) else smallest_size(example, AT)[1]
    data = None if isinstance(example, Fleet) else portrait_of(example, d)
    if data is None:
        return []
    stem.with_suffix(".svg").write_bytes(figure_bytes(portrait_figure(data), "svg"))
    picture = f".. figure:: {stem.name}.svg\n   :alt: error of {stem.name} in every direction\n"
    words = indent(sentence(portrait_words(data)))
    return [title("In every direction", "-"), f"{picture}\n{words}\n"]


def _proofs(example: Any) -> tuple[list[str], set[str]]:
    """Ids of the proofs that its claims name, and those of the claims that are called tight."""
    n, d = smallest_size(example, AT)
    claims = example.claims(n, d) if isinstance(example, Fleet) else example.claims(d)
    return [c.proof for c in claims], {c.proof for c in claims if c.sharpness is Sharpness.TIGHT}


def catalogue_pages(folder: Path) -> None:
    """One page for each compressor and fleet, and their table."""
    found = catalogue()
    for row in catalogue_rows():
        thing = found[row.name]
        free = f"; {', '.join(row.symbols)} and d stand as symbols" if row.symbols else ""
        parts = [
            title(row.name),
            docstring(thing, sentence),
            f"Parameters: {', '.join(literal(p) for p in row.parameters) or 'none'}. "
            f"Shown for {literal(row.example)}{free}.\n",
            title("Constants", "-"),
            table(["claim", "constants", "sharpness; standing", "source"], [_claim(c) for c in row.claims])
            if row.claims
            else "It declares none of its own: they follow from its members' and the fleet's rules.\n",
            title("Evidence", "-"),
            _verdicts(thing.examples()[0]),
            *_portrait(thing.examples()[0], folder / row.name),
            title("Proof", "-"),
            proof_section(*_proofs(thing.examples()[0])),
            title("Bits", "-"),
            f"One message at {row.bits_at}: {escape(row.bits)}.\n",
        ]
        (folder / f"{row.name}.rst").write_text("\n".join(parts), encoding="utf-8")
    lines = [title("Catalogue of compressors"), _CATALOGUE]
    for kind in ("compressor", "fleet"):
        rows = [
            [
                f":doc:`{r.name}`",
                sentence(r.summary),
                "; ".join(
                    ", ".join(f":math:`{c.latex}`" for c in k.constants) + f" ({k.kind})"
                    for k in r.claims[:2]
                )
                or "-",
            ]
            for r in catalogue_rows()
            if r.kind == kind
        ]
        lines += [
            title(kind.capitalize() + "s", "-"),
            table(["name", "definition", "constants"], rows, "15 55 30"),
        ]
    lines.append(".. toctree::\n   :hidden:\n\n" + indent("\n".join(r.name for r in catalogue_rows())))
    (folder / "index.rst").write_text("\n".join(lines), encoding="utf-8")


_CATALOGUE = """Every number on these pages is computed from the object that runs: the constants are the object's own
``claims`` evaluated on symbols, the verdicts were reached while the pages were built. :doc:`../../evidence` explains
standing, attribution and sharpness.
"""


def plan_section(facts: Facts) -> list[str]:
    """The range of steps, and its largest step, rate, floor and parameters as formulas where there are any."""
    lines = [f"Steps: {sentence(facts.rule)}.\n"]
    if not facts.shown:
        return lines
    lines += [f"For {facts.special}:\n"] if facts.special else []
    names = {"largest step": r"\gamma_{\max}", "default step": r"\gamma_{\mathrm{default}}", "rate": r"\rho"}
    formulas = {names.get(k, rf"\mathrm{{{k}}}"): v for k, v in facts.formulas.items()}
    for k, v in (facts.params or {}).items():
        formulas[sympy.latex(sympy.Symbol(k)) if k in GREEK else rf"\mathrm{{{k}}}"] = v
    for name, value in by_the_rate(formulas).items():
        lines.append(f".. math::\n\n   {name} = {as_latex(value)}\n")
    return lines


def by_the_rate(formulas: dict[str, Any]) -> dict[str, Any]:
    """The formulas with 1 - rho for what rho's formula says it is: a minimum is printed once."""
    rate = formulas.get(r"\rho")
    if not isinstance(rate, sympy.Expr) or not rate.has(sympy.Min, sympy.Max):
        return formulas
    parts = [1 - part for part in rate.args] if isinstance(rate, sympy.Max) else []
    left = dict.fromkeys([1 - rate, *([sympy.Min(*parts)] if parts else [])], 1 - sympy.Symbol("rho"))
    return {
        name: value if name == r"\rho" or not isinstance(value, sympy.Expr) else value.subs(left)
        for name, value in formulas.items()
    }


def theorem_page(theorem: Theorem, users: list[str], facts: Facts) -> str:
    """Statement, plan in symbols, evidence."""
    needs = ", ".join(k.__name__ for k in theorem.requires) or "nothing of the compressor"
    parts = [
        title(f"{theorem.id}: {theorem.title}"),
        docstring(type(theorem), sentence),
        f"* method: {', '.join(users)}\n* bounds: {sentence(theorem.metric)}\n* needs: {needs}\n"
        f"* standing: {shown(theorem).value}, {theorem.attribution.value}; {how_sharp(theorem)}\n"
        f"* source: {linked(str(theorem.source))}\n",
        title("Plan", "-"),
        *plan_section(facts),
        title("Proof", "-"),
        proof_section([theorem.proof], {theorem.proof} if theorem.sharpness is Sharpness.TIGHT else ()),
    ]
    return "\n".join(parts)


def theorem_pages(folder: Path) -> None:
    """One page for each theorem, and their table."""
    users: dict[str, list[str]] = {}
    found: dict[str, Theorem] = {}
    for name, method in methods().items():
        for theorem in method.theorems():
            found[theorem.id] = theorem
            users.setdefault(theorem.id, []).append(name)
    rows = []
    for key, theorem in found.items():
        stem, facts = key.replace(".", "_"), facts_of(theorem)
        (folder / f"{stem}.rst").write_text(theorem_page(theorem, users[key], facts), encoding="utf-8")
        needs = ", ".join(k.__name__ for k in theorem.requires) or "nothing of the compressor"
        standing = f"{theorem.standing.value}, {theorem.attribution.value}"
        step = sentence(facts.rule)
        rows.append([f":doc:`{key} <{stem}>`", escape(theorem.title), needs, step, standing])
    head = "Formulas are the theorem objects' own facts on symbols. A step outside every range has no guarantee.\n"
    toc = ".. toctree::\n   :hidden:\n\n" + indent("\n".join(key.replace(".", "_") for key in found))
    body = [title("Theorems"), head, table(["theorem", "says", "needs", "steps", "standing"], rows), toc]
    (folder / "index.rst").write_text("\n".join(body), encoding="utf-8")


def method_page(name: str, kind: type[Method]) -> str:
    """The algorithm as its body's trace says it, what follows from it, and its theorems."""
    same = (kind.name or name).replace("-", "") == name
    lines = [title(name if same else f"{name}: {kind.name}"), docstring(kind, sentence)]
    lines.append(f"* source: {linked(str(kind.source))}")
    stems = {th.id: th.id.replace(".", "_") for th in kind.theorems()}
    links = ", ".join(f":doc:`{key} <../theorems/{stem}>`" for key, stem in stems.items()) or "none"
    lines += [f"* theorems: {links}\n", title("Algorithm", "-")]
    found = ct.analyse(kind)
    if found.stopped:
        return "\n".join([*lines, escape(found.stopped) + "\n"])
    rows = found.latex.splitlines()
    lines += [".. code-block:: text\n", indent("\n".join(found.algorithm)) + "\n"]
    lines += [".. math::\n   :nowrap:\n", indent("\n".join(rows)) + "\n"]
    derived = [[escape(key), sentence(text)] for key, text in found.derived if key != "theorems"]
    return "\n".join([*lines, title("Read off the algorithm", "-"), table(["what", "how"], derived)])


def method_pages(folder: Path) -> None:
    """One page for each method, and their table."""
    rows = []
    for name, kind in methods().items():
        (folder / f"{name}.rst").write_text(method_page(name, kind), encoding="utf-8")
        rows.append([f":doc:`{name} <{name}>`", escape(kind.name or name), linked(str(kind.source))])
    head = "Algorithms are printed from the trace of each method's body, which is also what runs.\n"
    toc = ".. toctree::\n   :hidden:\n\n" + indent("\n".join(methods()))
    body = [title("Methods"), head, table(["method", "name", "source"], rows), toc]
    (folder / "index.rst").write_text("\n".join(body), encoding="utf-8")


def api_pages(folder: Path) -> None:
    """The public surface by module; compressors and theorems have pages of their own."""
    lines = [title("API"), "Everything is reached as ``ct.NAME`` after ``import compth as ct``.\n"]
    surface = {**{m: n.split() for m, n in _EXPORTS.items()}}
    surface["compth.problems"] = list(importlib.import_module("compth.problems").__all__)
    surface["compth.errors"] = [
        n for n, v in vars(importlib.import_module("compth.errors")).items() if inspect.isclass(v)
    ]
    surface["compth.methods"] = [*surface["compth.methods"], *methods()]
    described: set[int] = set()  # some names are exported twice, e.g. ct.Minibatch, ct.problems.Minibatch
    for module, names in surface.items():
        lines += [title(module, "-"), docstring(importlib.import_module(module))]
        for name in names:
            thing = getattr(importlib.import_module(module), name)
            if callable(thing) and id(thing) in described:
                continue
            described.add(id(thing))
            kind = "class" if inspect.isclass(thing) else "function" if callable(thing) else ""
            if inspect.ismodule(thing):
                lines.append(f".. automodule:: {thing.__name__}\n   :no-index:\n")
            elif kind:
                lines.append(
                    f".. auto{kind}:: {thing.__module__}.{name}\n"
                )  # estimate is a module's name too
            else:
                lines.append(f".. py:data:: {module}.{name}\n")
    (folder / "index.rst").write_text("\n".join(lines), encoding="utf-8")


def licence_page(folder: Path) -> None:
    """Run-time dependencies with their licences."""
    rows = [[r.name, r.version, escape(r.licence), r.needed_by] for r in dependency_rows()]
    head = (
        "What ``pip install compth`` brings, read from the installed packages' own metadata. "
        "The test-suite refuses a copyleft licence among them.\n"
    )
    body = [
        title("Licences of the dependencies"),
        head,
        table(["package", "version", "licence", "needed by"], rows),
    ]
    (folder / "licences.rst").write_text("\n".join(body), encoding="utf-8")


def plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are mathematics in plain text: |x|, x* and trailing _ are not markup."""
    lines[:] = [escape(line) if line.strip("-") else line for line in lines]


def errata_page(folder: Path) -> None:
    """Slips in print, defects in code, and what is better than printed: each with what shows it."""
    lines = [title("Errata and surprises"), _ERRATA]
    for heading, entries in (("In print", IN_PRINT), ("In published code", IN_CODE)):
        lines.append(title(heading, "-"))
        lines += [_erratum(e) for e in entries]
    lines += [title("Slips of wording", "-"), "Read, with nothing to compute.\n"]
    lines += [
        f"`{escape(str(s))} <{s.url}>`__, {escape(at)}\n   {escape(text)}\n" for s, at, text in IN_WORDS
    ]
    lines += [
        title("Better than printed", "-"),
        "Proved here, checked by the kernel; the proof is on the page of its theorem.\n",
    ]
    lines += [f"``{name}``\n   {escape(text)}\n" for name, text in SURPRISES]
    (folder / "errata.rst").write_text("\n".join(lines), encoding="utf-8")


def _erratum(e: Erratum) -> str:
    shown = e.stored() or e.rerun()
    if not shown.stands:
        raise CompthError(f"erratum {e.id} is no longer shown: {shown}")
    named = escape(str(e.source))
    place = (named if isinstance(e.source, str) else f"`{named} <{e.source.url}>`__") + f", {escape(e.where)}"
    found = f"promised {show(shown.promised)}, found {show(shown.found)}"
    told = {"Says": escape(e.says), "Holds": escape(e.holds), "Shown": f"{escape(found)}: {escape(shown.at)}"}
    parts = [title(e.id, "~"), f"{place} ({escape(e.version)})\n"]
    parts += [f"**{word}.** {text}\n" for word, text in {**told, "Rerun": f"``{e.command}``"}.items()]
    return "\n".join(parts)


_ERRATA = """\
What compth found on its way through ten papers and the code beside them. A slip is no judgement of a work: most leave
its theorems as they are, and some are to the authors' disadvantage. Each was read in the version that is named and may
be mended in another. Code is described here and re-created in a few lines of ours; the numbers below are computed by
these lines, exactly, while this page is built, or are rows of ``python -m paper_repro``. Corrections are welcome: an
entry that is wrong will be withdrawn as visibly as it was made.
"""


def write(app: Any) -> None:
    """All pages, from scratch."""
    root = Path(app.srcdir) / "generated"
    makers = {
        "catalogue": catalogue_pages,
        "methods": method_pages,
        "theorems": theorem_pages,
        "api": api_pages,
        "errata": errata_page,
        "licences": licence_page,
    }
    for name, make in makers.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.rst"):
            old.unlink()
        make(folder)


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write, priority=100)
    app.connect("autodoc-process-docstring", plain, priority=100)
    return {"parallel_read_safe": True}
