#pragma once

#include <array>
#include <filesystem>
#include <segwright/predictor.h>
#include <string>
#include <utility>
#include <vector>

namespace segwright {

/// Milliseconds a picture.
struct Timing {
    double mean = 0;
    double p50 = 0;
    double p95 = 0;
};

/// How long a picture takes: decoding and transforms, the network, and the way back to the picture's size.
struct Benchmark {
    std::string model_name;                                        ///< Label of the model.
    int runs = 0;                                                  ///< Pictures measured, after `warmup` others.
    int warmup = 0;                                                ///< Pictures that ran before.
    std::vector<std::pair<std::string, Timing>> steps;             ///< preprocess, inference, postprocess, total.
    double images_per_second = 0;                                  ///< Through all steps, one after the other.
    double peak_memory_mb = 0;                                     ///< Most memory that the process has held.
    std::vector<std::array<int, 4>> input_shapes;                  ///< Of the network's inputs, each once.
    std::vector<std::pair<std::string, std::string>> environment;  ///< What else the figures depend on.
    int cores = 0;                                                 ///< Of the machine.
    int cpu_threads = 0;                                           ///< That computed.

    /// As segwright in Python writes it to benchmark.json.
    std::string to_json() const;
};

/// Time the predictor on pictures from disk. Writing of results is not part of it. Few pictures are taken in turns
/// until there are 20 runs, of many only the first 200 are taken.
///
/// Throws Error: there is no picture, or one cannot be predicted.
Benchmark benchmark(const Predictor& predictor, const std::vector<std::filesystem::path>& pictures,
                    const std::string& model_name = "");

}  // namespace segwright
