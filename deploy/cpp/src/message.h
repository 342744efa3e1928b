#pragma once

#include <sstream>
#include <string>

namespace segwright {

/// The parts after each other.
template <class... Parts>
std::string text(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

}  // namespace segwright
