//! Priority from impact and urgency.

use crate::model::{Impact, Priority, Urgency};

/// The priority that follows from impact and urgency: the matrix of ITIL, as most desks ship it. The one pair that the
/// incident log of the University of California's repository (doi 10.24432/C57S4H) lacks, high impact with low urgency,
/// is moderate there too.
///
/// ```
/// use bsm_core::model::{Impact, Priority, Urgency};
/// use bsm_core::rules::priority::priority_of;
///
/// assert_eq!(priority_of(Impact::High, Urgency::High), Priority::Critical);
/// assert_eq!(priority_of(Impact::Low, Urgency::High), Priority::Moderate);
/// ```
pub const fn priority_of(impact: Impact, urgency: Urgency) -> Priority {
    match (impact, urgency) {
        (Impact::High, Urgency::High) => Priority::Critical,
        (Impact::High, Urgency::Medium) | (Impact::Medium, Urgency::High) => Priority::High,
        (Impact::High, Urgency::Low) | (Impact::Medium, Urgency::Medium) | (Impact::Low, Urgency::High) => {
            Priority::Moderate
        }
        (Impact::Medium, Urgency::Low) | (Impact::Low, Urgency::Medium | Urgency::Low) => Priority::Low,
    }
}
