"""The whole tiny workflow: every file is there, keeps its contract, and a second run does nothing."""

import json
import time
import zipfile

import anndata
import numpy as np
import pandas as pd
import pytest
from runs import digests, good, run
from safetensors.numpy import load_file

FIGURES = [
    *("sample_sanity", "loss_curves", "latent_space", "lfc_scatter", "volcano", "ma_plot", "tested_vs_na"),
    *(
        "calibration",
        "held_out",
        "concordance_bins",
        "enrichment_go",
        "enrichment_kegg",
        "published_contrast",
    ),
]
DE_COLUMNS = ["gene_id", "symbol", "baseMean", "log2FoldChange", "lfcSE", "pvalue", "padj"]
MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n"}
OURS = ("nbvae/seed0", "nbvae/seed1", "nbvae_linear/seed0", "nbvae_zinb/seed0", "published/seed42")


@pytest.fixture(scope="module")
def bulk(demo):
    return demo.folder / "results/bulk"


def table(path):
    return pd.read_csv(
        path, sep="\t", dtype={"gene_id": str, "symbol": str}, keep_default_na=False, na_values=[""]
    )


def test_number_of_jobs(demo):
    jobs = demo.jobs()
    assert 120 <= sum(jobs.values()) <= 200
    assert demo.errors() == []


@pytest.mark.parametrize("name", FIGURES)
def test_figures(demo, name):
    for kind, magic in MAGIC.items():
        data = (demo.folder / f"results/figures/bulk/demo/{name}.{kind}").read_bytes()
        assert data.startswith(magic) and len(data) > 3000
    drawn = table(demo.folder / f"results/figures/bulk/demo/{name}.tsv")
    assert len(drawn) and drawn.shape[1] > 1
    assert b"simulated" in (demo.folder / f"results/figures/bulk/demo/{name}.svg").read_bytes().lower()


def test_no_other_figures(demo):
    found = {path.stem for path in (demo.folder / "results/figures/bulk").rglob("*.*")}
    assert found == set(FIGURES)


def test_claims(demo):
    joined = table(demo.folder / "results/claims.tsv")
    assert list(joined)[:4] == ["study", "claim", "as_published", "reproduced"]
    assert list(joined)[4:] == ["corrected", "interval", "verdict", "figure"]
    assert (
        len(joined) >= 5
        and set(joined.study)
        == {f"{study} (simulated demo)" for study in ("bulk", "l1000", "spatial", "molecules")}
        and joined.verdict.notna().all()
    )
    for figure in joined.figure.dropna():
        assert (demo.folder / "results/figures" / figure).exists() or (demo.folder / figure).exists(), figure


def test_counts(bulk):
    data = anndata.read_h5ad(bulk / "demo/counts.h5ad")
    assert np.issubdtype(data.X.dtype, np.integer) and data.X.min() >= 0
    assert data.shape == (8, 800) and data.var_names.is_unique
    assert {"condition", "batch", "size_factor", "library_size"} <= set(data.obs)
    assert {"symbol", "tested"} <= set(data.var)
    assert (data.obs.library_size.to_numpy() == np.asarray(data.X).sum(axis=1)).all()
    assert np.log(data.obs.size_factor).mean() == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("method", ["deseq2", "deseq2_shrunken", "nbvae", "nbvae_permuted"])
def test_de_tables(bulk, method):
    found = table(bulk / f"demo/de/{method}/treated_vs_control.tsv")
    assert set(DE_COLUMNS) <= set(found)
    if method.startswith("nbvae"):
        assert {"lfc_lower", "lfc_upper", "prob_de"} <= set(found)
        assert found.prob_de.between(0, 1).all() and (found.lfc_lower <= found.lfc_upper).all()
    counts = anndata.read_h5ad(bulk / "demo/counts.h5ad", backed="r")
    assert set(found.gene_id) == set(counts.var_names[counts.var.tested]) and found.gene_id.is_unique
    assert found.padj.dropna().between(0, 1).all()


@pytest.mark.parametrize("model", OURS)
def test_models(bulk, model):
    folder = bulk / "demo/models" / model
    weights = load_file(folder / "model.safetensors")
    assert weights and all(np.isfinite(values).all() for values in weights.values())
    card = json.loads((folder / "model.json").read_text())
    assert {"study", "dataset", "model", "seed", "data_digest", "architecture", "versions"} <= set(card)
    assert card["seed"] == int(model.rsplit("seed")[-1]) and card["trained"] is True
    assert json.loads((folder / "metrics.json").read_text())
    runtime = json.loads((folder / "runtime.json").read_text())
    assert (
        runtime["seconds"] > 0
        and runtime["device"]
        and {"samples_per_second", "peak_host_bytes"} <= set(runtime)
    )
    assert len(table(folder / "history.tsv")) > 0 and len(table(folder / "latent.tsv")) == 8


def test_benchmark_tables(demo, bulk):
    scores = table(bulk / "demo/benchmark.tsv")
    assert {"nbvae", "deseq2", "nbvae_permuted", "mean_log", "log_ratio"} <= set(scores.method)
    times = table(demo.folder / "results/benchmarks.tsv")
    files = set((demo.folder / "results/benchmarks").rglob("*.tsv"))
    files -= {
        demo.folder / "results/benchmarks/gather_benchmarks.tsv"
    }  # written after it has read the others
    # Those of join_claims and write_config may come before or after.
    assert len(files) - 2 <= len(times) <= len(files)
    assert not times.fillna("").duplicated(["rule", "wildcards"]).any()
    assert {"train_nbvae", "run_deseq2", "plot_volcano", "pretrain_smiles"} <= set(times.rule)
    assert (times.seconds >= 0).all()
    trained = times[times.training_seconds.notna()]
    runtimes = list((demo.folder / "results").rglob("runtime.json"))
    assert len(trained) == len(runtimes)
    # The published network has no batches whose samples could be counted.
    measured = trained[trained.rule != "run_published"]
    assert (measured.samples_per_second > 0).all()
    assert (trained.peak_rss_mib > 100).all() and trained.device.notna().all()
    assert trained.peak_gpu_mib.isna().equals(trained.device.str.contains("cpu", case=False))


def test_nothing_is_left_over(demo):
    results = demo.folder / "results"
    left = [
        path for path in results.rglob("*") if path.name.startswith(".") or path.suffix in (".tmp", ".part")
    ]
    # Snakemake's own, in an output that is a folder.
    assert [path.relative_to(results).as_posix() for path in left] == ["workflow/.snakemake_timestamp"]
    assert not [path for path in (results / "checkpoints").rglob("*") if path.is_file()]


def test_second_run_does_nothing(demo):
    planned = good(run(demo.folder, "-n"))
    assert planned.jobs() == {}, planned.text[-2000:]
    before, began = digests(demo.folder), time.monotonic()
    again = good(run(demo.folder))
    assert "Nothing to be done" in again.text, again.text[-2000:]
    assert time.monotonic() - began < 20
    assert digests(demo.folder) == before


def test_report(demo):
    good(run(demo.folder, "--report", "results/report.zip"))
    with zipfile.ZipFile(demo.folder / "results/report.zip") as report:
        assert report.testzip() is None
        names = report.namelist()
        page = next(report.read(name).decode() for name in names if name.endswith("report.html"))
    drawn = [name for name in names if name.endswith(".svg")]
    assert len(drawn) >= len(FIGURES)
    assert "claims" in page and all(f'"{key}"' in page for key in ("dataset", "model", "panel"))
