"""A configuration against the classes it names: taken over, checked, and named to the line when wrong."""

import json

import pytest
import torch
import yaml

import segwright
from segwright.build.load import complete, load_config, model_block
from segwright.errors import ConfigError
from segwright.registry import LOSSES, MODELS, TRANSFORMS


def test_facts_pass_from_the_data_set_to_model_and_losses(toy_config):
    path = toy_config(extra="")
    config = load_config(path, opts=["train_dataset.ignore_index=254", "val_dataset.ignore_index=254"])
    data = config.to_dict()
    assert data["model"]["num_classes"] == 2
    assert [loss["ignore_index"] for loss in data["loss"]["types"]] == [254] * 5
    assert data["train_dataset"]["mode"] == "train"
    assert data["val_dataset"]["mode"] == "val"


def test_a_named_data_set_tells_the_model_its_classes(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("val_dataset: {type: CamVid, dataset_root: x, transforms: []}\nmodel: {type: BiSeNetV2}\n")
    assert model_block(load_config(path))["num_classes"] == 11


def test_the_model_tells_a_silent_data_set_its_classes(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text(
        "val_dataset: {type: Dataset, dataset_root: x, val_path: y, transforms: []}\n"
        "model: {type: BiSeNetV2, num_classes: 4}\n"
    )
    assert load_config(path).to_dict()["val_dataset"]["num_classes"] == 4


@pytest.mark.parametrize(
    ("opts", "message"),
    [
        (
            ["train_dataset.transforms.1.brightnes_range=1"],
            r"--opts: train_dataset\.transforms\[1\]\.brightnes_range: RandomDistort has no .*mean 'brightness_range'",
        ),
        (
            ["train_dataset.transforms.0.type=RandomHorizontalFlipp"],
            r"train_dataset\.transforms\[0\]\.type: unknown transform .*did you mean 'RandomHorizontalFlip'",
        ),
        (["model.type=BiSeNetV3"], r"model\.type: unknown model 'BiSeNetV3'; did you mean 'BiSeNetV2'"),
        (["model.lambd=wide"], r"model\.lambd: got 'wide': Input should be a valid number"),
        (["train_dataset.transforms.0.prob=[1]"], r"transforms\[0\]\.prob: got \[1\]: Input should be a valid number"),
        (["model.num_classes=3"], r"num_classes differs: .*train_dataset has 2.*model has 3; make them equal"),
        (["train_dataset.num_classes=1", "val_dataset.num_classes=1"], r"1 class; the background counts as a class"),
        (["optimizer.momentun=0.5"], r"optimizer\.momentun: .* did you mean 'momentum'"),
        (
            ["loss.coef=[1, 1, 1, 1]"],
            r"loss\.coef has 4 entries, but BiSeNetV2 trains 5 outputs: main, stage2, stage3, stage4, stage5",
        ),
        (["loss.types.0.ignore_index=0", "train_dataset.ignore_index=255"], r"ignore_index is 0, but .* is 255"),
        (["train_dataset.img_channels=1", "model.in_channels=3"], r"in_channels is 3, but .* is 1; make them equal"),
        (["train_dataset.ignore_index=1", "val_dataset.ignore_index=2"], r"ignore_index differs"),
        (["train_dataset.trian_path=x"], r"did you mean 'train_path'"),
        (["batch_size=two"], r"--opts: batch_size: want a whole number of at least 1, got 'two'"),
    ],
)
def test_r30_r33_r34_mistakes_name_the_place_and_the_mend(toy_config, opts, message):
    with pytest.raises(ConfigError, match=message):
        load_config(toy_config(), opts=opts)


def test_r30_a_typo_names_file_and_line(toy_config):
    path = toy_config()
    text = path.read_text().replace("brightness_range", "brightness_rnge")
    path.write_text(text)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "rnge" in row)
    with pytest.raises(ConfigError, match=rf"toy\.yml:{line}: train_dataset\.transforms\[1\]\.brightness_rnge"):
        load_config(path)


def test_a_schedule_shorter_than_training_is_warned_about(toy_config, caplog):
    load_config(toy_config(), opts=["lr_scheduler.decay_steps=4"])
    assert "decays over 4 steps, but training takes 8" in caplog.text


def test_arguments_of_the_command_line_win(toy_config):
    config = load_config(toy_config(), opts=["iters=5"], iters=7, batch_size=2, learning_rate=0.5)
    assert (config.iters, config.batch_size) == (7, 2)
    assert config.to_dict()["lr_scheduler"]["learning_rate"] == 0.5


def test_a_learning_rate_for_several_devices_is_divided(toy_config):
    schedule = load_config(toy_config(), learning_rate=0.5, lr_devices=4).to_dict()["lr_scheduler"]
    assert (schedule["learning_rate"], schedule["end_lr"]) == (0.125, 0)
    assert load_config(toy_config(), lr_devices=1).to_dict()["lr_scheduler"]["learning_rate"] == 0.02


def test_a_learning_rate_for_one_device_grows_with_the_devices(toy_config):
    rates = {
        chosen_for: load_config(toy_config(), lr_devices=chosen_for, devices=2).to_dict()["lr_scheduler"][
            "learning_rate"
        ]
        for chosen_for in (None, 1, 2, 4)
    }
    assert rates == {None: 0.02, 1: 0.04, 2: 0.02, 4: 0.01}


@pytest.mark.parametrize(
    ("block", "divided"),
    [
        ("{type: PiecewiseDecay, boundaries: [3, 5], values: [0.4, 0.2, 0.1]}", {"values": [0.1, 0.05, 0.025]}),
        ("{type: OneCycleLR, max_learning_rate: 0.4, total_steps: 9}", {"max_learning_rate": 0.1}),
    ],
)
def test_rates_of_other_names_are_divided_for_several_devices_too(toy_config, block, divided):
    path = toy_config()
    old = "{type: PolynomialDecay, learning_rate: 0.02, end_lr: 0, power: 0.9}"
    path.write_text(path.read_text().replace(old, block))
    schedule = load_config(path, lr_devices=4).to_dict()["lr_scheduler"]
    assert {key: schedule[key] for key in divided} == divided


def test_what_torch_refuses_is_an_error_of_the_configuration():
    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    with pytest.raises(ConfigError, match=r"^optimizer: Nesterov momentum requires a momentum"):
        segwright.build_optimizer({"type": "SGD", "use_nesterov": True}, model, lr=0.1)


def test_older_files_run(toy_config):
    path = toy_config()
    text = path.read_text().replace(
        "lr_scheduler: {type: PolynomialDecay, learning_rate: 0.02, end_lr: 0, power: 0.9}",
        "learning_rate:\n  value: 0.02\n  decay: {type: poly, power: 0.9, end_lr: 0.0}",
    )
    path.write_text(
        text.replace("type: SGD", "type: sgd").replace("{type: BiSeNetV2}", "{type: BiSeNetV2, pretrained: Null}")
    )
    config = load_config(path)
    assert config.to_dict()["lr_scheduler"]["type"] == "PolynomialDecay"
    assert config.to_dict()["model"]["pretrained"] is None


def test_the_completed_configuration_loads_and_is_its_own_completion(toy_config, tmp_path):
    once = complete(load_config(toy_config()))
    path = tmp_path / "complete.yml"
    path.write_text(yaml.safe_dump(once, sort_keys=False))
    assert complete(load_config(path)) == once


def test_every_registered_component_can_be_checked_and_has_annotated_options():
    import inspect

    for registry in (MODELS, LOSSES, TRANSFORMS):
        for name, factory in registry.items():
            for parameter in list(inspect.signature(factory).parameters.values()):
                assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)
                assert parameter.kind is not parameter.VAR_KEYWORD, name


