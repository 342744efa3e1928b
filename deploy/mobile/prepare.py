"""Put an export into the Android project: the model, and as JSON what its deploy.yaml says.

    python3 deploy/mobile/prepare.py output/pte deploy/mobile/android/app/src/main/assets

It needs segwright, on the machine that exported. What the app does not do ends in an error here, not on the phone.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from segwright.atomic import ensure_folder, write_bytes, write_json
from segwright.bundle import MANIFEST_NAME, Manifest
from segwright.errors import ConfigError, SegwrightError
from segwright.images import read_label


def main() -> int:
    """Check, copy, describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path, help="folder that `segwright export --format executorch` wrote")
    parser.add_argument("assets", type=Path, help="folder of the app's assets")
    args = parser.parse_args()
    try:
        manifest = Manifest.read(args.export / MANIFEST_NAME)
        description = describe(manifest)
        ensure_folder(args.assets)
        shutil.copy(args.export / manifest.model, args.assets / "model.pte")
        for name, test in zip(description["selftest"], manifest.selftest, strict=True):
            shutil.copy(args.export / test.image, args.assets / f"{name}.png")
            write_bytes(args.assets / f"{name}.labels", read_label(args.export / test.mask).tobytes())
        write_json(args.assets / "model.json", description)
    except SegwrightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{args.assets}: {manifest.model}, {manifest.precision}, {description['width']}x{description['height']}")
    return 0


def describe(manifest: Manifest) -> dict[str, Any]:
    """What the app wants to know of a model.

    Raises:
        ConfigError: it is not one that the app can run.
    """
    batch, channels, height, width = manifest.input_shape
    resize, normalize = [*manifest.transforms, {}, {}][:2]
    fixed = resize.get("type") == "Resize" and not resize["keep_ratio"] and not resize["size_divisor"]
    for wanted, fits in {
        "--format executorch": manifest.format == "executorch",
        "--output_op argmax": manifest.output_op == "argmax",
        "--picture_input False": not manifest.picture_input,
        "--input_shape 1 3 H W": (batch, channels) == (1, 3),
        "255 classes or fewer": manifest.num_classes < 256,
        "the transforms Resize, to that fixed size with interp LINEAR, and Normalize": len(manifest.transforms) == 2
        and fixed
        and resize["interp"] == "LINEAR"
        and list(resize["target_size"]) == [width, height]
        and normalize.get("type") == "Normalize",
    }.items():
        if not fits:
            raise ConfigError(f"the app takes exports with {wanted}, and this one is another: export again")
    return {
        "width": width,
        "height": height,
        "red_first": manifest.to_rgb,
        "mean": _three(normalize["mean"]),
        "std": _three(normalize["std"]),
        "labels": list(manifest.labels or map("class {}".format, range(manifest.num_classes))),
        "palette": [red << 16 | green << 8 | blue for red, green, blue in manifest.palette],
        "sha256": manifest.files[manifest.model],
        "selftest": [f"selftest_{number}" for number in range(1, len(manifest.selftest) + 1)],
    }


def _three(values: Any) -> list[float]:
    given = values if isinstance(values, list | tuple) else [values]
    return [float(value) for value in given] * (3 // len(given))


if __name__ == "__main__":
    sys.exit(main())
