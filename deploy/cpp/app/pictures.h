#pragma once

#include <filesystem>
#include <segwright/predictor.h>
#include <string>
#include <vector>

#include "listing.h"

/// How many pictures the engine gets at the same time: as many as threads where they are small to the network, because
/// threads that share each layer of a small input wait for each other.
int pictures_at_once(const segwright::Manifest& manifest, const segwright::EngineOptions& options,
                     const std::vector<Job>& jobs);

/// Write a label map and an overlay for each picture below a folder, reading and writing while the engine computes.
///
/// @return for each picture why it could not be predicted, or "".
///
/// Throws segwright::Error: the engine fails, or a result cannot be written.
std::vector<std::string> predict_pictures(const segwright::Predictor& predictor, const std::vector<Job>& jobs,
                                          const std::filesystem::path& save_dir);
