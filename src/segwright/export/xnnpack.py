"""Programs of ``torch.export`` as files for ExecuTorch, computed by XNNPACK's kernels."""

from pathlib import Path

import torch

from segwright.errors import ExportError
from segwright.export.deployed import reason
from segwright.export.quiet import quiet

TALKATIVE = ("torchao", "torch.utils._pytree")  # loggers of the libraries that make these files


def save(program: torch.export.ExportedProgram, path: Path, name: str) -> None:
    """Write a ``.pte`` file.

    Args:
        program: what to write.
        path: the file.
        name: of the model, for messages.

    Raises:
        ExportError: ExecuTorch cannot take the program.
    """
    try:
        with quiet(*TALKATIVE):
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

            lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    except Exception as error:  # it raises whatever it met
        raise ExportError(f"ExecuTorch cannot take {name}: {reason(error)}") from error
    path.write_bytes(lowered.buffer)
