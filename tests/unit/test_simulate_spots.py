"""The simulator of tissue: raw formats that our readers and scanpy read alike, planted truth, one seed one result."""

import hashlib
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from workflow_scripts.lib.data.simulate_spots import (
    BIN,
    DOMAINS,
    MARKERS,
    PITCH,
    PLATFORMS,
    PROGRAMMES,
    scatter_over_dnbs,
    simulate_genes,
    simulate_spots,
)
from workflow_scripts.lib.data.spot_sources import read_spots_source
from workflow_scripts.spatial.simulate_spots import main

SEED = 1
NAMES = {
    "visium": "visium/matrix.h5",
    "visium_positions": "visium/tissue_positions.csv",
    "visium_scalefactors": "visium/scalefactors_json.json",
    "visium_labels": "visium/labels.tsv",
    "visium_truth": "truth_visium.h5ad",
    "slideseq": "slideseq/digital_expression.txt.gz",
    "slideseq_positions": "slideseq/bead_locations.csv",
    "slideseq_labels": "slideseq/labels.tsv",
    "slideseq_truth": "truth_slideseq.h5ad",
    "stereo": "stereo.gem.gz",
    "stereo_labels": "stereo_labels.tsv",
    "stereo_truth": "truth_stereo.h5ad",
}


class Output(dict):
    __getattr__ = dict.__getitem__


def write(folder, seed=SEED, spots=None):
    output = Output({key: str(folder / name) for key, name in NAMES.items()})
    main(SimpleNamespace(output=output, params=SimpleNamespace(seed=seed, spots=spots)))
    return output


@pytest.fixture(scope="module")
def made():
    return {name: simulate_spots(name, SEED) for name in PLATFORMS}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("demo"))


FORMATS = {
    "visium": {"format": "spaceranger"},
    "slideseq": {"format": "slideseq"},
    "stereo": {"format": "gem", "bin": BIN},
}


def read(written, name):
    paths = {"counts": written[name], "labels": written[f"{name}_labels"]}
    if f"{name}_positions" in written:
        paths["positions"] = written[f"{name}_positions"]
    if name == "visium":
        paths["scalefactors"] = written["visium_scalefactors"]
    return read_spots_source({"spots": FORMATS[name], "labels": {"barcode": "barcode"}}, paths)


@pytest.mark.parametrize("name", PLATFORMS)
def test_what_is_written_is_read_back(name, made, written):
    """Counts, places and labels: each raw format and its reader are inverse to each other."""
    spots, truth = read(written, name), made[name]
    expected = pd.DataFrame(truth.counts.toarray(), truth.spots.index, truth.genes.index)
    found = pd.DataFrame(spots.X.toarray(), spots.obs_names, spots.var_names)
    seen = expected.columns[expected.sum() > 0]
    assert set(found.columns) == set(seen) and set(found.index) == set(expected.index)
    assert found.equals(expected.loc[found.index, found.columns].astype(np.int32))
    places = truth.spots.loc[spots.obs_names, ["x", "y"]].to_numpy()
    np.testing.assert_allclose(spots.obsm["spatial"], places, atol=1e-9)
    labelled = spots.obs.label.notna()
    assert (spots.obs.label[labelled] == truth.spots.label[spots.obs_names][labelled]).all()
    assert 0.97 < labelled.mean() < 1 and set(spots.obs.label.cat.categories) == set(DOMAINS)
    assert spots.uns["source"]["platform"] == name


def test_scanpy_reads_the_matrix_alike(made, written):
    found = scanpy.read_10x_h5(written["visium"])
    assert found.obs_names.tolist() == made["visium"].spots.index.tolist()
    assert found.var_names.tolist() == made["visium"].genes.index.tolist()
    assert np.array_equal(found.X.toarray(), made["visium"].counts.toarray())


def test_positions_are_space_ranger_twos(made, written):
    table = pd.read_csv(written["visium_positions"])
    assert table.shape == (4_992, 6) and table.in_tissue.sum() == 1_200
    assert not table.barcode.duplicated().any() and not table.duplicated(["array_row", "array_col"]).any()
    inside = table[table.in_tissue == 1]
    xy = inside[["pxl_col_in_fullres", "pxl_row_in_fullres"]]
    distance, _ = NearestNeighbors(n_neighbors=7).fit(xy).kneighbors(xy)
    assert np.abs(distance[:, 1] - PITCH).max() <= 1
    assert np.mean(distance[:, 6] < 1.05 * PITCH) > 0.85, "most spots have six neighbours"


@pytest.mark.parametrize("name", PLATFORMS)
def test_sizes_and_depths_are_the_platforms(name, made):
    plan, found = PLATFORMS[name], made[name]
    assert found.counts.shape == (plan.spots, plan.genes) == found.rates.shape
    assert np.median(np.asarray(found.counts.sum(axis=1))) == pytest.approx(plan.depth, rel=0.1)
    np.testing.assert_allclose(found.rates.sum(axis=1), 1)
    middle = found.genes.abundance.quantile([0.025, 0.975]).to_numpy()
    assert 2.5 < np.log10(middle[1] / middle[0]) < 3.5, "about three decades"


