"""Long searches of numbers: whether code of the package was replaced is looked for by other tests (test_own.py)."""

from contextlib import contextmanager

from compth import _own


def _nothing(parts=None):
    """What `altered` says of a package that is as its import left it."""
    return ""


@contextmanager
def unwatched():
    """Public functions leave out the look at every name and function of the package, which costs them milliseconds.

    In a process that imported all of it, as that of a test-suite, a look takes longer than most of what it guards. What
    was computed meanwhile is forgotten if something was replaced: errors may be planted.
    """
    found, code = _own.altered(), _own.altered.__code__
    _own.altered.__code__ = _nothing.__code__
    try:
        yield
    finally:
        _own.altered.__code__ = code
        if found or _own.altered():
            for computed in _own._CACHES:
                computed.cache_clear()
