//! The people of the demonstration: two admins, two agents, five customers, drawn from a pool of names.

use crate::model::{Role, UserId};
use crate::{Admin, Desk, NewUser, Result};

use super::calendar::{Calendar, on};
use super::chance::Chance;

/// How many work at the desk beside the two admins.
pub(super) const AGENTS: usize = 2;
/// How many are served.
pub(super) const CUSTOMERS: usize = 5;

/// Names, and what stands before the `@` of their addresses.
const NAMES: [(&str, &str); 30] = [
    ("Amina Yusuf", "amina.yusuf"),
    ("Anders Holm", "anders.holm"),
    ("Beatriz Fonseca", "beatriz.fonseca"),
    ("Callum Reid", "callum.reid"),
    ("Chiara Bellini", "chiara.bellini"),
    ("Daniel Osei", "daniel.osei"),
    ("Eleni Markou", "eleni.markou"),
    ("Farid Nazari", "farid.nazari"),
    ("Freya Lindqvist", "freya.lindqvist"),
    ("Gwen Prosser", "gwen.prosser"),
    ("Hana Dvořáková", "hana.dvorakova"),
    ("Idris Bello", "idris.bello"),
    ("Ingrid Sørensen", "ingrid.sorensen"),
    ("Jonas Weber", "jonas.weber"),
    ("Kavita Rao", "kavita.rao"),
    ("Liam Gallagher-Byrne", "liam.gallagher"),
    ("Lucía Herrero", "lucia.herrero"),
    ("Marek Zieliński", "marek.zielinski"),
    ("Mei Tanaka", "mei.tanaka"),
    ("Nadia Petrova", "nadia.petrova"),
    ("Noor van Dijk", "noor.vandijk"),
    ("Oliver Hartwell", "oliver.hartwell"),
    ("Priya Menon", "priya.menon"),
    ("Rosalind Achebe", "rosalind.achebe"),
    ("Samuel Okoro", "samuel.okoro"),
    ("Sofie Lambert", "sofie.lambert"),
    ("Tomás Ribeiro", "tomas.ribeiro"),
    ("Ursula Keller", "ursula.keller"),
    ("Wei Zhang", "wei.zhang"),
    ("Yusuf Demir", "yusuf.demir"),
];

/// Who is who.
#[derive(Debug)]
pub(super) struct People {
    pub(super) founder: UserId,
    pub(super) admin: UserId,
    pub(super) agents: [UserId; AGENTS],
    pub(super) customers: [UserId; CUSTOMERS],
}

/// Names in the order in which they are given away.
pub(super) struct Names {
    order: Vec<(&'static str, &'static str)>,
    given: usize,
}

impl Names {
    pub(super) fn drawn(seed: u64) -> Self {
        Self { order: Chance::about("people", seed).shuffled(NAMES), given: 0 }
    }

    /// The next person. There are names for three desks.
    pub(super) fn next(&mut self, role: Role) -> NewUser {
        let (name, local) = self.order[self.given % self.order.len()];
        self.given += 1;
        NewUser::new(name, format!("{local}@example.org"), role)
    }
}

impl People {
    /// Enters everybody but the founder, who is there. The first to be entered is the desk's other admin, who does all
    /// else: what founded the desk is of today, and what happened on it is of the past.
    pub(super) async fn enter(desk: &Desk, founder: UserId, mut names: Names, calendar: Calendar) -> Result<Self> {
        let founding = on(44, 9, 0);
        let at = |minutes| calendar.at(founding.later(minutes));
        let admin = desk.admin(founder).at(at(0)).create_user(names.next(Role::Admin)).await?.id;
        let admin_portal = desk.admin(admin);
        let mut agents = [admin; AGENTS];
        for (minutes, agent) in (6..).step_by(4).zip(&mut agents) {
            *agent = entered(&admin_portal.at(at(minutes)), names.next(Role::Agent)).await?;
        }
        let mut customers = [admin; CUSTOMERS];
        for (minutes, customer) in (60..).step_by(3).zip(&mut customers) {
            *customer = entered(&admin_portal.at(at(minutes)), names.next(Role::Customer)).await?;
        }
        Ok(Self { founder, admin, agents, customers })
    }
}

async fn entered(admin: &Admin, person: NewUser) -> Result<UserId> {
    admin.create_user(person).await.map(|user| user.id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_names_and_addresses_enough_for_all() {
        let names: BTreeSet<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        let addresses: BTreeSet<&str> = NAMES.iter().map(|(_, local)| *local).collect();
        assert_eq!((names.len(), addresses.len()), (NAMES.len(), NAMES.len()));
        assert!(NAMES.len() >= 2 + AGENTS + CUSTOMERS);
    }

    #[test]
    fn a_seed_gives_the_same_people_and_another_gives_others() {
        let nine = |seed| {
            let mut names = Names::drawn(seed);
            (0..9).map(|_| names.next(Role::Customer).full_name).collect::<Vec<_>>()
        };
        assert_eq!(nine(4), nine(4));
        assert_ne!(nine(4), nine(5));
    }
}
