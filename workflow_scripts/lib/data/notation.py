"""The notations in which networks read and write molecules; outside them a molecule is always a SMILES string."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

from . import selfies_tokens, smiles_tokens
from .smiles_tokens import PAD


@dataclass(frozen=True)
class Notation:
    """A notation.

    Attributes
    ----------
    tokens
        Token of each number; the first four are those of `smiles_tokens.SPECIAL` in both.
    encode
        Numbers of a SMILES string, start and end included; refuses what does not come back.
    decode
        SMILES of numbers.
    """

    tokens: tuple[str, ...]
    encode: Callable[[str], list[int]]
    decode: Callable[[Iterable[int]], str]

    def can_write(self, smiles: str) -> bool:
        """Whether a molecule comes back from this notation."""
        try:
            self.encode(smiles)
        except LatentomeError:
            return False
        return True

    def encode_all(self, smiles: Sequence[str]) -> np.ndarray:
        """Token numbers of many SMILES, int16 [molecules x longest], padded with `PAD` at the end.

        Raises
        ------
        LatentomeError
            As `encode`; or if there is no molecule.
        """
        if len(smiles) == 0:
            raise LatentomeError(
                "SMILES: no molecule given; expected at least one; check the file and the filters"
            )
        numbers = [self.encode(one) for one in smiles]
        found = np.full((len(numbers), max(map(len, numbers))), PAD, dtype=np.int16)
        for row, one in zip(found, numbers, strict=True):
            row[: len(one)] = one
        return found


NOTATIONS = {
    "smiles": Notation(smiles_tokens.TOKENS, smiles_tokens.encode, smiles_tokens.decode),
    "selfies": Notation(selfies_tokens.TOKENS, selfies_tokens.encode, selfies_tokens.decode),
}
