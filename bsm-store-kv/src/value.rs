//! Values: a format byte, the payload, and a checksum over key and value, so that nothing is read that was not written
//! under this very key. Long ones are cut into pieces that the engine stores well.
//!
//! [`Snapshot`](crate::snapshot::Snapshot) opens values, [`Group`](crate::stage::Group) seals them. Pure functions.

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::key;

/// The payload follows.
const WHOLE: u8 = 1;
/// The value lies in pieces; its length and theirs follow.
const IN_PIECES: u8 = 2;

const CHECKSUM_LEN: usize = 4;
const HEAD_LEN: usize = 1 + 8 + 8 + CHECKSUM_LEN;

/// Shorter values are never cut, whatever an engine says: so everything of a known, small size lies whole.
const CUT_MIN: usize = 512;

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it is too short")]
    TooShort,
    #[error("its checksum differs")]
    Checksum,
    #[error("its format {0} is not known")]
    Format(u8),
    #[error("its pieces don't make it up")]
    Pieces,
}

/// A value as it lies under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// The payload.
    Whole(Bytes),
    /// It must be fetched.
    InPieces(Pieces),
}

/// How a long value was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// The length of the whole, sealed.
    length: u64,
    /// The length of each piece but the last.
    each: u64,
}

impl Pieces {
    /// How many there are.
    pub(crate) fn count(self) -> u32 {
        u32::try_from(self.length.div_ceil(self.each.max(1))).unwrap_or(u32::MAX)
    }
}

fn checksum(key: &[u8], body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let [.., a, b, c, d] = xxh3_64_with_seed(body, xxh3_64(key)).to_be_bytes();
    [a, b, c, d]
}

/// The payload as it lies under its key, if it is short enough.
pub(crate) fn seal(key: &[u8], payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(1 + payload.len() + CHECKSUM_LEN);
    out.put_u8(WHOLE);
    out.put_slice(payload);
    finish(key, out)
}

fn finish(key: &[u8], mut out: BytesMut) -> Bytes {
    let sum = checksum(key, &out);
    out.put_slice(&sum);
    out.freeze()
}

/// Cuts a sealed value that is longer than `most`: what lies under its key, and the pieces. `None` if it is short enough.
pub(crate) fn cut(key: &[u8], sealed: &Bytes, most: usize) -> Option<(Bytes, Vec<Bytes>)> {
    let each = most.max(CUT_MIN);
    if sealed.len() <= each {
        return None;
    }
    let mut head = BytesMut::with_capacity(HEAD_LEN);
    head.put_u8(IN_PIECES);
    head.put_u64(sealed.len() as u64);
    head.put_u64(each as u64);
    let pieces = (0..sealed.len()).step_by(each).map(|start| sealed.slice(start..sealed.len().min(start + each)));
    Some((finish(key, head), pieces.collect()))
}

/// Opens what lies under a key.
pub(crate) fn open(key: &[u8], raw: &Bytes) -> Result<Opened, Fault> {
    let (body, sum) = raw.split_last_chunk::<CHECKSUM_LEN>().ok_or(Fault::TooShort)?;
    let (format, rest) = body.split_first().ok_or(Fault::TooShort)?;
    if checksum(key, body) != *sum {
        return Err(Fault::Checksum);
    }
    match *format {
        WHOLE => Ok(Opened::Whole(raw.slice(1..raw.len() - CHECKSUM_LEN))),
        IN_PIECES => {
            let (length, each) = rest.split_first_chunk::<8>().ok_or(Fault::TooShort)?;
            let each = each.first_chunk::<8>().ok_or(Fault::TooShort)?;
            Ok(Opened::InPieces(Pieces { length: u64::from_be_bytes(*length), each: u64::from_be_bytes(*each) }))
        }
        other => Err(Fault::Format(other)),
    }
}

