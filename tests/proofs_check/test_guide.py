"""The guide's proof runs as it stands there."""

import re
from pathlib import Path

import pytest

from compth.proof import Refused
from proofs_check._script import Part, Script, run, step
from proofs_check._told import FIELDS

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guide" / "how_to_prove.rst").read_text(
    encoding="utf-8"
)


def python_blocks():
    """The guide's code, in order, as one program."""
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", GUIDE)
    return "\n".join(re.sub(r"^   ", "", block, flags=re.M) for block in blocks)


@pytest.fixture
def shown():
    space = {}
    exec(compile(python_blocks(), "how_to_prove.rst", "exec"), space)
    return space


def test_the_guide_proves_its_theorem(shown):
    found = run(shown["SCRIPT"])
    assert found.id == "gd.polyak"
    assert len(found.stored["parts"][0]["controls"]) == 3


def test_the_message_is_what_the_kernel_says(shown):
    part = shown["SCRIPT"].parts[0]
    lacking = [step(shown["CLAIM"], {"smooth": "1", "pl": "ga/2"})]
    with pytest.raises(Refused) as refusal:
        run(Script("gd.polyak", "t", [Part(part.statement, lacking, part.witness, part.spoils)]))
    assert str(refusal.value).removeprefix("gd.polyak: ") in GUIDE


def test_the_fields_are_those_that_are_read():
    for name in FIELDS:
        assert re.search(rf"^ +{name}:|``{name}``", GUIDE, re.M), name
