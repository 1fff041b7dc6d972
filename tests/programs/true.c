// SPDX-License-Identifier: MIT
// A static program that ends at once: what the others start.
// Trace: exit 0.
int main(void) {
  return 0;
}
