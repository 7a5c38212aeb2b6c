"""What the config means: its errors in words, the data sets that run, where their files are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from workflow_scripts.lib.errors import LatentomeError
from workflow_scripts.lib.stats.formula import parse_formula
from workflow_scripts.lib.wording import close_match, shown, without_credentials

FILE_KEYS = (
    *("counts", "samples", "truth", "gene_info", "obo", "size_factor_genes", "smiles"),
    *("pert_info", "classes", "hub_drugs", "hub_samples"),
)
STUDIES = ("bulk", "l1000", "spatial", "molecules")
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


class ConfigProblem(LatentomeError):
    """The config is wrong; the message names the key, the value and what is allowed."""


def _allowed(error: ValidationError) -> str:
    rule, value = error.validator, error.validator_value
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = next(key for key in error.instance if key not in known)
        hint = close_match(str(unknown), known)
        return f"unknown key {unknown!r}{hint}; allowed: {', '.join(known)}"
    if rule == "enum":
        return f"{error.instance!r} is not allowed; expected one of {', '.join(map(str, value))}"
    if rule == "type":
        kinds = " or ".join([value] if isinstance(value, str) else value)
        return f"{error.instance!r} is not allowed; expected {kinds}"
    if rule == "pattern":
        return f"{error.instance!r} is not allowed; expected {error.schema['description']}"
    if rule == "required":
        missing = [key for key in value if key not in error.instance]
        return f"the key {missing[0]!r} is missing"
    return f"{error.instance!r} is not allowed; {error.message.splitlines()[0]}"


def _texts(value: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a config, and the keys that lead to it."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*where, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, where)


def check_passed_on(words: Iterable[str]) -> None:
    """Refuse words of ``--config`` that a job's shell would read in another way.

    Snakemake writes them into the command of every job that it submits, between the quotes of Python's ``repr``; where
    a scheduler wants the command as an argument, between double quotes once more.

    Parameters
    ----------
    words
        As ``KEY=VALUE``.

    Raises
    ------
    ConfigProblem
        Naming the key and the character.
    """
    for word in words:
        key, _, value = word.partition("=")
        for character in value:
            if character in "'\\$`" or not character.isprintable():
                raise ConfigProblem(
                    f"--config {key}={shown(value)}: {shown(character)} would mean something else to the shell of a "
                    "submitted job; write the key into a file and give it by --configfile"
                )


def check_places(places: Iterable[Path]) -> None:
    """Refuse folders whose names a submitted job's shell would read in another way.

    Raises
    ------
    ConfigProblem
        Naming the folder and the character.
    """
    for place in places:
        for character in str(place):
            if character in "'\"\\$`" or not character.isprintable():
                raise ConfigProblem(
                    f"{place}: {shown(character)} in the name of a folder would mean something else to the shell of a "
                    "submitted job; rename it, or work in another"
                )


def check_config(config: Mapping[str, Any], root: Path) -> None:
    """Refuse a config that the schema does not allow, in one line.

    Parameters
    ----------
    config
        As Snakemake merged it.
    root
        Folder of the workflow, where ``resources/schemas`` is.

    Raises
    ------
    ConfigProblem
        Naming the key, its value and what is allowed there.
    """
    # Before anything is shown of the config.
    for keys, text in _texts(config):
        if (safe := without_credentials(text)) != text:
            raise ConfigProblem(
                f"config, {': '.join(keys)}: {shown(safe)} holds a user name or a password, and the config is shown in "
                "logs and in the report; take them out of the address (~/.netrc or the environment may hold them)"
            )
    schema = yaml.safe_load((root / "resources/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(config))
    if error is not None:
        where = ": ".join(str(part) for part in error.absolute_path) or "top level"
        raise ConfigProblem(f"config, {where}: {_allowed(error)} (config/README.md explains every key)")
    if config["source"] == "mirror" and not config.get("mirror"):
        raise ConfigProblem(
            "config, mirror: null is not allowed with source: mirror; set it to the mirror's folder"
        )
    if config["source"] == "mirror" and not Path(config["mirror"]).is_dir():
        raise ConfigProblem(f"config, mirror: the folder {config['mirror']} does not exist; correct the path")
    for study in STUDIES:
        blocks = config["datasets"].get(study, {})
        for name in config.get(study, {}).get("datasets") or []:
            if name not in blocks:
                raise ConfigProblem(
                    f"config, {study}: datasets: {name!r} is no data set{close_match(name, blocks)}; "
                    f"there are: {', '.join(blocks)}; or add a block datasets: {study}: {name}"
                )
    _check_contrasts(config["datasets"].get("bulk", {}))
    _check_molecules(config["molecules"], config["datasets"].get("molecules", {}))
    for name, block in config["datasets"].get("spatial", {}).items():
        if isinstance(block.get("domains"), Mapping) and block["spots"]["format"] != "features":
            raise ConfigProblem(
                f"config, datasets: spatial: {name}: domains: one number a section is for stored features, whose "
                "sections are divided one by one; expected one number, for all sections together"
            )


def _check_molecules(study: Mapping[str, Any], blocks: Mapping[str, Any]) -> None:
    for name, block in blocks.items():
        settings = {**study["pairs"], **block.get("pairs", {})}
        models = set(settings["models"]["to_molecule"]) & set(settings["models"]["to_expression"])
        for one in settings["only"] or []:
            if one not in models:
                raise ConfigProblem(
                    f"config, datasets: molecules: {name}: pairs: only: {one!r} is no model of both directions"
                    f"{close_match(one, models)}; there are: {', '.join(sorted(models))}"
                )


def _check_contrasts(blocks: Mapping[str, Any]) -> None:
    for name, own in blocks.items():
        for contrast, parts in own["contrasts"].items():
            try:
                parse_formula(parts["design"])
            except LatentomeError as error:
                raise ConfigProblem(
                    f"config, datasets: bulk: {name}: contrasts: {contrast}: {error}"
                ) from None
        published = own.get("published")
        if published is not None and published not in own["contrasts"]:
            raise ConfigProblem(
                f"config, datasets: bulk: {name}: published: {published!r} is none of its contrasts; "
                f"expected one of {', '.join(own['contrasts'])}"
            )


def gpu_visible() -> bool:
    """Whether this machine shows an NVIDIA GPU; asks no driver, since every start of Snakemake asks."""
    return Path("/dev/nvidia0").exists()


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
