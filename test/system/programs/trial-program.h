/* trial-program.h: the program the takeover trials run, as a state that two hosts agree on.
 *
 * Per connection: read a hello (id, size and mode), send a greeting, send `size` bytes of a pattern
 * unless the mode is upwards only, read `size` bytes, send an account of them, close after the
 * client has. What it sends is a function of what it read, so the standby can make it again from
 * any point. The rule: everything here is deterministic; chance (how much is read and written at
 * once) lives in trial-server.c and is in the log. */
#ifndef TRIAL_PROGRAM_H
#define TRIAL_PROGRAM_H
#include "trial.h"

#define GREETING 1u
#define HELLO 16u
#define TRAILER 16u

struct program {
  u64 read, written; /* bytes; an end of file that was read counts as one */
  u64 id, size, digest;
  u32 mode, ended, closed;
  u8 hello[HELLO];
};

static inline u64 program_body(const struct program *p) { return p->mode ? 0 : p->size; }

/* How much it would have written if every write were taken whole. */
static inline u64 program_wants(const struct program *p) {
  if (p->read < HELLO) return GREETING;
  u64 all = GREETING + program_body(p);
  return p->read - p->ended >= HELLO + p->size ? all + TRAILER : all;
}

/* 0, or 1 when the bytes are not what the client sent: the stream was damaged. */
static inline int program_input(struct program *p, const u8 *at, size_t n) {
  while (n && p->read < HELLO) {
    p->hello[p->read++] = *at++;
    n--;
    if (p->read < HELLO) continue;
    u64 words[2];
    memcpy(words, p->hello, HELLO);
    p->id = words[0];
    p->size = words[1] >> 2;
    p->mode = words[1] & 3;
  }
  if (pattern_match(p->id * 2, p->read - HELLO, at, n) != n) return 1;
  for (size_t i = 0; i < n; i++) p->digest = p->digest * 31 + at[i];
  p->read += n;
  return 0;
}

/* Bytes [from, from + n) of its output. */
static inline void program_output(const struct program *p, u64 from, u8 *to, size_t n) {
  u64 account[2] = {p->size, p->digest}, end = GREETING + program_body(p);
  if (n && from < GREETING) *to++ = 'G', from++, n--;
  size_t body = from < end ? (end - from < n ? end - from : n) : 0;
  pattern_fill(p->id * 2 + 1, from - GREETING, to, body);
  for (size_t i = body; i < n; i++) to[i] = ((u8 *)account)[from + i - end];
}

#endif
