"""What the nodes of an exported graph are called: by the modules that they come from."""

import onnx
from small_net import small_net

from segwright.export.deployed import Deployed
from segwright.export.onnx import write_onnx


def test_nodes_and_what_they_give_are_named_after_modules(tmp_path):
    net = small_net()
    graph = write_onnx(Deployed(net, "argmax"), tmp_path / "model.onnx", (-1, 3, -1, -1)).graph
    modules = {name for name, _ in net.named_modules()}
    named = {node.name: node for node in graph.node}
    assert len(named) == len(graph.node)
    assert {name.partition("/")[0] for name in named} <= modules
    assert {named[name].op_type for name in named if name.startswith("stem.conv/")} >= {"Pad", "Conv"}
    assert any(name.startswith("/") for name in named)  # the resizing in the model's own forward
    for node in graph.node:
        assert node.output[0] in (node.name, "label")
    assert graph.output[0].name == "label"
    assert any(tensor.name.startswith("model.head") for tensor in graph.initializer)
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"), full_check=True)
