//! The routes as a client meets them: requests go through the whole router, over a desk in memory unless a test says otherwise.

mod conditions;
mod described;
mod events;
mod flow;
mod isolation;
mod lists;
mod refusals;
mod site;
mod table;
mod tokens;
