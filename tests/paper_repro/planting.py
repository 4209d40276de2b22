"""Planted errors: a product function whose results are off by a factor."""

from compth.methods.core.unified import Parameters


def times(value, factor):
    """The value, or every entry of it, times the factor."""
    return [times(v, factor) for v in value] if isinstance(value, list | tuple) else value * factor


def scaled(owner, name, factor=1.01):
    """plant(monkeypatch) for owner.name."""

    def plant(monkeypatch):
        right = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, **named: times(right(*given, **named), factor))

    return plant


def scaled_entry(table, name, factor=1.01):
    """plant(monkeypatch) for the function table[name]."""

    def plant(monkeypatch):
        right = table[name]
        monkeypatch.setitem(table, name, lambda **named: right(**named) * factor)

    return plant


def scaled_A(factor):
    """plant(monkeypatch) for the constant A of the unified theory's rows."""

    def plant(monkeypatch):
        right = Parameters.__post_init__

        def slip(self):
            right(self)
            object.__setattr__(self, "A", self.A * factor)

        monkeypatch.setattr(Parameters, "__post_init__", slip)

    return plant
