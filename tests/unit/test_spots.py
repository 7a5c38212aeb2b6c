"""The table of spots: its contract, filters, labels joined by barcode, files of other makers, and the script."""

import hashlib
import itertools
import logging
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from workflow_scripts.lib.data.spot_filters import filter_spots, summarize_spots
from workflow_scripts.lib.data.spot_sources import join_labels, read_labels, read_spots_source
from workflow_scripts.lib.data.spots import as_counts, build_spots, check_spots, read_spots, set_labels
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.spatial.prepare_spots import main

SOURCE = {"format": "h5ad", "platform": "visium", "counts": "a.h5ad"}
NAMES, GENES = [f"S{k}" for k in range(8)], [f"G{k}" for k in range(6)]
XY = np.random.default_rng(3).uniform(0, 9, (8, 2))


@pytest.fixture
def values():
    return np.random.default_rng(0).poisson(1.5, (8, 6)) + 1


@pytest.fixture
def spots(values):
    return build_spots(values, NAMES, GENES, XY, SOURCE)


@pytest.mark.parametrize(
    "kind", [np.array, sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array]
)
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64, np.uint16])
def test_counts_of_any_type_stay_exactly_what_they_are(values, kind, dtype):
    values[2, 3] = 0
    found = as_counts(kind(values.astype(dtype)), NAMES, GENES, "here")
    assert found.dtype == np.int32 and found.format == "csr" and found.nnz == (values > 0).sum()
    assert np.array_equal(found.toarray(), values) and found.has_sorted_indices


def test_the_largest_count_and_one_more(values):
    values = values.astype(np.int64)
    values[1, 1] = 2**31 - 1
    assert as_counts(values, NAMES, GENES, "here")[1, 1] == 2**31 - 1
    values[1, 1] += 1
    with pytest.raises(LatentomeError, match=r'here: spot "S1", gene "G1": .* above 2\^31-1'):
        as_counts(values, NAMES, GENES, "here")


def breach(spots, change):
    broken = spots.copy()
    changed = change(broken)
    broken = broken if changed is None else changed
    with pytest.raises(LatentomeError) as error:
        check_spots(broken, "there")
    assert "\n" not in str(error.value) and str(error.value).startswith("there: ")
    return str(error.value)


def test_each_breach_of_the_contract_is_named(spots):
    def put(place, key, value):
        return lambda data: getattr(data, place).__setitem__(key, value)

    check_spots(spots, "there")
    lost = XY.copy()
    lost[5, 1] = np.inf
    assert '"S5" has no coordinates' in breach(spots, put("obsm", "spatial", lost))
    assert "float64" in breach(spots, put("obsm", "spatial", XY.astype(np.float32)))
    assert "(8, 3)" in breach(spots, put("obsm", "spatial", np.hstack([XY, XY[:, :1]])))
    assert "is missing" in breach(spots, lambda data: data.obsm.clear())
    assert 'obs["label"]' in breach(spots, put("obs", "label", "text"))
    assert "one spot" in breach(spots, lambda data: data[:1].copy())
    assert "no spots" in breach(spots, lambda data: data[:0].copy())
    assert "no genes" in breach(spots, lambda data: data[:, :0].copy())
    assert "X is not" in breach(spots, lambda data: setattr(data, "X", data.X.astype(np.float32)))
    assert "X is not" in breach(spots, lambda data: setattr(data, "X", data.X.toarray()))
    assert "X is not" in breach(spots, lambda data: setattr(data, "X", -data.X))
    assert 'barcode "S1" stands 2' in breach(
        spots, lambda data: setattr(data, "obs_names", ["S1", *NAMES[1:]])
    )
    assert 'gene "G4" stands 2' in breach(spots, lambda data: setattr(data, "var_names", [*GENES[:5], "G4"]))


