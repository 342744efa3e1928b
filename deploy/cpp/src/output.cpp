#include <png.h>
#include <segwright/error.h>
#include <segwright/output.h>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "files.h"
#include "message.h"

namespace segwright {

namespace {

constexpr int jpeg_quality = 95;

/// All 256 entries: with fewer, libpng packs ids into fewer bits and 255 would be lost.
Bytes palette_png(const std::filesystem::path& path, const cv::Mat& label, const Palette& palette) {
    Bytes colours(std::size_t{256} * 3, 0);
    for (std::size_t index = 0; index < palette.size() && index < 256; ++index) {
        std::copy(palette[index].begin(), palette[index].end(),
                  colours.begin() + static_cast<std::ptrdiff_t>(3 * index));
    }
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(label.cols);
    image.height = static_cast<png_uint_32>(label.rows);
    image.format = PNG_FORMAT_RGB_COLORMAP;
    image.flags = PNG_IMAGE_FLAG_FAST;
    image.colormap_entries = 256;
    const auto stride = static_cast<png_int_32>(label.step[0]);
    png_alloc_size_t size = 0;
    Bytes encoded;
    const auto encode = [&] {
        return png_image_write_to_memory(&image, encoded.empty() ? nullptr : encoded.data(), &size, 0, label.data,
                                         stride, colours.data());
    };
    bool is_done = encode() != 0;  // how large it gets
    encoded.resize(size);
    is_done = is_done && encode() != 0;
    if (!is_done) throw Error(text(path.string(), " cannot be written: ", image.message));
    encoded.resize(size);
    return encoded;
}

Bytes encode_picture(const std::filesystem::path& path, const cv::Mat& picture, const std::vector<int>& options) {
    Bytes encoded;
    try {
        if (cv::imencode(path.extension().string(), picture, encoded, options)) return encoded;
    } catch (const cv::Exception& error) {
        throw Error(text(path.string(), " cannot be written: ", error.err));
    }
    throw Error(text(path.string(), " cannot be written as ", path.extension().string()));
}

}  // namespace

void write_label_map(const std::filesystem::path& path, const cv::Mat& label, const Palette& palette) {
    double lowest = 0, highest = 0;
    cv::minMaxLoc(label, &lowest, &highest);
    if (lowest < 0 || highest > 65535)
        throw Error(text(path.string(), ": class ids in a PNG are 0 to 65535, got ", lowest, " to ", highest));
    cv::Mat ids;
    const bool is_deep = palette.size() > 256 || highest > 255;
    label.convertTo(ids, is_deep ? CV_16U : CV_8U);
    const Bytes encoded = is_deep ? encode_picture(path, ids, {}) : palette_png(path, ids, palette);
    write_bytes(path, encoded.data(), encoded.size());
}

void write_picture(const std::filesystem::path& path, const cv::Mat& picture) {
    cv::Mat reversed;
    cv::cvtColor(picture, reversed, cv::COLOR_RGB2BGR);
    const Bytes encoded = encode_picture(path, reversed, {cv::IMWRITE_JPEG_QUALITY, jpeg_quality});
    write_bytes(path, encoded.data(), encoded.size());
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    write_bytes(path, text.data(), text.size());
}

}  // namespace segwright
