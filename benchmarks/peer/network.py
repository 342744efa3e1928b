"""An exported model of PaddleSeg's in Paddle Inference, on the CPU with oneDNN."""

import numpy as np
import paddle
import paddleseg
from paddle import inference
from paddleseg.deploy.infer import DeployConfig

VERSIONS = f"PaddleSeg {paddleseg.__version__} on Paddle Inference {paddle.__version__} with oneDNN"


class Network:
    """A predictor, set up as PaddleSeg's ``deploy/python/infer.py --enable_mkldnn True`` does it.

    The programs that PaddlePaddle 3 saves are run by its new intermediate representation and executor, and optimising
    memory is an error without saying so.

    Args:
        config: of the export.
        threads: that compute.
        bf16: let oneDNN round to bfloat16.

    Raises:
        RuntimeError: this Paddle has no oneDNN, or cannot do what is asked of it.
    """

    def __init__(self, config: DeployConfig, *, threads: int, bf16: bool = False) -> None:
        settings = inference.Config(config.model, config.params)
        settings.disable_glog_info()
        settings.disable_gpu()
        settings.switch_ir_optim(True)
        settings.enable_new_ir(True)
        settings.enable_new_executor()
        settings.enable_memory_optim()
        settings.set_onednn_cache_capacity(10)  # sizes of pictures, PaddleSeg's choice
        settings.enable_onednn()
        settings.set_cpu_math_library_num_threads(threads)
        if bf16:
            settings.enable_onednn_bfloat16()
        if not settings.onednn_enabled():
            raise RuntimeError("this PaddlePaddle was built without oneDNN")
        self._predictor = inference.create_predictor(settings)
        self._input = self._predictor.get_input_handle(self._predictor.get_input_names()[0])
        self._output = self._predictor.get_output_handle(self._predictor.get_output_names()[0])

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, H, W) float32 -> (N, H, W) int32 labels."""
        self._input.reshape(batch.shape)
        self._input.copy_from_cpu(batch)
        self._predictor.run()
        return self._output.copy_to_cpu()
