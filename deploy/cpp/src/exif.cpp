#include "exif.h"

#include <cstring>

#include "byte_reader.h"

namespace segwright {

namespace {

constexpr std::uint32_t orientation_tag = 0x0112;
constexpr std::uint32_t short_type = 3;
constexpr std::uint32_t long_type = 4;

}  // namespace

int exif_orientation(const std::uint8_t* data, std::size_t size) {
    constexpr char prefix[] = "Exif\0";  // with the zero at its end six bytes
    while (size >= sizeof prefix && std::memcmp(data, prefix, sizeof prefix) == 0) {
        data += sizeof prefix;
        size -= sizeof prefix;
    }
    const bool is_tiff = size >= 8 && (std::memcmp(data, "II*\0", 4) == 0 || std::memcmp(data, "MM\0*", 4) == 0);
    if (!is_tiff) return 1;
    try {
        const ByteReader reader(data, size, data[0] == 'M');
        const std::size_t directory = reader.number(4, 4);
        const std::size_t count = reader.number(directory, 2);
        for (std::size_t index = 0; index < count; ++index) {
            const std::size_t place = directory + 2 + 12 * index;
            if (reader.number(place, 2) != orientation_tag) continue;
            const std::uint32_t type = reader.number(place + 2, 2);
            if (reader.number(place + 4, 4) != 1 || (type != short_type && type != long_type)) return 1;
            const std::uint32_t value = reader.number(place + 8, type == short_type ? 2 : 4);
            return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
        }
    } catch (const std::out_of_range&) {  // a broken block
    }
    return 1;
}

}  // namespace segwright
