#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace segwright {

/// Red, green, blue, each 0..255.
using Colour = std::array<std::uint8_t, 3>;

/// Entry i is the colour of class i.
using Palette = std::vector<Colour>;

/// An argument of a transform as YAML spells it: null, true or false, a number, a word, or a list of numbers.
using Value = std::variant<std::monostate, bool, double, std::string, std::vector<double>>;

/// A transform: its name, and its arguments by name.
struct TransformBlock {
    std::string type;
    std::map<std::string, Value> arguments;
};

/// A test picture and the label map that the trained model gives it.
struct Selftest {
    std::string image;         ///< Path of the picture, relative to the bundle.
    std::string mask;          ///< Path of the label map.
    double agreement = 0.999;  ///< Share of the labels that the exported model has to give, 0..1.
};

/// The content of a deploy.yaml: everything that running an exported model takes, beside the model file.
struct Manifest {
    std::filesystem::path path;              ///< The file itself; all other paths are relative to its folder.
    std::string model;                       ///< Name of the file to open.
    std::string format;                      ///< `onnx`, `openvino`, `torch` or `executorch`.
    std::string precision;                   ///< Of its weights: `fp32`, `fp16` or `int8`.
    bool picture_input = false;              ///< The graph takes (N, H, W, 3) uint8 RGB and does the transforms itself.
    std::vector<TransformBlock> transforms;  ///< From a picture to the network's input.
    bool to_rgb = true;                      ///< Whether the network takes red first.
    int img_channels = 3;                    ///< Bands that the network takes.
    std::optional<int> bit_depth;            ///< What pictures with more than 8 bits per value really use.
    std::array<int, 4> input_shape{};        ///< N, C, H, W of the network's input; -1 where any number will do.
    std::string output_op;                   ///< `argmax` gives labels, `softmax` probabilities, `none` logits.
    int num_classes = 0;                     ///< Classes that the model tells apart.
    std::vector<std::string> labels;         ///< Their names; empty if unknown.
    Palette palette;                         ///< Their colours.
    std::map<std::string, std::string> files;  ///< SHA-256 of each file of the bundle but deploy.yaml.
    std::vector<Selftest> selftest;            ///< Test pictures.
    std::string written_by;                    ///< Version of segwright that wrote it.

    /// The folder that holds the bundle.
    std::filesystem::path folder() const { return path.parent_path(); }
};

/// Read and check a deploy.yaml, or the one in a folder, and every file that it names.
///
/// Throws Error: not such a file, written by a newer segwright or by PaddleSeg, a path that leaves the folder, a file
/// that is missing or is not the one that was exported.
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace segwright
