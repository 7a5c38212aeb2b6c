"""A user's own sections through the rules, by a block of config alone; every bad input is one line."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from own_spots import (
    BARCODES,
    COLUMNS,
    GENES,
    NAMES,
    OUTSIDE,
    PITCH,
    SPOTS,
    counts,
    gem_lines,
    places,
    position_lines,
    sides,
    write_10x,
    write_folder,
    write_gem,
    write_h5ad,
)  # fmt: skip
from runs import good, run

SIZE = 25  # DNBs
OVERLAY = {"studies": ["spatial"], "device": "cpu"}


def overlay(blocks: dict) -> dict:
    return {**OVERLAY, "spatial": {"datasets": list(blocks)}, "datasets": {"spatial": blocks}}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Three sections of the same counts, made by one run."""
    folder = tmp_path_factory.mktemp("own")
    shuffled = [position_lines()[0], *reversed(position_lines()[1:])]
    visium = write_folder(folder, "visium", lines=shuffled)
    visium["spots"]["positions"] = "visium/spatial"
    labels = [f"{name};{side}" for name, side in zip(BARCODES, sides(), strict=True)]
    labels[3] = f"{BARCODES[3]};unsure"
    (folder / "labels.csv").write_text("\n".join(["Barcode;area", *reversed(labels[:-1])]) + "\n")
    visium["labels"] = {"file": "labels.csv", "barcode": "Barcode", "label": "area", "unlabelled": ["unsure"]}
    write_h5ad(folder / "section.h5ad")
    write_gem(folder / "chip.gem.gz", gem_lines(SIZE, "MIDCounts"))
    blocks = {
        "visium": {**visium, "graph": {"kind": "radius", "radius": PITCH * 1.2}, "symbols": ["symG3"]},
        "stored": {
            "spots": {
                "format": "h5ad",
                "counts": "section.h5ad",
                "label": "region",
                "keep": {"batch": [False]},
            },
            "graph": {"kind": "knn", "k": 3},
        },
        "gem": {"platform": "stereoseq", "spots": {"format": "gem", "counts": "chip.gem.gz", "bin": SIZE}},
    }
    targets = [f"results/spatial/{name}/graph.npz" for name in ("stored", "gem")]
    good(run(folder, "results/spatial/visium/genes.tsv", *targets, overlays=("test", overlay(blocks))))
    return folder, blocks


def read(own, name):
    return anndata.read_h5ad(own[0] / f"results/spatial/{name}/spots.h5ad")


def facts(own, name):
    table = pd.read_csv(own[0] / f"results/spatial/{name}/graph.tsv", sep="\t")
    return table.set_index("item").value


def test_space_ranger(own):
    spots = read(own, "visium")
    assert spots.obs_names.tolist() == BARCODES and spots.var_names.tolist() == NAMES
    np.testing.assert_array_equal(spots.X.toarray(), counts())
    np.testing.assert_array_equal(spots.obsm["spatial"], places())
    expected = pd.Series(sides(), dtype=object)
    expected[[3, SPOTS - 1]] = None
    assert spots.obs.label.astype(object).where(spots.obs.label.notna(), None).tolist() == expected.tolist()
    assert not set(OUTSIDE) & set(spots.obs_names)
    # An inner spot of a hexagonal lattice has six neighbours; the distance to each is known.
    xy = places()
    near = np.linalg.norm(xy[:, None] - xy[None], axis=2) <= PITCH * 1.2
    assert facts(own, "visium").directed_edges == near.sum() - SPOTS


def test_h5ad(own):
    spots = read(own, "stored")
    kept = [k for k in range(SPOTS) if k % 10 != 9]
    assert sorted(spots.obs_names) == sorted(BARCODES[k] for k in kept)
    found = spots[[BARCODES[k] for k in kept]]
    np.testing.assert_array_equal(found.X.toarray(), counts()[kept])
    np.testing.assert_array_equal(found.obsm["spatial"], places()[kept])
    assert found.obs.label.astype(str).tolist() == [sides()[k] for k in kept]
    assert facts(own, "stored").spots == len(kept) and facts(own, "stored").edges_per_spot >= 3


