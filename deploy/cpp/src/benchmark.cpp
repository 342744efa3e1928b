#include <segwright/benchmark.h>
#include <segwright/error.h>
#include <segwright/label_map.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <numeric>
#include <opencv2/core.hpp>
#include <set>
#include <thread>

#include "message.h"

namespace segwright {

namespace {

constexpr int warmup = 5;
constexpr int min_runs = 20;
constexpr int max_runs = 200;
const std::array<const char*, 3> step_names{"preprocess", "inference", "postprocess"};

using Milliseconds = std::array<double, 3>;  // of each step

Milliseconds run_once(const Predictor& predictor, const std::filesystem::path& picture,
                      std::set<std::array<int, 4>>& shapes) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const NetworkInput input = predictor.prepare(picture);
    const auto prepared = Clock::now();
    const cv::Mat output = predictor.infer(input);
    const auto inferred = Clock::now();
    label_map(output, input.geometry);
    const auto done = Clock::now();
    shapes.insert({input.tensor.size[0], input.tensor.size[1], input.tensor.size[2], input.tensor.size[3]});
    const auto between = [](auto from, auto to) {
        return std::chrono::duration<double, std::milli>(to - from).count();
    };
    return {between(start, prepared), between(prepared, inferred), between(inferred, done)};
}

/// By linear interpolation between the two nearest ranks, as NumPy does it.
double percentile(const std::vector<double>& sorted, double share) {
    const double place = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

Timing timing(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    return {sum / static_cast<double>(values.size()), percentile(values, 0.5), percentile(values, 0.95)};
}

double peak_memory_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return static_cast<double>(usage.ru_maxrss) / 1e6;
#else
    return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
#endif
}

std::string quoted(const std::string& words) {
    std::ostringstream out;
    out << '"';
    for (const char letter : words) {
        if (letter == '"' || letter == '\\') {
            out << '\\' << letter;
        } else if (static_cast<unsigned char>(letter) < 0x20) {
            out << "\\u" << std::hex << std::setw(4) << std::setfill('0') << static_cast<int>(letter);
        } else {
            out << letter;
        }
    }
    out << '"';
    return out.str();
}

}  // namespace

Benchmark benchmark(const Predictor& predictor, const std::vector<std::filesystem::path>& pictures,
                    const std::string& model_name) {
    if (pictures.empty()) throw Error("a benchmark takes at least one picture");
    const int runs = std::clamp(static_cast<int>(pictures.size()), min_runs, max_runs);
    const auto picture = [&](int run) { return pictures[static_cast<std::size_t>(run) % pictures.size()]; };
    std::set<std::array<int, 4>> shapes;
    for (int run = 0; run < warmup; ++run) run_once(predictor, picture(run), shapes);
    shapes.clear();
    std::array<std::vector<double>, 4> columns;  // the steps, and the whole
    for (int run = 0; run < runs; ++run) {
        const Milliseconds times = run_once(predictor, picture(run), shapes);
        for (std::size_t step = 0; step < times.size(); ++step) columns[step].push_back(times[step]);
        columns[3].push_back(times[0] + times[1] + times[2]);
    }
    Benchmark result;
    result.model_name = model_name;
    result.runs = runs;
    result.warmup = warmup;
    for (std::size_t step = 0; step < step_names.size(); ++step)
        result.steps.emplace_back(step_names[step], timing(columns[step]));
    result.steps.emplace_back("total", timing(columns[3]));
    result.images_per_second = 1000 * runs / std::accumulate(columns[3].begin(), columns[3].end(), 0.0);
    result.peak_memory_mb = peak_memory_mb();
    result.input_shapes.assign(shapes.begin(), shapes.end());
    result.cores = static_cast<int>(std::thread::hardware_concurrency());
    result.cpu_threads = predictor.options().thread_count();
    utsname system{};
    uname(&system);
    result.environment = {
        {"system", text(system.sysname, "-", system.release)},
        {"processor", system.machine},
        {"device", predictor.options().device},
        {"precision", predictor.manifest().precision},
        {"engine", predictor.engine_title()},
        {"opencv", CV_VERSION},
        {"program", text("segwright for C++ ", SEGWRIGHT_VERSION)},
        {"exported_by", text("segwright ", predictor.manifest().written_by)},
    };
    return result;
}

std::string Benchmark::to_json() const {
    std::ostringstream out;
    out << std::setprecision(10);
    out << "{\n \"model_name\": " << quoted(model_name) << ",\n \"batch_size\": 1,\n \"runs\": " << runs
        << ",\n \"warmup\": " << warmup << ",\n \"steps\": {";
    const char* separator = "\n";
    for (const auto& [name, timing] : steps) {
        out << separator << "  " << quoted(name) << ": {\"mean\": " << timing.mean << ", \"p50\": " << timing.p50
            << ", \"p95\": " << timing.p95 << "}";
        separator = ",\n";
    }
    out << "\n },\n \"images_per_second\": " << images_per_second << ",\n \"peak_memory_mb\": " << peak_memory_mb
        << ",\n \"input_shapes\": [";
    separator = "";
    for (const auto& [count, second, third, fourth] : input_shapes) {
        out << separator << "[" << count << ", " << second << ", " << third << ", " << fourth << "]";
        separator = ", ";
    }
    out << "],\n \"environment\": {\n  \"cores\": " << cores << ",\n  \"cpu_threads\": " << cpu_threads;
    for (const auto& [key, value] : environment) out << ",\n  " << quoted(key) << ": " << quoted(value);
    out << "\n }\n}\n";
    return out.str();
}

}  // namespace segwright
