#include "transforms.h"

#include <segwright/error.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

#include "message.h"
#include "transform_arguments.h"

namespace segwright {

namespace {

using Arguments = TransformArguments;

const std::map<std::string, int> interpolations{
    {"NEAREST", cv::INTER_NEAREST}, {"LINEAR", cv::INTER_LINEAR}, {"CUBIC", cv::INTER_CUBIC}, {"AREA", cv::INTER_AREA}, {"LANCZOS4", cv::INTER_LANCZOS4},
};

int longer(cv::Size size) { return std::max(size.width, size.height); }
int shorter(cv::Size size) { return std::min(size.width, size.height); }

/// Both sides times a factor, rounded (half to even, as Python does), at least 1.
cv::Size scaled(cv::Size size, double factor) {
    const auto side = [&](int length) { return std::max(static_cast<int>(std::nearbyint(length * factor)), 1); };
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
        arguments.fail("leaves to chance what the model sees, which a deployed model must not; name transforms without it in "
                       "the configuration's export.transforms");
    }
}

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
            size = scaled(before, std::min(static_cast<double>(longer(target)) / longer(before), static_cast<double>(shorter(target)) / shorter(before)));
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
    if (lengths.empty() || lengths[0] < 1 || lengths[0] > 1e6) arguments.fail("wants short_size as a whole number of pixels above zero");
    const double short_size = std::floor(lengths[0]);
    const double max_size = arguments.number("max_size", 1e10);
    if (!(max_size >= 1)) arguments.fail("wants a max_size above zero");
    return [=](Image& image) {
        const cv::Size before = image.size();
        if (short_size / shorter(before) * longer(before) <= max_size) return resize_to_short(image, static_cast<int>(short_size));
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

/// The allowed length that is nearest.
std::function<int(int)> make_limits(Arguments& arguments, const std::string& side) {
    const auto longest = arguments.optional_length("max_" + side);
    const auto shortest = arguments.optional_length("min_" + side);
    if (longest && shortest && *shortest > *longest) arguments.fail("wants min_" + side + " <= max_" + side);
    return [=](int length) { return longest && length > *longest ? *longest : shortest && length < *shortest ? *shortest : length; };
}

Transform make_limit_long(Arguments& arguments) {
    return [limit = make_limits(arguments, "long")](Image& image) { resize_to_long(image, limit(longer(image.size()))); };
}

Transform make_limit_short(Arguments& arguments) {
    return [limit = make_limits(arguments, "short")](Image& image) { resize_to_short(image, limit(shorter(image.size()))); };
}

Transform make_padding(Arguments& arguments) {
    const cv::Size target = arguments.size("target_size");
    const auto fill = arguments.padding_value();
    arguments.skip("label_padding_value");
    return [=](Image& image) {
        const cv::Size before = image.size();
        if (before.height > target.height || before.width > target.width) {
            throw Error(text("Padding to ", target.width, "x", target.height, " pixels (width x height) met an image of ", before.width,
                             "x", before.height, "; put a Resize before it, or raise target_size, and export again"));
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
        const cv::Size size = static_cast<double>(width) / height > ratio ? cv::Size(width, std::max(static_cast<int>(width / ratio), height))
                                                                          : cv::Size(std::max(static_cast<int>(height * ratio), width), height);
        pad(image, size, {0, 0}, fill);
    };
}

/// Whole numbers 0..255, as 8-bit pixels have them.
void cut_to_bytes(Image& image) {
    for (int channel = 0; channel < image.channels(); ++channel) {
        cv::Mat plane = image.plane(channel);
        plane.forEach<float>([](float& value, const int*) { value = std::trunc(std::min(std::max(value, 0.0F), 255.0F)); });
    }
}

Transform make_scale_padding(Arguments& arguments) {
    const cv::Size target = arguments.size("target_size", cv::Size(512, 512));
    auto fill = arguments.padding_value();
    arguments.skip("label_padding_value");
    for (double& value : fill) value = std::floor(value);
    return [=](Image& image) {
        cut_to_bytes(image);
        const int side = longer(image.size());
        pad(image, {side, side}, {(side - image.size().width) / 2, (side - image.size().height) / 2}, fill);
        if (target == image.size()) return;
        const Image resized(image.channels(), target);  // through bytes, as Python does: cubic interpolation rounds and saturates
        for (int channel = 0; channel < image.channels(); ++channel) {
            cv::Mat bytes, larger;
            image.plane(channel).convertTo(bytes, CV_8U);
            cv::resize(bytes, larger, target, 0, 0, cv::INTER_CUBIC);
            larger.convertTo(resized.plane(channel), CV_32F);
        }
        image.replace(resized, Resized{image.size()});
    };
}

/// (image / 255 - mean) / std, with the factor 255 moved out of the pixels' way: one subtraction and one product.
Transform make_normalize(Arguments& arguments) {
    const auto means = arguments.numbers("mean", {0.5});
    const auto stds = arguments.numbers("std", {0.5});
    const std::size_t count = std::max(means.size(), stds.size());
    if ((means.size() != 1 && means.size() != count) || (stds.size() != 1 && stds.size() != count)) {
        arguments.fail("wants one mean and std, or one for each channel");
    }
    if (std::count(stds.begin(), stds.end(), 0.0) > 0) arguments.fail("divides by std, so none may be 0");
    return [=](Image& image) {
        if (count != 1 && static_cast<int>(count) != image.channels()) {
            throw Error(text("Normalize has ", count, " means, but the image has ", image.channels(), " channels"));
        }
        for (int channel = 0; channel < image.channels(); ++channel) {
            const auto index = static_cast<std::size_t>(channel);
            const auto offset = static_cast<float>(255 * means[means.size() == 1 ? 0 : index]);
            const auto factor = static_cast<float>(1 / (255 * stds[stds.size() == 1 ? 0 : index]));
            cv::Mat plane = image.plane(channel);
            auto* values = plane.ptr<float>();
            const std::size_t total = plane.total();
            for (std::size_t place = 0; place < total; ++place) values[place] = (values[place] - offset) * factor;
        }
    };
}

Transform make_reverse_channels(Arguments&) {
    return [](Image& image) {
        for (int first = 0, last = image.channels() - 1; first < last; ++first, --last) {
            cv::Mat kept = image.plane(first).clone();
            image.plane(last).copyTo(image.plane(first));
            kept.copyTo(image.plane(last));
        }
    };
}

/// Of those that make something of label maps, which a deployed model does not meet.
Transform make_nothing(Arguments& arguments) {
    for (const char* name : {"edge_size", "num_classes", "ignore_index"}) arguments.skip(name);
    return [](Image&) {};
}

const std::map<std::string, Transform (*)(Arguments&)> makers{
    {"AddEdgeLabel", make_nothing},
    {"AddMultiLabelAuxiliaryCategory", make_nothing},
    {"GenerateInstanceTargets", make_nothing},
    {"LimitLong", make_limit_long},
    {"LimitShort", make_limit_short},
    {"Normalize", make_normalize},
    {"Padding", make_padding},
    {"PaddingByAspectRatio", make_padding_by_aspect_ratio},
    {"Resize", make_resize},
    {"ResizeByLong", make_resize_by_long},
    {"ResizeByShort", make_resize_by_short},
    {"ResizeRangeScaling", make_resize_range_scaling},
    {"ResizeStepScaling", make_resize_step_scaling},
    {"ReverseChannels", make_reverse_channels},
    {"ScalePadding", make_scale_padding},
};

}  // namespace

Transform make_transform(const TransformBlock& block, const std::string& where) {
    const auto maker = makers.find(block.type);
    if (maker == makers.end()) {
        std::string known;
        for (const auto& [name, make] : makers) known += (known.empty() ? "" : ", ") + name;
        throw Error(text(where, " is ", block.type, ", which this program does not have, and without it the mask would be another one; "
                         "it has ", known, ": name some of these in the configuration's export.transforms and export again, or run "
                         "this model with segwright in Python"));
    }
    Arguments arguments(block, where);
    Transform transform = maker->second(arguments);
    arguments.finish();
    return transform;
}

}  // namespace segwright
