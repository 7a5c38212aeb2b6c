"""One matrix from every form of file, its landmarks found and its level made; sources join in order."""

import gzip
import hashlib

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.stats import median_abs_deviation, spearmanr

from workflow_scripts.lib.data.signature_matrix import find_landmarks, match, open_matrix, unpack
from workflow_scripts.lib.data.signature_sources import join_sources, read_source
from workflow_scripts.lib.errors import LatentomeError

GENES, EXTRA, SIGNATURES = 30, 4, 21
ENTREZ = [str(500 - 3 * k) for k in range(GENES)]
SYMBOLS = [f"SYM{k}" for k in range(GENES)]
LANDMARKS = pd.DataFrame({"pr_gene_symbol": SYMBOLS}, index=pd.Index(ENTREZ, name="pr_gene_id"))
IDS = [f"{k:03d}" for k in range(SIGNATURES)]
SHEET = pd.DataFrame(
    {
        "sig_id": IDS,
        "pert_id": [f"BRD-{k % 7}" for k in range(SIGNATURES)],
        "pert_iname": [f"drug {k % 7}" for k in range(SIGNATURES)],
        "pert_type": "trt_cp",
        "cell_id": [("A375", "MCF7")[k % 2] for k in range(SIGNATURES)],
        "det_plate": [f"plate{k % 3}" for k in range(SIGNATURES)],
    }
)


@pytest.fixture(scope="module")
def values():
    """Of the landmarks, in their order."""
    return np.random.default_rng(0).normal(0, 2, (SIGNATURES, GENES)).round(3).astype(np.float32)


@pytest.fixture(scope="module")
def stored(values):
    """As a file may hold them: extra genes between, another order; and the file's place of each landmark or -1."""
    rng = np.random.default_rng(1)
    order = rng.permutation(GENES + EXTRA)
    whole = np.hstack([values, rng.normal(size=(SIGNATURES, EXTRA)).round(3)]).astype(np.float32)
    return whole[:, order], order


def named(names, order, prefix):
    return [[*names, *(f"{prefix}{k}" for k in range(EXTRA))][place] for place in order]


def gctx(path, matrix, genes, signatures=IDS, rows=None, columns=None):
    with h5py.File(path, "w") as file:
        file["/0/DATA/0/matrix"] = matrix
        file["/0/META/ROW/id"] = np.array(genes, "S")
        file["/0/META/COL/id"] = np.array(signatures, "S")
        for axis, table in (("ROW", rows or {}), ("COL", columns or {})):
            for name, texts in table.items():
                file[f"/0/META/{axis}/{name}"] = (
                    texts if isinstance(texts, np.ndarray) else np.array(texts, "S")
                )
    return path


def gct(path, matrix, genes, signatures=IDS):
    head = [["#1.3"], [len(genes), len(signatures), 1, 1], ["id", "pr_gene_symbol", *signatures]]
    body = [[gene, "?", *map(repr, column)] for gene, column in zip(genes, matrix.T.tolist(), strict=True)]
    lines = [*head, ["cell_id", "na", *["A375"] * len(signatures)], *body]
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
    return path


def text(path, matrix, genes, signatures=IDS):
    table = pd.DataFrame(matrix, index=pd.Index(signatures, name="sig_id"), columns=genes)
    table.to_csv(path, sep="," if ".csv" in path.name else "\t")
    return path


WRITERS = {"a.gctx": gctx, "a.gct": gct, "a.csv": text, "a.csv.gz": text, "a.tsv": text, "a.tsv.gz": text}


@pytest.fixture
def sig_info(tmp_path):
    path = tmp_path / "sig_info.txt"
    SHEET.to_csv(path, sep="\t", index=False)
    return path


def read(matrix, sig_info, unmatched=0.0, landmarks=LANDMARKS, **source):
    return read_source(source, matrix, sig_info, landmarks, unmatched)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("naming", ["Entrez", "symbol"])
def test_every_form_and_naming_gives_the_same_matrix(tmp_path, sig_info, values, stored, name, naming):
    matrix, order = stored
    genes = named(ENTREZ, order, "9") if naming == "Entrez" else named(SYMBOLS, order, "X")
    found = read(WRITERS[name](tmp_path / name, matrix, genes), sig_info)
    np.testing.assert_array_equal(found.matrix, values)
    assert found.matrix.dtype == np.float32 and found.clipped is None
    assert found.sheet.index.tolist() == IDS and set(found.sheet.source) == {name}
    assert found.unmatched.empty


