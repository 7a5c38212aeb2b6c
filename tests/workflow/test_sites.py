"""Machines as clusters have them: no home, a plain C locale, more threads than cores, no file locks, a small TMPDIR."""

import pytest
from runs import digests, good, mounted, run

TARGETS = [
    "results/bulk/demo/de/deseq2/treated_vs_control.tsv",
    "results/l1000/demo/models/vae/seed0/model.safetensors",
    "results/spatial/demo_slideseq/domains/seed0.tsv",
    "results/figures/bulk/demo/loss_curves.svg",
]
# Two runs of 18 jobs, 100 seconds of CPU each.
pytestmark = [pytest.mark.slow, pytest.mark.needs_r, pytest.mark.timeout(3600)]
# /proc is written to by nobody, root included.
SITE = {
    "HOME": "/proc/home",
    "LANG": "C",
    "LC_ALL": "C",
    "OMP_NUM_THREADS": "32",
    "OPENBLAS_NUM_THREADS": "32",
    "MKL_NUM_THREADS": "32",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "PYTHONUTF8": "0",
}


def results_of(folder, *words, **how):
    return good(run(folder, *TARGETS, *words, timeout=1700, **how)).folder


def test_same_bytes_without_home_locale_locks_or_room(tmp_path):
    usual = digests(results_of(tmp_path / "usual"))
    assert set(TARGETS) <= {f"results/{name}" for name in usual}
    with mounted(tmp_path / "small", "size=1m") as small:
        # Snakemake itself needs a cache that it can write. Where nothing can be mounted TMPDIR is only elsewhere.
        site = {**SITE, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(small or tmp_path / "small")}
        aside = ("--config", f"checkpoint_dir={tmp_path / 'checkpoints'}")
        bare = results_of(tmp_path / "site", *aside, env=site)
    assert digests(bare) == usual
    assert (tmp_path / "checkpoints").is_dir() and not (bare / "results/checkpoints").exists()
    assert not [path for path in (tmp_path / "checkpoints").rglob("*") if path.is_file()]
