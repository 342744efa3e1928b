#include "padding.h"

#include <segwright/error.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "message.h"
#include "transform_arguments.h"

namespace segwright {

namespace {

using Arguments = TransformArguments;

/// Whole numbers 0..255, as 8-bit pixels have them.
void cut_to_bytes(Image& image) {
    for (int channel = 0; channel < image.channels(); ++channel) {
        cv::Mat plane = image.plane(channel);
        plane.forEach<float>(
            [](float& value, const int*) { value = std::trunc(std::min(std::max(value, 0.0F), 255.0F)); });
    }
}

}  // namespace

Transform make_padding(Arguments& arguments) {
    const cv::Size target = arguments.size("target_size");
    const auto fill = arguments.padding_value();
    arguments.skip("label_padding_value");
    return [=](Image& image) {
        const cv::Size before = image.size();
        if (before.height > target.height || before.width > target.width) {
            throw Error(text("Padding to ", target.width, "x", target.height,
                             " pixels (width x height) met an image of ", before.width, "x", before.height,
                             "; put a Resize before it, or raise target_size, and export again"));
        }
        pad(image, target, {0, 0}, fill);
    };
}

Transform make_padding_by_aspect_ratio(Arguments& arguments) {
    const double ratio = arguments.number("aspect_ratio", 1);
    const auto fill = arguments.padding_value();
    arguments.skip("label_padding_value");
    if (!(ratio > 1e-4) || ratio > 1e4) arguments.fail("wants aspect_ratio, width / height, above 0");
    return [=](Image& image) {
        const auto [width, height] = std::pair(image.size().width, image.size().height);
        const bool is_wide = static_cast<double>(width) / height > ratio;
        const double side = is_wide ? width / ratio : height * ratio;
        if (side > longest_side) {
            throw Error(text("a picture of ", width, "x", height, " would be padded to a side of ", std::floor(side),
                             " pixels; the limit is ", longest_side));
        }
        const int length = static_cast<int>(side);
        pad(image, is_wide ? cv::Size(width, std::max(length, height)) : cv::Size(std::max(length, width), height),
            {0, 0}, fill);
    };
}

Transform make_scale_padding(Arguments& arguments) {
    const cv::Size target = arguments.size("target_size", cv::Size(512, 512));
    auto fill = arguments.padding_value();
    arguments.skip("label_padding_value");
    for (double& value : fill) value = std::floor(value);
    return [=](Image& image) {
        cut_to_bytes(image);
        const int side = std::max(image.size().width, image.size().height);
        pad(image, {side, side}, {(side - image.size().width) / 2, (side - image.size().height) / 2}, fill);
        if (target == image.size()) return;
        const Image resized(image.channels(),
                            target);  // through bytes, as Python does: cubic interpolation rounds and saturates
        for (int channel = 0; channel < image.channels(); ++channel) {
            cv::Mat bytes, larger;
            image.plane(channel).convertTo(bytes, CV_8U);
            cv::resize(bytes, larger, target, 0, 0, cv::INTER_CUBIC);
            larger.convertTo(resized.plane(channel), CV_32F);
        }
        image.replace(resized, Resized{image.size()});
    };
}

}  // namespace segwright
