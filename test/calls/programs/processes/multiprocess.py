#!/usr/bin/env python3
"""multiprocessing in its three ways of making processes: pools, queues, locks, shared memory,
managers, pipes (and, with forkserver, descriptors that travel in messages)."""
import multiprocessing as mp
import os
import sys
from multiprocessing import shared_memory


def square(x):
    return x * x


def producer(q, n):
    for i in range(n):
        q.put((os.getpid() > 0, i, "x" * i))


def adder(lock, value, n):
    for _ in range(n):
        with lock:
            value.value += 1


def shm_writer(name):
    s = shared_memory.SharedMemory(name=name)
    s.buf[:5] = b"hello"
    s.close()


def manager_user(d, l, k):
    d[k] = k * k
    l.append(k)


def conn_child(c):
    while True:
        m = c.recv()
        if m is None:
            break
        c.send(m.upper())


def waiter(ev, bar, out):
    ev.wait()
    bar.wait()
    out.put("passed")


def run(method):
    ctx = mp.get_context(method)
    with ctx.Pool(2) as pool:
        print("=", method, "pool", sum(pool.map(square, range(20))))
        results = [pool.apply_async(square, (i,)) for i in range(4)]
        print("=", method, "async", [result.get() for result in results])
    q = ctx.Queue()
    ps = [ctx.Process(target=producer, args=(q, 10)) for _ in range(2)]
    for p in ps:
        p.start()
    got = sorted(q.get()[1] for _ in range(20))
    for p in ps:
        p.join()
    print("=", method, "queue", sum(got))
    lock, value = ctx.Lock(), ctx.Value("i", 0, lock=False)
    ps = [ctx.Process(target=adder, args=(lock, value, 40)) for _ in range(2)]
    for p in ps:
        p.start()
    for p in ps:
        p.join()
    print("=", method, "value", value.value)
    s = shared_memory.SharedMemory(create=True, size=10000)
    p = ctx.Process(target=shm_writer, args=(s.name,))
    p.start()
    p.join()
    print("=", method, "shm", bytes(s.buf[:5]))
    s.close()
    s.unlink()
    with ctx.Manager() as m:
        d, l = m.dict(), m.list()
        ps = [ctx.Process(target=manager_user, args=(d, l, k)) for k in range(2)]
        for p in ps:
            p.start()
        for p in ps:
            p.join()
        print("=", method, "manager", sorted(d.items()), sorted(l))
    a, b = ctx.Pipe()
    p = ctx.Process(target=conn_child, args=(b,))
    p.start()
    b.close()
    a.send("abc")
    print("=", method, "pipe", a.recv())
    a.send(None)
    p.join()
    ev, bar, out = ctx.Event(), ctx.Barrier(2), ctx.Queue()
    ps = [ctx.Process(target=waiter, args=(ev, bar, out)) for _ in range(2)]
    for p in ps:
        p.start()
    ev.set()
    print("=", method, "event", out.get(), out.get())
    for p in ps:
        p.join()


if __name__ == "__main__":
    for way in sys.argv[1:] or ["fork", "spawn", "forkserver"]:
        run(way)
    sys.stdout.flush()