def test_configurations_in_the_project_are_valid():
    from pathlib import Path

    files = sorted((Path(__file__).parents[2] / "configs").glob("*/*.yml"))
    assert files
    for file in files:
        load_config(file)


def test_recorded_files_of_other_architectures_say_what_there_is(shared, tmp_path):
    merged = [json.loads(path.read_text())["merged_yaml"] for path in (shared / "reference/configs").glob("*.json")]
    for config in (config for config in merged if config["model"]["type"] not in MODELS):
        path = tmp_path / "x.yml"
        path.write_text(yaml.safe_dump(config))
        wanted = rf"model\.type: unknown model '{config['model']['type']}'; .*known: ANN, .*, UNet"
        with pytest.raises(ConfigError, match=wanted):
            load_config(path)


def test_an_unknown_architecture_comes_before_other_mistakes(toy_config):
    path = toy_config(model="DANet")
    path.write_text(path.read_text().replace("type: Normalize", "type: Normalise"))
    message = r"toy\.yml:\d+: model\.type: unknown model 'DANet'; did you mean 'PSANet'\? known: ANN, .*FCN, .*, UNet"
    with pytest.raises(ConfigError, match=message):
        load_config(path)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("MSCAN_T", r"model\.backbone\.type: unknown backbone 'MSCAN_T'; known: HRNet_W18, .*Xception71_deeplab"),
        ("UHRNet_W48", r"unknown backbone 'UHRNet_W48'; did you mean 'HRNet_W48'\? known: HRNet_W18, "),
    ],
)
def test_an_unknown_backbone_is_named_and_all_are_listed(tmp_path, backbone, message):
    path = tmp_path / "x.yml"
    path.write_text(f"model: {{type: FCN, num_classes: 2, backbone: {{type: {backbone}}}}}\n")
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_newer_file_with_sections_for_flags_loads_and_completes(toy_config, tmp_path):
    (tmp_path / "runtime.yml").write_text(
        "global: {data_format: NCHW, device: gpu, num_workers: 0}\n"
        "train: {save_dir: ./output, save_interval: 1000, seed: null, precision: fp32}\n"
        "test: {aug_eval: False, scales: 1.0, crop_size: null, auc_roc: False}\n"
    )
    toy_config(extra="test: {auc_roc: True}\n")
    path = tmp_path / "newer.yml"
    path.write_text("_base_: [toy.yml, runtime.yml]\nbatch_size: 2\ntrain: {save_interval: 5}\n")
    data = complete(load_config(path))
    assert data["test"] == {"aug_eval": False, "scales": 1.0, "crop_size": None, "auc_roc": True}
    assert (data["batch_size"], data["train"]["save_interval"], data["train"]["seed"]) == (2, 5, None)


