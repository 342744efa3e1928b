#pragma once

#include <segwright/benchmark.h>
#include <segwright/engine.h>
#include <segwright/error.h>
#include <segwright/label_map.h>
#include <segwright/manifest.h>
#include <segwright/output.h>
#include <segwright/overlay.h>
#include <segwright/picture.h>
#include <segwright/predictor.h>
#include <segwright/preprocessing.h>
#include <segwright/printable.h>
#include <segwright/selftest.h>
