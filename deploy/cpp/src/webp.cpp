#include "webp.h"

#include <segwright/error.h>

#include <stdexcept>
#include <string>

#include "byte_reader.h"
#include "exif.h"
#include "message.h"

namespace segwright {

void inspect_webp(PictureFile& file) {
    const Bytes& content = file.content;
    const ByteReader reader(content.data(), content.size(), false);
    const auto word = [&](std::size_t place) {
        reader.number(place, 4);  // is it there?
        return std::string(content.data() + place, content.data() + place + 4);
    };
    if (word(8) != "WEBP")
        throw Error(text(file.name, " is a RIFF file, but no WebP picture; want JPEG, PNG, BMP, WebP or TIFF"));
    const std::size_t end = std::size_t{reader.number(4, 4)} + 8;
    if (end > content.size()) throw std::runtime_error("it ends before its last chunk");
    for (std::size_t place = 12; place + 8 <= end;) {
        const std::string kind = word(place);
        const std::size_t length = reader.number(place + 4, 4);
        const std::size_t data = place + 8;
        if (length > end - data) throw std::runtime_error("it ends within its chunk " + kind);
        const auto number = [&](std::size_t at, std::size_t width) {
            return static_cast<int>(reader.number(data + at, width));
        };
        if (kind == "ANIM")
            throw Error(text(file.name, " is an animated WebP, which is not read here; save its first picture as PNG"));
        if (kind == "VP8X") {
            file.size = {number(4, 3) + 1, number(7, 3) + 1};
        } else if (kind == "VP8 " && file.size.empty()) {
            file.size = {number(6, 2) & 0x3fff, number(8, 2) & 0x3fff};
        } else if (kind == "VP8L" && file.size.empty()) {
            const std::uint32_t packed = reader.number(data + 1, 4);
            file.size = {static_cast<int>(packed & 0x3fff) + 1, static_cast<int>(packed >> 14 & 0x3fff) + 1};
        } else if (kind == "EXIF") {
            file.orientation = exif_orientation(content.data() + data, length);
        }
        place = data + length + length % 2;
    }
}

}  // namespace segwright
