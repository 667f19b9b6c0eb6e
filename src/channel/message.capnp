@0xb7f3a1c5d2e94860;
# What travels between the two engines, byte for byte the same in the ring, on the wire and in the
# log. Two root shapes, so that the root pointer alone tells a record from a control message:
# Record is (5 data words, 1 pointer), Control (2, 1). Neither shape may ever change; nor may
# Hello's first two fields, which are how two versions refuse each other by name.

struct Record {           # laid down by the shim without a library: shim/ring.h
  method @0 :UInt32;      # row of the call table | flags
  pid    @1 :UInt32;      # the primary's ids, as the program sees them
  seq    @2 :UInt64;      # global: exactly one more than the record before it
  tid    @3 :UInt32;
  object @4 :UInt32;      # fd, lock id, ... what the call acted on
  result @5 :Int64;       # the return value; -errno on failure; nanoseconds for time calls
  check  @6 :UInt64;      # digest of what the program passed in
  data   @7 :Data;        # bytes the call returned; empty for writes
}

struct Control {
  union {
    hello      @0 :Hello;
    role       @1 :RoleClaim;
    manifest   @2 :Manifest;
    process    @3 :Process;
    watermark  @4 :Watermark;
    keepalive  @5 :UInt64;       # n: one more than the keepalive before it
    divergence @6 :Divergence;
    stop       @7 :Text;         # the reason, a sentence
    caughtUp   @8 :UInt64;       # sequence number the replica has reached
    goodbye    @9 :Void;         # the sender closes on purpose
    refused    @10 :Text;        # the sender closes because of an error: a sentence
    openings   @11 :Data;        # handshakes of clients, a struct hs_net_slot of bpf/event.h each
    known      @12 :UInt64;      # how many of those the sender has heard of, since it came
  }
}

enum Role {
  either  @0;   # let the pair agree
  primary @1;
  backup  @2;
}

struct Hello {
  version   @0 :UInt32;          # HS_VERSION of shim/ring.h
  tableHash @1 :Text;            # hash of the call table, hex
  role      @2 :Role;
  name      @3 :Text;            # of the pair
  features  @4 :List(Text);      # what the sender can do beyond the base protocol
  instance  @5 :UInt64;          # random per start of an engine: tells a restart from a reconnect
  nextSeq   @6 :UInt64;          # first record the sender has not got yet; 0 when it has none
}

struct RoleClaim {
  role       @0 :Role;           # what the sender is from now on
  generation @1 :UInt64;         # the cluster's, the higher one wins
}

enum Commit {
  async    @0;
  logged   @1;
  verified @2;
}

enum Files {
  mirrored @0;
  carried  @1;
}

struct Manifest {
  seed        @0 :UInt64;        # AT_RANDOM and what must be equal but unguessable
  hostname    @1 :Text;          # the primary's, shown to both programs
  vip         @2 :Text;          # the address to take over; empty without one
  prefix      @3 :UInt8;         # its prefix length
  commit      @4 :Commit;
  files       @5 :Files;
  ringBytes   @6 :UInt64;
  executables @7 :List(Executable);
}

struct Executable {
  path    @0 :Text;
  size    @1 :UInt64;
  mtimeNs @2 :UInt64;
  hash    @3 :Text;
}

struct Process {
  argv   @0 :List(Text);
  envp   @1 :List(Text);
  cwd    @2 :Text;
  uid    @3 :UInt32;
  gid    @4 :UInt32;
  umask  @5 :UInt32;
  limits @6 :List(Limit);
  euid   @7 :UInt32;
  egid   @8 :UInt32;
  startRealNs @9 :UInt64;        # real time at the start: files changed later are carried
}

struct Limit {
  resource @0 :UInt32;           # RLIMIT_*
  soft     @1 :UInt64;
  hard     @2 :UInt64;
}

struct Watermark {
  received    @0 :UInt64;        # bytes of the record stream the sender holds
  replayed    @1 :UInt64;        # bytes its program has executed
  receivedSeq @2 :UInt64;
  replayedSeq @3 :UInt64;
}

struct Divergence {
  seq      @0 :UInt64;
  row      @1 :UInt32;
  pid      @2 :UInt32;
  tid      @3 :UInt32;
  expected @4 :Text;
  got      @5 :Text;
}
