#pragma once

#include <string>

namespace segwright {

/// The same words with '?' for what a terminal would obey or cannot show: messages quote files, which hold anything.
std::string printable(const std::string& words);

}  // namespace segwright
