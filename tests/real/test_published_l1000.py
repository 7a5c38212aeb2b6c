"""The published L1000 models, from their weights alone: neighbours, network, active units, decoded classes."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from bulk_mirror import ROOT, mirrored

from workflow_scripts.lib.data.gctx import locate, read_matrix, read_metadata
from workflow_scripts.lib.data.perturbagen_classes import (
    classes_by_mechanism,
    read_hub_drugs,
    read_hub_samples,
)
from workflow_scripts.lib.data.published_l1000 import read_svqvae, read_vae
from workflow_scripts.lib.data.signatures import read_landmarks
from workflow_scripts.lib.metrics.class_network import (
    component_sizes,
    correlation_distance,
    nearest_neighbours,
    neighbour_graph,
)
from workflow_scripts.lib.metrics.latent_units import active_by_weight
from workflow_scripts.lib.models.svqvae import SVQVAE
from workflow_scripts.lib.stats.modz import robust_z

pytestmark = pytest.mark.slow

CODES = pd.read_csv(ROOT / "resources/l1000/published_codes.tsv", sep="\t")
REFERENCE = pd.read_csv(Path(__file__).parents[1] / "golden/data/svqvae_neighbours.tsv", sep="\t")
ACTIVE = {
    "SMGP": [4, 21, 35, 50, 51, 54, 56, 76, 81, 85, 87, 97],
    "SMP": [4, 6, 45, 51, 52, 55, 57, 60, 68, 75, 76, 82, 85, 87, 88, 95, 96, 99],
    "GP": [7, 9, 26, 28, 47, 51, 52, 56, 57, 78, 81],
}


@cache
def network():
    state = read_svqvae(mirrored("pretrained/S_VQ_VAE_encode.pth").parent)
    model = SVQVAE()
    model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    return model.eval()


def profiles():
    """Decoded codes, [classes x genes], by class and gene symbol."""
    genes = read_landmarks(mirrored("GSE70138/GSE70138_Broad_LINCS_gene_info_2017-03-06.txt.gz"))
    with torch.no_grad():
        decoded = network().decode(network().codebook.weight).numpy()
    return pd.DataFrame(decoded, index=CODES.pcl_id, columns=genes.pr_gene_symbol)


def test_all_75_nearest_neighbours_and_distances():
    codes = network().codebook.weight.detach().numpy()
    found = nearest_neighbours(correlation_distance(codes), CODES.pcl_id.tolist())
    assert found.source.tolist() == [CODES.pcl_id[k] for k in REFERENCE.neighbour]
    np.testing.assert_allclose(found.distance, REFERENCE.distance, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), REFERENCE.norm, atol=5e-4)
    assert found.mutual.sum() == 26  # 13 pairs
    graph = neighbour_graph(found)
    assert graph.number_of_edges() == 75
    assert component_sizes(graph) == [14, 11, 10, 7, 7, 6, 5, 4, 3, 2, 2, 2, 2]
    assert found.weight.min() < 0.3 < 0.7 < found.weight.max()


@pytest.mark.parametrize("name", ACTIVE)
def test_active_units(name):
    state, missing = read_vae(mirrored(f"pretrained/VAE_mu_{name}.pth").parent, name)
    assert active_by_weight(state["mu.weight"]).tolist() == ACTIVE[name]
    assert set(missing) <= {"encoder", "decoder"}


def test_decoded_classes_are_their_biology():
    table = profiles()
    up = {name: table.loc[f"CP_{name}"].sort_values(ascending=False).index for name in (
        "PROTEASOME_INHIBITOR", "HMGCR_INHIBITOR", "GLUCOCORTICOID_RECEPTOR_AGONIST", "HSP_INHIBITOR",
        "TOPOISOMERASE_INHIBITOR",
    )}  # fmt: skip
    assert {"DNAJB1", "HMOX1", "SQSTM1"} <= set(up["PROTEASOME_INHIBITOR"][:8])
    assert {"HMGCS1", "INSIG1", "HMGCR"} <= set(up["HMGCR_INHIBITOR"][:8])
    assert up["GLUCOCORTICOID_RECEPTOR_AGONIST"][0] == "TSC22D3"
    assert "HSPA1A" in up["HSP_INHIBITOR"][:2]
    assert up["TOPOISOMERASE_INHIBITOR"][0] == "CDKN1A"
    assert table.loc["CP_MEK_INHIBITOR"].idxmin() == "DUSP6"
    np.testing.assert_allclose([table.to_numpy().min(), table.to_numpy().max()], [-6.732, 6.394], atol=5e-4)


def test_round_trip_of_the_codes():
    with torch.no_grad():
        found = network().nearest(network().decode(network().codebook.weight)).numpy()
    wrong = {CODES.pcl_id[k]: CODES.pcl_id[found[k]] for k in np.flatnonzero(found != np.arange(75))}
    assert wrong == {
        "CP_GAMMA_SECRETASE_INHIBITOR": "CP_MEK_INHIBITOR",
        "CP_ANGIOTENSIN_RECEPTOR_ANTAGONIST": "CP_TUBULIN_INHIBITOR",
    }


@cache
def plate():
    """Level-4 z-scores of the plate in landmark order, its wells' classes as code numbers, wells with a class."""
    path = mirrored("GSE70138/LJP005_A375_24H_X1_B19_level4_n377x978.gctx")
    wells = read_metadata(path, "column")
    genes = read_landmarks(mirrored("GSE70138/GSE70138_Broad_LINCS_gene_info_2017-03-06.txt.gz"))
    order = locate(read_metadata(path, "row").pr_gene_id.astype(str).tolist(), genes.index.tolist())
    assert not order.missing
    found = classes_by_mechanism(
        wells[wells.pert_type != "ctl_vehicle"],
        read_hub_drugs(mirrored("clue/repurposing_drugs_20200324.txt")),
        read_hub_samples(mirrored("clue/repurposing_samples_20200324.txt.gz")),
        pd.read_csv(ROOT / "resources/l1000/moa_synonyms.tsv", sep="\t").set_index("moa").pcl_id,
        set(CODES.pcl_id),
    )
    found = found[found.map(len) > 0]
    place = {name: k for k, name in enumerate(CODES.pcl_id)}
    labels = [{place[name] for name in names} for names in found]
    return read_matrix(path)[:, order.places], wells.index.get_indexer(found.index), labels, wells


def hits(values, labels, best):
    with torch.no_grad():
        distance = network().distances(network().encode(torch.tensor(values, dtype=torch.float32))).numpy()
    nearest = distance.argsort(axis=1)[:, :best]
    return float(np.mean([bool(set(row) & label) for row, label in zip(nearest, labels, strict=True)]))


def test_label_free_classes_of_a_real_plate():
    level4, chosen, labels, wells = plate()
    assert len(chosen) == 191 and wells.pert_iname.iloc[chosen].nunique() == 32
    raw = np.clip(level4, -10, 10)[chosen]
    robust = robust_z(level4)[chosen]
    found = [hits(values, labels, best) for values in (raw, robust) for best in (1, 5)]
    assert found == pytest.approx([0.241, 0.492, 0.335, 0.539], abs=0.01)
    rng = np.random.default_rng(0)
    permuted = [hits(robust, [labels[k] for k in rng.permutation(191)], 1) for _ in range(20)]
    assert np.mean(permuted) == pytest.approx(0.056, abs=0.01)
