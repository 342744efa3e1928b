"""The C++ program, an export, and pictures for it."""

import shutil

import pytest
from cpp_build import built
from PIL import Image
from small_net import export_small, picture

from benchmarks.targets.target import UnavailableError


@pytest.fixture(scope="session")
def program():
    try:
        return built()
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """An export that takes any size, as an ONNX file."""
    options = {"input_shape": None, "transforms": [{"type": "Normalize"}]}
    return export_small(tmp_path_factory.mktemp("exported"), **options).folder


@pytest.fixture
def bundle(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "bundle")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Pictures of many sizes and kinds, in sub-folders, with names that meet."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "sub folder").mkdir()
    image = Image.fromarray(picture(45, 60, 3))
    turned = Image.Exif()
    turned[0x0112] = 6
    image.save(folder / "a.png")
    image.save(folder / "a.bmp")
    image.save(folder / "turned.jpg", exif=turned, quality=95)
    image.save(folder / "sub folder" / "ünï.webp", lossless=True, exif=turned)
    image.convert("L").save(folder / "sub folder" / "gray.png")
    image.convert("RGBA").save(folder / "alpha.png")
    image.quantize(7).save(folder / "palette.png")
    image.save(folder / "plain.TIF")
    Image.fromarray(picture(1, 1, 4)).save(folder / "pixel.png")
    Image.fromarray(picture(97, 31, 5)).save(folder / "high.png")
    return folder
