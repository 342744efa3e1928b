#pragma once

#include "picture_file.h"

namespace segwright {

/// Look at a WebP: its chunks.
///
/// Throws Error: it is of a kind that is not read here. Throws std::exception: it is damaged.
void inspect_webp(PictureFile& file);

}  // namespace segwright
