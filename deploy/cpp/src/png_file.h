#pragma once

#include "picture_file.h"

namespace segwright {

/// Look at a PNG: its chunks and their check sums; keeps the stored numbers only, and the palette.
///
/// Throws Error: it is of a kind that is not read here. Throws std::exception: it is damaged.
void inspect_png(PictureFile& file);

}  // namespace segwright
