"""Predict pictures with an exported model: label maps and overlays, or its self-test.

    python3 pictures.py --config export/deploy.yaml --image_path pictures/ --save_dir labels/

Beside the engine (onnxruntime, openvino or executorch) it needs numpy, opencv-python-headless, pillow and pyyaml.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

from arguments import add_model, run_program
from errors import EdgeError
from picture_files import list_pictures, read_label_map, read_picture, write_label_map, write_picture
from segmenter import Segmenter


def main() -> int:
    """Read the command line, predict, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_model(parser)
    parser.add_argument("--image_path", type=Path, metavar="PATH", help="a picture, or a folder with its sub-folders")
    parser.add_argument("--save_dir", type=Path, default=Path("labels"), metavar="DIR", help="default: labels")
    parser.add_argument("--selftest", action="store_true", help="compare with the export's own test pictures instead")
    args = parser.parse_args()
    if (args.image_path is None) != args.selftest:
        parser.error("give either --image_path or --selftest")

    segmenter = Segmenter(args.config, engine=args.engine, threads=args.threads)
    if args.selftest:
        return selftest(segmenter)
    return predict(segmenter, args.image_path, args.save_dir)


def predict(segmenter: Segmenter, source: Path, save_dir: Path) -> int:
    """Write ``NAME.png``, a label map, and ``overlay/NAME.jpg`` for each picture; what cannot be read is told."""
    milliseconds, failed = [], 0
    root = source if source.is_dir() else source.parent
    for path in list_pictures(source):
        try:
            picture = read_picture(path)
            start = time.perf_counter()
            labels = segmenter(picture)
            milliseconds.append(1000 * (time.perf_counter() - start))
        except EdgeError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        name = path.relative_to(root)
        write_label_map(save_dir / name.with_suffix(".png"), labels, segmenter.bundle.palette)
        overlay = segmenter.overlay(picture, labels)
        write_picture(save_dir / "overlay" / name.with_suffix(".jpg"), overlay)
    done = len(milliseconds)
    speed = f", {median(milliseconds):.1f} ms each (median, without reading and writing)" if milliseconds else ""
    print(f"{done} pictures on {segmenter.title}{speed}; label maps in {save_dir}")
    if failed:
        raise EdgeError(f"{failed} of {done + failed} pictures could not be predicted; the reasons stand above")
    return 0


def selftest(segmenter: Segmenter) -> int:
    """Does this device give the labels of the trained model?"""
    passed = True
    for test in segmenter.bundle.selftest:
        labels, wanted = segmenter(read_picture(test.image)), read_label_map(test.mask)
        share = float((labels == wanted).mean()) if labels.shape == wanted.shape else 0.0
        passed &= share >= test.agreement
        verdict = "passed" if share >= test.agreement else "failed"
        print(f"{test.image.name}: {share:.4%} of the labels (wanted: {test.agreement:.2%}), {verdict}")
    return 0 if passed else 1


if __name__ == "__main__":
    run_program(main)
