#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace segwright {

/// Whole numbers out of bytes of either order; a place outside of them is an error.
class ByteReader {
public:
    ByteReader(const std::uint8_t* data, std::size_t size, bool is_big_endian)
        : data_(data), size_(size), big_(is_big_endian) {}

    /// The unsigned number of `width` bytes at a place.
    ///
    /// Throws std::out_of_range: the bytes end before.
    std::uint32_t number(std::size_t place, std::size_t width) const {
        if (place > size_ || size_ - place < width) throw std::out_of_range("it ends too early");
        std::uint32_t value = 0;
        for (std::size_t index = 0; index < width; ++index) {
            value = value << 8 | data_[place + (big_ ? index : width - 1 - index)];
        }
        return value;
    }

    std::size_t size() const { return size_; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    bool big_;
};

}  // namespace segwright
