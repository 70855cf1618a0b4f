//! Plays the plots: draws who and what each is about, and lets all of them go side by side in the order of time, so that
//! numbers rise with the days.

use std::collections::BTreeMap;

use crate::model::{RatingId, RequestId, ServiceId, Stars, TicketId, Timestamp};
use crate::{Admin, Agent, Customer, Result};

use super::calendar::{Calendar, When};
use super::catalogue::{Catalogue, Offered};
use super::chance::Chance;
use super::people::{AGENTS, CUSTOMERS};
use super::plots::{Act, Begin, PLOTS, Plot, Staff};
use super::scene::Scene;
use super::stories::{ALARMS, EVERYDAY, OUTAGES, Story};
use super::words::{STARS, reviews};

/// Nothing that belongs to one plot happens so much later than it says.
const MOST_LATE: usize = 50;

/// The portals of those who play.
pub(super) struct Cast {
    pub(super) admin: Admin,
    pub(super) agents: [Agent; AGENTS],
    pub(super) customers: [Customer; CUSTOMERS],
}

impl Cast {
    pub(super) fn agent(&self, staff: Staff) -> &Agent {
        match staff {
            Staff::First => &self.agents[0],
            Staff::Second => &self.agents[1],
        }
    }
}

/// What was made, in the order of making.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) tickets: Vec<TicketId>,
    pub(super) requests: Vec<RequestId>,
    pub(super) ratings: Vec<RatingId>,
    /// The services that were asked for, by request.
    pub(super) asked: Vec<ServiceId>,
}

/// A plot with its players, and what it has made so far.
pub(super) struct Thread<'a> {
    pub(super) plot: &'static Plot,
    pub(super) customer: &'a Customer,
    pub(super) about: About<'a>,
    /// What is added to all times of the plot, in minutes.
    late: i32,
    /// What its customer gives and writes, if the plot comes to that.
    pub(super) opinion: Option<(Stars, &'static str)>,
    /// Who works on it.
    pub(super) agent: Staff,
    pub(super) ticket: Option<TicketId>,
    pub(super) request: Option<RequestId>,
}

/// What a plot is about.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
    Story(&'static Story),
    Service(&'a Offered),
}

/// What comes next in a thread.
#[derive(Clone, Copy)]
struct Cue {
    at: Timestamp,
    thread: usize,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    Begin(Begin),
    Act(Act),
}

/// Plays everything.
pub(super) async fn play(cast: &Cast, catalogue: &Catalogue, seed: u64, calendar: Calendar) -> Result<Made> {
    let mut chance = Chance::about("work", seed);
    let mut threads = threads(cast, catalogue, &mut chance);
    let mut made = Made::default();
    for cue in cues(&threads, calendar) {
        let followed = match cue.next {
            Next::Begin(Begin::FollowUp(of)) => threads[of].ticket,
            _ => None,
        };
        let mut scene = Scene { cast, calendar, at: cue.at, chance: &mut chance, made: &mut made };
        let thread = &mut threads[cue.thread];
        match cue.next {
            Next::Begin(begin) => scene.begin(thread, begin, followed).await?,
            Next::Act(act) => scene.act(thread, act).await?,
        }
    }
    Ok(made)
}

/// The plots with everything drawn that they are about.
fn threads<'a>(cast: &'a Cast, catalogue: &'a Catalogue, chance: &mut Chance) -> Vec<Thread<'a>> {
    let customers = chance.shuffled(&cast.customers);
    let mut everyday = chance.shuffled(&EVERYDAY).into_iter();
    let mut with_approval = chance.shuffled(catalogue.requestable(true)).into_iter();
    let mut without = chance.shuffled(catalogue.requestable(false)).into_iter();
    let mut stars = chance.shuffled(STARS).into_iter().peekable();
    // Nobody writes what another has written.
    let mut wordings = BTreeMap::new();
    let mut next_service = |approval: bool| {
        let service = if approval { with_approval.next() } else { without.next() };
        About::Service(service.expect("the catalogue has a service for every plot that asks for one: a test counts"))
    };
    let mut threads: Vec<Thread<'a>> = Vec::with_capacity(PLOTS.len());
    for (place, plot) in PLOTS.iter().enumerate() {
        let about = match plot.begin.1 {
            Begin::Alarm(_) => About::Story(chance.pick(&ALARMS)),
            Begin::Outage(_) => About::Story(chance.pick(&OUTAGES)),
            Begin::Own | Begin::For(..) => {
                About::Story(everyday.next().expect("there is a story for every plot that needs one: a test counts"))
            }
            Begin::FollowUp(of) => threads[of].about,
            Begin::Request { approval } => next_service(approval),
            Begin::RequestFor(_) => next_service(false),
        };
        let customer = match plot.begin.1 {
            Begin::FollowUp(of) => threads[of].customer,
            _ => customers[place % CUSTOMERS],
        };
        let rates = plot.acts.iter().any(|(_, act)| *act == Act::Rate);
        let opinion = stars.next_if(|_| rates).and_then(|stars| {
            let wordings = wordings.entry(stars).or_insert_with(|| chance.shuffled(reviews(stars)).into_iter());
            wordings.next().map(|review| (stars, *review))
        });
        threads.push(Thread {
            plot,
            customer,
            about,
            late: i32::try_from(chance.below(MOST_LATE)).unwrap_or(0),
            opinion,
            agent: Staff::First,
            ticket: None,
            request: None,
        });
    }
    threads
}

/// Everything that happens, in the order of time.
fn cues(threads: &[Thread<'_>], calendar: Calendar) -> Vec<Cue> {
    let mut cues = Vec::new();
    for (place, thread) in threads.iter().enumerate() {
        let mut cue =
            |when: When, next| cues.push(Cue { at: calendar.at(when.later(thread.late)), thread: place, next });
        let (when, begin) = thread.plot.begin;
        cue(when, Next::Begin(begin));
        for (when, act) in thread.plot.acts {
            cue(*when, Next::Act(*act));
        }
    }
    // Stable: what falls on one moment goes in the order of the plots, and each plot in its own.
    cues.sort_by_key(|cue| cue.at);
    cues
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_story_for_every_plot_that_needs_one() {
        let needed = PLOTS.iter().filter(|plot| matches!(plot.begin.1, Begin::Own | Begin::For(..))).count();
        assert!(needed <= EVERYDAY.len());
    }
}
