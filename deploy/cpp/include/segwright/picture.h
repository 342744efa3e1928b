#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <optional>

namespace segwright {

/// Read a JPEG, PNG, BMP, WebP or TIFF picture, by the same rules as segwright in Python: recognised by content,
/// damaged and truncated files are errors, EXIF orientation is applied, transparency and ICC profiles are ignored.
///
/// @param path the file.
/// @param bit_depth how many bits a file with 9 to 16 bits per value really uses; 8-bit files are not changed.
/// @return (H, W) CV_8UC3 in the order red, green, blue; gray is repeated three times, palettes are looked up.
///
/// Throws Error: the file is missing, damaged, too large (more than 89 478 485 pixels), of a kind that is not read, or
/// stores more than 8 bits and `bit_depth` is not given.
cv::Mat read_picture(const std::filesystem::path& path, std::optional<int> bit_depth = std::nullopt);

/// Read a label map written as PNG: the stored numbers are the class ids.
///
/// @return (H, W) CV_8U, or CV_16U where an id does not fit.
///
/// Throws Error: the file is missing, damaged, too large, or no PNG of one channel.
cv::Mat read_label(const std::filesystem::path& path);

}  // namespace segwright
