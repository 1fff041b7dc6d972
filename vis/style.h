// SPDX-License-Identifier: MIT
// The look of every picture in one table: colours, fonts, sizes. Lengths are points at 72 per inch, which are also the
// units of the SVG.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vis/graph.h"

namespace nstrace::vis {

// A colour that differs between a light and a dark background; in the SVG a CSS class of that name.
struct Tone {
  std::string_view name;
  std::string_view light, dark;
};

namespace tone {
inline constexpr Tone kPaper{"paper", "#ffffff", "#0d1117"};  // behind everything
inline constexpr Tone kCard{"card", "#ffffff", "#161b22"};    // a process
inline constexpr Tone kHead{"head", "#eef1f5", "#222a35"};    // its title
inline constexpr Tone kLine{"line", "#b6bfca", "#46505d"};    // borders
inline constexpr Tone kText{"text", "#1b222c", "#e6edf3"};
inline constexpr Tone kDim{"dim", "#5b6675", "#9aa6b5"};
inline constexpr Tone kHost{"host", "#dfe3e8", "#30373f"};        // what is the host's
inline constexpr Tone kHostBar{"hostbar", "#c6ccd4", "#4a535f"};  // the same where it is only a stripe
inline constexpr Tone kHostText{"hosttext", "#566170", "#a5b0bd"};
inline constexpr Tone kWay{"way", "#1f2937", "#f0f6fc"};    // the way from daemon to program
inline constexpr Tone kFork{"fork", "#9aa4b1", "#5d6876"};  // other forks
inline constexpr Tone kGood{"good", "#1a7f37", "#3fb950"};
inline constexpr Tone kBad{"bad", "#c1121f", "#ff7b72"};
inline constexpr Tone kPath{"path", "#d4860b", "#f0b429"};  // the critical path
inline constexpr Tone kAll[] = {kPaper,   kCard,     kHead, kLine, kText, kDim, kHost,
                                kHostBar, kHostText, kWay,  kFork, kGood, kBad, kPath};
}  // namespace tone

enum class Font : std::uint8_t { Sans, Bold, Mono, MonoBold };

namespace style {
inline constexpr std::string_view kSans = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
inline constexpr std::string_view kMono = "'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace";
inline constexpr std::string_view kDotSans = "Helvetica";
inline constexpr std::string_view kDotMono = "Courier";
inline constexpr double kTitle = 19, kFact = 11, kName = 12.5, kSmall = 10.5, kCode = 11, kDetail = 9.5, kBadge = 9;
inline constexpr double kCard = 320, kPad = 9, kRadius = 7;           // width of a node
inline constexpr double kIndent = 33;                                 // of its text, right of the step numbers
inline constexpr std::size_t kCodeColumns = 41, kDetailColumns = 48;  // that fit there
}  // namespace style

// Width of a text in one line. The widest of the fonts that may stand in for each other (DejaVu), so that no
// reader's font makes it longer.
double text_width(std::string_view text, Font font, double size);

// `text`, its end left out where it would be wider than `width`.
std::string fit(std::string_view text, Font font, double size, double width);

// Lines of at most that width, broken at blanks; the end of the last is left out where there is more.
std::vector<std::string> wrap_to(std::string_view text, Font font, double size, double width, std::size_t max_lines);

// "#rrggbb": the colour of a namespace that is not the host's. Each family (made together: usually one container) is a
// range of hues of its own, each type a place in it that the eye tells from the others. Good behind white text on light and on dark.
std::string family_colour(int family, trace::Ns type);
std::string family_ink_on_dark(int family);  // the same, as text on a dark ground
std::string family_colour(int family);       // of the family as a whole: a container's border

}  // namespace nstrace::vis
