"""Adds up a file of numbers (64-bit floats) with Dask. The workers map the file: no numbers are sent to them.

    python3 examples/dask_cluster.py numbers.f8
    python3 examples/dask_cluster.py /shared/numbers.f8 tcp://scheduler:8786

Shows: an array in a mapping, by_reference, and that the code is the same on one machine and on many. Without the
address of a scheduler, the workers are child processes of this program; with it, they are those of a cluster, whose
machines must all have the file at this path, and mmap_wrap. It needs numpy, and dask with distributed.
"""

import argparse
import pickle
import sys

import mmap_wrap as mmap

CHUNK = 1 << 20  # numbers in a task: 8 MiB


def add_up(numbers, client):
    """Returns the sum, the minimum and the maximum of the numbers, and the size in bytes of the pickled reference."""
    import dask.array

    large = dask.array.from_array(numbers.by_reference, chunks=CHUNK)
    results = client.gather(client.compute([large.sum(), large.min(), large.max()]))
    return *results, len(pickle.dumps(numbers.by_reference))


def main():
    """Runs the command line; returns the exit status or an error message."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="a file of 64-bit floats, in this machine's byte order")
    parser.add_argument("scheduler", nargs="?", help="the address of a Dask cluster's scheduler")
    options = parser.parse_args()
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        return f"dask_cluster: {error}: pip install numpy 'dask[array]' distributed"
    try:
        file = mmap.open(options.path)
    except OSError as error:
        return f"dask_cluster: {error}"
    if not len(file) or len(file) % 8:
        return f"dask_cluster: {options.path} has {len(file)} bytes: not a multiple of 8, or empty"

    numbers = file.array("f8")
    cluster = options.scheduler or LocalCluster(processes=True, dashboard_address=None)
    with Client(cluster) as client:
        total, least, greatest, sent = add_up(numbers, client)
    if cluster is not options.scheduler:
        cluster.close()
    print(f"{len(numbers)} numbers from {least:g} to {greatest:g}, sum {total:g}")
    print(f"{len(file)} bytes, mapped by each worker: it received a reference of {sent} bytes")
    return 0


# The workers on this machine import this file, and must not start workers of their own.
if __name__ == "__main__":
    sys.exit(main())
