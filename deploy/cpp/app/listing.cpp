#include "listing.h"

#include <segwright/error.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>

namespace fs = std::filesystem;
using segwright::Error;

namespace {

constexpr std::array picture_suffixes{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"};
constexpr std::array video_suffixes{".mp4", ".m4v",  ".mov", ".avi", ".mkv", ".webm",
                                    ".mpg", ".mpeg", ".wmv", ".ts",  ".flv", ".ogv"};
constexpr std::size_t shown = 3;  // names in a message, when there may be thousands

std::string lower(std::string words) {
    std::transform(words.begin(), words.end(), words.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return words;
}

template <class Suffixes>
bool has_suffix(const fs::path& path, const Suffixes& suffixes) {
    return std::find(suffixes.begin(), suffixes.end(), lower(path.extension().string())) != suffixes.end();
}

bool is_hidden(const fs::path& path) {
    return path.filename().string().rfind('.', 0) == 0;
}

std::vector<fs::path> search(const fs::path& folder) {
    std::vector<fs::path> found;
    const auto options =
        fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied;
    try {
        for (auto entry = fs::recursive_directory_iterator(folder, options);
             entry != fs::recursive_directory_iterator(); ++entry) {
            std::error_code failure;
            if (entry->is_directory(failure)) {
                if (is_hidden(entry->path())) entry.disable_recursion_pending();
            } else if (!is_hidden(entry->path()) && has_suffix(entry->path(), picture_suffixes)) {
                found.push_back(entry->path());
            }
        }
    } catch (const fs::filesystem_error& error) {
        throw Error(folder.string() + " cannot be searched: " + error.code().message());
    }
    if (found.empty())
        throw Error("no picture in " + folder.string() +
                    " or its sub-folders; looked for .jpg, .jpeg, .png, .bmp, .webp, .tif, .tiff, .gif");
    std::sort(found.begin(), found.end());
    return found;
}

/// No picture or video is that long without a zero.
bool is_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 4096> head{};
    file.read(head.data(), head.size());
    return std::find(head.begin(), head.begin() + file.gcount(), '\0') == head.begin() + file.gcount();
}

std::string stripped(const std::string& words) {
    constexpr char blanks[] = " \t\r\n\f\v";
    const std::size_t start = words.find_first_not_of(blanks);
    return start == std::string::npos ? "" : words.substr(start, words.find_last_not_of(blanks) - start + 1);
}

/// A line, and without what follows a tab, then without its last word, its last two, and so on.
std::vector<std::string> candidates(const std::string& line) {
    std::vector<std::string> names{line};
    if (const std::size_t tab = line.find('\t'); tab != std::string::npos)
        names.push_back(stripped(line.substr(0, tab)));
    for (std::size_t blank = line.rfind(' '); blank != std::string::npos && blank > 0;
         blank = line.rfind(' ', blank - 1)) {
        names.push_back(stripped(line.substr(0, blank)));
    }
    return names;
}

std::vector<fs::path> from_text(const fs::path& path) {
    std::ifstream file(path);
    if (!file) throw Error(path.string() + " cannot be read");
    std::vector<fs::path> pictures;
    std::vector<std::string> missing;
    for (std::string line; std::getline(file, line);) {
        if (pictures.empty() && missing.empty() && line.rfind("\xef\xbb\xbf", 0) == 0)
            line.erase(0, 3);  // byte order mark
        line = stripped(line);
        if (line.empty()) continue;
        fs::path found;
        for (const std::string& name : candidates(line)) {
            for (const fs::path& place : {path.parent_path() / name, fs::path(name)}) {
                std::error_code failure;
                if (found.empty() && fs::is_regular_file(place, failure)) found = place;
            }
        }
        if (!found.empty()) {
            pictures.push_back(found);
        } else if (line[0] != '#') {
            missing.push_back(line);
        }
    }
    if (!missing.empty()) {
        std::string names;
        for (std::size_t index = 0; index < std::min(missing.size(), shown); ++index)
            names += (index ? ", " : "") + missing[index];
        if (missing.size() > shown) names += " and " + std::to_string(missing.size() - shown) + " more";
        throw Error(path.string() + ": " + std::to_string(missing.size()) + " of " +
                    std::to_string(missing.size() + pictures.size()) + " pictures do not exist: " + names +
                    "; paths are relative to the list's folder or to the working directory");
    }
    if (pictures.empty()) throw Error(path.string() + " lists no pictures; want one path a line");
    return pictures;
}

std::vector<fs::path> list_pictures(const fs::path& source) {
    if (fs::is_directory(source)) return search(source);
    if (!fs::is_regular_file(source)) {
        throw Error(source.string() +
                    " does not exist; want a picture, a folder, a text file that lists pictures, a video file, the "
                    "number of a camera or the address of a stream");
    }
    if (has_suffix(source, picture_suffixes) || !is_text(source)) return {source};
    return from_text(source);
}

/// Places for the results: `a/1.jpg` becomes `a/1.png`; where two would meet, they keep their own suffix too.
std::vector<fs::path> output_paths(const std::vector<fs::path>& pictures, const fs::path& source,
                                   const std::string& suffix) {
    fs::path root = fs::absolute(source).lexically_normal();
    if (!fs::is_directory(root)) root = root.parent_path();
    if (root.filename().empty()) root = root.parent_path();
    std::vector<fs::path> places, wanted;
    std::map<std::string, int> meeting;
    for (const fs::path& picture : pictures) {
        const fs::path whole = fs::absolute(picture).lexically_normal();
        const fs::path below = whole.lexically_relative(root);
        places.push_back(*below.begin() == ".." ? whole.relative_path() : below);
        wanted.push_back(fs::path(places.back()).replace_extension(suffix));
        ++meeting[lower(wanted.back().string())];
    }
    std::set<std::string> taken;
    for (std::size_t index = 0; index < wanted.size(); ++index) {
        fs::path& path = wanted[index];
        if (meeting[lower(path.string())] > 1) path = places[index].string() + suffix;
        const std::string stem = path.stem().string();
        for (int number = 2; !taken.insert(lower(path.string())).second; ++number) {
            path.replace_filename(stem + "_" + std::to_string(number) + suffix);
        }
    }
    return wanted;
}

}  // namespace

std::vector<Job> list_jobs(const fs::path& source) {
    const auto pictures = list_pictures(source);
    const auto label_maps = output_paths(pictures, source, ".png");
    const auto overlays = output_paths(pictures, source, ".jpg");
    std::vector<Job> jobs;
    for (std::size_t index = 0; index < pictures.size(); ++index)
        jobs.push_back({pictures[index], label_maps[index], overlays[index]});
    return jobs;
}

bool is_video(const fs::path& path) {
    return has_suffix(path, video_suffixes);
}
