"""The package's own compressor and method code on torch tensors: the same functions, with torch's NumPy layer as `np`.

Functions are rebuilt with their module's `np` replaced, and so are the functions of the package that they call; classes
get a subclass with the rebuilt methods. Nothing is written twice, so there is one law; where torch lacks an operation
the object is refused with its name.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import types
from fractions import Fraction
from functools import cache
from typing import TypeVar

import numpy as np
import torch
import torch._numpy
from numpy.typing import DTypeLike

from compth._types import Tensor
from compth.compressors import Compressor, DiagonalSketch, Fleet

T = TypeVar("T")
layer: Tensor = torch._numpy
"""Torch's own layer of numpy names, which says no types."""


def tensor(value: object) -> Tensor:
    """The torch tensor behind an array of the layer, or the value itself."""
    return value.tensor if isinstance(value, layer.ndarray) else value


class Namespace:
    """What `np` means in rebuilt functions on one device.

    Names that the layer has go through; those below are missing there, or would make their arrays on the processor.
    """

    def __init__(self, device: str) -> None:
        self.device = device

    def __getattr__(self, name: str) -> Tensor:
        return getattr(layer, name)

    def errstate(self, **_: object) -> contextlib.AbstractContextManager[None]:
        """Torch does not warn."""
        return contextlib.nullcontext()

    def asarray(self, value: Tensor, dtype: DTypeLike | None = None) -> Tensor:
        """An array on the device; exact numbers become doubles, torch has none."""
        if not isinstance(value, layer.ndarray):
            value = np.asarray(value)
            # Fractions are exact in the formulas and become doubles where they meet an array
            value = value.astype(float) if value.dtype == object else value
            value = layer.ndarray(torch.as_tensor(value, device=self.device))
        return value if dtype is None else value.astype(dtype)

    array = asarray

    def zeros(self, shape: object, dtype: DTypeLike | None = None) -> Tensor:
        """Zeros on the device."""
        return layer.ndarray(torch.zeros(_sizes(shape), dtype=_dtype(dtype), device=self.device))

    def ones(self, shape: object, dtype: DTypeLike | None = None) -> Tensor:
        """Ones on the device."""
        return layer.ndarray(torch.ones(_sizes(shape), dtype=_dtype(dtype), device=self.device))

    def arange(self, *span: int, dtype: DTypeLike | None = None) -> Tensor:
        """Integers on the device."""
        found = torch.arange(*span, device=self.device)
        return layer.ndarray(found if dtype is None else found.to(_dtype(dtype)))

    def frexp(self, x: object) -> tuple[Tensor, Tensor]:
        """(mantissa in [1/2, 1), exponent)."""
        mantissa, exponent = torch.frexp(tensor(x))
        return layer.ndarray(mantissa), layer.ndarray(exponent)

    def ldexp(self, x: object, exponent: object) -> Tensor:
        """x 2^exponent, in double precision."""
        # in double precision whatever x is: exponents of doubles go beyond single precision
        base = torch.as_tensor(tensor(x), dtype=torch.float64, device=self.device)
        shape = torch.broadcast_shapes(base.shape, tensor(exponent).shape)
        base = base.expand(shape)
        return layer.ndarray(torch.ldexp(base, torch.as_tensor(tensor(exponent), device=self.device)))

    def vecdot(self, a: object, b: object) -> Tensor:
        """Sum of products over the last axis."""
        return layer.ndarray((tensor(a) * tensor(b)).sum(-1))


def _sizes(shape: Tensor) -> tuple[int, ...]:
    """A shape, given as a number or as a tuple."""
    return tuple(int(s) for s in shape) if np.ndim(shape) else (int(shape),)


def _dtype(dtype: DTypeLike | None) -> Tensor:
    """Torch's type of this name; doubles by default, as in numpy."""
    return torch.float64 if dtype in (None, float, np.float64) else getattr(torch, np.dtype(dtype).name)


