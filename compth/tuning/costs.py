"""What a message costs on a link: bits, elements, packets or seconds, all of one closed form.

C(q) = fixed + slope q + per_packet ceil(q/capacity), where q counts elements (index and value pairs) or payload bits.
Units are the caller's: what tuning compares is a ratio, so only the proportions of the constants matter.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from compth._numbers import Number, log2_ceil, plain_parameters
from compth.bits import FLOAT_BITS
from compth.claims import Attribution
from compth.compressors.core.base import short_repr
from compth.errors import InvalidParameter


class Form(NamedTuple):
    """The coefficients of C(q) = fixed + slope q + per_packet ceil(q/capacity); capacity 0: no packets.

    Every cost of this module is one of these, so that a rule is written once, for this form.
    """

    fixed: Number = 0
    slope: Number = 0
    per_packet: Number = 0
    capacity: Number = 0

    def __call__(self, q: Number) -> Number:
        """C(q) for a number or an array of numbers, exact where they are."""
        # Without packets nothing is rounded: the formula stays linear, and search by structure may use its
        # slope.
        straight = self.fixed + self.slope * q
        return straight + self.per_packet * packets(q, self.capacity) if self.per_packet else straight

    def cast(self, kind: Callable[[Number], Number]) -> Form:
        """The same with every coefficient converted (to float, or to Fraction)."""
        return Form(*(kind(v) for v in self))


def packets(q: Number, capacity: Number) -> Number:
    """ceil(q/capacity), of a number or of an array."""
    # -(-q // c) is the ceiling in exact arithmetic, too; on float arrays numpy's own is faster and as exact.
    if isinstance(q, np.ndarray) and q.dtype != object:
        return np.ceil(q / float(capacity))
    return -(-q // capacity)


def _check(owner: object, positive: tuple[str, ...], rest: tuple[str, ...], some: tuple[str, ...]) -> None:
    """positive > 0, rest >= 0, and at least one of `some` not 0; all finite."""
    plain_parameters(owner)
    name = type(owner).__name__
    for label in (*positive, *rest):
        value = getattr(owner, label)
        good = isinstance(value, int | float | Fraction | np.number) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or value < 0 or (label in positive and value == 0):
            sign = "> 0" if label in positive else ">= 0"
            raise InvalidParameter(
                f"{name}({label}={value!r}) needs a finite number {sign}: costs are not negative"
            )
    # A price of zero for everything makes every level infinitely efficient: refused where the price is
    # written.
    if some and not any(getattr(owner, label) > 0 for label in some):
        raise InvalidParameter(
            f"{name} needs {' or '.join(some)} > 0: a message that costs nothing has no best level"
        )


@dataclass(frozen=True)
class Wire:
    """How elements become bits: float width, index width (None: ceil(log2 d)) and sign bit (or 0)."""

    float_bits: int = FLOAT_BITS
    index_bits: int | None = None
    sign_bits: int = 1

    def __post_init__(self) -> None:
        _check(self, ("float_bits",), ("sign_bits",), ())
        if self.index_bits is not None:
            _check(self, (), ("index_bits",), ())

    def index(self, d: int) -> int:
        """Bits of one index into d coordinates."""
        return log2_ceil(d) if self.index_bits is None else self.index_bits


@dataclass(frozen=True)
class Cost(ABC):
    """A price per message. `counts` says what of: "elements" or "bits"; `wire` turns elements into bits."""

    counts: ClassVar[Literal["elements", "bits"]]
    wire = Wire()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__repr__ = short_repr  # type: ignore[method-assign]  # before the dataclass decorator writes its own

    @property
    @abstractmethod
    def form(self) -> Form:
        """C as coefficients."""

    def __call__(self, q: Number) -> Number:
        """C(q), q in elements or in bits as `counts` says."""
        return self.form(q)


@dataclass(frozen=True)
class Affine(Cost):
    """C = per_element T + fixed for T elements. per_element = 0: only the number of messages counts.

    Raises InvalidParameter for negative prices, and where both are 0.
    """

    per_element: Number = 1
    fixed: Number = 0
    counts = "elements"

    def __post_init__(self) -> None:
        _check(self, (), ("per_element", "fixed"), ("per_element", "fixed"))

    @property
    def form(self) -> Form:
        """fixed + per_element T."""
        return Form(self.fixed, self.per_element)


@dataclass(frozen=True)
class Packet(Cost):
    """C = per_packet ceil(T/elements) + fixed: packets that hold `elements` elements each (tau_max)."""

    elements: int
    per_packet: Number = 1
    fixed: Number = 0
    counts = "elements"

    def __post_init__(self) -> None:
        _check(self, ("elements", "per_packet"), ("fixed",), ())
        if int(self.elements) != self.elements:
            raise InvalidParameter(
                f"Packet(elements={self.elements!r}) needs an integer: whole elements per packet"
            )

    @property
    def form(self) -> Form:
        """fixed + per_packet ceil(T/elements)."""
        return Form(self.fixed, 0, self.per_packet, self.elements)


@dataclass(frozen=True)
class Payload(Cost):
    """C = per_bit P + fixed for a payload of P bits."""

    per_bit: Number = 1
    fixed: Number = 0
    wire: Wire = Wire()
    counts = "bits"

    def __post_init__(self) -> None:
        _check(self, (), ("per_bit", "fixed"), ("per_bit", "fixed"))

    @property
    def form(self) -> Form:
        """fixed + per_bit P."""
        return Form(self.fixed, self.per_bit)


@dataclass(frozen=True)
class BitPacket(Cost):
    """C = per_packet ceil(P/bits) + per_bit P + fixed: packets that hold `bits` payload bits each.

    per_bit = 0: a started packet is paid in full (padded). per_bit = 1, per_packet = header bits: bits on the wire.
    """

    bits: Number
    per_packet: Number = 1
    fixed: Number = 0
    per_bit: Number = 0
    wire: Wire = Wire()
    counts = "bits"

    def __post_init__(self) -> None:
        _check(self, ("bits", "per_packet"), ("fixed", "per_bit"), ())

    @property
    def form(self) -> Form:
        """fixed + per_bit P + per_packet ceil(P/bits)."""
        return Form(self.fixed, self.per_bit, self.per_packet, self.bits)

    def elements(self, d: int) -> int:
        """tau_max: how many (index, value) elements fit into one packet."""
        return int(self.bits // (self.wire.index(d) + self.wire.float_bits))


@dataclass(frozen=True)
class Time(Cost):
    """Seconds: latency + C(P)/bandwidth, C the bits on the wire of `link` (None: the payload), bandwidth in bit/s."""

    latency: Number
    bandwidth: Number
    link: BitPacket | None = None
    wire: Wire = Wire()
    counts = "bits"

    def __post_init__(self) -> None:
        _check(self, ("bandwidth",), ("latency",), ())
        if self.link is not None:
            object.__setattr__(self, "wire", self.link.wire)

    @property
    def form(self) -> Form:
        """latency + C(P)/bandwidth."""
        # latency + bits/bandwidth is again of the one form, with every coefficient divided; Fractions, so that
        # a tie between levels stays a tie.
        bits = Form(slope=1) if self.link is None else self.link.form
        speed = Fraction(self.bandwidth)
        fixed, slope, per_packet = (Fraction(v) / speed for v in bits[:3])
        return Form(fixed + Fraction(self.latency), slope, per_packet, bits.capacity)


@dataclass(frozen=True)
class Link:
    """A documented link: its cost in bits on the wire, where its constants are from, and what they leave out."""

    cost: BitPacket
    source: str
    attribution: Attribution
    note: str


def _octets(payload: int, overhead: int, note: str, source: str) -> Link:
    """A link whose frames hold so many octets of payload and cost so many more."""
    return Link(BitPacket(8 * payload, 8 * overhead, per_bit=1), source, Attribution.RECALLED, note)


LINKS: dict[str, Link] = {
    "cat": Link(
        BitPacket(8 * 512, 8 * 576, 8 * 64),
        "arXiv 2003.06377 as quoted by a third-party implementation",
        Attribution.RECALLED,
        "512-octet packets paid as 576, and 64 octets a message; read as octets (576 = 512 + 64 is the IPv4 minimum "
        "datagram), while that code divides a payload in bits by 512 and drops the ceiling",
    ),
    "ethernet": _octets(
        1460,
        20 + 20 + 14 + 4 + 8 + 12,
        "TCP over IPv4 without options, MTU 1500; Ethernet header 14, check sum 4, preamble 8, gap 12; short frames "
        "are not padded here, acknowledgements are not counted",
        "RFC 9293, RFC 791, IEEE 802.3",
    ),
    "udp6": _octets(
        1232,
        8 + 40,
        "UDP over IPv6 at its minimum MTU 1280; link-layer framing not counted",
        "RFC 768, RFC 8200",
    ),
    "ieee802154": _octets(
        102,
        25 + 6,
        "102 of 127 octets left by the largest MAC header (RFC 4944, section 4), 6 octets of synchronisation and "
        "length; no link-layer security, no acknowledgements, no back-off",
        "IEEE 802.15.4, RFC 4944",
    ),
    "lorawan": _octets(
        51,
        13,
        "EU868 at data rate 0: 51 octets of application payload, 13 of LoRaWAN header; the duty cycle and the "
        "preamble, which dominate the time on air, are not counted",
        "LoRaWAN 1.0 regional parameters",
    ),
}
"""Links by name. Constants of the standards are RECALLED (public, but not read here): check them before quoting."""


def of(cost: Number) -> Cost:
    """A Cost, or the cost of a Link or of a link's name. Raises InvalidParameter for anything else."""
    if isinstance(cost, Cost):
        return cost
    if isinstance(cost, Link):
        return cost.cost
    if isinstance(cost, str) and cost in LINKS:
        return LINKS[cost].cost
    raise InvalidParameter(
        f"cost={cost!r} is no cost model: use costs.Affine(...), Packet(...), Payload(...), BitPacket(...), Time(...) "
        f"or a link's name ({', '.join(LINKS)})"
    )
