#pragma once

#include "transforms.h"

namespace segwright {

class TransformArguments;

Transform make_padding(TransformArguments& arguments);
Transform make_padding_by_aspect_ratio(TransformArguments& arguments);
Transform make_scale_padding(TransformArguments& arguments);

}  // namespace segwright
