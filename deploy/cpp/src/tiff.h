#pragma once

#include "picture_file.h"

namespace segwright {

/// Look at a TIFF: its first directory, and that all strips are there.
///
/// Throws Error: it is of a kind that is not read here. Throws std::exception: it is damaged.
void inspect_tiff(PictureFile& file);

}  // namespace segwright