class Stream:
    """numpy's Generator calls on a torch generator: random, integers, permuted, standard_normal.

    Others are missing: code that asks for them is refused with their name.
    """

    def __init__(self, seed: int, device: str) -> None:
        self.device = device
        self.generator = torch.Generator(device).manual_seed(seed)

    def _options(self) -> dict[str, object]:
        return {"generator": self.generator, "device": self.device}

    def random(self, size: object = ()) -> Tensor:
        """Uniform doubles on [0, 1)."""
        return layer.ndarray(torch.rand(_sizes(size), dtype=torch.float64, **self._options()))

    def integers(
        self, low: int, high: int | None = None, size: object = (), dtype: DTypeLike | None = None
    ) -> Tensor:
        """Uniform integers of [low, high), or of [0, low)."""
        low, high = (0, low) if high is None else (low, high)
        return layer.ndarray(torch.randint(low, high, _sizes(size), **self._options()))

    def standard_normal(self, size: object = ()) -> Tensor:
        """Standard normals."""
        return layer.ndarray(torch.randn(_sizes(size), dtype=torch.float64, **self._options()))

    def permuted(self, x: object, axis: int = -1) -> Tensor:
        """Every row of x in a random order of its own: sorted by independent uniform keys."""
        rows = torch.as_tensor(np.array(x) if isinstance(x, np.ndarray) else tensor(x), device=self.device)
        # sorting by independent keys is a uniform permutation of every row; ties of doubles have
        # probability 2^-53 a pair
        keys = torch.rand(rows.shape, dtype=torch.float64, **self._options())
        return layer.ndarray(torch.take_along_dim(rows, keys.argsort(dim=axis), dim=axis))


class Target:
    """Rebuilds functions, classes and objects for one device.

    Each is rebuilt once and found again, so that functions that call each other end.
    """

    def __init__(self, device: str) -> None:
        self.namespace = Namespace(device)
        self._functions: dict[types.FunctionType, types.FunctionType] = {}
        self._classes: dict[type, type] = {}

    def function(self, f: types.FunctionType) -> types.FunctionType:
        """f with `np` and the package's functions that it names rebuilt."""
        if f not in self._functions:
            # a copy of the module's names, in which `np` and the package's functions are exchanged: the
            # original function is not touched
            scope = dict(f.__globals__)
            new = types.FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)
            new.__kwdefaults__ = f.__kwdefaults__
            # noted before its names are followed, so that functions that call each other find it
            self._functions[f] = new
            for name in _names(f.__code__) & set(scope):
                scope[name] = self._global(scope[name])
        return self._functions[f]

    def _global(self, value: object) -> object:
        """What a global name of a rebuilt function means on the device."""
        if value is np:
            return self.namespace
        # functions of others keep their numpy; the engines' own already speak of tensors
        if not isinstance(value, types.FunctionType) or not value.__module__.startswith("compth."):
            return value
        return value if value.__module__.startswith("compth.simulation.engines") else self.function(value)

    def kind(self, cls: type) -> type:
        """A subclass of cls with the methods of the package rebuilt; kernels give way to the reference."""
        if cls not in self._classes:
            new = type(cls.__name__, (cls,), {"__module__": cls.__module__})
            # base classes first, so that a method that a subclass overrides ends as the subclass has it
            for base in reversed(cls.__mro__):
                for name, value in vars(base).items() if base.__module__.startswith("compth") else ():
                    if isinstance(value, types.FunctionType) and not name.startswith("__"):
                        setattr(new, name, self.function(value))
            # kernels use tricks on numpy's memory (bit views, partitions); the reference has the same law
            # in plain arithmetic
            if issubclass(cls, Compressor):
                new.kernel = new._compress  # type: ignore[attr-defined]
            if issubclass(cls, DiagonalSketch):
                new.weights = lambda s, shape, rng, dtype=None: s.draw(shape, rng)  # type: ignore[attr-defined]
            self._classes[cls] = new
        return self._classes[cls]

    def object(self, thing: T) -> T:
        """A copy of a compressor, fleet, method or theorem whose code runs on the device."""
        new = copy.copy(thing)
        # fields stay, code changes: an object of the rebuilt class with the same parameters
        object.__setattr__(new, "__class__", self.kind(type(thing)))
        for field in dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ():
            value = getattr(thing, field.name)
            if isinstance(value, Compressor | Fleet):
                object.__setattr__(new, field.name, self.object(value))
            elif isinstance(value, Fraction):
                object.__setattr__(new, field.name, float(value))
            elif isinstance(value, tuple) and value and all(isinstance(v, Compressor) for v in value):
                object.__setattr__(new, field.name, tuple(self.object(v) for v in value))
        return new


def _names(code: types.CodeType) -> set[str]:
    """Global names of a function and of what is nested in it."""
    nested = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*(_names(c) for c in nested))


@cache
def target(device: str) -> Target:
    """One per device: rebuilt code is shared."""
    return Target(device)
