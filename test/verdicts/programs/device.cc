/* device.cc: std::random_device: random bits from the processor, by an instruction of a library.
 * Expected: replicable */
#include <cstdio>
#include <random>

int main() {
  std::random_device device("rdrand");
  std::printf("random %u\n", device());
  return 0;
}
