#include <segwright/engine.h>
#include <segwright/error.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "engines.h"
#include "message.h"

namespace segwright {

namespace {

constexpr int most_threads = 10;

struct Library {
    const char* name;
    std::vector<std::string> formats;
    std::unique_ptr<Engine> (*open)(const Manifest&, const EngineOptions&);  // nullptr: not built in
};

/// Preferred ones first.
const std::vector<Library>& libraries() {
    static const std::vector<Library> all{
#ifdef SEGWRIGHT_OPENVINO
        {"openvino", {"openvino", "onnx"}, open_openvino},
#else
        {"openvino", {"openvino", "onnx"}, nullptr},
#endif
#ifdef SEGWRIGHT_ONNXRUNTIME
        {"onnxruntime", {"onnx"}, open_onnxruntime},
#else
        {"onnxruntime", {"onnx"}, nullptr},
#endif
    };
    return all;
}

const Library& choose(const Manifest& manifest, const std::string& name) {
    const auto reads = [&](const Library& library) {
        return std::count(library.formats.begin(), library.formats.end(), manifest.format) > 0;
    };
    std::string readers;
    for (const Library& library : libraries()) {
        if (reads(library)) readers += (readers.empty() ? "" : " or ") + std::string(library.name);
    }
    if (readers.empty()) {
        throw Error(text(manifest.path.string(), " holds a model of the format ", manifest.format,
                         ", which only segwright in Python runs: export again with --format onnx or openvino"));
    }
    for (const Library& library : libraries()) {
        if (name == "auto" ? !reads(library) || !library.open : name != library.name) continue;
        if (!reads(library)) {
            throw Error(text("engine ", name, " does not read this model, whose format is ", manifest.format,
                             ": use --engine ", readers, ", or export again with --format"));
        }
        if (!library.open) {
            throw Error(text("engine ", name,
                             " is not built into this program, because its C++ package was not found: build it "
                             "again as README.md says, or use another --engine"));
        }
        return library;
    }
    if (name != "auto") throw Error(text("engine '", name, "' is none of auto, openvino, onnxruntime"));
    throw Error(text("the format ", manifest.format, " takes the engine ", readers,
                     ", which is not built into this program: build "
                     "it again as README.md says, or export with --format onnx"));
}

}  // namespace

int EngineOptions::thread_count() const {
    return threads > 0 ? threads : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
}

std::unique_ptr<Engine> open_engine(const Manifest& manifest, const EngineOptions& options) {
    if (options.device != "cpu" && options.device != "gpu")
        throw Error(text("device '", options.device, "' is none of cpu, gpu"));
    return choose(manifest, options.engine).open(manifest, options);
}

std::string told_shortly(const std::string& message) {
    std::vector<std::string> lines;
    std::istringstream in(message);
    for (std::string line; std::getline(in, line);) {
        line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
        const bool is_place = line.rfind("Exception from", 0) == 0 || line.rfind("Check '", 0) == 0;
        if (!line.empty() && !is_place) lines.push_back(line);
    }
    std::string told;
    for (std::size_t index = lines.size() > 3 ? lines.size() - 3 : 0; index < lines.size(); ++index) {
        told += (told.empty() ? "" : " ") + lines[index];
    }
    return told.empty() ? message : told;
}

}  // namespace segwright
