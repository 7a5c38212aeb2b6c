"""Time and memory of every job, from Snakemake's benchmark files and the models' runtime.json."""

import json
from pathlib import Path

import pandas as pd

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.tables import write_table


def main(snakemake) -> None:
    folder = Path(snakemake.output[0]).with_suffix("")
    rows = []
    for path in sorted(folder.rglob("*.tsv")):
        place = path.relative_to(folder).with_suffix("")
        if place.parts[0] == "gather_benchmarks":  # of an earlier run
            continue
        table = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
        for _, row in table.iterrows():
            rows.append(
                {"rule": place.parts[0], "job": "/".join(place.parts[1:]), "seconds": row["s"],
                 "cpu_seconds": row["cpu_time"], "max_rss_mb": row["max_rss"]}
            )  # fmt: skip
    for path in sorted(folder.parent.glob("*/*/models/*/seed*/runtime.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        rows.append(
            {"rule": "training", "job": "/".join(path.parts[-6:-1]), "seconds": found["seconds"],
             "max_rss_mb": (found["peak_host_bytes"] or 0) / 2**20, "device": found["device"],
             "samples_per_second": found["samples_per_second"],
             "gpu_mb": None if found["peak_gpu_bytes"] is None else found["peak_gpu_bytes"] / 2**20}
        )  # fmt: skip
    columns = [
        "rule",
        "job",
        "seconds",
        "cpu_seconds",
        "max_rss_mb",
        "device",
        "samples_per_second",
        "gpu_mb",
    ]
    write_table(pd.DataFrame(rows, columns=columns), snakemake.output[0])


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
