"""Which edits rerun which rules: the digest of a script is that of all it can import, and of nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import workflow_scripts
from workflow_scripts.lib import code
from workflow_scripts.lib.code import _parsed, code_digest, import_closure

PACKAGE = Path(workflow_scripts.__file__).parent
SCRIPTS = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.glob("*/*.py")
    if path.parent.name != "lib" and path.name != "__init__.py"
)
LIB = sorted(path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "lib").rglob("*.py"))

# Runs in a process of its own: the modules of the package that importing each script brings, and those of the
# imports inside its functions, found by the interpreter's own bytecode.
FINDER = """
import json, sys
from modulefinder import ModuleFinder
from pathlib import Path

root, result = Path(sys.argv[1]), {}
class Ours(ModuleFinder):
    def import_module(self, partname, fqname, parent):
        if fqname.split(".")[0] != "workflow_scripts":
            return None
        return super().import_module(partname, fqname, parent)
for script in sys.argv[2:]:
    finder = Ours([str(root)])
    finder.run_script(str(root / "workflow_scripts" / script))
    files = {module.__file__ for module in finder.modules.values() if module.__file__}
    result[script] = sorted({str(Path(f).relative_to(root / "workflow_scripts")) for f in files})
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def closures():
    """Script -> files of the package it imports, by modulefinder."""
    command = [sys.executable, "-c", FINDER, str(PACKAGE.parent), *SCRIPTS]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return {script: set(files) for script, files in json.loads(found.stdout).items()}


@pytest.fixture
def copy(tmp_path):
    target = tmp_path / "workflow_scripts"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
    return target


def digest(path):
    _parsed.cache_clear()
    return code_digest(path)


def test_closure_of_a_script():
    names = {path.relative_to(PACKAGE).as_posix() for path in import_closure(PACKAGE / "bulk/de_nbvae.py")}
    assert {
        "bulk/de_nbvae.py",
        "lib/stats/generative_de.py",
        "lib/stats/shrinkage.py",
        "__init__.py",
    } <= names
    assert "lib/stats/deseq2.py" not in names and "bulk/run_deseq2.py" not in names


def test_there_are_scripts_and_modules():
    assert len(SCRIPTS) > 20 and len(LIB) > 40


def test_no_study_imports_another_and_lib_imports_no_study(closures):
    for script, files in closures.items():
        study = script.split("/")[0]
        assert {file.split("/")[0] for file in files} <= {study, "lib", "__init__.py"}, script


@pytest.mark.parametrize(
    "before, after, same",
    [
        ('"""Split."""', '"""Divide."""', True),
        ('    """Of x."""\n', '    """Of another x."""\n', True),
        ('    """Of x."""\n', "", True),
        ("return x", "return x  # a comment", True),
        ("return x", "return (x)", True),
        ("return x", "return -x", False),
        ("def f(x)", "def f(x, y=1)", False),
        ('LABEL = "a"', 'LABEL = "b"', False),
        ("    def g(self):", "    def h(self):", False),
    ],
)
def test_what_counts_as_an_edit(tmp_path, before, after, same):
    text = (
        '"""Split."""\n\nLABEL = "a"\n\n\ndef f(x):\n    """Of x."""\n    return x\n\n\n'
        'class C:\n    """A C."""\n\n    def g(self):\n        """G."""\n        return LABEL\n'
    )
    path = tmp_path / "workflow_scripts" / "bulk" / "rule.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    was = digest(path)
    assert before in text
    path.write_text(text.replace(before, after))
    assert (digest(path) == was) is same


def test_docstring_of_lib_reruns_nothing_and_code_does(copy):
    script, module = copy / "bulk/de_nbvae.py", copy / "lib/stats/shrinkage.py"
    was, text = digest(script), module.read_text()
    module.write_text(text.replace('"""Adaptive shrinkage', '"""Another shrinkage'))
    assert module.read_text() != text and digest(script) == was
    module.write_text(text.replace("NULL_PENALTY = 10.0", "NULL_PENALTY = 11.0"))
    assert module.read_text() != text and digest(script) != was
    module.write_text(text)
    assert digest(script) == was


def test_a_new_import_joins_the_closure(tmp_path):
    root = tmp_path / "workflow_scripts"
    files = {
        "__init__.py": "", "lib/__init__.py": "", "lib/sub/__init__.py": "X = 1\n", "bulk/__init__.py": "",
        "lib/sub/a.py": "from .b import y\n", "lib/sub/b.py": "y = 1\n", "lib/sub/unused.py": "z = 1\n",
        "lib/late.py": "w = 1\n", "lib/whole.py": "v = 1\n",
        "bulk/rule.py": "import numpy\nimport workflow_scripts.lib.whole as whole\n"
        "from workflow_scripts.lib.sub import a\n\n\ndef main():\n    from ..lib import late\n",
    }  # fmt: skip
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    _parsed.cache_clear()
    found = {path.relative_to(root).as_posix() for path in import_closure(root / "bulk/rule.py")}
    # A script is run by its path, so its own folder's __init__ does not run.
    assert found == set(files) - {"lib/sub/unused.py", "bulk/__init__.py"}


def test_names_and_places_count(copy):
    """The same code under another name is another digest: modules cannot swap their contents unseen."""
    one, other = copy / "lib/stats/baselines.py", copy / "lib/stats/apeglm.py"
    script = copy / "bulk/extra.py"
    script.write_text("from workflow_scripts.lib.stats import apeglm, baselines\n")
    was = digest(script)
    first, second = one.read_text(), other.read_text()
    one.write_text(second)
    other.write_text(first)
    assert digest(script) != was


def test_every_edit_in_lib_reruns_the_scripts_that_import_it(copy, closures, monkeypatch):
    parse, memory = _parsed.__wrapped__, {}

    def parsed(path, root):
        """As `code._parsed`, but a file whose size changed is read again: the real one is made for one process."""
        key = path, path.stat().st_size
        if key not in memory:
            memory[key] = parse(path, root)
        return memory[key]

    monkeypatch.setattr(code, "_parsed", parsed)
    before = {script: code_digest(copy / script) for script in SCRIPTS}
    for module in LIB:
        path = copy / module
        text = path.read_text()
        path.write_text(f"{text}\nEDITED = 1\n")
        changed = {script for script in SCRIPTS if code_digest(copy / script) != before[script]}
        path.write_text(text)
        assert changed == {script for script in SCRIPTS if module in closures[script]}, module
    used = set().union(*closures.values())
    assert {"lib/stats/generative_de.py", "lib/stats/deseq2.py", "lib/logs.py"} <= used
