"""Every public name of lib has a docstring; one that takes or gives arrays says their shape."""

import ast
import re

import pytest
from pages import REPO

MODULES = sorted((REPO / "workflow_scripts/lib").rglob("*.py"))
ARRAYS = re.compile(r"\b(ndarray|Tensor|csr_matrix|csr_array)\b")
# A shape, a statement that there is none to tell, or the name of what says it.
SHAPE = re.compile(r"\bas (?:in|of)? ?`|\[[^\]]*\]|\bshapes?\b|\bscalar\b|\bsame\b|``?[\w.]+``?'s", re.I)


def public(node, prefix=""):
    """Yield every public function, method and class with its full name."""
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.ClassDef) and not one.name.startswith("_"):
            yield f"{prefix}{one.name}", one
            if isinstance(one, ast.ClassDef):
                yield from public(one, f"{prefix}{one.name}.")


def trees():
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        if source.strip():
            yield path.relative_to(REPO / "workflow_scripts/lib").as_posix(), ast.parse(source)


def test_every_public_name_has_a_docstring():
    without = [name for name, tree in trees() if not ast.get_docstring(tree)]
    names = [(f"{file}: {name}", one) for file, tree in trees() for name, one in public(tree)]
    without += [name for name, one in names if not ast.get_docstring(one)]
    assert len(names) > 1000 and not without


@pytest.mark.parametrize("package", ["data", "metrics", "models", "plots", "stats", "training"])
def test_arrays_have_shapes(package):
    without = []
    for file, tree in trees():
        for name, one in public(tree):
            if file.split("/")[0] != package or isinstance(one, ast.ClassDef):
                continue
            signature = f"{ast.unparse(one.args)} {ast.unparse(one.returns) if one.returns else ''}"
            if ARRAYS.search(signature) and not SHAPE.search(ast.get_docstring(one) or ""):
                without.append(f"{file}: {name}")
    assert not without


def test_parameters_that_are_explained_are_there():
    """A name under Parameters that the signature lacks is of an older version."""
    wrong = []
    for file, tree in trees():
        for name, one in public(tree):
            makers = [m for m in one.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"]
            function = (makers or [None])[0] if isinstance(one, ast.ClassDef) else one
            section = re.search(
                r"Parameters\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", ast.get_docstring(one) or "", re.S
            )
            if function is None or section is None:
                continue
            args = function.args
            there = {a.arg for a in [*args.args, *args.kwonlyargs, args.vararg, args.kwarg] if a}
            told = [
                n.strip().lstrip("*") for n in ", ".join(re.findall(r"^(\S.*)$", section[1], re.M)).split(",")
            ]
            wrong += [f"{file}: {name}: {n}" for n in told if n not in there]
    assert not wrong
