/* call.h: the shape of one row of the call table as the shim reads it.
 *
 * src/calls/table.ts is the source; tools/generate.ts writes calls.gen.h (the rows) from it. The
 * regular path (record.c, replay.c) interprets these rows and knows no call by name; what is not
 * regular is a named function in irregular.c. Nothing else in the shim lists calls. */
#ifndef HS_CALL_H
#define HS_CALL_H

/* What the shim does with the call; one policy per row (src/calls/policies.ts says it in words). */
enum hs_policy {
  HS_UNKNOWN = 0, /* no row: reported by name and refused */
  HS_RESULT,      /* primary executes and records result and out-buffers; backup substitutes */
  HS_INPUT,       /* the same, for data that comes through a descriptor */
  HS_OUTPUT,      /* digest of what goes out; released by the commit mode */
  HS_LOCAL,       /* both execute; results must agree */
  HS_FILE,        /* both execute where files are mirrored; the primary's result is substituted */
  HS_DESCRIPTOR,  /* both execute: descriptor numbers come out equal */
  HS_MEMORY,      /* both execute: addresses come out equal */
  HS_ORDER,       /* primary executes; backup takes its turn and does not block */
  HS_IRREGULAR,   /* a named function */
  HS_REFUSED      /* the errno of a kernel that lacks the call */
};

/* Row flags. */
#define HS_BLOCKS 1u     /* may wait: the baton is given up around it */
#define HS_RESTARTS 2u   /* made again after a signal whose handler has SA_RESTART */
#define HS_OUT_EINTR 4u  /* out-arguments are written on -EINTR too (time that remains) */
#define HS_TIME 8u       /* answered by the shim's own clock where that is allowed */
#define HS_MAKES_FD 16u  /* the result is a new descriptor */
#define HS_OUT_ALWAYS 32u /* out-arguments are written whatever the result is */
#define HS_SIGMASK 64u    /* puts a signal mask in place while it waits */
#define HS_OUT_ONLY_EINTR 128u /* out-arguments are written on -EINTR and never else */
#define HS_UNBROKEN 256u       /* waits for storage: a signal caught before it does not end it */

/* What one argument is. The length of what it points to is `count * size` (see hs_length). */
enum hs_kind {
  HS_NONE = 0,
  HS_VALUE,    /* a number; goes into the digest */
  HS_FD,       /* a descriptor; goes into the digest; the record's object */
  HS_ADDRESS,  /* an address, not followed; goes into the digest */
  HS_OPAQUE,   /* a number that may differ between the sides; not in the digest */
  HS_IN,       /* bytes the call reads; their digest goes into the check */
  HS_IN_STRING,/* a path or name, to its NUL; digested */
  HS_OUT,      /* bytes the call writes */
  HS_INOUT,    /* bytes the call reads and writes; carried, not digested */
  HS_OUT_SIZED,/* bytes written; the next argument points to a u32 length, read and written */
  HS_LENGTH,   /* that u32 length (always the argument after HS_OUT_SIZED) */
  HS_IN_IOV,   /* iovec array of `count`; the bytes it names go out, up to the result */
  HS_OUT_IOV,  /* iovec array of `count`; the bytes it names are filled, up to the result */
  HS_IN_MSG,   /* struct msghdr, sent */
  HS_OUT_MSG,  /* struct msghdr, received: iov up to the result, name, control, flags */
  HS_IN_MMSG,  /* struct mmsghdr array of `count`, sent */
  HS_OUT_MMSG, /* struct mmsghdr array, received: result messages */
  HS_STRINGS   /* NULL-terminated array of strings (argv, envp); digested */
};

/* Where `count` comes from. */
enum hs_length {
  HS_FIXED = 0, /* 1 */
  HS_ARG0, HS_ARG1, HS_ARG2, HS_ARG3, HS_ARG4, HS_ARG5, /* the value of that argument */
  HS_BY_RESULT, /* the call's result */
  HS_FDSETS,    /* words of an fd_set of argument 0 bits; size is 8 */
  HS_CAPABILITIES, /* sets of capabilities, by the version in the header, argument 0 */
#define HS_PAGES HS_PAGES
  HS_PAGES      /* pages in as many bytes as argument 1 says */
};

struct hs_arg {
  unsigned char kind;    /* enum hs_kind */
  unsigned char count;   /* enum hs_length */
  unsigned short size;   /* bytes of one element */
};

struct hs_call {
  const char *name;
  unsigned char policy;     /* enum hs_policy */
  unsigned short flags;     /* HS_BLOCKS .. */
  unsigned char nargs;
  unsigned char irregular;  /* index into hs_irregulars, when policy is HS_IRREGULAR */
  short refusal;            /* -errno, when policy is HS_REFUSED */
  short refusals;           /* how many of its arguments' values are in hs_refusals */
  struct hs_arg arg[6];
};

/* A call is refused when `argument & mask` is `equals`, or, with `any`, is not 0. */
struct hs_refusal {
  unsigned short nr;
  unsigned char arg, any;
  int error;
  unsigned long mask, equals;
};

/* Bytes a request of ioctl writes behind its argument; whether its result is a new descriptor. */
struct hs_ioctl {
  unsigned request, bytes, makes;
};

#endif
