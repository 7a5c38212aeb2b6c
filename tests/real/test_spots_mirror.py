"""Spatial data as published: Space Ranger files, layer labels, a Stereo-seq GEM, .h5ad files of others."""

import warnings

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
from bulk_mirror import mirrored

from workflow_scripts.lib.data.spaceranger import read_10x_matrix, read_positions
from workflow_scripts.lib.data.spot_sources import join_labels, read_labels, read_spots_source
from workflow_scripts.lib.data.spots import build_spots
from workflow_scripts.lib.errors import LatentomeError

pytestmark = pytest.mark.slow

IN_TISSUE = {
    "151507": 4226, "151508": 4384, "151509": 4789, "151510": 4634, "151669": 3661, "151670": 3498,
    "151671": 4110, "151672": 4015, "151673": 3639, "151674": 3673, "151675": 3592, "151676": 3460,
}  # fmt: skip
LAYERS = ["L1", "L2", "L3", "L4", "L5", "L6", "WM"]
LABELS = {
    "151507": [817, 305, 1215, 369, 675, 486, 354],
    "151510": [1180, 650, 1774, 318, 310, 179, 184],
    "151673": [273, 253, 989, 218, 673, 692, 513],
    "151676": [289, 254, 836, 254, 649, 616, 533],
}
UNLABELLED = {"151510": 39, "151673": 28, "151676": 29}
SOURCE = {"format": "spaceranger", "platform": "visium", "counts": "positions alone"}
FIXTURE = "spatial/raw/visium_fixture"
GEM = "spatial/SS200000135TL_D1_small.gem.gz"


def slice_spots(name, seed=None):
    """Spots in the tissue of one slice, with one count each, shuffled by `seed`."""
    table = read_positions(mirrored(f"spatial/raw/dlpfc/{name}_tissue_positions_list.csv"))
    assert len(table) == 4992
    table = table[table.in_tissue == 1]
    if seed is not None:
        table = table.sample(frac=1, random_state=seed)
    xy = table[["x", "y"]].to_numpy()
    return build_spots(np.ones((len(table), 1), int), table.index, ["gene"], xy, SOURCE)


@pytest.mark.parametrize("name", IN_TISSUE)
def test_spots_in_tissue_of_the_twelve_slices(name):
    spots = slice_spots(name)
    assert spots.n_obs == IN_TISSUE[name]
    labels = mirrored("spatial/raw/dlpfc/barcode_level_layer_map.tsv")
    found = []
    for seed in (None, 0):
        spots = slice_spots(name, seed)
        join_labels(spots, {"barcode": 0, "label": 2, "where": {"1": name}}, labels)
        assert spots.obs.label.cat.categories.isin(LAYERS).all()
        found.append(spots.obs.label.sort_index())
    assert found[0].equals(found[1]), "row order must not matter"
    counts = found[0].value_counts()
    if name in LABELS:
        assert counts[LAYERS].tolist() == LABELS[name]
    if name in UNLABELLED:
        assert found[0].isna().sum() == UNLABELLED[name]
    # The stored features, of another repository, know no barcodes: their labels are matched by place.
    archive = np.load(mirrored("spatial/dlpfc12_pca50_labels.npz"), allow_pickle=False)
    code = {tuple(xy): int(k) for xy, k in zip(archive[f"{name}_xy"], archive[f"{name}_label"], strict=True)}
    ours = {tuple(xy): label for xy, label in zip(spots.obsm["spatial"], spots.obs.label, strict=True)}
    known = {xy: label for xy, label in ours.items() if isinstance(label, str)}
    assert set(code) == set(known)
    assert all(["WM", *LAYERS[:6]][code[xy]] == label for xy, label in known.items())


def test_labels_of_all_slices():
    path = mirrored("spatial/raw/dlpfc/barcode_level_layer_map.tsv")
    total = sum(
        len(read_labels(path, {"barcode": 0, "label": 2, "where": {"1": name}})) for name in IN_TISSUE
    )
    assert total == 47_329 and sum(IN_TISSUE.values()) == 47_681
    with pytest.raises(LatentomeError, match="more than one label"):
        read_labels(path, {"barcode": 0, "label": 2})


@pytest.fixture
def fixture_paths():
    return {
        "counts": str(mirrored(f"{FIXTURE}/filtered_feature_bc_matrix.h5")),
        "positions": str(mirrored(f"{FIXTURE}/spatial/tissue_positions_list.csv")),
        "scalefactors": str(mirrored(f"{FIXTURE}/spatial/scalefactors_json.json")),
    }


def test_the_fixtures_matrix(fixture_paths):
    counts, barcodes, genes, _ = read_10x_matrix(fixture_paths["counts"])
    assert counts.shape == (100, 100) and counts.nnz == 656
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = scanpy.read_10x_h5(fixture_paths["counts"])
    assert barcodes == expected.obs_names.tolist() and genes == expected.var.gene_ids.tolist()
    assert np.array_equal(counts.toarray(), expected.X.toarray())


