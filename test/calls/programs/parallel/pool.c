/* A pool of threads that take work from a queue, allocate, and print: the order in which they do so
 * is seen in the output, in addresses, and in a sum that depends on it. */
#include "check.h"

struct work {
  struct work *next;
  int number;
  char text[40];
};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static struct work *first, *last;
static int queued, closed, done;
static unsigned long order;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int prepared;

static void prepare(void) { prepared++; }

static void *serve(void *argument) {
  for (;;) {
    pthread_once(&once, prepare);
    pthread_mutex_lock(&mutex);
    while (!first && !closed) pthread_cond_wait(&filled, &mutex);
    struct work *w = first;
    if (!w) break;
    first = w->next;
    queued--;
    order = order * 31 + (unsigned long)argument + (unsigned long)w;
    pthread_cond_signal(&emptied);
    pthread_mutex_unlock(&mutex);
    char *copy = malloc((size_t)(w->number % 300 + 1));
    snprintf(copy, (size_t)(w->number % 300 + 1), "%s", w->text);
    if (w->number % 50 == 0) fprintf(stderr, "~ %d by %ld\n", w->number, (long)argument);
    free(copy);
    free(w);
    pthread_mutex_lock(&mutex);
    done++;
    pthread_mutex_unlock(&mutex);
  }
  pthread_mutex_unlock(&mutex);
  return NULL;
}

int main(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, serve, (void *)(i + 1));
  for (int i = 0; i < 600; i++) {
    struct work *w = calloc(1, sizeof *w);
    w->number = i;
    snprintf(w->text, sizeof w->text, "work %d", i);
    pthread_mutex_lock(&mutex);
    while (queued == 8) pthread_cond_wait(&emptied, &mutex);
    if (first)
      last->next = w;
    else
      first = w;
    last = w;
    queued++;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&mutex);
  }
  pthread_mutex_lock(&mutex);
  closed = 1;
  pthread_cond_broadcast(&filled);
  pthread_mutex_unlock(&mutex);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  fact("done %d, prepared %d", done, prepared);
  note("order %lx", order);
  return finish();
}
