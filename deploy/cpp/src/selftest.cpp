#include <segwright/picture.h>
#include <segwright/selftest.h>

#include <opencv2/core.hpp>

namespace segwright {

std::vector<SelftestResult> selftest(const Predictor& predictor) {
    std::vector<SelftestResult> results;
    for (const Selftest& test : predictor.manifest().selftest) {
        cv::Mat found, wanted;
        predictor(predictor.manifest().folder() / test.image).convertTo(found, CV_32S);
        read_label(predictor.manifest().folder() / test.mask).convertTo(wanted, CV_32S);
        const std::size_t pixels = found.total();
        const bool are_alike = found.size() == wanted.size();
        const std::size_t different = are_alike ? static_cast<std::size_t>(cv::countNonZero(found != wanted)) : pixels;
        results.push_back({test.image, pixels, different, test.agreement});
    }
    return results;
}

}  // namespace segwright
