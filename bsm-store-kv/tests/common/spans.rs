//! A subscriber that keeps every span and event, with their fields as text.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A span, as it was told.
#[derive(Clone, Debug)]
pub struct Span {
    pub id: u64,
    pub parent: Option<u64>,
    pub target: String,
    pub name: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Span {
    /// What was told last for a field; nothing, if it was not.
    pub fn field(&self, name: &str) -> &str {
        self.fields.iter().rev().find(|(field, _)| *field == name).map_or("", |(_, value)| value)
    }
}

#[derive(Debug, Default)]
struct Kept {
    spans: Vec<Span>,
    events: String,
    inside: Vec<u64>,
}

/// The subscriber; clones keep together. For programs of one thread.
#[derive(Clone, Debug, Default)]
pub struct Spans(Arc<Mutex<Kept>>);

impl Spans {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The spans of a target, in the order in which they began.
    pub fn of(&self, target: &str) -> Vec<Span> {
        self.kept().spans.iter().filter(|span| span.target == target).cloned().collect()
    }

    /// Everything that was told, as one text.
    pub fn everything(&self) -> String {
        let kept = self.kept();
        format!("{:?} {}", kept.spans, kept.events)
    }
}

struct Fields<'a>(&'a mut Vec<(&'static str, String)>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("bsm::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut kept = self.kept();
        let id = kept.spans.len() as u64 + 1;
        let mut fields = Vec::new();
        span.record(&mut Fields(&mut fields));
        let (parent, metadata) = (kept.inside.last().copied(), span.metadata());
        let (target, name) = (metadata.target().to_owned(), metadata.name());
        kept.spans.push(Span { id, parent, target, name, fields });
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut kept = self.kept();
        if let Some(span) = kept.spans.iter_mut().find(|span| span.id == id.into_u64()) {
            values.record(&mut Fields(&mut span.fields));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Vec::new();
        event.record(&mut Fields(&mut fields));
        let _ = write!(self.kept().events, "{} {fields:?}; ", event.metadata().target());
    }

    fn enter(&self, id: &Id) {
        self.kept().inside.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let mut kept = self.kept();
        if let Some(place) = kept.inside.iter().rposition(|inside| *inside == id.into_u64()) {
            kept.inside.remove(place);
        }
    }
}
