/* The system headers with which the constants are compared, and whose names must all be known. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <sys/mman.h>

/* Enumerators there; as macros they can be found by the preprocessor. */
#define MPOL_DEFAULT MPOL_DEFAULT
#define MPOL_PREFERRED MPOL_PREFERRED
#define MPOL_BIND MPOL_BIND
#define MPOL_INTERLEAVE MPOL_INTERLEAVE
#define MPOL_LOCAL MPOL_LOCAL

/* For calls that this library does not make, and for the kernel. */
#undef MPOL_F_NODE
#undef MPOL_F_ADDR
#undef MPOL_F_MEMS_ALLOWED
#undef MPOL_F_SHARED
#undef MPOL_F_MOF
#undef MPOL_F_MORON
#undef MPOL_MF_LAZY
#undef MPOL_MF_INTERNAL
#undef MPOL_MF_VALID
#undef MPOL_MODE_FLAGS
