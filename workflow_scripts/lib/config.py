"""What may stand in the config: its errors in words."""

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

STUDIES = ("bulk", "l1000", "spatial", "molecules")


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
