#pragma once

#include <opencv2/core.hpp>
#include <segwright/preprocessing.h>
#include <vector>

namespace segwright {

/// A picture on its way to the network: planes of float32 that lie behind each other, and what moved their pixels.
class Image {
public:
    Image(int channels, cv::Size size)
        : channels_(channels), size_(size), planes_(channels * size.height, size.width, CV_32F) {}

    int channels() const { return channels_; }
    cv::Size size() const { return size_; }

    /// (H, W), a view.
    cv::Mat plane(int channel) const { return planes_.rowRange(channel * size_.height, (channel + 1) * size_.height); }

    /// (1, C, H, W), a view.
    cv::Mat tensor() const;

    /// Take other pixels, as what `step` did to the places of those before.
    void replace(const Image& moved, const Geometry& step);

    std::vector<Geometry> geometry;  ///< What has moved pixels so far, in order.

private:
    int channels_;
    cv::Size size_;
    cv::Mat planes_;
};

/// CV_8UC3 RGB -> planes in the order that the network takes; one channel is gray.
Image to_planes(const cv::Mat& picture, bool to_rgb, int channels);

/// Resample with an OpenCV flag; nothing happens to an image of that size.
void resize(Image& image, cv::Size size, int interpolation);

/// Put the image at `corner` of a canvas of `size` filled with one value, or one for each channel.
///
/// Throws Error: another number of values.
void pad(Image& image, cv::Size size, cv::Point corner, const std::vector<double>& fill);

}  // namespace segwright
