//! The six steps: what was called, and what each portal shows afterwards.

use bsm::feed::UpdatedBy;

use super::{Page, time};
use crate::flow::{AdminSees, CustomerSees, Notice, Step};

impl Page {
    /// One step.
    pub(super) fn step(&mut self, step: &Step) {
        self.heading(format_args!("Step {}: {}", step.number, step.title));
        self.aside(step.commands.join(", "));
        self.told("admin", &step.told.admin);
        self.told("customer", &step.told.customer);
        self.admin(&step.admin_sees);
        self.customer(&step.customer_sees);
        if step.number == 6 {
            self.line("");
            self.totals(&step.admin_sees.summary);
        }
    }

    /// What a watcher was told.
    fn told(&mut self, who: &str, notices: &[Notice]) {
        for Notice { rank, rows } in notices {
            self.aside(format_args!("  told to the {who}, event {rank}: {}", rows.join(", ")));
        }
    }

    fn admin(&mut self, sees: &AdminSees) {
        let (summary, unified) = (&sees.summary, sees.unified);
        let (requests, tickets, ratings) = (summary.request_count(), summary.ticket_count(), summary.ratings.count());
        self.line(format_args!(
            "\nThe admin sees {requests} requests, {tickets} tickets, {unified} rows in the unified view, {ratings} ratings:"
        ));
        self.work(&sees.rows);
    }

    fn customer(&mut self, sees: &CustomerSees) {
        self.line(format_args!("\nThe customer sees {} of their own, {} rated:", sees.unified, sees.ratings.len()));
        self.work(&sees.rows);
        for update in &sees.updates {
            let by = match update.by {
                UpdatedBy::You => "the customer",
                UpdatedBy::Desk => "the desk",
            };
            let changes: Vec<String> = update
                .changes
                .iter()
                .map(|change| format!("{} {}", change.field, change.to.as_deref().unwrap_or("empty")))
                .collect();
            self.aside(format_args!("  {} {by}: {}", time(update.occurred_at), changes.join(", ")));
        }
    }
}
