#include <segwright/label_map.h>

#include <opencv2/imgproc.hpp>

namespace segwright {

namespace {

/// Resample by picking pixels, with pixel centres at half integers. OpenCV's nearest rounds towards the top left
/// instead.
cv::Mat nearest(const cv::Mat& labels, cv::Size size) {
    const auto places = [](int before, int after) {
        std::vector<int> result(static_cast<std::size_t>(after));
        for (int index = 0; index < after; ++index) {
            result[static_cast<std::size_t>(index)] = static_cast<int>((2LL * index + 1) * before / (2LL * after));
        }
        return result;
    };
    const std::vector<int> rows = places(labels.rows, size.height);
    const std::vector<int> columns = places(labels.cols, size.width);
    cv::Mat result(size, CV_32S);
    for (int row = 0; row < size.height; ++row) {
        const int* from = labels.ptr<int>(rows[static_cast<std::size_t>(row)]);
        int* to = result.ptr<int>(row);
        for (const int column : columns) *to++ = from[column];
    }
    return result;
}

cv::Mat linear(const cv::Mat& scores, cv::Size size) {
    cv::Mat result;
    cv::resize(scores, result, size, 0, 0, cv::INTER_LINEAR);
    return result;
}

/// Through the steps in reverse.
cv::Mat restore(cv::Mat array, const std::vector<Geometry>& geometry, cv::Mat (*resample)(const cv::Mat&, cv::Size)) {
    for (auto step = geometry.rbegin(); step != geometry.rend(); ++step) {
        if (const auto* resized = std::get_if<Resized>(&*step)) {
            array = resample(array, resized->before);
        } else {
            const auto& padded = std::get<Padded>(*step);
            array = array(cv::Rect(padded.corner, padded.before));
        }
    }
    return array;
}

/// (C, H, W) scores -> (H, W) places of the best, the first where several are.
cv::Mat best_class(const cv::Mat& scores, const std::vector<Geometry>& geometry) {
    const auto plane = [&](int index) {
        const cv::Mat view(scores.size[1], scores.size[2], CV_32F,
                           const_cast<float*>(scores.ptr<float>(index)));  // read only
        return restore(view, geometry, linear);
    };
    cv::Mat best = plane(0).clone();
    cv::Mat labels(best.size(), CV_32S, cv::Scalar(0));
    for (int index = 1; index < scores.size[0]; ++index) {
        const cv::Mat other = plane(index);
        for (int row = 0; row < best.rows; ++row) {
            const auto* given = other.ptr<float>(row);
            auto* highest = best.ptr<float>(row);
            auto* label = labels.ptr<int>(row);
            for (int column = 0; column < best.cols; ++column) {
                const bool is_better = given[column] > highest[column];
                highest[column] = is_better ? given[column] : highest[column];
                label[column] = is_better ? index : label[column];
            }
        }
    }
    return labels;
}

}  // namespace

cv::Mat label_map(const cv::Mat& output, const std::vector<Geometry>& geometry) {
    cv::Mat labels = output.dims == 2 ? restore(output, geometry, nearest) : best_class(output, geometry);
    double highest = 0;
    cv::minMaxLoc(labels, nullptr, &highest);
    if (highest > 255) return labels.clone();
    cv::Mat bytes;
    labels.convertTo(bytes, CV_8U);
    return bytes;
}

}  // namespace segwright
