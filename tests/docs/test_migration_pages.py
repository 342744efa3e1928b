"""The guide for users of PaddleSeg: both languages say the same, and name all that there is to name."""

import re

import pytest
from doc_blocks import ROOT, read_blocks
from test_docs import known_flags

from segwright.cli.main import main
from segwright.registry import BACKBONES, DATASETS, LOSSES, MODELS, OPTIMIZERS, TRANSFORMS

ENGLISH, CHINESE = (ROOT / f"docs/migrate_from_paddleseg{suffix}.md" for suffix in ("", ".zh"))
CODE = re.compile(r"`([^`]+)`")
SECTIONS = {
    "Flags of training": ("train",),
    "Flags of evaluation and prediction": ("val", "predict"),
    "Flags of export and inference": ("export", "infer"),
}
PADDLESEG_FLAGS = {
    "Flags of training": """config iters batch_size learning_rate device save_dir num_workers do_eval use_vdl use_ema
        resume_model save_interval log_iters keep_checkpoint_max early_stop_intervals seed precision amp_level
        profiler_options data_format repeats opts use_multilabel""",
    "Flags of evaluation and prediction": """model_path aug_eval aug_pred scales flip_horizontal flip_vertical is_slide
        crop_size stride data_format auc_roc image_path save_dir custom_color""",
    "Flags of export and inference": """save_dir input_shape output_op without_argmax with_softmax for_fd config
        image_path batch_size device use_trt precision use_int8 min_subgraph_size enable_auto_tune auto_tuned_shape_file
        cpu_threads enable_mkldnn benchmark model_name with_argmax print_detail""",
}


def lines_of(page) -> list[str]:
    """The page without its blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return text.splitlines()


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's tables, without heads."""
    lines = lines_of(ENGLISH)
    start = lines.index(f"## {heading}") + 1
    end = next((place for place, line in enumerate(lines) if place > start and line.startswith("## ")), len(lines))
    return [line.strip("|").split("|") for line in lines[start:end] if line.startswith("| ")][1:]


def test_both_languages_have_the_same_headings_blocks_and_tables():
    def levels(page):
        return [line.split()[0] for line in lines_of(page) if line.startswith("#")]

    def programs(page):
        return [(block.language, block.content, block.not_run) for block in read_blocks(page)]

    def table_code(page):
        return [sorted(CODE.findall(line)) for line in lines_of(page) if line.startswith("|")]

    assert levels(ENGLISH) == levels(CHINESE)
    assert programs(ENGLISH) == programs(CHINESE)
    for english, chinese in zip(table_code(ENGLISH), table_code(CHINESE), strict=True):
        assert english == chinese


def test_text_outside_of_tables_names_the_same():
    def spans(page):
        return sorted(span for line in lines_of(page) if not line.startswith("|") for span in CODE.findall(line))

    assert spans(ENGLISH) == spans(CHINESE)


@pytest.mark.parametrize("heading", SECTIONS)
def test_each_flag_of_paddleseg_is_told_and_each_of_ours_exists(heading):
    table = rows(heading)
    told = {flag for row in table for flag in re.findall(r"--(\w+)", "".join(row))}
    assert set(PADDLESEG_FLAGS[heading].split()) <= told
    ours = set().union(*(known_flags((command,)) for command in SECTIONS[heading]))
    assert {flag for row in table for flag in re.findall(r"--\w+", row[1])} <= ours


def test_components_are_those_that_are_registered():
    table = {row[0].strip(): CODE.findall(row[1]) for row in rows("Architectures and components")}
    assert set(table["models"]) == {name for name, found in MODELS.items() if found.__module__.startswith("segwright.")}
    assert set(table["backbones"]) <= set(BACKBONES)
    families = {
        re.match(r"[A-Za-z]+", name)[0] for name in BACKBONES if BACKBONES[name].__module__.startswith("segwright.")
    }
    assert families == {re.match(r"[A-Za-z]+", name)[0] for name in table["backbones"]}
    assert not set(table["losses"]) & set(LOSSES)
    assert not set(table["data sets"]) & set(DATASETS)
    assert set(table["optimisers"]) - set(OPTIMIZERS) == {"AdamWDL"}
    assert len(TRANSFORMS) >= 25


@pytest.mark.parametrize("device", ["xpu", "npu", "mlu", "meta"])
def test_a_device_of_paddles_that_is_not_here_is_refused(device, toy_config, capsys):
    assert main(["train", "--config", str(toy_config()), "--device", device]) == 2
    assert "want auto, cpu, gpu, cuda:N or mps" in " ".join(capsys.readouterr().err.split())
