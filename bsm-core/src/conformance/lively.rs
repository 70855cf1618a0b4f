//! A desk on which everything happened that can: for the cases that look at all of it at once.

use super::prelude::*;

/// A text with everything in it that JSON writes in a special way, and some that it does not.
const AWKWARD: &str = "\"quoted\" \\ back/slash, a tab\tand\nlines; ü, 漢字, 🦀, \u{2028}.";

/// Makes the world, and lets everything happen on it.
pub(crate) async fn lively(store: Arc<dyn Store>) -> Result<World, Failed> {
    let w = World::new(store).await?;
    for status in TicketStatus::ALL {
        w.ticket_in(*status).await?;
    }
    let new = NewTicket {
        description: AWKWARD.to_owned(),
        category: Some("mail".to_owned()),
        subcategory: Some("delivery".to_owned()),
        group: Some("second line".to_owned()),
        external_ref: Some("INC \"0001\"".to_owned()),
        assigned_to: Some(w.agent.actor()),
        opened_at: Some("2016-02-29T01:16:00.000001Z".parse()?),
        ..NewTicket::new("Umlaute: äöü")
    };
    let ticket = w.agent.open_ticket(new).await?;
    w.agent.add_note(ticket.id, AWKWARD).await?;
    w.agent.touch_ticket(ticket.id).await?;
    let change = TicketChange { priority: PriorityChange::Override(Priority::Critical), ..TicketChange::default() };
    w.agent.change_ticket(ticket.id, change).await?;
    w.agent.resolve_ticket(ticket.id).await?;
    w.ada.withdraw_ticket(w.ticket_in(TicketStatus::New).await?.id).await?;
    let closed = w.ticket_in(TicketStatus::Closed).await?;
    w.ada.follow_up(FollowUp { of: closed.id, ticket: OwnTicket::new("Again") }).await?;
    for status in RequestStatus::ALL.iter().copied() {
        if status != RequestStatus::Approved {
            w.request_in(status, false).await?;
        }
        w.request_in(status, true).await?;
    }
    w.converted().await?;
    let (_, rating) = w.rated(Stars::Two).await?;
    w.admin.delete_rating(rating.id).await?;
    w.rated(Stars::Five).await?;
    let (request, of) = w.converted().await?;
    w.agent.resolve_ticket(of.id).await?;
    w.ada.rate(request.id, Stars::One, AWKWARD).await?;
    w.agent.reopen_ticket(of.id).await?;
    w.agent.create_article(NewArticle::new("Draft", "Text")).await?;
    w.agent.archive_article(w.agent.create_article(NewArticle::new("Old", "Text")).await?.id).await?;
    let article = w.agent.create_article(NewArticle::new("How to", AWKWARD)).await?;
    w.agent.publish_article(article.id).await?;
    let unused = w.admin.create_service(NewService::new("Unused", "none", "1 JPY".parse()?)).await?;
    w.admin.delete_service(unused.id).await?;
    w.admin.retire_service(w.server).await?;
    let gone = w.person("Gone", Role::Agent).await?;
    w.agent.assign_ticket(w.ticket_in(TicketStatus::New).await?.id, gone.id).await?;
    w.admin.delete_user(gone.id).await?;
    let away = w.person("Away", Role::Customer).await?;
    let outer = UserChange { external_ref: Patch::Set("hr-7".to_owned()), ..UserChange::default() };
    w.admin.change_user(away.id, outer).await?;
    w.admin.deactivate_user(away.id).await?;
    w.request(false).await?;
    Ok(w)
}
