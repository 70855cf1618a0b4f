//! What people of the demonstration write besides: notes of staff, and reviews of customers.

use crate::model::Stars;

/// What staff note, by occasion. Each fits any ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    Alarm,
    Asked,
    Vendor,
    Problem,
    Duplicate,
    HandedOver,
    FollowUp,
}

impl Remark {
    pub(super) const fn wordings(self) -> &'static [&'static str; 3] {
        match self {
            Self::Alarm => &[
                "Seen on the wall display before the first call came in.",
                "Acknowledged in monitoring. Nobody has called about it so far.",
                "Third time this quarter: worth a look at the cause.",
            ],
            Self::Asked => &[
                "Asked for the exact wording of the message, and when it was seen first.",
                "Left a message on the mobile phone; will try again tomorrow morning.",
                "Asked for a picture of the screen.",
            ],
            Self::Vendor => &[
                "The supplier has a case of its own for this, and promises an answer by the end of the week.",
                "A spare part is ordered. Delivery takes three working days.",
                "The supplier can repeat the fault and is looking into it.",
            ],
            Self::Problem => &[
                "Same cause as several calls of today. Work goes on in the problem record; callers are told by mail.",
                "A restart helps for an hour. The cause is looked for elsewhere; nothing to do here until then.",
                "Known fault of the last update. Waits for the correction.",
            ],
            Self::Duplicate => &[
                "Reported twice: the other ticket has the details.",
                "Same caller, same fault, ten minutes earlier. Kept the first.",
                "Solved by itself before anybody looked; the caller agrees to cancel.",
            ],
            Self::HandedOver => &[
                "First aid did not help. Everything that was tried is in the description.",
                "Needs rights that the service desk does not have.",
                "The caller can be reached until four.",
            ],
            Self::FollowUp => &[
                "Back after two weeks of rest. The first ticket has the steps that helped for a while.",
                "Same fault as before, so the earlier cure was none.",
                "The caller wrote down when it happens: always after lunch.",
            ],
        }
    }
}

/// What customers write when they give this many stars.
pub(super) const fn reviews(stars: Stars) -> &'static [&'static str; 4] {
    match stars {
        Stars::Five => &[
            "Quicker than promised, and it worked at once.",
            "Friendly, clear, done. Thank you!",
            "Arrived a day early, set up and labelled.",
            "I was told what happens next at every step.",
        ],
        Stars::Four => &[
            "Good. One more call than should have been needed.",
            "All fine; the instructions could be shorter.",
            "Works well. I would have liked to choose the time of day.",
            "Well done, though I had to ask where it stood.",
        ],
        Stars::Three => &[
            "It works now, but it came back once and I had to ask again.",
            "The result is fine, the waiting was not.",
            "Half of it worked on the first day, the rest a week later.",
            "Helpful people, long silence in between.",
        ],
        Stars::Two | Stars::One => &[
            "Took far too long.",
            "Not what I had asked for.",
            "I had to explain it three times.",
            "In the end I helped myself.",
        ],
    }
}

/// The stars of the six ratings, before chance puts them in order: 26 in all, 4.33 on average.
pub(super) const STARS: [Stars; 6] = [Stars::Five, Stars::Five, Stars::Five, Stars::Four, Stars::Four, Stars::Three];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stars_have_the_mean_that_the_demonstration_names() {
        let sum: u32 = STARS.iter().map(|stars| u32::from(stars.code())).sum();
        assert_eq!((sum, STARS.len()), (26, 6));
        for stars in STARS {
            let of_these = STARS.iter().filter(|other| **other == stars).count();
            assert!(of_these <= reviews(stars).len(), "no review is written twice");
        }
    }
}
