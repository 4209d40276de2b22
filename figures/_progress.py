"""What a long figure is doing, on the terminal's error stream; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """The items, with "what i/total" on one line that is rewritten and then cleared."""
    watched = sys.stderr.isatty()
    for i, item in enumerate(items, 1):
        if watched:
            print(f"\r\033[K{what} {i}/{len(items)}", end="", file=sys.stderr, flush=True)
        yield item
    if watched:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