@pytest.mark.parametrize("name", PLATFORMS)
def test_truth_is_what_the_counts_scatter_about(name, made, written):
    """Pearson residuals under the stated rates, depths and shapes have mean 0 and variance 1."""
    truth = anndata.read_h5ad(written[f"{name}_truth"])
    found = made[name]
    mean = truth.obs.depth.to_numpy()[:, None] * truth.X.astype(float)
    z = (found.counts.toarray() - mean) / np.sqrt(mean + mean**2 / truth.var["shape"].to_numpy())
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert (z[mean > 0.2] ** 2).mean() == pytest.approx(1, abs=0.05)
    assert truth.obs_names.equals(pd.Index(found.spots.index)) and list(truth.uns["programmes"]) == list(
        PROGRAMMES
    )
    rates = truth.var.abundance.to_numpy() * np.exp(truth.obsm["activity"] @ truth.varm["loadings"].T)
    np.testing.assert_allclose(truth.X, rates / rates.sum(axis=1, keepdims=True), rtol=1e-5)


def test_genes_are_shared_and_two_fifths_have_a_programme(made):
    genes = simulate_genes(SEED)
    for found in made.values():
        assert found.genes.index.tolist() == genes.index[: len(found.genes)].tolist()
        assert found.genes[list(PROGRAMMES)].equals(genes[list(PROGRAMMES)].iloc[: len(found.genes)])
        carried = found.genes[list(PROGRAMMES)] != 0
        assert carried.any(axis=1).mean() == pytest.approx(0.4) and carried.sum().min() >= 10
    assert not genes.index.has_duplicates


@pytest.mark.parametrize("name", PLATFORMS)
def test_markers_are_highest_in_their_layer(name, made):
    found = made[name]
    share = pd.DataFrame(found.counts.toarray(), columns=found.genes.index).div(
        np.asarray(found.counts.sum(axis=1)), axis=0
    )
    means = share.groupby(found.spots.label.to_numpy()).mean()
    for domain, symbols in MARKERS.items():
        assert (means[list(symbols)].idxmax() == domain).all(), domain


def moran(values, places):
    _, near = NearestNeighbors(n_neighbors=7).fit(places).kneighbors(places)
    z = (values - values.mean()) / values.std()
    return (z * z[near[:, 1:]].mean(axis=1)).mean()


def test_programmes_have_the_structure_that_they_are_said_to_have(made):
    spots = made["visium"].spots
    places = spots[["x", "y"]].to_numpy()
    score = {name: moran(spots[name].to_numpy(), places) for name in PROGRAMMES}
    noise = 4 / np.sqrt(3 * len(spots))
    assert all(abs(score[name]) < noise for name in ("cells_1", "cells_2"))
    assert all(score[name] > 0.6 for name in PROGRAMMES if not name.startswith("cells"))
    assert stats.pearsonr(spots.gradient_down, spots.y)[0] > 0.999
    assert 0.01 < (spots.focus > 0.5).mean() < 0.06
    depths = spots.groupby("label").y.mean()
    assert depths.loc[list(DOMAINS)].is_monotonic_increasing


def test_a_neighbours_mean_alone_is_not_the_best_estimate(made):
    """Genes of the cell-type programmes: the true rate is no smooth function of place, that of layer genes is."""
    found = made["visium"]
    places = found.spots[["x", "y"]].to_numpy()
    _, near = NearestNeighbors(n_neighbors=7).fit(places).kneighbors(places)
    logs = np.log(found.rates)
    left = ((logs - logs[near[:, 1:]].mean(axis=1)).var(axis=0)) / logs.var(axis=0)
    table = found.genes[list(PROGRAMMES)] != 0
    alone = table.sum(axis=1) == 1
    cells, smooth = (alone & table[name] for name in ("cells_1", "gradient_down"))
    assert np.median(left[cells]) > 0.9 and np.median(left[smooth]) < 0.5


def test_the_gem_has_each_umi_in_its_bin(made):
    lines = scatter_over_dnbs(made["stereo"], SEED)
    assert (
        lines.MIDCount.sum() == made["stereo"].counts.sum()
        and not lines.duplicated(["geneID", "x", "y"]).any()
    )
    assert list(lines.columns) == ["geneID", "x", "y", "MIDCount"] and lines.MIDCount.min() == 1
    bins = lines.groupby([lines.x // BIN, lines.y // BIN]).MIDCount.sum()
    assert sorted(bins) == sorted(np.asarray(made["stereo"].counts.sum(axis=1)).ravel())
    assert stats.kstest(lines.x % BIN, stats.randint(0, BIN).cdf).statistic < 0.06


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    sizes = dict.fromkeys(PLATFORMS, 60)
    digests = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        output = write(tmp_path / folder, seed, sizes)
        digests.append(
            {key: hashlib.sha256(open(path, "rb").read()).hexdigest() for key, path in output.items()}
        )
    assert digests[0] == digests[1]
    same = {key for key in NAMES if digests[0][key] == digests[2][key]}
    assert same == {"visium_scalefactors"}
