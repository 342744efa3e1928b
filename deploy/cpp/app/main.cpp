#include <segwright/segwright.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "arguments.h"
#include "listing.h"
#include "pictures.h"
#include "report.h"
#include "stop.h"
#include "video.h"

namespace {

using segwright::Error;

void describe(const segwright::Predictor& predictor) {
    const auto& manifest = predictor.manifest();
    const auto& shape = manifest.input_shape;
    std::cout << manifest.model << ": input [" << shape[0] << ", " << shape[1] << ", " << shape[2] << ", " << shape[3]
              << "], output " << manifest.output_op << '\n'
              << predictor.engine_title() << ", " << predictor.options().thread_count() << " threads";
    if (predictor.options().parallel > 1) std::cout << ", " << predictor.options().parallel << " pictures at a time";
    std::cout << ", " << manifest.precision << std::endl;
}

int run_selftest(const segwright::Predictor& predictor) {
    const auto results = segwright::selftest(predictor);
    std::cout << selftest_report(results) << std::flush;
    return std::all_of(results.begin(), results.end(), [](const auto& result) { return result.passed(); }) ? 0 : 1;
}

int run_video(const Arguments& arguments, const segwright::Predictor& predictor) {
    catch_signals();
    const VideoResult result = predict_video(predictor, arguments.image_path,
                                             {arguments.save_dir, arguments.save_label_maps, arguments.max_frames});
    std::cout << result.frames << " frames in " << std::fixed << std::setprecision(1) << result.seconds << " s, "
              << result.frames / std::max(result.seconds, 1e-9) << " a second from start to end\n";
    if (result.frames > 0)
        std::cout << result.file.string() << "; the sound, if the source has any, is not in it" << std::endl;
    if (received_signal()) return 128 + received_signal();
    if (!result.fault.empty()) throw Error(result.fault);
    return 0;
}

int run_pictures(const Arguments& arguments, const segwright::Predictor& predictor, const std::vector<Job>& jobs) {
    catch_signals();
    const auto failures = predict_pictures(predictor, jobs, arguments.save_dir);
    if (received_signal()) return 128 + received_signal();
    std::vector<std::filesystem::path> readable;
    std::string first;
    for (std::size_t index = 0; index < jobs.size(); ++index) {
        if (failures[index].empty()) readable.push_back(jobs[index].picture);
        if (!failures[index].empty() && first.empty()) first = failures[index];
    }
    std::cout << readable.size() << " of " << jobs.size() << " label maps are in " << arguments.save_dir.string()
              << std::endl;
    if (arguments.benchmark && !readable.empty()) {
        const auto measured = segwright::benchmark(predictor, readable, arguments.model_name);
        const auto path = arguments.save_dir / "benchmark.json";
        std::cout << benchmark_report(measured);
        segwright::write_text(path, measured.to_json());
        std::cout << "the figures are in " << path.string() << std::endl;
    }
    for (const std::string& failure : failures) {
        if (!failure.empty()) std::cout << "not predicted: " << segwright::printable(failure) << '\n';
    }
    std::cout << std::flush;
    const std::size_t missing = jobs.size() - readable.size();
    if (missing == 0) return 0;
    throw Error(std::to_string(missing) + " of " + std::to_string(jobs.size()) +
                " pictures were not predicted; the first: " + first);
}

int run(Arguments arguments) {
    const bool has_video = is_live(arguments.image_path) ||
                           (std::filesystem::is_regular_file(arguments.image_path) && is_video(arguments.image_path));
    if (has_video && arguments.benchmark)
        throw Error("--benchmark times pictures, not a video: its speed is told at its end anyway");
    if (!has_video && (arguments.max_frames || arguments.save_label_maps))
        throw Error("--max_frames and --save_label_maps speak of videos; leave them out");
    const auto jobs = arguments.image_path.empty() || has_video ? std::vector<Job>() : list_jobs(arguments.image_path);
    auto manifest = segwright::read_manifest(arguments.config);
    if (!arguments.benchmark) {  // which shows what one picture takes
        arguments.options.parallel = pictures_at_once(manifest, arguments.options, jobs);
    }
    cv::setNumThreads(arguments.options.parallel > 1 ? 1 : arguments.options.thread_count());
    const segwright::Predictor predictor(std::move(manifest), arguments.options);
    describe(predictor);
    const int code = arguments.selftest ? run_selftest(predictor) : 0;
    if (arguments.image_path.empty()) return code;
    return std::max(code, has_video ? run_video(arguments, predictor) : run_pictures(arguments, predictor, jobs));
}

int complain(const std::string& words, int code) {
    std::cerr << wrapped("segwright_infer: error: " + segwright::printable(words));
    return code;
}

}  // namespace

int main(int count, char** words) {
    setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);  // what matters is said by us
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    try {
        const Arguments arguments = parse_arguments({words + 1, words + count});
        if (arguments.help) std::cout << usage();
        if (arguments.version) std::cout << "segwright_infer " << SEGWRIGHT_VERSION << '\n';
        return arguments.help || arguments.version ? 0 : run(arguments);
    } catch (const Error& error) {
        return complain(error.what(), 2);
    } catch (const std::filesystem::filesystem_error& error) {
        return complain(error.path1().string() + ": " + error.code().message(), 2);
    } catch (const std::bad_alloc&) {
        return complain("there is not enough memory; give smaller pictures or fewer --threads", 2);
    } catch (const std::exception& error) {
        return complain(std::string("unexpected: ") + error.what() +
                            ". This is a fault in the program, not in your files; please report it.",
                        1);
    }
}
