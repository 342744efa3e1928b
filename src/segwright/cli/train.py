"""``segwright train --config FILE``: train a model, with checkpoints that go on exactly where they stopped."""

import argparse
import os
from pathlib import Path

from segwright.cli.flags import add_config, add_device, add_switch, add_workers, natural, positive
from segwright.cli.multilabel import add_multilabel, set_multilabel


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("train", help="train a model", description=__doc__)
    add_config(parser)
    parser.add_argument("--iters", type=positive, metavar="N", help="iterations; default: the config's")
    parser.add_argument(
        "--batch_size", type=positive, metavar="N", help="pictures a step and device; default: the config's"
    )
    parser.add_argument("--learning_rate", type=float, metavar="LR", help="rate at the start; default: the config's")
    parser.add_argument(
        "--accumulate",
        type=positive,
        default=1,
        metavar="N",
        help="steps whose gradients make one iteration: N times the batch in the same memory",
    )
    parser.add_argument(
        "--lr_devices",
        type=positive,
        metavar="N",
        help="devices that the learning rate was chosen for, 4 for most published configs; scales it by the devices in "
        "use over N; default: it is right as it is",
    )
    parser.add_argument(
        "--save_dir", type=Path, default=Path("output"), metavar="DIR", help="gets checkpoints and logs"
    )
    add_workers(parser)
    parser.add_argument(
        "--cache_mb",
        type=natural,
        default=0,
        metavar="N",
        help="keep decoded pictures and label maps in memory, up to N MB for all readers on this machine; 0: none",
    )
    add_switch(parser, "--do_eval", "evaluate at every save and keep the best model")
    parser.add_argument(
        "--save_interval",
        "--save_interval_iters",
        type=positive,
        default=1000,
        metavar="N",
        help="iterations between saves",
    )
    parser.add_argument(
        "--resume_model",
        metavar="DIR",
        help="checkpoint to go on from, such as output/iter_500; auto: the newest whole one in --save_dir",
    )
    parser.add_argument(
        "--force", action="store_true", help="resume although settings or pictures differ from the checkpoint's"
    )
    parser.add_argument(
        "--finetune",
        metavar="PATH",
        help="weights to start from, as val --model_path takes them; what does not fit, as the head of another number "
        "of classes, starts afresh; not used where --resume_model auto finds a checkpoint",
    )
    parser.add_argument(
        "--freeze", nargs="+", default=[], metavar="NAME", help="parts of the model that stay as they are: backbone"
    )
    parser.add_argument(
        "--keep_checkpoint_max",
        type=positive,
        default=5,
        metavar="N",
        help="newest checkpoints to keep; the best is kept apart",
    )
    parser.add_argument(
        "--early_stop_intervals",
        type=positive,
        metavar="N",
        help="stop after N evaluations without a better mIoU; with --do_eval",
    )
    parser.add_argument(
        "--seed", type=natural, default=0, metavar="N", help="decides weights, sample order and augmentation"
    )
    parser.add_argument(
        "--repeats", type=positive, default=1, metavar="N", help="times each picture occurs in an epoch"
    )
    parser.add_argument(
        "--on_bad",
        choices=("fail", "skip"),
        default="fail",
        help="what to do about pictures and label maps that cannot be used; skip leaves out up to 1%% of them",
    )
    parser.add_argument(
        "--reader_timeout", type=positive, default=600, metavar="S", help="seconds that a batch may take to be read"
    )
    add_switch(
        parser,
        "--doctor",
        "look at a few pairs first and warn of what is odd; segwright doctor looks at all",
        default=True,
    )
    add_switch(
        parser, "--use_ema", "also average the weights over the steps; the average is evaluated and kept beside them"
    )
    add_multilabel(parser)
    add_device(parser)
    _add_records(parser)
    _add_speed(parser)
    parser.set_defaults(run=run)


