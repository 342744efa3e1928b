"""PaddlePaddle's .pdparams files: pickles of NumPy arrays, read without running anything that they ask for.

A pickle is a program that may call any function by name. Here it may name only the few that NumPy and Paddle need
to describe an array, and even these names lead to functions of this file. The memory that a file can claim is bounded
by its size: an array is backed by bytes of the file, and the number of steps is limited.
"""

import io
import math
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from segwright.errors import WeightsError
from segwright.weights.arrays import named_arrays

MAX_STEPS = 500_000  # a state dict takes about 30 per variable
MAX_DIMS = 8
NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")


def read_pdparams(data: bytes, where: Path) -> dict[str, np.ndarray]:
    """Arrays of a Paddle pickle, in native byte order; bfloat16, which Paddle pickles as uint16, as float32.

    Args:
        data: the file.
        where: its path, for messages.

    Raises:
        WeightsError: the file is truncated or damaged, or asks for a function that arrays do not need.
    """
    try:
        tree = _ArrayUnpickler(data).load()
    except _RefusedError as refused:
        raise WeightsError(
            f"{where}: refused, because it holds more than arrays: {refused}; nothing was run. If you trust the file, "
            "load it in Paddle yourself and save only model.state_dict()"
        ) from refused
    except Exception as error:  # a damaged pickle may fail at any step, in any way
        truncated = isinstance(error, EOFError) or "truncated" in str(error) or "exhausted" in str(error)
        cause = "ends early: it is truncated" if truncated else f"is damaged ({type(error).__name__}: {error})"
        raise WeightsError(f"{where}: this Paddle file {cause}; get it again") from error
    return named_arrays(tree, _finished, where)


class _RefusedError(Exception):
    """The pickle asks for something that no file of weights needs."""


class _DType:
    """A NumPy dtype while it is unpickled: made by its code, then told its byte order."""

    def __init__(self, code: str, *_flags: object) -> None:
        if code not in NUMBERS:
            raise _RefusedError(f"it has an array of dtype {str(code)[:20]!r}")
        self.numpy = np.dtype(code)

    def set_state(self, state: Sequence[Any]) -> None:
        _, byte_order, *_ = state
        self.numpy = self.numpy.newbyteorder(byte_order)


class _Array:
    """An array while it is unpickled: made empty, then given shape, dtype and bytes."""

    def __init__(self, spend: Callable[[int], None]) -> None:
        self.spend = spend
        self.numpy: np.ndarray | None = None

    def set_state(self, state: Sequence[Any]) -> None:
        _, shape, dtype, fortran_order, content = state
        self.fill(shape, dtype, "F" if fortran_order else "C", content)

    def fill(self, shape: Sequence[int], dtype: _DType, order: Any, content: bytes | str) -> None:
        self.spend(len(content))
        raw = content.encode("latin1") if isinstance(content, str) else content  # text: pickled by Python 2
        if len(shape) > MAX_DIMS or math.prod(min(side, len(raw) + 1) for side in shape) * dtype.numpy.itemsize != len(
            raw
        ):
            raise ValueError(f"{len(raw)} bytes do not make an array of shape {shape} and dtype {dtype.numpy}")
        array = np.ndarray(shape, dtype.numpy, raw, order=order)
        if dtype.numpy.kind == "u" and dtype.numpy.itemsize == 2:  # bfloat16 is the upper half of a float32
            self.numpy = (array.astype(np.uint32) << 16).view(np.float32)
        else:
            self.numpy = array.astype(dtype.numpy.newbyteorder("="), order="C")


