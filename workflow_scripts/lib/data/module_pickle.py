"""Pickles of torch modules, read as data and never executed.

An interpreter of the few opcodes that describe data builds a tree of plain records: a name that a pickle would
import stays a name, and of the calls that it would make the few known ones become what they stand for. Every other
opcode, name or call is refused.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np

from workflow_scripts.lib.errors import LatentomeError

MODULES = {
    "torch.nn.modules.container Sequential",
    "torch.nn.modules.linear Linear",
    "torch.nn.modules.activation Tanh",
    "torch.nn.modules.activation ReLU",
    "torch.nn.modules.sparse Embedding",
}
DICT, BACKEND = "collections OrderedDict", "torch.nn.backends.thnn _get_thnn_function_backend"
PARAMETER, TENSOR = "torch.nn.parameter Parameter", "torch._utils _rebuild_tensor_v2"
STORAGES: dict[str, np.dtype] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch DoubleStorage": np.dtype("<f8"),
}
NAMES = {*MODULES, DICT, BACKEND, PARAMETER, TENSOR, *STORAGES}
CONSTANTS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING", "SHORT_BINSTRING", "BINUNICODE",
}  # fmt: skip
LONGEST_PICKLE = 2_000_000
"""Opcodes of one pickle; the published ones have some hundreds."""


class Refused(LatentomeError):
    """The file holds something else than weights."""


@dataclass(frozen=True)
class Name:
    """What a pickle would import: its dotted module and name, as text."""

    text: str


@dataclass(eq=False)
class Module:
    """A pickled module: the name of its class, and its attributes."""

    kind: Name
    state: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """Numbers that stand behind the pickles."""

    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class Tensor:
    """A strided view of a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


def _call(name: object, args: object) -> Any:
    """What an allowed call stands for; nothing is called."""
    if not isinstance(name, Name) or not isinstance(args, tuple):
        raise Refused("a call of something that is no name")
    if name.text == DICT and len(args) <= 1:
        return _pairs(args[0] if args else [])
    if name.text == BACKEND and not args:
        return None
    if name.text == PARAMETER and len(args) == 2 and isinstance(args[0], Tensor):
        return args[0]
    if name.text == TENSOR and len(args) >= 4 and isinstance(args[0], Storage):
        offset, shape, strides = args[1:4]
        numbers = (
            [offset, *shape, *strides] if isinstance(shape, tuple) and isinstance(strides, tuple) else []
        )
        if numbers and len(shape) == len(strides) and all(type(n) is int and n >= 0 for n in numbers):
            return Tensor(args[0], offset, shape, strides)
    raise Refused(f"a call of {name.text} with {len(args)} arguments")


def _pairs(items: object) -> dict:
    if isinstance(items, list) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str) for pair in items
    ):
        return dict(items)
    raise Refused("an ordered dictionary of something else than named items")


def _persistent(found: object) -> Any:
    if isinstance(found, tuple) and len(found) == 4 and found[0] == "module" and isinstance(found[1], Name):
        return found[1]
    if isinstance(found, tuple) and len(found) == 6 and found[0] == "storage":
        _, kind, key, place, count, view = found
        dtype = STORAGES.get(kind.text) if isinstance(kind, Name) else None
        if dtype and isinstance(key, str) and place == "cpu" and type(count) is int and view is None:
            return Storage(key, dtype, count)
    raise Refused("a persistent id that is neither a module's class nor a storage on the CPU")


class _Machine:
    """The pickle machine, reduced to data."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise Refused("a pickle that takes more than it has put")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        if _MARK not in self.stack:
            raise Refused("a pickle that takes more than it has put")
        place = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def extend(self, items: list[Any]) -> None:
        target = self.pop()
        if isinstance(target, list):
            target.extend(items)
        else:
            raise Refused("an append to something that is no list")
        self.stack.append(target)

    def update(self, items: list[Any]) -> None:
        target = self.pop()
        keys = items[::2]
        if not isinstance(target, dict) or len(items) % 2 or not all(type(k) in (str, int) for k in keys):
            raise Refused("an item set in something that is no dictionary of texts and numbers")
        target.update(zip(keys, items[1::2], strict=True))
        self.stack.append(target)

    def step(self, opcode: str, arg: Any) -> None:
        stack = self.stack
        if opcode in CONSTANTS:
            stack.append(arg)
        elif opcode in ("NONE", "NEWTRUE", "NEWFALSE"):
            stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[opcode])
        elif opcode in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}[opcode]())
        elif opcode == "MARK":
            stack.append(_MARK)
        elif opcode in ("TUPLE1", "TUPLE2", "TUPLE3"):
            items = [self.pop() for _ in range(int(opcode[-1]))]
            stack.append(tuple(items[::-1]))
        elif opcode == "TUPLE":
            stack.append(tuple(self.pop_to_mark()))
        elif opcode in ("BINPUT", "LONG_BINPUT"):
            value = self.pop()
            stack.append(value)
            self.memo[arg] = value
        elif opcode in ("BINGET", "LONG_BINGET"):
            if arg not in self.memo:
                raise Refused("a reference to nothing")
            stack.append(self.memo[arg])
        elif opcode == "APPEND":
            self.extend([self.pop()])
        elif opcode == "APPENDS":
            self.extend(self.pop_to_mark())
        elif opcode == "SETITEM":
            value, key = self.pop(), self.pop()
            self.update([key, value])
        elif opcode == "SETITEMS":
            self.update(self.pop_to_mark())
        elif opcode == "GLOBAL":
            if arg not in NAMES:
                raise Refused(f"the name {arg.replace(' ', '.')!r}")
            stack.append(Name(arg))
        elif opcode == "BINPERSID":
            stack.append(_persistent(self.pop()))
        elif opcode == "REDUCE":
            args, name = self.pop(), self.pop()
            stack.append(_call(name, args))
        elif opcode == "NEWOBJ":
            args, kind = self.pop(), self.pop()
            if not isinstance(kind, Name) or kind.text not in MODULES or args != ():
                raise Refused("a new object that is no module")
            stack.append(Module(kind))
        elif opcode == "BUILD":
            state, target = self.pop(), self.pop()
            # An ordered dictionary's attributes (torch keeps versions there) say nothing about its items.
            if not isinstance(target, Module | dict) or not isinstance(state, dict):
                raise Refused("a state set on something that is no module")
            if isinstance(target, Module):
                target.state = state
            stack.append(target)
        else:
            raise Refused(f"the opcode {opcode}")


def read_pickle(handle: IO[bytes]) -> Any:
    """Read one pickle of plain data, modules' records and tensors' records from `handle`.

    Raises
    ------
    Refused
        If it holds anything else; the message says what.
    """
    machine = _Machine()
    start = handle.tell()
    try:
        for number, (opcode, arg, _) in enumerate(pickletools.genops(handle)):
            if number > LONGEST_PICKLE:
                raise Refused("a pickle of millions of opcodes")
            if opcode.name == "STOP":
                break
            if opcode.name != "PROTO":
                machine.step(opcode.name, arg)
    except (ValueError, OverflowError) as error:
        raise Refused(f"bytes at {start} that are no pickle ({str(error).splitlines()[0]})") from error
    if len(machine.stack) != 1 or machine.stack[0] is _MARK:
        raise Refused("a pickle that leaves more or less than one object")
    return machine.stack[0]
