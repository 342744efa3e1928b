"""One command of a chain."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from test_tipc.params import Param

OUTPUT = Path("test_tipc/output")  # below the working directory, as PaddleSeg's

Params = Mapping[str, Param]


@dataclass(frozen=True)
class Step:
    """One command of a chain.

    Attributes:
        command: program and arguments.
        log: gets what it says.
        environment: variables beside those of the chain.
        needs: the step whose result it works on.
        skip: why it cannot run here; empty if it can.
        fresh: a folder of an earlier chain that it replaces.
        warmup: of a measured training, the iterations that do not count; None: its speed does not matter.
    """

    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: "Step | None" = None
    skip: str = ""
    fresh: Path | None = None
    warmup: int | None = None

    @property
    def line(self) -> str:
        """The command as one would type it."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.command)])


def output_folder(params: Params) -> Path:
    """Where logs and results of this chain go."""
    return OUTPUT / params["model_name"].value
