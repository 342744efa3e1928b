"""Folding of batch normalisations: what is computed stays, and weights that were shared stay shared."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from segwright.export.fold import fold_batch_norms

onnxruntime = pytest.importorskip("onnxruntime")


def graph(*nodes: onnx.NodeProto, outputs: tuple[str, ...], bias: tuple[str, ...] = ()) -> onnx.ModelProto:
    """Nodes over a (1, 2, 4, 5) picture "x", with weights "w", the statistics of a normalisation, and biases."""
    rng = np.random.default_rng(3)
    arrays = {
        "w": rng.standard_normal((3, 2, 3, 3)),
        "scale": rng.standard_normal(3),
        "offset": rng.standard_normal(3),
        "mean": rng.standard_normal(3),
        "variance": rng.uniform(0.5, 2, 3),
        **dict.fromkeys(bias, np.arange(3.0)),
    }
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 4, 5))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def conv(source: str, target: str, *bias: str) -> onnx.NodeProto:
    return helper.make_node("Conv", [source, "w", *bias], [target], pads=[1, 1, 1, 1])


def norm(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node(
        "BatchNormalization", [source, "scale", "offset", "mean", "variance"], [target], epsilon=1e-3
    )


def outputs_of(model: onnx.ModelProto) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.random.default_rng(0).standard_normal((1, 2, 4, 5)).astype(np.float32)})


@pytest.mark.parametrize("bias", [(), ("b",)])
def test_a_norm_behind_a_convolution_goes_and_nothing_else_changes(bias):
    model = graph(conv("x", "c", *bias), norm("c", "y"), outputs=("y",), bias=bias)
    before = outputs_of(model)
    fold_batch_norms(model)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert len(model.graph.initializer) == 2
    np.testing.assert_allclose(outputs_of(model), before, rtol=1e-5, atol=1e-5)


def test_shared_weights_stay_shared_whatever_their_zero_biases_are_called():
    nodes = (conv("x", "c1", "b1"), norm("c1", "y1"), conv("x", "c2", "b2"), norm("c2", "y2"))
    model = graph(*nodes, outputs=("y1", "y2"), bias=("b1", "b2"))
    before = outputs_of(model)
    fold_batch_norms(model)
    assert len(model.graph.initializer) == 2
    np.testing.assert_allclose(outputs_of(model), before, rtol=1e-5, atol=1e-5)


def test_norms_that_cannot_be_folded_stay():
    behind_relu = (conv("x", "c"), helper.make_node("Relu", ["c"], ["r"]), norm("r", "y"))
    read_twice = (conv("x", "c"), norm("c", "y"))
    for nodes, outputs in ((behind_relu, ("y",)), (read_twice, ("y", "c"))):
        model = graph(*nodes, outputs=outputs)
        before = outputs_of(model)
        fold_batch_norms(model)
        assert "BatchNormalization" in [node.op_type for node in model.graph.node]
        for found, wanted in zip(outputs_of(model), before, strict=True):
            np.testing.assert_array_equal(found, wanted)
