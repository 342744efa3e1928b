"""Parameter files of test chains, with lines changed."""

from pathlib import Path

CHAINS = Path(__file__).parents[1] / "test_tipc/configs"
FROM_PADDLESEG = {  # lines of our chains as PaddleSeg's files have them
    "python": "python3.7",
    "gpu_list": "0|0,1",
    "trainer": "norm",
    "norm_train": "tools/train.py --config x.yml --device gpu --do_eval --save_interval 500 --seed 100 --num_workers 8",
    "whole": None,
    "eval": "null",
    "export1": "null",
    "train_infer_img_dir": "pictures.list",
    "--enable_mkldnn": "True",
    "--cpu_threads": "6",
    "--use_trt": "False",
    "--profiler_options": "'batch_range=[10,20];state=GPU;profile_path=model.profile'  ",
    "flags": "FLAGS_eager_delete_tensor_gb=0.0;FLAGS_cudnn_deterministic=False",
}


def chain_text(changes: dict[str, str | None], chain: str = "lraspp") -> str:
    """The file of a chain with other values for some keys; a key whose value is None becomes ``null:null``."""
    lines = (CHAINS / chain / "train_infer_python.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        key = line.partition(":")[0]
        if key in changes:
            lines[number] = "null:null" if changes[key] is None else f"{key}:{changes[key]}"
    return "\n".join(lines) + "\n"


def write_chain(path: Path, changes: dict[str, str | None], chain: str = "lraspp") -> Path:
    """Write ``chain_text``."""
    path.write_text(chain_text(changes, chain), encoding="utf-8")
    return path
