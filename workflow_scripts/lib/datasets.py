"""Which data sets of the config run, and where their files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.lib.config import ConfigProblem

FILE_KEYS = (
    *("counts", "samples", "truth", "gene_info", "obo", "size_factor_genes", "smiles"),
    *("pert_info", "classes", "hub_drugs", "hub_samples"),
)
SPOT_FILES = ("counts", "positions", "scalefactors", "barcodes")
PUBLISHED_WEIGHTS = {
    "weights_svqvae": tuple(f"pretrained/S_VQ_VAE_{part}.pth" for part in ("encode", "embedding", "decode")),
    **{
        f"weights_{name.lower()}": tuple(
            f"pretrained/VAE_{part}_{name}.pth" for part in ("encode", "mu", "logvar", "decode")
        )
        for name in ("SMP", "GP", "SMGP")
    },
}
"""Files of each published L1000 model."""


def registered(root: Path) -> set[str]:
    """Names ``accession/file`` of the registry ``resources/datasets.tsv``."""
    lines = (root / "resources/datasets.tsv").read_text(encoding="utf-8").splitlines()
    header = lines[0].split("\t")
    accession, file = header.index("accession"), header.index("file")
    return {
        f"{row[accession]}/{row[file]}" for row in (line.split("\t") for line in lines[1:]) if len(row) > file
    }


def is_demo(name: str) -> bool:
    """Whether a file's name is one of the simulator's."""
    return name.startswith("demo/")


def is_object(name: str) -> bool:
    """Whether a name is an address in an object store, such as ``s3://bucket/key``."""
    return "://" in name


def is_made(name: str, config: Mapping[str, Any], root: Path) -> bool:
    """Whether the workflow makes a raw file: it simulates or downloads it."""
    return is_demo(name) or (config["source"] != "mirror" and name in registered(root))


def raw_location(name: str, config: Mapping[str, Any], root: Path) -> str:
    """Path of a file that a data set's block names.

    Parameters
    ----------
    name
        ``demo/...`` for a simulated file, a registered ``accession/file``, the user's own path, relative to the working
        directory, or its address in an object store, a file of the project (``resources/...``), or any other file of
        the mirror.
    config
        The config.
    root
        Folder of the workflow.
    """
    if is_demo(name):
        return f"results/raw/{name}"
    if name in registered(root):
        return f"{config['mirror']}/{name}" if config["source"] == "mirror" else f"{config['raw_dir']}/{name}"
    if not is_object(name) and not Path(name).exists():
        mirrored = Path(config["mirror"]) / name if config["source"] == "mirror" else None
        for place in (root / name, mirrored):
            if place is not None and place.exists():
                return str(place)
    return name


def block_files(block: Mapping[str, Any]) -> list[str]:
    """Names of all files that a data set's block lists."""
    named = [block[key] for key in FILE_KEYS if block.get(key)]
    tables = [*block.get("sources", []), *block.get("level5", [])]
    named += [part[key] for part in tables for key in ("matrix", "sig_info") if part.get(key)]
    named += [name for part in block.get("images", {}).values() for name in part]
    named += [part[key] for part in block.get("wells", []) for key in ("file", "inst_info") if part.get(key)]
    named += list(block.get("ready_pairs", []))
    named += [name for files in block.get("ligands", {}).values() for name in files.values()]
    named += [block["spots"][key] for key in SPOT_FILES if block.get("spots", {}).get(key)]
    named += [block["labels"]["file"]] if block.get("labels") else []
    return named + list(block.get("gene_sets", {}).values()) + list(block.get("required_weights", []))


def given_weights(config: Mapping[str, Any], root: Path) -> dict[str, list[str]]:
    """Files of each published L1000 model that the source can give."""
    if config["source"] == "demo":
        return {name: [] for name in PUBLISHED_WEIGHTS}
    return {
        name: [
            file
            for file in files
            if config["source"] == "geo" or Path(raw_location(file, config, root)).exists()
        ]
        for name, files in PUBLISHED_WEIGHTS.items()
    }


def active_datasets(config: Mapping[str, Any], root: Path, study: str) -> list[str]:
    """Names of a study's data sets that run under this source, in the config's order.

    Simulated ones run with ``source: demo``, registered ones otherwise, if the mirror has all their files;
    a user's own always. ``<study>: datasets:`` narrows the choice; what it names must be there.

    Raises
    ------
    ConfigProblem
        If a data set that was asked for by name cannot run, or a user's file is missing.
    """
    chosen = config[study].get("datasets")
    known = registered(root)
    active = []
    for name, block in config["datasets"].get(study, {}).items():
        if chosen is not None and name not in chosen:
            continue
        files = block_files(block)
        own = not block.get("simulated") and not any(file in known for file in files)
        problem = None
        if block.get("simulated"):
            if config["source"] != "demo" and chosen is None:
                problem = "is simulated; it runs with source: demo"
        elif not own and config["source"] == "demo":
            problem = "is real data; it needs source: mirror or source: geo"
        folder = block.get("pretrained")
        missing = [folder] if folder and not is_object(folder) and not Path(folder).is_dir() else []
        for file in files:
            # Whether an object is there is Snakemake's to ask.
            if is_object(file) or is_demo(file) or (file in known and config["source"] == "geo"):
                continue
            if not Path(raw_location(file, config, root)).exists():
                missing.append(file)
        if problem is None and missing:
            problem = f"needs {missing[0]}, which does not exist"
            problem += f" in the mirror {config['mirror']}" if missing[0] in known else ""
            problem += "; correct the path or fetch the file"
        if problem is None and config["source"] == "geo" and block.get("mirror_only") and chosen is None:
            problem = "is in a mirror alone"
        if problem is None:
            active.append(name)
        elif chosen is not None or own:
            raise ConfigProblem(f"config, datasets: {study}: {name}: {problem}")
    return active
