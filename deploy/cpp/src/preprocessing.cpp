#include <segwright/error.h>
#include <segwright/preprocessing.h>

#include "image.h"
#include "message.h"
#include "transforms.h"

namespace segwright {

cv::Size NetworkInput::size() const {
    const bool is_picture = tensor.depth() == CV_8U;
    return {tensor.size[is_picture ? 2 : 3], tensor.size[is_picture ? 1 : 2]};
}

Preprocessing::Preprocessing(const Manifest& manifest)
    : picture_input_(manifest.picture_input), to_rgb_(manifest.to_rgb), img_channels_(manifest.img_channels) {
    if (picture_input_) return;  // the graph itself does what the blocks tell
    for (const TransformBlock& block : manifest.transforms) {
        transforms_.push_back(
            make_transform(block, text(manifest.path.string(), ": transforms[", transforms_.size(), "]")));
    }
}

NetworkInput Preprocessing::operator()(const cv::Mat& picture) const {
    if (picture.type() != CV_8UC3 || picture.empty()) throw Error("want a picture as CV_8UC3, red first");
    if (picture_input_) {
        const int shape[] = {1, picture.rows, picture.cols, 3};
        const cv::Mat whole = picture.isContinuous() ? picture : picture.clone();
        return {whole, whole.reshape(1, 4, shape), {}};
    }
    Image image = to_planes(picture, to_rgb_, img_channels_);
    for (const Transform& transform : transforms_) transform(image);
    return {picture, image.tensor(), image.geometry};
}

}  // namespace segwright
