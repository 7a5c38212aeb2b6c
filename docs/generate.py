"""MkDocs' hook: the reference pages from schema, registry, rules and `lib`; tables that pages include by a marker.

A marker is a comment on a line of its own:

``<!-- table: PATH -->``       a TSV of the project
``<!-- claims: STUDY -->``     the study's rows of ``results/claims.tsv``, the run that lies in the project's folder
``<!-- settings: KEY: ... -->``  a mapping of ``config.yaml``
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
LIB = ROOT / "workflow_scripts/lib"
STUDIES = ("bulk", "l1000", "spatial", "molecules")
MARKER = re.compile(r"^<!-- (table|claims|settings): (.+?) -->$", re.M)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table of cells that are Markdown already, from `text`, `prose` or `code`."""
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def text(value: object) -> str:
    """Return data as Markdown that shows it as it is, on one line: no markup, no HTML, no column separator in it."""
    line = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#!])", r"\\\1", line).replace("|", "&#124;")


def code(value: object) -> str:
    """Return data as a code span, in which nothing is markup."""
    line = " ".join(str(value).replace("`", "'").split())
    return f"`{line}`" if line else ""


def prose(docstring: str) -> str:
    """Return the first paragraph of a docstring of ours; its code spans stay."""
    parts = re.split(r"(``?[^`]+``?)", " ".join(docstring.split("\n\n")[0].split()))
    return "".join(code(part.strip("`")) if k % 2 else text(part) for k, part in enumerate(parts))


def tsv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


# ---- markers --------------------------------------------------------------------------------------


def included(match: re.Match) -> str:
    """Return what stands in a marker's place."""
    kind, what = match.groups()
    return {"table": file_table, "claims": claims_table, "settings": settings_table}[kind](what)


def file_table(name: str) -> str:
    """Return a TSV of the project."""
    if not (ROOT / name).is_file():
        raise PluginError(f"docs: table: {name} does not exist")
    rows = tsv(ROOT / name)
    return table(map(text, rows[0]), (map(text, row.values()) for row in rows))


def claims_table(study: str) -> str:
    """Return a study's claims as the run in the project's folder has them, or how to make one."""
    if study not in STUDIES:
        raise PluginError(f"docs: claims: {study} is no study; expected one of {', '.join(STUDIES)}")
    path = ROOT / "results/claims.tsv"
    if not path.is_file():
        return (
            '!!! note "No run lies in this folder"\n'
            "    After `make figures`, `make docs` puts the claims table of that run here."
        )
    rows = [row for row in tsv(path) if row["study"].split()[0] == study]
    parts = [
        f"From `results/claims.tsv` of the run in this folder: {text(rows[0]['study'] if rows else study)}."
    ]
    for row in rows:
        parts.append(f"**{text(row['claim'])}**")
        names = ("as_published", "reproduced", "corrected", "interval", "verdict")
        said = [(name.replace("_", " "), text(row[name])) for name in names if row[name]]
        parts.append(table(("", ""), [*said, ("figure", code(row["figure"]))]))
    return "\n\n".join(parts)


def settings_table(key: str) -> str:
    """Return a mapping of ``config.yaml``."""
    found: Any = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    for part in key.split(": "):
        if part not in found:
            raise PluginError(f"docs: settings: config.yaml has no {key}")
        found = found[part]
    return table((code(key), "default"), ((code(name), code(shown(value))) for name, value in found.items()))


def shown(value: object) -> str:
    """Return a value as YAML has it, on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


# ---- the config's schema --------------------------------------------------------------------------


def schema_page() -> str:
    """Return every key of the config: what is allowed, and what ``config.yaml`` sets."""
    schema = yaml.safe_load((ROOT / "resources/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    sections: dict[str, list[tuple[str, str, str]]] = {}
    for path, part in keys(schema, schema["$defs"]):
        # Blocks of datasets are documented once, under NAME; config.yaml has many of them.
        inside = config
        for name in path:
            inside = inside.get(name) if isinstance(inside, Mapping) else None
        default = shown(inside) if inside is not None and not isinstance(inside, Mapping) else ""
        if path == ("mirror",) or (not default and part.get("default") not in (None, {})):
            default = shown(part.get("default"))
        place = 3 if path[0] == "datasets" else 1
        section = ": ".join(path[:place]) if len(path) > place else ": ".join(path[:-1])
        name = ": ".join(path[place if len(path) > place else len(path) - 1 :])
        sections.setdefault(section, []).append((code(name), allowed(part), code(default)))
    page = [
        "# Schema of the config",
        "Every key that the config may have, from `resources/schemas/config.schema.yaml`. A key that is not here ends "
        "the run with one line that names it. [Using Latentome](usage.md#every-key) says what each means.",
    ]
    for section, rows in sections.items():
        page += [f"## {section or 'Top level'}", table(("key", "type, allowed", "default"), rows)]
    return "\n\n".join(page) + "\n"


def keys(
    node: Mapping, defs: Mapping, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Mapping]]:
    """Walk the schema: the path and the node of every key that is no mapping of further keys."""
    for name, part in node.get("properties", {}).items():
        part = resolved(part, defs)
        inner = part if "properties" in part else None
        if inner is None and isinstance(part.get("additionalProperties"), Mapping):
            block = resolved(part["additionalProperties"], defs)
            if "properties" in block:
                yield from keys(block, defs, (*path, name, "NAME"))
                continue
        if inner is not None:
            yield from keys(inner, defs, (*path, name))
        else:
            yield (*path, name), part


def resolved(node: Mapping, defs: Mapping) -> Mapping:
    """Return a node, or the definition that it refers to."""
    return defs[node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def allowed(node: Mapping) -> str:
    """Return in words what a key may be."""
    schema = yaml.safe_load((ROOT / "resources/schemas/config.schema.yaml").read_text(encoding="utf-8"))
    node = resolved(node, schema["$defs"])
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if "oneOf" in node:
        return " or ".join(allowed(part) for part in node["oneOf"])
    kinds = node.get("type", "any")
    words = " or ".join(f"`{kind}`" for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if "items" in node:
        words += f" of {allowed(node['items'])}"
    if isinstance(node.get("additionalProperties"), Mapping):
        words += f" of {allowed(node['additionalProperties'])}"
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    words += "".join(f", `{sign} {node[name]}`" for name, sign in signs.items() if name in node)
    return words + (f", `{node['pattern']}`" if "pattern" in node else "")


# ---- datasets, rules, library ---------------------------------------------------------------------


def registry_page() -> str:
    """Return the registered raw files with their licences."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in tsv(ROOT / "resources/datasets.tsv"):
        rows.setdefault(row["dataset"], []).append(row)
    page = [
        "# Registered files",
        "From `resources/datasets.tsv`: what `source: geo` downloads and `source: mirror` looks for, as "
        "`<accession>/<file>`. Data keep the licence that is named here. A file without an address exists in a mirror "
        "only.",
    ]
    for name, files in rows.items():
        lines = []
        for row in files:
            size = f"{int(row['bytes']):,}" if row["bytes"] else ""
            address = f"[address](<{row['url']}>)" if row["url"].startswith("http") else ""
            file = code(f"{row['accession']}/{row['file']}")
            lines.append((file, size, text(row["licence"]), address, text(row["note"])))
        page += [f"## {name}", table(("file", "bytes", "licence", "", "note"), lines)]
    return "\n\n".join(page) + "\n"


RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |^\S|\Z)", re.M | re.S)


def rules_page() -> str:
    """Return every rule with its script's docstring and its outputs."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    constants = {}
    files = sorted((ROOT / "rules").glob("*.smk"))
    for path in files:
        pairs = re.findall(r'^([A-Z_]+) = f?"([^"]+)"$', path.read_text(encoding="utf-8"), re.M)
        constants |= dict(pairs)
    for path in files:
        for name, body in RULE.findall(path.read_text(encoding="utf-8")):
            script = re.search(r'script:\n\s+"\.\./(workflow_scripts/(\w+)/\w+\.py)"', body)
            if not script:
                continue
            source = (ROOT / script.group(1)).read_text(encoding="utf-8")
            outputs = re.search(r"^    output:\n(.*?)(?=^    \w+:)", body, re.M | re.S)
            names = re.findall(r'"([^"]*/[^"]*)"', outputs.group(1) if outputs else "")
            names = [n for n in names if not n.startswith("../report/")]
            for _ in range(2):  # a constant may stand on another
                names = [re.sub(r"\{([A-Z_]+)\}", lambda m: constants.get(m[1], m[0]), n) for n in names]
            doc = ast.get_docstring(ast.parse(source)) or ""
            row = (code(name), prose(doc), ", ".join(map(code, names)))
            found.setdefault(script.group(2), []).append(row)
    page = [
        "# Rules",
        "One rule, one script, one name: rule `train_nbvae` runs `workflow_scripts/bulk/train_nbvae.py`, whose "
        "docstring stands here, and logs to `results/logs/train_nbvae/`. `snakemake -n TARGET` says which run and why.",
    ]
    for study in sorted(found, key=lambda name: (*STUDIES, "fetch", "report").index(name)):
        page += [f"## {study}", table(("rule", "what it does", "what it makes"), found[study])]
    return "\n\n".join(page) + "\n"


def library() -> dict[str, list[Path]]:
    """Return the public modules of `lib` by package, those beside the packages under the empty name."""
    found: dict[str, list[Path]] = {}
    for path in sorted(LIB.rglob("*.py")):
        if path.name != "__init__.py":
            package = path.parent.relative_to(LIB).as_posix()
            found.setdefault("" if package == "." else package, []).append(path)
    return found


def usage_page() -> str:
    """Return ``config/README.md``, the page that Snakemake's catalogue shows."""
    return (ROOT / "config/README.md").read_text(encoding="utf-8")


def generated() -> tuple[dict[str, str], list]:
    """Return all generated pages by path, and their part of the navigation."""
    pages = {
        "reference/usage.md": usage_page(),
        "reference/schema.md": schema_page(),
        "reference/datasets.md": registry_page(),
        "reference/rules.md": rules_page(),
    }
    nav: list = [
        {"Using Latentome": "reference/usage.md"},
        {"Schema of the config": "reference/schema.md"},
        {"Registered files": "reference/datasets.md"},
        {"Rules": "reference/rules.md"},
    ]
    for package, paths in library().items():
        title = f"lib.{package}" if package else "lib"
        index = f"reference/lib/{package or 'top'}/index.md"
        rows = []
        for path in paths:
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            page = f"reference/lib/{package or 'top'}/{path.stem}.md"
            pages[page] = f"# `{module}`\n\n::: {module}\n"
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            rows.append((f"[{path.stem}]({path.stem}.md)", prose(doc)))
        pages[index] = f"# `workflow_scripts.{title}`\n\n{table(('module', ''), rows)}\n"
        # Modules are linked from here: a navigation of all of them on every page makes the build take minutes.
        nav.append({title: index})
    return pages, nav


# ---- what MkDocs calls ----------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the generated pages into the navigation."""
    for part in config.nav or []:
        if "Reference" in part:
            part["Reference"] = generated()[1]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in generated()[0].items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the markers."""
    return MARKER.sub(included, markdown)
