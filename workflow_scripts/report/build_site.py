"""The results page, from the figures and tables of the studies that were built."""

import shutil
from pathlib import Path

import yaml

from workflow_scripts.lib.logs import job_log
from workflow_scripts.lib.site.pages import Source, build_site


def main(snakemake) -> None:
    site = Path(snakemake.output[0]).parent
    config = yaml.safe_load(Path(snakemake.input.config).read_text(encoding="utf-8"))
    project = Path(snakemake.input.captions[0]).parents[1]
    source = Source(site.parent, project, config, snakemake.params.figures)
    # A folder of its own: what a run that was stopped has left does not mix with the new pages.
    made = site.with_name("site.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        build_site(source, made)
        shutil.rmtree(site)
        made.rename(site)
    finally:
        shutil.rmtree(made, ignore_errors=True)


if __name__ == "__main__":
    with job_log(
        snakemake.log[0], ("numpy", "pandas", "altair", "vl-convert-python", "jinja2", "docutils", "rdkit")
    ):
        main(snakemake)