def test_positions_of_either_version_are_the_same(fixture_paths, tmp_path):
    text = open(fixture_paths["positions"]).read()
    header = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"
    (tmp_path / "tissue_positions.csv").write_text(header + text)
    one = read_positions(fixture_paths["positions"])
    two = read_positions(tmp_path / "tissue_positions.csv")
    assert one.equals(two) and len(one) == 4992
    first = one.loc["ACGCCTGACACGCGCT-1"]
    assert (first.x, first.y) == (2779, 2546), "the file has the pixel row, then the column"
    spots = [
        read_spots_source({"spots": {"format": "spaceranger"}}, {**fixture_paths, "positions": str(path)})
        for path in (fixture_paths["positions"], tmp_path / "tissue_positions.csv")
    ]
    assert np.array_equal(spots[0].obsm["spatial"], spots[1].obsm["spatial"]) and spots[0].n_obs == 100
    assert spots[0].uns["scalefactors"]["spot_diameter_fullres"] == pytest.approx(89.42751063343188)


def test_scanpy_reads_the_fixtures_folder_alike(fixture_paths):
    spots = read_spots_source({"spots": {"format": "spaceranger"}}, fixture_paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = scanpy.read_visium(mirrored(FIXTURE))
    assert expected.obs.in_tissue.eq(1).all() and spots.obs_names.tolist() == expected.obs_names.tolist()
    # scanpy names the pixel columns wrongly, but stores them in the right order.
    assert np.array_equal(spots.obsm["spatial"], np.asarray(expected.obsm["spatial"], dtype=float))
    seen = np.asarray(expected.X.sum(axis=0)).ravel() > 0
    assert np.array_equal(spots.X.toarray(), expected.X.toarray()[:, seen])
    for column in ("array_row", "array_col"):
        assert (spots.obs[column] == expected.obs[column]).all()


@pytest.mark.parametrize(
    ("size", "bins", "median"), [(10, 900, 110.5), (20, 225, 441), (25, 144, 701), (50, 36, 2873.5)]
)
def test_bins_of_the_stereo_seq_patch(size, bins, median):
    spots = read_spots_source({"spots": {"format": "gem", "bin": size}}, {"counts": str(mirrored(GEM))})
    totals = np.asarray(spots.X.sum(axis=1)).ravel()
    assert spots.shape == (bins, 10_631) and np.median(totals) == median
    assert spots.uns["reading"]["lines read"] == 77_634


@pytest.mark.parametrize("size", [10, 15, 20, 25, 50, 75, 100, 150, 200])
def test_umis_are_conserved_whatever_the_bin(size):
    spots = read_spots_source({"spots": {"format": "gem", "bin": size}}, {"counts": str(mirrored(GEM))})
    assert spots.X.sum() == 131_002
    low, high = spots.obsm["spatial"].min(axis=0), spots.obsm["spatial"].max(axis=0)
    reach = (size - 1) / 2
    assert (low - reach <= [9600, 12_600]).all() and (high + reach >= [9898, 12_899]).all()
    raw = pd.read_csv(mirrored(GEM), sep="\t")
    gene = raw.geneID.value_counts().index[0]
    assert spots[:, gene].X.sum() == raw.MIDCounts[raw.geneID == gene].sum()


@pytest.mark.parametrize(
    ("name", "options", "shape", "umis", "labelled"),
    [
        ("dlpfc_151510_500genes", {"label": "layer", "unlabelled": ["None"]}, (4634, 500), 4_652_972, 4595),
        ("st_mob_rep11", {"label": "layer", "unlabelled": ["none"]}, (262, 15_928), 4_160_648, 260),
        ("her2st_A1", {"label": "label", "unlabelled": ["undetermined"]}, (346, 15_045), 1_553_744, 341),
        ("dlpfc_Br8325_ant_5000genes", {}, (3529, 5000), 3_696_397, 0),
        ("slideseq_purkinje_191genes", {}, (883, 191), 65_911, 0),
        (
            "visium_V1_Adult_Mouse_Brain_100genes_raw",
            {"keep": {"in_tissue": [1]}},
            (2702, 100),
            32_340_891,
            0,
        ),
    ],
)
def test_published_h5ad_files(name, options, shape, umis, labelled):
    path = mirrored(f"spatial/{name}.h5ad")
    spots = read_spots_source({"spots": {"format": "h5ad", **options}}, {"counts": str(path)})
    assert spots.X.sum(dtype=np.int64) == umis and spots.uns["reading"]["spots read"] >= shape[0]
    empty = spots.uns["reading"]["genes without a count"]
    assert spots.n_obs == shape[0] and spots.n_vars + empty == shape[1]
    assert (spots.obs.label.notna().sum() if labelled else "label" not in spots.obs) == (labelled or True)
    whole = anndata.read_h5ad(path)[spots.obs_names, spots.var_names]
    assert (spots.X != whole.X).nnz == 0


def test_layers_of_151510_are_those_of_the_map():
    spots = read_spots_source(
        {"spots": {"format": "h5ad"}, "labels": {"barcode": 0, "label": 2, "where": {"1": "151510"}}},
        {
            "counts": str(mirrored("spatial/dlpfc_151510_500genes.h5ad")),
            "labels": str(mirrored("spatial/raw/dlpfc/barcode_level_layer_map.tsv")),
        },
    )
    both = spots.obs.layer.astype(str).str.replace("Layer", "L").replace("None", "-")
    assert (both == spots.obs.label.astype(object).fillna("-")).all()
    positions = read_positions(mirrored("spatial/raw/dlpfc/151510_tissue_positions_list.csv"))
    assert np.array_equal(spots.obsm["spatial"], positions.loc[spots.obs_names, ["x", "y"]].to_numpy())
