#pragma once

#include <cstdint>

namespace segwright {

/// How a viewer has to turn a picture with this EXIF block: 1..8, of which 1 is upright. A broken block harms no pixel.
int exif_orientation(const std::uint8_t* data, std::size_t size);

}  // namespace segwright
