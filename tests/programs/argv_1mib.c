// SPDX-License-Identifier: MIT
// Trap: argv is long in both ways: eight elements of the greatest size that the kernel takes (MAX_ARG_STRLEN, 128 KiB)
// and 10,000 small ones, an empty one among them; more than any one record of the ring buffer.
// Trace: exec with argv whole: "count" elements, "bytes" bytes with their NULs, and the Adler-32 sum "sum" over them;
// exit 0.
#include "program.h"

enum { LONG = 8, LONG_SIZE = 128 * 1024, SMALL = 10000 };

static uint32_t adler32(uint32_t sum, const char* bytes, size_t size) {
  uint32_t a = sum & 0xffff, b = sum >> 16;

  for (size_t i = 0; i < size; i++) {
    a = (a + (unsigned char)bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

int main(int argc, char** argv) {
  char** arguments;
  int count = 0;

  if (argc > 1) {
    uint32_t sum = 1;
    size_t bytes = 0;

    for (int i = 0; i < argc; i++) {
      sum = adler32(sum, argv[i], strlen(argv[i]) + 1);
      bytes += strlen(argv[i]) + 1;
    }
    printf("count=%d\nbytes=%zu\nsum=%u\n", argc, bytes, sum);
    return 0;
  }
  arguments = calloc(LONG + SMALL + 2, sizeof(*arguments));
  must(arguments != NULL, "calloc");
  arguments[count++] = "argv_1mib";
  for (int i = 0; i < LONG; i++) {
    char* element = malloc(LONG_SIZE);

    must(element != NULL, "malloc");
    for (int at = 0; at < LONG_SIZE - 1; at++) element[at] = (char)('a' + (at / 64 + i) % 26);
    element[LONG_SIZE - 1] = '\0';
    arguments[count++] = element;
  }
  for (int i = 0; i < SMALL; i++)
    if (i == 5000)
      arguments[count++] = "";
    else
      must(asprintf(&arguments[count++], "%d", i) > 0, "asprintf");
  execv("/proc/self/exe", arguments);
  must(0, "execv");
}
