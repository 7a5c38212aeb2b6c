"""The L1000 study's prepared data: units of the split, the split on disk, held-out parts."""

import io

import anndata
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.data.l1000 import (
    held_out_parts,
    is_knock_down,
    read_parts,
    read_signatures,
    unit_of,
)
from workflow_scripts.lib.errors import LatentomeError


@pytest.fixture
def sheet():
    text = "sig_id pert_id pert_iname pert_type / a BRD-1 Bortezomib trt_cp / b BRD-2 bortezomib trt_cp "
    text += "/ c BRD-3 -666 trt_cp / d BRD-4 - trt_cp / e CGS-1 TP53 trt_sh / f CGS-2 TP53 trt_sh.cgs "
    text += "/ g DMSO DMSO ctl_vehicle / h X EMPTY ctl_vector"
    table = pd.read_csv(io.StringIO(text.replace(" / ", "\n")), sep=r"\s+", na_values="-")
    return table.fillna("").set_index("sig_id")


def test_a_unit_is_a_name_whatever_its_case_or_an_id_without_one(sheet):
    units = "bortezomib bortezomib BRD-3 BRD-4 tp53 tp53 dmso empty"
    assert unit_of(sheet).tolist() == units.split()
    assert is_knock_down(sheet).tolist() == [False] * 4 + [True] * 2 + [False] * 2


def test_controls_are_trained_on_and_never_tested(sheet):
    names = "test train validation test train test test train"
    parts = pd.Series(names.split(), index=sheet.index)
    train, test = held_out_parts(parts, sheet)
    assert sheet.index[train].tolist() == ["b", "e", "h"]
    assert sheet.index[test].tolist() == ["a", "d", "f"]


def test_a_split_of_other_signatures_is_refused(tmp_path, sheet):
    split = pd.DataFrame({"sig_id": sheet.index, "unit": unit_of(sheet).to_numpy(), "part": "train"})
    split.loc[2, "part"] = "test"
    path = tmp_path / "splits.tsv"
    split.to_csv(path, sep="\t", index=False)
    assert read_parts(path, sheet).tolist() == split.part.tolist()
    for other in (sheet.iloc[::-1], sheet.iloc[:-1], sheet.rename({"a": "z"})):
        with pytest.raises(LatentomeError, match="is a split of other signatures"):
            read_parts(path, other)


@pytest.mark.parametrize("level", [4, 5])
def test_prepared_signatures_come_back(tmp_path, sheet, level):
    values = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    genes = pd.DataFrame({"pr_gene_symbol": list("PQR")}, index=["1", "2", "3"])
    layers = {"clipped": values * 2} if level == 4 else None
    path = tmp_path / "signatures.h5ad"
    anndata.AnnData(values, obs=sheet.astype("category"), var=genes, layers=layers).write_h5ad(path)
    found = read_signatures(path)
    np.testing.assert_array_equal(found.matrix, values)
    pd.testing.assert_frame_equal(found.sheet.astype(object), sheet.astype(object), check_index_type=False)
    assert "category" not in set(map(str, found.sheet.dtypes)) and found.genes.index.tolist() == [
        "1",
        "2",
        "3",
    ]
    for keep in (np.arange(8) % 3 == 1, np.array([7, 1])):
        part = found.take(keep)
        np.testing.assert_array_equal(part.matrix, values[keep])
        assert part.sheet.index.tolist() == sheet.index[keep].tolist()
        assert (part.clipped is None) == (level == 5)
        if level == 4:
            np.testing.assert_array_equal(part.clipped, 2 * values[keep])
