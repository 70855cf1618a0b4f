//! Everything that is said to tracing in this process, at whatever level: to look through for what must not be there.

use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

static HEARD: Mutex<String> = Mutex::new(String::new());
static LISTENING: Once = Once::new();

struct Listener;

struct Fields<'t>(&'t mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

fn hear(metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields<'_>)) {
    let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = write!(heard, "\n{} {}", metadata.level(), metadata.target());
    record(&mut Fields(&mut heard));
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        hear(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut HEARD.lock().unwrap_or_else(PoisonError::into_inner)));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        hear(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Listens from now on.
pub(crate) fn listen() {
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(Listener).expect("nobody else listens");
        tracing::trace!("somebody listens");
    });
}

/// Asserts that a secret was not said, and that something was.
pub(crate) fn assert_never(secret: &str) {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!heard.is_empty(), "nobody listens");
    let line = heard.lines().find(|line| line.contains(secret));
    assert_eq!(line, None, "a secret was said");
}
