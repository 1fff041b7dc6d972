// SPDX-License-Identifier: MIT
// Takes SVG, gives PNG or PDF. The few functions that are used are declared here as their libraries' headers have them
// (librsvg 2.52, cairo 1.16), so that building needs neither.
#include "vis/raster.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <memory>

#include "trace/error.h"

namespace nstrace::vis {
namespace {

struct GError {
  std::uint32_t domain;
  int code;
  char* message;
};
struct RsvgRectangle {
  double x, y, width, height;
};
using Handle = void;
using Surface = void;
using Cairo = void;
using WriteFunc = int (*)(void* closure, const unsigned char* data, unsigned int length);
constexpr int kArgb32 = 0, kCreateDate = 5, kTitle = 0;  // CAIRO_FORMAT_, CAIRO_PDF_METADATA_

class Library {
 public:
  explicit Library(const char* name) : handle_(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
    if (!handle_) {
      throw Error(
          fmt::format("{} is not here, which .png and .pdf need: apt-get install librsvg2-2, or use .svg", name));
    }
  }
  template <typename F>
  void find(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(dlsym(handle_, name));
    if (!function)
      throw Error(fmt::format("the librsvg of this system is too old for .png and .pdf (no {}): use .svg", name));
  }

 private:
  void* handle_;  // stays open: glib cannot be unloaded
};

struct Functions {
  Handle* (*handle_new)(const std::uint8_t*, std::size_t, GError**);
  int (*size)(Handle*, double*, double*);
  int (*render)(Handle*, Cairo*, const RsvgRectangle*, GError**);
  void (*unref)(void*);
  Surface* (*image)(int, int, int);
  Surface* (*pdf)(WriteFunc, void*, double, double);
  void (*metadata)(Surface*, int, const char*);
  int (*write_png)(Surface*, WriteFunc, void*);
  int (*status)(Surface*);
  const char* (*words)(int);
  void (*finish)(Surface*);
  void (*drop_surface)(Surface*);
  Cairo* (*create)(Surface*);
  void (*drop)(Cairo*);

  Functions() {
    const Library rsvg("librsvg-2.so.2"), cairo("libcairo.so.2"), gobject("libgobject-2.0.so.0");
    rsvg.find(handle_new, "rsvg_handle_new_from_data");
    rsvg.find(size, "rsvg_handle_get_intrinsic_size_in_pixels");
    rsvg.find(render, "rsvg_handle_render_document");
    gobject.find(unref, "g_object_unref");
    cairo.find(image, "cairo_image_surface_create");
    cairo.find(pdf, "cairo_pdf_surface_create_for_stream");
    cairo.find(metadata, "cairo_pdf_surface_set_metadata");
    cairo.find(write_png, "cairo_surface_write_to_png_stream");
    cairo.find(status, "cairo_surface_status");
    cairo.find(words, "cairo_status_to_string");
    cairo.find(finish, "cairo_surface_finish");
    cairo.find(drop_surface, "cairo_surface_destroy");
    cairo.find(create, "cairo_create");
    cairo.find(drop, "cairo_destroy");
  }
};

const Functions& functions() {
  static const Functions all;
  return all;
}

using Owned = std::unique_ptr<void, void (*)(void*)>;

int append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return 0;
}

void check(int status, const char* what) {
  if (status != 0) throw Error(fmt::format("cairo cannot make the {}: {}; use .svg", what, functions().words(status)));
}

class Picture {
 public:
  explicit Picture(const std::string& svg) : handle_(nullptr, functions().unref) {
    GError* error = nullptr;
    handle_.reset(functions().handle_new(reinterpret_cast<const std::uint8_t*>(svg.data()), svg.size(), &error));
    if (!handle_) fail(error);
    if (!functions().size(handle_.get(), &width, &height))
      throw Error("librsvg finds no size in the picture; use .svg");
  }
  void draw(Surface* surface, double w, double h) const {
    const Owned cairo(functions().create(surface), functions().drop);
    const RsvgRectangle all{0, 0, w, h};
    GError* error = nullptr;
    if (!functions().render(handle_.get(), cairo.get(), &all, &error)) fail(error);
  }
  double width = 0, height = 0;

 private:
  [[noreturn]] static void fail(const GError* error) {
    throw Error(
        fmt::format("librsvg cannot draw the picture: {}; use .svg", error ? error->message : "no reason given"));
  }
  Owned handle_;
};

std::string iso_date(std::uint64_t realtime) {
  const auto seconds = static_cast<std::time_t>(realtime / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

std::string png_of(const std::string& svg) {
  const Picture picture(svg);
  constexpr double kSide = 32767, kPixels = 4e8;
  const double scale = std::min(
      {2.0, kSide / picture.width, kSide / picture.height, std::sqrt(kPixels / (picture.width * picture.height))});
  if (scale < 0.25) {
    throw Error(fmt::format("the picture is {:.0f} by {:.0f}, too large for .png: use .svg, .pdf or .html",
                            picture.width, picture.height));
  }
  const double w = std::floor(picture.width * scale), h = std::floor(picture.height * scale);
  const Owned surface(functions().image(kArgb32, static_cast<int>(w), static_cast<int>(h)), functions().drop_surface);
  check(functions().status(surface.get()), "PNG");
  picture.draw(surface.get(), w, h);
  std::string out;
  check(functions().write_png(surface.get(), append, &out), "PNG");
  return out;
}

std::string pdf_of(const std::string& svg, const std::string& title, std::uint64_t realtime) {
  const Picture picture(svg);
  constexpr double kSide = 14400, kPoint = 0.75;  // of a pixel of CSS
  const double scale = std::min({kPoint, kSide / picture.width, kSide / picture.height});
  const double w = picture.width * scale, h = picture.height * scale;
  std::string out;
  const Owned surface(functions().pdf(append, &out, w, h), functions().drop_surface);
  functions().metadata(surface.get(), kTitle, title.c_str());
  functions().metadata(surface.get(), kCreateDate, iso_date(realtime).c_str());
  picture.draw(surface.get(), w, h);
  functions().finish(surface.get());
  check(functions().status(surface.get()), "PDF");
  return out;
}

}  // namespace nstrace::vis