@pytest.mark.parametrize("column", ["pr_gene_id", "pr_gene_symbol"])
def test_genes_are_found_by_a_column_of_the_rows(tmp_path, sig_info, values, stored, column):
    matrix, order = stored
    probes = [f"{k}_at" for k in range(GENES + EXTRA)]
    names = named(ENTREZ if column == "pr_gene_id" else SYMBOLS, order, "9")
    path = gctx(tmp_path / "a.gctx", matrix, probes, rows={column: names})
    np.testing.assert_array_equal(read(path, sig_info).matrix, values)


@pytest.mark.parametrize(
    "kind",
    [
        int,
        float,
    ],
)
def test_gene_ids_may_be_stored_as_numbers(tmp_path, values, kind):
    probes = [f"{k}_at" for k in range(GENES)]
    numbers = np.array(ENTREZ).astype(kind)
    path = gctx(tmp_path / "a.gctx", values, probes, rows={"pr_gene_id": numbers})
    places, missing = find_landmarks(open_matrix(path), LANDMARKS)
    assert places.tolist() == list(range(GENES)) and missing == []


def test_the_order_is_that_of_gene_info(tmp_path, sig_info, values, stored):
    matrix, order = stored
    path = gctx(tmp_path / "a.gctx", matrix, named(ENTREZ, order, "9"))
    shuffled = np.random.default_rng(5).permutation(GENES)
    found = read(path, sig_info, landmarks=LANDMARKS.iloc[shuffled])
    np.testing.assert_array_equal(found.matrix, values[:, shuffled])


def test_signatures_come_in_the_order_of_the_sheet(tmp_path, values):
    path = gctx(tmp_path / "a.gctx", values, ENTREZ)
    other = SHEET.iloc[::-1].iloc[:9]
    other.to_csv(tmp_path / "sheet.txt", sep="\t", index=False)
    found = read(path, tmp_path / "sheet.txt", cell_lines=["MCF7"])
    wanted = [k for k in range(SIGNATURES - 1, SIGNATURES - 10, -1) if k % 2]
    assert found.sheet.index.tolist() == [IDS[k] for k in wanted]
    np.testing.assert_array_equal(found.matrix, values[wanted])
    assert found.steps.signatures.tolist() == [9, len(wanted), len(wanted)]
    assert set(found.unmatched.kind) == {"column without a line in the sheet"}
    assert found.unmatched.id.tolist() == IDS[:12]


def test_missing_landmarks_are_zero_and_listed(tmp_path, sig_info, values):
    path = gctx(tmp_path / "a.gctx", values[:, 2:], ENTREZ[2:])
    with pytest.raises(LatentomeError, match=f'2 of 30 landmark genes .*"{ENTREZ[0]}"'):
        read(path, sig_info, missing_landmarks=1)
    found = read(path, sig_info, missing_landmarks=2)
    assert (found.matrix[:, :2] == 0).all()
    np.testing.assert_array_equal(found.matrix[:, 2:], values[:, 2:])
    assert found.unmatched.id.tolist() == ENTREZ[:2]
    assert set(found.unmatched.kind) == {"landmark without a row, set to 0"}


@pytest.mark.parametrize("name", ["a.csv.gz", "a.gctx"])
def test_genes_without_any_value_count_as_missing(tmp_path, sig_info, values, name):
    holed = values.copy()
    holed[:, 4] = np.nan
    path = WRITERS[name](tmp_path / name, holed[:, 1:], ENTREZ[1:])
    with pytest.raises(LatentomeError, match="missing or infinite values"):
        read(path, sig_info, missing_landmarks=1)
    found = read(path, sig_info, missing_landmarks=2)
    assert (found.matrix[:, [0, 4]] == 0).all() and (found.matrix[:, 5] == values[:, 5]).all()
    assert found.unmatched.id.tolist() == [ENTREZ[0], ENTREZ[4]]
    holed[0, 7] = np.nan
    path = WRITERS[name](tmp_path / name, holed, ENTREZ)
    with pytest.raises(LatentomeError, match="signature '000' has missing or infinite values, and 0 others"):
        read(path, sig_info, missing_landmarks=5)


def test_unmatched_signatures_are_counted_listed_and_bounded(tmp_path, sig_info, values):
    path = gctx(tmp_path / "a.gctx", values, ENTREZ, ["other", "another", *IDS[2:]])
    with pytest.raises(LatentomeError, match=r'2 of 21 signatures .*"000", "001".* at most 9%'):
        read(path, sig_info, unmatched=0.09)
    found = read(path, sig_info, unmatched=0.1)
    np.testing.assert_array_equal(found.matrix, values[2:])
    assert found.unmatched.groupby("kind").id.agg(list).to_dict() == {
        "signature of the sheet without a column": ["000", "001"],
        "column without a line in the sheet": ["another", "other"],
    }
    assert found.steps.signatures.tolist() == [21, 19]


