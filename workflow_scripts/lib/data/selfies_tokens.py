"""SELFIES as tokens: another notation of molecules, in which every string of symbols is one (Krenn et al. 2020).

The symbols are those that SELFIES gives atoms at their valences, and those of stereochemistry, which drugs need.
"""

from __future__ import annotations

from collections.abc import Iterable

import selfies

from workflow_scripts.lib.errors import LatentomeError

from .molecules import canonical
from .smiles_tokens import END, SPECIAL, START

# Silicon, which drugs have, would be given the eight bonds of any unknown element.
selfies.set_semantic_constraints({**selfies.get_semantic_constraints(), "Si": 4})
STEREO = (
    "[C@H1]", "[C@@H1]", "[C@]", "[C@@]", "[S@]", "[S@@]", "[NH1]", "[NH0]", "[/C]", "[\\C]", "[/N]", "[\\N]",
    "[/O]", "[\\O]", "[/S]", "[\\S]", "[/F]", "[\\F]", "[/Cl]", "[\\Cl]", "[/Br]", "[\\Br]", "[/I]", "[\\I]",
    "[/C@H1]", "[/C@@H1]", "[\\C@H1]", "[\\C@@H1]", "[-/Ring1]", "[-/Ring2]",
    "[-\\Ring1]", "[-\\Ring2]", ".",
)  # fmt: skip
TOKENS = (*SPECIAL, *STEREO, *sorted(selfies.get_semantic_robust_alphabet() - set(STEREO)))
"""Symbol of each number."""
NUMBER = {token: number for number, token in enumerate(TOKENS)}


def encode(smiles: str) -> list[int]:
    """Numbers of the SELFIES symbols of a SMILES string between `START` and `END`.

    Raises
    ------
    LatentomeError
        If SELFIES has no string that gives the molecule back, or needs a symbol that is not in `TOKENS`.
    """
    try:
        symbols = list(selfies.split_selfies(selfies.encoder(smiles)))
        back = selfies.decoder("".join(symbols))
    except (selfies.EncoderError, selfies.DecoderError) as error:
        reason = " ".join(str(error).split())[:100]
        raise LatentomeError(
            f"SMILES {smiles!r}: has no SELFIES ({reason}); drop it, or take notation smiles"
        ) from None
    unknown = sorted(set(symbols) - set(NUMBER))
    if unknown or not symbols or canonical(back) != canonical(smiles):
        reason = f"unknown symbol {', '.join(unknown)}" if unknown else "SELFIES gives another molecule back"
        raise LatentomeError(f"SMILES {smiles!r}: {reason}; drop it, or take notation smiles")
    return [START, *(NUMBER[symbol] for symbol in symbols), END]


def decode(numbers: Iterable[int]) -> str:
    """SMILES of symbol numbers, from after `START` to before the first `END`; ``?`` if a number is no symbol's."""
    symbols = []
    for place, number in enumerate(numbers):
        if number == END:
            break
        if number == START and place == 0:
            continue
        if number < len(SPECIAL):
            return "?"
        symbols.append(TOKENS[number])
    return selfies.decoder("".join(symbols))
