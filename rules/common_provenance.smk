"""Helpers of the rules that say where results come from."""

import hashlib
import subprocess


def _git(*words):
    """What git says of the project, or None where it is no clone or git is not there."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def git_revision(wildcards):
    """Param function: the commit that the project is at, or None."""
    return _git("rev-parse", "HEAD")


def git_changed(wildcards):
    """Param function: whether tracked files differ from that commit."""
    return bool(_git("status", "--porcelain", "--untracked-files=no"))


def workflow_digest(wildcards):
    """Param function: digest of the code that is copied beside the results."""
    found = hashlib.sha256()
    for path in sorted(path for name in WORKFLOW_CODE for path in (ROOT / name, *(ROOT / name).rglob("*"))):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()


WORKFLOW_CODE = (
    "Snakefile",
    "config.yaml",
    "rules",
    "workflow_scripts",
    "envs",
    "report",
    "resources/schemas",
    "resources/site",
    "resources/datasets.tsv",
    "LICENSE",
    "CITATION.cff",
)
