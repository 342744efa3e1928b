#include <segwright/error.h>
#include <segwright/manifest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

#include "digest.h"
#include "files.h"
#include "message.h"

namespace segwright {

namespace fs = std::filesystem;

namespace {

constexpr int newest_layout = 2;  // 1 knew ONNX files in float32 only

YAML::Node load(const fs::path& path) {
    std::error_code failure;
    if (!fs::exists(path, failure)) throw Error(text(path.string(), " does not exist; 'segwright export' writes it"));
    const Bytes content = read_bytes(path);
    try {
        return YAML::Load(std::string(content.begin(), content.end()));
    } catch (const YAML::Exception& error) {
        throw Error(text(path.string(), " cannot be read: ", error.what()));
    }
}

bool ends_with(const std::string& name, const std::string& ending) {
    return name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

/// The layout's number; fails unless this program knows it.
int check_layout(const YAML::Node& content, const fs::path& path) {
    if (!content.IsMap() || !content["Deploy"].IsDefined() || !content["Deploy"].IsMap()) {
        throw Error(text(path.string(), " is not the deploy.yaml of an exported model: it has no 'Deploy:' block"));
    }
    const YAML::Node schema = content["schema"];
    const std::string model = content["Deploy"]["model"].as<std::string>("");
    if (!schema.IsDefined() && (ends_with(model, ".pdmodel") || ends_with(model, ".json"))) {
        throw Error(
            text(path.string(),
                 " describes a model that PaddleSeg exported, which only Paddle Inference runs; make one "
                 "for segwright from the same weights: segwright export --config CONFIG --model_path model.pdparams"));
    }
    int layout = 0;
    if (!schema.IsDefined() || !schema.IsScalar() || schema.Tag() == "!" ||
        !YAML::convert<int>::decode(schema, layout) || layout < 1) {
        throw Error(
            text(path.string(), " has no valid 'schema' (a whole number), so its layout is unknown; export again"));
    }
    if (layout > newest_layout) {
        throw Error(text(path.string(), " has layout ", layout, ", written by segwright ",
                         content["segwright"].as<std::string>("of unknown version"), ", but this program (",
                         SEGWRIGHT_VERSION, ") reads layouts up to ", newest_layout,
                         ": upgrade it, or export with a segwright of this version"));
    }
    return layout;
}

/// An entry that has to be there.
YAML::Node entry(const YAML::Node& block, const std::string& key, const fs::path& path) {
    YAML::Node found = block[key];
    if (!found.IsDefined())
        throw Error(text(path.string(), " has no '", key, "': it was edited or damaged; export again"));
    return found;
}

Value value(const YAML::Node& node) {
    if (node.IsNull()) return std::monostate();
    if (node.IsSequence()) return node.as<std::vector<double>>();
    const bool is_quoted = node.Tag() == "!";
    if (bool flag = false; !is_quoted && YAML::convert<bool>::decode(node, flag)) return flag;
    if (double number = 0; !is_quoted && YAML::convert<double>::decode(node, number)) return number;
    return node.as<std::string>();
}

TransformBlock transform(const YAML::Node& node, const fs::path& path) {
    TransformBlock block{entry(node, "type", path).as<std::string>(), {}};
    for (const auto& argument : node) {
        const auto name = argument.first.as<std::string>();
        if (name != "type") block.arguments[name] = value(argument.second);
    }
    return block;
}

Colour colour(const YAML::Node& node) {
    const auto values = node.as<std::vector<int>>();
    const bool is_colour = values.size() == 3 &&
                           std::all_of(values.begin(), values.end(), [](int part) { return part >= 0 && part <= 255; });
    if (!is_colour)
        throw YAML::RepresentationException(node.Mark(), "a colour of the palette is not three numbers 0 to 255");
    return {static_cast<std::uint8_t>(values[0]), static_cast<std::uint8_t>(values[1]),
            static_cast<std::uint8_t>(values[2])};
}

/// One of a few words.
std::string word(const YAML::Node& node, const std::string& key, const std::vector<std::string>& allowed,
                 const fs::path& path) {
    auto found = node.as<std::string>();
    if (std::find(allowed.begin(), allowed.end(), found) != allowed.end()) return found;
    std::string all;
    for (const std::string& name : allowed) all += (all.empty() ? "" : ", ") + name;
    throw Error(text(path.string(), ": want ", key, " ", all, ", got '", found, "'; export again"));
}

/// Fail unless `name` is a plain relative path that stays in the bundle, by the rules of any system.
void refuse_foreign(const std::string& name, const fs::path& path) {
    const bool is_rooted = !name.empty() && (name[0] == '/' || name[0] == '\\');
    const bool has_drive = name.size() > 1 && name[1] == ':';
    bool climbs = false;
    std::string part;
    for (const char letter : name + "/") {
        if (letter != '/' && letter != '\\') {
            part += letter;
            continue;
        }
        climbs = climbs || part == "..";
        part.clear();
    }
    if (name.empty() || name.find('\0') != std::string::npos || is_rooted || has_drive || climbs) {
        throw Error(
            text(path.string(), " names the file '", name.c_str(), "': only files inside its own folder are allowed"));
    }
}

Manifest parse(const YAML::Node& content, const fs::path& path) {
    const int layout = check_layout(content, path);
    const YAML::Node block = content["Deploy"];
    const auto get = [&](const std::string& key) { return entry(block, key, path); };
    Manifest manifest;
    manifest.path = path;
    manifest.model = get("model").as<std::string>();
    manifest.format =
        layout > 1 ? word(get("format"), "format", {"onnx", "openvino", "torch", "executorch"}, path) : "onnx";
    manifest.precision = layout > 1 ? word(get("precision"), "precision", {"fp32", "fp16", "int8"}, path) : "fp32";
    manifest.picture_input = layout > 1 && get("picture_input").as<bool>();
    for (const YAML::Node& node : get("transforms")) manifest.transforms.push_back(transform(node, path));
    manifest.to_rgb = get("to_rgb").as<bool>();
    manifest.img_channels = get("img_channels").as<int>();
    if (const YAML::Node bits = get("bit_depth"); !bits.IsNull()) manifest.bit_depth = bits.as<int>();
    manifest.input_shape = get("input_shape").as<std::array<int, 4>>();
    manifest.output_op = word(get("output_op"), "output_op", {"argmax", "softmax", "none"}, path);
    manifest.num_classes = get("num_classes").as<int>();
    if (const YAML::Node names = get("labels"); !names.IsNull()) manifest.labels = names.as<std::vector<std::string>>();
    for (const YAML::Node& node : get("palette")) manifest.palette.push_back(colour(node));
    for (const YAML::Node& file : entry(content, "files", path)) {
        manifest.files[entry(file, "path", path).as<std::string>()] = entry(file, "sha256", path).as<std::string>();
    }
    for (const YAML::Node& test : entry(content, "selftest", path)) {
        Selftest wanted{entry(test, "image", path).as<std::string>(), entry(test, "mask", path).as<std::string>()};
        if (test["agreement"].IsDefined()) wanted.agreement = test["agreement"].as<double>();
        manifest.selftest.push_back(std::move(wanted));
    }
    manifest.written_by = entry(content, "segwright", path).as<std::string>();
    return manifest;
}

void check_names(const Manifest& manifest) {
    std::vector<std::string> names{manifest.model};
    for (const auto& [name, digest] : manifest.files) names.push_back(name);
    for (const Selftest& test : manifest.selftest) names.insert(names.end(), {test.image, test.mask});
    for (const std::string& name : names) {
        refuse_foreign(name, manifest.path);
        if (manifest.files.count(name) == 0) {
            throw Error(text(manifest.path.string(), " names ", name, " but holds no checksum of it; export again"));
        }
    }
}

void check_files(const Manifest& manifest) {
    for (const auto& [name, digest] : manifest.files) {
        const fs::path file = manifest.folder() / name;
        std::error_code failure;
        if (!fs::is_regular_file(file, failure)) {
            throw Error(text(manifest.path.string(), " names ", name,
                             ", which is missing: copy the whole export folder, or export again"));
        }
        if (file_sha256(file) != digest) {
            throw Error(text(file.string(), " is not the file that was exported (its SHA-256 differs from the one in ",
                             manifest.path.string(),
                             "): it was edited, damaged or swapped; copy the export folder again, or export again"));
        }
    }
}

}  // namespace

Manifest read_manifest(const fs::path& path) {
    std::error_code failure;
    const fs::path file = fs::is_directory(path, failure) ? path / "deploy.yaml" : path;
    try {
        Manifest manifest = parse(load(file), file);
        check_names(manifest);
        check_files(manifest);
        return manifest;
    } catch (const YAML::Exception& error) {
        throw Error(text(file.string(), " was edited or damaged (", error.what(), "); export again"));
    }
}

}  // namespace segwright
