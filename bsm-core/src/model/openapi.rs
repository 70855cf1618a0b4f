//! The schemas of what serde writes by hand: words, numbers with a prefix, times and money.

use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use super::{Currency, Money, Timestamp};
use crate::rules::limits;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// One of a few words.
pub(crate) fn words(words: impl Iterator<Item = &'static str>) -> RefOr<Schema> {
    text().enum_values(Some(words)).into()
}

/// A text that looks like `example`.
pub(crate) fn pattern(pattern: &'static str, example: &'static str) -> RefOr<Schema> {
    text().pattern(Some(pattern)).examples([example]).into()
}

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some(
                "A moment from 1970 to 9999, by RFC 3339 with any offset; given in UTC with six decimals.",
            ))
            .examples(["2016-02-29T01:16:00.000000Z"])
            .into()
    }
}

impl ToSchema for Timestamp {}

impl PartialSchema for Currency {
    fn schema() -> RefOr<Schema> {
        let letters = || b'A'..=b'Z';
        let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| [a, b, c])));
        let codes = codes.filter_map(|code| std::str::from_utf8(&code).ok()?.parse::<Self>().ok());
        let codes = codes.map(|currency| currency.code().to_owned());
        text().enum_values(Some(codes)).description(Some("A currency of ISO 4217.")).into()
    }
}

impl ToSchema for Currency {}

impl PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        let amount = text()
            .description(Some(format!(
                "A decimal in the currency's unit, from 0 to {}, with no more decimals than the currency has.",
                limits::MAX_AMOUNT
            )))
            .examples(["1200.00"]);
        ObjectBuilder::new()
            .property("amount", amount)
            .required("amount")
            .property("currency", Ref::from_schema_name(Currency::name()))
            .required("currency")
            .description(Some("An amount of one currency, never negative."))
            .into()
    }
}

impl ToSchema for Money {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Currency::name().into_owned(), Currency::schema()));
    }
}
