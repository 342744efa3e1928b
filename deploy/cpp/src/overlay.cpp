#include <segwright/error.h>
#include <segwright/overlay.h>

#include <algorithm>
#include <opencv2/core.hpp>

namespace segwright {

namespace {

constexpr double picture_weight = 0.6;

}  // namespace

cv::Mat overlay(const cv::Mat& picture, const cv::Mat& label, const Palette& palette) {
    if (picture.size() != label.size()) throw Error("a label map can only be laid over a picture of its size");
    cv::Mat ids, colours(label.size(), CV_8UC3), is_seen(label.size(), CV_8U);
    label.convertTo(ids, CV_32S);
    for (int row = 0; row < ids.rows; ++row) {
        const int* id = ids.ptr<int>(row);
        auto* colour = colours.ptr<cv::Vec3b>(row);
        uchar* seen = is_seen.ptr<uchar>(row);
        for (int column = 0; column < ids.cols; ++column) {
            const bool has_colour = id[column] >= 0 && id[column] < static_cast<int>(palette.size());
            const Colour given = has_colour ? palette[static_cast<std::size_t>(id[column])] : Colour{};
            colour[column] = {given[0], given[1], given[2]};
            seen[column] = given == Colour{} ? 0 : 255;
        }
    }
    cv::Mat blended, result = picture.clone();
    cv::addWeighted(picture, picture_weight, colours, 1 - picture_weight, 0, blended);
    blended.copyTo(result, is_seen);
    return result;
}

}  // namespace segwright
