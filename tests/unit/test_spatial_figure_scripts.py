"""Scripts of the spatial figures: they read what the workflow writes; each has a rule and a caption."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from figure_scripts import check_figures, heavy_imports
from test_spatial_plots import INPUTS, NAMES, drawn


def _write(table, key, folder):
    """A table as the workflow writes it: flags as True and False, seeds with a decimal."""
    path = folder / f"{key}.tsv"
    if key == "matrix":
        path = path.with_suffix(".npz")
        np.savez(path, **table)
    elif key == "spots":
        import anndata
        from scipy import sparse

        path = path.with_suffix(".h5ad")
        counts = sparse.csr_matrix(np.c_[table["umis"], table["umis"]].astype(np.int32))
        spots = anndata.AnnData(counts, obs=pd.DataFrame(index=table["barcode"].to_numpy()))
        spots.obsm["spatial"] = table[["x", "y"]].to_numpy()
        spots.obs["label"] = pd.Categorical(table["label"].replace("", None))
        spots.uns["source"] = {"format": "spaceranger", "platform": "visium"}
        spots.write_h5ad(path)
    elif key == "histories":
        path = []
        for seed, some in table.groupby("seed"):
            path.append(folder / f"models/gmm_vgae/seed{seed}/history.tsv")
            path[-1].parent.mkdir(parents=True)
            some.drop(columns=["model", "seed"]).to_csv(path[-1], sep="\t", index=False)
    else:
        seeds = {"seed": table["seed"].astype(float)} if "seed" in table else {}
        table.assign(**seeds).to_csv(path, sep="\t", index=False)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_script_reads_and_writes(name, tmp_path):
    given = {key: _write(table, key, tmp_path) for key, table in INPUTS[name][1].items()}
    outputs = [tmp_path / f"out/{name}.{kind}" for kind in ("svg", "tsv")]
    module = __import__(f"workflow_scripts.spatial.plot_{name}", fromlist=["main"])
    module.main(
        SimpleNamespace(
            input=SimpleNamespace(**given), output=outputs, log=[str(tmp_path / "log")],
            params=SimpleNamespace(simulated=True, note="", symbols=None),
        )
    )  # fmt: skip
    assert all(path.stat().st_size for path in outputs)
    assert len(pd.read_csv(outputs[1], sep="\t")) == len(drawn(name)[1])


def test_light_imports():
    assert heavy_imports("spatial", NAMES, ("torch", "scanpy", "matplotlib.pyplot")) == []


def test_every_figure_has_script_rule_and_caption():
    rules = check_figures("spatial", NAMES)
    noted = [rule.split(":")[0] for rule in rules.split("\nrule ") if "note=" in rule]
    assert noted == ["plot_published_matrix"], "a reduced published network is no matter of the other figures"