/// Puts the pieces of a value together; `piece` fetches one by its key.
pub(crate) fn join<E>(
    key: &[u8],
    pieces: Pieces,
    mut piece: impl FnMut(&[u8]) -> Result<Option<Bytes>, E>,
) -> Result<Result<Bytes, Fault>, E> {
    let mut sealed = BytesMut::new();
    for number in 0..pieces.count() {
        match piece(&key::piece(key, number))? {
            Some(bytes) => sealed.put_slice(&bytes),
            None => return Ok(Err(Fault::Pieces)),
        }
    }
    if sealed.len() as u64 != pieces.length {
        return Ok(Err(Fault::Pieces));
    }
    Ok(match open(key, &sealed.freeze()) {
        Ok(Opened::Whole(payload)) => Ok(payload),
        Ok(Opened::InPieces(_)) => Err(Fault::Pieces),
        Err(fault) => Err(fault),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn flipped(bytes: &Bytes, bit: usize) -> Bytes {
        let mut out = bytes.to_vec();
        out[bit / 8] ^= 1 << (bit % 8);
        out.into()
    }

    /// What a reader would make of `head` and `pieces`.
    fn read(key: &[u8], head: &Bytes, pieces: &[Bytes]) -> Result<Bytes, Fault> {
        let stored: HashMap<Bytes, Bytes> = (0..).map(|n| key::piece(key, n)).zip(pieces.iter().cloned()).collect();
        match open(key, head)? {
            Opened::Whole(payload) => Ok(payload),
            Opened::InPieces(how) => {
                let Ok(joined) = join(key, how, |key| Ok::<_, Infallible>(stored.get(key).cloned()));
                joined
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened(key: Vec<u8>, payload: Vec<u8>) {
            let sealed = seal(&key, &payload);
            prop_assert_eq!(read(&key, &sealed, &[]), Ok(payload.into()));
        }

        #[test]
        fn what_is_cut_is_joined(payload in proptest::collection::vec(any::<u8>(), 0..4000), most in 0..2000_usize) {
            let sealed = seal(b"key", &payload);
            let (head, pieces) = cut(b"key", &sealed, most).unwrap_or((sealed, Vec::new()));
            prop_assert!(pieces.iter().chain([&head]).all(|bytes| bytes.len() <= most.max(CUT_MIN)));
            prop_assert_eq!(read(b"key", &head, &pieces), Ok(payload.into()));
        }

        #[test]
        fn any_bytes_can_be_opened(key: Vec<u8>, raw: Vec<u8>) {
            let _ = open(&key, &raw.into());
        }
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        let sealed = seal(b"key", b"payload");
        for bit in 0..sealed.len() * 8 {
            assert!(open(b"key", &flipped(&sealed, bit)).is_err(), "bit {bit}");
        }
        assert_eq!(open(b"kez", &sealed), Err(Fault::Checksum), "another key's value");
    }

    #[test]
    fn every_flipped_bit_of_a_cut_value_is_seen() {
        let payload: Vec<u8> = (0..1300_u16).map(|n| n.to_be_bytes()[1]).collect();
        let (head, pieces) = cut(b"key", &seal(b"key", &payload), 0).expect("too long");
        for bit in 0..head.len() * 8 {
            assert!(read(b"key", &flipped(&head, bit), &pieces).is_err(), "bit {bit} of the head");
        }
        for number in 0..pieces.len() {
            for bit in 0..pieces[number].len() * 8 {
                let mut damaged = pieces.clone();
                damaged[number] = flipped(&pieces[number], bit);
                assert!(read(b"key", &head, &damaged).is_err(), "bit {bit} of piece {number}");
            }
            let mut missing = pieces.clone();
            missing.truncate(number);
            assert_eq!(read(b"key", &head, &missing), Err(Fault::Pieces));
        }
    }

    #[test]
    fn every_shortened_value_is_seen() {
        let sealed = seal(b"key", b"payload");
        for length in 0..sealed.len() {
            assert!(open(b"key", &sealed.slice(..length)).is_err(), "{length} bytes");
        }
    }
}
