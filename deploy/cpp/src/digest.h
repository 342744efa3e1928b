#pragma once

#include <filesystem>
#include <string>

namespace segwright {

/// SHA-256 of a file, in hexadecimal.
std::string file_sha256(const std::filesystem::path& path);

}  // namespace segwright
