"""Seeds of named random streams; light, for scripts without torch."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *names: object) -> int:
    """Return a seed of 32 bits that belongs to `seed` and `names`, the same on every machine.

    Two streams with different names are unrelated, whatever their seeds: ``seed + 1`` for the second stream
    would be the first stream of the next run.
    """
    key = ":".join([str(seed), *(str(name) for name in names)])
    # torch's CPU generator keeps 32 bits of its seed.
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little")
