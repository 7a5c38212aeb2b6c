"""What the figures of every study have in common: light scripts, a rule and a caption each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def heavy_imports(study: str, names: Sequence[str], heavy: Sequence[str]) -> list[str]:
    """Return those of some modules that importing a study's figure scripts loads."""
    lines = [f"import workflow_scripts.{study}.plot_{name}" for name in names]
    code = "\n".join(["import sys", *lines, f"print(*[m for m in {list(heavy)} if m in sys.modules])"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


def check_figures(study: str, names: Sequence[str]) -> str:
    """Each figure has a script, a rule that knows the script's code, and a caption; returns the rules' text."""
    rules = "".join(path.read_text() for path in ROOT.glob(f"rules/{study}_figures_*.smk"))
    for name in names:
        assert f"rule plot_{name}:" in rules and f'code_digest("{study}/plot_{name}")' in rules
        assert (ROOT / f"workflow_scripts/{study}/plot_{name}.py").is_file()
        caption = (ROOT / f"report/{study}_{name}.rst").read_text()
        assert "Expected" in caption and "A concern:" in caption
    return rules
