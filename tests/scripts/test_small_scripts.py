"""The small scripts that join, gather and copy, run with a stand-in for Snakemake's object."""

import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from workflow_scripts.bulk import collect_published
from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.report import gather_benchmarks, join_claims, write_config

CLAIM = {
    "study": "bulk", "claim": "a, b\tand c", "as_published": "0.66", "reproduced": "007", "corrected": None,
    "interval": "1e5", "verdict": "NA", "figure": "x.svg",
}  # fmt: skip


def put(path, rows):
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    return str(path)


def read(path):
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def job(tmp_path, name, **parts):
    return SimpleNamespace(output=[str(tmp_path / name)], **parts)


def test_join_claims_keeps_text_as_it_is(tmp_path):
    first = put(tmp_path / "a.tsv", [CLAIM])
    second = put(tmp_path / "b.tsv", [{**CLAIM, "study": "l1000", "note": "more"}])
    join_claims.main(job(tmp_path, "claims.tsv", input=[first, second]))
    joined = read(tmp_path / "claims.tsv")
    assert list(joined)[:8] == list(CLAIM) and joined.study.tolist() == ["bulk", "l1000"]
    assert joined.loc[0, ["claim", "reproduced", "corrected", "interval", "verdict"]].tolist() == [
        *("a, b\tand c", "007", "", "1e5", "NA"),
    ]


def test_join_claims_of_no_study_is_a_header(tmp_path):
    join_claims.main(job(tmp_path, "claims.tsv", input=[]))
    assert (tmp_path / "claims.tsv").read_text() == "\t".join(CLAIM) + "\n"


def test_join_claims_names_the_column_that_is_missing(tmp_path):
    table = put(tmp_path / "a.tsv", [{k: v for k, v in CLAIM.items() if k != "verdict"}])
    with pytest.raises(LatentomeError, match=r'a\.tsv: column "verdict" is missing'):
        join_claims.main(job(tmp_path, "claims.tsv", input=[table]))
    assert not (tmp_path / "claims.tsv").exists()


BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmean_load\tcpu_time\n"


@pytest.fixture
def measured(tmp_path):
    """results/ with three rules' benchmarks and one model's runtime."""
    for name, row in {
        "plot_volcano/demo": "2.5\t0:00:02\t200.5\t900\t90.1\t2.25\n",
        "train_nbvae/demo/nbvae-0": "9.5\t0:00:09\t-\t-\t98.7\t8\n",
        "train_nbvae/demo/nbvae-1": "9.5\t0:00:09\t2000\t-\t98.7\t8\n",
        "simulate_counts": "0.5\t0:00:00\tNA\tNA\tNA\tNA\n",
        "rule_of_old/demo": "0.5\t0:00:00\tNA\tNA\tNA\tNA\n",
    }.items():
        path = tmp_path / "benchmarks" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BENCHMARK + row)
    for seed, gpu in ((0, None), (1, 2**29)):
        folder = tmp_path / f"bulk/demo/models/nbvae/seed{seed}"
        folder.mkdir(parents=True)
        runtime = {"device": "cpu", "seconds": 7.5, "samples_per_second": 100.0}
        runtime |= {"peak_host_bytes": 2**30, "peak_gpu_bytes": gpu}
        (folder / "runtime.json").write_text(json.dumps(runtime))
    return tmp_path


def gathered(folder):
    of = re.escape(f"{folder}/benchmarks/")
    files = {
        "plot_volcano": [of + r"plot_volcano/(?P<dataset>\w+)\.tsv$", ""],
        "simulate_counts": [of + r"simulate_counts\.tsv$", ""],
        "train_nbvae": [
            of + r"train_nbvae/(?P<dataset>\w+)/(?P<model>\w+)-(?P<seed>\d+)\.tsv$",
            f"{folder}/bulk/{{dataset}}/models/{{model}}/seed{{seed}}/runtime.json",
        ],
    }
    gather_benchmarks.main(job(folder, "benchmarks.tsv", params=SimpleNamespace(files=files)))
    return read(folder / "benchmarks.tsv")


def test_gather_benchmarks(measured):
    found = gathered(measured)
    assert found.rule.tolist() == ["plot_volcano", "simulate_counts", "train_nbvae", "train_nbvae"]
    figure, simulated, cpu, gpu = (row for _, row in found.iterrows())
    assert figure.wildcards == "dataset=demo"
    assert figure[["seconds", "cpu_seconds", "mean_load_percent", "peak_rss_mib", "device"]].tolist() == [
        *("2.5", "2.25", "90.1", "200.5", ""),
    ]
    assert simulated[["wildcards", "seconds", "peak_rss_mib"]].tolist() == ["", "0.5", ""]
    assert cpu.wildcards == "dataset=demo, model=nbvae, seed=0"
    # The larger of what Snakemake sampled and what the kernel kept; Snakemake may have sampled nothing.
    assert [cpu.peak_rss_mib, gpu.peak_rss_mib] == ["1024", "2000"]
    assert [cpu.peak_gpu_mib, gpu.peak_gpu_mib] == ["", "512"]
    assert cpu[["seconds", "training_seconds", "samples_per_second", "device"]].tolist() == [
        *("9.5", "7.5", "100", "cpu"),
    ]


def test_gather_benchmarks_of_nothing_is_a_header(tmp_path):
    assert gathered(tmp_path).empty
    assert (tmp_path / "benchmarks.tsv").read_text().startswith("rule\twildcards\tseconds\t")


def test_write_config_comes_back_as_it_was(tmp_path):
    config = {
        "source": "demo",
        "mirror": None,
        "levels": ["NO", "on", "007", "2 young"],
        "deep": {"é": [1, 0.05]},
    }
    write_config.main(job(tmp_path, "config.yaml", params=SimpleNamespace(config=config)))
    assert yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8")) == config
    assert "é" in (tmp_path / "config.yaml").read_text(encoding="utf-8")


def test_collect_published(tmp_path):
    tables = [
        put(
            tmp_path / f"{seed}.tsv",
            [{"gene_id": "0071", "symbol": "NA", "seed": seed, "log2FoldChange": 0.1}],
        )
        for seed in (42, 0)
    ]
    collect_published.main(job(tmp_path, "all.tsv", input=tables))
    found = read(tmp_path / "all.tsv")
    assert found.seed.tolist() == ["42", "0"] and found.gene_id.tolist() == ["0071"] * 2
    assert found.symbol.tolist() == ["NA"] * 2 and found.log2FoldChange.tolist() == ["0.1"] * 2
