"""L1000's real files: readers, MODZ of real replicates, tables of classes."""

import numpy as np
import pandas as pd
import pytest
from bulk_mirror import mirrored

from workflow_scripts.lib.data.gct import read_gct
from workflow_scripts.lib.data.gctx import locate, read_ids, read_matrix, read_metadata
from workflow_scripts.lib.data.l1000 import unit_of
from workflow_scripts.lib.data.perturbagen_classes import join_classes, read_classes, read_hub_drugs
from workflow_scripts.lib.data.signature_sources import take_names
from workflow_scripts.lib.data.signatures import check_values, read_landmarks, read_sig_info
from workflow_scripts.lib.data.splits import leaks, split_units
from workflow_scripts.lib.stats.modz import modz_by

pytestmark = pytest.mark.slow

SUBSET = "GSE92742/GSE92742_Broad_LINCS_Level5_COMPZ.MODZ_n1857x978.gctx"


def test_modz_of_six_replicates_is_the_published_three():
    wells, published = mirrored("cmap/distil_gct_n6x978.gctx"), mirrored("cmap/modzs_gct_n3x978.gctx")
    facts = read_metadata(published, "column")
    owner = {well: name for name, wells_of in facts.distil_id.items() for well in wells_of.split("|")}
    ids = read_ids(wells, "column")
    order = locate(read_ids(wells, "row"), read_ids(published, "row"))
    signatures, found = modz_by(
        read_matrix(wells)[:, order.places], pd.Series([owner.get(well) for well in ids])
    )
    expected = read_matrix(published)[[facts.index.get_loc(name) for name in found.index]]
    np.testing.assert_allclose(signatures, expected, atol=2e-6)
    several = found.index[found.replicates > 1]
    stated = facts.distil_cc_q75[several].astype(float)
    np.testing.assert_allclose(found.distil_cc_q75[several], stated, atol=0.005)
    assert found.replicates.to_dict() == facts.distil_nsample.astype(int).to_dict()


def test_a_latin_1_byte_in_the_metadata_survives():
    found = read_metadata(mirrored("cmap/modzs_n272x978.gctx"), "column")
    assert found.pert_idose.str.contains("µ").any() and len(found) == 272


def test_gct_and_gctx_of_the_same_signatures_agree():
    text = read_gct(mirrored("cmap/modzs_n25x50.gct"))
    binary = mirrored("cmap/modzs_n25x50.gctx")
    rows, columns = (locate(read_ids(binary, axis), table.index.tolist()) for axis, table in
                     (("row", text.rows), ("column", text.columns)))  # fmt: skip
    assert not rows.missing and not columns.missing
    np.testing.assert_allclose(text.matrix, read_matrix(binary, rows.places, columns.places), atol=0.0051)


def test_the_subset_fits_its_sheet_and_the_landmarks():
    sheet = read_sig_info(mirrored("GSE92742/GSE92742_Broad_LINCS_sig_info.txt"))
    genes = read_landmarks(mirrored("GSE92742/GSE92742_Broad_LINCS_gene_info.txt.gz"))
    path = mirrored(SUBSET)
    columns = locate(read_ids(path, "column"), sheet.index.tolist())
    rows = locate(read_ids(path, "row"), genes.index.tolist())
    assert not columns.missing and not rows.missing
    values = read_matrix(path, rows.places, columns.places)
    assert values.shape == (1857, 978)
    check_values(values, sheet.index, SUBSET)
    assert sheet.pert_type.value_counts().to_dict() == {"trt_cp": 1831, "trt_sh.cgs": 26}


def test_gene_info_of_both_series_has_the_same_landmarks_in_the_published_order():
    one = read_landmarks(mirrored("GSE70138/GSE70138_Broad_LINCS_gene_info_2017-03-06.txt.gz"))
    two = read_landmarks(mirrored("GSE92742/GSE92742_Broad_LINCS_gene_info.txt.gz"))
    assert one.index.tolist() == two.index.tolist()
    assert one.index[:8].tolist() == ["780", "7849", "6193", "23", "9552", "387", "10921", "10285"]
    assert one.index[-8:].tolist() == ["6915", "6253", "7264", "5467", "2767", "23038", "57048", "79716"]


def test_classes_and_the_hub():
    classes = read_classes(mirrored("clue/pcls.csv"))
    assert classes.pcl_id.nunique() == 171
    assert "CP_NOREPINEPHRINE_REUPTAKE_INHIBITOR" in set(classes.pcl_id)
    assert "androsta-1,4-dien-3,17-dione" in set(classes.pert_iname)
    sheet = read_sig_info(mirrored("GSE92742/GSE92742_Broad_LINCS_sig_info.txt"))
    named, changed = take_names(sheet, mirrored("GSE92742/pertinfo.tsv.gz"))
    found = join_classes(named, classes[classes.pcl_id.str.startswith("CP_")])
    assert found.route.value_counts().to_dict() == {"": 1160, "pert_id": 455, "pert_iname": 242}
    drugs = read_hub_drugs(mirrored("clue/repurposing_drugs_20200324.txt"))
    assert len(drugs) == 6_798 and "PSMB5" in drugs.target["bortezomib"]


def test_the_sheets_names_are_other_compounds_and_those_of_pert_info_are_right():
    """Replicates agree, and known genes answer, by the id's name and not by the sheet's."""
    sheet = read_sig_info(mirrored("GSE92742/GSE92742_Broad_LINCS_sig_info.txt"))
    named, changed = take_names(sheet, mirrored("GSE92742/pertinfo.tsv.gz"))
    same = named.pert_iname.str.lower() == sheet.pert_iname.str.lower()
    assert same.groupby(sheet.source).sum().to_dict() == {"cTRAP": 48, "camda": 115, "cmapR": 250}
    assert changed.id.nunique() > 200
    path = mirrored("GSE92742/GSE92742_Broad_LINCS_Level5_COMPZ.MODZ_n1857x978.gctx")
    landmarks = read_landmarks(mirrored("GSE92742/GSE92742_Broad_LINCS_gene_info.txt.gz"))
    values = read_matrix(path)[:, locate(read_ids(path, "row"), landmarks.index.tolist()).places]
    values = pd.DataFrame(values, index=read_ids(path, "column"), columns=landmarks.pr_gene_symbol)
    for name, gene in (("dexamethasone", "NFKBIA"), ("fluphenazine", "INSIG1")):
        answers = [
            values.loc[table.index[table.pert_iname == name], gene].median() for table in (sheet, named)
        ]
        assert answers[0] < 0.3 < 1 < answers[1]


def test_no_id_and_no_name_is_on_two_sides():
    sheet = read_sig_info(mirrored("GSE92742/GSE92742_Broad_LINCS_sig_info.txt"))
    for table in (sheet, take_names(sheet, mirrored("GSE92742/pertinfo.tsv.gz"))[0]):
        unit = unit_of(table)
        parts = split_units(unit.tolist(), (0.6, 0.2, 0.2), 0) if unit.nunique() > 3 else unit
        for column in ("pert_id", "pert_iname"):
            assert leaks(table[column].str.lower(), parts) == []
