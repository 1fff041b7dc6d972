// SPDX-License-Identifier: MIT
// The helper program as bytes in nstrace's own read-only data. LAB_HELPER is its path, set by the build.
  .section .rodata
  .global nstrace_lab_helper
  .global nstrace_lab_helper_end
  .balign 16
nstrace_lab_helper:
  .incbin LAB_HELPER
nstrace_lab_helper_end:
  .section .note.GNU-stack, "", %progbits
