"""A user's own signatures through prepare_signatures; and every bad input is one line that names file and place."""

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest
from own_signatures import GENES, IDS, LANDMARKS, class_lines, gene_rows, prepare, put, sheet_rows, values
from runs import good, refused, run

from workflow_scripts.lib.data.signature_matrix import unpack
from workflow_scripts.lib.errors import LatentomeError


def changed(rows, row, column, value):
    copy = [list(each) for each in rows]
    copy[row][column] = value
    return copy


def with_value(value, row=3, column=7):
    matrix = values()
    matrix[row, column] = value
    return {"matrix": matrix}


def fewer_landmarks():
    return {"gene_info": changed(gene_rows(), 1, 3, "0")}


def without_gene():
    return {"matrix": values()[:, 1:], "genes": GENES[1:]}


def columns_without(name):
    rows = sheet_rows()
    place = rows[0].index(name)
    return [row[:place] + row[place + 1 :] for row in rows]


BAD = {
    "gene_info of 977 landmarks": (fewer_landmarks(), ("gene_info.txt", "pr_is_lm", "977", "978")),
    "a landmark that the matrix lacks": (
        without_gene(),
        ("mine.gctx", "1 of 978", "100", "missing_landmarks"),
    ),
    "signature twice in the sheet": (
        {"sheet": changed(sheet_rows(), 2, 0, IDS[0])},
        ("sig_info.txt", "sig_id", IDS[0]),
    ),
    "signature twice in the matrix": ({"signatures": [IDS[0], *IDS[:-1]]}, ("mine.gctx", "column", IDS[0])),
    "gene twice in the matrix": ({"genes": [GENES[0], *GENES[:-1]]}, ("mine.gctx", "row", GENES[0])),
    "missing value": (with_value(np.nan), ("mine.gctx", IDS[3])),
    "infinite value": (with_value(np.inf), ("mine.gctx", IDS[3])),
    "beyond the clip": (with_value(-10.2), ("mine.gctx", IDS[3], "10.2", "clip")),
    "not z-scores": ({"matrix": values() * 100 + 700}, ("mine.gctx", "clip")),
    "no pert_type": ({"sheet": columns_without("pert_type")}, ("sig_info.txt", "pert_type")),
    "no cell_id": ({"sheet": columns_without("cell_id")}, ("sig_info.txt", "cell_id")),
    "ids of another series": (
        {"signatures": [f"X{name}" for name in IDS]},
        ("sig_info.txt", "24 of 24", "mine.gctx"),
    ),
    "some unmatched ids": (
        {"signatures": ["X1", "X2", *IDS[2:]]},
        ("sig_info.txt", "2 of 24", IDS[0], "unmatched"),
    ),
    "a class row without a class": (
        {"classes": [*class_lines(), "4,BRD-K00000003,drug 3,an inhibitor,,CP,Broad_moa"]},
        ("pcls.csv", "line 5"),
    ),
    "a head alone": ({"classes": class_lines()[:1]}, ("pcls.csv", "no memberships")),
}


def not_prepared(folder, words, **source):
    refused(lambda: prepare(folder, **source), words, folder)


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path, case):
    content, words = BAD[case]
    not_prepared(put(tmp_path, **content), words)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_truncated_gctx(tmp_path, share):
    path = put(tmp_path) / "mine.gctx"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    not_prepared(tmp_path, ("mine.gctx", "cut short or damaged"))


@pytest.mark.parametrize(
    "text", ["#1.3\n1\t1\t0\t0\nid\ta\n1\t2\n", "sig\tgene\n1\t2\n", "<!DOCTYPE html>\n"]
)
def test_text_named_gctx(tmp_path, text):
    (put(tmp_path) / "mine.gctx").write_text(text)
    not_prepared(tmp_path, ("mine.gctx", "GCT" if text.startswith("#1.3") else "no GCTX"))


def test_unknown_form(tmp_path):
    (put(tmp_path) / "mine.gctx").rename(tmp_path / "mine.h5")
    not_prepared(tmp_path, ("mine.h5", ".gctx"), matrix="mine.h5")


