#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// A picture, and the places of its results below the folder for results.
struct Job {
    std::filesystem::path picture;
    std::filesystem::path label_map;
    std::filesystem::path overlay;
};

/// Find the pictures that a path stands for, and names for their results, by the rules of segwright in Python: a
/// picture, a folder with its sub-folders, or a text file with one picture a line. Sub-folders are kept, and no two
/// results meet.
///
/// Throws segwright::Error: the path does not exist, no picture was found, or the text file names missing ones.
std::vector<Job> list_jobs(const std::filesystem::path& source);

/// Whether a file has the name of a video.
bool is_video(const std::filesystem::path& path);
