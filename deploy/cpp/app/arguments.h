#pragma once

#include <filesystem>
#include <optional>
#include <segwright/engine.h>
#include <stdexcept>
#include <string>
#include <vector>

/// What the command line asks for.
struct Arguments {
    std::filesystem::path config;
    std::string image_path;
    std::filesystem::path save_dir = "output";
    segwright::EngineOptions options;
    bool selftest = false;
    bool benchmark = false;
    bool save_label_maps = false;
    std::string model_name;
    std::optional<int> max_frames;
    bool help = false;
    bool version = false;
};

/// Read the command line. Long flags may be written with dashes or underscores.
///
/// Throws segwright::Error: an unknown flag, a value that is none, or too little to do something.
Arguments parse_arguments(const std::vector<std::string>& words);

/// What --help prints.
std::string usage();
