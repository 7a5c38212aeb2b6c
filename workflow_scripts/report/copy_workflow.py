"""The workflow's own code beside the results that it made."""

import shutil
from pathlib import Path

from workflow_scripts.lib.logs import job_log


def main(snakemake) -> None:
    root, target = Path(snakemake.params.root), Path(snakemake.output[0])
    for name in snakemake.params.names:
        source, place = root / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copyfile(source, place)


if __name__ == "__main__":
    with job_log(snakemake.log[0]):
        main(snakemake)
