//! What is not acceptable: each gets an error that names the field, and changes nothing at all.

use super::prelude::*;
use rust_decimal::Decimal;

/// What is wrong with a text, and how it is called.
fn bad_lines(most: usize) -> Vec<(String, Reason)> {
    let control = ["a\nb", "a\tb", "a\rb", "a\u{0}b", "a\u{7}b", "a\u{1b}[31mb", "a\u{7f}b", "a\u{85}b"];
    let mut bad = vec![
        (String::new(), Reason::Empty),
        (" \n\t\u{3000} ".to_owned(), Reason::Empty),
        ("x".repeat(most + 1), Reason::TooLong { most }),
        ("ß".repeat(most + 1), Reason::TooLong { most }),
        ("😀".repeat(most + 1), Reason::TooLong { most }),
    ];
    bad.extend(control.map(|text| (text.to_owned(), Reason::ControlCharacter)));
    bad
}

/// The same for a text of several lines, which may be empty.
fn bad_texts(most: usize) -> Vec<(String, Reason)> {
    let mut bad = vec![("x".repeat(most + 1), Reason::TooLong { most })];
    let control = ["a\rb", "a\u{0}b", "a\u{b}b", "a\u{1b}b", "a\u{7f}b", "a\u{9f}b"];
    bad.extend(control.map(|text| (text.to_owned(), Reason::ControlCharacter)));
    bad
}

/// Every line and text of a person, a service and an article, when it is made and when it is changed.
pub async fn texts_of_people_services_and_articles_are_checked(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ada = w.ada.actor();
    let article = NewArticle { title: "How to".to_owned(), body: "So.".to_owned(), category: None };
    let article = w.agent.create_article(article).await?.id;
    let user = || NewUser::new("Zoe", "zoe@x.example", Role::Agent);
    let service = || Ok::<_, Error>(NewService::new("Phone", "hardware", "1 EUR".parse()?));
    let draft = || NewArticle { title: "T".to_owned(), body: "B".to_owned(), category: None };
    let of = Error::invalid_of;
    for (text, reason) in bad_lines(limits::FULL_NAME_CHARS) {
        let expected = || of(Entity::User, "full_name", reason.clone());
        w.refuses(w.admin.create_user(NewUser { full_name: text.clone(), ..user() }), expected()).await?;
        let change = UserChange { full_name: Some(text), ..UserChange::default() };
        w.refuses(w.admin.change_user(ada, change), expected()).await?;
    }
    for (text, reason) in bad_lines(limits::EXTERNAL_REF_CHARS) {
        let expected = || of(Entity::User, "external_ref", reason.clone());
        w.refuses(w.admin.create_user(NewUser { external_ref: Some(text.clone()), ..user() }), expected()).await?;
        let change = UserChange { external_ref: Patch::Set(text), ..UserChange::default() };
        w.refuses(w.admin.change_user(ada, change), expected()).await?;
    }
    for (text, reason) in bad_lines(limits::TITLE_CHARS) {
        let expected = || of(Entity::Service, "name", reason.clone());
        w.refuses(w.admin.create_service(NewService { name: text.clone(), ..service()? }), expected()).await?;
        let change = ServiceChange { name: Some(text.clone()), ..ServiceChange::default() };
        w.refuses(w.admin.change_service(w.laptop, change), expected()).await?;
        let expected = || of(Entity::Article, "title", reason.clone());
        w.refuses(w.agent.create_article(NewArticle { title: text.clone(), ..draft() }), expected()).await?;
        let change = ArticleChange { title: Some(text), ..ArticleChange::default() };
        w.refuses(w.agent.change_article(article, change), expected()).await?;
    }
    for (text, reason) in bad_lines(limits::CATEGORY_CHARS) {
        let expected = || of(Entity::Service, "category", reason.clone());
        w.refuses(w.admin.create_service(NewService { category: text.clone(), ..service()? }), expected()).await?;
        let change = ServiceChange { category: Some(text.clone()), ..ServiceChange::default() };
        w.refuses(w.admin.change_service(w.laptop, change), expected()).await?;
        let expected = || of(Entity::Article, "category", reason.clone());
        w.refuses(w.agent.create_article(NewArticle { category: Some(text.clone()), ..draft() }), expected()).await?;
        let change = ArticleChange { category: Patch::Set(text), ..ArticleChange::default() };
        w.refuses(w.agent.change_article(article, change), expected()).await?;
    }
    for (text, reason) in bad_texts(limits::DESCRIPTION_CHARS) {
        let expected = || of(Entity::Service, "description", reason.clone());
        w.refuses(w.admin.create_service(NewService { description: text.clone(), ..service()? }), expected()).await?;
        let change = ServiceChange { description: Some(text), ..ServiceChange::default() };
        w.refuses(w.admin.change_service(w.laptop, change), expected()).await?;
    }
    let empty = [("  \n ".to_owned(), Reason::Empty)];
    for (text, reason) in bad_texts(limits::BODY_CHARS).into_iter().chain(empty) {
        let expected = || of(Entity::Article, "body", reason.clone());
        w.refuses(w.agent.create_article(NewArticle { body: text.clone(), ..draft() }), expected()).await?;
        let change = ArticleChange { body: Some(text), ..ArticleChange::default() };
        w.refuses(w.agent.change_article(article, change), expected()).await?;
    }
    Ok(())
}

