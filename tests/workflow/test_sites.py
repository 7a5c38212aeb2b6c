"""Machines as clusters have them: no home, a plain C locale, more threads than cores, no file locks."""

import pytest
from runs import digests, good, run

TARGETS = [
    "results/bulk/demo/de/deseq2/treated_vs_control.tsv",
    "results/l1000/demo/models/vae/seed0/model.safetensors",
    "results/spatial/demo_slideseq/domains/seed0.tsv",
    "results/figures/bulk/demo/loss_curves.svg",
]
pytestmark = pytest.mark.slow
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


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    # Snakemake itself needs a cache that it can write.
    site = {**SITE, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    return good(run(tmp_path_factory.mktemp("site"), *TARGETS, env=site)).folder


def test_same_bytes_without_home_locale_or_locks(bare, demo):
    mine, usual = digests(bare), digests(demo.folder)
    assert set(TARGETS) <= {f"results/{name}" for name in mine}
    assert not [name for name in mine if mine[name] != usual[name]]
