#pragma once

#include "picture_file.h"

namespace segwright {

/// Look at a JPEG: its markers lead to its end, and what its frame and EXIF say.
///
/// Throws Error: it is of a kind that is not read here. Throws std::exception: it is damaged.
void inspect_jpeg(PictureFile& file);

}  // namespace segwright