/// Every line and text of a ticket, a note, a request and a rating, by staff and by customers.
pub async fn texts_of_tickets_requests_and_ratings_are_checked(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?.id;
    let finished = w.ticket_in(TicketStatus::Closed).await?.id;
    let (request, done) = (w.request(false).await?.id, w.request_in(RequestStatus::Fulfilled, false).await?.id);
    let new = || NewTicket::new("New");
    let change = TicketChange::default;
    let of = Error::invalid_of;
    for (text, reason) in bad_lines(limits::TITLE_CHARS) {
        let expected = || of(Entity::Ticket, "title", reason.clone());
        w.refuses(w.agent.open_ticket(NewTicket::new(&text)), expected()).await?;
        w.refuses(w.agent.follow_up(finished, NewTicket::new(&text)), expected()).await?;
        w.refuses(w.ada.open_ticket(OwnTicket::new(&text)), expected()).await?;
        let own = FollowUp { of: finished, ticket: OwnTicket::new(&text) };
        w.refuses(w.ada.follow_up(own), expected()).await?;
        w.refuses(w.agent.change_ticket(ticket, TicketChange { title: Some(text), ..change() }), expected()).await?;
    }
    for (text, reason) in bad_lines(limits::CATEGORY_CHARS) {
        let set = Patch::Set(text.clone());
        let expected = |field| of(Entity::Ticket, field, reason.clone());
        let open = NewTicket { category: Some(text.clone()), ..new() };
        w.refuses(w.agent.open_ticket(open), expected("category")).await?;
        let open = OwnTicket { category: Some(text.clone()), ..OwnTicket::new("Own") };
        w.refuses(w.ada.open_ticket(open), expected("category")).await?;
        let open = NewTicket { subcategory: Some(text.clone()), ..new() };
        w.refuses(w.agent.open_ticket(open), expected("subcategory")).await?;
        let open = NewTicket { group: Some(text.clone()), ..new() };
        w.refuses(w.agent.open_ticket(open), expected("assignment_group")).await?;
        let how = TicketFromRequest { group: Some(text), ..TicketFromRequest::default() };
        w.refuses(w.agent.make_ticket(request, how), expected("assignment_group")).await?;
        let edit = TicketChange { category: set.clone(), ..change() };
        w.refuses(w.agent.change_ticket(ticket, edit), expected("category")).await?;
        let edit = TicketChange { subcategory: set.clone(), ..change() };
        w.refuses(w.agent.change_ticket(ticket, edit), expected("subcategory")).await?;
        let edit = TicketChange { group: set, ..change() };
        w.refuses(w.agent.change_ticket(ticket, edit), expected("assignment_group")).await?;
    }
    for (text, reason) in bad_lines(limits::EXTERNAL_REF_CHARS) {
        let expected = |entity| of(entity, "external_ref", reason.clone());
        let open = NewTicket { external_ref: Some(text.clone()), ..new() };
        w.refuses(w.agent.open_ticket(open), expected(Entity::Ticket)).await?;
        let submit = NewRequest { external_ref: Some(text), ..NewRequest::new(w.laptop, w.ada.actor()) };
        w.refuses(w.agent.submit_request_for(submit), expected(Entity::Request)).await?;
    }
    for (text, reason) in bad_texts(limits::DESCRIPTION_CHARS) {
        let expected = |entity, field| of(entity, field, reason.clone());
        let open = NewTicket { description: text.clone(), ..new() };
        w.refuses(w.agent.open_ticket(open), expected(Entity::Ticket, "description")).await?;
        let open = OwnTicket { description: text.clone(), ..OwnTicket::new("Own") };
        w.refuses(w.ada.open_ticket(open), expected(Entity::Ticket, "description")).await?;
        let edit = TicketChange { description: Some(text.clone()), ..change() };
        w.refuses(w.agent.change_ticket(ticket, edit), expected(Entity::Ticket, "description")).await?;
        w.refuses(w.agent.add_note(ticket, &text), expected(Entity::Note, "body")).await?;
        let submit = SubmitRequest { details: text, ..SubmitRequest::new(w.laptop) };
        w.refuses(w.ada.submit_request(submit), expected(Entity::Request, "details")).await?;
    }
    w.refuses(w.agent.add_note(ticket, " \n "), of(Entity::Note, "body", Reason::Empty)).await?;
    for (text, reason) in bad_texts(limits::REVIEW_CHARS) {
        w.refuses(w.ada.rate(done, Stars::Three, text), of(Entity::Rating, "review", reason)).await?;
    }
    Ok(())
}

