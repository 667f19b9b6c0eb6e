"""Threads that take from a queue, and a lock. Prints who took what."""
import queue
import threading

work = queue.Queue()
taken = []
lock = threading.Lock()


def worker(name):
    while True:
        item = work.get()
        if item is None:
            return
        with lock:
            taken.append((name, item))


threads = [threading.Thread(target=worker, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for i in range(200):
    work.put(i)
for _ in threads:
    work.put(None)
for thread in threads:
    thread.join()
print(len(taken), taken[:40], flush=True)
