//! NUMA: the nodes on which pages are allocated.

use super::Mapping;
use crate::constants::Group;
use crate::error::{Errno, Error, Result};
use crate::flags::known;
use crate::sys;

impl Mapping {
    /// Sets the memory policy of the pages that hold `size` bytes (or `REST`) from `offset`: the nodes on which they are
    /// allocated at the first access and, with MPOL_MF_MOVE, to which they are moved now. Bit n of `nodes` stands for node n.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// match memory.mbind(MPOL_PREFERRED, &[1 << 0], 0, 0, REST) {
    ///     Ok(()) => println!("on node 0, where it has room"),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn mbind(&self, mode: i64, nodes: &[u64], flags: i64, offset: i64, size: i64) -> Result<()> {
        let c_mode = known(Group::Policy, mode, "memory policy")?;
        let c_flags = known(Group::PolicyFlag, flags, "mbind flags")?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        sys::bind(&self.pages, span.covering_pages(self.grid), c_mode, nodes, c_flags).map_err(|errno| {
            let hint = match errno {
                Errno::ENOSYS => return Error::unsupported("mbind(2): this kernel was built without NUMA"),
                Errno::EINVAL => "a node does not exist, or the nodes do not go with the policy",
                Errno::EIO => "pages lie elsewhere, and not all could be moved (MPOL_MF_STRICT)",
                Errno::EPERM => "MPOL_MF_MOVE_ALL needs CAP_SYS_NICE",
                _ => "",
            };
            let attempt = format!("policy {mode:#x}, nodes {nodes:x?}, for {span}");
            Error::system(errno, attempt, hint)
        })
    }

    /// The node of the page that holds the byte at `offset`. Accesses nothing: -ENOENT if no page is in memory.
    pub fn numa_node(&self, offset: i64) -> Result<i64> {
        let span = self.span(offset, 1)?;
        sys::numa_node(&self.pages, span.bytes(self.grid).start).map(i64::from).map_err(|errno| {
            let hint = match errno {
                Errno::ENOSYS => return Error::unsupported("move_pages(2): this kernel was built without NUMA"),
                Errno::ENOENT => "no page is in memory there: it was never accessed, or was reclaimed; prefault it first",
                Errno::EFAULT => "it was read and never written, so that it shares the kernel's page of zeros",
                _ => "",
            };
            Error::system(errno, format!("find the page at offset {offset}"), hint)
        })
    }
}
