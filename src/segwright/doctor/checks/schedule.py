"""Batch, iterations and learning rate against the number of pictures."""

from collections.abc import Iterator

from segwright.doctor.case import TRAIN, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.registry import check


@check(brief=False)
def epochs(case: Case) -> Iterator[Finding]:
    """What the numbers mean for this data set."""
    dataset = case.datasets.get(TRAIN)
    if dataset is None or case.config is None:
        return
    batch, iters = case.config.batch_size, case.config.iters
    if len(dataset) < batch:
        yield Finding(
            kind="batch-too-large",
            level=Level.ERROR,
            title="A batch is larger than the data set",
            measured=f"{case.where('batch_size')} is {batch}, and train_dataset has {len(dataset)} pictures",
            suggestion="Take a smaller batch, or --repeats N, which shows each picture N times an epoch.",
            snippet=f"batch_size: {len(dataset)}",
        )
        return
    number = iters * batch / len(dataset)
    rate = (case.config.section("lr_scheduler") or {}).get("learning_rate")
    if number < 1:
        yield Finding(
            kind="epochs-few",
            level=Level.WARNING,
            title="Training ends before it has seen all pictures",
            measured=f"{iters} iterations of {batch} pictures are {number:.2f} epochs of {len(dataset)} pictures",
            suggestion="Train longer.",
            snippet=f"iters: {-(-len(dataset) // batch) * 100}  # 100 epochs",
        )
    if rate is not None:
        yield Finding(
            kind="learning-rate",
            level=Level.INFO,
            title=f"{number:,.0f} epochs at a learning rate from {rate} on" if number >= 1 else f"Learning rate {rate}",
            measured=f"{iters} iterations with batch_size {batch} on one device, over {len(dataset)} pictures",
            suggestion="Published configurations are mostly for four devices: on one, --lr_devices 4 makes the rate a "
            "quarter.",
        )
