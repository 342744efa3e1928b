#pragma once

#include <functional>
#include <opencv2/core/mat.hpp>
#include <segwright/manifest.h>
#include <variant>
#include <vector>

namespace segwright {

/// The picture was resampled; `before` is its size until then.
struct Resized {
    cv::Size before;
};

/// The picture was put on a larger canvas with its top left corner at `corner`.
struct Padded {
    cv::Size before;
    cv::Point corner;
};

/// What a transform did to the pixels' places, so that a prediction can be brought back.
using Geometry = std::variant<Resized, Padded>;

/// One picture, ready for the network.
struct NetworkInput {
    cv::Mat picture;                 ///< The picture itself, CV_8UC3, RGB.
    cv::Mat tensor;                  ///< (1, C, H, W) float32, or (1, H, W, 3) uint8 for a graph that takes pictures.
    std::vector<Geometry> geometry;  ///< What the transforms did to the pixels' places, in order.

    /// Of the tensor.
    cv::Size size() const;
};

class Image;

/// The way from a picture to the network that a manifest describes. Threads may share it.
class Preprocessing {
public:
    /// Throws Error: a transform that is unknown here or draws at random, or arguments that it does not take.
    explicit Preprocessing(const Manifest& manifest);

    /// @param picture CV_8UC3, RGB.
    ///
    /// Throws Error: an array of another type, or a picture that a transform cannot take.
    NetworkInput operator()(const cv::Mat& picture) const;

private:
    bool picture_input_;
    bool to_rgb_;
    int img_channels_;
    std::vector<std::function<void(Image&)>> transforms_;
};

}  // namespace segwright
