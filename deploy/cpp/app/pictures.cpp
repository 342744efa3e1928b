#include "pictures.h"

#include <segwright/error.h>
#include <segwright/label_map.h>
#include <segwright/output.h>
#include <segwright/overlay.h>
#include <segwright/picture.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>

#include "stop.h"

using segwright::Error;

namespace {

constexpr int small = 1 << 20;     // pixels: several inputs of more at the same time might not fit in memory
constexpr int fewest_workers = 2;  // one reads or writes while the other one's picture is computed

}  // namespace

int pictures_at_once(const segwright::Manifest& manifest, const segwright::EngineOptions& options,
                     const std::vector<Job>& jobs) {
    if (jobs.size() < 2 || options.device != "cpu") return 1;
    const segwright::Preprocessing preprocessing(manifest);
    for (const Job& job : jobs) {
        try {
            const bool is_small =
                preprocessing(segwright::read_picture(job.picture, manifest.bit_depth)).size().area() <= small;
            return is_small ? std::min(options.thread_count(), static_cast<int>(jobs.size())) : 1;
        } catch (const std::exception&) {  // will be told when it is this picture's turn
        }
    }
    return 1;
}

std::vector<std::string> predict_pictures(const segwright::Predictor& predictor, const std::vector<Job>& jobs,
                                          const std::filesystem::path& save_dir) {
    std::vector<std::string> failures(jobs.size());
    std::atomic<std::size_t> next{0};
    std::atomic<bool> is_broken{false};

    const auto predict = [&](const Job& job, std::string& failure) {
        segwright::NetworkInput input;
        try {
            input = predictor.prepare(job.picture);
        } catch (const Error& error) {  // this picture's fault; the others go on
            failure = error.what();
            return;
        }
        const cv::Mat label = segwright::label_map(predictor.infer(input), input.geometry);
        const auto& palette = predictor.manifest().palette;
        segwright::write_label_map(save_dir / job.label_map, label, palette);
        segwright::write_picture(save_dir / "added_prediction" / job.overlay,
                                 segwright::overlay(input.picture, label, palette));
    };
    const auto work = [&] {
        try {
            for (std::size_t index = next++; index < jobs.size() && !is_broken && !received_signal(); index = next++)
                predict(jobs[index], failures[index]);
        } catch (...) {
            is_broken = true;
            throw;
        }
    };
    std::vector<std::future<void>> workers;
    const auto count =
        std::min(jobs.size(), static_cast<std::size_t>(std::max(fewest_workers, predictor.options().parallel)));
    try {
        while (workers.size() < count) workers.push_back(std::async(std::launch::async, work));
    } catch (const std::system_error&) {  // the system gives no further thread: those that run do all the work
        if (workers.empty()) throw;
    }
    for (std::future<void>& worker : workers) worker.get();
    return failures;
}