/// What is no address is refused, when a person is made, changed and looked for.
pub async fn an_email_address_must_be_one(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let bad =
        ["x", "@x.org", "x@", "x@y", "a b@x.org", "a@b@x.org", "a@[127.0.0.1]", "A <a@x.org>", "a@x..org", ".@x.org"];
    let malformed = |email: &str| {
        let no_address = Reason::Malformed { expected: "an email address" };
        let reason = if email.trim().is_empty() { Reason::Empty } else { no_address };
        Error::invalid_of(Entity::User, "email", reason)
    };
    for email in bad.into_iter().chain(["", "  "]) {
        let new = NewUser::new("Zoe", email, Role::Agent);
        w.refuses(w.admin.create_user(new), malformed(email)).await?;
        let change = UserChange { email: Some(email.to_owned()), ..UserChange::default() };
        w.refuses(w.admin.change_user(w.ada.actor(), change), malformed(email)).await?;
        w.refuses(w.agent.user_by_email(email), malformed(email)).await?;
    }
    let long = format!("{}@x.example", "a".repeat(limits::EMAIL_CHARS));
    let too_long = Error::invalid_of(Entity::User, "email", Reason::TooLong { most: limits::EMAIL_CHARS });
    w.refuses(w.admin.create_user(NewUser::new("Zoe", long, Role::Agent)), too_long).await?;
    let control = Error::invalid_of(Entity::User, "email", Reason::ControlCharacter);
    w.refuses(w.admin.create_user(NewUser::new("Zoe", "a\u{0}@x.example", Role::Agent)), control).await
}

