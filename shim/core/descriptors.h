/* descriptors.h: what each descriptor of the program is (enum fd_kind in state.h), and what the
 * calls that make them and carry data through them need of each other. */
#ifndef HS_DESCRIPTORS_H
#define HS_DESCRIPTORS_H

#include "order.h"

int hs_is_hidden(u64 fd);
void hs_set_entry(i64 fd, u32 entry);
/* What is known of a descriptor goes to its copy. */
void hs_copy_entry(i64 from, i64 to);
void hs_note_new(const struct regs *g, i64 result);
/* Does the backup hold the file itself that this call is about? */
int hs_is_real_file(const struct regs *g, const struct hs_call *c);
/* On the backup: brings a new descriptor to the recorded number. */
i64 hs_place(struct thread *t, struct hs_record *r, i64 own, i64 want);
void hs_place_pair(struct thread *t, struct hs_record *r, int *own, const int *want);
void hs_must_be(struct thread *t, struct hs_record *r, i64 own);
void hs_descriptors_shared(void);
void hs_descriptors_end(struct thread *t, int by_exec);
/* A process whose table is in `chunk` was killed: nobody closed what it held. */
void hs_descriptors_killed(u32 chunk);
/* Primary: the same for one that was found gone (start/lost.c). */
void hs_descriptors_lost(void);
/* What stands where only the number matters. */
i64 hs_placeholder(u64 flags);

/* epoll.c: events that a wait has given the program, on the backup; a descriptor that is closed */
void hs_epoll_delivered(i64 epoll, const void *events, i64 count);
void hs_epoll_forget(i64 fd);

/* data.c */
void hs_after_input(struct thread *t, const struct regs *g, i64 result, struct hs_record *r);
void hs_after_output(struct thread *t, const struct regs *g, i64 result, struct hs_record *r);

#endif