def test_places_of_wanted_signatures(tmp_path, values):
    stored = open_matrix(gctx(tmp_path / "a.gctx", values, ENTREZ))
    places, missing = match(stored, ["003", "x", "001"])
    assert places.tolist() == [3, 1] and missing == ["x"]


def test_level_5_beyond_its_clip_is_refused_unless_meant(tmp_path, sig_info, values):
    far = values.copy()
    far[3, 3] = -17
    path = gctx(tmp_path / "a.gctx", far, ENTREZ)
    with pytest.raises(LatentomeError, match="signature '003' reaches 17"):
        read(path, sig_info)
    np.testing.assert_array_equal(read(path, sig_info, clip=None).matrix, far)


def test_level_4_is_robust_z_of_each_plate(tmp_path, sig_info, values):
    wells = (values * 3 + np.arange(SIGNATURES)[:, None] % 3).astype(np.float32)
    wells[0, 0] = 500
    found = read(gctx(tmp_path / "a.gctx", wells, ENTREZ), sig_info, level=4)
    expected = np.empty((SIGNATURES, GENES))
    for k in range(3):
        plate = wells[k::3].astype(float)
        spread = np.maximum(median_abs_deviation(plate, axis=0) * 1.4826, 0.1)
        expected[k::3] = np.clip((plate - np.median(plate, axis=0)) / spread, -10, 10)
    np.testing.assert_allclose(found.matrix, expected, atol=1e-4)
    np.testing.assert_array_equal(found.clipped, np.clip(wells, -10, 10))
    assert found.matrix[0, 0] == 10 and found.clipped[0, 0] == 10


def test_replicates_become_consensus_signatures(tmp_path, sig_info, values):
    wells = values + values.mean(axis=0) * 4
    found = read(
        gctx(tmp_path / "a.gctx", wells, ENTREZ), sig_info, clip=None, modz_by=["pert_id"]
    )  # three wells a compound
    assert found.matrix.shape == (7, GENES) and found.clipped is None
    assert found.sheet.index.tolist() == [f"BRD-{k}" for k in range(7)]
    assert found.sheet.distil_nsample.tolist() == ["3"] * 7
    assert found.steps.step.tolist()[-1] == "MODZ" and found.steps.signatures.tolist() == [21, 7]
    group = np.clip(wells[2::7].astype(float), -10, 10)
    pairs = np.maximum(spearmanr(group, axis=1).statistic, 0.01) - np.eye(3)
    weights = pairs.sum(axis=1) / pairs.sum()
    np.testing.assert_allclose(found.matrix[2], np.clip(weights @ group, -10, 10), atol=1e-5)
    with pytest.raises(LatentomeError, match='lacks "dose", which modz_by needs'):
        read(tmp_path / "a.gctx", sig_info, clip=None, modz_by=["pert_id", "dose"])


def test_level_4_and_consensus_together_are_of_the_robust_scores(tmp_path, sig_info, values):
    path = gctx(tmp_path / "a.gctx", values * 9, ENTREZ)
    plain, both = read(path, sig_info, level=4), read(path, sig_info, level=4, modz_by=["pert_id", "cell_id"])
    assert both.clipped is None
    rows = np.flatnonzero((SHEET.pert_id == "BRD-0") & (SHEET.cell_id == "A375"))
    assert rows.size == 2
    two = both.matrix[both.sheet.index.get_loc("BRD-0:A375")]
    np.testing.assert_allclose(two, plain.matrix[rows].mean(axis=0), atol=1e-5)


def test_a_joined_sheet_can_be_written_when_a_perturbation_has_one_replicate(tmp_path, sig_info, values):
    SHEET.iloc[:9].to_csv(tmp_path / "nine.txt", sep="\t", index=False)
    path = gctx(tmp_path / "a.gctx", values, ENTREZ)
    found = join_sources([read(path, tmp_path / "nine.txt", modz_by=["pert_id"])])
    assert found.sheet.distil_nsample.tolist() == ["2", "2", *["1"] * 5]
    anndata.AnnData(found.matrix, obs=found.sheet).write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert again.obs.distil_nsample.astype(str).tolist() == found.sheet.distil_nsample.tolist()


def test_a_table_without_a_sheet_needs_constants(tmp_path, values):
    path = text(tmp_path / "drugs.tsv.gz", values, ENTREZ)
    with pytest.raises(LatentomeError, match='says nothing of "pert_type", "cell_id"'):
        read(path, None)
    found = read(path, None, constants={"pert_type": "trt_cp", "cell_id": "consensus"})
    assert set(found.sheet.cell_id) == {"consensus"} and set(found.sheet.pert_type) == {"trt_cp"}
    assert found.sheet.pert_id.tolist() == found.sheet.pert_iname.tolist() == IDS
    np.testing.assert_array_equal(found.matrix, values)


