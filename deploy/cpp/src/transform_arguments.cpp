#include "transform_arguments.h"

#include <segwright/error.h>

#include <algorithm>
#include <cmath>

#include "message.h"

namespace segwright {

namespace {

std::optional<int> whole(double number) {
    if (!(number >= 1) || number > longest_side || number != std::floor(number)) return std::nullopt;
    return static_cast<int>(number);
}

}  // namespace

const Value* TransformArguments::find(const std::string& name) {
    taken_.insert(name);
    const auto found = block_.arguments.find(name);
    return found == block_.arguments.end() ? nullptr : &found->second;
}

void TransformArguments::fail(const std::string& what) const {
    throw Error(text(where_, ": ", block_.type, " ", what));
}

void TransformArguments::want(const std::string& name, const std::string& kind) const {
    fail(text("wants ", name, " as ", kind, "; export again"));
}

bool TransformArguments::flag(const std::string& name, bool otherwise) {
    const Value* value = find(name);
    if (!value) return otherwise;
    if (const bool* given = std::get_if<bool>(value)) return *given;
    want(name, "true or false");
}

double TransformArguments::number(const std::string& name, std::optional<double> otherwise) {
    const Value* value = find(name);
    if (!value && otherwise) return *otherwise;
    if (const double* given = value ? std::get_if<double>(value) : nullptr) return *given;
    want(name, "a number");
}

std::string TransformArguments::word(const std::string& name, const std::string& otherwise) {
    const Value* value = find(name);
    if (!value) return otherwise;
    if (const auto* given = std::get_if<std::string>(value)) return *given;
    want(name, "a word");
}

std::vector<double> TransformArguments::numbers(const std::string& name, const std::vector<double>& otherwise) {
    const Value* value = find(name);
    if (!value) return otherwise;
    if (const double* given = std::get_if<double>(value)) return {*given};
    if (const auto* given = std::get_if<std::vector<double>>(value); given && !given->empty()) return *given;
    want(name, "one number or several");
}

int TransformArguments::length(const std::string& name, std::optional<int> otherwise) {
    const Value* value = find(name);
    if (!value && otherwise) return *otherwise;
    const double* given = value ? std::get_if<double>(value) : nullptr;
    if (const auto pixels = given ? whole(*given) : std::nullopt) return *pixels;
    want(name, "a whole number of pixels above zero");
}

std::optional<int> TransformArguments::optional_length(const std::string& name) {
    const Value* value = find(name);
    if (!value || std::holds_alternative<std::monostate>(*value)) return std::nullopt;
    return length(name);
}

cv::Size TransformArguments::size(const std::string& name, std::optional<cv::Size> otherwise) {
    const Value* value = find(name);
    if (!value && otherwise) return *otherwise;
    const auto* given = value ? std::get_if<std::vector<double>>(value) : nullptr;
    if (given && given->size() == 2) {
        const auto width = whole((*given)[0]);
        const auto height = whole((*given)[1]);
        if (width && height) return {*width, *height};
    }
    want(name, "[width, height], two whole numbers of pixels above zero");
}

std::vector<double> TransformArguments::padding_value() {
    auto values = numbers("im_padding_value", {127.5});
    const bool are_pixels =
        std::all_of(values.begin(), values.end(), [](double value) { return value >= 0 && value <= 255; });
    if (!are_pixels) want("im_padding_value", "pixel values from 0 to 255");
    return values;
}

void TransformArguments::finish() const {
    for (const auto& [name, value] : block_.arguments) {
        if (taken_.count(name) == 0) {
            fail(text("has an argument '", name,
                      "' that this program does not know: upgrade it, or run this model with segwright in Python"));
        }
    }
}

}  // namespace segwright
