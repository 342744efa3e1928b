#pragma once

#include <optional>
#include <string>
#include <vector>

#include "files.h"

namespace segwright {

/// A part of a PNG file: its data between length and kind and a check sum of 4 bytes.
struct PngChunk {
    std::string kind;
    std::size_t start = 0;
    std::size_t end = 0;
};

/// All chunks of a PNG up to its end, their check sums compared.
///
/// Throws std::out_of_range or std::runtime_error: the file is cut, or its bytes have changed since it was written.
std::vector<PngChunk> png_chunks(const Bytes& content);

/// The same pixels without anything around them: no colour spaces, comments, palette or transparency.
///
/// @param is_palette the numbers of a palette are to be taken as gray.
Bytes bare_png(const Bytes& content, const std::vector<PngChunk>& chunks, bool is_palette);

}  // namespace segwright
