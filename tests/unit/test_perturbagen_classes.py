"""Readers of CLUE's classes and the Repurposing Hub, and the join to signatures."""

import pandas as pd
import pytest

from workflow_scripts.lib.data.l1000 import unit_of
from workflow_scripts.lib.data.perturbagen_classes import (
    classes_by_mechanism,
    join_classes,
    read_classes,
    read_hub_drugs,
    read_hub_samples,
)
from workflow_scripts.lib.errors import LatentomeError

CLASSES = """,pert_id,pert_iname,pcl_id,pcl_name,pcl_type,pcl_source
1,BRD-A1,ingenol,CP_PKC_ACTIVATOR,PKC activator,CP,Broad_moa
2,BRD-A2,androsta-1,4-dien-3,17-dione,CP_AROMATASE_INHIBITOR,Aromatase inhibitor,CP,Broad_moa
3,BRD-A1,ingenol,CP_PKC_ACTIVATOR,PKC activator,CP,Broad_moa
4,BRD-A3,amoxapine,CP_NOREPINEPHRINE_REPUTAKE_INHIBITOR,Norepinephrine reputake inhibitor,CP,Broad_moa
5,BRD-A3,amoxapine,CP_PKC_ACTIVATOR,PKC activator,CP,Broad_moa
6,CGS001-7157,TP53,LOF_P53,p53,LOF,Broad
"""


@pytest.fixture
def classes(tmp_path):
    path = tmp_path / "pcls.csv"
    path.write_text(CLASSES)
    return read_classes(path)


def test_commas_in_names_stay_in_names(classes):
    row = classes.set_index("pert_id").loc["BRD-A2"]
    assert row.tolist() == ["androsta-1,4-dien-3,17-dione", "CP_AROMATASE_INHIBITOR", "Aromatase inhibitor"]


def test_doubles_are_dropped_and_misspelt_classes_mended(classes):
    assert len(classes) == 5
    assert "CP_NOREPINEPHRINE_REUPTAKE_INHIBITOR" in set(classes.pcl_id)


def test_the_published_two_columns(tmp_path):
    path = tmp_path / "pcl_information.csv"
    path.write_text("BRD-A1,CP_PKC_ACTIVATOR\nBRD-A2,CP_HRH1\n")
    found = read_classes(path)
    assert found[["pert_id", "pcl_id"]].to_numpy().tolist() == [
        ["BRD-A1", "CP_PKC_ACTIVATOR"],
        ["BRD-A2", "CP_HRH1"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,pert_id,pert_iname,pcl_id\n1,BRD-A1,ingenol,no class,x\n", "line 2: no class id"),
        ("", "no memberships"),
        ("a,pert_id,pert_iname,pcl_id\n", "no memberships"),
    ],
)
def test_rows_without_a_class_are_named(tmp_path, text, message):
    path = tmp_path / "pcls.csv"
    path.write_text(text)
    with pytest.raises(LatentomeError, match=message):
        read_classes(path)


def test_join_by_id_then_by_name_to_the_smallest_class(classes):
    signatures = pd.DataFrame(
        {
            "pert_id": ["BRD-A3", "BRD-B9", "BRD-B8", "BRD-A1"],
            "pert_iname": ["amoxapine", "Ingenol", "unknown", "renamed"],
        },
        index=list("wxyz"),
    )
    found = join_classes(signatures, classes)
    assert found.pcl_id.tolist() == [
        "CP_NOREPINEPHRINE_REUPTAKE_INHIBITOR", "CP_PKC_ACTIVATOR", "", "CP_PKC_ACTIVATOR",
    ]  # fmt: skip
    assert found.route.tolist() == ["pert_id", "pert_iname", "", "pert_id"]
    assert found.n_classes.tolist() == [2, 1, 0, 1]
    assert found.index.tolist() == list("wxyz")


def test_the_hub(tmp_path):
    drugs, samples = tmp_path / "drugs.txt", tmp_path / "samples.txt"
    head = '!Source\t"the Hub"\n'
    drugs.write_text(
        f"{head}pert_iname\tclinical_phase\tmoa\ttarget\nBortezomib\tLaunched\ta|b\tPSMA1|PSMB5\nx\t\t\t\n"
    )
    samples.write_text(f"{head}broad_id\tpert_iname\nBRD-K50691590-001-02-1\tBortezomib\n")
    found = read_hub_drugs(drugs)
    assert found.target["bortezomib"] == ["PSMA1", "PSMB5"] and found.moa["bortezomib"] == ["a", "b"]
    assert found.target["x"] == []
    assert read_hub_samples(samples)["BRD-K50691590"] == "bortezomib"
    with pytest.raises(LatentomeError, match="columns moa, target are missing"):
        read_hub_drugs(samples)


def test_mechanisms_become_classes_by_name_then_by_id():
    drugs = pd.DataFrame(
        {"moa": [["MEK inhibitor", "mTOR inhibitor"], ["KIT inhibitor"], ["odd"]]}, index=["a", "b", "c"]
    )
    samples = pd.Series({"BRD-K00000002": "b"})
    signatures = pd.DataFrame(
        {"pert_id": ["x", "BRD-K00000002-01", "y", "z"], "pert_iname": ["A", "renamed", "c", "none"]},
        index=list("wxyz"),
    )
    known = {"CP_MEK_INHIBITOR", "CP_MTOR_INHIBITOR", "CP_PDGFR_KIT_INHIBITOR"}
    found = classes_by_mechanism(
        signatures, drugs, samples, {"KIT inhibitor": "CP_PDGFR_KIT_INHIBITOR"}, known
    )
    assert found.tolist() == [["CP_MEK_INHIBITOR", "CP_MTOR_INHIBITOR"], ["CP_PDGFR_KIT_INHIBITOR"], [], []]


def test_a_unit_is_a_component_of_ids_and_names():
    rows = [
        ("a1", "Aspirin"),
        ("a2", "aspirin"),
        ("a2", "ASA"),
        ("b", "-666"),
        ("-666", "gene"),
        ("c", "gene"),
    ]
    sheet = pd.DataFrame(rows, columns=["pert_id", "pert_iname"])
    unit = unit_of(sheet)
    assert unit.tolist() == ["asa", "asa", "asa", "b", "gene", "gene"]


def test_a_genes_name_finds_only_classes_of_its_own_kind():
    classes = pd.DataFrame(
        [("X1", "TP53", "OE_P53"), ("X2", "TP53", "KD_P53"), ("X3", "drug", "CP_DRUG")],
        columns=["pert_id", "pert_iname", "pcl_id"],
    )
    rows = [
        ("T1", "TP53", "trt_sh"),
        ("T2", "TP53", "trt_oe"),
        ("T3", "drug", "trt_cp"),
        ("T4", "drug", "trt_sh"),
    ]
    sheet = pd.DataFrame(rows, columns=["pert_id", "pert_iname", "pert_type"])
    assert join_classes(sheet, classes).pcl_id.tolist() == ["KD_P53", "OE_P53", "CP_DRUG", ""]
    assert (join_classes(sheet, classes, by_name=False).pcl_id == "").all()


def test_a_table_without_line_numbers_is_read_by_its_head(tmp_path):
    path = tmp_path / "pcls.csv"
    path.write_text("pert_id,pert_iname,pcl_id,pcl_name\nBRD-1,drug, odd,CP_MEK_INHIBITOR,MEK inhibitor\n")
    found = read_classes(path).iloc[0]
    assert found.tolist() == ["BRD-1", "drug,odd", "CP_MEK_INHIBITOR", "MEK inhibitor"]
