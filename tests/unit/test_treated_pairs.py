"""Pairs: the plate's own controls are subtracted, replicates stay apart, what does not fit is named."""

import anndata
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.treated_pairs import Wells, pair_with_controls
from workflow_scripts.lib.data.well_sources import read_smiles_table, read_wells
from workflow_scripts.lib.errors import LatentomeError


@pytest.fixture
def wells():
    rng = np.random.default_rng(0)
    sheet = pd.DataFrame(
        {
            "plate": ["P1"] * 6 + ["P2"] * 4,
            "cell_id": "A375",
            "time_h": 6.0,
            "dose_um": [np.nan, np.nan, np.nan, 10, 10, 0.04, np.nan, np.nan, 10, 3.33],
            "pert_id": ["DMSO"] * 3 + ["a", "a", "b"] + ["DMSO"] * 2 + ["a", "c"],
            "smiles": [""] * 3 + ["OCC", "OCC", "CC(=O)[O-].[Na+]"] + [""] * 2 + ["CCO", ""],
            "control": [True] * 3 + [False] * 3 + [True] * 2 + [False] * 2,
        },
        index=[f"w{k}" for k in range(10)],
    )
    return Wells(rng.normal(8, 1, (10, 5)).astype(np.float32), list("12345"), sheet)


def changed(wells, **columns):
    return Wells(wells.values, wells.genes, wells.sheet.assign(**columns))


def test_the_median_of_the_plates_controls_is_subtracted(wells):
    found = pair_with_controls(wells, "mine")
    expected = [
        wells.values[3] - np.median(wells.values[:3], axis=0),
        wells.values[4] - np.median(wells.values[:3], axis=0),
        wells.values[5] - np.median(wells.values[:3], axis=0),
        wells.values[8] - np.median(wells.values[6:8], axis=0),
    ]
    np.testing.assert_allclose(found.changes, expected, rtol=1e-6)
    assert found.sheet["smiles"].tolist() == ["CCO", "CCO", "CC(=O)O", "CCO"]
    assert found.sheet["raw_smiles"].tolist()[2] == "CC(=O)[O-].[Na+]"
    assert found.sheet["controls"].tolist() == [3, 3, 3, 2]
    assert found.left_out.to_dict("records") == [
        {"well": "w9", "pert_id": "c", "raw_smiles": "", "reason": "no SMILES"}
    ]


def test_controls_of_another_time_do_not_count(wells):
    times = [6.0] * 8 + [24.0] * 2
    with pytest.raises(
        LatentomeError, match=r"mine: 2 treated wells have no control.*plate P2 \(A375, 24.0 h\)"
    ):
        pair_with_controls(changed(wells, time_h=times), "mine")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"control": True}, "all 10 wells are controls"),
        ({"dose_um": -1.0}, "well w3, column dose_um: -1.0; expected a number of at least 0 \\(5 such"),
        ({"time_h": None}, "well w3, column time_h"),
        ({"smiles": "C1CC"}, "1 of 1 SMILES cannot be read"),
    ],
)
def test_what_does_not_fit_is_named(wells, columns, message):
    with pytest.raises(LatentomeError, match=message):
        pair_with_controls(changed(wells, **columns), "mine")


def test_values_and_sheets_must_match(wells):
    values = wells.values.copy()
    values[4, 2] = np.nan
    with pytest.raises(LatentomeError, match="1 values are not finite, the first in well w4, gene 3"):
        pair_with_controls(Wells(values, wells.genes, wells.sheet), "mine")
    with pytest.raises(LatentomeError, match="expected wells x genes"):
        pair_with_controls(Wells(wells.values[:5], wells.genes, wells.sheet), "mine")
    with pytest.raises(LatentomeError, match='no column "smiles"'):
        pair_with_controls(Wells(wells.values, wells.genes, wells.sheet.drop(columns="smiles")), "mine")
    twice = wells.sheet.set_axis(["w0", *wells.sheet.index[:-1]])
    with pytest.raises(LatentomeError, match="well w0 is there twice"):
        pair_with_controls(Wells(wells.values, wells.genes, twice), "mine")


def test_wells_without_a_sheet_take_inst_info(tmp_path):
    genes, wells = [str(k) for k in range(1, 979)], [f"w{k}" for k in range(4)]
    data = anndata.AnnData(np.arange(4 * 978, dtype=np.float32).reshape(4, 978))
    data.obs_names, data.var_names = wells, genes
    data.write_h5ad(tmp_path / "wells.h5ad")
    landmarks = pd.DataFrame(
        {"pr_gene_symbol": [f"G{k}" for k in genes]}, index=pd.Index(genes, name="pr_gene_id")
    )
    lines = ["inst_id\tcell_id\tdet_plate\tpert_dose\tpert_dose_unit\tpert_id\tpert_time\tpert_type"]
    lines += [
        "w3\tA375\tP\t10.0\tum\tBRD-K00000001\t6\ttrt_cp",
        "w1\tA375\tP\t-666\t-666\tDMSO\t6\tctl_vehicle",
    ]
    sheet = tmp_path / "inst_info.txt"
    sheet.write_text("\n".join(lines) + "\n")
    pert_info = tmp_path / "pert_info.txt"
    pert_info.write_text("pert_id\tcanonical_smiles\nBRD-K00000001\tCCO\nBRD-K00000002\t-666\n")
    smiles = read_smiles_table(pert_info)
    assert smiles == {"BRD-K00000001": "CCO"}
    found = read_wells(tmp_path / "wells.h5ad", landmarks, smiles, inst_info=sheet)
    # wells that the table does not list are left out, the others stay in the matrix' order
    assert found.sheet.index.tolist() == ["w1", "w3"] and found.sheet["smiles"].tolist() == ["", "CCO"]
    np.testing.assert_array_equal(found.values, data.X[[1, 3]])
    sheet.write_text(lines[0] + "\nother" + lines[1][2:] + "\n")
    with pytest.raises(LatentomeError, match="lists none of the 4 wells"):
        read_wells(tmp_path / "wells.h5ad", landmarks, smiles, inst_info=sheet)
