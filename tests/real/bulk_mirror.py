"""The bulk study's real data as its tests use them: read once, fitted once."""

import os
from functools import cache
from pathlib import Path

import pytest
import yaml

from workflow_scripts.lib.data.counts import read_counts
from workflow_scripts.lib.data.samples import join_samples, read_samples
from workflow_scripts.lib.stats.deseq2 import run_deseq2

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("LATENTOME_MIRROR") or ROOT.parent / "shared" / "mirror")
BLOCKS = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["datasets"]["bulk"]


def mirrored(name):
    path = MIRROR / name
    if not path.exists():
        pytest.skip(f"{name} is not in the mirror ({MIRROR}); set LATENTOME_MIRROR to a folder that has it")
    return path


@cache
def loaded(dataset):
    block = BLOCKS[dataset]
    table = read_counts(mirrored(block["counts"]), object=block.get("counts_object"))
    samples = join_samples(table.counts, read_samples(ROOT / block["samples"]))
    return table.counts[samples.index], samples


@cache
def kept_genes(dataset):
    counts, samples = loaded(dataset)
    return counts[counts.sum(axis=1) >= 10], samples


@cache
def fitted(dataset, contrast):
    parts = BLOCKS[dataset]["contrasts"][contrast]
    return run_deseq2(
        *kept_genes(dataset), parts["design"], parts["contrast"], reference=parts.get("reference")
    )


def called(table, level=0.05):
    return int((table.padj < level).sum())
