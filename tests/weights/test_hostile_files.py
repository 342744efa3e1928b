"""Files that want more than to be read, and files that are no weights at all."""

import os
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import as_paddle, random_state, write_pdparams
from torch import nn

from segwright.errors import WeightsError
from segwright.weights import read_weights
from segwright.weights.pdparams import MAX_STEPS, read_pdparams

HERE = Path("model.pdparams")


class Call:
    """Pickles as a call of ``function``."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def canary(tmp_path) -> Path:
    """Nobody may create this file."""
    return tmp_path / "canary"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, exec, eval, getattr, np.load, np.fromfile, bytearray, nn.Linear])
def test_r35_pdparams_that_calls_is_refused_and_named(canary, protocol, function):
    code = f"touch {canary}" if function is os.system else f"open({str(canary)!r}, 'w')"
    data = pickle.dumps({"weight": Call(function, code)}, protocol=protocol)
    with pytest.raises(WeightsError, match=rf"{function.__name__}; nothing was run"):
        read_pdparams(data, HERE)
    assert not canary.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cos\nsystem\n(S'touch canary'\ntR.",
        b"(S'touch canary'\nios\nsystem\n.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch canary\x85R.",
        b"\x80\x02cbuiltins\ngetattr\ncnumpy\nndarray\nX\x06\x00\x00\x00tofile\x86R.",
        b"\x80\x02cnumpy\nndarray\n)\x81.",  # NEWOBJ
        b"\x80\x02cnumpy\nndarray\nK\x01\x85R.",  # a name that is only an argument, called
        b"\x80\x02(cnumpy\nndarray\no.",  # OBJ
        b"\x80\x02\x82\x01.",  # EXT1
        b"Pname\n.",  # PERSID
        b"\x80\x04\x8f.",  # EMPTY_SET
        b"\x80\x02}X\x01\x00\x00\x00aK\x01sb.",  # BUILD of something that is no array
        b"\x80\x02c__builtin__\ntuple\nX\x03\x00\x00\x00abc\x85R.",
    ],
)
def test_r35_pickles_written_by_hand(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError):
        read_pdparams(data, HERE)
    assert not list(tmp_path.iterdir())


def test_r35_pth_that_calls_is_refused_and_named(tmp_path, canary):
    for zipped in (True, False):
        file = tmp_path / f"{zipped}.pth"
        torch.save({"weight": Call(os.system, f"touch {canary}")}, file, _use_new_zipfile_serialization=zipped)
        with pytest.raises(WeightsError, match=r"names \w+\.system; nothing was run"):
            read_weights(file)
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(WeightsError, match=r"save only model\.state_dict"):
        read_weights(tmp_path / "module.pth")
    assert not canary.exists()


@pytest.mark.parametrize("dtype", [object, "U3", "S3", "M8[s]", "c8", [("a", "f4")]])
def test_r35_arrays_of_anything_but_numbers_are_refused(dtype):
    with pytest.raises(WeightsError):
        read_pdparams(pickle.dumps({"weight": np.zeros(3, dtype)}), HERE)


def array_steps(shape: bytes, content: bytes) -> bytes:
    """A pickled float32 array, its shape and bytes given as steps of a pickle."""
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R"
        b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + content + b"tb"
    )


def bombs() -> dict[str, bytes]:
    name = b"X\x01\x00\x00\x00a"
    four = b"C\x04abcd"
    long_text = b"X" + struct.pack("<I", 100_000) + b"x" * 100_000
    encode_again = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    array_again = array_steps(b"M\xa8\x61\x85", b"h\x01")
    return {
        "shape beyond the bytes": b"\x80\x03}" + name + array_steps(b"J\xff\xff\xff\x7f\x85", four) + b"s.",
        "negative shape": b"\x80\x03}" + name + array_steps(b"J\xff\xff\xff\xff\x85", four) + b"s.",
        "huge bytearray": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b"abc.",
        "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
        "huge frame": b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + b"abc.",
        "huge memo index": b"\x80\x02}r\xff\xff\xff\xff0h\x07.",
        "the same text encoded again and again": b"\x80\x02" + long_text + b"q\x00]" + encode_again * 1000 + b".",
        "the same bytes in many arrays": b"\x80\x03B"
        + struct.pack("<I", 100_000)
        + bytes(100_000)
        + b"q\x01"
        + array_again * 1000
        + b".",
        "deeply nested key": b"\x80\x02})" + b"\x85" * 300_000 + b"K\x01s.",
        "more steps than weights need": b"\x80\x02" + b"}" * (MAX_STEPS + 10) + b".",
        "dictionary that holds itself": b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.",
        "list that holds itself": b"\x80\x02]q\x00h\x00a.",
    }


@pytest.mark.parametrize("name", bombs())
def test_r35_memory_stays_bounded(name):
    data = bombs()[name]
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError):
            read_pdparams(data, HERE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150_000_000


def test_r35_pth_bombs_are_refused(tmp_path):
    torch.save({"weight": torch.zeros(1).expand(1_000_000_000)}, tmp_path / "view.pth")
    with pytest.raises(WeightsError, match="claims to hold more"):
        read_weights(tmp_path / "view.pth")
    with zipfile.ZipFile(tmp_path / "zip.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"")
        archive.writestr("archive/data/0", bytes(50_000_000))
    with pytest.raises(WeightsError, match="claims to hold more"):
        read_weights(tmp_path / "zip.pth")


def test_what_paddle_and_numpy_write_is_read():
    """Tensors inside containers come as (name, array); scalars, Fortran order and OrderedDict occur."""
    array = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    tree = OrderedDict(
        pair=Call(tuple, ("linear_0.w_0", array)), plain=array, scalar=np.float32(2.5), steps=np.array(7), epoch=3
    )
    for protocol in range(6):
        found = read_pdparams(pickle.dumps(tree, protocol=protocol), HERE)
        assert sorted(found) == ["pair", "plain", "scalar", "steps"]
        np.testing.assert_array_equal(found["pair"], array)
        np.testing.assert_array_equal(found["plain"], array)
        assert found["scalar"] == 2.5
        assert found["steps"] == 7


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "an empty file"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x1f\x8b\x08\x00 and so on", "this archive is truncated, damaged"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\x00\x00\x00\x00\x00\x00\x00\x00\x01", "pdiparams"),
        (b"mIoU 0.31", "unknown format"),
        (b"PK\x03\x04 not really", "damaged or another archive"),
        (pickle.dumps({"lr": 0.1}), "no named arrays"),
        (pickle.dumps([1, 2]), "no named arrays"),
    ],
)
def test_r36_files_that_are_no_weights_are_named(tmp_path, content, cause):
    file = tmp_path / "model.pdparams"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=cause) as caught:
        read_weights(file)
    assert str(file) in str(caught.value)


def whole_files(folder: Path) -> dict[str, bytes]:
    state = random_state()
    torch.save(state, folder / "model.pth")
    from safetensors.torch import save

    return {
        "pdparams": write_pdparams(folder / "model.pdparams", as_paddle(state)).read_bytes(),
        "pth": (folder / "model.pth").read_bytes(),
        "safetensors": save(state),
    }


@pytest.mark.parametrize("kind", ["pdparams", "pth", "safetensors"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_r36_truncated_files_are_named(tmp_path, kind, share):
    whole = whole_files(tmp_path)[kind]
    file = tmp_path / f"half.{kind}"
    file.write_bytes(whole[: max(20, int(share * len(whole)))])
    with pytest.raises(WeightsError, match="truncated"):
        read_weights(file)


@settings(deadline=None, max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_r36_a_changed_byte_gives_arrays_or_an_error_of_ours(place, value):
    data = bytearray(pickle.dumps(as_paddle(random_state()), protocol=4))
    data[int(place * len(data))] = value
    try:
        arrays = read_pdparams(bytes(data), HERE)
    except WeightsError:
        return
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