def test_a_stored_table_comes_back_and_others_are_refused(spots, tmp_path):
    set_labels(spots, pd.Series(["b", "a", np.nan, "b", "none", "a", "a", "a"]), ["none"])
    path = tmp_path / "spots.h5ad"
    spots.write_h5ad(path)
    found = read_spots(path)
    assert (found.X != spots.X).nnz == 0 and found.X.dtype == np.int32
    assert found.obs.label.tolist()[:2] == ["b", "a"] and found.obs.label.isna().sum() == 2
    assert found.uns["source"] == {**SOURCE, "values": "counts"}
    for change, told in ((b"", "no readable"), (path.read_bytes()[:5000], "no readable")):
        path.write_bytes(change)
        with pytest.raises(LatentomeError, match=told):
            read_spots(path)
    with pytest.raises(LatentomeError, match="does not exist; run the rule prepare_spots"):
        read_spots(tmp_path / "none.h5ad")


@pytest.mark.parametrize(("min_spots", "min_counts"), [(1, 1), (3, 2), (3, 3), (2, 4)])
def test_filters_keep_the_largest_set_that_passes(min_spots, min_counts):
    """Against every subset of spots and genes of a small table."""
    values = np.random.default_rng(6).poisson(0.55, (8, 6))
    best = (0, 0)
    for rows in itertools.product([False, True], repeat=8):
        columns = (values[list(rows)] > 0).sum(axis=0) >= min_spots
        while True:
            kept = np.array(rows) & (values[:, columns].sum(axis=1) >= min_counts)
            again = (values[kept] > 0).sum(axis=0) >= min_spots
            if (again == columns).all():
                break
            columns = again & columns
        best = max(best, (int(kept.sum()), int(columns.sum())))
    found = filter_spots(build_spots(values, NAMES, GENES, XY, SOURCE), min_spots, min_counts, "here")
    assert found.shape == best
    assert (np.asarray((found.X > 0).sum(axis=0)) >= min_spots).all()
    assert (np.asarray(found.X.sum(axis=1)) >= min_counts).all()
    places = XY[[NAMES.index(name) for name in found.obs_names]]
    assert np.array_equal(found.obsm["spatial"], places)


def test_empty_genes_are_dropped_and_counted(values):
    values[:, 2] = 0
    values[4] = 0
    found = filter_spots(build_spots(values, NAMES, GENES, XY, SOURCE), 1, 1, "here")
    assert found.var_names.tolist() == GENES[:2] + GENES[3:] and "S4" not in found.obs_names
    table = summarize_spots(found).set_index("item").value
    assert table["genes without a count"] == 1 and table["genes kept"] == 5 and table["spots kept"] == 7
    assert table["UMIs"] == values.sum() and table["median UMIs per spot"] == np.median(
        values.sum(1)[values.sum(1) > 0]
    )
    with pytest.raises(
        LatentomeError, match=r"here: 0 of 6 genes and 0 of 8 spots .*6 genes have no count at all"
    ):
        filter_spots(build_spots(values * 0, NAMES, GENES, XY, SOURCE), 1, 1, "here")


def label_file(path, text):
    path.write_text(text)
    return path


def test_labels_are_joined_by_barcode_whatever_their_order(spots, tmp_path):
    lines = [
        f"{name}\t{section}\tL{k % 3}{section}"
        for section in "AB"
        for k, name in enumerate([*NAMES[:6], "X"])
    ]
    np.random.default_rng(1).shuffle(lines)
    path = label_file(tmp_path / "map.tsv", "\n".join(lines) + "\n")
    join_labels(spots, {"barcode": 0, "label": 2, "where": {"1": "B"}, "unlabelled": ["L2B"]}, path)
    expected = ["L0B", "L1B", np.nan, "L0B", "L1B", np.nan, np.nan, np.nan]
    assert spots.obs.label.astype(object).fillna("-").tolist() == pd.Series(expected).fillna("-").tolist()
    assert spots.obs.label.cat.categories.tolist() == ["L0B", "L1B"]
    assert spots.uns["reading"]["labels of no spot"] == 1


def test_labels_with_a_header_of_any_name(tmp_path):
    path = label_file(tmp_path / "l.csv", "x,spot,ground_truth\n1,S1,a\n2,S0,\n")
    found = read_labels(path, {"barcode": "spot", "label": "ground_truth"})
    assert found["S1"] == "a" and pd.isna(found["S0"])


