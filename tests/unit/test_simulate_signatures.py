"""The simulator of L1000 signatures: forms, planted truth, and a curve that linear methods need more for."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from workflow_scripts.lib.data.perturbagen_classes import join_classes
from workflow_scripts.lib.data.signatures import (
    GENE_INFO_COLUMNS,
    SIG_INFO_COLUMNS,
    Filters,
    apply_filters,
    dose_um,
)
from workflow_scripts.lib.data.simulate_signatures import CELL_LINES, CLASSES, simulate_signatures


@pytest.fixture(scope="module")
def made():
    return simulate_signatures(0)


def landmark_values(made):
    return made.matrix[:, (made.gene_info.pr_is_lm == "1").to_numpy()]


def test_forms_are_geos(made):
    assert set(SIG_INFO_COLUMNS) <= set(made.sig_info) and set(GENE_INFO_COLUMNS) <= set(made.gene_info)
    assert not made.sig_info.sig_id.duplicated().any()
    assert (made.gene_info.pr_is_lm == "1").sum() == 978
    assert made.matrix.shape == (len(made.sig_info), len(made.gene_info)) and made.matrix.dtype == np.float32
    assert np.abs(made.matrix).max() <= 10
    assert set(made.sig_info.cell_id) == set(CELL_LINES)
    counts = made.sig_info.pert_type.value_counts().to_dict()
    assert counts == {"trt_cp": 2_880, "trt_sh": 480, "ctl_vehicle": 96}
    _, steps = apply_filters(made.sig_info.set_index("sig_id"), Filters(without_vehicles=True), "demo")
    assert steps.signatures.tolist() == [3_456, 3_360]
    assert dose_um(made.sig_info).notna().sum() == 2_880


def test_classes_and_targets_are_all_there(made):
    joined = join_classes(made.sig_info, made.classes)
    assert (joined.pcl_id != "").sum() == 2_880 and joined.pcl_id[joined.pcl_id != ""].nunique() == len(
        CLASSES
    )
    knocked = set(made.sig_info.pert_iname[made.sig_info.pert_type == "trt_sh"])
    assert set(made.drugs.target) <= knocked and len(knocked) == 40


def test_vehicles_have_no_activity_and_effects_grow_with_dose(made):
    strength = np.abs(made.activity).sum(axis=1).to_numpy()
    assert (strength[(made.sig_info.pert_type == "ctl_vehicle").to_numpy()] == 0).all()
    dose = dose_um(made.sig_info).to_numpy()
    size = (landmark_values(made) ** 2).mean(axis=1)
    means = [size[dose == level].mean() for level in np.unique(dose[np.isfinite(dose)])]
    assert means == sorted(means) and means[-1] > 2 * means[0]


def test_a_targets_knock_down_resembles_its_drugs(made):
    values = landmark_values(made)
    sheet = made.sig_info
    drugs = made.drugs.set_index("pert_id")
    own, other = [], []
    high = (sheet.pert_dose == "10").to_numpy()
    for target, members in drugs.groupby("target"):
        drug = values[high & sheet.pert_id.isin(members.index).to_numpy()].mean(axis=0)
        for gene, places in sheet[sheet.pert_type == "trt_sh"].groupby("pert_iname").groups.items():
            r = np.corrcoef(drug, values[sheet.index.get_indexer(places)].mean(axis=0))[0, 1]
            (own if gene == target else other).append(r)
    assert np.median(own) > 0.7 > 0.3 > np.median(np.abs(other))


def test_programmes_are_there_to_be_found(made):
    values = landmark_values(made)
    half = np.arange(len(values)) % 2 == 0
    scores = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)[0][:, :40]
    for name in made.activity:
        truth = np.tanh(made.activity[name].to_numpy())
        fitted = LinearRegression().fit(scores[half], truth[half])
        assert fitted.score(scores[~half], truth[~half]) > 0.8, name


def test_ten_programmes_take_more_than_ten_components(made):
    values = landmark_values(made)[(made.sig_info.pert_type == "trt_cp").to_numpy()]
    energy = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
    assert energy[10:20].sum() > 0.03 * energy.sum()


def test_the_seed_decides_everything():
    one, two, other = (simulate_signatures(seed, compounds=12, knock_downs=14) for seed in (0, 0, 1))
    assert np.array_equal(one.matrix, two.matrix) and one.sig_info.equals(two.sig_info)
    assert not np.array_equal(one.matrix, other.matrix)
