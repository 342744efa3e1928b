#include "digest.h"

#include <openssl/evp.h>
#include <segwright/error.h>

#include <array>
#include <fstream>
#include <memory>

#include "message.h"

namespace segwright {

std::string file_sha256(const std::filesystem::path& path) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::ifstream file(path, std::ios::binary);
    if (!file || !context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
        throw Error(text(path.string(), " cannot be read"));
    }
    std::array<char, 1 << 16> block{};
    while (file.read(block.data(), block.size()) || file.gcount() > 0) {
        EVP_DigestUpdate(context.get(), block.data(), static_cast<std::size_t>(file.gcount()));
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_DigestFinal_ex(context.get(), digest.data(), &length);
    constexpr char digits[] = "0123456789abcdef";
    std::string hexadecimal;
    for (unsigned int index = 0; index < length; ++index) {
        hexadecimal += digits[digest[index] >> 4];
        hexadecimal += digits[digest[index] & 15];
    }
    return hexadecimal;
}

}  // namespace segwright
