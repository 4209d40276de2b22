"""The package's exceptions. Every message says name=value, the rule and the remedy in one line.

Whatever a user can cause is a CompthError: the command line prints it without a traceback. Exceptions of the package's
own logic are none, so that a bug is never taken for bad input.
"""

from __future__ import annotations


class CompthError(Exception):
    """Base of every error that a user can cause; the CLI prints it as one line with exit code 2."""

    def __str__(self) -> str:
        """The message in one line, whatever a value printed into it."""
        # A value may print over several lines; tools that read our errors line by line get one.
        return " ".join(super().__str__().split())


class InvalidParameter(CompthError, ValueError):
    """A parameter, array or option breaks its rule."""


class NoValue(InvalidParameter):
    """An expression that has no value where it is asked for: 1/(d - 1) at d = 1."""


class Unsupported(CompthError, ValueError):
    """A combination that the mathematics does not cover (RandK(k=9) at d = 5, EF21 with an unbiased compressor)."""


class NoGuarantee(CompthError):
    """No theorem of the method covers this step size, compressor or problem."""


class UnusableInput(CompthError):
    """A file, name or data set that cannot be loaded."""


def require(condition: bool, message: str) -> None:
    """Raise InvalidParameter(message) unless the condition holds."""
    if not condition:
        raise InvalidParameter(message)
