/* A hash table filled by all threads without a lock: entries overwrite each other. */
#include "race.h"
static volatile uint64_t keys[256], values[256];
static volatile unsigned filled, lost;
static void *body(void *argument) {
  for (unsigned i = 1; i < 3000; i++) {
    uint64_t key = i * 7 % 200 + 1;
    unsigned at = (unsigned)(key * 0x9e3779b1u) % 256, tries = 0;
    while (keys[at] && keys[at] != key && tries++ < 256) at = (at + 1) % 256;
    if (!keys[at]) keys[at] = key, filled = filled + 1;
    values[at] += i ^ (uint64_t)(long)argument;
    if (keys[at] != key) lost = lost + 1;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  uint64_t all = 0;
  for (unsigned i = 0; i < 256; i++) all = all * 31 + keys[i] * 7 + values[i];
  return say_result(all, (uint64_t)filled << 32 | lost);
}
