//! The Rust side of `cost.py`: for each line that it is given, what a call costs here, in nanoseconds.
//!
//! `get` reads a ticket by id, `page` a page of 50 of the tickets that are open, both of a desk in memory, through
//! `bsm::blocking`: what the Python module does, without Python.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use bsm::model::{Phase, Role};
use bsm::view::{Query, WorkListing};
use bsm::{NewTicket, NewUser, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let desk = blocking::open("memory:")?;
    let grace = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin))?;
    let admin = desk.admin(grace.id);
    let mut ticket = None;
    for number in 0..500 {
        ticket = Some(admin.open_ticket(NewTicket::new(format!("Ticket {number}")))?.id);
    }
    let ticket = ticket.ok_or("there are tickets")?;
    let open = Query::of(WorkListing::Phase(Phase::Open));
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (what, calls) = line.split_once(' ').ok_or("a line is: get|page CALLS")?;
        let calls: u32 = calls.parse()?;
        let began = Instant::now();
        for _ in 0..calls {
            if what == "get" {
                std::hint::black_box(admin.ticket(ticket)?);
            } else {
                std::hint::black_box(admin.tickets(&open)?);
            }
        }
        println!("{}", began.elapsed().as_nanos() / u128::from(calls));
        io::stdout().flush()?;
    }
    Ok(())
}
