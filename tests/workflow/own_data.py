"""A user's own small dataset, and the scripts of the workflow run on it in this process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from workflow_scripts.lib.bulk_study import BulkDataset

SAMPLES = [f"s{i}" for i in range(1, 7)]
GROUPS = ["old-fed", "old-fed", "old-fed", "2 young", "2 young", "2 young"]
GENES = 40


def count_rows() -> list[list[str]]:
    """Header and rows of a count table; g1 to g5 differ between the groups."""
    rng = np.random.default_rng(5)
    mean = rng.uniform(50, 500, GENES)[:, None] * np.ones(6)
    mean[:5, 3:] *= 4
    numbers = rng.negative_binomial(10, 10 / (10 + mean))
    return [["gene", *SAMPLES], *([f"g{i + 1}", *map(str, row)] for i, row in enumerate(numbers))]


def sheet_rows() -> list[list[str]]:
    """Header and rows of its sample sheet."""
    lanes, answers = "ababab", ("on", "NO", "on", "NO", "on", "NO")
    rows = zip(SAMPLES, GROUPS, lanes, answers, strict=True)
    return [["sample", "group", "lane", "answer"], *map(list, rows)]


def text(rows: list[list[str]], separator: str = ",") -> str:
    return "".join(separator.join(row) + "\n" for row in rows)


def changed(rows, row: int, column: int, value: str):
    """The rows with one cell changed; 0 is the header."""
    copy = [list(each) for each in rows]
    copy[row][column] = value
    return copy


def block(folder: Path, counts="counts.csv", samples="samples.csv", **more) -> dict:
    """The dataset's block of the config."""
    contrast = {"design": "~ group", "contrast": ["group", "2 young", "old-fed"]}
    own = {"counts": str(folder / counts), "samples": str(folder / samples), "contrasts": {"young": contrast}}
    return {**own, **more}


def put(
    folder: Path, counts: str | bytes | None = None, samples: str | bytes | None = None, name="counts.csv"
) -> Path:
    """Write both files; what is not given is good."""
    for path, content, default in ((name, counts, count_rows), ("samples.csv", samples, sheet_rows)):
        content = text(default()) if content is None else content
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def prepare(folder: Path, own: dict) -> Path:
    """Run prepare_counts in this process; returns its output."""
    from workflow_scripts.bulk import prepare_counts

    target = folder / "results/counts.h5ad"
    target.parent.mkdir(exist_ok=True)
    prepare_counts.main(
        SimpleNamespace(
            input=SimpleNamespace(
                counts=own["counts"], samples=own["samples"], truth=[], gene_info=[], control=[]
            ),
            output=[str(target)],
            wildcards=SimpleNamespace(dataset="mine"),
            params=SimpleNamespace(block=own, factors=BulkDataset("mine", own, {}).factors),
        )
    )
    return target


def deseq2(counts: Path, own: dict) -> Path:
    """Run run_deseq2 in this process; returns its table."""
    from workflow_scripts.bulk import run_deseq2

    folder = counts.parent
    names = {
        "table": "de.tsv",
        "shrunken": "shrunken.tsv",
        "size_factors": "sf.tsv",
        "dispersions": "disp.tsv",
    }
    names |= {"vst": "vst.tsv.gz", "facts": "facts.tsv"}
    run_deseq2.main(
        SimpleNamespace(
            input=[str(counts)],
            output=SimpleNamespace(**{key: str(folder / name) for key, name in names.items()}),
            threads=1,
            params=SimpleNamespace(block=own, contrast=own["contrasts"]["young"], shrinkage="none"),
        )
    )
    return folder / names["table"]