def test_a_gene_without_a_symbol_is_called_by_its_id(values):
    source = {"counts": "c.h5ad", "format": "h5ad"}
    found = build_spots(values, NAMES, GENES, XY, source, symbols=["A", "", "nan", *GENES[3:]])
    assert found.var["symbol"].tolist() == ["A", GENES[1], GENES[2], *GENES[3:]]


def test_bad_labels(spots, tmp_path):
    path = tmp_path / "l.tsv"

    def fails(text, told, **options):
        label_file(path, text)
        with pytest.raises(LatentomeError) as error:
            join_labels(spots, options, path)
        assert told in str(error.value) and "\n" not in str(error.value) and "l.tsv" in str(error.value)

    fails("", "the file is empty")
    fails("barcode\tlabel\nS1\ta\nS1\tb\n", '"S1" has more than one label')
    fails("barcode\tlayer\nS1\ta\n", 'column "label" does not exist')
    # row names, as R's write.table has them, would make the count the label
    fails("barcode\tcount\tlabel\nS1\tS1\t12\ta\n", "expected as many columns on every line")
    fails("barcode\tlabel\nQ1\ta\nQ2\ta\n", "none of its 2 barcodes")
    fails("barcode\tlabel\nS1\ta\n", 'column "2" does not exist', where={"2": "x"})
    fails("S1\tA\ta\n", 'is never "B"', barcode=0, label=2, where={"1": "B"})


def h5ad(path, values, spatial=XY, **parts):
    data = anndata.AnnData(values, obs=pd.DataFrame(index=NAMES), var=pd.DataFrame(index=GENES), **parts)
    data.obsm["spatial"] = spatial
    return data, path


BLOCK = {"format": "h5ad"}


def read(path, min_counts=1, **spots):
    return read_spots_source({"spots": {**BLOCK, **spots}, "min_counts": min_counts}, {"counts": str(path)})


def test_counts_are_found_in_x_a_layer_or_raw(tmp_path, values):
    path = tmp_path / "a.h5ad"
    normal = np.log1p(values)
    for place in ("X", 'layers["counts"]', "raw.X"):
        data, _ = h5ad(path, (values if place == "X" else normal).astype(np.float32))
        if place.startswith("layers"):
            data.layers["counts"] = sparse.csc_matrix(values)
        if place == "raw.X":
            data.raw = anndata.AnnData(
                values.astype(float), var=pd.DataFrame({"gene_name": list("abcdef")}, GENES)
            )
            data = data[:, :4].copy()
        data.write_h5ad(path)
        found = read(path)
        assert np.array_equal(found.X.toarray(), values) and found.uns["source"]["taken from"] == place
    assert found.var.symbol.tolist() == list("abcdef")
    data, _ = h5ad(path, normal)
    data.write_h5ad(path)
    with pytest.raises(LatentomeError, match=r"no raw counts \(X: .*normalised: give the one from before"):
        read(path)


def test_labels_sections_and_chosen_spots_of_an_h5ad(tmp_path, values):
    data, path = h5ad(tmp_path / "a.h5ad", values, spatial=XY.astype(np.float32))
    data.obs["layer"] = pd.Categorical(["WM", "L1", "None", "WM", "L1", "L9", "WM", "WM"])
    data.obs["in_tissue"], data.obs["slide"] = [1, 1, 1, 1, 1, 0, 1, 1], ["a"] * 4 + ["b"] * 4
    data.write_h5ad(path)
    found = read(path, label="layer", unlabelled=["None"], keep={"in_tissue": [1]}, section="slide")
    assert found.n_obs == 7 and found.obs.label.value_counts().to_dict() == {"WM": 4, "L1": 2}
    assert found.obs.label.cat.categories.tolist() == ["L1", "WM"], "L9 went with its only spot"
    assert found.obs.section.value_counts().to_dict() == {"a": 4, "b": 3}
    for options, told in (
        ({"label": "layr"}, "did you mean"),
        ({"keep": {"in_tissue": [7]}}, "0 spots have"),
        ({"label": "layer", "unlabelled": ["WM", "L1", "None", "L9"]}, "no spot has a label"),
    ):
        with pytest.raises(LatentomeError, match=told):
            read(path, **options)


