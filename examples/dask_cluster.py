"""Adds up a file of numbers (64-bit floats) with Dask, whose workers map the file: none of it is sent to them.

    python3 examples/dask_cluster.py numbers.f8
    python3 examples/dask_cluster.py /shared/numbers.f8 tcp://scheduler:8786

Shows: an array in a map, by_reference, and that the code is the same on one machine and on many: without the address of
a scheduler the workers are processes of this one; with it, they are those of a cluster, all of whose machines have the
file at this path, and mmap_wrap. It needs numpy, and dask with distributed.
"""

import argparse
import pickle
import sys

import mmap_wrap as mmap

CHUNK = 1 << 20  # numbers in a task: 8 MiB


def add_up(numbers, client):
    """The sum, the least and the greatest of the numbers; and how many bytes said to the workers where they are."""
    import dask.array

    large = dask.array.from_array(numbers.by_reference, chunks=CHUNK)
    answers = client.gather(client.compute([large.sum(), large.min(), large.max()]))
    return *answers, len(pickle.dumps(numbers.by_reference))


def main():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", help="a file of 64-bit floats, in this machine's order of bytes")
    parser.add_argument("scheduler", nargs="?", help="the address of a Dask cluster's scheduler")
    wanted = parser.parse_args()
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        return f"dask_cluster: {error}: pip install numpy 'dask[array]' distributed"
    try:
        file = mmap.open(wanted.path)
    except OSError as error:
        return f"dask_cluster: {error}"
    if not len(file) or len(file) % 8:
        return f"dask_cluster: {wanted.path} has {len(file)} bytes: numbers of 8 bytes are needed"

    numbers = file.array("f8")
    cluster = wanted.scheduler or LocalCluster(processes=True, dashboard_address=None)
    with Client(cluster) as client:
        total, least, greatest, sent = add_up(numbers, client)
    if cluster is not wanted.scheduler:
        cluster.close()
    print(f"{len(numbers)} numbers from {least:g} to {greatest:g}, sum {total:g}")
    print(f"{len(file)} bytes, of which {sent} said to each worker where they are")
    return 0


# The workers on this machine import this file, and must not start workers of their own.
if __name__ == "__main__":
    sys.exit(main())
