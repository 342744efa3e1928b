#pragma once

#include <opencv2/core/types.hpp>
#include <optional>
#include <segwright/manifest.h>
#include <set>
#include <string>
#include <vector>

namespace segwright {

constexpr double longest_side = 1 << 24;  // pixels

/// The arguments of one transform. Each is asked for once, with its kind; what nobody asked for is an error.
class TransformArguments {
public:
    /// @param where names the transform in messages: `deploy.yaml: transforms[0]`.
    TransformArguments(const TransformBlock& block, std::string where) : block_(block), where_(std::move(where)) {}

    bool flag(const std::string& name, bool otherwise);
    double number(const std::string& name, std::optional<double> otherwise = std::nullopt);
    std::string word(const std::string& name, const std::string& otherwise);

    /// One number, or several.
    std::vector<double> numbers(const std::string& name, const std::vector<double>& otherwise);

    /// A whole number of pixels above zero.
    int length(const std::string& name, std::optional<int> otherwise = std::nullopt);

    /// A length, or nothing where the argument is absent or null.
    std::optional<int> optional_length(const std::string& name);

    /// `[width, height]`.
    cv::Size size(const std::string& name, std::optional<cv::Size> otherwise = std::nullopt);

    /// Colour of new pixels: values from 0 to 255.
    std::vector<double> padding_value();

    /// An argument that says what happens to label maps, of which there are none here.
    void skip(const std::string& name) { taken_.insert(name); }

    /// Fail if there are arguments that nobody asked for.
    void finish() const;

    [[noreturn]] void fail(const std::string& what) const;

private:
    const Value* find(const std::string& name);
    [[noreturn]] void want(const std::string& name, const std::string& kind) const;

    const TransformBlock& block_;
    std::string where_;
    std::set<std::string> taken_;
};

}  // namespace segwright
