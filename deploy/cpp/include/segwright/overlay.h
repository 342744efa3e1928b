#pragma once

#include <opencv2/core/mat.hpp>
#include <segwright/manifest.h>

namespace segwright {

/// Blend a label map over its picture: 0.6 of the picture, 0.4 of the class's colour. Where an id has no colour, like
/// 255 for ignored pixels, or is black, the picture shows unchanged.
///
/// @param picture (H, W) CV_8UC3, RGB.
/// @param label (H, W) CV_8U or CV_32S.
cv::Mat overlay(const cv::Mat& picture, const cv::Mat& label, const Palette& palette);

}  // namespace segwright
