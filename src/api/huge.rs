//! Huge pages and NUMA.

use super::flags::{BindFlags, Policy};
use super::{Mapping, Part, Result, number};
use crate::error::Error as CoreError;
use std::ops::RangeBounds;

impl Mapping {
    /// How many bytes of a range are in huge pages now, transparent ones or pages of the pool.
    ///
    /// ```
    /// match mmap_wrap::Mapping::anonymous(4096)?.huge_bytes(..) {
    ///     Ok(bytes) => assert_eq!(bytes, 0),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn huge_bytes(&self, range: impl RangeBounds<usize>) -> Result<usize> {
        let part = Part::new(range);
        self.with("huge_bytes", |core| core.huge_bytes(part.start, part.size()?))
    }

    /// Sets the NUMA nodes on which the pages of a range are allocated at the first access and, with [`BindFlags::MOVE`], to
    /// which they are moved now.
    ///
    /// ```
    /// use mmap_wrap::{BindFlags, Mapping, Policy};
    /// if let Err(error) = Mapping::anonymous(4096)?.mbind(Policy::Preferred, &[0], BindFlags::empty(), ..) {
    ///     println!("{error}");    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn mbind(&self, policy: Policy, nodes: &[usize], flags: BindFlags, range: impl RangeBounds<usize>) -> Result<()> {
        /// More nodes than any kernel supports.
        const MAX: usize = 1 << 16;
        let part = Part::new(range);
        self.with("mbind", |core| {
            let mut words = vec![0; nodes.iter().max().map_or(0, |last| (*last).min(MAX) / 64 + 1)];
            for node in nodes {
                if *node >= MAX {
                    return Err(CoreError::argument(format!("node {node}: there are fewer than {MAX}")));
                }
                words[node / 64] |= 1 << (node % 64);
            }
            core.mbind(policy.to_platform()?, &words, flags.to_platform()?, part.start, part.size()?)
        })
    }

    /// The NUMA node of the page that holds the byte at `offset`; an error of ENOENT if no page is in memory.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.write(0, b"x")?;
    /// match memory.numa_node(0) {
    ///     Ok(node) => println!("on node {node}"),
    ///     Err(error) => println!("{error}"),    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn numa_node(&self, offset: usize) -> Result<usize> {
        self.with("numa_node", |core| core.numa_node(number(offset))).map(|node| usize::try_from(node).unwrap_or(0))
    }
}
