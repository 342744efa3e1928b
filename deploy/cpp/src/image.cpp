#include "image.h"

#include <segwright/error.h>

#include <opencv2/imgproc.hpp>

#include "message.h"

namespace segwright {

cv::Mat Image::tensor() const {
    const int shape[] = {1, channels_, size_.height, size_.width};
    return planes_.reshape(1, 4, shape);
}

void Image::replace(const Image& moved, const Geometry& step) {
    channels_ = moved.channels_;
    size_ = moved.size_;
    planes_ = moved.planes_;
    geometry.push_back(step);
}

Image to_planes(const cv::Mat& picture, bool to_rgb, int channels) {
    Image image(channels, picture.size());
    if (channels == 1) {
        cv::Mat colours;
        picture.convertTo(colours, CV_32FC3);
        cv::cvtColor(colours, image.plane(0), cv::COLOR_RGB2GRAY);
        return image;
    }
    if (channels != 3) {
        throw Error(text("the picture has 3 channels, but img_channels is ", channels,
                         ": this program reads pictures of three "
                         "channels only; run this model with segwright in Python"));
    }
    cv::Mat values;
    for (int channel = 0; channel < 3; ++channel) {
        cv::extractChannel(picture, values, to_rgb ? channel : 2 - channel);
        values.convertTo(image.plane(channel), CV_32F);
    }
    return image;
}

void resize(Image& image, cv::Size size, int interpolation) {
    if (size == image.size()) return;
    const Image resized(image.channels(), size);
    for (int channel = 0; channel < image.channels(); ++channel) {
        cv::resize(image.plane(channel), resized.plane(channel), size, 0, 0, interpolation);
    }
    image.replace(resized, Resized{image.size()});
}

void pad(Image& image, cv::Size size, cv::Point corner, const std::vector<double>& fill) {
    if (fill.size() != 1 && static_cast<int>(fill.size()) != image.channels()) {
        throw Error(text("im_padding_value holds ", fill.size(), " numbers, but the image has ", image.channels(),
                         " channels; give one number, or ", image.channels()));
    }
    if (size == image.size()) return;
    const Image padded(image.channels(), size);
    for (int channel = 0; channel < image.channels(); ++channel) {
        cv::Mat canvas = padded.plane(channel);
        canvas.setTo(fill[fill.size() == 1 ? 0 : static_cast<std::size_t>(channel)]);
        image.plane(channel).copyTo(canvas(cv::Rect(corner, image.size())));
    }
    image.replace(padded, Padded{image.size(), corner});
}

}  // namespace segwright
