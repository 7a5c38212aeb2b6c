"""How error messages show names and values that come from files: quoted, short, on one line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s'\"]*@")


def without_credentials(text: str) -> str:
    """Return `text` with ``***`` for the user name and password of every address in it."""
    return _CREDENTIALS.sub("***@", text)


def shown(text: object) -> str:
    """Return `text` quoted, on one line and at most 60 characters long."""
    short = str(text) if len(str(text)) <= 60 else str(text)[:57] + "..."
    return f'"{short}"' if short.isprintable() else '"' + short.encode("unicode_escape").decode("ascii") + '"'


def listed(names: Iterable[object], limit: int = 5) -> str:
    """Return the first `limit` of `names`, quoted and comma-separated, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(shown(name) for name in names[:limit]) + more


def close_match(name: object, known: Iterable[object]) -> str:
    """Return `` (did you mean "x"?)`` for the closest of `known`, or nothing if none is close."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f" (did you mean {shown(close[0])}?)" if close else ""


def unknown(what: str, name: object, known: Iterable[object]) -> str:
    """Say that the `what` called `name` does not exist, what might be meant, and what is expected."""
    known = list(known)
    return (
        f"{what} {shown(name)} does not exist{close_match(name, known)}; expected one of: {listed(known, 12)}"
    )
