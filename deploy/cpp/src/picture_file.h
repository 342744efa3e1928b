#pragma once

#include <cstddef>
#include <filesystem>
#include <opencv2/core/types.hpp>
#include <segwright/manifest.h>
#include <string>

#include "files.h"

namespace segwright {

constexpr std::size_t max_pixels = 89'478'485;  // 256 MiB as 8-bit RGB

/// A picture's file whose structure was looked at, before a pixel is decoded.
struct PictureFile {
    std::string name;         ///< For messages.
    std::string kind;         ///< JPEG, PNG, BMP, WebP or TIFF.
    Bytes content;            ///< What to decode; of a PNG nothing but the stored numbers.
    cv::Size size;            ///< As stored, in pixels.
    int bits = 8;             ///< Of each stored value.
    int orientation = 1;      ///< How a viewer has to turn the picture, 1..8 as in EXIF; 1 is upright.
    bool is_palette = false;  ///< The stored numbers are places in `palette`.
    Palette palette;          ///< Its colours.
};

/// Open a file by what it contains, whatever its suffix says.
///
/// Throws Error: the file is missing, empty, damaged, cut short, of a kind that is not read here, or too large.
PictureFile open_picture(const std::filesystem::path& path);

}  // namespace segwright
