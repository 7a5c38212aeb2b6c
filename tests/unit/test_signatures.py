"""Signature sheets, landmark genes, counted filters and value checks."""

import gzip

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.signatures import (
    Filters,
    apply_filters,
    check_values,
    dose_um,
    read_landmarks,
    read_sig_info,
)
from workflow_scripts.lib.errors import LatentomeError

HEADER = "sig_id\tpert_id\tpert_iname\tpert_type\tcell_id\tpert_idose"
ROWS = [
    "a\tBRD-1\tbortezomib\ttrt_cp\tMCF7\t10 um",
    "b\tBRD-2\tMG-132\ttrt_cp\tMCF7\t100 nM",
    "c\tBRD-3\tvorinostat\ttrt_cp\tPC3\t3.33 µM",
    "d\tDMSO\tDMSO\tctl_vehicle\tPC3\t-666",
    "e\tCGS-1\tTP53\ttrt_sh\tA549\t-666",
]


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "sig_info.txt.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *ROWS]).encode()))
    return read_sig_info(path)


def test_every_step_is_counted(sheet):
    filters = Filters(
        cell_lines=["MCF7", "PC3"], without_names=["mg-132"], without_vehicles=True, least_dose_um=5.0
    )
    kept, steps = apply_filters(sheet, filters, "x")
    assert kept.index.tolist() == ["a"]
    assert steps.signatures.tolist() == [5, 4, 3, 2, 1]
    assert steps.step.tolist() == [
        "all", "cell_id in MCF7, PC3", "without mg-132", "without vehicles", "dose >= 5 uM",
    ]  # fmt: skip
    assert steps.names.tolist()[:2] == [5, 4]


def test_as_published_nothing_but_cell_lines_filters(sheet):
    kept, steps = apply_filters(sheet, Filters(cell_lines=["PC3"]), "x")
    assert kept.pert_type.tolist() == ["trt_cp", "ctl_vehicle"] and len(steps) == 2


def test_doses_of_every_unit(sheet):
    assert dose_um(sheet).tolist()[:3] == pytest.approx([10, 0.1, 3.33])
    assert dose_um(sheet).isna().tolist() == [False, False, False, True, True]
    other = pd.DataFrame({"pert_dose": ["10.0", "-666"], "pert_dose_unit": ["um", "-666"]})
    assert dose_um(other).tolist()[0] == 10 and np.isnan(dose_um(other)[1])


def test_knock_downs_have_no_dose_to_fail(sheet):
    kept, _ = apply_filters(sheet, Filters(least_dose_um=5.0), "x")
    assert kept.index.tolist() == ["a", "d", "e"]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(cell_lines=["MCF7", "HELA"]), 'no signature of "HELA"; it has'),
        (Filters(pert_types=["trt_oe"]), 'column pert_type has no signature of "trt_oe"'),
        (Filters(quality={"tas": 0.2}), "lacks column tas"),
        (
            Filters(cell_lines=["PC3"], without_names=["vorinostat"], without_vehicles=True),
            "no signature passes",
        ),
    ],
)
def test_a_filter_that_finds_nothing_says_what_there_is(sheet, filters, message):
    with pytest.raises(LatentomeError, match=message):
        apply_filters(sheet, filters, "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sig_id\tpert_id\tpert_type\n", 'lacks column "pert_iname", "cell_id"'),
        ("\n".join([HEADER, ROWS[0], ROWS[0]]), 'sig_id: "a" more than once'),
    ],
)
def test_a_sheet_that_lacks_columns_or_repeats_is_refused(tmp_path, text, message):
    path = tmp_path / "sig_info.txt"
    path.write_text(text)
    with pytest.raises(LatentomeError, match=message):
        read_sig_info(path)


def test_landmarks_in_the_tables_order(tmp_path):
    path = tmp_path / "gene_info.txt"
    path.write_text("pr_gene_id\tpr_gene_symbol\tpr_is_lm\n780\tDDR1\t1\n5\tX\t0\n23\tABCF1\t1\n")
    found = read_landmarks(path, expected=2)
    assert found.index.tolist() == ["780", "23"] and found.pr_gene_symbol.tolist() == ["DDR1", "ABCF1"]
    with pytest.raises(LatentomeError, match="marks 2 genes"):
        read_landmarks(path)


@pytest.mark.parametrize(("value", "message"), [(np.nan, "missing or infinite"), (10.1, "'b' reaches 10.1")])
def test_values_beyond_level_five_are_named(value, message):
    matrix = np.zeros((3, 4), np.float32)
    matrix[0, 0] = 10.0000019
    check_values(matrix, list("abc"), "x")
    matrix[1, 2] = value
    with pytest.raises(LatentomeError, match=message):
        check_values(matrix, list("abc"), "x")


def test_unclipped_data_may_be_declared():
    check_values(np.array([[25.0]]), ["a"], "x", clip=None)
