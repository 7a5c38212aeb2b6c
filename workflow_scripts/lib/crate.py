"""The run as a Workflow Run RO-Crate: which workflow made which files from what, when, and under which terms."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from workflow_scripts.lib.data.registry import Entry
from workflow_scripts.lib.errors import LatentomeError

METADATA = "ro-crate-metadata.json"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
MIT = "https://spdx.org/licenses/MIT"
_TYPES = {".yaml": "application/yaml", ".tsv": "text/tab-separated-values", ".json": "application/json"}
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d+ ", re.M)


@dataclass(frozen=True)
class Moments:
    """First and last moment that the jobs' logs tell of, in ISO 8601 with an offset."""

    start: str
    end: str


def moments(logs: Path) -> Moments:
    """When the first job of a run began and the last one ended.

    Parameters
    ----------
    logs
        Folder of the jobs' logs, whose lines begin with the local time.

    Raises
    ------
    LatentomeError
        If no log in it has a time.
    """
    found: list[str] = []
    for path in logs.rglob("*.log"):
        stamps = _STAMP.findall(path.read_text(encoding="utf-8", errors="replace"))
        found += stamps[:1] + stamps[-1:]
    if not found:
        raise LatentomeError(f"{logs}: no log of a job with a time; run the workflow before its description")
    first, last = (
        datetime.fromisoformat(stamp).astimezone().isoformat() for stamp in (min(found), max(found))
    )
    return Moments(first, last)


def named_in(block: Any, entries: Iterable[Entry]) -> list[Entry]:
    """The registry's files that a part of the config names, as ``<accession>/<file>``, in the registry's order.

    Parameters
    ----------
    block
        Any part of a config: mappings, lists and plain values.
    entries
        Rows of the registry.
    """
    words = set(_words(block))
    return [entry for entry in entries if entry.key in words]


def _words(block: Any) -> Iterator[str]:
    if isinstance(block, Mapping):
        for value in block.values():
            yield from _words(value)
    elif isinstance(block, list | tuple):
        for value in block:
            yield from _words(value)
    elif isinstance(block, str):
        yield block


def write_crate(
    folder: Path,
    *,
    workflow: str,
    inputs: Sequence[str],
    results: Sequence[str],
    raw: Sequence[Entry],
    environment: Mapping[str, Any],
    when: Moments,
) -> Path:
    """Write `METADATA` into a folder of results; no file is copied.

    Parameters
    ----------
    folder
        Root of the crate.
    workflow, inputs, results
        Files of the crate, relative to `folder`: the Snakefile, what else went in (the config), and what came out.
    raw
        Rows of the registry that the run read.
    environment
        ``packages`` (name: version), ``python``, ``platform``, ``revision`` and ``changed``, see the rule
        `write_environment`.
    when
        Of the run.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    LatentomeError
        If one of the files is not there.
    """
    crate = ROCrate(version="1.1")
    team = crate.add(
        ContextEntity(crate, "#authors", {"@type": "Organization", "name": "The Latentome authors"})
    )
    licence = _page(crate, MIT, "MIT License")
    crate.name, crate.description = "Results of Latentome", _description(environment)
    crate.datePublished = datetime.fromisoformat(when.end).astimezone(UTC)
    root = crate.root_dataset
    root["license"], root["author"], root["publisher"] = licence, team, team
    root["conformsTo"] = [
        _page(crate, url, name, version=version) for url, (name, version) in PROFILES.items()
    ]

    main = crate.add_workflow(
        _there(folder, workflow), workflow, main=True, lang="snakemake", properties=_facts(folder, workflow)
    )
    main["conformsTo"] = _page(crate, "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
                               "Bioschemas ComputationalWorkflow", version="1.0-RELEASE")  # fmt: skip
    main["license"], main["author"], main["version"] = licence, team, environment["revision"] or "unknown"
    main["softwareRequirements"] = [
        crate.add(
            ContextEntity(
                crate,
                f"https://pypi.org/project/{name}/{version}/",
                {"@type": "SoftwareApplication", "name": name, "softwareVersion": version},
            )  # fmt: skip
        )
        for name, version in environment["packages"].items()
    ]
    given = [crate.add_file(_there(folder, name), name, properties=_facts(folder, name)) for name in inputs]
    given += [_raw(crate, entry) for entry in raw]
    made = [crate.add_file(_there(folder, name), name, properties=_facts(folder, name)) for name in results]
    action = crate.add_action(
        instrument=main, identifier="#run", object=given, result=made,
        properties={"name": "Run of Latentome", "description": _description(environment), "startTime": when.start,
                    "endTime": when.end, "actionStatus": "http://schema.org/CompletedActionStatus"},
    )  # fmt: skip
    action["agent"] = team
    root["mentions"] = action
    crate.metadata.write(folder)
    return folder / METADATA


def _description(environment: Mapping[str, Any]) -> str:
    revision = environment["revision"] or "unknown"
    changed = " with local changes" if environment["changed"] else ""
    return (
        f"Figures, tables and claims of deep generative models of the transcriptome; code at git revision "
        f"{revision}{changed}; Python {environment['python']} on {environment['platform']}"
    )


def _page(crate: ROCrate, url: str, name: str, **more: str) -> ContextEntity:
    return crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": name, **more}))


def _raw(crate: ROCrate, entry: Entry) -> Any:
    facts: dict[str, Any] = {
        "name": entry.key, "contentSize": None if entry.bytes is None else str(entry.bytes), "sha256": entry.sha256,
        "license": entry.licence, "encodingFormat": _format(entry.file),
    }  # fmt: skip
    facts = {key: value for key, value in facts.items() if value}
    if entry.url:
        return crate.add_file(entry.url, fetch_remote=False, properties=facts)
    return crate.add(ContextEntity(crate, f"#{entry.key}", {"@type": "CreativeWork", **facts}))


def _there(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise LatentomeError(f"{path} is not there; make it before the run is described")
    return path


def _format(name: str) -> str:
    found = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    return found or "application/octet-stream"


def _facts(folder: Path, name: str) -> dict[str, str]:
    with _there(folder, name).open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    kind = "text/x-python" if Path(name).name == "Snakefile" else _format(name)
    return {
        "name": name, "encodingFormat": kind, "sha256": digest, "contentSize": str((folder / name).stat().st_size)
    }  # fmt: skip
