#include <segwright/error.h>

#include <algorithm>
#include <mutex>
#include <opencv2/core.hpp>
#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <vector>

#include "engines.h"
#include "message.h"

namespace segwright {

namespace {

std::string version() {
    const std::string build = ov::get_openvino_version().buildNumber;
    return build.substr(0, build.find('-'));
}

/// A copy: the tensor is the request's own memory, which its next run fills anew.
cv::Mat to_mat(ov::Tensor tensor) {
    const ov::Shape& shape = tensor.get_shape();
    const std::vector<int> sizes(shape.begin(), shape.end());
    const auto type = tensor.get_element_type();
    if (shape.empty() || tensor.get_size() == 0) throw Error("the model gives nothing");
    if (type == ov::element::f32 || type == ov::element::i32) {
        return cv::Mat(sizes, type == ov::element::f32 ? CV_32F : CV_32S, tensor.data()).clone();
    }
    if (type != ov::element::i64)
        throw Error(text("the model gives ", type.get_type_name(), ", neither labels nor scores"));
    cv::Mat labels(sizes, CV_32S);
    const std::int64_t* wide = tensor.data<std::int64_t>();
    std::transform(wide, wide + tensor.get_size(), labels.ptr<int>(),
                   [](std::int64_t label) { return static_cast<int>(label); });
    return labels;
}

/// By the reader of its format, for one that is damaged would otherwise be tried as every format there is.
std::shared_ptr<ov::Model> read_model(const std::string& path, const std::string& format) {
    const auto reader = ov::frontend::FrontEndManager().load_by_framework(format == "openvino" ? "ir" : format);
    const auto loaded = reader ? reader->load(path) : nullptr;
    if (!loaded)
        throw Error(text("OpenVINO ", version(), " cannot load ", path, ": it is no such model; export again"));
    auto model = reader->convert(loaded);
    if (model->inputs().size() != 1 || model->outputs().empty()) {
        throw Error(text("OpenVINO ", version(), " cannot load ", path, ": it has ", model->inputs().size(),
                         " inputs and ", model->outputs().size(),
                         " outputs, so it is no model that segwright exported; export again"));
    }
    return model;
}

class OpenVinoEngine : public Engine {
public:
    OpenVinoEngine(ov::CompiledModel compiled, std::string path, const std::string& device)
        : compiled_(std::move(compiled)),
          path_(std::move(path)),
          title_(text("OpenVINO ", version(), " (", device, ")")) {}

    std::string title() const override { return title_; }

    cv::Mat run(const cv::Mat& batch) override {
        const ov::Shape shape(batch.size.p, batch.size.p + batch.dims);
        const auto type = batch.depth() == CV_8U ? ov::element::u8 : ov::element::f32;
        try {
            ov::InferRequest request = take();
            request.set_input_tensor(ov::Tensor(type, shape, batch.data));
            request.infer();
            cv::Mat output = to_mat(request.get_output_tensor(0));
            give_back(std::move(request));
            return output;
        } catch (const ov::Exception& error) {  // the request goes, too
            throw Error(
                text("OpenVINO cannot run ", path_, " on an input of shape ", shape, ": ", told_shortly(error.what())));
        }
    }

private:
    /// A request of which nobody else has hold.
    ov::InferRequest take() {
        const std::lock_guard<std::mutex> guard(lock_);
        if (idle_.empty()) return compiled_.create_infer_request();
        ov::InferRequest request = std::move(idle_.back());
        idle_.pop_back();
        return request;
    }

    void give_back(ov::InferRequest request) {
        const std::lock_guard<std::mutex> guard(lock_);
        idle_.push_back(std::move(request));
    }

    ov::CompiledModel compiled_;
    std::string path_;
    std::string title_;
    std::mutex lock_;
    std::vector<ov::InferRequest> idle_;
};

}  // namespace

std::unique_ptr<Engine> open_openvino(const Manifest& manifest, const EngineOptions& options) {
    const std::string path = (manifest.folder() / manifest.model).string();
    const std::string device = options.device == "gpu" ? "GPU" : "CPU";
    try {
        ov::Core core;
        if (device == "GPU") {  // asking takes a while
            std::string found;
            for (const std::string& name : core.get_available_devices()) found += (found.empty() ? "" : ", ") + name;
            if (found.find(device) == std::string::npos) {
                throw Error(
                    text("device gpu: OpenVINO finds ", found, " here, and its GPU is Intel's; use --device cpu"));
            }
        }
        ov::AnyMap settings{
            ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
            ov::hint::inference_precision(ov::element::f32),
        };
        if (device == "CPU") {
            settings.insert(ov::inference_num_threads(options.thread_count()));
            settings.insert(ov::num_streams(options.parallel));
        }
        return std::make_unique<OpenVinoEngine>(core.compile_model(read_model(path, manifest.format), device, settings),
                                                path, device);
    } catch (const ov::Exception& error) {
        throw Error(text("OpenVINO ", version(), " cannot load ", path, ": ", told_shortly(error.what())));
    }
}

}  // namespace segwright
