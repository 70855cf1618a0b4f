//! What operations are about: who acts, on what. Drawn at random, the same for all contenders.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::deed::{Conversion, Outcome, Place, Submission, refused};

/// How many tickets are read by turns.
const TICKETS: i64 = 20_000;

/// The ids that operations name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ground {
    /// Who reads lists.
    pub reader: Uuid,
    agents: Vec<Uuid>,
    customers: Vec<Uuid>,
    services: Vec<Uuid>,
    tickets: Vec<Uuid>,
    /// Places in the middle of the list of everything.
    pub middle: Vec<Place>,
}

impl Ground {
    /// Looks around in a schema.
    pub async fn survey(client: &Client, schema: &str) -> Outcome<Self> {
        let ids = async |what: &str| -> Outcome<Vec<Uuid>> {
            let rows = client.query(&format!("SELECT id FROM {schema}.{what}"), &[]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        };
        let agents = ids("users WHERE role = 'agent' ORDER BY id").await?;
        let Some(reader) = agents.first().copied() else { return refused("there are no agents") };
        Ok(Self {
            reader,
            agents,
            customers: ids("users WHERE role = 'customer' ORDER BY id").await?,
            services: ids("customer_services WHERE active ORDER BY id").await?,
            tickets: ids(&format!("tickets ORDER BY md5(id::text) LIMIT {TICKETS}")).await?,
            middle: Vec::new(),
        })
    }

    /// Draws a submission.
    pub fn submission(&self, dice: &mut fastrand::Rng) -> Submission {
        Submission { actor: one(dice, &self.customers), service: one(dice, &self.services) }
    }

    /// Draws who makes a request into a ticket.
    pub fn conversion(&self, dice: &mut fastrand::Rng, request: Uuid) -> Conversion {
        Conversion { actor: one(dice, &self.agents), request }
    }

    /// Draws who reads which ticket.
    pub fn reading(&self, dice: &mut fastrand::Rng) -> (Uuid, Uuid) {
        (one(dice, &self.agents), one(dice, &self.tickets))
    }

    /// Draws a place in the middle.
    pub fn place(&self, dice: &mut fastrand::Rng) -> Option<&Place> {
        dice.choice(&self.middle)
    }
}

fn one(dice: &mut fastrand::Rng, of: &[Uuid]) -> Uuid {
    dice.choice(of).copied().unwrap_or_default()
}
