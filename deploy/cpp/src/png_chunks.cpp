#include "png_chunks.h"

#include <zlib.h>

#include <stdexcept>

#include "byte_reader.h"

namespace segwright {

namespace {

constexpr std::size_t signature_length = 8;
constexpr std::size_t colour_type_place = 9;  // in the header's data
constexpr std::uint8_t gray = 0;

std::uint32_t check_sum(const std::uint8_t* data, std::size_t size) {
    return static_cast<std::uint32_t>(crc32_z(0, data, size));
}

void append_number(Bytes& bytes, std::uint32_t number) {
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

void append_chunk(Bytes& bytes, const std::string& kind, const Bytes& data) {
    append_number(bytes, static_cast<std::uint32_t>(data.size()));
    const std::size_t start = bytes.size();
    bytes.insert(bytes.end(), kind.begin(), kind.end());
    bytes.insert(bytes.end(), data.begin(), data.end());
    append_number(bytes, check_sum(bytes.data() + start, bytes.size() - start));
}

}  // namespace

std::vector<PngChunk> png_chunks(const Bytes& content) {
    const ByteReader reader(content.data(), content.size(), true);
    std::vector<PngChunk> chunks;
    std::size_t place = signature_length;
    while (chunks.empty() || chunks.back().kind != "IEND") {
        const std::size_t length = reader.number(place, 4);
        const std::uint32_t expected = reader.number(place + 8 + length, 4);  // all that is before is there, too
        const auto* data = content.data() + place;
        PngChunk chunk{std::string(data + 4, data + 8), place + 8, place + 8 + length};
        if (check_sum(data + 4, 4 + length) != expected) {
            throw std::runtime_error("the check sum of its chunk " + chunk.kind + " is wrong");
        }
        place = chunk.end + 4;
        chunks.push_back(std::move(chunk));
    }
    return chunks;
}

Bytes bare_png(const Bytes& content, const std::vector<PngChunk>& chunks, bool is_palette) {
    const auto at = [&](std::size_t place) { return content.begin() + static_cast<std::ptrdiff_t>(place); };
    Bytes header(at(chunks[0].start), at(chunks[0].end));
    if (is_palette) header.at(colour_type_place) = gray;
    Bytes bare(content.begin(), at(signature_length));
    bare.reserve(content.size());
    append_chunk(bare, "IHDR", header);
    for (const PngChunk& chunk : chunks) {
        if (chunk.kind == "IDAT") bare.insert(bare.end(), at(chunk.start - 8), at(chunk.end + 4));
    }
    append_chunk(bare, "IEND", {});
    return bare;
}

}  // namespace segwright
