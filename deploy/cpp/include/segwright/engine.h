#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <segwright/manifest.h>
#include <string>

namespace segwright {

/// How to run a model. What an engine cannot do, it refuses when it opens the model.
struct EngineOptions {
    std::string engine =
        "auto";                  ///< `openvino`, `onnxruntime`, or `auto`: the first that is there and reads the model.
    std::string device = "cpu";  ///< `cpu` or `gpu`.
    int threads = 0;             ///< Threads that compute; 0 for one for each core, up to ten.
    int parallel = 1;            ///< Runs of the network at the same time, which share these threads.

    /// `threads`, or what 0 stands for.
    int thread_count() const;
};

/// A network, opened in a library. Threads may run it at once.
class Engine {
public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    /// Library, version, and what of it computes.
    virtual std::string title() const = 0;

    /// (N, C, H, W) float32, or (N, H, W, 3) uint8 where the network begins with pictures -> its first output, CV_32S
    /// labels or CV_32F scores.
    ///
    /// Throws Error: the library fails on this input.
    virtual cv::Mat run(const cv::Mat& batch) = 0;
};

/// Open the model of a bundle.
///
/// Throws Error: an engine that is unknown, not built in, does not read the format, or cannot do what the options ask
/// for; or the file cannot be loaded.
std::unique_ptr<Engine> open_engine(const Manifest& manifest, const EngineOptions& options);

}  // namespace segwright