def features(path, **change):
    rng = np.random.default_rng(2)
    arrays = {}
    for name, size in (("b", 5), ("a", 4)):
        arrays |= {f"{name}_pca": rng.normal(size=(size, 3)).astype(np.float32)}
        arrays |= {f"{name}_xy": rng.integers(0, 99, (size, 2)), f"{name}_label": np.arange(size) % 7}
    arrays |= change
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return arrays


def test_stored_features_of_all_sections(tmp_path):
    path = tmp_path / "f.npz"
    arrays = features(path)
    found = read_spots_source({"spots": {"format": "features"}}, {"counts": str(path)})
    assert found.obs.section.tolist() == ["a"] * 4 + ["b"] * 5 and found.X.dtype == np.float32
    assert np.array_equal(found["b_3"].X[0], arrays["b_pca"][3])
    assert found.obsm["spatial"][4:].tolist() == arrays["b_xy"].tolist()
    assert found.obs.label.tolist()[4:] == ["WM", "L1", "L2", "L3", "L4"]
    assert "UMIs" not in summarize_spots(found).item.tolist()
    for change, told in (
        ({"a_xy": np.zeros((3, 2))}, "have the shapes"),
        ({"a_label": None}, "have the shapes"),
        ({"a_label": np.array([0, 1, 2, 7])}, "a label is none of"),
        ({"a_pca": np.full((4, 3), np.nan, np.float32)}, "finite float32 features"),
        ({"a_xy": np.array([["x", "y"]] * 4, dtype=object)}, "no archive of arrays"),
    ):
        features(path, **change)
        with pytest.raises(LatentomeError, match=told):
            read_spots_source({"spots": {"format": "features"}}, {"counts": str(path)})


def test_wrong_keys_are_named(tmp_path):
    for block, paths, told in (
        ({"format": "visium"}, {"counts": "a"}, 'format "visium" does not exist'),
        ({}, {"counts": "a"}, "spots: format"),
        ({"format": "slideseq"}, {"counts": "a"}, "spots: positions is missing"),
        ({"format": "gem"}, {}, "spots: counts is missing"),
        ({"format": "h5ad", "barcodes": "b"}, {"counts": "a"}, "barcodes: the format h5ad does not use it"),
        ({"format": "gem", "positions": "b"}, {"counts": "a"}, "positions: the format gem does not use it"),
    ):
        with pytest.raises(LatentomeError, match=told):
            read_spots_source({"spots": block}, paths)


class Named(dict):
    __getattr__ = dict.__getitem__


def job(folder, counts, **params):
    """A stand-in for Snakemake's object; a file that the block does not name is an empty list."""
    files = {"counts": str(counts), "positions": [], "scalefactors": [], "barcodes": [], "labels": []}
    given = {"spots": {"format": "h5ad", "label": "layer"}, "labels": None, "min_spots": 1, "min_counts": 1}
    return SimpleNamespace(
        input=files,
        output=Named(spots=str(folder / "spots.h5ad"), summary=str(folder / "summary.tsv")),
        params={**given, "platform": "visium", **params},
        wildcards=SimpleNamespace(dataset="toy"),
    )


def test_the_script_writes_the_same_bytes_or_nothing(tmp_path, values, caplog):
    data, path = h5ad(tmp_path / "a.h5ad", values)
    data.obs["layer"] = list("aabbccdd")
    data.write_h5ad(path)
    digests = []
    for name in ("one", "two"):
        with caplog.at_level(logging.INFO):
            main(job(tmp_path / name, path))
        made = sorted((tmp_path / name).iterdir())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in made])
        assert [file.name for file in made] == ["spots.h5ad", "summary.tsv"]
    assert (
        digests[0] == digests[1]
        and read_spots(tmp_path / "one" / "spots.h5ad").uns["source"]["platform"] == "visium"
    )
    table = pd.read_csv(tmp_path / "one" / "summary.tsv", sep="\t", index_col="item").value
    assert table["spots kept"] == "8" and table["label d"] == "2" and "UMIs" in caplog.text
    with pytest.raises(LatentomeError):
        main(job(tmp_path / "three", path, min_counts=10**6))
    assert not (tmp_path / "three").exists()
