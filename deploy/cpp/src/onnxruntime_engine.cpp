#include <onnxruntime_cxx_api.h>
#include <segwright/error.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <opencv2/core.hpp>
#include <vector>

#include "engines.h"
#include "message.h"

namespace segwright {

namespace {

constexpr char cuda[] = "CUDAExecutionProvider";

Ort::Env& environment() {
    static Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "segwright");
    return env;
}

Ort::SessionOptions settings(const EngineOptions& options) {
    Ort::SessionOptions wanted;
    wanted.SetIntraOpNumThreads(std::max(1, options.thread_count() / options.parallel));
    wanted.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);  // errors come as exceptions
    if (options.device == "gpu") {
        const auto providers = Ort::GetAvailableProviders();
        if (std::count(providers.begin(), providers.end(), cuda) == 0) {
            throw Error("device gpu: this ONNX Runtime was built without CUDA; use its GPU package, or --device cpu");
        }
        wanted.AppendExecutionProvider_CUDA(OrtCUDAProviderOptions{});
    }
    return wanted;
}

cv::Mat to_mat(const Ort::Value& value) {
    const auto information = value.GetTensorTypeAndShapeInfo();
    const auto shape = information.GetShape();
    const std::vector<int> sizes(shape.begin(), shape.end());
    const auto type = information.GetElementType();
    if (shape.empty() || information.GetElementCount() == 0) throw Error("the model gives nothing");
    cv::Mat output(sizes, type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? CV_32F : CV_32S);
    const auto copy = [&](const auto* from, auto* to) {
        using Number = std::remove_reference_t<decltype(*to)>;
        std::transform(from, from + information.GetElementCount(), to,
                       [](auto number) { return static_cast<Number>(number); });
    };
    switch (type) {
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: copy(value.GetTensorData<float>(), output.ptr<float>()); break;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: copy(value.GetTensorData<std::int32_t>(), output.ptr<int>()); break;
        case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: copy(value.GetTensorData<std::int64_t>(), output.ptr<int>()); break;
        default: throw Error(text("the model gives values of ONNX's type ", type, ", neither labels nor scores"));
    }
    return output;
}

class OnnxRuntimeEngine : public Engine {
public:
    OnnxRuntimeEngine(const std::filesystem::path& path, const EngineOptions& options)
        : session_(environment(), path.c_str(), settings(options)),
          path_(path.string()),
          title_(text("ONNX Runtime ", Ort::GetVersionString(), " (", options.device == "gpu" ? "CUDA" : "CPU", ")")),
          input_(session_.GetInputNameAllocated(0, allocator_).get()),
          output_(session_.GetOutputNameAllocated(0, allocator_).get()) {}

    std::string title() const override { return title_; }

    cv::Mat run(const cv::Mat& batch) override {
        const std::vector<std::int64_t> shape(batch.size.p, batch.size.p + batch.dims);
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
        const bool is_picture = batch.depth() == CV_8U;
        const auto type = is_picture ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
        const std::array<const char*, 1> inputs{input_.c_str()};
        const std::array<const char*, 1> outputs{output_.c_str()};
        try {
            const auto input = Ort::Value::CreateTensor(memory, batch.data, batch.total() * batch.elemSize(),
                                                        shape.data(), shape.size(), type);
            return to_mat(session_.Run(Ort::RunOptions(), inputs.data(), &input, 1, outputs.data(), 1).at(0));
        } catch (const Ort::Exception& error) {
            throw Error(text("ONNX Runtime cannot run ", path_, ": ", told_shortly(error.what())));
        }
    }

private:
    Ort::AllocatorWithDefaultOptions allocator_;
    Ort::Session session_;
    std::string path_;
    std::string title_;
    std::string input_;
    std::string output_;
};

}  // namespace

std::unique_ptr<Engine> open_onnxruntime(const Manifest& manifest, const EngineOptions& options) {
    const std::filesystem::path path = manifest.folder() / manifest.model;
    try {
        return std::make_unique<OnnxRuntimeEngine>(path, options);
    } catch (const Ort::Exception& error) {
        throw Error(text("ONNX Runtime ", Ort::GetVersionString(), " cannot load ", path.string(), ": ",
                         told_shortly(error.what())));
    }
}

}  // namespace segwright
