"""What the code may never do: unpickle, unpack archives to disk, evaluate text, or build a shell's words."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = {"pickle", "_pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal", "jsonpickle"}
CALLS = {
    *("eval", "exec", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("torch.load", "torch.jit.load", "torch.hub.load", "pandas.read_pickle", "pandas.eval"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "shutil.unpack_archive", "snakemake.shell.shell"),
}


def names_of(tree):
    """What each imported name is in full."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def full_name(node, names):
    if isinstance(node, ast.Attribute):
        return f"{full_name(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def faults(source):
    """Lines of Python that do what is not done here, and what that is."""
    tree = ast.parse(source)
    names, found = names_of(tree), []
    found += [f"imports {name}" for name in names.values() if name.split(".")[0] in MODULES]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = full_name(call.func, names)
        given = {word.arg: word.value for word in call.keywords}
        told = f"line {call.lineno}: {name}"
        if name in CALLS or name.endswith((".extractall", "TarFile.extract", "ZipFile.extract")):
            found.append(told)
        if name == "numpy.load" and getattr(given.get("allow_pickle"), "value", None) is not False:
            found.append(f"{told} without allow_pickle=False")
        if "shell" in given and getattr(given["shell"], "value", None) is not False:
            found.append(f"{told} through a shell")
        # R code is what stands in the source, or a name for it.
        if name.endswith("robjects.r") and not isinstance(call.args[0], ast.Constant | ast.Name):
            found.append(f"{told} of a built text")
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import torch\ntorch.load(p, weights_only=True)",
        "from torch import load as get\nget(p)",
        "import numpy as np\nnp.load(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import pandas as pd\npd.read_pickle(p)",
        "import yaml\nyaml.load(p, Loader=yaml.Loader)",
        "import tarfile\ntarfile.open(p).extractall()",
        "import subprocess\nsubprocess.run(f'ls {p}', shell=True)",
        "import os\nos.system('ls')",
        "eval(p)",
        "import rpy2.robjects as robjects\nrobjects.r(f'readRDS(\"{p}\")')",
    ],
)
def test_each_is_found(source):
    assert faults(source)


def test_no_code_does_it():
    scripts = sorted((ROOT / "workflow_scripts").rglob("*.py"))
    assert len(scripts) > 100
    found = {str(path.relative_to(ROOT)): faults(path.read_text(encoding="utf-8")) for path in scripts}
    assert {path: told for path, told in found.items() if told} == {}


def test_no_rule_has_a_shell_command_or_code_of_its_own():
    rules = [ROOT / "Snakefile", ROOT / "workflow/Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
    own = re.compile(r"^\s+(shell|run|wrapper|notebook|cwl|template_engine):|\bshell\(", re.M)
    assert {path.name: own.findall(path.read_text(encoding="utf-8")) for path in rules} == {
        path.name: [] for path in rules
    }
    assert own.search('rule a:\n    shell:\n        "ls"')
