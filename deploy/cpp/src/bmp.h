#pragma once

#include "picture_file.h"

namespace segwright {

/// Look at a BMP: its header, and that all rows are there.
///
/// Throws Error: it is of a kind that is not read here. Throws std::exception: it is damaged.
void inspect_bmp(PictureFile& file);

}  // namespace segwright
