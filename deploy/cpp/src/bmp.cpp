#include "bmp.h"

#include <segwright/error.h>

#include <cstdlib>
#include <stdexcept>

#include "byte_reader.h"
#include "message.h"

namespace segwright {

void inspect_bmp(PictureFile& file) {
    const ByteReader reader(file.content.data(), file.content.size(), false);
    const std::size_t pixels = reader.number(10, 4);
    const std::size_t header = reader.number(14, 4);
    const bool is_old = header == 12;  // of OS/2
    if (!is_old && header != 40 && header != 52 && header != 56 && header != 108 && header != 124)
        throw std::runtime_error("its header has an unknown length");
    const auto width = static_cast<std::int32_t>(reader.number(18, is_old ? 2 : 4));
    const auto height =
        static_cast<std::int32_t>(reader.number(is_old ? 20 : 22, is_old ? 2 : 4));  // below 0: the top row comes first
    const std::size_t bits = reader.number(is_old ? 24 : 28, 2);
    const std::uint32_t compression = is_old ? 0 : reader.number(30, 4);
    if (compression != 0 || (bits != 1 && bits != 4 && bits != 8 && bits != 24 && bits != 32)) {
        throw Error(text(file.name, " is a BMP of ", bits, " bits with compression ", compression,
                         ", which is not read here; save it as PNG"));
    }
    const std::size_t colours = bits > 8                              ? 0
                                : !is_old && reader.number(46, 4) > 0 ? reader.number(46, 4)
                                                                      : std::size_t{1} << bits;
    if (pixels < 14 + header + colours * (is_old ? 3 : 4))
        throw std::runtime_error("its pixels begin within its header");
    if (width < 1 || height == 0 || height == INT32_MIN) throw std::runtime_error("its size is no valid number");
    file.size = {width, std::abs(height)};
    const std::size_t row = (static_cast<std::size_t>(width) * bits + 31) / 32 * 4;
    if (pixels > reader.size() || (reader.size() - pixels) / row < static_cast<std::size_t>(file.size.height)) {
        throw std::runtime_error("rows are missing");
    }
}

}  // namespace segwright