DISTILL = "distill_loss:\n  types: [{type: KLLoss}]\n  coef: [3, 1]\n"


def test_a_distillation_loss_is_checked_and_said_to_change_nothing(toy_config, caplog):
    config = load_config(toy_config(extra=DISTILL), opts=["train_dataset.ignore_index=254"])
    assert config.section("distill_loss")["types"] == [{"type": "KLLoss", "ignore_index": 254}] * 2
    assert complete(config)["distill_loss"]["types"][0]["temperature"] == 1
    assert "distill_loss: there is no training with a teacher; the model learns from 'loss' alone" in caplog.text


def test_mistakes_in_a_distillation_loss_are_told(toy_config):
    with pytest.raises(ConfigError, match=r"distill_loss\.types\[0\]\.temperatur: KLLoss has no .* 'temperature'"):
        load_config(toy_config(extra=DISTILL.replace("KLLoss", "KLLoss, temperatur: 2")))


def test_a_transform_that_is_no_block_is_named(toy_config):
    with pytest.raises(
        ConfigError, match=r"train_dataset\.transforms\[0\]: want a mapping .* a transform, got 'Normal"
    ):
        load_config(toy_config(), opts=["train_dataset.transforms=['Normalize']"])


def test_entry_points_build_from_plain_data(toy_data):
    model = segwright.build_model({"type": "BiSeNetV2", "num_classes": 5})
    assert len(model.output_names) == 5
    transforms = segwright.build_transforms([{"type": "Resize", "target_size": [64, 48]}, {"type": "Normalize"}])
    data = segwright.build_dataset(
        {
            "type": "Dataset",
            "dataset_root": str(toy_data),
            "train_path": "train.txt",
            "num_classes": 2,
            "transforms": [],
        }
    )
    image, label = data[0]
    assert (image.shape, image.dtype, label.shape, label.dtype) == ((3, 40, 48), "float32", (40, 48), "int64")
    sample = transforms(image.transpose(1, 2, 0), label, seed=0)
    assert (sample.image.shape, sample.label.shape) == ((48, 64, 3), (48, 64))
    optimizer = segwright.build_optimizer({"type": "SGD", "momentum": 0.9}, model, lr=0.01)
    block = {"type": "PolynomialDecay", "learning_rate": 0.01, "power": 0.9, "end_lr": 0}
    schedule = segwright.build_scheduler(block, optimizer, iters=1000)
    assert schedule.get_last_lr() == [0.01]
    loss = segwright.build_loss({"type": "CrossEntropyLoss"})
    logits = model.eval()(torch.zeros(1, 3, 40, 48))[0]
    assert loss(logits, torch.zeros(1, 40, 48, dtype=torch.int64)).ndim == 0
    with pytest.raises(ConfigError, match="did you mean 'Normalize'"):
        segwright.build_transforms([{"type": "Normalise"}])
