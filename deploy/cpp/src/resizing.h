#pragma once

#include "transforms.h"

namespace segwright {

class TransformArguments;

Transform make_resize(TransformArguments& arguments);
Transform make_resize_by_long(TransformArguments& arguments);
Transform make_resize_by_short(TransformArguments& arguments);
Transform make_resize_range_scaling(TransformArguments& arguments);
Transform make_resize_step_scaling(TransformArguments& arguments);
Transform make_limit_long(TransformArguments& arguments);
Transform make_limit_short(TransformArguments& arguments);

}  // namespace segwright
