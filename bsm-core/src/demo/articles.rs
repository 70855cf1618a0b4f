//! The knowledge base of the demonstration: nine articles, drawn from a pool of twelve.

use crate::model::ArticleId;
use crate::{Admin, Agent, ArticleChange, NewArticle, Result};

use super::calendar::{Calendar, on};
use super::chance::Chance;

/// How many articles there are: the first are published, then one is archived, and the last are drafts.
pub(super) const ARTICLES: usize = 9;
const ARCHIVED: usize = 6;
const FIRST_DRAFT: usize = 7;

struct Text {
    title: &'static str,
    category: &'static str,
    body: &'static str,
}

const TEXTS: [Text; 12] = [
    Text {
        title: "Setting a new password",
        category: "Access",
        body: "Press Ctrl+Alt+Del and choose \"Change a password\".\n\nA password has at least twelve characters; three \
               unrelated words are a good start. The last ten can't be used again.\n\nIf you are locked out, call the \
               service desk from a number that is in the directory.",
    },
    Text {
        title: "Working from home: the first day",
        category: "Access",
        body: "1. Start the laptop in the office once, so that it knows you.\n2. At home, join your own network.\n3. Open \
               remote access and sign in; the second factor asks on your phone.\n\nShared drives appear a minute later.",
    },
    Text {
        title: "What to do about a suspicious message",
        category: "Security",
        body: "Don't answer, don't open what is attached, and don't forward it to colleagues.\n\nUse \"Report message\" \
               in the mail program. If you have opened a link already, unplug the network and call us: nobody is blamed \
               for calling early.",
    },
    Text {
        title: "Printing on any printer with your badge",
        category: "Printing",
        body: "Print to \"Follow me\". Go to any printer, hold your badge to the reader and choose what to print.\n\nWhat \
               is not fetched within a day is deleted.",
    },
    Text {
        title: "Inviting guests to the Wi-Fi",
        category: "Network",
        body: "Ask for the service \"Guest Wi-Fi\" with the number of guests and the day. The codes come by mail the \
               evening before. One code serves two devices.",
    },
    Text {
        title: "When the docking station does nothing",
        category: "Hardware",
        body: "Take the laptop off, unplug the dock's power for ten seconds, plug it in again, wait for its light, and \
               put the laptop back.\n\nIf only the screen stays black, check that its own input is not set to HDMI 2.",
    },
    Text {
        title: "Moving the second factor to a new phone",
        category: "Access",
        body: "While you still have the old phone: open the authenticator there, choose \"Transfer\", and scan the \
               picture with the new one.\n\nIf the old phone is gone, come to the service desk with your badge.",
    },
    Text {
        title: "How we sort tickets",
        category: "Service desk",
        body: "Impact says how many are hit; urgency says how long it can wait. From the two follows the priority, from \
               critical to low.\n\nAn agent may set another one by hand, and the ticket then says so.",
    },
    Text {
        title: "Sharing a calendar with your team",
        category: "Email",
        body: "Right-click the calendar, choose \"Sharing\", add the team's group, and give it \"Can view titles\".\n\n\
               Private appointments stay private.",
    },
    Text {
        title: "Ordering hardware: who pays, who agrees",
        category: "Service desk",
        body: "Prices in the catalogue are charged to your cost centre. What is marked as needing approval goes to the \
               head of the service desk first.\n\nThe price is the one of the day on which you asked.",
    },
    Text {
        title: "Fetching back a deleted file",
        category: "Software",
        body: "Right-click the folder where it was and choose \"Previous versions\". Shared drives keep thirty days.\n\n\
               For older files, open a ticket with the path and the day.",
    },
    Text {
        title: "Video calls in the meeting rooms",
        category: "Workplace",
        body: "Invite the room as you invite a person. At the time of the meeting, press the green button on the \
               table.\n\nIf nobody can hear you, the room's microphone is muted at its base: the light is red.",
    },
];

/// Writes the articles; returns their ids in the order in which they were begun.
pub(super) async fn write(admin: &Admin, agents: &[Agent; 2], seed: u64, calendar: Calendar) -> Result<Vec<ArticleId>> {
    let mut chance = Chance::about("articles", seed);
    let texts = chance.shuffled(&TEXTS);
    let mut written = Vec::with_capacity(ARTICLES);
    for (place, text) in texts.into_iter().take(ARTICLES).enumerate() {
        let begun = on(DAYS[place], 13, 0).later(i32::try_from(chance.below(150)).unwrap_or(0));
        let new = NewArticle {
            title: text.title.to_owned(),
            body: text.body.to_owned(),
            category: Some(text.category.to_owned()),
        };
        let author = chance.pick(agents);
        let article = author.at(calendar.at(begun)).create_article(new).await?.id;
        if place < FIRST_DRAFT {
            admin.at(calendar.at(begun.later(45))).publish_article(article).await?;
        }
        if place == 0 {
            let body = format!("{}\n\nChecked, and still true.", text.body);
            let revised = ArticleChange { body: Some(body), ..ArticleChange::default() };
            author.at(calendar.at(begun.later(60))).change_article(article, revised).await?;
        }
        if place == ARCHIVED {
            admin.at(calendar.at(on(3, 11, 0))).archive_article(article).await?;
        }
        written.push(article);
    }
    Ok(written)
}

/// When each was begun, in working days before the last.
const DAYS: [i32; ARTICLES] = [40, 38, 35, 31, 26, 21, 16, 8, 1];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_texts_enough_and_days_for_each() {
        assert!(TEXTS.len() >= ARTICLES);
        const { assert!(ARCHIVED < FIRST_DRAFT && FIRST_DRAFT < ARTICLES) };
        assert!(DAYS.is_sorted_by(|earlier, later| earlier > later));
    }
}
