"""What each exported function of the library takes and answers, but for the getters of constants.

The first letter is the answer, the others are the parameters in order: i int64_t or a handle, p an address or NULL, t a
text that ends in NUL, d a double. include/mmap_wrap.h is the manual, and a test compares the two.
"""

SIGNATURES = {
    # Versions and the page size
    "mmap_wrap_abi_version": "i",
    "mmap_wrap_version": "t",
    "mmap_wrap_page_size": "i",
    # Results and errors
    "mmap_wrap_strerror": "ti",
    "mmap_wrap_last_error_message": "t",
    "mmap_wrap_last_error_code": "i",
    # Mapping and unmapping
    "mmap_wrap": "ipiiiii",
    "mmap_path_wrap": "itiiii",
    "munmap_wrap": "ii",
    # Files that are opened or made, and files in memory
    "mmap_open_wrap": "itiiiiiiii",
    "mmap_shm_wrap": "itiiiiiiii",
    "shm_unlink_wrap": "it",
    "mmap_memfd_wrap": "itiiii",
    "mmap_secret_wrap": "iii",
    "mmap_unnamed_wrap": "iiii",
    "mmap_wrap_descriptor": "ii",
    "mmap_wrap_seals": "ii",
    "mmap_wrap_add_seals": "iii",
    # Protection, advice, sync
    "mprotect_wrap": "iiiii",
    "madvise_wrap": "iiiii",
    "msync_wrap": "iiiii",
    # Resizing, moving, splitting
    "mremap_wrap": "iiiipi",
    "mmap_wrap_split": "iii",
    # Guards, seals, names
    "mmap_wrap_guard": "iiiii",
    "mseal_wrap": "iiii",
    "mmap_wrap_name": "iit",
    # Addresses and exports
    "mmap_wrap_address": "pi",
    "mmap_wrap_length": "ii",
    "mmap_wrap_acquire": "pi",
    "mmap_wrap_release": "ii",
    # Reading, writing, searching
    "mmap_wrap_check": "iiii",
    "mmap_wrap_read": "iiipi",
    "mmap_wrap_write": "iiipi",
    "mmap_wrap_fill": "iiiii",
    "mmap_wrap_move": "iiiii",
    "mmap_wrap_copy": "iiiiii",
    "mmap_wrap_compare": "iiiiii",
    "mmap_wrap_find": "iipiii",
    "mmap_wrap_rfind": "iipiii",
    "mmap_wrap_count": "iipiii",
    # Elements
    "mmap_wrap_get": "iiiip",
    "mmap_wrap_put": "iiiip",
    "mmap_wrap_get_int": "iiii",
    "mmap_wrap_put_int": "iiiii",
    "mmap_wrap_get_float": "diii",
    "mmap_wrap_put_float": "iiiid",
    # Sharing between processes
    "mmap_wrap_atomic_load": "iiiip",
    "mmap_wrap_atomic_store": "iiiii",
    "mmap_wrap_atomic_add": "iiiiip",
    "mmap_wrap_atomic_exchange": "iiiiip",
    "mmap_wrap_atomic_compare_exchange": "iiiiiip",
    "mmap_wrap_wait": "iiiii",
    "mmap_wrap_wake": "iiii",
    # Mutexes in shared memory
    "mmap_wrap_mutex_lock": "iiii",
    "mmap_wrap_mutex_unlock": "iii",
    "mmap_wrap_mutex_abandon": "iii",
    # Faults
    "mmap_wrap_fault_done": "i",
    "mmap_wrap_fault_address": "p",
    "mmap_wrap_survive": "iii",
    "mmap_wrap_loss": "pi",
    "mmap_wrap_verify_handlers": "i",
    "mmap_wrap_trust_handlers": "ii",
    # Presence
    "mlock_wrap": "iiiii",
    "munlock_wrap": "iiii",
    "mlockall_wrap": "ii",
    "munlockall_wrap": "i",
    "mincore_wrap": "iipiii",
    "mmap_wrap_resident": "iiii",
    "mmap_wrap_prefault": "iiiii",
    "mmap_wrap_drop": "iiii",
    "cachestat_wrap": "iipiii",
    "mmap_wrap_cachestat": "iipiii",
    "mmap_wrap_evict": "iiii",
    "mmap_wrap_warm": "iiii",
    # Huge pages and NUMA nodes
    "mmap_wrap_huge_page_size": "i",
    "mmap_aligned_wrap": "iiiiiii",
    "mmap_wrap_huge": "iiii",
    "mbind_wrap": "iiipiiii",
    "mmap_wrap_node": "iii",
    # Facts
    "mmap_wrap_facts": "iipi",
    "mmap_wrap_file_size": "ii",
    "mmap_wrap_list": "ipi",
    # Constants
    "mmap_wrap_constant": "itp",
    "mmap_wrap_constant_count": "i",
    "mmap_wrap_constant_name": "ti",
    "mmap_wrap_constant_value": "ii",
    "mmap_wrap_constant_available": "ii",
}
