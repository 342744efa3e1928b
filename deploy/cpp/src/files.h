#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace segwright {

using Bytes = std::vector<std::uint8_t>;

/// The content of a file.
///
/// Throws Error: it does not exist, or cannot be read.
Bytes read_bytes(const std::filesystem::path& path);

/// Write a file under a temporary name beside it, then give it its own; missing folders are made.
///
/// Throws Error: nothing was written; a file that stood there before is unharmed.
void write_bytes(const std::filesystem::path& path, const void* data, std::size_t size);

/// A fresh name in the same folder, hence on the same disk, that no pattern for results matches.
std::filesystem::path temporary_name(const std::filesystem::path& path);

}  // namespace segwright
