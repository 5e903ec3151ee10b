"""A file system of one file, which is read with direct I/O and takes no shared map. `fuse_direct_io.py FOLDER`.

It says "mounted" once it is, and serves until it is unmounted or a minute has passed.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import sys

CONTENTS = b"one two three\n" * 1000
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, INIT, BATCH_FORGET = 1, 2, 3, 14, 15, 17, 26, 42
DIRECT_IO = 1


def attributes(node):
    mode, size = (stat.S_IFDIR | 0o755, 0) if node == 1 else (stat.S_IFREG | 0o644, len(CONTENTS))
    return struct.pack("<6Q10I", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def reply(opcode, node, body):
    """The reply to a request, or an errno number. <linux/fuse.h> has the layouts."""
    if opcode == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 0, 0, 0, 0, 65536, 1, 0, 0, *[0] * 8)
    if opcode == LOOKUP:
        return struct.pack("<4Q2I", 2, 0, 1, 1, 0, 0) + attributes(2) if body == b"file\0" else errno.ENOENT
    if opcode == GETATTR:
        return struct.pack("<Q2I", 1, 0, 0) + attributes(node)
    if opcode == OPEN:
        return struct.pack("<Q2I", 1, DIRECT_IO, 0)
    if opcode == READ:
        offset, size = struct.unpack_from("<QI", body, 8)
        return CONTENTS[offset : offset + size]
    return struct.pack("<5Q10I", *[0] * 15) if opcode == STATFS else errno.ENOSYS


def main(folder):
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"mmap-wrap-test", folder.encode(), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)
    print("mounted", flush=True)
    while select.select([device], [], [], 60)[0]:
        try:
            request = os.read(device, 1 << 20)
        except OSError as error:
            if error.errno == errno.ENODEV:  # unmounted
                return
            continue
        _, opcode, unique, node = struct.unpack_from("<2I2Q", request)
        if opcode in (FORGET, BATCH_FORGET):
            continue
        result = reply(opcode, node, request[40:])
        code, data = (-result, b"") if isinstance(result, int) else (0, result)
        os.write(device, struct.pack("<IiQ", 16 + len(data), code, unique) + data)


if __name__ == "__main__":
    main(sys.argv[1])
