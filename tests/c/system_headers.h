/* The system's headers that the constants are compared with, and whose names must all be known. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <sys/mman.h>
