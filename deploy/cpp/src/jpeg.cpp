#include "jpeg.h"

#include <segwright/error.h>

#include <stdexcept>

#include "byte_reader.h"
#include "exif.h"
#include "message.h"

namespace segwright {

namespace {

constexpr std::uint8_t end_of_image = 0xd9;
constexpr std::uint8_t app1 = 0xe1;

/// Neither a stuffed byte of a scan, nor its restart, nor filling (ITU-T T.81, B.1).
bool is_marker(std::uint8_t code) {
    return code != 0x00 && code != 0xff && !(code >= 0xd0 && code <= 0xd7);
}

/// Start of a frame: its size and kind follow.
bool is_frame(std::uint8_t code) {
    return code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 && code != 0xcc;
}

}  // namespace

void inspect_jpeg(PictureFile& file) {
    const Bytes& content = file.content;
    const ByteReader reader(content.data(), content.size(), true);
    bool has_exif = false;
    for (std::size_t place = 2; place + 1 < content.size(); ++place) {
        const std::uint8_t code = content[place + 1];
        if (content[place] != 0xff || !is_marker(code)) continue;
        if (code == end_of_image) {
            if (file.size.empty()) throw std::runtime_error("it has no frame");
            return;
        }
        const std::size_t length = reader.number(place + 2, 2);
        const std::size_t start = place + 4;
        if (code == app1 && !has_exif && length > 8 && start + length - 2 <= content.size() && content[start] == 'E') {
            file.orientation = exif_orientation(content.data() + start, length - 2);
            has_exif = true;
        } else if (is_frame(code) && file.size.empty()) {
            file.bits = static_cast<int>(reader.number(start, 1));
            file.size = {static_cast<int>(reader.number(start + 3, 2)), static_cast<int>(reader.number(start + 1, 2))};
            const auto channels = reader.number(start + 5, 1);
            if (file.bits != 8 || (channels != 1 && channels != 3)) {
                throw Error(text(file.name, " is a JPEG of ", channels, " channels (CMYK has 4) with ", file.bits,
                                 " bits, which is not read here; save it as RGB with 8 bits"));
            }
        }
        place += 1 + length;  // the marker's own two bytes, less the step of the loop
    }
    throw std::runtime_error("its end is missing");
}

}  // namespace segwright
