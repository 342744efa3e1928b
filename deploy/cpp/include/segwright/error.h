#pragma once

#include <stdexcept>

namespace segwright {

/// Something that the user can mend: one paragraph that says what was found, where, and what to do.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace segwright
