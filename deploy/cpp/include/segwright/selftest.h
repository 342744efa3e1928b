#pragma once

#include <segwright/predictor.h>
#include <string>
#include <vector>

namespace segwright {

/// One test picture of a bundle.
struct SelftestResult {
    std::string image;          ///< Its path relative to the bundle.
    std::size_t pixels = 0;     ///< How many there are.
    std::size_t different = 0;  ///< How many have another label than expected.
    double wanted = 1;          ///< Share of the pixels that have to agree, 0..1.

    double agreement() const { return 1 - static_cast<double>(different) / static_cast<double>(pixels); }
    bool passed() const { return agreement() >= wanted; }
};

/// Predict the bundle's test pictures and compare with the trained model's label maps beside them.
std::vector<SelftestResult> selftest(const Predictor& predictor);

}  // namespace segwright
