"""A user's own wells and images through the rules that read them; every bad input is one line naming file and place."""

import gzip

import h5py
import numpy as np
import pandas as pd
import pytest
from own_molecules import (
    CONTROLS,
    GENES,
    LANDMARKS,
    SMILES,
    TREATED,
    build,
    idx,
    prepare,
    put,
    put_images,
    sheet,
    values,
)
from own_signatures import IDS, gene_rows, sheet_rows
from own_signatures import put as put_signatures
from own_signatures import values as signature_values
from runs import good, refused, run

from workflow_scripts.lib.data.pairs_file import read_pairs_file
from workflow_scripts.lib.data.smiles_files import read_smiles, readable
from workflow_scripts.lib.errors import LatentomeError


def changed(column, rows, value):
    obs = sheet()
    # as text, which LINCS' own tables are
    obs[column] = obs[column].astype(str).astype(object)
    obs.iloc[rows, obs.columns.get_loc(column)] = (
        [str(one) for one in value] if isinstance(value, list) else str(value)
    )
    return {"obs": obs}


def one_bad_value(value):
    matrix = values()
    matrix[5, 9] = value
    return {"matrix": matrix}


def renamed_well():
    obs = sheet()
    obs.index = ["P1:1", *obs.index[1:]]
    return {"obs": obs}


