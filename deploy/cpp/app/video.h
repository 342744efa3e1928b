#pragma once

#include <filesystem>
#include <optional>
#include <segwright/predictor.h>
#include <string>

/// What to make of a video.
struct VideoOutput {
    std::filesystem::path save_dir;  ///< Gets added_prediction/NAME.mp4.
    bool label_maps = false;         ///< And pseudo_color_prediction/NAME/000000.png and so on, one for each frame.
    std::optional<int> max_frames;   ///< End after so many.
};

/// What came of it.
struct VideoResult {
    std::filesystem::path file;
    int frames = 0;
    double seconds = 0;
    std::string fault;  ///< Why the frames ended early, or "".
};

/// Predict a video file, a camera (its number) or a stream until it ends, is lost, or a signal comes. The overlay has a
/// constant frame rate and appears under its name when it is whole.
///
/// Throws segwright::Error: the source cannot be opened or has no frame, or the result cannot be written.
VideoResult predict_video(const segwright::Predictor& predictor, const std::string& source, const VideoOutput& output);

/// Whether a word that is no file's name is a camera's number or a stream's address.
bool is_live(const std::string& source);
