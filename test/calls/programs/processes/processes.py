#!/usr/bin/env python3
"""Subprocesses, threads, a pool, sockets, time and randomness in a real interpreter."""
import multiprocessing
import os
import queue
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time


def square(n):
    return n * n


def threads():
    work, done = queue.Queue(), []

    def worker(number):
        while (item := work.get()) is not None:
            done.append((number, item))

    crew = [threading.Thread(target=worker, args=(i,)) for i in range(8)]
    for thread in crew:
        thread.start()
    for item in range(200):
        work.put(item)
    for _ in crew:
        work.put(None)
    for thread in crew:
        thread.join()
    assert sorted(item for _, item in done) == list(range(200))
    print("= 200 items by 8 threads")
    print("~ order", hash(tuple(number for number, _ in done)))


def sockets():
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)
    at = selectors.DefaultSelector()
    at.register(server, selectors.EVENT_READ)

    def client():
        with socket.create_connection(server.getsockname()) as conn:
            conn.sendall(b"ping" * 1000)
            conn.shutdown(socket.SHUT_WR)
            got = b"".join(iter(lambda: conn.recv(1000), b""))
            assert got == b"PING" * 1000

    other = threading.Thread(target=client)
    other.start()
    open_now, ended = 0, False
    while not ended:
        for key, _ in at.select(5):
            if key.fileobj is server:
                conn, _ = server.accept()
                at.register(conn, selectors.EVENT_READ)
            elif data := key.fileobj.recv(512):
                open_now += len(data)
                key.fileobj.setblocking(True)
                key.fileobj.sendall(data.upper())
            else:
                at.unregister(key.fileobj)
                key.fileobj.close()
                ended = True
    other.join()
    print("= served", open_now)


def main():
    out = subprocess.run(["sort", "-r"], input="a\nc\nb\n", capture_output=True, text=True)
    print("= sorted", out.stdout.split(), out.returncode)
    assert subprocess.run(["sh", "-c", "exit 5"]).returncode == 5
    try:
        subprocess.run(["absent-program"])
        sys.exit(1)
    except FileNotFoundError:
        print("= absent")
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print("= pool", sum(pool.map(square, range(50))))
    threads()
    sockets()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        with open(os.path.join(folder, "f"), "w") as file:
            file.write("x" * 100000)
        print("= size", os.stat(os.path.join(folder, "f")).st_size)
    print("~", time.time(), time.monotonic(), random.random(), os.urandom(8).hex(), os.getpid())
    print("~", hash("strings are hashed with a random key"), id(main))
    time.sleep(0.005)
    print("= done")
    sys.stdout.flush()


main()
