#pragma once

#include <opencv2/core/mat.hpp>
#include <segwright/preprocessing.h>
#include <vector>

namespace segwright {

/// The network's output for one picture -> (H, W) label map at the picture's own size.
///
/// @param output (H, W) CV_32S labels, which are brought back by nearest neighbour, or (C, H, W) CV_32F scores, which
///     are brought back bilinearly before the best is taken.
/// @param geometry what Preprocessing noted.
/// @return CV_8U, or CV_32S where an id exceeds 255.
cv::Mat label_map(const cv::Mat& output, const std::vector<Geometry>& geometry);

}  // namespace segwright
