//! The catalogue of the demonstration: 16 services, of which one is retired.

use rust_decimal::Decimal;

use crate::model::{Money, ServiceId};
use crate::{Admin, NewService, Result, ServiceChange};

use super::calendar::{Calendar, on};
use super::chance::Chance;

/// How many services there are.
pub(super) const SERVICES: usize = 16;

/// A service as the demonstration may offer it.
pub(super) struct Offer {
    names: [&'static str; 2],
    description: &'static str,
    category: &'static str,
    prices: [&'static str; 2],
    approval: bool,
    /// What customers write when they ask for it.
    pub(super) details: [&'static str; 2],
}

/// What the walk-through asks for. Nobody has asked for it before.
const ORDERABLE: usize = 0;
/// What is no longer offered.
const RETIRED: usize = 15;

const OFFERS: [Offer; SERVICES] = [
    Offer {
        names: ["Headset", "Headset with noise cancelling"],
        description: "A wired headset for calls, with a spare set of cushions.",
        category: "Hardware",
        prices: ["65.00 EUR", "79.00 EUR"],
        approval: false,
        details: ["I take calls for most of the day.", "Mine crackles whenever I move my head."],
    },
    Offer {
        names: ["Standard laptop", "Laptop for office work"],
        description: "14-inch laptop with dock and bag, set up with your account.\nReady within five working days.",
        category: "Hardware",
        prices: ["1180.00 EUR", "1240.00 EUR"],
        approval: true,
        details: [
            "Mine is five years old, and the battery lasts half an hour.",
            "For our new colleague in accounts, who starts on the first.",
        ],
    },
    Offer {
        names: ["Second screen", "27-inch screen"],
        description: "A 27-inch screen with its cables, put up at your desk.",
        category: "Hardware",
        prices: ["210.00 EUR", "235.00 EUR"],
        approval: false,
        details: ["I compare plans side by side.", "The old one has a green line across it."],
    },
    Offer {
        names: ["Mobile phone", "Mobile phone with contract"],
        description: "A phone with a business number, managed by us.",
        category: "Hardware",
        prices: ["540.00 EUR", "590.00 EUR"],
        approval: true,
        details: ["I am on site three days a week.", "I am taking over the on-call rota in spring."],
    },
    Offer {
        names: ["Loan laptop", "Loan laptop for a trip"],
        description: "A laptop for up to two weeks, with nothing of value on it. Price per loan.",
        category: "Hardware",
        prices: ["25.00 EUR", "30.00 EUR"],
        approval: false,
        details: ["For the trade fair, four days.", "My own is in repair until next week."],
    },
    Offer {
        names: ["Design suite licence", "Licence for the design suite"],
        description: "One named user, billed by the month. Training is offered twice a year.",
        category: "Software",
        prices: ["58.00 USD", "62.00 USD"],
        approval: true,
        details: ["For the annual report.", "I am standing in for a colleague on leave."],
    },
    Offer {
        names: ["Diagram tool licence", "Licence for the diagram tool"],
        description: "One named user for a year.",
        category: "Software",
        prices: ["95.00 USD", "104.00 USD"],
        approval: false,
        details: ["For drawing process maps.", "I review the network plans now and can't open them."],
    },
    Offer {
        names: ["Statistics package", "Statistics package, one seat"],
        description: "One seat for a year, installed on your laptop.",
        category: "Software",
        prices: ["460.00 EUR", "480.00 EUR"],
        approval: true,
        details: ["For the customer survey.", "The trial ran out yesterday and I am half-way through."],
    },
    Offer {
        names: ["PDF editor", "Editor for PDF files"],
        description: "For those who fill in, sign and merge PDF files. Reading them needs no licence.",
        category: "Software",
        prices: ["39.00 EUR", "45.00 EUR"],
        approval: false,
        details: ["I merge contracts every week.", "I have to redact names before we publish."],
    },
    Offer {
        names: ["Access to a shared folder", "Shared folder access"],
        description: "Say which folder, and whether you read or write. Its owner is asked.",
        category: "Access",
        prices: ["0.00 EUR", "0.00 EUR"],
        approval: false,
        details: ["Projects/Harbour, to write.", "Finance/Month end, to read."],
    },
    Offer {
        names: ["Remote access", "Remote access (VPN)"],
        description: "Work from home or on the road. Needs a managed laptop and a second factor.",
        category: "Access",
        prices: ["0.00 EUR", "0.00 EUR"],
        approval: true,
        details: ["Two days a week from home, from next month.", "I travel to the branch offices."],
    },
    Offer {
        names: ["Guest Wi-Fi", "Wi-Fi for visitors"],
        description: "Codes for up to twenty visitors, valid for a day.",
        category: "Access",
        prices: ["0.00 EUR", "0.00 EUR"],
        approval: false,
        details: ["Twelve visitors on the day of the audit.", "A workshop in the big meeting room."],
    },
    Offer {
        names: ["Team mailbox", "Mailbox for a team"],
        description: "An address that a team reads together. Name its owner and its members.",
        category: "Access",
        prices: ["15.00 EUR", "18.00 EUR"],
        approval: false,
        details: ["tenders@, owned by me, four members.", "An address for the summer school."],
    },
    Offer {
        names: ["Desk move", "Move to another desk"],
        description: "We move your equipment and test it. Tell us from where and to where.",
        category: "Workplace",
        prices: ["45.00 EUR", "50.00 EUR"],
        approval: false,
        details: ["From 2.14 to 3.02, after hours if possible.", "Four desks, from the annexe to the second floor."],
    },
    Offer {
        names: ["Height-adjustable desk", "Standing desk"],
        description: "An electric desk, put up in place of the old one.",
        category: "Workplace",
        prices: ["390.00 EUR", "420.00 EUR"],
        approval: true,
        details: ["My doctor's note is with personnel.", "My desk wobbles and can't be repaired."],
    },
    Offer {
        names: ["Fax number", "Fax by email"],
        description: "A fax number whose faxes arrive as email. No longer offered.",
        category: "Workplace",
        prices: ["12.00 EUR", "14.00 EUR"],
        approval: false,
        details: ["For the customs office.", "One supplier insists on it."],
    },
];

/// A service that was entered.
pub(super) struct Offered {
    pub(super) id: ServiceId,
    pub(super) offer: &'static Offer,
}

/// The catalogue as it was entered, in the order of entry.
pub(super) struct Catalogue {
    pub(super) offered: Vec<Offered>,
}

impl Catalogue {
    /// Enters all services, by the admin.
    pub(super) async fn enter(admin: &Admin, seed: u64, calendar: Calendar) -> Result<Self> {
        let mut chance = Chance::about("catalogue", seed);
        let founding = on(43, 9, 0);
        let mut offered = Vec::with_capacity(SERVICES);
        for (minutes, offer) in (0..).step_by(7).zip(&OFFERS) {
            let price: Money = chance.pick(&offer.prices).parse()?;
            let new = NewService {
                description: offer.description.to_owned(),
                needs_approval: offer.approval,
                ..NewService::new(*chance.pick(&offer.names), offer.category, price)
            };
            let service = admin.at(calendar.at(founding.later(minutes))).create_service(new).await?;
            offered.push(Offered { id: service.id, offer });
        }
        Ok(Self { offered })
    }

    /// What changed in the catalogue lately: one service was retired, and one costs more than it did when it was asked for.
    pub(super) async fn change(&self, admin: &Admin, asked: &[ServiceId], calendar: Calendar) -> Result<()> {
        admin.at(calendar.at(on(4, 16, 30))).retire_service(self.retired()).await?;
        for id in asked {
            let price = admin.service(*id).await?.price;
            if !price.amount().is_zero() {
                let dearer = Money::new(price.amount() + Decimal::TEN, price.currency())?;
                let change = ServiceChange { price: Some(dearer), ..ServiceChange::default() };
                admin.at(calendar.at(on(1, 17, 10))).change_service(*id, change).await?;
                break;
            }
        }
        Ok(())
    }

    pub(super) fn orderable(&self) -> ServiceId {
        self.offered[ORDERABLE].id
    }

    pub(super) fn retired(&self) -> ServiceId {
        self.offered[RETIRED].id
    }

    /// What past requests may have asked for, of those that need approval or of those that don't.
    pub(super) fn requestable(&self, approval: bool) -> impl Iterator<Item = &Offered> {
        let kept = self.offered.iter().enumerate().filter(|(at, _)| is_requestable(*at));
        kept.map(|(_, offered)| offered).filter(move |offered| offered.offer.approval == approval)
    }
}

const fn is_requestable(at: usize) -> bool {
    at != ORDERABLE && at != RETIRED
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::plots::{Begin, PLOTS};

    #[test]
    fn every_price_is_one_and_every_name_is_used_once() {
        let mut names = BTreeSet::new();
        for offer in &OFFERS {
            assert!(offer.prices.iter().all(|price| price.parse::<Money>().is_ok()), "{}", offer.names[0]);
            assert!(offer.names.iter().all(|name| names.insert(*name)), "{}", offer.names[0]);
        }
    }

    #[test]
    fn there_is_a_service_for_every_plot_that_asks_for_one() {
        let offered = |approval: bool| {
            let kept = OFFERS.iter().enumerate().filter(|(at, _)| is_requestable(*at));
            kept.filter(|(_, offer)| offer.approval == approval).count()
        };
        let asked = |approval: bool| {
            let asks = |begin| match begin {
                Begin::Request { approval: needed } => needed == approval,
                Begin::RequestFor(_) => !approval,
                _ => false,
            };
            PLOTS.iter().filter(|plot| asks(plot.begin.1)).count()
        };
        assert!(asked(true) <= offered(true) && asked(false) <= offered(false));
    }

    #[test]
    fn there_is_something_to_order_and_something_retired() {
        assert!(!OFFERS[ORDERABLE].approval);
        assert_ne!(ORDERABLE, RETIRED);
    }
}
