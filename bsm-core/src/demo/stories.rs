//! What tickets of the demonstration are about. Which happens to whom, and how it ends, is another room's.

use crate::model::{Impact, Urgency};

/// What a ticket is about.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) category: &'static str,
    pub(super) subcategory: &'static str,
    pub(super) group: &'static str,
    pub(super) impact: Impact,
    pub(super) urgency: Urgency,
}

const SERVICE_DESK: &str = "Service desk";
const NETWORK: &str = "Network";
const WORKPLACE: &str = "Workplace";
const APPLICATIONS: &str = "Applications";

const fn story(
    title: &'static str,
    description: &'static str,
    (category, subcategory): (&'static str, &'static str),
    group: &'static str,
    impact: Impact,
    urgency: Urgency,
) -> Story {
    Story { title, description, category, subcategory, group, impact, urgency }
}

/// Trouble of every day.
pub(super) const EVERYDAY: [Story; 24] = [
    story(
        "Screen stays black after the coffee break",
        "The laptop is on, the fan turns, but the screen at the dock stays black. Without the dock it works.",
        ("hardware", "display"),
        WORKPLACE,
        Impact::Low,
        Urgency::Medium,
    ),
    story(
        "Printer on the second floor prints half pages",
        "Every page ends in the middle. It began this morning; the paper was changed yesterday.",
        ("printing", "output"),
        WORKPLACE,
        Impact::Medium,
        Urgency::Low,
    ),
    story(
        "Locked out after my holiday",
        "The password ran out while I was away, and now the account is locked.",
        ("access", "password"),
        SERVICE_DESK,
        Impact::Low,
        Urgency::High,
    ),
    story(
        "Calendar shows meetings an hour late",
        "Since the weekend all meetings of the branch office stand an hour late in my calendar.",
        ("email", "calendar"),
        APPLICATIONS,
        Impact::Medium,
        Urgency::Medium,
    ),
    story(
        "Remote access drops every ten minutes",
        "From home the connection drops and comes back by itself. At a friend's it does the same.",
        ("network", "remote access"),
        NETWORK,
        Impact::Low,
        Urgency::High,
    ),
    story(
        "Spreadsheet opens read-only",
        "The budget sheet says that I have it open already. I don't.",
        ("software", "office"),
        APPLICATIONS,
        Impact::Low,
        Urgency::Medium,
    ),
    story(
        "No sound in video calls",
        "The others hear me, I don't hear them. Music plays fine on the same headset.",
        ("software", "conferencing"),
        SERVICE_DESK,
        Impact::Low,
        Urgency::Medium,
    ),
    story(
        "Wi-Fi is gone in meeting room 1.07",
        "It is full strength in the corridor and gone at the table. We have guests on Thursday.",
        ("network", "wireless"),
        NETWORK,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Invoice programme stops at the second page",
        "It closes without a word when I go to the second page of any invoice.",
        ("software", "finance"),
        APPLICATIONS,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Keyboard types twice",
        "The letter e comes twice, the other letters once. I have tried another socket.",
        ("hardware", "input"),
        WORKPLACE,
        Impact::Low,
        Urgency::Low,
    ),
    story(
        "Cannot open the tender archive",
        "It asks for a password that nobody here knows. Until last month it opened by itself.",
        ("access", "folder"),
        SERVICE_DESK,
        Impact::Medium,
        Urgency::Medium,
    ),
    story(
        "Scanner sends to a colleague who left",
        "What we scan goes to the mailbox of somebody who left in autumn.",
        ("printing", "scanning"),
        WORKPLACE,
        Impact::Medium,
        Urgency::Medium,
    ),
    story(
        "Laptop is hot and loud",
        "Even with nothing open. It lies flat on the desk.",
        ("hardware", "laptop"),
        WORKPLACE,
        Impact::Low,
        Urgency::Low,
    ),
    story(
        "Mail to one supplier comes back",
        "Every message returns after an hour with a long technical text. Other suppliers get theirs.",
        ("email", "delivery"),
        APPLICATIONS,
        Impact::Low,
        Urgency::High,
    ),
    story(
        "Telephone rings at two desks",
        "Since the move my number rings at my old desk as well.",
        ("telephony", "routing"),
        NETWORK,
        Impact::Low,
        Urgency::Low,
    ),
    story(
        "Second factor on the new phone",
        "I have a new phone, and the old one is wiped. How do I get the codes back?",
        ("access", "second factor"),
        SERVICE_DESK,
        Impact::Low,
        Urgency::High,
    ),
    story(
        "Label printer in the warehouse is offline",
        "It prints its own test page and nothing else. Lorries are waiting.",
        ("printing", "labels"),
        WORKPLACE,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Search finds nothing in the project folder",
        "I see the files, and search says there are none.",
        ("software", "search"),
        APPLICATIONS,
        Impact::Low,
        Urgency::Low,
    ),
    story(
        "Time sheet rejects the last of the month",
        "It says that the day does not exist. Everybody on our team sees it.",
        ("software", "personnel"),
        APPLICATIONS,
        Impact::Medium,
        Urgency::Medium,
    ),
    story(
        "Badge does not open the side entrance",
        "The main entrance works. The side entrance blinks red twice.",
        ("access", "building"),
        SERVICE_DESK,
        Impact::Low,
        Urgency::Medium,
    ),
    story(
        "Docking station charges and does nothing else",
        "No screen, no keyboard, no network. The one beside it works with my laptop.",
        ("hardware", "dock"),
        WORKPLACE,
        Impact::Low,
        Urgency::Medium,
    ),
    story(
        "Suspicious message about a parcel",
        "I opened the link before I thought about it, and then typed nothing in. Is that enough to worry?",
        ("security", "phishing"),
        SERVICE_DESK,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Drawing programme is slow over the network",
        "A plan takes four minutes to open. From the local disk it takes ten seconds.",
        ("network", "performance"),
        NETWORK,
        Impact::Medium,
        Urgency::Low,
    ),
    story(
        "Presentation loses its fonts on the big screen",
        "On the laptop all is well. In the meeting room every heading wraps.",
        ("software", "office"),
        SERVICE_DESK,
        Impact::Low,
        Urgency::Low,
    ),
];

