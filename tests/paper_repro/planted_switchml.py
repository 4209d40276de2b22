"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from dataclasses import replace

import compth as ct
from compth import calculus
from paper_repro import switchml
from paper_repro.switchml import _code

from .planting import scaled


def no_slack(monkeypatch):
    """The largest scale without slack for n roundings up."""
    monkeypatch.setattr(
        calculus, "no_overflow_scale", lambda n, largest, width=32: 2 ** (width - 1) / (n * largest)
    )


def twice(field):
    """Twice this part of a message's bits."""

    def plant(monkeypatch):
        member = type(ct.SwitchML(8, exponent=True).member(0))
        right = member.bits

        def slip(self, *given, **named):
            cost = right(self, *given, **named)
            return replace(cost, **{field: 2 * getattr(cost, field)})

        monkeypatch.setattr(member, "bits", slip)

    return plant


def no_drop(monkeypatch):
    """The scale of the code, whatever is said of its exponent."""
    right = calculus.switchml_reference_scale
    monkeypatch.setattr(calculus, "switchml_reference_scale", lambda n, exponent: right(n, 0))


def units(change):
    """Units of the integers, changed."""

    def plant(monkeypatch):
        right = ct.SwitchML.quantise

        def slip(self, x, rng):
            integers, unit = right(self, x, rng)
            return integers + (change == "offset"), unit * (2 if change == "double" else 1)

        monkeypatch.setattr(ct.SwitchML, "quantise", slip)

    return plant


PLANTED = {
    "c5.dropped": (lambda: switchml.reference()["c5.dropped"], no_drop),
    "code.int8": (lambda: _code.code(298)["code.int8"], units("double")),
    "code.zero": (lambda: _code.code(298)["code.zero"], units("offset")),
    "c2.eight_bits": (lambda: switchml.fits(True)["c2.eight_bits"], no_slack),
    "c3.relative": (lambda: switchml.bounds(True)["c3.relative"], scaled(calculus, "integer_sum_error")),
    "code.slack": (_code.slack, scaled(calculus, "switchml_reference_scale")),
    "code.packets": (lambda: _code.code(298)["code.packets"], scaled(_code, "packets")),
    "code.payload": (lambda: _code.code(298)["code.payload"], twice("levels")),
    "code.ties": (lambda: _code.code(298)["code.ties"], scaled(_code, "round_integers", 2)),
    "c5.exponent": (lambda: switchml.reference()["c5.exponent"], twice("other")),
}
