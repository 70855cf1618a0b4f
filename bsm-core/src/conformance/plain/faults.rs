//! Everything that is wrong with a call. Which of several faults a desk names is said nowhere, so any of them will do.

use crate::model::{Entity, Key, Timestamp};
use crate::schema::Field;
use crate::{Error, Reason};

/// The faults that were found, each as its error is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<String>);

/// An error as it is compared: all its fields, except a time of the desk's clock.
pub(crate) fn told(error: &Error) -> String {
    match error {
        Error::Invalid { entity, field, reason: Reason::InTheFuture { .. } } => {
            let reason = Reason::InTheFuture { now: Timestamp::MIN };
            format!("{:?}", Error::Invalid { entity: *entity, field, reason })
        }
        error => format!("{error:?}"),
    }
}

impl Faults {
    /// A call with one fault.
    pub(crate) fn one(error: &Error) -> Self {
        Self(vec![told(error)])
    }

    pub(crate) fn add(&mut self, error: &Error) {
        self.0.push(told(error));
    }

    pub(crate) fn invalid(&mut self, entity: Entity, field: &'static str, reason: Reason) {
        self.add(&Error::invalid_of(entity, field, reason));
    }

    pub(crate) fn not_found(&mut self, key: impl Into<Key>) {
        self.add(&Error::NotFound { key: key.into() });
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the refusal names one of the faults.
    pub(crate) fn hold(&self, refusal: &str) -> bool {
        self.0.iter().any(|fault| fault == refusal)
    }

    fn text(&mut self, entity: Entity, field: Field, text: &str, most: usize, many_lines: bool) -> String {
        let text = text.trim();
        if text.chars().count() > most {
            self.invalid(entity, field.as_str(), Reason::TooLong { most });
        }
        if text.chars().any(|one| one.is_control() && !(many_lines && (one == '\n' || one == '\t'))) {
            self.invalid(entity, field.as_str(), Reason::ControlCharacter);
        }
        text.to_owned()
    }

    /// A line that must not be empty.
    pub(crate) fn line(&mut self, entity: Entity, field: Field, line: &str, most: usize) -> String {
        let line = self.text(entity, field, line, most, false);
        if line.is_empty() {
            self.invalid(entity, field.as_str(), Reason::Empty);
        }
        line
    }

    /// A line, if there is one.
    pub(crate) fn maybe(&mut self, entity: Entity, field: Field, line: Option<&String>, most: usize) -> Option<String> {
        line.map(|line| self.line(entity, field, line, most))
    }

    /// Several lines, or none.
    pub(crate) fn lines(&mut self, entity: Entity, field: Field, lines: &str, most: usize) -> String {
        self.text(entity, field, &lines.replace("\r\n", "\n"), most, true)
    }

    /// Several lines, and at least one.
    pub(crate) fn some_lines(&mut self, entity: Entity, field: Field, lines: &str, most: usize) -> String {
        let lines = self.lines(entity, field, lines, most);
        if lines.is_empty() {
            self.invalid(entity, field.as_str(), Reason::Empty);
        }
        lines
    }
}
