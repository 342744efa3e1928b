// How much of a picture each class takes: shares EXPORT_FOLDER PICTURE

#include <segwright/segwright.h>

#include <iostream>
#include <opencv2/core.hpp>

int main(int count, char** words) {
    if (count != 3) {
        std::cerr << "usage: shares EXPORT_FOLDER PICTURE\n";
        return 2;
    }
    try {
        const segwright::Predictor predictor(words[1]);
        const cv::Mat labels = predictor(std::filesystem::path(words[2]));
        const auto& manifest = predictor.manifest();
        for (int id = 0; id < manifest.num_classes; ++id) {
            const auto index = static_cast<std::size_t>(id);
            const std::string name =
                index < manifest.labels.size() ? manifest.labels[index] : "class " + std::to_string(id);
            const double share =
                static_cast<double>(cv::countNonZero(labels == id)) / static_cast<double>(labels.total());
            std::cout << name << ": " << 100 * share << " %\n";
        }
    } catch (const segwright::Error& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