class _ArrayUnpickler(pickle._Unpickler):
    """Unpickler that takes only the steps in ``_STEPS`` and knows only the names in ``self.builders``.

    Python's own, not the faster one in C, which allocates whatever a file claims.
    """

    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.dispatch = _Steps()  # type: ignore[misc]  # counts, so each unpickler has its own
        self.bytes_left = 2 * len(data)  # protocol 2 spends each byte twice: made from text, then put into an array
        self.builders: dict[str, Callable[..., Any]] = {
            "_codecs.encode": self._encode,  # how protocol 2 writes bytes
            "collections.OrderedDict": _empty_dict,
            "numpy.dtype": _DType,
            "numpy.ndarray": _never_called,  # an argument of _reconstruct
        }
        for builtins in ("builtins", "__builtin__"):
            self.builders[f"{builtins}.tuple"] = _same_tuple  # Paddle's tensors: tuple((name, array))
        for core in ("numpy.core", "numpy._core"):
            self.builders[f"{core}.multiarray._reconstruct"] = self._empty_array
            self.builders[f"{core}.multiarray.scalar"] = self._scalar
            self.builders[f"{core}.numeric._frombuffer"] = self._array

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Our function for ``module.name``. Nothing is imported."""
        builder = self.builders.get(f"{module}.{name}")
        if builder is None:
            raise _RefusedError(f"it names {module[:100]}.{name[:100]}")
        return builder

    def spend(self, num_bytes: int) -> None:
        """Count bytes that are copied, for a pickle may refer to the same ones again and again."""
        self.bytes_left -= num_bytes
        if self.bytes_left < 0:
            raise _RefusedError("its arrays are larger than the file")

    def _encode(self, text: str, encoding: str) -> bytes:
        if encoding != "latin1":
            raise _RefusedError(f"it encodes text as {encoding[:20]!r}")
        self.spend(len(text))
        return text.encode("latin1")

    def _empty_array(self, *_: object) -> _Array:
        return _Array(self.spend)

    def _array(self, buffer: bytes, dtype: _DType, shape: Sequence[int], order: str) -> _Array:
        array = _Array(self.spend)
        array.fill(shape, dtype, order, buffer)
        return array

    def _scalar(self, dtype: _DType, content: bytes) -> _Array:
        return self._array(content, dtype, (), "C")

    def load_bytearray8(self) -> None:
        """Python's allocates the length that the file claims before it looks for the bytes."""
        self.append(self.read(int.from_bytes(self.read(8), "little")))

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if not isinstance(target, _Array | _DType):
            raise _RefusedError(f"it changes the inside of a {type(target).__name__}")
        target.set_state(state)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def load_setitems(self) -> None:
        self._put(self.pop_mark())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._put(items)

    def _put(self, items: list[Any]) -> None:
        """Keys are names: hashing, say, a deeply nested tuple would overflow the interpreter's stack."""
        if not all(isinstance(key, str | int) for key in items[::2]):
            raise _RefusedError("it has a dictionary whose keys are not names")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def load_inst(self) -> NoReturn:
        module, name = (self.readline()[:-1].decode("ascii") for _ in range(2))
        raise _RefusedError(f"it makes a {module[:100]}.{name[:100]}")


class _Steps(dict[int, Callable[[Any], None]]):
    """The steps (opcodes) that a pickle of arrays may take, and not too many of them."""

    def __init__(self) -> None:
        super().__init__(_STEPS)
        self.steps_left = MAX_STEPS

    def __getitem__(self, opcode: int) -> Callable[[Any], None]:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise _RefusedError(f"it takes more than {MAX_STEPS} steps")
        return super().__getitem__(opcode)

    def __missing__(self, opcode: int) -> NoReturn:
        raise _RefusedError(f"it takes the step {bytes([opcode])!r}")


_OWN_STEPS = {
    pickle.BYTEARRAY8: _ArrayUnpickler.load_bytearray8,
    pickle.BUILD: _ArrayUnpickler.load_build,
    pickle.DICT: _ArrayUnpickler.load_dict,
    pickle.SETITEM: _ArrayUnpickler.load_setitem,
    pickle.SETITEMS: _ArrayUnpickler.load_setitems,
    pickle.INST: _ArrayUnpickler.load_inst,
}
# Left out: sets, objects (OBJ, NEWOBJ), names by number (EXT, PERSID), DUP, buffers beside the file, huge ints (LONG4).
_PYTHON_STEPS = (
    "PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 FLOAT BINFLOAT "
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES "
    "BINBYTES8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT PUT BINPUT "
    "LONG_BINPUT MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE"
)
_STEPS: dict[int, Callable[[Any], None]] = {
    **{(code := getattr(pickle, name)[0]): _ArrayUnpickler.dispatch[code] for name in _PYTHON_STEPS.split()},
    **{opcode[0]: step for opcode, step in _OWN_STEPS.items()},
}


def _finished(value: object) -> np.ndarray | None:
    """The array behind an entry of the state dict: an array, or Paddle's (name, array)."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]
    return value.numpy if isinstance(value, _Array) else None


def _empty_dict() -> dict[str, Any]:
    return {}


def _same_tuple(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(values, tuple):
        raise _RefusedError("it makes a tuple of something else")
    return values


def _never_called(*_: object) -> NoReturn:
    raise _RefusedError("it calls numpy.ndarray")
