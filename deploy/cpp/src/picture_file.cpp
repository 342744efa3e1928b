#include "picture_file.h"

#include <segwright/error.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "bmp.h"
#include "jpeg.h"
#include "message.h"
#include "png_file.h"
#include "tiff.h"
#include "webp.h"

namespace segwright {

namespace {

constexpr char advice[] = "fetch it again or take it out of the list";

struct Reader {
    std::string_view signature;
    const char* kind;
    void (*inspect)(PictureFile&);
};

using namespace std::string_view_literals;

constexpr Reader readers[] = {
    {"\xff\xd8\xff"sv, "JPEG", inspect_jpeg},
    {"\x89PNG\r\n\x1a\n"sv, "PNG", inspect_png},
    {"BM"sv, "BMP", inspect_bmp},
    {"II*\0"sv, "TIFF", inspect_tiff},
    {"MM\0*"sv, "TIFF", inspect_tiff},
    {"RIFF"sv, "WebP", inspect_webp},
};

bool starts_with(std::string_view head, std::string_view signature) {
    return head.substr(0, signature.size()) == signature;
}

[[noreturn]] void refuse(const std::string& name, std::string_view head) {
    std::string lower(head.substr(std::min(head.find_first_not_of(" \t\r\n"), head.size())));
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    std::string what = "is not a picture in any format read here";
    if (starts_with(head, "GIF8")) {
        what = "is a GIF, which is not read here: save it as PNG";
    } else if (head.size() > 8 && head.substr(4, 4) == "ftyp") {
        what = "is a HEIC, AVIF or video file, which is not read here";
    } else if (starts_with(lower, "<!doctype html") || starts_with(lower, "<html")) {
        what = "is a web page, not a picture; a download may have failed";
    } else if (starts_with(lower, "<svg") || starts_with(lower, "<?xml")) {
        what = "is SVG or another XML file, not a picture of pixels";
    }
    throw Error(text(name, " ", what, "; want JPEG, PNG, BMP, WebP or TIFF"));
}

}  // namespace

PictureFile open_picture(const std::filesystem::path& path) {
    PictureFile file;
    file.name = path.string();
    file.content = read_bytes(path);
    if (file.content.empty()) throw Error(text(file.name, " is empty (0 bytes); ", advice));
    const std::string_view head(reinterpret_cast<const char*>(file.content.data()),
                                std::min<std::size_t>(file.content.size(), 64));
    const auto* reader = std::find_if(std::begin(readers), std::end(readers),
                                      [&](const Reader& one) { return starts_with(head, one.signature); });
    if (reader == std::end(readers)) refuse(file.name, head);
    file.kind = reader->kind;
    try {
        reader->inspect(file);
        if (file.size.width < 1 || file.size.height < 1) throw std::runtime_error("it says that it has no pixels");
    } catch (const Error&) {
        throw;
    } catch (const std::exception& error) {
        throw Error(text(file.name, " (", file.kind, ") is damaged or cut short: ", error.what(), "; ", advice));
    }
    if (const auto pixels = static_cast<std::size_t>(file.size.width) * static_cast<std::size_t>(file.size.height); pixels > max_pixels) {
        throw Error(text(file.name, " says it has ", file.size.width, "x", file.size.height, " pixels; the limit is ",
                         max_pixels, ": cut it into tiles"));
    }
    return file;
}

}  // namespace segwright
