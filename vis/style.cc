// SPDX-License-Identifier: MIT
// Widths of text without a font at hand, and the colours of namespaces by rule.
#include "vis/style.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "vis/text.h"

namespace nstrace::vis {
namespace {

// Advance widths of U+0020 to U+007E in thousandths of the size: DejaVu Sans and DejaVu Sans Bold.
constexpr std::array<int, 95> kSansWidths{
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361,  318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635,  611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352,  635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592,  525, 636, 337, 636, 838};
constexpr std::array<int, 95> kBoldWidths{
    348, 456,  521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415,  380, 365, 696, 696,  696,
    696, 696,  696, 696, 696, 696,  696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830,  683,
    683, 821,  837, 372, 372, 775,  637, 995, 837, 850, 733, 850, 770, 720,  682, 812, 774, 1103, 771,
    724, 725,  457, 365, 457, 838,  500, 500, 675, 716, 593, 716, 678, 435,  716, 712, 343, 343,  665,
    343, 1042, 712, 687, 716, 716,  493, 595, 478, 712, 652, 924, 645, 652,  582, 712, 365, 712,  838};
constexpr int kMonoWidth = 602;
constexpr int kOther = 1000;  // of any other character

std::array<double, 3> channels(double hue, double saturation, double lightness) {
  const double chroma = saturation * std::min(lightness, 1 - lightness);
  const auto channel = [&](double shift) {
    const double at = std::fmod(shift + hue / 30, 12);
    return lightness - chroma * std::max(-1.0, std::min({at - 3, 9 - at, 1.0}));
  };
  return {channel(0), channel(8), channel(4)};
}

std::string hex(const std::array<double, 3>& rgb) {
  const auto byte = [&](std::size_t i) { return static_cast<int>(std::lround(rgb[i] * 255)); };
  return fmt::format("#{:02x}{:02x}{:02x}", byte(0), byte(1), byte(2));
}

// WCAG 2: relative luminance.
double luminance(double hue, double saturation, double lightness) {
  const std::array<double, 3> weights{0.2126, 0.7152, 0.0722};
  const std::array<double, 3> rgb = channels(hue, saturation, lightness);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    sum += weights[i] * (rgb[i] <= 0.03928 ? rgb[i] / 12.92 : std::pow((rgb[i] + 0.055) / 1.055, 2.4));
  }
  return sum;
}

// Far apart, the first ones the farthest.
constexpr std::array<double, 8> kHues{214, 22, 150, 278, 340, 181, 48, 100};

// After the eight, the same again, shifted and paler or stronger.
struct Base {
  double hue, saturation;
};
Base family_base(int family) {
  constexpr std::array<double, 3> kSaturation{0.64, 0.40, 0.88};
  const auto at = static_cast<std::size_t>(std::max(0, family));
  const std::size_t round = at / kHues.size();
  return {std::fmod(kHues[at % kHues.size()] + 17.0 * static_cast<double>(round), 360),
          kSaturation[round % kSaturation.size()]};
}

// Where a type lies within its family, in the order of trace::Ns: away from the family's hue, as a part of its
// saturation, and how light at most. Neighbours in a band are dark and light in turn, and all are as far from each
// other as a hue near the family's and white text on it allow (found by a search over OKLab distances).
struct Place {
  double hue, saturation, lightness;
};
constexpr Place kOfPid{20, 1.26, 0.43}, kOfTime{-22, 0.90, 0.28};
constexpr std::array<Place, trace::kNsSlots> kPlaces{{{0, 1, 0.40},
                                                      {6, 1.28, 0.22},
                                                      {-20, 1.15, 0.53},
                                                      {17, 0.50, 0.29},
                                                      kOfPid,
                                                      {20, 0.35, 0.40},
                                                      {18, 0.35, 0.20},
                                                      kOfTime,
                                                      kOfPid,
                                                      kOfTime}};

}  // namespace

double text_width(std::string_view text, Font font, double size) {
  if (font == Font::Mono || font == Font::MonoBold)
    return static_cast<double>(columns(text)) * kMonoWidth * size / 1000;
  const auto& widths = font == Font::Bold ? kBoldWidths : kSansWidths;
  long sum = 0;
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (c >= 0x20 && c < 0x7f) {
      sum += widths[static_cast<std::size_t>(c - 0x20)];
    } else if (c >= 0xc0) {
      sum += kOther;  // the first byte of a character; those after it count nothing
    }
  }
  return static_cast<double>(sum) * size / 1000;
}

std::string fit(std::string_view text, Font font, double size, double width) {
  if (text_width(text, font, size) <= width) return std::string(text);
  std::size_t cells = columns(text);
  std::string out;
  do {
    out = std::string(first_columns(text, --cells)) + "\u2026";
  } while (cells > 1 && text_width(out, font, size) > width);
  return out;
}

std::vector<std::string> wrap_to(std::string_view text, Font font, double size, double width, std::size_t max_lines) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = text.size();
    while (lines.size() + 1 < max_lines && text_width(text.substr(0, end), font, size) > width) {
      const std::size_t blank = text.rfind(' ', end - 1);
      if (blank == std::string_view::npos || blank == 0) break;
      end = blank;
    }
    if (lines.size() + 1 == max_lines) end = text.size();
    lines.push_back(fit(text.substr(0, end), font, size, width));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

std::string family_colour(int family, trace::Ns type) {
  const Place place = kPlaces[static_cast<std::size_t>(type)];
  const Base base = family_base(family);
  const double hue = std::fmod(base.hue + place.hue + 360, 360);
  const double saturation = std::min(1.0, base.saturation * place.saturation);
  constexpr double kReadable = 0.183;  // 4.5 : 1 below white
  double lightness = place.lightness;
  while (luminance(hue, saturation, lightness) > kReadable) lightness -= 0.01;
  return hex(channels(hue, saturation, lightness));
}

std::string family_ink_on_dark(int family) {
  const Base base = family_base(family);
  return hex(channels(base.hue, base.saturation, 0.70));
}

std::string family_colour(int family) {
  return family_colour(family, trace::Ns::Mnt);
}

}  // namespace nstrace::vis