ALL = list(range(TREATED))
CONTROL_ROWS = list(range(TREATED, TREATED + CONTROLS))
BAD = {
    "no controls": (changed("pert_type", CONTROL_ROWS, "ctl_untrt"), ("24 treated wells", "P1", "vehicle")),
    "controls of another plate": (
        changed("rna_plate", CONTROL_ROWS, "P2"), ("24 treated wells have no control", "P1", "A375")
    ),
    "controls of another time": (changed("pert_time", CONTROL_ROWS, 24), ("no control", "6 h")),
    "only controls": (changed("pert_type", ALL, "ctl_vehicle"), ("all 28 wells are controls", "pert_type")),
    "missing value": (one_bad_value(np.nan), ("1 values are not finite", "P1:5", GENES[9])),
    "infinite value": (one_bad_value(np.inf), ("not finite", "P1:5", GENES[9])),
    "dose of no number": (changed("pert_dose", [3], "much"), ("P1:3", "dose_um")),
    "negative dose": (changed("pert_dose", [3], -1.0), ("P1:3", "dose_um")),
    "no time": (changed("pert_time", [2], "later"), ("P1:2", "time_h")),
    "well twice": (renamed_well(), ("P1:1", "twice")),
    "unreadable SMILES above the threshold": (
        changed("canonical_smiles", [0, 1, 2], ["C1CC", "c1ccc", "xyz"]), ("3 of 24", "C1CC", "most_unreadable")
    ),
    "no column of the time": ({"obs": sheet().drop(columns="pert_time")}, ("pert_time", "constants")),
    "no column of the dose": ({"obs": sheet().drop(columns="pert_dose")}, ("pert_dose", "constants")),
    "no pert_type": ({"obs": sheet().drop(columns="pert_type")}, ("pert_type",)),
    "too few landmarks": ({"matrix": values()[:, 100:], "genes": GENES[100:]}, ("100 of 978", "missing_landmarks")),
    "one molecule": (changed("canonical_smiles", ALL, "c1ccccc1O"), ("split molecule", "1 groups", "at least 4")),
    "three molecules": (
        changed("canonical_smiles", ALL, (SMILES[:3] * TREATED)[:TREATED]), ("split molecule", "3 groups")
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_wells(tmp_path, case):
    content, words = BAD[case]
    put(tmp_path, **content)
    refused(lambda: prepare(tmp_path), words, tmp_path)


def test_a_split_by_cell_line_of_one_line(tmp_path):
    put(tmp_path)
    refused(lambda: prepare(tmp_path, split="cell"), ("split cell", "A375", "2 cell lines"), tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_wells(tmp_path, share):
    path = put(tmp_path) / "wells.h5ad"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(lambda: prepare(tmp_path), ("wells.h5ad", "no AnnData file"), tmp_path)


def test_ready_pairs_that_do_not_fit(tmp_path):
    put(tmp_path)
    with h5py.File(tmp_path / "pairs.h5", "w") as file:
        file["x1"], file["x2"] = np.zeros((2, 10)), np.zeros((2, 10))
        for name in ("canonical_smiles", "cid", "sig"):
            file[name] = np.array([b"CCO", b"CCN"])
    refused(
        lambda: prepare(tmp_path, ready=["pairs.h5"]), ("pairs.h5", "(2, 10)", f"{LANDMARKS} landmark"), tmp_path
    )  # fmt: skip
    (tmp_path / "pairs.h5").write_text("<html>")
    refused(lambda: prepare(tmp_path, ready=["pairs.h5"]), ("pairs.h5", "fetch it again"), tmp_path)


def test_a_few_unreadable_smiles_are_listed(tmp_path):
    put(tmp_path, **changed("canonical_smiles", [4], "C1CC"))
    out = prepare(tmp_path)
    left = pd.read_csv(out / "left_out.tsv", sep="\t")
    assert left[["well", "raw_smiles", "reason"]].values.tolist() == [["P1:4", "C1CC", "unreadable SMILES"]]
    assert read_pairs_file(out / "pairs.h5ad").n_obs == TREATED - 1


def test_good_wells(tmp_path):
    order = np.random.default_rng(0).permutation(LANDMARKS)
    put(tmp_path, matrix=values()[:, order], genes=[GENES[k] for k in order])
    found = read_pairs_file(prepare(tmp_path) / "pairs.h5ad")
    raw = values()
    assert found.var_names.tolist() == GENES
    np.testing.assert_allclose(
        found.X, raw[:TREATED] - np.median(raw[TREATED:], axis=0), rtol=1e-5, atol=1e-5
    )
    assert found.obs["split"].value_counts().to_dict() == {"train": 12, "valid": 6, "test": 6}


@pytest.mark.parametrize("text", ["", "\n\n", "SMILES,SPLIT\n"])
def test_an_empty_file_of_molecules(tmp_path, text):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(LatentomeError, match=r"mine\.csv: no SMILES"):
        read_smiles(tmp_path / "mine.csv")


def test_molecules_of_unknown_tokens_alone():
    with pytest.raises(LatentomeError, match=r"mine: no molecule to train on .*'C!C'.*unknown token '!'"):
        readable(["C!C", "C?"], "mine", 100)


IMAGES_BAD = {
    "another magic number": ({"train_images_idx3": idx(np.zeros((360, 28, 28)), kind=13)}, ("no IDX file",)),
    "no IDX at all": ({"train_images_idx3": gzip.compress(b"<html>not found</html>")}, ("no IDX file",)),
    "cut short": ({"train_labels_idx1": idx(np.arange(360) % 10)[:30]}, ("cannot be read", "fetch it again")),
    "fewer values than stated": (
        {"t10k_labels_idx1": gzip.compress(gzip.decompress(idx(np.arange(64) % 10))[:-9])}, ("its head states",)
    ),
    "labels of another number": ({"train_labels_idx1": idx(np.arange(300) % 10)}, ("360", "300")),
    "labels for images": ({"train_images_idx3": idx(np.arange(360) % 10)}, ("train-images",)),
    "images of another size": ({"train_images_idx3": idx(np.zeros((360, 32, 32)))}, ("28",)),
}  # fmt: skip


@pytest.mark.parametrize("case", IMAGES_BAD)
def test_bad_images(tmp_path, case):
    files, words = IMAGES_BAD[case]
    put_images(tmp_path, **files)
    refused(lambda: build(tmp_path), words, tmp_path)


def test_too_few_images_for_the_information(tmp_path):
    put_images(tmp_path)
    refused(lambda: build(tmp_path, information={"batch": 256}), ("mine", "64 test", "information"), tmp_path)


def test_good_images(tmp_path):
    out = build(put_images(tmp_path))
    facts = pd.read_csv(out / "statistics.tsv", sep="\t")
    assert facts["pairs"].tolist() == [300, 60, 64] and (facts["digits_agree"] == 1).all()


def put_level5(folder, **content):
    """Signatures of own_signatures, and SMILES of four of its six compounds."""
    put_signatures(folder, **content)
    lines = [f"BRD-K{k:08d},{smiles}" for k, smiles in enumerate(("CCO", "c1ccccc1", "C1CCNCC1", "CCN"))]
    (folder / "smiles.csv").write_text("\n".join(lines) + "\n")
    return {"wells": None, "smiles": ["smiles.csv"], "signatures": [("mine.gctx", "sig_info.txt")]}


def test_level5_signatures_are_changes(tmp_path):
    found = read_pairs_file(prepare(tmp_path, **put_level5(tmp_path)) / "pairs.h5ad")
    kept = [k for k in range(len(IDS)) if k % 6 < 4]
    landmarks = [place for place, row in enumerate(gene_rows()[1:]) if row[3] == "1"]
    assert found.obs_names.tolist() == [IDS[k] for k in kept]
    np.testing.assert_array_equal(found.X, signature_values()[kept][:, landmarks])
    assert found.obs["smiles"].tolist() == [["CCO", "c1ccccc1", "C1CCNCC1", "CCN"][k % 6] for k in kept]
    assert (found.obs["time_h"] == 24).all() and (found.obs["dose_um"] == 10).all()
    left = pd.read_csv(tmp_path / "results/left_out.tsv", sep="\t")
    assert set(left["reason"]) == {"no SMILES"} and len(left) == len(IDS) - len(kept)


def test_level5_without_times_or_molecules(tmp_path):
    rows = sheet_rows()
    place = rows[0].index("pert_itime")
    source = put_level5(tmp_path, sheet=[row[:place] + row[place + 1 :] for row in rows])
    refused(lambda: prepare(tmp_path, **source), ("sig_info.txt", "pert_time or pert_itime"), tmp_path)
    source = put_level5(tmp_path)
    (tmp_path / "smiles.csv").write_text("BRD-K99999999,CCO\n")
    refused(
        lambda: prepare(tmp_path, **source),
        ("mine.gctx", "none of 24 pairs has a SMILES", "smiles"),
        tmp_path,
    )


def test_molecules_that_the_notation_cannot_write_are_listed(tmp_path):
    put(tmp_path, **changed("canonical_smiles", [7], "C[Se]C"))
    out = prepare(tmp_path, notation="selfies")
    left = pd.read_csv(out / "left_out.tsv", sep="\t")
    assert left[["well", "reason"]].values.tolist() == [["P1:7", "cannot be written in selfies"]]


def overlay(**block):
    return {
        "studies": ["molecules"],
        "molecules": {"datasets": ["mine"]},
        "datasets": {"molecules": {"mine": block}},
    }


def test_one_line_on_the_console_and_a_run_of_ones_own(tmp_path):
    mine = overlay(
        wells=[{"file": "wells.h5ad"}], gene_info="gene_info.txt", seeds=[0], pairs={"split": "molecule"}
    )
    target = "results/molecules/mine/pairs.h5ad"
    put(tmp_path, **one_bad_value(np.nan))
    done = run(tmp_path, target, overlays=("test", mine))
    assert done.code != 0 and len(done.errors()) == 1, done.text[-2000:]
    assert "wells.h5ad" in done.errors()[0] and GENES[9] in done.errors()[0]
    assert not list((tmp_path / "results/molecules").rglob("*.*"))
    put(tmp_path)
    good(run(tmp_path, target, overlays=("test", mine)))
    assert read_pairs_file(tmp_path / target).n_obs == TREATED


def test_a_model_to_train_that_is_none(tmp_path):
    put(tmp_path)
    mine = overlay(wells=[{"file": "wells.h5ad"}], gene_info="gene_info.txt", pairs={"only": ["biae"]})
    done = run(tmp_path, "-n", overlays=("test", mine))
    assert done.code != 0 and "only: 'biae' is no model" in done.text and "biaae" in done.text
