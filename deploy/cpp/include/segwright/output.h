#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <segwright/manifest.h>
#include <string>

namespace segwright {

/// Write a label map as PNG whose stored numbers are the class ids and whose palette shows them in colour. Ids that
/// exceed 255 are written as 16-bit gray. The file appears under its name when it is whole.
///
/// @param path where to; missing folders are made.
/// @param label (H, W) CV_8U or CV_32S.
///
/// Throws Error: an id is not 0..65535, or the file could not be written; an older one is unharmed.
void write_label_map(const std::filesystem::path& path, const cv::Mat& label, const Palette& palette);

/// Write a picture, CV_8UC3 RGB, as the suffix says; as above.
void write_picture(const std::filesystem::path& path, const cv::Mat& picture);

/// Write UTF-8 text; as above.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace segwright
