#pragma once

#include <memory>
#include <segwright/engine.h>
#include <string>

namespace segwright {

/// OpenVINO (https://docs.openvino.ai): ONNX files and its own, on CPUs and Intel's GPUs.
std::unique_ptr<Engine> open_openvino(const Manifest& manifest, const EngineOptions& options);

/// ONNX Runtime (https://onnxruntime.ai): ONNX files on CPUs, and on NVIDIA's GPUs where its package has CUDA.
std::unique_ptr<Engine> open_onnxruntime(const Manifest& manifest, const EngineOptions& options);

/// A library's message without the places in its sources.
std::string told_shortly(const std::string& message);

}  // namespace segwright
