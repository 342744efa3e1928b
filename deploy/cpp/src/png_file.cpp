#include "png_file.h"

#include <stdexcept>

#include "byte_reader.h"
#include "exif.h"
#include "png_chunks.h"

namespace segwright {

namespace {

constexpr std::uint32_t palette_type = 3;

}  // namespace

void inspect_png(PictureFile& file) {
    const std::vector<PngChunk> chunks = png_chunks(file.content);
    if (chunks[0].kind != "IHDR") throw std::runtime_error("it does not begin with its header");
    const ByteReader header(file.content.data() + chunks[0].start, chunks[0].end - chunks[0].start, true);
    const std::uint32_t width = header.number(0, 4);
    const std::uint32_t height = header.number(4, 4);
    if (width >> 31 || height >> 31) throw std::runtime_error("its size is no valid number");
    file.size = {static_cast<int>(width), static_cast<int>(height)};
    file.bits = static_cast<int>(header.number(8, 1));
    file.is_palette = header.number(9, 1) == palette_type;
    if (file.is_palette && file.bits > 8) throw std::runtime_error("its palette has places of more than 8 bits");
    for (const PngChunk& chunk : chunks) {
        const std::uint8_t* data = file.content.data() + chunk.start;
        if (chunk.kind == "eXIf") file.orientation = exif_orientation(data, chunk.end - chunk.start);
        if (chunk.kind != "PLTE" || !file.is_palette) continue;
        for (const std::uint8_t* end = data + (chunk.end - chunk.start) / 3 * 3; data < end; data += 3) {
            file.palette.push_back({data[0], data[1], data[2]});
        }
    }
    file.content = bare_png(file.content, chunks, file.is_palette);
}

}  // namespace segwright