def test_gem(own):
    spots = read(own, "gem")
    # Bins come sorted by x, then y.
    order = sorted(range(SPOTS), key=lambda k: (k % COLUMNS, k // COLUMNS))
    found = spots[:, NAMES].X.toarray()
    np.testing.assert_array_equal(found, counts()[order])
    first = [(4000 + SIZE * (k % COLUMNS), 6000 + SIZE * (k // COLUMNS)) for k in order]
    assert spots.obs_names.tolist() == [f"{x}_{y}" for x, y in first]
    np.testing.assert_array_equal(spots.obsm["spatial"], np.array(first) + (SIZE - 1) / 2)
    # `auto` finds the square grid: four neighbours, fewer at its rim.
    rows = SPOTS // COLUMNS
    assert facts(own, "gem").directed_edges == 2 * (rows * (COLUMNS - 1) + COLUMNS * (rows - 1))


def test_imputed(own):
    imputed = anndata.read_h5ad(own[0] / "results/spatial/visium/imputed.h5ad")
    assert imputed.shape == (SPOTS, GENES) and imputed.obs_names.tolist() == BARCODES
    np.testing.assert_allclose(imputed.X.sum(axis=1), 10_000, rtol=1e-4)
    assert (imputed.layers["sd"] > 0).all() and imputed.var.symbol.tolist() == [f"sym{g}" for g in NAMES]
    left = np.array(sides()) == "left"
    change = np.log(imputed.X[left].mean(axis=0) / imputed.X[~left].mean(axis=0))
    assert (change[:10] > 0).all() and (change[10:20] < 0).all()
    genes = pd.read_csv(own[0] / "results/spatial/visium/genes.tsv", sep="\t")
    assert genes.gene.tolist() == NAMES and genes.imputable.dtype == bool
    card = json.loads((own[0] / "results/spatial/visium/models/gmm_vgae/seed0/model.json").read_text())
    assert card["dataset"] == "visium" and card["trained"] is True


def test_all_figures_are_planned_and_no_job_twice(own):
    folder, blocks = own
    planned = good(run(folder, "spatial", "-n", overlays=("test", overlay(blocks)))).jobs()
    assert planned["plot_held_out_likelihood"] == planned["plot_imputability"] == 3
    assert planned["plot_domain_agreement"] == 2 and planned["train_spots"] == 2
    assert not {
        "prepare_spots",
        "build_graph",
        "plot_planted_truth",
        "run_published",
        "simulate_spots",
    } & set(planned)


def changed(values, spot, gene, value):
    values = values.copy()
    values[spot, gene] = value
    return values


def bad_blocks(folder):
    """Blocks of bad datasets, and what the line about each must say."""
    made, words = {}, {}

    def add(name, block, *said):
        made[name], words[name] = block, said

    def visium(name, *said, more=None, **files):
        add(name, {**write_folder(folder, name, **files), **(more or {})}, *said)

    alien = [name.replace("-1", "-2") for name in BARCODES]
    visium(
        "disagree", "disagree/spatial/tissue_positions.csv", "80 of the 80 barcodes", alien[0], barcodes=alien
    )
    visium("twice", "twice.h5", BARCODES[0], "2 times", barcodes=[BARCODES[0], *BARCODES[:-1]])
    lines = position_lines()
    lines[7] = lines[7].rsplit(",", 1)[0] + ",NaN"
    visium("nowhere", "nowhere/spatial/tissue_positions.csv", "line 8", BARCODES[4], "NaN", lines=lines)
    one = position_lines()[:4]
    visium("lonely", "lonely.h5", "there is one spot", values=counts()[:1], barcodes=BARCODES[:1], lines=one)
    visium("negative", "negative.h5", BARCODES[2], "G4", "-3", values=changed(counts(), 2, 3, -3))
    half = changed(counts().astype(float), 5, 6, 1.5)
    visium("fractional", "fractional.h5", BARCODES[5], "G7", "1.5", "whole", values=half)
    visium("empty", "empty.h5", "40 genes have no count", "min_spots", values=np.zeros_like(counts()))
    (folder / "strange.csv").write_text("barcode,label\nAAA-9,left\nCCC-9,right\n")
    labels = {"labels": {"file": "strange.csv"}}
    visium("strange", "strange.csv", "none of its 2 barcodes", "AAA-9", BARCODES[0], more=labels)
    graph = {"graph": {"kind": "radius", "radius": 5}}
    visium("isolated", "graph: radius: 5", "80 spots are isolated", "spacing is 100", more=graph)
    few = counts()[:, :6]
    visium("few", "few gmm_vgae", "6 genes", "10 latent", "gmm_vgae: latent", values=few, genes=NAMES[:6])
    write_gem(folder / "uncounted.gem.gz", gem_lines(SIZE, "amount"))
    gem = {"spots": {"format": "gem", "counts": "uncounted.gem.gz"}}
    add("uncounted", gem, "uncounted.gem.gz", "line 2", "no column of the counts", "MIDCount")
    visium("other", "other.h5", "no 10x feature-barcode matrix", "filtered_feature_bc_matrix.h5")
    with h5py.File(folder / "other/other.h5", "w") as file:
        file["weights"] = np.zeros(3)
    write_h5ad(folder / "lost.h5ad")
    data = anndata.read_h5ad(folder / "lost.h5ad")
    data.obsm["spatial"] = np.where(np.arange(SPOTS)[:, None] == 6, np.nan, places())
    data.write_h5ad(folder / "lost.h5ad")
    h5ad = {"spots": {"format": "h5ad", "counts": "lost.h5ad"}}
    add("lost", h5ad, "lost.h5ad", data.obs_names[6], "no coordinates")
    return made, words


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """All bad datasets in one run that goes on after each failure."""
    folder = tmp_path_factory.mktemp("bad")
    blocks, words = bad_blocks(folder)
    targets = [f"results/spatial/{name}/graph.npz" for name in blocks if name != "few"]
    targets.append("results/spatial/few/models/gmm_vgae/seed0/model.json")
    return run(folder, *targets, "--keep-going", overlays=("test", overlay(blocks))), words


BAD = (
    *(
        "disagree",
        "twice",
        "nowhere",
        "lonely",
        "negative",
        "fractional",
        "empty",
        "strange",
        "isolated",
        "few",
    ),
    *("uncounted", "other", "lost"),
)


def test_the_run_fails_with_one_line_a_dataset(bad):
    done, words = bad
    assert done.code != 0 and tuple(words) == BAD
    assert len(set(done.errors())) == len(BAD), "\n".join(done.errors())
    assert not [line for line in done.errors() if "Error:" in line or "traceback" in line]


@pytest.mark.parametrize("name", BAD)
def test_bad_input(bad, name):
    done, words = bad
    lines = {line for line in done.errors() if all(word in line for word in words[name])}
    assert len(lines) == 1, "\n".join(done.errors())
    made = {path.name for path in (done.folder / f"results/spatial/{name}").rglob("*") if path.is_file()}
    before = {"isolated": {"spots.h5ad", "summary.tsv"}}
    before["few"] = {*before["isolated"], "graph.npz", "graph.tsv", "degrees.tsv", "edges.tsv"}
    assert made == before.get(name, set())


def test_nothing_is_left_of_what_failed(bad):
    results = bad[0].folder / "results"
    assert not [
        path for path in results.rglob("*") if path.name.startswith(".") or path.suffix in (".tmp", ".part")
    ]
    assert {path.name for path in (results / "checkpoints").rglob("*") if path.is_file()} <= {"lock"}


def test_a_file_that_is_missing_is_named_before_anything_runs(tmp_path):
    write_10x(tmp_path / "matrix.h5")
    block = {"spots": {"format": "spaceranger", "counts": "matrix.h5", "positions": "no.csv"}}
    done = run(tmp_path, "spatial", overlays=("test", overlay({"mine": block})))
    assert done.code != 0 and "latentome: error: " in done.text
    assert "datasets: spatial: mine: needs no.csv, which does not exist" in done.text
    assert not (tmp_path / "results").exists()
