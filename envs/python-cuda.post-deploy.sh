#!/bin/sh
# Run by Snakemake in the fresh environment, from the workflow's folder: the scripts import workflow_scripts.
python -m pip install --no-deps --no-build-isolation -e .
