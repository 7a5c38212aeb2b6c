"""Splits by unit: nothing on two sides, shares kept, labels spread, poison found."""

import numpy as np
import pytest

from workflow_scripts.lib.data.splits import PARTS, leaks, split_units
from workflow_scripts.lib.errors import LatentomeError

UNITS = [f"c{k // 6}" for k in range(600)]
STRATA = [f"class{k // 6 % 5}" for k in range(600)]


@pytest.mark.parametrize("seed", range(5))
def test_no_unit_is_in_two_parts_and_shares_are_kept(seed):
    parts = split_units(UNITS, (0.7, 0.1, 0.2), seed)
    assert leaks(UNITS, parts) == []
    assert parts.value_counts().to_dict() == {"train": 420, "test": 120, "validation": 60}


def test_labels_are_spread_over_the_parts():
    parts = split_units(UNITS, (0.6, 0.2, 0.2), 0, STRATA)
    for part in PARTS:
        share = np.unique(np.array(STRATA)[parts == part], return_counts=True)[1] / (parts == part).sum()
        assert len(share) == 5 and np.abs(share - 0.2).max() < 0.06


def test_the_seed_and_the_names_decide_not_the_order():
    parts = split_units(UNITS, (0.7, 0.1, 0.2), 3)
    assert parts.equals(split_units(UNITS, (0.7, 0.1, 0.2), 3))
    assert not parts.equals(split_units(UNITS, (0.7, 0.1, 0.2), 4))
    order = np.random.default_rng(0).permutation(600)
    shuffled = split_units([UNITS[k] for k in order], (0.7, 0.1, 0.2), 3)
    assert shuffled.tolist() == parts.iloc[order].tolist()


def test_no_part_is_left_empty_by_rounding():
    parts = split_units(["a", "b", "c", "d"], (0.9, 0.05, 0.05), 0)
    assert set(parts) == set(PARTS)


def test_a_poisoned_split_is_found():
    parts = split_units(UNITS, (0.7, 0.1, 0.2), 0)
    place = parts.index[parts == "test"][0]
    parts[place] = "train"
    assert leaks(UNITS, parts) == [UNITS[place]]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_wrong_shares_are_refused(shares):
    with pytest.raises(LatentomeError, match="sum to 1"):
        split_units(UNITS, shares, 0)


def test_too_few_units_are_refused():
    with pytest.raises(LatentomeError, match="2 different units for 3 parts"):
        split_units(["a", "a", "b"], (0.6, 0.2, 0.2), 0)
