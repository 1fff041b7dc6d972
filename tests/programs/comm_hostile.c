// SPDX-License-Identifier: MIT
// Trap: comm and argv are bytes of the traced process's choice: escape sequences, new lines, quotes, markup, invalid
// UTF-8. None may reach a terminal, an SVG, a DOT or a JSON file as it is.
// Trace: comm -> "\x1b[31m<b>\"&\n\xff" of the program; exec of itself with the argv below; exit 0.
#include <sys/prctl.h>

#include "program.h"

int main(int argc, char** argv) {
  char* const again[] = {"\x1b]0;title\x07",
                         "new\nline",
                         "\"quoted\" 'single' \\back",
                         "<script>&amp;",
                         "\xff\xfe\x80",
                         "\xe2\x80\xae"
                         "bidi",
                         "$(reboot) `reboot`",
                         "",
                         NULL};

  (void)argv;
  must(prctl(PR_SET_NAME, "\x1b[31m<b>\"&\n\xff") == 0, "PR_SET_NAME");
  if (argc > 1) return 0;
  execv("/proc/self/exe", again);
  must(0, "execv");
}