def test_what_a_file_says_of_itself_comes_before_constants(tmp_path, values):
    columns = {"pert_id": SHEET.pert_id.tolist(), "cell_id": SHEET.cell_id.tolist()}
    columns["tas"] = np.linspace(0, 1, SIGNATURES).astype(np.float32)
    path = gctx(tmp_path / "a.gctx", values, ENTREZ, columns=columns)
    constants = {"pert_type": "trt_cp", "cell_id": "none"}
    found = read(path, None, constants=constants, quality={"tas": 0.5}, cell_lines=["MCF7"])
    wanted = [k for k in range(SIGNATURES) if k % 2 and k >= 10]
    assert found.sheet.index.tolist() == [IDS[k] for k in wanted]
    assert found.sheet.pert_iname.tolist() == SHEET.pert_id[wanted].tolist()
    np.testing.assert_array_equal(found.matrix, values[wanted])


def test_sources_are_joined_in_their_order(tmp_path, sig_info, values):
    one = gctx(tmp_path / "one.gctx", values, ENTREZ)
    two = text(tmp_path / "two.csv", values[:2] + 1, ENTREZ, ["p", "q"])
    told = {"pert_type": "trt_sh", "cell_id": "PC3"}
    parts = [read(two, None, constants=told), read(one, sig_info)]
    found = join_sources(parts)
    np.testing.assert_array_equal(found.matrix, np.vstack([values[:2] + 1, values]))
    assert found.sheet.index.tolist() == ["p", "q", *IDS]
    assert found.sheet.source.tolist() == ["two.csv"] * 2 + ["one.gctx"] * SIGNATURES
    assert found.sheet.det_plate.tolist()[:3] == ["", "", "plate0"]
    assert found.steps.source.tolist() == ["two.csv"] * 2 + ["one.gctx"] * 2
    with pytest.raises(LatentomeError, match='one.gctx, one.gctx: 21 signatures .*"000"'):
        join_sources([parts[1], parts[1]])


def test_the_clipped_layer_is_there_if_every_source_has_it(tmp_path, sig_info, values):
    one = gctx(tmp_path / "one.gctx", values, ENTREZ)
    two = gctx(tmp_path / "two.gctx", values * 2, ENTREZ, [f"t{k}" for k in range(SIGNATURES)])
    SHEET.assign(sig_id=[f"t{k}" for k in range(SIGNATURES)]).to_csv(
        tmp_path / "two.txt", sep="\t", index=False
    )
    four = [read(one, sig_info, level=4), read(two, tmp_path / "two.txt", level=4)]
    both = np.clip(np.vstack([values, values * 2]), -10, 10)
    np.testing.assert_array_equal(join_sources(four).clipped, both)
    assert join_sources([four[0], read(two, tmp_path / "two.txt", clip=None)]).clipped is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", "x", "unknown form; expected .gctx"),
        ("a.csv", "sig_id,1,2\ns,3,word\n", "cannot be read as a table of numbers"),
        ("a.tsv", "sig_id\t1\ns\t3\ns\t4\n", 'signature ids come more than once: "s"'),
        ("a.csv.gz", "no gzip", "cannot be read as a table of numbers"),
    ],
)
def test_a_file_that_is_no_matrix_is_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(LatentomeError, match=message) as caught:
        open_matrix(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_unpacking_keeps_every_byte(tmp_path):
    data = np.random.default_rng(0).bytes(5_000_001)
    (tmp_path / "a.gctx.gz").write_bytes(gzip.compress(data, 1))
    unpack(tmp_path / "a.gctx.gz", tmp_path / "deep" / "a.gctx")
    unpacked = (tmp_path / "deep" / "a.gctx").read_bytes()
    assert hashlib.sha256(unpacked).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("how", ["cut short", "no gzip", "damaged", "no checksum"])
def test_what_cannot_be_unpacked_leaves_nothing(tmp_path, how):
    whole = gzip.compress(np.random.default_rng(0).bytes(300_000), 1)
    broken = {
        "cut short": whole[: len(whole) // 2],
        "no gzip": b"HDF" + whole,
        "damaged": whole[:1000] + b"\xff" * 50 + whole[1050:],
        "no checksum": whole[:-6],
    }[how]
    (tmp_path / "a.gctx.gz").write_bytes(broken)
    with pytest.raises(LatentomeError, match="a.gctx.gz: cannot be unpacked") as caught:
        unpack(tmp_path / "a.gctx.gz", tmp_path / "out" / "a.gctx")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []
