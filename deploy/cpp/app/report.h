#pragma once

#include <segwright/benchmark.h>
#include <segwright/selftest.h>
#include <string>
#include <vector>

/// One line for each test picture.
std::string selftest_report(const std::vector<segwright::SelftestResult>& results);

/// A table of the steps.
std::string benchmark_report(const segwright::Benchmark& benchmark);

/// Words in lines of up to 120 letters.
std::string wrapped(const std::string& words);
