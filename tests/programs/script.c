// SPDX-License-Identifier: MIT
// Trap: a "#!" script: what is called is not what runs; the image's argv has other elements than the call's.
// Trace: execve("FOLDER/script", ["called", "argument"]) = 0 with path FOLDER/script, this program as its interpreter,
// the image's argv [PROGRAM, "as interpreter", "FOLDER/script", "argument"]; exit 5.
#include <sys/stat.h>

#include "program.h"

int main(int argc, char** argv) {
  char folder[] = "/tmp/nstrace-script.XXXXXX", path[64], self[200];
  char* const arguments[] = {"called", "argument", NULL};
  ssize_t size;
  FILE* script;

  if (argc == 4 && !strcmp(argv[1], "as interpreter")) {
    unlink(argv[2]);
    *strrchr(argv[2], '/') = '\0';
    rmdir(argv[2]);
    return 5;
  }
  size = readlink("/proc/self/exe", self, sizeof(self) - 1);
  // The kernel reads 256 bytes of a script's first line (BINPRM_BUF_SIZE).
  must(size > 0 && size < (ssize_t)sizeof(self) - 1, "readlink (or the path of this program is too long)");
  self[size] = '\0';
  must(mkdtemp(folder) != NULL, folder);
  snprintf(path, sizeof(path), "%s/script", folder);
  script = fopen(path, "we");
  must(script != NULL, path);
  fprintf(script, "#!%s as interpreter\n", self);
  fchmod(fileno(script), 0755);
  fclose(script);
  printf("script=%s\nself=%s\n", path, self);
  fflush(stdout);
  execv(path, arguments);
  must(0, "execv");
}
