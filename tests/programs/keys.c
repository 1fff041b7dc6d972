// SPDX-License-Identifier: MIT
// Trap: what a call gives is behind a pointer that only its end may look at, and of keyctl(2) only some of it is for
// everybody's eyes. Trace: KEYCTL_DESCRIBE with the text that it gave; KEYCTL_RESTRICT_KEYRING with both texts;
// KEYCTL_READ, KEYCTL_UPDATE and a KEYCTL_DESCRIBE that failed with an address; exit 0.
#include <linux/keyctl.h>

#include "program.h"

int main(void) {
  char text[128] = "not yet", secret[] = "secret";
  long keyring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "nst_keys", 0, 0, 0);
  long key;

  must(keyring > 0, "KEYCTL_JOIN_SESSION_KEYRING");
  must(syscall(SYS_keyctl, KEYCTL_DESCRIBE, keyring, text, sizeof(text), 0) > 0, "KEYCTL_DESCRIBE");
  key = syscall(SYS_add_key, "user", "nst_key", secret, sizeof(secret), keyring);
  must(key > 0, "add_key");
  must(syscall(SYS_keyctl, KEYCTL_UPDATE, key, secret, sizeof(secret), 0) == 0, "KEYCTL_UPDATE");
  must(syscall(SYS_keyctl, KEYCTL_READ, key, secret, sizeof(secret), 0) == sizeof(secret), "KEYCTL_READ");
  must(syscall(SYS_keyctl, KEYCTL_RESTRICT_KEYRING, keyring, "nst_type", "nst_text", 0) < 0, "KEYCTL_RESTRICT_KEYRING");
  must(syscall(SYS_keyctl, KEYCTL_REVOKE, key, 0, 0, 0) == 0, "KEYCTL_REVOKE");
  must(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, secret, sizeof(secret), 0) < 0, "KEYCTL_DESCRIBE of what is revoked");
  printf("text=%s\n", text);
  return 0;
}
