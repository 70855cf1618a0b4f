//! The words of the log in the words of the desk. [`log`](crate::log) calls it for each field; pure functions.
//!
//! `None` stands for a word that is not known, which is an error of the log. That a field is empty (`?`) is decided by
//! the caller, save where the desk has a word for "not known".

use bsm::model::{Channel, HoldReason, Impact, Priority, TicketStatus, Timestamp, Urgency};

/// How the log writes what is not known.
pub(crate) const NOT_KNOWN: &str = "?";

pub(crate) const STATES: &str =
    "one of New, Active, Awaiting User Info, Awaiting Problem, Awaiting Vendor, Awaiting Evidence, Resolved, Closed";
pub(crate) const LEVELS: &str = "one of 1 - High, 2 - Medium, 3 - Low";
pub(crate) const PRIORITIES: &str = "one of 1 - Critical, 2 - High, 3 - Moderate, 4 - Low";
pub(crate) const CHANNELS: &str =
    "one of Phone, Email, Self service, Chat, Walk-in, IVR, Direct opening, Monitoring, ?";
pub(crate) const TIMES: &str = "a time as DD-MM-YYYY HH:MM";

pub(crate) fn status(word: &str) -> Option<TicketStatus> {
    Some(match word {
        "New" => TicketStatus::New,
        "Active" => TicketStatus::InProgress,
        "Awaiting User Info" => TicketStatus::OnHold(HoldReason::Customer),
        "Awaiting Problem" => TicketStatus::OnHold(HoldReason::Problem),
        "Awaiting Vendor" => TicketStatus::OnHold(HoldReason::Vendor),
        "Awaiting Evidence" => TicketStatus::OnHold(HoldReason::Evidence),
        "Resolved" => TicketStatus::Resolved,
        "Closed" => TicketStatus::Closed,
        _ => return None,
    })
}

pub(crate) fn impact(word: &str) -> Option<Impact> {
    Some(match word {
        "1 - High" => Impact::High,
        "2 - Medium" => Impact::Medium,
        "3 - Low" => Impact::Low,
        _ => return None,
    })
}

pub(crate) fn urgency(word: &str) -> Option<Urgency> {
    Some(match word {
        "1 - High" => Urgency::High,
        "2 - Medium" => Urgency::Medium,
        "3 - Low" => Urgency::Low,
        _ => return None,
    })
}

pub(crate) fn priority(word: &str) -> Option<Priority> {
    Some(match word {
        "1 - Critical" => Priority::Critical,
        "2 - High" => Priority::High,
        "3 - Moderate" => Priority::Moderate,
        "4 - Low" => Priority::Low,
        _ => return None,
    })
}

/// How it reached the desk. An interactive voice response is a telephone; staff who open an incident directly came by
/// no channel that the desk names.
pub(crate) fn channel(word: &str) -> Option<Channel> {
    Some(match word {
        "Phone" | "IVR" => Channel::Phone,
        "Email" => Channel::Email,
        "Self service" => Channel::Portal,
        "Chat" => Channel::Chat,
        "Walk-in" => Channel::WalkIn,
        "Monitoring" => Channel::Monitoring,
        "Direct opening" | NOT_KNOWN => Channel::Other,
        _ => return None,
    })
}

/// A time without a zone, taken as UTC.
pub(crate) fn time(word: &str) -> Option<Timestamp> {
    let (date, time) = word.split_once(' ')?;
    let mut parts = date.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // The desk's own reader knows which days and minutes there are.
    format!("{year}-{month}-{day}T{time}:00Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_taken_as_utc() {
        assert_eq!(time("29-02-2016 01:16").map(|at| at.to_string()).as_deref(), Some("2016-02-29T01:16:00.000000Z"));
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_one() {
        for bad in ["", "?", "29-02-2015 01:16", "29-02-2016", "2016-02-29 01:16", "29-02-2016 01:16:30", "1-1-1-1 1:1"]
        {
            assert_eq!(time(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_no_state() {
        assert_eq!(status("Awaiting Evidence"), Some(TicketStatus::OnHold(HoldReason::Evidence)));
        for bad in ["-100", "closed", "", NOT_KNOWN] {
            assert_eq!(status(bad), None, "{bad}");
        }
    }
}
