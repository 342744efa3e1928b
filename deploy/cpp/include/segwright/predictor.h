#pragma once

#include <filesystem>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <segwright/engine.h>
#include <segwright/manifest.h>
#include <segwright/preprocessing.h>
#include <string>

namespace segwright {

/// An exported model: a picture in, a label map of the picture's size out. Threads may share it.
///
///     segwright::Predictor predictor("output/export");
///     cv::Mat labels = predictor("picture.jpg");
class Predictor {
public:
    /// @param bundle a deploy.yaml, or the folder that holds it.
    ///
    /// Throws Error: the bundle is incomplete, changed, or cannot be run here.
    explicit Predictor(const std::filesystem::path& bundle, const EngineOptions& options = {});

    /// With a manifest that was read before.
    Predictor(Manifest manifest, const EngineOptions& options);

    /// A picture's file -> (H, W) label map, CV_8U (CV_32S if an id exceeds 255).
    cv::Mat operator()(const std::filesystem::path& picture) const;

    /// (H, W) CV_8UC3, red first -> its label map. OpenCV's own readers give blue first: see cv::cvtColor.
    cv::Mat operator()(const cv::Mat& picture) const;

    /// Read and preprocess.
    NetworkInput prepare(const std::filesystem::path& picture) const;

    /// Preprocess, and compare with the shape that the model takes. `name` begins messages.
    NetworkInput prepare(const cv::Mat& picture, const std::string& name = "the picture") const;

    /// Run the network -> its output without the batch's axis: (H, W) labels or (C, H, W) scores.
    cv::Mat infer(const NetworkInput& input) const;

    const Manifest& manifest() const { return manifest_; }
    const EngineOptions& options() const { return options_; }
    std::string engine_title() const { return engine_->title(); }

private:
    Manifest manifest_;
    Preprocessing preprocessing_;
    EngineOptions options_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace segwright
