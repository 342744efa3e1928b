#include "arguments.h"

#include <segwright/error.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <sstream>

using segwright::Error;

namespace {

struct Flag {
    std::string value;  // how --help calls it; empty: a switch
    std::string help;
    std::function<void(Arguments&, const std::string&)> set;
};

int positive(const std::string& flag, const std::string& word) {
    int number = 0;
    const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failure != std::errc() || end != word.data() + word.size() || number < 1) {
        throw Error("argument " + flag + ": want a whole number of at least 1, got '" + word + "'");
    }
    return number;
}

std::string one_of(const std::string& flag, const std::string& word, const std::vector<std::string>& choices) {
    if (std::find(choices.begin(), choices.end(), word) != choices.end()) return word;
    std::string all;
    for (const std::string& choice : choices) all += (all.empty() ? "" : ", ") + choice;
    throw Error("argument " + flag + ": want one of " + all + ", got '" + word + "'");
}

const std::vector<std::pair<std::string, Flag>>& flags() {
    using A = Arguments;
    using Word = const std::string&;
    static const std::vector<std::pair<std::string, Flag>> all{
        {"--config", {"PATH", "deploy.yaml of an export, or its folder", [](A& a, Word w) { a.config = w; }}},
        {"--image_path",
         {"PATH",
          "a picture, a folder (with its sub-folders), a text file that lists pictures, a video file, the number of a "
          "camera, or the address of a stream (rtsp://...)",
          [](A& a, Word w) { a.image_path = w; }}},
        {"--save_dir",
         {"DIR",
          "where to write: label maps as PNG whose pixel values are class ids, overlays in added_prediction/; default: "
          "output",
          [](A& a, Word w) { a.save_dir = w; }}},
        {"--selftest",
         {"", "check the export's own test pictures; exit code 1 if they come out differently",
          [](A& a, Word) { a.selftest = true; }}},
        {"--benchmark",
         {"", "time the steps after 5 warm-up runs; a table, and benchmark.json in --save_dir",
          [](A& a, Word) { a.benchmark = true; }}},
        {"--model_name", {"NAME", "label of the model in the benchmark", [](A& a, Word w) { a.model_name = w; }}},
        {"--engine",
         {"NAME",
          "openvino, onnxruntime, or auto, the first of these that is built in and reads the model; default: auto",
          [](A& a, Word w) { a.options.engine = one_of("--engine", w, {"auto", "openvino", "onnxruntime"}); }}},
        {"--device",
         {"NAME", "cpu or gpu: Intel's with openvino, NVIDIA's with onnxruntime; default: cpu",
          [](A& a, Word w) { a.options.device = one_of("--device", w, {"cpu", "gpu"}); }}},
        {"--threads",
         {"N", "threads that compute, on one picture, or on as many small ones; default: up to 10, one for each core",
          [](A& a, Word w) { a.options.threads = positive("--threads", w); }}},
        {"--max_frames",
         {"N", "end a video or camera after so many frames",
          [](A& a, Word w) { a.max_frames = positive("--max_frames", w); }}},
        {"--save_label_maps",
         {"", "of a video, write the label map of each frame, too", [](A& a, Word) { a.save_label_maps = true; }}},
        {"--version", {"", "show the version and exit", [](A& a, Word) { a.version = true; }}},
        {"--help", {"", "show this help and exit", [](A& a, Word) { a.help = true; }}},
    };
    return all;
}

std::string with_underscores(std::string name) {
    std::replace(name.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(name.size())), name.end(), '-',
                 '_');
    return name == "--cpu_threads" ? "--threads" : name == "-h" ? "--help" : name;  // as segwright in Python calls it
}

}  // namespace

Arguments parse_arguments(const std::vector<std::string>& words) {
    Arguments arguments;
    for (std::size_t index = 0; index < words.size(); ++index) {
        const std::size_t equals = words[index].rfind("--", 0) == 0 ? words[index].find('=') : std::string::npos;
        const std::string name = with_underscores(words[index].substr(0, equals));
        const auto found =
            std::find_if(flags().begin(), flags().end(), [&](const auto& entry) { return entry.first == name; });
        if (found == flags().end()) throw Error("unknown argument " + words[index] + "; see segwright_infer --help");
        const Flag& flag = found->second;
        const bool has_value = equals != std::string::npos;
        if (flag.value.empty()) {
            if (has_value) throw Error("argument " + name + " takes no value");
            flag.set(arguments, "");
            continue;
        }
        if (!has_value && (index + 1 == words.size() || words[index + 1].rfind("--", 0) == 0))
            throw Error("argument " + name + " wants a value: " + name + " " + flag.value);
        flag.set(arguments, has_value ? words[index].substr(equals + 1) : words[++index]);
    }
    if (arguments.help || arguments.version) return arguments;
    if (arguments.config.empty())
        throw Error("give an exported model with --config DIR/deploy.yaml; see segwright_infer --help");
    if (arguments.image_path.empty() && !arguments.selftest)
        throw Error("give pictures with --image_path, or --selftest for the export's own");
    if (arguments.image_path.empty() && arguments.benchmark)
        throw Error("--benchmark times pictures: give some with --image_path");
    return arguments;
}

std::string usage() {
    std::ostringstream out;
    out << "usage: segwright_infer --config DIR/deploy.yaml --image_path PICTURES [--save_dir DIR]\n\n"
           "Predict with a model that 'segwright export' has written, as 'segwright infer' does.\n\n";
    constexpr std::size_t column = 26, width = 94;
    for (const auto& [name, flag] : flags()) {
        std::string line = "  " + name + (flag.value.empty() ? "" : " " + flag.value);
        line.resize(std::max(line.size() + 1, column), ' ');
        std::istringstream in(flag.help);
        for (std::string word; in >> word;) {
            if (line.size() + word.size() > column + width) {
                out << line << '\n';
                line.assign(column, ' ');
            }
            line += word + ' ';
        }
        out << line << '\n';
    }
    out << "\nexit codes: 0 done, 1 a fault in the program or a check that failed, 2 something that you can mend,\n"
           "130 interrupted from the keyboard, 143 asked to terminate\n";
    return out.str();
}
