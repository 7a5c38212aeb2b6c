"""SMILES as tokens: whole atoms' symbols, never halves of them, and back without loss.

Outside brackets only Cl and Br have two letters (``Sc1ccccc1`` is sulfur and carbon); inside them every element has
its own token. The vocabulary is fixed, so that token numbers mean the same in every model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = ("<pad>", "<start>", "<end>", "<unknown>")
ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts "
    "Og"
).split()
AROMATIC = ("b", "c", "n", "o", "p", "s", "se", "as", "te", "si")
MARKS = tuple("[]()=#$-+\\/@.:%*~") + tuple("0123456789")
TOKENS = (*SPECIAL, *MARKS, *AROMATIC, *ELEMENTS)
"""Token of each number."""
NUMBER = {token: number for number, token in enumerate(TOKENS)}
BRACKET = re.compile(r"(\[[^\[\]]*\])")
OUTSIDE = re.compile(r"Cl|Br|.", re.DOTALL)
INSIDE = re.compile("|".join(sorted((*ELEMENTS, *AROMATIC), key=len, reverse=True)) + "|.", re.DOTALL)


def tokenise(smiles: str) -> list[str]:
    """Split a SMILES string; joined, the parts are the string again, characters unknown to SMILES included."""
    parts = []
    for piece in BRACKET.split(smiles):
        parts += (INSIDE if piece.startswith("[") and piece.endswith("]") else OUTSIDE).findall(piece)
    return parts


def encode(smiles: str) -> list[int]:
    """Numbers of the tokens of a SMILES string between `START` and `END`.

    Raises
    ------
    LatentomeError
        If the string is empty or has a token that SMILES does not know.
    """
    parts = tokenise(smiles)
    unknown = sorted({part for part in parts if part not in NUMBER or part in SPECIAL})
    if unknown or not parts:
        reason = f"unknown token {', '.join(map(repr, unknown))}" if unknown else "no token"
        raise LatentomeError(
            f"SMILES {smiles!r}: {reason}; expected SMILES (opensmiles.org); mend or drop it"
        )
    return [START, *(NUMBER[part] for part in parts), END]


def decode(numbers: Iterable[int]) -> str:
    """SMILES of token numbers: from after `START`, if it is there, to before the first `END`.

    A number that stands for no token of SMILES (`PAD`, `START`, `UNKNOWN`) within is written as ``?``, so that the
    string cannot pass for a molecule.
    """
    parts = []
    for place, number in enumerate(numbers):
        if number == END:
            break
        if number == START and place == 0:
            continue
        parts.append(TOKENS[number] if number >= len(SPECIAL) else "?")
    return "".join(parts)


def lengths(tokens: np.ndarray) -> np.ndarray:
    """Tokens of each molecule, start and end included, int64 [molecules]."""
    return (tokens != PAD).sum(axis=1)
