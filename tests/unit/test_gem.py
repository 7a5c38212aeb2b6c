"""Reader of Stereo-seq's GEM: bins keep every UMI, in every spelling, or the file is refused in one line."""

import gzip

import numpy as np
import pandas as pd
import pytest
from spot_files import read, refused

IDS = [f"ENSG{k}" for k in range(5)]


def gem_frame(seed=0, lines=400):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"geneID": rng.choice(IDS, lines), "x": rng.integers(95, 160, lines)})
    frame["y"], frame["MIDCount"] = rng.integers(30, 71, lines), rng.integers(1, 5, lines)
    return frame


def gem_block(size):
    return {"spots": {"format": "gem", "bin": size}}


@pytest.mark.parametrize("size", [1, 7, 10, 50])
def test_bins_of_a_gem_against_a_loop(tmp_path, size):
    frame = gem_frame()
    frame.to_csv(tmp_path / "a.gem", sep="\t", index=False)
    spots = read(gem_block(size), counts=tmp_path / "a.gem")
    expected: dict = {}
    for gene, x, y, n in frame.itertuples(index=False):
        key = (f"{x - x % size}_{y - y % size}", gene)
        expected[key] = expected.get(key, 0) + n
    found = pd.DataFrame(spots.X.toarray(), spots.obs_names, spots.var_names).stack()
    assert found[found > 0].to_dict() == expected and spots.X.sum() == frame.MIDCount.sum()
    corner = np.array([name.split("_") for name in spots.obs_names], dtype=float)
    assert np.array_equal(spots.obsm["spatial"], corner + (size - 1) / 2)


def test_a_gem_in_every_spelling_and_order_is_the_same(tmp_path, monkeypatch):
    frame = gem_frame()
    frame.to_csv(tmp_path / "a.gem", sep="\t", index=False)
    one = read(gem_block(10), counts=tmp_path / "a.gem")
    other = frame.sample(frac=1, random_state=1).rename(columns={"MIDCount": "UMICount"})
    other.insert(1, "geneName", "name of " + other.geneID)
    other["ExonCount"], other["CellID"] = 0, "cell 7"
    text = "#FileFormat=GEMv0.1\n#OffsetX=5\n" + other.to_csv(sep="\t", index=False)
    (tmp_path / "b.gem.gz").write_bytes(gzip.compress(text.encode()))
    monkeypatch.setattr("workflow_scripts.lib.data.gem.LINES_AT_ONCE", 37)
    two = read(gem_block(10), counts=tmp_path / "b.gem.gz")
    assert one.obs_names.equals(two.obs_names) and one.var_names.equals(two.var_names)
    assert np.array_equal(one.X.toarray(), two.X.toarray())
    assert np.array_equal(one.obsm["spatial"], two.obsm["spatial"])
    assert two.var.symbol.tolist() == [f"name of {gene}" for gene in two.var_names]


def test_bad_gems(tmp_path):
    path = tmp_path / "a.gem"
    good = gem_frame().to_csv(sep="\t", index=False)
    lines = good.split("\n")
    bad = {
        "no column of the counts": good.replace("MIDCount", "density"),
        "no column of the x coordinates": good.replace("\tx\t", "\tspot\t"),
        "the file is empty": "",
        "no rows below the header": lines[0] + "\n",
        "line 6: column MIDCount": "\n".join([*lines[:5], "ENSG1\t100\t40\t-3", *lines[6:]]),
        "line 7: column MIDCount": "\n".join([*lines[:6], "ENSG1\t100\t40\t0", *lines[7:]]),
        "line 8: column MIDCount": "\n".join([*lines[:7], "ENSG1\t100\t40\t1.5", *lines[8:]]),
        "line 9: column x": "\n".join([*lines[:8], "ENSG1\t-1\t40\t1", *lines[9:]]),
        "line 10: column y": "\n".join([*lines[:9], "ENSG1\t100", *lines[10:]]),
        "line 11: column x": "\n".join([*lines[:10], "ENSG1\t1e99999999999\t4\t1", *lines[11:]]),
        "do not fit the header": "\n".join([*lines[:9], "ENSG1\t100\t40\t1\t5\t6", *lines[10:]]),
    }
    for told, text in bad.items():
        path.write_text(text)
        refused(gem_block(10), told, counts=path)
    path.write_bytes(gzip.compress(good.encode())[:-20])
    refused(gem_block(10), "truncated", counts=path)
    path.write_bytes(gzip.compress(good.encode()).replace(b"\x00\x00", b"\x07\x07", 1)[:60] + b"0" * 400)
    refused(gem_block(10), str(path), "download or copy it again", counts=path)
    path.write_text(good)
    refused(gem_block(1000), "there is one spot", counts=path)
    for size in (0, -5, 2.5, "20", True):
        refused(gem_block(size), "bin", counts=path)
