//! Choices drawn from bytes: the same bytes give the same choices. After the last byte every choice is the first.

#![allow(clippy::cast_possible_wrap, reason = "any bits will do")]

use mmap_wrap::internals::range::REST;

pub struct Draw<'a>(pub &'a [u8]);

impl Draw<'_> {
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % end.max(1)
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A byte count or offset for `length` bytes: mostly inside, at the ends, beyond, or extreme.
    pub fn around(&mut self, length: i64, page: i64) -> i64 {
        let inside = |draw: &mut Self| i64::try_from(draw.below(1 << 16)).unwrap_or(0) % (length.max(0) + 1);
        match self.below(24) {
            0..=5 => inside(self),
            6..=10 => inside(self) / page * page,
            11..=13 => length,
            14 => 0,
            15 => 1,
            16 => length - 1,
            17 => length + 1,
            18 => self.pick(&[page - 1, page, page + 1]),
            19 | 20 => REST,
            21 => self.pick(&[-1, -page, -length, i64::MIN + 1, -4096]),
            22 => self.pick(&[i64::MAX, i64::MAX - length, i64::MAX - page + 1, 1 << 62, 1 << 47, 1 << 32, (1 << 32) + 1]),
            _ => self.number() as i64,
        }
    }

    /// `usual`, or that and some bits of `known`; sometimes an unknown bit, or any number.
    pub fn bits(&mut self, usual: &[i64], known: i64) -> i64 {
        let usual = self.pick(usual);
        match self.below(32) {
            0 => usual | 1 << self.below(63),
            1 => self.pick(&[-1, i64::MIN, i64::MAX, 1 << 31, 1 << 40]),
            2..=9 => usual | (self.number() & self.number() & self.number()) as i64 & known,
            _ => usual,
        }
    }
}

/// The bytes of a seed (splitmix64).
pub fn bytes_of(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x6A09_E667_F3BC_C908;
    let words = std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(count).collect()
}
