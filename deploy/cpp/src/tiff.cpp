#include "tiff.h"

#include <segwright/error.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>

#include "byte_reader.h"
#include "message.h"

namespace segwright {

namespace {

using Numbers = std::vector<std::uint32_t>;
using Directory = std::map<std::uint32_t, Numbers>;

enum Tag : std::uint32_t {
    image_width = 256,
    image_height = 257,
    bits_per_sample = 258,
    compression = 259,
    photometric = 262,
    strip_offsets = 273,
    samples_per_pixel = 277,
    strip_sizes = 279,
    planar_configuration = 284,
    colour_map = 320,
    tile_offsets = 324,
    extra_samples = 338,
    sample_format = 339
};

constexpr std::uint32_t uncompressed = 1;
constexpr std::uint32_t deflated = 8;
constexpr std::uint32_t deflated_before_1_0 = 32946;
constexpr std::size_t padding = 1 << 16;

/// Width in bytes of the whole numbers that TIFF 6.0 has: BYTE, SHORT and LONG; 0 of other kinds.
std::size_t width_of(std::uint32_t type) {
    return type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;
}

Directory first_directory(const ByteReader& reader) {
    Directory directory;
    std::size_t total = 0;  // of all lists, which lie in the file beside each other
    const std::size_t start = reader.number(4, 4);
    const std::size_t count = reader.number(start, 2);
    for (std::size_t index = 0; index < count; ++index) {
        const std::size_t place = start + 2 + 12 * index;
        const std::size_t width = width_of(reader.number(place + 2, 2));
        const std::size_t length = reader.number(place + 4, 4);
        if (width == 0) continue;
        total += length;
        if (total > reader.size() / width) throw std::out_of_range("it ends too early");
        const std::size_t values = length * width <= 4 ? place + 8 : reader.number(place + 8, 4);
        Numbers& numbers = directory[reader.number(place, 2)];
        for (std::size_t item = 0; item < length; ++item)
            numbers.push_back(reader.number(values + item * width, width));
    }
    return directory;
}

/// All numbers of a tag, or a default where it is not there.
Numbers numbers(const Directory& directory, Tag tag, std::uint32_t otherwise) {
    const auto found = directory.find(tag);
    return found == directory.end() || found->second.empty() ? Numbers{otherwise} : found->second;
}

/// How many bytes a strip holds when it is inflated.
///
/// Throws std::runtime_error: it is damaged, or holds more than `most`.
std::size_t inflated_size(const std::uint8_t* data, std::size_t size, std::size_t most) {
    z_stream stream{};
    stream.next_in = const_cast<Bytef*>(data);  // zlib only reads there
    stream.avail_in = static_cast<uInt>(size);
    int state = inflateInit(&stream);
    std::array<Bytef, 1 << 14> sink{};
    while (state == Z_OK && stream.total_out <= most) {
        stream.next_out = sink.data();
        stream.avail_out = static_cast<uInt>(sink.size());
        state = inflate(&stream, Z_NO_FLUSH);
    }
    inflateEnd(&stream);
    if (stream.total_out > most) throw std::runtime_error("its strips hold more than the picture");
    if (state != Z_STREAM_END) throw std::runtime_error("a strip is damaged");
    return stream.total_out;
}

/// Fail unless the strips hold as many bytes as the picture takes: OpenCV does not notice when they do not.
void check_strips(const Directory& directory, const Bytes& content, std::size_t wanted) {
    const Numbers offsets = numbers(directory, strip_offsets, 0);
    const Numbers sizes = numbers(directory, strip_sizes, 0);
    if (offsets.size() != sizes.size()) throw std::runtime_error("its table of strips is damaged");
    const bool is_plain = numbers(directory, compression, uncompressed)[0] == uncompressed;
    const std::size_t most = 2 * wanted + padding;  // some writers fill up the last strip
    std::size_t found = 0;
    for (std::size_t index = 0; index < sizes.size(); ++index) {
        if (std::uint64_t{offsets[index]} + sizes[index] > content.size())
            throw std::runtime_error("strips are missing");
        found += is_plain ? sizes[index] : inflated_size(content.data() + offsets[index], sizes[index], most - found);
        if (found > most) throw std::runtime_error("its strips hold more than the picture");
    }
    if (found < wanted) throw std::runtime_error("strips are missing");
}

}  // namespace

void inspect_tiff(PictureFile& file) {
    const ByteReader reader(file.content.data(), file.content.size(), file.content[0] == 'M');
    const Directory directory = first_directory(reader);
    const auto one = [&](Tag tag, std::uint32_t otherwise) { return numbers(directory, tag, otherwise)[0]; };
    const Numbers bits = numbers(directory, bits_per_sample, 1);
    const std::uint32_t kind = one(photometric, 0);
    const std::uint32_t samples = one(samples_per_pixel, 1);
    const bool is_gray = kind == 1 && samples == 1;
    const bool is_rgb = kind == 2 && samples == 3;
    const bool is_palette =
        kind == 3 && samples == 1 && bits[0] == 8 && directory.count(colour_map) > 0;  // which OpenCV looks up
    const bool has_bits = (bits[0] == 8 || bits[0] == 16) &&
                          std::all_of(bits.begin(), bits.end(), [&](std::uint32_t other) { return other == bits[0]; });
    const std::uint32_t packing = one(compression, uncompressed);
    const bool is_packed_well = packing == uncompressed || packing == deflated || packing == deflated_before_1_0;
    const bool is_plain = one(sample_format, 1) == 1 && one(planar_configuration, 1) == 1 &&
                          directory.count(extra_samples) + directory.count(tile_offsets) == 0;
    if (!(is_gray || is_rgb || is_palette) || !has_bits || !is_packed_well || !is_plain) {
        throw Error(text(file.name, " is a TIFF of a kind that is not read here (colours ", kind, ", ", samples,
                         " samples of ", bits[0], " bits, compression ", packing,
                         "; want gray, RGB or a palette, uncompressed or deflated, in strips); save it as PNG"));
    }
    if (one(image_width, 0) > INT32_MAX || one(image_height, 0) > INT32_MAX)
        throw std::runtime_error("its size is no valid number");
    file.size = {static_cast<int>(one(image_width, 0)), static_cast<int>(one(image_height, 0))};
    file.bits = static_cast<int>(bits[0]);
    const std::size_t pixels = std::size_t{one(image_width, 0)} * one(image_height, 0);
    if (pixels <= max_pixels) check_strips(directory, file.content, pixels * samples * bits[0] / 8);
}

}  // namespace segwright
