//! `HEAD`: what was acknowledged last, in a file that survives what sled's do not.
//!
//! Two slots, each in a block of its own, are written in turn, so a write that is torn leaves the other slot whole. The
//! engine reads the file when it opens, and writes it after each sync of sled's files, before anybody is answered.
//!
//! | bytes of a slot | what |
//! |---|---|
//! | 0 to 7 | `bsm-head` |
//! | 8 | 0: nothing was acknowledged yet; 1: what follows was; 2: a batch was left half applied |
//! | 9 to 15 | zero |
//! | 16 to 23 | how many times `HEAD` was written: the greater slot counts |
//! | 24 to 31 | the epoch |
//! | 32 to 39 | the position |
//! | 40 to 55 | the digest of the feed up to that position |
//! | 56 to 63 | xxh3-64 of bytes 0 to 55 |
//!
//! Numbers are big-endian. The slots begin at 0 and at [`SLOT_DISTANCE`].

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bsm_store_kv::engine::Head;
use xxhash_rust::xxh3::xxh3_64;

/// From one slot's beginning to the other's: each is in a page, and in sectors, of its own.
const SLOT_DISTANCE: u64 = 4096;
const SLOT_LEN: usize = 64;
const MAGIC: [u8; 8] = *b"bsm-head";
/// More than is ever read of the file.
const MOST: u64 = 2 * SLOT_DISTANCE;

/// What `HEAD` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing was acknowledged yet: whatever the data holds is not missed.
    Nothing,
    /// This was.
    Acknowledged(Head),
    /// sled failed in the middle of a batch, and what it has may be half of it.
    HalfApplied,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct HeadFile {
    file: File,
    sequence: u64,
    mark: Mark,
}

impl HeadFile {
    /// Makes the file, which says [`Mark::Nothing`], and syncs it. Its folder's entry is the caller's to sync.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        // At its full length from the beginning: later writes change no metadata.
        file.set_len(MOST)?;
        file.write_all(&encode(0, Mark::Nothing))?;
        file.sync_all()?;
        Ok(Self { file, sequence: 0, mark: Mark::Nothing })
    }

    /// Opens the file. `None` if neither slot can be read: it is damaged, or was never finished.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        (&file).take(MOST).read_to_end(&mut bytes)?;
        let slots = [0, SLOT_DISTANCE].map(|begin| slot_at(&bytes, begin).and_then(decode));
        let newest = slots.into_iter().flatten().max_by_key(|(sequence, _)| *sequence);
        Ok(newest.map(|(sequence, mark)| Self { file, sequence, mark }))
    }

    /// What the file says.
    pub(crate) const fn mark(&self) -> Mark {
        self.mark
    }

    /// Writes the slot that does not count, and syncs: then it is the one that counts. After an error nobody knows which
    /// one does.
    pub(crate) fn write(&mut self, mark: Mark) -> io::Result<()> {
        let sequence = self.sequence + 1;
        self.file.seek(SeekFrom::Start(sequence % 2 * SLOT_DISTANCE))?;
        self.file.write_all(&encode(sequence, mark))?;
        self.file.sync_data()?;
        (self.sequence, self.mark) = (sequence, mark);
        Ok(())
    }
}

fn encode(sequence: u64, mark: Mark) -> [u8; SLOT_LEN] {
    let (kind, head) = match mark {
        Mark::Nothing => (0, Head { epoch: 0, position: 0, digest: 0 }),
        Mark::Acknowledged(head) => (1, head),
        Mark::HalfApplied => (2, Head { epoch: 0, position: 0, digest: 0 }),
    };
    let mut slot = [0; SLOT_LEN];
    slot[..8].copy_from_slice(&MAGIC);
    slot[8] = kind;
    slot[16..24].copy_from_slice(&sequence.to_be_bytes());
    slot[24..32].copy_from_slice(&head.epoch.to_be_bytes());
    slot[32..40].copy_from_slice(&head.position.to_be_bytes());
    slot[40..56].copy_from_slice(&head.digest.to_be_bytes());
    let sum = xxh3_64(&slot[..56]);
    slot[56..].copy_from_slice(&sum.to_be_bytes());
    slot
}

