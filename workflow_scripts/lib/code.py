"""Digest of a script's code, so that an edit in `lib` reruns the rules that use it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "workflow_scripts"


def _module_file(root: Path, parts: tuple[str, ...]) -> Path | None:
    path = root.joinpath(*parts)
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


def _blocks(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every statement; expressions hold neither imports nor docstrings, and most nodes are in them."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting += getattr(node, part, ())


def _without_docstrings(tree: ast.Module) -> str:
    for node in _blocks(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                if isinstance(body[0].value.value, str):
                    node.body = body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _imported(tree: ast.Module, package: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Dotted names inside the package that a module imports, as tuples; names may be attributes."""
    found: set[tuple[str, ...]] = set()
    for node in _blocks(tree):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            found |= {base} | {(*base, alias.name) for alias in node.names}
    return {name for name in found if name and name[0] == PACKAGE}


@cache
def _parsed(path: Path, root: Path) -> tuple[bytes, frozenset[Path]]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = path.relative_to(root).parent.parts
    names = _imported(tree, package)
    # A package's __init__ runs when anything in it is imported.
    names |= {name[:end] for name in names for end in range(1, len(name))}
    files = {_module_file(root, name) for name in names}
    digest = hashlib.sha256(_without_docstrings(tree).encode()).digest()
    return digest, frozenset(file for file in files if file is not None)


def import_closure(script: Path) -> list[Path]:
    """The script and every file of this package that it imports, directly or not, sorted.

    Parameters
    ----------
    script
        A file inside the package's folder.
    """
    script = script.resolve()
    root = next(parent for parent in script.parents if parent.name == PACKAGE).parent
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _parsed(path, root)[1]
    return sorted(seen)


def code_digest(script: Path) -> str:
    """Digest of a script's import closure; docstrings and comments do not count.

    Parameters
    ----------
    script
        A file inside the package's folder.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    script = script.resolve()
    root = next(parent for parent in script.parents if parent.name == PACKAGE).parent
    total = hashlib.sha256()
    for path in import_closure(script):
        total.update(str(path.relative_to(root)).encode() + b"\0" + _parsed(path, root)[0])
    return total.hexdigest()[:16]
