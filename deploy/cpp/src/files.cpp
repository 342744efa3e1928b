#include "files.h"

#include <segwright/error.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

#include "message.h"

namespace segwright {

namespace fs = std::filesystem;

Bytes read_bytes(const fs::path& path) {
    std::error_code failure;
    const fs::file_status status = fs::status(path, failure);
    if (!fs::exists(status)) throw Error(text(path.string(), " does not exist"));
    if (fs::is_directory(status)) throw Error(text(path.string(), " cannot be read: it is a folder"));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(text(path.string(), " cannot be read: ", std::strerror(errno)));
    Bytes content;
    if (const auto size = fs::file_size(path, failure); !failure) content.reserve(size);
    char block[1 << 16];
    while (file.read(block, sizeof block) || file.gcount() > 0)
        content.insert(content.end(), block, block + file.gcount());
    if (file.bad()) throw Error(text(path.string(), " cannot be read: ", std::strerror(errno)));
    return content;
}

void write_bytes(const fs::path& path, const void* data, std::size_t size) {
    const fs::path part = temporary_name(path);
    try {
        if (path.has_parent_path()) fs::create_directories(path.parent_path());
        std::ofstream file(part, std::ios::binary);
        file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
        file.close();
        if (!file) throw fs::filesystem_error("", path, std::error_code(errno, std::generic_category()));
        fs::rename(part, path);
    } catch (const fs::filesystem_error& error) {
        std::error_code ignored;
        fs::remove(part, ignored);
        throw Error(text(path.string(), " cannot be written: ", error.code().message(),
                         "; choose another folder, or make room"));
    }
}

fs::path temporary_name(const fs::path& path) {
    std::random_device random;
    return path.parent_path() / text(".", path.filename().string(), ".", std::hex, random(), ".tmp");
}

}  // namespace segwright