def _add_records(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("records", "log.jsonl, log.csv and eval.csv are always written")
    add_switch(group, "--use_vdl", "write VisualDL's log instead of TensorBoard's")
    group.add_argument(
        "--tracker",
        nargs="+",
        choices=("tensorboard", "vdl", "wandb", "mlflow", "none"),
        metavar="NAME",
        help="where to watch curves: tensorboard (default), vdl, wandb, mlflow, several of them, or none",
    )
    group.add_argument("--log_iters", type=positive, default=10, metavar="N", help="iterations between log lines")
    group.add_argument(
        "--num_previews", type=natural, default=4, metavar="N", help="validation pictures to show at each evaluation"
    )
    add_switch(
        group,
        "--val_loss",
        "also compute the loss on validation pictures; slow with RMI and Lovasz losses",
        default=True,
    )
    group.add_argument(
        "--profiler_options",
        metavar="KEY=VALUE;...",
        help="profile some steps: batch_range=[10,20];state=All|CPU|GPU;sorted_key=total|ave|calls;"
        "tracer_option=Default|OpDetail|AllOpDetail;profile_path=FILE;exit_on_finished=True",
    )


def _add_speed(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("speed")
    group.add_argument(
        "--precision",
        choices=("fp32", "fp16", "bf16"),
        default="fp32",
        help="of the forward pass; fp16 needs a GPU, bf16 pays on processors that compute in it",
    )
    group.add_argument(
        "--amp_level",
        choices=("O1", "O2"),
        default="O1",
        help="with fp16 and bf16: O1 keeps the weights in fp32, O2 keeps a second copy of them in half precision",
    )
    group.add_argument(
        "--data_format",
        choices=("NHWC", "NCHW"),
        default="NHWC",
        help="how pictures lie in memory; channels last is faster nearly everywhere",
    )
    group.add_argument(
        "--compile",
        nargs="?",
        const="default",
        choices=("default", "reduce-overhead", "max-autotune"),
        help="compile the model first (torch.compile), which takes minutes; reduce-overhead uses CUDA graphs",
    )
    add_switch(group, "--tf32", "let a GPU multiply fp32 numbers at lower precision", default=True)


def run(args: argparse.Namespace) -> int:
    """Train as the flags say; 130 or 143 if a signal ended the run early."""
    import torch

    from segwright.build import build_losses, build_optimizer, build_scheduler, fill_class_weights, load_config
    from segwright.build.load import complete
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import auc_roc_wanted, build_data, build_model_to_train, inference_of
    from segwright.doctor.brief import brief_look
    from segwright.engine import Speed, train
    from segwright.engine.freeze import freeze
    from segwright.engine.readers import keep_memory
    from segwright.errors import ConfigError

    config = load_config(
        args.config,
        args.opts,
        iters=args.iters,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        lr_devices=args.lr_devices,
        devices=int(os.environ.get("WORLD_SIZE", "1")),
    )
    take_sections(config, args, "global", "train")
    set_multilabel(config, args)
    config.require("train_dataset", "optimizer", "lr_scheduler", "loss", "model", purpose="to train")
    if args.do_eval:
        config.require("val_dataset", purpose="for --do_eval")
    elif args.early_stop_intervals:
        raise ConfigError("--early_stop_intervals needs --do_eval: without evaluation nothing can stop improving")

    goes_on = _goes_on(args)
    if args.finetune and goes_on and args.resume_model != "auto":
        raise ConfigError("--finetune starts a new run, --resume_model goes on with one; give one of them")

    keep_memory()
    torch.manual_seed(args.seed)
    train_set = build_data(config, "train_dataset")
    fill_class_weights(config, train_set)
    val_set = build_data(config, "val_dataset") if args.do_eval else None
    if args.doctor and not goes_on and os.environ.get("RANK", "0") == "0":
        brief_look(config, {"train_dataset": train_set} | ({"val_dataset": val_set} if val_set else {}))
    model = build_model_to_train(config, resumed=goes_on, finetune=None if goes_on else args.finetune)
    if args.freeze:
        freeze(model, args.freeze)
    schedule = config.section("lr_scheduler") or {}
    rate = schedule.get("learning_rate", 0.0)  # until the schedule sets that of the first step
    optimizer = build_optimizer(config.section("optimizer") or {}, model, lr=rate)
    result = train(
        model,
        train_set,
        val_set,
        optimizer=optimizer,
        lr_scheduler=build_scheduler(schedule, optimizer, config.iters),
        losses=build_losses(config.section("loss") or {}),
        save_dir=args.save_dir,
        iters=config.iters,
        batch_size=config.batch_size,
        accumulate=args.accumulate,
        resume_model=args.resume_model,
        save_interval=args.save_interval,
        log_iters=args.log_iters,
        num_workers=args.num_workers,
        use_vdl=args.use_vdl,
        trackers=args.tracker,
        keep_checkpoint_max=args.keep_checkpoint_max,
        early_stop_intervals=args.early_stop_intervals,
        speed=Speed(args.precision, args.amp_level, args.data_format, args.compile, args.tf32),
        use_ema=args.use_ema,
        device=args.device,
        seed=args.seed,
        repeats=args.repeats,
        on_bad=args.on_bad,
        reader_timeout=args.reader_timeout,
        procedure=inference_of(config),
        auc_roc=auc_roc_wanted(config),
        val_loss=args.val_loss,
        num_previews=args.num_previews,
        profiler_options=args.profiler_options,
        cache_mb=args.cache_mb,
        config=config.to_dict(),
        complete_config=complete(config),
        force=args.force,
    )
    return result.exit_code


def _goes_on(args: argparse.Namespace) -> bool:
    """Whether the run takes its weights from a checkpoint; ``auto`` does where there is one."""
    from segwright.engine.checkpoint import checkpoints

    return args.resume_model not in (None, "auto") or bool(args.resume_model and checkpoints(args.save_dir))
