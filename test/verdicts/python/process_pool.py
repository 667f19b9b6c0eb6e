"""A pool of two processes. Prints which of them did what."""
import multiprocessing
import os


def square(number):
    return os.getpid(), number * number


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(square, range(20), chunksize=3)
    print(results, flush=True)
