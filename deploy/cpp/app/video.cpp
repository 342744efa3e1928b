#include "video.h"

#include <segwright/error.h>
#include <segwright/output.h>
#include <segwright/overlay.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <iomanip>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <sstream>

#include "stop.h"

namespace fs = std::filesystem;
using segwright::Error;

namespace {

constexpr auto reader = cv::CAP_FFMPEG;  // or OpenCV would look for a damaged file among cameras, too
constexpr double usual_rate = 25;        // frames a second where a source does not say
constexpr double fastest = 1000;
constexpr double shortfall = 0.01;  // share of the promised frames that may be missing: some containers only estimate

bool is_number(const std::string& words) {
    return !words.empty() && words.size() < 4 &&
           std::all_of(words.begin(), words.end(), [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool is_stream(const std::string& words) {
    constexpr std::array schemes{"rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://"};
    return std::any_of(schemes.begin(), schemes.end(), [&](const char* scheme) { return words.rfind(scheme, 0) == 0; });
}

/// Without the password that the address of a stream may hold.
std::string shown(const std::string& source) {
    if (is_number(source)) return "camera " + source;
    return is_stream(source)
               ? "stream " + source.substr(source.rfind('@') == std::string::npos ? 0 : source.rfind('@') + 1)
               : source;
}

/// The file's name; recordings are named by their time, so that none replaces another.
std::string result_name(const std::string& source) {
    if (!is_live(source)) return fs::path(source).stem().string();
    const std::time_t now = std::time(nullptr);
    std::ostringstream out;
    out << (is_number(source) ? "camera_" : "stream_") << std::put_time(std::localtime(&now), "%Y%m%d_%H%M%S");
    return out.str();
}

cv::VideoCapture opened(const std::string& source) {
    cv::VideoCapture capture =
        is_number(source) ? cv::VideoCapture(std::stoi(source)) : cv::VideoCapture(source, reader);
    if (capture.isOpened()) return capture;
    if (is_live(source))
        throw Error(shown(source) + " cannot be opened; see whether it is there, and whether another program uses it");
    throw Error(source +
                " cannot be opened as a video: it is damaged, cut short before its table of contents, or in a format "
                "that OpenCV does not read; "
                "see whether a player opens it, or write it anew as MP4");
}

/// An MP4 file that is whole or not there: it gets its name from `finish`.
class Recording {
public:
    Recording(fs::path path, double rate)
        : path_(std::move(path)), part_(path_.parent_path() / (".part." + path_.filename().string())), rate_(rate) {
        std::error_code failure;
        fs::create_directories(path_.parent_path(), failure);
        if (failure)
            throw Error("cannot write to the folder " + path_.parent_path().string() + ": " + failure.message());
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    ~Recording() {
        writer_.release();
        std::error_code ignored;
        fs::remove(part_, ignored);
    }

    /// CV_8UC3 RGB. Odd sizes, which the codec cannot write, get one more column or row like the last.
    void write(const cv::Mat& picture) {
        cv::Mat frame;
        cv::cvtColor(picture, frame, cv::COLOR_RGB2BGR);
        cv::copyMakeBorder(frame, frame, 0, frame.rows % 2, 0, frame.cols % 2, cv::BORDER_REPLICATE);
        if (!writer_.isOpened() &&
            !writer_.open(part_.string(), reader, cv::VideoWriter::fourcc('m', 'p', '4', 'v'), rate_, frame.size())) {
            throw Error(path_.string() +
                        " cannot be written as a video; choose another folder, or install an OpenCV with FFmpeg");
        }
        writer_.write(frame);
        ++count_;
    }

    /// Close it, and see whether all of it is on the disk: OpenCV reports no failure.
    void finish() {
        writer_.release();
        cv::VideoCapture written(part_.string(), reader);
        if (!written.isOpened() || written.get(cv::CAP_PROP_FRAME_COUNT) < count_) {
            throw Error(path_.string() + " could not be written: frames are missing; the disk may be full");
        }
        fs::rename(part_, path_);
    }

private:
    fs::path path_;
    fs::path part_;
    double rate_;
    int count_ = 0;
    cv::VideoWriter writer_;
};

}  // namespace

bool is_live(const std::string& source) {
    return is_stream(source) || (is_number(source) && !fs::exists(source));
}

VideoResult predict_video(const segwright::Predictor& predictor, const std::string& source, const VideoOutput& output) {
    cv::VideoCapture capture = opened(source);
    const double rate = capture.get(cv::CAP_PROP_FPS);
    const double promised = is_live(source) ? 0 : capture.get(cv::CAP_PROP_FRAME_COUNT);
    const std::string name = result_name(source);
    VideoResult result{output.save_dir / "added_prediction" / (name + ".mp4"), 0, 0, ""};
    Recording recording(result.file, std::isfinite(rate) && rate > 0 && rate <= fastest ? rate : usual_rate);
    const auto start = std::chrono::steady_clock::now();
    cv::Mat frame, picture;
    cv::Size size;
    bool has_ended = false;
    while (!received_signal() && (!output.max_frames || result.frames < *output.max_frames)) {
        if (!capture.read(frame) || frame.empty()) {
            has_ended = true;
            break;
        }
        if (result.frames > 0 && frame.size() != size) {
            result.fault = shown(source) + " changes its size after frame " + std::to_string(result.frames) +
                           "; the result stops there";
            break;
        }
        size = frame.size();
        cv::cvtColor(frame, picture, cv::COLOR_BGR2RGB);
        const cv::Mat label = predictor(picture);
        const auto& palette = predictor.manifest().palette;
        recording.write(segwright::overlay(picture, label, palette));
        if (output.label_maps) {
            std::ostringstream number;
            number << std::setw(6) << std::setfill('0') << result.frames << ".png";
            segwright::write_label_map(output.save_dir / "pseudo_color_prediction" / name / number.str(), label,
                                       palette);
        }
        ++result.frames;
    }
    if (result.frames == 0 && !received_signal()) throw Error(shown(source) + " holds no frame that can be read");
    if (has_ended && is_live(source)) {
        result.fault =
            shown(source) + " was lost after " + std::to_string(result.frames) + " frames; the result stops there";
    } else if (has_ended && result.frames < (1 - shortfall) * promised - 1) {
        std::ostringstream told;
        told << source << " says that it has " << std::fixed << std::setprecision(0) << promised
             << " frames, but only " << result.frames
             << " can be read: it is damaged or cut short, and the result stops at the last good frame";
        result.fault = told.str();
    }
    if (result.frames > 0) recording.finish();
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}