def test_truncated_gz_leaves_nothing(tmp_path):
    whole = gzip.compress((put(tmp_path) / "mine.gctx").read_bytes())
    (tmp_path / "mine.gctx.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LatentomeError, match=r"mine\.gctx\.gz.*cut short"):
        unpack(tmp_path / "mine.gctx.gz", tmp_path / "unpacked/mine.gctx")
    assert not list((tmp_path / "unpacked").glob("*"))


@pytest.mark.parametrize(
    "source, words",
    [
        ({"cell_lines": ["A375", "HELA"]}, ("sig_info.txt", "cell_id", "HELA", "MCF7")),
        ({"pert_types": ["trt_oe"]}, ("sig_info.txt", "pert_type", "trt_oe", "trt_cp")),
        ({"quality": {"tas": 0.2}}, ("sig_info.txt", "tas")),
        ({"least_dose_um": 100}, ("sig_info.txt", "no signature passes", "dose >= 100")),
        ({"modz_by": ["pert_id", "plate"]}, ("mine.gctx", "plate", "modz_by")),
    ],
)
def test_filters_that_fit_nothing(tmp_path, source, words):
    not_prepared(put(tmp_path), words, **source)


def test_another_number_of_signatures_than_published(tmp_path):
    not_prepared(put(tmp_path), ("mine", "24 signatures", "85183"), expected=85_183)


def test_good_files(tmp_path):
    order = np.random.default_rng(0).permutation(len(GENES))
    put(tmp_path, matrix=values()[:, order], genes=[GENES[k] for k in order])
    out = prepare(tmp_path, cell_lines=["A375"])
    data = anndata.read_h5ad(out / "signatures.h5ad")
    landmarks = [row[0] for row in gene_rows()[1:] if row[3] == "1"]
    assert data.shape == (12, LANDMARKS) and data.var_names.tolist() == landmarks
    assert data.obs_names.tolist() == IDS[::2] and data.X.dtype == np.float32
    np.testing.assert_array_equal(data.X, values()[::2][:, [GENES.index(gene) for gene in landmarks]])
    assert data.obs.pcl_id.astype(str).value_counts().to_dict() == {
        "": 4, "CP_MEK_INHIBITOR": 4, "CP_SRC_INHIBITOR": 4
    }  # fmt: skip
    assert (data.obs.dose_um == 10).all()
    steps = pd.read_csv(out / "counts.tsv", sep="\t")
    assert steps.signatures.tolist() == [24, 12, 12, 8, 8]


def test_a_class_with_unquoted_commas_is_read(tmp_path):
    data = anndata.read_h5ad(prepare(put(tmp_path)) / "signatures.h5ad")
    assert (data.obs.pcl_id[data.obs.pert_id == "BRD-K00000002"] == "CP_SRC_INHIBITOR").all()


def test_one_line_on_the_console(tmp_path):
    put(tmp_path, **with_value(np.nan))
    mine = {
        "sources": [{"matrix": "mine.gctx", "sig_info": "sig_info.txt"}],
        "gene_info": "gene_info.txt", "classes": "pcls.csv",
    }  # fmt: skip
    overlay = {"studies": ["l1000"], "l1000": {"datasets": ["mine"]}, "datasets": {"l1000": {"mine": mine}}}
    done = run(tmp_path, "results/l1000/mine/signatures.h5ad", overlays=("test", overlay))
    assert done.code != 0 and len(done.errors()) == 1, done.text[-2000:]
    assert "mine.gctx" in done.errors()[0] and IDS[3] in done.errors()[0]
    assert not list((tmp_path / "results/l1000").rglob("*.*"))


def test_a_gzipped_matrix_is_unpacked_once(tmp_path):
    put(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.gctx.gz").write_bytes(gzip.compress((tmp_path / "mine.gctx").read_bytes()))
    mine = {
        "sources": [{"matrix": "data/mine.gctx.gz", "sig_info": "sig_info.txt"}],
        "gene_info": "gene_info.txt",
    }
    overlay = {"studies": ["l1000"], "l1000": {"datasets": ["mine"]}, "datasets": {"l1000": {"mine": mine}}}
    target = "results/l1000/mine/splits.tsv"
    done = good(run(tmp_path, target, overlays=("test", overlay)))
    assert done.jobs()["unpack_matrix"] == 1
    unpacked = tmp_path / "resources/raw/unpacked/data/mine.gctx"
    assert unpacked.read_bytes() == (tmp_path / "mine.gctx").read_bytes()
    assert good(run(tmp_path, target, "-n", overlays=("test", overlay))).jobs() == {}
    outside = {
        **overlay,
        "datasets": {"l1000": {"mine": {**mine, "sources": [{"matrix": "../mine.gctx.gz"}]}}},
    }
    refused_run = run(tmp_path, target, overlays=("test", outside))
    assert refused_run.code != 0 and "../mine.gctx.gz" in refused_run.text
