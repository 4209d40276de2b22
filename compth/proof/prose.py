"""The formulas within sentences of proofs, typed as "gamma^2 ||x - x*||^2", as signs for pages and for LaTeX.

Sentences of proofs are typed once, in plain ASCII; pages and LaTeX show them with the signs of papers. Only the names
in these tables change, so that a sentence without formulas stays as it was typed.
"""

from __future__ import annotations

import re

GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η"},
    **{"theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "rho": "ρ", "sigma": "σ"},
    **{"tau": "τ", "omega": "ω", "Omega": "Ω"},
}
LOW = dict(zip("0123456789aehijklmnoprstuvx+-", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋", strict=True))
HIGH = dict(zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
# pattern -> (sign on a page, the same in LaTeX)
SIGNS: list[tuple[str, str, str]] = [
    (r"\|\|", "‖", r"$\|$"),
    (r"<=", "≤", r"$\le$"),
    (r">=", "≥", r"$\ge$"),
    (r"->", "→", r"$\to$"),
    (r"\bgrad (?=f)", "∇", r"$\nabla$"),
    (r"\bsqrt(?=\()", "√", r"$\surd$"),
    (r"(?<=[A-Za-z_])\*(?![\w*])", "⋆", r"$^\star$"),
    *((rf"(?<![A-Za-z]){name}(?![A-Za-z])", sign, rf"$\{name}$") for name, sign in GREEK.items()),
]
# One pattern over all signs, then indices and squares: a place is replaced once, by the first that fits.
_ANY = re.compile("|".join(f"({pattern})" for pattern, _, _ in SIGNS) + r"|_(\w+|\+)|\^(\d)")
_TEX = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", **{c: f"\\{c}" for c in "_&%$#{}"}}


def _signs(found: re.Match[str]) -> str:
    """A name or index as its sign; indices without a small sign stay as they are typed."""
    low, high = found[len(SIGNS) + 1], found[len(SIGNS) + 2]
    if low:
        return "".join(LOW[c] for c in low) if set(low) <= set(LOW) else found[0]
    return HIGH[high] if high else SIGNS[(found.lastindex or 1) - 1][1]


def _tex(found: re.Match[str]) -> str:
    """The same for LaTeX, in math mode."""
    low, high = found[len(SIGNS) + 1], found[len(SIGNS) + 2]
    if low:
        return rf"$_{{{low}}}$" if len(low) == 1 else rf"$_{{\mathrm{{{low}}}}}$"
    return f"$^{high}$" if high else SIGNS[(found.lastindex or 1) - 1][2]


def on_page(text: str) -> str:
    """A sentence with signs in the place of their names; what stands in backticks stays."""
    # Every second piece stood in backticks: a name of code, which keeps its letters.
    pieces = text.split("`")
    return "`".join(_ANY.sub(_signs, t) if k % 2 == 0 else t for k, t in enumerate(pieces))


def in_latex(text: str) -> str:
    """A sentence for LaTeX; what stands in backticks is a name."""
    out = []
    for k, piece in enumerate(text.split("`")):
        if k % 2:
            out.append(rf"\texttt{{{_plain(piece)}}}")
            continue
        place = 0
        for found in _ANY.finditer(piece):
            # Between two signs there are words: escaped, since the signs bring their own math mode.
            out += [_plain(piece[place : found.start()]), _tex(found)]
            place = found.end()
        out.append(_plain(piece[place:]))
    return "".join(out)


def _plain(text: str) -> str:
    """Words with the characters escaped that LaTeX reads."""
    return "".join(_TEX.get(c, c) for c in text)
