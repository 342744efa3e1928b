"""How to run an exported model."""

import os
from dataclasses import dataclass
from typing import Literal

from segwright.errors import ConfigError

Device = Literal["cpu", "gpu"]
Precision = Literal["fp32", "bf16", "fp16", "int8"]

MIN_SUBGRAPH_SIZE = 3


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How to run a model. What an engine cannot do, it refuses when it opens the model.

    Attributes:
        engine: a key of ``engines.ENGINES``; ``auto`` takes the first that is installed and reads the model, and for
            int8 on CPUs OpenVINO.
        device: ``cpu`` or ``gpu``.
        cpu_threads: threads that compute; None for up to ten.
        parallel: runs of the network at the same time, which share these threads.
        precision: arithmetic; None for that of the exported file. ``int8`` wants a model that was quantised.
        use_trt: compile for TensorRT.
        min_subgraph_size: smallest piece of the graph that TensorRT takes over.
        enable_mkldnn: use the kernels of oneDNN.
        keep_memory: have ONNX Runtime keep working memory from run to run, which is faster and takes more of it.
        compile: compile with ``torch.compile``, which takes a minute and makes the torch engine faster.
    """

    engine: str = "auto"
    device: Device = "cpu"
    cpu_threads: int | None = None
    parallel: int = 1
    precision: Precision | None = None
    use_trt: bool = False
    min_subgraph_size: int = MIN_SUBGRAPH_SIZE
    enable_mkldnn: bool = False
    keep_memory: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        if self.cpu_threads is not None and self.cpu_threads < 1:
            raise ConfigError(f"cpu_threads is a number of threads, at least 1; got {self.cpu_threads}")
        if self.parallel < 1:
            raise ConfigError(f"parallel is a number of runs at the same time, at least 1; got {self.parallel}")
        if self.min_subgraph_size < 1:
            raise ConfigError(f"min_subgraph_size is a number of operators, at least 1; got {self.min_subgraph_size}")
        if self.use_trt and self.device != "gpu":
            raise ConfigError("use_trt compiles for NVIDIA GPUs: add --device gpu, or leave use_trt out")
        if self.min_subgraph_size != MIN_SUBGRAPH_SIZE and not self.use_trt:
            raise ConfigError("min_subgraph_size speaks of TensorRT: add --use_trt --device gpu, or leave it out")
        if self.enable_mkldnn and self.device != "cpu":
            raise ConfigError("enable_mkldnn speaks of the CPU: use --device cpu, or leave it out")

    @property
    def threads(self) -> int:
        """``cpu_threads``, else ten as in PaddleSeg but no more than the machine has cores, where they would hinder."""
        return self.cpu_threads or min(10, os.cpu_count() or 1)

    @property
    def threads_per_run(self) -> int:
        """What each of the ``parallel`` runs gets of them."""
        return max(1, self.threads // self.parallel)
