/* Double-checked locking with a plain pointer. */
#include "race.h"
static uint64_t *volatile instances[512];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile uint64_t made, first[THREADS];
static void *body(void *argument) {
  for (unsigned i = 0; i < 512; i++) {
    if (!instances[i]) {
      pthread_mutex_lock(&lock);
      if (!instances[i]) {
        uint64_t *fresh = malloc(8);
        *fresh = made = made * 5 + (uint64_t)(long)argument;
        instances[i] = fresh;
        first[(long)argument]++;
      }
      pthread_mutex_unlock(&lock);
    }
    made += *instances[i] & 1;
    now_and_then(i);
  }
  return NULL;
}
int main(void) {
  run_all(body);
  return say_result(made, first[0] << 48 | first[1] << 32 | first[2] << 16 | first[3]);
}
