"""Objects that raise on every attribute get one line, which names the argument and the class."""

import pytest

import compth as ct
from compth.errors import InvalidParameter


class Refusing:
    def __getattribute__(self, name):
        raise RuntimeError("no")


class Missing:
    def __getattr__(self, name):
        raise RuntimeError("no")


CALLS = {
    "scheme": lambda bad: ct.tune([1.0, 2.0], bad),
    "gradient": lambda bad: ct.tune(bad, "S"),
    "function": lambda bad: ct.compressor(bad, claims=[ct.Unbiased(1)]),
    "claims": lambda bad: ct.compressor(lambda x: x, claims=bad),
    "oracle": lambda bad: ct.SGD(oracle=bad),
}


@pytest.mark.parametrize("kind", [Refusing, Missing])
@pytest.mark.parametrize("name", CALLS)
def test_what_raises_on_every_attribute_is_one_line(name, kind):
    with pytest.raises(
        InvalidParameter, match=rf"^{name}: {kind.__name__}\.__getattr\w+ raises RuntimeError"
    ):
        CALLS[name](kind())
