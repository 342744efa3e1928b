#pragma once

#include <functional>
#include <segwright/manifest.h>
#include <string>

#include "image.h"

namespace segwright {

using Transform = std::function<void(Image&)>;

/// Make a transform; those of segwright in Python that leave nothing to chance.
///
/// @param where begins messages: `deploy.yaml: transforms[0]`.
///
/// Throws Error: it is not known here, draws at random, or does not take such arguments.
Transform make_transform(const TransformBlock& block, const std::string& where);

}  // namespace segwright
