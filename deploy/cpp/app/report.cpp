#include "report.h"

#include <iomanip>
#include <sstream>

std::string selftest_report(const std::vector<segwright::SelftestResult>& results) {
    std::ostringstream out;
    for (const auto& result : results) {
        out << "selftest " << result.image << ": " << result.different << " of " << result.pixels
            << " pixels differ, agreement " << std::fixed << std::setprecision(4) << 100 * result.agreement()
            << " %: " << std::defaultfloat << std::setprecision(6);
        if (result.passed()) {
            out << "passed\n";
        } else {
            out << "FAILED (want " << 100 * result.wanted << " %)\n";
        }
    }
    return out.str();
}

std::string benchmark_report(const segwright::Benchmark& benchmark) {
    std::ostringstream out;
    out << (benchmark.model_name.empty() ? "model" : benchmark.model_name) << ": " << benchmark.runs
        << " runs of 1 after " << benchmark.warmup << '\n';
    out << std::left << std::setw(13) << "step" << std::right << std::setw(10) << "mean ms" << std::setw(10) << "p50 ms"
        << std::setw(10) << "p95 ms" << '\n';
    out << std::fixed << std::setprecision(2);
    for (const auto& [name, timing] : benchmark.steps) {
        out << std::left << std::setw(13) << name << std::right << std::setw(10) << timing.mean << std::setw(10)
            << timing.p50 << std::setw(10) << timing.p95 << '\n';
    }
    out << benchmark.images_per_second << " images/s, peak memory " << std::setprecision(0) << benchmark.peak_memory_mb
        << " MB; preprocess includes decoding\n";
    for (const auto& [key, value] : benchmark.environment) out << key << ": " << value << '\n';
    return out.str();
}

std::string wrapped(const std::string& words) {
    constexpr std::size_t width = 120;
    std::istringstream in(words);
    std::string lines, line;
    for (std::string word; in >> word;) {
        if (!line.empty() && line.size() + 1 + word.size() > width) {
            lines += line + '\n';
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    return lines + line + '\n';
}