/// Trouble that many have at once.
pub(super) const OUTAGES: [Story; 4] = [
    story(
        "Mail is down on the whole second floor",
        "Nobody on the floor can send. Webmail works.",
        ("email", "delivery"),
        APPLICATIONS,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "No telephone in the branch office",
        "All desks are silent, in and out. Mobile phones work.",
        ("telephony", "outage"),
        NETWORK,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Warehouse system freezes at every pick",
        "Every scanner waits for a minute after each pick. The shift began an hour ago.",
        ("software", "warehouse"),
        APPLICATIONS,
        Impact::Medium,
        Urgency::High,
    ),
    story(
        "Shared drives are missing after sign-in",
        "All of accounts sign in and find no drives. Signing in again helps one in five.",
        ("access", "folder"),
        NETWORK,
        Impact::Medium,
        Urgency::High,
    ),
];

/// Trouble that a machine reports before a person does.
pub(super) const ALARMS: [Story; 4] = [
    story(
        "Disk of the file server is 95 % full",
        "Raised by monitoring: 95 % of volume 2, growing by 1 % an hour.",
        ("hardware", "storage"),
        NETWORK,
        Impact::High,
        Urgency::Medium,
    ),
    story(
        "Certificate of the portal runs out in three days",
        "Raised by monitoring: the certificate of the customer portal is valid for another 72 hours.",
        ("security", "certificate"),
        APPLICATIONS,
        Impact::High,
        Urgency::Medium,
    ),
    story(
        "Power supply 2 of the core switch has failed",
        "Raised by monitoring: power supply 2 reports no output. Supply 1 carries the load.",
        ("network", "switch"),
        NETWORK,
        Impact::High,
        Urgency::Medium,
    ),
    story(
        "Nightly backup ended with errors",
        "Raised by monitoring: 3 of 41 machines were not saved in the night.",
        ("hardware", "backup"),
        NETWORK,
        Impact::High,
        Urgency::Medium,
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_story_is_told_once() {
        let titles = EVERYDAY.iter().chain(&OUTAGES).chain(&ALARMS).map(|story| story.title);
        assert_eq!(titles.collect::<BTreeSet<_>>().len(), EVERYDAY.len() + OUTAGES.len() + ALARMS.len());
    }
}
