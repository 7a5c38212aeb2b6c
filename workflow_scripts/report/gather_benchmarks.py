"""Time and memory of every job, from Snakemake's benchmark files and the trainings' runtime.json."""

import json
import re
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table

COLUMNS = [
    *("rule", "wildcards", "seconds", "cpu_seconds", "mean_load_percent", "peak_rss_mib"),
    *("device", "peak_gpu_mib", "training_seconds", "samples_per_second"),
]
MIB = 2**20


def measured_by_snakemake(path: Path) -> dict:
    """One benchmark file; its MB are 2^20 bytes, its load is in percent of one core."""
    row = pd.read_csv(path, sep="\t", na_values=["-", "NA"]).iloc[-1]
    names = {
        "seconds": "s",
        "cpu_seconds": "cpu_time",
        "mean_load_percent": "mean_load",
        "peak_rss_mib": "max_rss",
    }
    return {name: row.get(theirs) for name, theirs in names.items()}


def measured_by_training(path: Path, sampled: float) -> dict:
    """One runtime.json; Snakemake looks at memory every two seconds and can miss the peak that the kernel kept."""
    found = json.loads(path.read_text(encoding="utf-8"))
    gpu, host = found["peak_gpu_bytes"], (found["peak_host_bytes"] or 0) / MIB
    return {
        "peak_rss_mib": host if pd.isna(sampled) else max(host, sampled),
        "device": found["device"],
        "peak_gpu_mib": None if gpu is None else gpu / MIB,
        "training_seconds": found["seconds"],
        "samples_per_second": found["samples_per_second"],
    }


def main(snakemake) -> None:
    folder = Path(snakemake.output[0]).with_suffix("")
    files = [path.as_posix() for path in sorted(folder.rglob("*.tsv"))]
    rows = []
    for rule, (pattern, runtime) in sorted(snakemake.params.files.items()):
        for match in filter(None, (re.fullmatch(pattern, file) for file in files)):
            wildcards = match.groupdict()
            row = {
                "rule": rule,
                "wildcards": ", ".join(f"{name}={value}" for name, value in wildcards.items()),
            }
            row |= measured_by_snakemake(Path(match.string))
            if runtime and (path := Path(runtime.format(**wildcards))).exists():
                row |= measured_by_training(path, row["peak_rss_mib"])
            rows.append(row)
    write_table(pd.DataFrame(rows, columns=COLUMNS), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