/// Stars are 1 to 5, prices are not negative, and numbers, words and ids are written as they must be: nothing else can
/// even be made.
pub async fn values_that_cannot_be_are_not_made(_: Arc<dyn Store>) -> Outcome {
    for stars in [0, 6, -1, 256, 257, i64::MIN, i64::MAX] {
        let range = Reason::OutOfRange { min: "1".to_owned(), max: "5".to_owned() };
        refused(Stars::new(stars), &Error::invalid_of(Entity::Rating, "rating", range));
    }
    let price = |reason| Error::invalid("price", reason);
    refused("-0.01 EUR".parse::<Money>(), &price(Reason::Negative));
    refused("0.001 EUR".parse::<Money>(), &price(Reason::TooManyDecimals { most: 2 }));
    refused("0.5 JPY".parse::<Money>(), &price(Reason::TooManyDecimals { most: 0 }));
    let max = limits::MAX_AMOUNT.to_string();
    let range = Reason::OutOfRange { min: "0".to_owned(), max };
    refused("1000000000.01 EUR".parse::<Money>(), &price(range.clone()));
    refused(Money::new(Decimal::MAX, "EUR".parse()?), &price(range));
    refused(Money::new(Decimal::MIN, "EUR".parse()?), &price(Reason::Negative));
    for text in ["", "EUR", "1", "1EUR", "x EUR", "1,5 EUR"] {
        refused(text.parse::<Money>(), &price(Reason::Malformed { expected: "an amount and a currency code" }));
    }
    for code in ["", "eur", "EURO", "XYZ", "€"] {
        let expected = Reason::Malformed { expected: "a currency code of ISO 4217" };
        refused(code.parse::<Currency>(), &Error::invalid("currency", expected));
    }
    for text in ["", "TKT-", "42", "REQ-000042", "TKT-4x", "TKT-99999999999", "tkt-000042"] {
        let expected = Reason::Malformed { expected: "a number like TKT-000042" };
        refused(text.parse::<TicketNumber>(), &Error::invalid_of(Entity::Ticket, "number", expected));
    }
    let malformed = Error::invalid_of(Entity::Ticket, "id", Reason::Malformed { expected: "a UUID" });
    refused("TKT-000042".parse::<TicketId>(), &malformed);
    refused_like!(
        "opened".parse::<TicketStatus>(),
        Error::Invalid { field: "status", reason: Reason::UnknownWord { .. }, .. }
    );
    refused_like!("2026-02-30T00:00:00Z".parse::<Timestamp>(), Error::Invalid { field: "time", .. });
    refused_like!(Timestamp::from_micros(-1), Error::Invalid { reason: Reason::OutOfRange { .. }, .. });
    Ok(())
}

/// An id that belongs to nothing, or to a row of another kind, is not found by any command, and the error has the id.
pub async fn unknown_ids_and_ids_of_another_kind_are_not_found(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let ticket = w.ticket_in(TicketStatus::New).await?;
    let request = w.request(false).await?;
    for id in [uuid::Uuid::nil(), uuid::Uuid::max(), w.laptop.as_uuid()] {
        let (a, b) = (TicketId::from_uuid(id), RequestId::from_uuid(id));
        let (user, article, rating) = (UserId::from_uuid(id), ArticleId::from_uuid(id), RatingId::from_uuid(id));
        w.refuses(w.agent.ticket(a), Error::not_found(a)).await?;
        w.refuses(w.agent.touch_ticket(a), Error::not_found(a)).await?;
        w.refuses(w.agent.resolve_ticket(a), Error::not_found(a)).await?;
        w.refuses(w.agent.assign_ticket(a, w.agent.actor()), Error::not_found(a)).await?;
        w.refuses(w.agent.request(b), Error::not_found(b)).await?;
        w.refuses(w.agent.fulfil_request(b), Error::not_found(b)).await?;
        w.refuses(w.admin.approve_request(b), Error::not_found(b)).await?;
        w.refuses(w.agent.make_ticket(b, TicketFromRequest::default()), Error::not_found(b)).await?;
        w.refuses(w.ada.rate(b, Stars::One, ""), Error::not_found(b)).await?;
        w.refuses(w.admin.change_role(user, Role::Agent), Error::not_found(user)).await?;
        w.refuses(w.admin.deactivate_user(user), Error::not_found(user)).await?;
        w.refuses(w.agent.publish_article(article), Error::not_found(article)).await?;
        w.refuses(w.agent.rating(rating), Error::not_found(rating)).await?;
        w.refuses(w.admin.delete_rating(rating), Error::not_found(rating)).await?;
        w.refuses(w.agent.history(a, Order::NewestFirst, None, 5), Error::not_found(a)).await?;
    }
    let wrong = ServiceId::from_uuid(ticket.id.as_uuid());
    w.refuses(w.admin.retire_service(wrong), Error::not_found(wrong)).await?;
    w.refuses(w.agent.service(wrong), Error::not_found(wrong)).await?;
    let wrong = TicketId::from_uuid(request.id.as_uuid());
    w.refuses(w.agent.close_ticket(wrong), Error::not_found(wrong)).await?;
    let wrong = RequestId::from_uuid(ticket.id.as_uuid());
    w.refuses(w.agent.cancel_request(wrong), Error::not_found(wrong)).await
}