fn slot_at(bytes: &[u8], begin: u64) -> Option<&[u8; SLOT_LEN]> {
    bytes.get(usize::try_from(begin).ok()?..)?.first_chunk()
}

fn decode(slot: &[u8; SLOT_LEN]) -> Option<(u64, Mark)> {
    let (content, sum) = slot.split_last_chunk()?;
    if u64::from_be_bytes(*sum) != xxh3_64(content) || content[..8] != MAGIC {
        return None;
    }
    let number = |at: usize| content[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let digest = content[40..].first_chunk().map(|bytes| u128::from_be_bytes(*bytes))?;
    let mark = match content[8] {
        0 => Mark::Nothing,
        1 => Mark::Acknowledged(Head { epoch: number(24)?, position: number(32)?, digest }),
        2 => Mark::HalfApplied,
        _ => return None,
    };
    Some((number(16)?, mark))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn head(position: u64) -> Head {
        Head { epoch: 7, position, digest: u128::from(position) << 70 | 5 }
    }

    fn reopened(path: &Path) -> Option<Mark> {
        HeadFile::open(path).expect("can be read").map(|file| file.mark())
    }

    #[test]
    fn the_last_mark_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("HEAD");
        let mut file = HeadFile::create(&path).expect("made");
        assert_eq!(reopened(&path), Some(Mark::Nothing));
        for position in 1..6 {
            file.write(Mark::Acknowledged(head(position))).expect("written");
            assert_eq!(reopened(&path), Some(Mark::Acknowledged(head(position))));
            assert_eq!(file.mark(), Mark::Acknowledged(head(position)));
        }
        let mut again = HeadFile::open(&path).expect("can be read").expect("is whole");
        again.write(Mark::HalfApplied).expect("written");
        assert_eq!(reopened(&path), Some(Mark::HalfApplied));
    }

    #[test]
    fn a_torn_write_leaves_the_mark_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("HEAD");
        let mut file = HeadFile::create(&path).expect("made");
        file.write(Mark::Acknowledged(head(1))).expect("written");
        let before = fs::read(&path).expect("read");
        file.write(Mark::Acknowledged(head(2))).expect("written");
        let after = fs::read(&path).expect("read");
        for torn in 0..SLOT_LEN {
            // Position 2 went to the first slot: its first bytes are new, the rest is as it was.
            let mut bytes = before.clone();
            bytes[..torn].copy_from_slice(&after[..torn]);
            fs::write(&path, bytes).expect("written");
            assert_eq!(reopened(&path), Some(Mark::Acknowledged(head(1))), "torn behind byte {torn}");
        }
    }

    #[test]
    fn no_flipped_bit_makes_up_a_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("HEAD");
        let mut file = HeadFile::create(&path).expect("made");
        file.write(Mark::Acknowledged(head(1))).expect("written");
        file.write(Mark::Acknowledged(head(2))).expect("written");
        let whole = fs::read(&path).expect("read");
        let second = usize::try_from(SLOT_DISTANCE).expect("small");
        for byte in (0..SLOT_LEN).chain(second..second + SLOT_LEN) {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[byte] ^= 1 << bit;
                fs::write(&path, bytes).expect("written");
                let left = if byte < SLOT_LEN { head(1) } else { head(2) };
                assert_eq!(reopened(&path), Some(Mark::Acknowledged(left)), "byte {byte}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_file_cut_short_says_what_is_left_or_nothing_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("HEAD");
        let mut file = HeadFile::create(&path).expect("made");
        file.write(Mark::Acknowledged(head(1))).expect("written");
        file.write(Mark::Acknowledged(head(2))).expect("written");
        for (len, left) in [(4096, Some(Mark::Acknowledged(head(2)))), (63, None), (0, None)] {
            File::options().write(true).open(&path).and_then(|file| file.set_len(len)).expect("cut");
            assert_eq!(reopened(&path), left, "cut to {len}");
        }
    }
}
