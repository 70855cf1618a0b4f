//! The limits, by name: what is longer, larger or more than these is refused with an error that says so.
//!
//! Lengths are in characters (Unicode scalar values), not bytes.

/// A title, a service's name.
pub const TITLE_CHARS: usize = 200;
/// A person's name.
pub const FULL_NAME_CHARS: usize = 120;
/// An email address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS: usize = 254;
/// A category, subcategory or group.
pub const CATEGORY_CHARS: usize = 64;
/// An id of another system.
pub const EXTERNAL_REF_CHARS: usize = 128;
/// A description, a request's details, a note.
pub const DESCRIPTION_CHARS: usize = 20_000;
/// An article's text.
pub const BODY_CHARS: usize = 100_000;
/// A review.
pub const REVIEW_CHARS: usize = 4_000;
/// An idempotency key.
pub const IDEMPOTENCY_KEY_CHARS: usize = 128;
/// The greatest price, in the currency's unit. Sums of ten thousand million of them are still exact.
pub const MAX_AMOUNT: i64 = 1_000_000_000;

/// The most rows that a page may hold.
pub const PAGE_SIZE_MAX: usize = 500;
/// The rows on a page if nobody says.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// The most rows that one call looks at while it searches for those that a filter lets through. A call that reaches it
/// returns what it found, with a cursor to go on.
pub const EXAMINE_BUDGET: usize = 2_000;
/// The most services that one call tells the usage of.
pub const USAGE_BATCH_MAX: usize = 200;

/// How often a command is decided anew after another got in between, before the caller sees the conflict.
pub const COMMAND_ATTEMPTS: usize = 16;
/// The most users and services that a desk keeps for its commands, so that they need not be read for each. (A service
/// takes up to 80 KB, with the longest description; a person about 300 bytes.)
pub const CACHED_ROWS: usize = 4_096;
/// The most tickets whose assignee may be emptied by deleting a user: it happens in one commit.
pub const SET_NULL_MAX: usize = 1_000;
/// How long a command's idempotency key is kept, in microseconds: 7 days.
pub const IDEMPOTENCY_KEPT_MICROS: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// How far a time that a caller names may lie ahead of the desk's clock, in microseconds: 5 minutes, for clocks that differ.
pub const CLOCK_SKEW_MICROS: i64 = 5 * 60 * 1_000_000;
/// How many tickets [`close_resolved`](crate::Desk::close_resolved) reads at a time.
pub const CLOSE_BATCH: usize = 200;
/// How many events a [`Watch`](crate::feed::Watch) reads, and keeps, at a time.
pub const WATCH_PAGE: usize = 64;
/// How many rows or entries of history an [`Export`](crate::transfer::Export) reads at a time.
pub const EXPORT_PAGE: usize = 200;
/// How often in a row an export may only follow what happens meanwhile, before it reads all of that at once.
pub const EXPORT_CATCH_UPS: usize = 32;
/// How many events an export that does not catch up reads at once at most.
pub const EXPORT_LEAP: u64 = 20_000;
/// The longest line of an export, in bytes: an article's text takes less, every character of it escaped.
pub const IMPORT_LINE_BYTES: usize = 2 << 20;
/// How many lines of an export are taken in by one commit.
pub const IMPORT_BATCH_LINES: usize = 1_000;
/// After how many bytes of lines an import commits, however few lines they are.
pub const IMPORT_BATCH_BYTES: usize = 1 << 20;
/// How many events of the feed are forgotten in one commit.
pub const TRIM_BATCH: usize = 500;
