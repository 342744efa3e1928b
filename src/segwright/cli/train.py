"""``segwright train --config FILE``: train a model, with checkpoints that go on exactly where they stopped."""

import argparse
from pathlib import Path

from segwright.cli.flags import add_config, add_device, add_switch, add_workers, natural, positive


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
        "--lr_devices",
        type=positive,
        default=1,
        metavar="N",
        help="devices that the learning rate was chosen for, 4 for most published configs; divides it by N",
    )
    parser.add_argument(
        "--save_dir", type=Path, default=Path("output"), metavar="DIR", help="gets checkpoints and logs"
    )
    add_workers(parser)
    add_switch(parser, "--do_eval", "evaluate at every save and keep the best model")
    add_switch(parser, "--use_vdl", "write VisualDL's log instead of TensorBoard's")
    parser.add_argument(
        "--save_interval",
        "--save_interval_iters",
        type=positive,
        default=1000,
        metavar="N",
        help="iterations between saves",
    )
    parser.add_argument("--log_iters", type=positive, default=10, metavar="N", help="iterations between log lines")
    parser.add_argument(
        "--resume_model", type=Path, metavar="DIR", help="checkpoint to go on from, such as output/iter_500"
    )
    parser.add_argument("--force", action="store_true", help="resume although settings differ from the checkpoint's")
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
        "--precision", choices=("fp32", "fp16", "bf16"), default="fp32", help="of the forward pass; weights stay fp32"
    )
    parser.add_argument(
        "--repeats", type=positive, default=1, metavar="N", help="times each picture occurs in an epoch"
    )
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train as the flags say; 130 or 143 if a signal ended the run early."""
    import torch

    from segwright.build import build_losses, build_optimizer, build_scheduler, load_config
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import auc_roc_wanted, build_data, build_model_to_train, inference_of, save_config
    from segwright.engine import train
    from segwright.errors import ConfigError

    config = load_config(
        args.config,
        args.opts,
        iters=args.iters,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        lr_devices=args.lr_devices,
    )
    take_sections(config, args, "global", "train")
    config.require("train_dataset", "optimizer", "lr_scheduler", "loss", "model", purpose="to train")
    if args.do_eval:
        config.require("val_dataset", purpose="for --do_eval")
    elif args.early_stop_intervals:
        raise ConfigError("--early_stop_intervals needs --do_eval: without evaluation nothing can stop improving")

    torch.manual_seed(args.seed)
    train_set = build_data(config, "train_dataset")
    val_set = build_data(config, "val_dataset") if args.do_eval else None
    model = build_model_to_train(config, resumed=args.resume_model is not None)
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
        resume_model=args.resume_model,
        save_interval=args.save_interval,
        log_iters=args.log_iters,
        num_workers=args.num_workers,
        use_vdl=args.use_vdl,
        keep_checkpoint_max=args.keep_checkpoint_max,
        early_stop_intervals=args.early_stop_intervals,
        precision=args.precision,
        device=args.device,
        seed=args.seed,
        repeats=args.repeats,
        procedure=inference_of(config),
        auc_roc=auc_roc_wanted(config),
        config=config.to_dict(),
        force=args.force,
    )
    save_config(config, args.save_dir)
    return result.exit_code
