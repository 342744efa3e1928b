#include <segwright/error.h>
#include <segwright/picture.h>
#include <segwright/printable.h>

#include <iostream>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <set>

#include "message.h"
#include "picture_file.h"

namespace segwright {

namespace {

/// Say once, however many files are of a kind, that this one is.
void notice(const PictureFile& file, const std::string& what) {
    static std::mutex lock;
    static std::set<std::string> said;
    const std::lock_guard<std::mutex> guard(lock);
    if (!said.insert(what).second) return;
    std::clog << text("segwright: note: ", printable(file.name), " ", what, " (said once)\n");
}

[[noreturn]] void damaged(const PictureFile& file) {
    throw Error(text(file.name, " (", file.kind,
                     ") is damaged: its pixels cannot be decoded; fetch it again or take it out of the list"));
}

/// Stored values as OpenCV gives them: blue first.
cv::Mat decode(const PictureFile& file) {
    const bool as_stored = file.kind == "PNG" || file.kind == "TIFF";  // may hold more than 8 bits
    cv::Mat values;
    try {
        values = cv::imdecode(file.content,
                              as_stored ? cv::IMREAD_UNCHANGED : cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    } catch (const cv::Exception&) {  // it has limits of its own
        damaged(file);
    }
    const bool is_turned =
        file.kind == "TIFF" && values.size() == cv::Size(file.size.height, file.size.width);  // OpenCV turns these
    const bool has_depth = values.depth() == (file.bits > 8 ? CV_16U : CV_8U);
    if (values.empty() || (values.size() != file.size && !is_turned) || !has_depth) damaged(file);
    return values;
}

/// The numbers of a file with fewer than 8 bits, which OpenCV stretches to 0..255.
cv::Mat unstretched(const cv::Mat& gray, int bits) {
    if (bits >= 8) return gray;
    cv::Mat table(1, 256, CV_8U);
    for (int value = 0; value < 256; ++value)
        table.at<uchar>(value) = static_cast<uchar>(value / (255 / ((1 << bits) - 1)));
    cv::Mat numbers;
    cv::LUT(gray, table, numbers);
    return numbers;
}

/// (H, W) places in the palette -> CV_8UC3, RGB.
cv::Mat looked_up(const PictureFile& file, const cv::Mat& numbers) {
    double highest = 0;
    cv::minMaxLoc(numbers, nullptr, &highest);
    if (highest >= static_cast<double>(file.palette.size())) damaged(file);
    cv::Mat table(1, 256, CV_8UC3, cv::Scalar::all(0));
    for (std::size_t index = 0; index < file.palette.size() && index < 256; ++index) {
        const Colour& colour = file.palette[index];
        table.at<cv::Vec3b>(static_cast<int>(index)) = {colour[0], colour[1], colour[2]};
    }
    cv::Mat repeated, colours;
    cv::cvtColor(numbers, repeated, cv::COLOR_GRAY2RGB);
    cv::LUT(repeated, table, colours);
    return colours;
}

/// CV_16U of any number of channels -> CV_8U: round(value * 255 / (2^bit_depth - 1)).
cv::Mat scaled(const PictureFile& file, const cv::Mat& values, std::optional<int> bit_depth) {
    double largest = 0;
    cv::minMaxLoc(values.reshape(1), nullptr, &largest);
    if (!bit_depth) {
        throw Error(
            text(file.name, " has ", file.bits, " bits per value (largest value ", largest,
                 "), and how many of them are used is not said; export with bit_depth in the dataset (16 if values "
                 "reach 65535, 12 for 4095, 10 for 1023), or save it with 8 bits"));
    }
    const int top = (1 << *bit_depth) - 1;
    if (largest > top) {
        throw Error(text(file.name, " holds the value ", largest, ", but bit_depth ", *bit_depth, " ends at ", top,
                         "; declare more bits"));
    }
    cv::Mat bytes(values.size(), CV_8UC(values.channels()));
    for (int row = 0; row < values.rows; ++row) {
        const auto* deep = values.ptr<std::uint16_t>(row);
        uchar* shallow = bytes.ptr<uchar>(row);
        for (int index = 0; index < values.cols * values.channels(); ++index) {
            shallow[index] = static_cast<uchar>((static_cast<std::int64_t>(deep[index]) * 510 + top) / (2 * top));
        }
    }
    return bytes;
}

/// Undo the camera's orientation, EXIF 2.3 section 4.6.4 A.
cv::Mat upright(cv::Mat values, int orientation) {
    if (orientation >= 5) cv::transpose(values, values);
    const bool rows = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool columns = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    if (rows || columns) cv::flip(values, values, rows && columns ? -1 : rows ? 0 : 1);
    return values;
}

}  // namespace

cv::Mat read_picture(const std::filesystem::path& path, std::optional<int> bit_depth) {
    if (bit_depth && (*bit_depth < 9 || *bit_depth > 16)) {
        throw Error(text("bit_depth is the number of bits that deep pictures use, 9 to 16, got ", *bit_depth));
    }
    const PictureFile file = open_picture(path);
    cv::Mat values = decode(file);
    if (file.is_palette) return upright(looked_up(file, unstretched(values, file.bits)), file.orientation);
    if (values.depth() == CV_16U) values = scaled(file, values, bit_depth);
    if (values.channels() == 1) notice(file, "is gray: its values serve as red, green and blue");
    if (values.channels() == 4) notice(file, "has transparency, which is ignored: hidden colours become visible");
    const int code = values.channels() == 1   ? cv::COLOR_GRAY2RGB
                     : values.channels() == 4 ? cv::COLOR_BGRA2RGB
                                              : cv::COLOR_BGR2RGB;
    cv::Mat rgb;
    cv::cvtColor(values, rgb, code);
    return upright(rgb, file.orientation);
}

cv::Mat read_label(const std::filesystem::path& path) {
    const PictureFile file = open_picture(path);
    if (file.kind != "PNG") throw Error(text(file.name, " is no PNG: save label maps as single-channel PNG"));
    const cv::Mat values = decode(file);
    if (values.channels() != 1)
        throw Error(text(file.name, " is a picture of colours, not of class ids; save it as single-channel PNG"));
    return upright(unstretched(values, file.bits), file.orientation);
}

}  // namespace segwright
