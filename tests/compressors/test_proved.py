"""Whatever of the catalogue was PROVED before standing followed from the object is PROVED still, at any d."""

import json
from pathlib import Path

import pytest

import compth as ct
from compth._own import altered
from compth.claims import shown, sure
from compth.compressors import Fleet, catalogue
from compth.compressors.core.render import smallest_size
from compth.compressors.three_point import ThreePoint
from compth.methods import theorems

BEFORE = json.loads((Path(__file__).parent / "proved_before.json").read_text())
"""Written from the tree in which a proof id alone made a claim PROVED, and inclusion probabilities any sketch."""
LOST: dict[str, str] = {}
"""What is PROVED no longer, by name, and why."""
SIZES = (1, 2, 3, 4, 6, 9, 16)
EXAMPLES = {repr(e): e for kind in catalogue().values() for e in kind.examples()}


def proved_claims():
    """'RandK(k=1) Unbiased' -> the sizes (n, d) at which it is PROVED."""
    found: dict[str, list[list[int]]] = {}
    for name, e in EXAMPLES.items():
        for n, d in sorted({smallest_size(e, s) for s in SIZES}):
            for c in e.claims(n, d) if isinstance(e, Fleet) else e.claims(d):
                label = f"{name} {type(c).__name__}" + f".{c.name}" * bool(c.name)
                if sure(c) is ct.Standing.PROVED:
                    found.setdefault(label, []).append([n, d])
    return found


def test_no_claim_lost_its_proof():
    assert altered() == ""
    now = proved_claims()
    lost = [k for k, sizes in BEFORE["claims"].items() if any(s not in now.get(k, []) for s in sizes)]
    assert sorted(lost) == sorted(k for k in LOST if k in BEFORE["claims"])


def test_no_theorem_and_no_map_lost_its_proof():
    kinds = (k for k in ThreePoint.__subclasses__() if k.__module__ == ThreePoint.__module__)
    now = {k.__name__ for k in kinds if shown(k.examples()[0]) is ct.Standing.PROVED}
    now |= {k for k, th in theorems().items() if shown(th) is ct.Standing.PROVED}
    assert {*BEFORE["maps"], *BEFORE["theorems"]} - now == {k for k in LOST if k not in BEFORE["claims"]}


@pytest.mark.parametrize(
    ("c", "d"), [(ct.RandK(3), 2048), (ct.Bernoulli(0.25), 64), (ct.Scaled(ct.RandK(3)), 500)], ids=repr
)
def test_sketches_of_the_package_are_proved_at_any_d(c, d):
    found = ct.certify(c, d, budget="quick")
    assert found.verdict is ct.Verdict.PROVED
    assert {v.evidence for v in found.certificates} == {"inclusion probabilities"}


@pytest.mark.slow
@pytest.mark.parametrize("name", BEFORE["certified"])
def test_no_certificate_lost_its_proof(name):
    for n, d in {(n, d) for n, d, _, _ in BEFORE["certified"][name]}:
        workers = n if isinstance(EXAMPLES[name], Fleet) else None
        found = {
            c.claim: c.verdict for c in ct.certify(EXAMPLES[name], d, n=workers, budget="quick").certificates
        }
        for claim in (c for m, e, c, _ in BEFORE["certified"][name] if (m, e) == (n, d)):
            assert found[claim] is ct.Verdict.PROVED, (claim, d)
