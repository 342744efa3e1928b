#include "resizing.h"

#include <segwright/error.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <opencv2/imgproc.hpp>

#include "message.h"
#include "transform_arguments.h"

namespace segwright {

namespace {

using Arguments = TransformArguments;

const std::map<std::string, int> interpolations{
    {"NEAREST", cv::INTER_NEAREST}, {"LINEAR", cv::INTER_LINEAR},     {"CUBIC", cv::INTER_CUBIC},
    {"AREA", cv::INTER_AREA},       {"LANCZOS4", cv::INTER_LANCZOS4},
};

int longer(cv::Size size) {
    return std::max(size.width, size.height);
}
int shorter(cv::Size size) {
    return std::min(size.width, size.height);
}

/// Both sides times a factor, rounded (half to even, as Python does), at least 1.
///
/// Throws Error: a side would be too long.
cv::Size scaled(cv::Size size, double factor) {
    const auto side = [&](int length) {
        const double wanted = std::nearbyint(length * factor);
        if (!(wanted <= longest_side)) {
            throw Error(text("a picture of ", size.width, "x", size.height, " would be resized to a side of ", wanted,
                             " pixels; the limit is ", longest_side));
        }
        return std::max(static_cast<int>(wanted), 1);
    };
    return {side(size.width), side(size.height)};
}

void resize_to_long(Image& image, int length) {
    resize(image, scaled(image.size(), static_cast<double>(length) / longer(image.size())), cv::INTER_LINEAR);
}

void resize_to_short(Image& image, int length) {
    resize(image, scaled(image.size(), static_cast<double>(length) / shorter(image.size())), cv::INTER_LINEAR);
}

void refuse_chance(const Arguments& arguments, bool is_random) {
    if (is_random) {
        arguments.fail(
            "leaves to chance what the model sees, which a deployed model must not; name transforms without it in "
            "the configuration's export.transforms");
    }
}

/// The allowed length that is nearest.
std::function<int(int)> make_limits(Arguments& arguments, const std::string& side) {
    const auto longest = arguments.optional_length("max_" + side);
    const auto shortest = arguments.optional_length("min_" + side);
    if (longest && shortest && *shortest > *longest) arguments.fail("wants min_" + side + " <= max_" + side);
    return [=](int length) {
        return longest && length > *longest ? *longest : shortest && length < *shortest ? *shortest : length;
    };
}

}  // namespace

Transform make_resize(Arguments& arguments) {
    const cv::Size target = arguments.size("target_size", cv::Size(512, 512));
    const bool keep_ratio = arguments.flag("keep_ratio", false);
    const std::optional<int> divisor = arguments.optional_length("size_divisor");
    const std::string name = arguments.word("interp", "LINEAR");
    refuse_chance(arguments, name == "RANDOM");
    const auto interpolation = interpolations.find(name);
    if (interpolation == interpolations.end()) arguments.fail("does not know the interp '" + name + "'");
    return [=, flag = interpolation->second](Image& image) {
        const cv::Size before = image.size();
        cv::Size size = target;
        if (keep_ratio) {
            size = scaled(before, std::min(static_cast<double>(longer(target)) / longer(before),
                                           static_cast<double>(shorter(target)) / shorter(before)));
        }
        if (divisor) {
            const auto up = [&](int side) { return (side + *divisor - 1) / *divisor * *divisor; };
            size = {up(size.width), up(size.height)};
        }
        resize(image, size, flag);
    };
}

Transform make_resize_by_long(Arguments& arguments) {
    const int length = arguments.length("long_size");
    return [=](Image& image) { resize_to_long(image, length); };
}

Transform make_resize_by_short(Arguments& arguments) {
    const auto lengths = arguments.numbers("short_size", {});
    refuse_chance(arguments, lengths.size() > 1);
    if (lengths.empty() || lengths[0] < 1 || lengths[0] > 1e6)
        arguments.fail("wants short_size as a whole number of pixels above zero");
    const double short_size = std::floor(lengths[0]);
    const double max_size = arguments.number("max_size", 1e10);
    if (!(max_size >= 1)) arguments.fail("wants a max_size above zero");
    return [=](Image& image) {
        const cv::Size before = image.size();
        if (short_size / shorter(before) * longer(before) <= max_size)
            return resize_to_short(image, static_cast<int>(short_size));
        const int fitting = static_cast<int>(max_size / longer(before) * shorter(before));
        return fitting ? resize_to_short(image, fitting) : resize_to_long(image, static_cast<int>(max_size));
    };
}

Transform make_resize_range_scaling(Arguments& arguments) {
    const int low = arguments.length("min_value", 400);
    refuse_chance(arguments, low != arguments.length("max_value", 600));
    return [=](Image& image) { resize_to_long(image, low); };
}

Transform make_resize_step_scaling(Arguments& arguments) {
    const double low = arguments.number("min_scale_factor", 0.75);
    refuse_chance(arguments, low != arguments.number("max_scale_factor", 1.25));
    arguments.number("scale_step_size", 0.25);  // between factors of which there is only one
    if (!(low > 0) || low > 1e3) arguments.fail("wants factors above 0");
    return [=](Image& image) { resize(image, scaled(image.size(), low), cv::INTER_LINEAR); };
}

Transform make_limit_long(Arguments& arguments) {
    return
        [limit = make_limits(arguments, "long")](Image& image) { resize_to_long(image, limit(longer(image.size()))); };
}

Transform make_limit_short(Arguments& arguments) {
    return [limit = make_limits(arguments, "short")](Image& image) {
        resize_to_short(image, limit(shorter(image.size())));
    };
}

}  // namespace segwright
