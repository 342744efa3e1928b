#include "transforms.h"

#include <segwright/error.h>

#include <algorithm>
#include <map>

#include "message.h"
#include "padding.h"
#include "resizing.h"
#include "transform_arguments.h"

namespace segwright {

namespace {

using Arguments = TransformArguments;

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
        throw Error(text(where, " is ", block.type,
                         ", which this program does not have, and without it the mask would be another one; "
                         "it has ",
                         known,
                         ": name some of these in the configuration's export.transforms and export again, or run "
                         "this model with segwright in Python"));
    }
    Arguments arguments(block, where);
    Transform transform = maker->second(arguments);
    arguments.finish();
    return transform;
}

}  // namespace segwright
