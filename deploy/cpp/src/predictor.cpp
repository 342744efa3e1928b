#include <segwright/error.h>
#include <segwright/label_map.h>
#include <segwright/picture.h>
#include <segwright/predictor.h>

#include <cstring>
#include <opencv2/core.hpp>

#include "message.h"

namespace segwright {

namespace {

std::string spelled(cv::Size size) {
    return text(size.width, "x", size.height);
}

/// The input as often as the model's batch wants it; one picture's outputs count.
cv::Mat repeated(const cv::Mat& tensor, int count) {
    if (count <= 1) return tensor;
    std::vector<int> shape(tensor.size.p, tensor.size.p + tensor.dims);
    shape[0] = count;
    cv::Mat batch(shape, tensor.type());
    const std::size_t bytes = tensor.total() * tensor.elemSize();
    for (int index = 0; index < count; ++index)
        std::memcpy(batch.data + static_cast<std::size_t>(index) * bytes, tensor.data, bytes);
    return batch;
}

}  // namespace

Predictor::Predictor(const std::filesystem::path& bundle, const EngineOptions& options)
    : Predictor(read_manifest(bundle), options) {}

Predictor::Predictor(Manifest manifest, const EngineOptions& options)
    : manifest_(std::move(manifest)),
      preprocessing_(manifest_),
      options_(options),
      engine_(open_engine(manifest_, options_)) {}

cv::Mat Predictor::operator()(const std::filesystem::path& picture) const {
    const NetworkInput input = prepare(picture);
    return label_map(infer(input), input.geometry);
}

cv::Mat Predictor::operator()(const cv::Mat& picture) const {
    const NetworkInput input = prepare(picture);
    return label_map(infer(input), input.geometry);
}

NetworkInput Predictor::prepare(const std::filesystem::path& picture) const {
    return prepare(read_picture(picture, manifest_.bit_depth), picture.string());
}

NetworkInput Predictor::prepare(const cv::Mat& picture, const std::string& name) const {
    NetworkInput input;
    try {
        input = preprocessing_(picture);
    } catch (const Error& error) {
        throw Error(text(name, ": ", error.what()));
    } catch (const cv::Exception& error) {  // out of memory, above all
        throw Error(text(name, " cannot be preprocessed: ", error.err));
    }
    const auto [count, channels, height, width] = manifest_.input_shape;
    const cv::Size given = input.size();
    const cv::Size wanted(width > 0 ? width : given.width, height > 0 ? height : given.height);
    if (given != wanted) {
        throw Error(
            text(name, " is ", spelled(given),
                 " (width x height) after preprocessing, but this model was exported for ", spelled(wanted),
                 " only: put Resize or Padding into the validation transforms and export again, or export without "
                 "--input_shape for any size"));
    }
    return input;
}

cv::Mat Predictor::infer(const NetworkInput& input) const {
    const cv::Mat output = engine_->run(repeated(input.tensor, manifest_.input_shape[0]));
    const bool are_labels = output.dims == 3 && output.depth() == CV_32S;
    const bool are_scores = output.dims == 4 && output.depth() == CV_32F;
    const cv::Size given =
        are_labels || are_scores ? cv::Size(output.size[output.dims - 1], output.size[output.dims - 2]) : cv::Size();
    if (given != input.size()) {
        throw Error(text((manifest_.folder() / manifest_.model).string(),
                         " gives neither labels nor scores for each of the ", spelled(input.size()),
                         " pixels of its input: it is no model that segwright exported; export again"));
    }
    const std::vector<int> one(output.size.p + 1, output.size.p + output.dims);
    if (output.size[0] == 1) return output.reshape(0, one);
    return cv::Mat(one, output.type(), const_cast<uchar*>(output.ptr())).clone();
}

}  // namespace segwright
