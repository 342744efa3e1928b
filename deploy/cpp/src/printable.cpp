#include <segwright/printable.h>

namespace segwright {

std::string printable(const std::string& words) {
    std::string shown;
    for (std::size_t index = 0; index < words.size();) {
        const auto first = static_cast<unsigned char>(words[index]);
        const std::size_t length = first < 0x80                    ? 1
                                   : first >= 0xc2 && first < 0xe0 ? 2
                                   : first >= 0xe0 && first < 0xf0 ? 3
                                   : first >= 0xf0 && first < 0xf5 ? 4
                                                                   : 0;
        bool is_whole =
            length > 0 && index + length <= words.size() && (first >= 0x20 || first == '\n') && first != 0x7f;
        for (std::size_t next = 1; is_whole && next < length; ++next) {
            is_whole = (static_cast<unsigned char>(words[index + next]) & 0xc0) == 0x80;
        }
        shown += is_whole ? words.substr(index, length) : "?";
        index += is_whole ? length : 1;
    }
    return shown;
}

}  // namespace segwright
