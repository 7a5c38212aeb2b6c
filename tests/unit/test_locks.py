"""The locks and the conda files: plain pins, the same in both, and every import of the rules."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def pins(name):
    lines = (ROOT / "envs" / name).read_text().splitlines()
    return dict(line.split("==") for line in lines)


CONDA = sorted((ROOT / "envs").glob("*.yaml"))
CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "python-igraph": "igraph",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
}
IMPORT_NAMES = {
    "cmapPy": "cmappy",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "scvi": "scvi-tools",
    "lightning_fabric": "lightning-fabric",
    "PIL": "pillow",
    "vl_convert": "vl-convert-python",
}


def conda_pins(path):
    """Package name, as PyPI has it, to the version asked for."""
    found = {}
    for line in yaml.safe_load(path.read_text())["dependencies"]:
        for spec in line["pip"] if isinstance(line, dict) else [line]:
            name, version = re.fullmatch(r"([a-z0-9-]+)(.*)", spec).groups()
            found[CONDA_NAMES.get(name, name)] = version
    return found


def test_locks_are_plain_pins():
    lock = pins("requirements.lock")
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in lock.values())
    wanted = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "envs/requirements.in").read_text(), re.M)
    assert {name.lower() for name in wanted} <= set(lock)
    for name in ("rpy2-r42.lock", "rpy2-r45.lock"):
        assert {"rpy2", "rpy2-rinterface", "rpy2-robjects", "cffi", "tzlocal"} <= set(pins(name))


@pytest.mark.parametrize("path", CONDA, ids=lambda path: path.name)
def test_conda_files_pin_what_the_lock_pins(path):
    lock, wanted = pins("requirements.lock"), conda_pins(path)
    assert yaml.safe_load(path.read_text())["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    assert wanted["python"] == "=3.11"
    for name, version in wanted.items():
        if name in lock and version.startswith("="):
            pinned = version.lstrip("=").removesuffix("*").rstrip(".")
            assert f"{lock[name]}.".startswith(f"{pinned}."), (
                f"{path.name}: {name}{version}, the lock has {lock[name]}"
            )
    assert "pip install --no-deps" in path.with_suffix(".post-deploy.sh").read_text()


def imports(path, seen):
    """Third-party modules that a script imports, through the workflow's own modules."""
    if path in seen or not path.exists():
        return set()
    seen.add(path)
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*here, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.startswith("workflow_scripts"):
                found |= imports(ROOT / f"{name.replace('.', '/')}.py", seen)
            else:
                found.add(name.split(".")[0])
    return found - sys.stdlib_module_names


@pytest.mark.parametrize("env", ["python", "deseq2"])
def test_conda_files_hold_every_import_of_their_rules(env):
    rules = "".join(f"\n{path.read_text()}" for path in (ROOT / "rules").glob("*.smk"))
    seen, found = set(), set()
    for rule in re.split(r"\nrule ", rules)[1:]:
        if f'envs/{env}.yaml"' in rule and (
            script := re.search(r'"\.\./(workflow_scripts/[^"]+\.py)"', rule)
        ):
            found |= imports(ROOT / script[1], seen)
    assert found
    assert {IMPORT_NAMES.get(name, name) for name in found} - set(
        conda_pins(ROOT / f"envs/{env}.yaml")
    ) == set()