/// What is as long as it may be, is kept to the last character, in any script.
pub async fn the_limits_themselves_are_accepted(store: Arc<dyn Store>) -> Outcome {
    let w = World::new(store).await?;
    let long = |most: usize| "😀".repeat(most);
    let new = NewTicket {
        description: long(limits::DESCRIPTION_CHARS),
        category: Some(long(limits::CATEGORY_CHARS)),
        subcategory: Some(long(limits::CATEGORY_CHARS)),
        group: Some(long(limits::CATEGORY_CHARS)),
        external_ref: Some(long(limits::EXTERNAL_REF_CHARS)),
        ..NewTicket::new(long(limits::TITLE_CHARS))
    };
    let ticket = w.agent.open_ticket(new.clone()).await?;
    assert_eq!(w.agent.ticket(ticket.id).await?, ticket);
    assert_eq!((&ticket.title, &ticket.description), (&new.title, &new.description));
    assert_eq!(w.agent.ticket_by_external_ref(&long(limits::EXTERNAL_REF_CHARS)).await?, ticket);
    let listing = WorkListing::Category(long(limits::CATEGORY_CHARS));
    assert_eq!(w.agent.tickets(&Query::of(listing)).await?.rows, std::slice::from_ref(&ticket));
    let filter = WorkFilter { group: new.group, ..WorkFilter::default() };
    assert_eq!(w.agent.tickets(&Query::default().filter(filter)).await?.rows, std::slice::from_ref(&ticket));
    let body = long(limits::BODY_CHARS);
    let article = NewArticle { title: long(limits::TITLE_CHARS), body: body.clone(), category: None };
    let article = w.agent.create_article(article).await?;
    assert_eq!(w.agent.article(article.id).await?.body, body);
    let change = ArticleChange { body: Some("short".to_owned()), ..ArticleChange::default() };
    assert_eq!(w.agent.change_article(article.id, change).await?.body, "short");
    assert_eq!(w.agent.article(article.id).await?.body, "short");
    w.agent.add_note(ticket.id, long(limits::DESCRIPTION_CHARS)).await?;
    let fulfilled = w.request_in(RequestStatus::Fulfilled, false).await?;
    let rating = w.ada.rate(fulfilled.id, Stars::Five, long(limits::REVIEW_CHARS)).await?;
    assert_eq!(w.agent.rating(rating.id).await?, rating);
    let name = long(limits::FULL_NAME_CHARS);
    let user = w.admin.create_user(NewUser::new(&name, "long@x.example", Role::Agent)).await?;
    assert_eq!(w.agent.user(user.id).await?.full_name, name);
    Ok(())
}
