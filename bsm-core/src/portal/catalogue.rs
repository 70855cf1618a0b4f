//! The catalogue: services, and how much each is used.

use std::collections::BTreeMap;

use crate::model::{Entity, RequestStatus, Service, ServiceId, Stars, Version};
use crate::rules::{limits, text};
use crate::schema::{Counter, Field};
use crate::store::{CountQuery, ReadSet};
use crate::view::{Page, Query, RatingFigures, ServiceListing, ServiceUsage};
use crate::{Error, Reason, Result};

use super::command::Command;
use super::run::Needs;
use super::{Admin, NewService, Portal, ServiceChange, StaffRole};

fn name(text: &str) -> Result<String> {
    text::line(Entity::Service, Field::Name, text, limits::TITLE_CHARS)
}

fn description(text: &str) -> Result<String> {
    text::lines(Entity::Service, Field::Description, text, limits::DESCRIPTION_CHARS)
}

fn category(text: &str) -> Result<String> {
    text::line(Entity::Service, Field::Category, text, limits::CATEGORY_CHARS)
}

impl Admin {
    /// Enters a service into the catalogue.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field.
    pub async fn create_service(&self, new: NewService) -> Result<Service> {
        self.run(&("create_service", &new), Needs::default(), |work| {
            let service = Service {
                id: ServiceId::from_uuid(work.fresh()?),
                name: name(&new.name)?,
                description: description(&new.description)?,
                category: category(&new.category)?,
                price: new.price,
                needs_approval: new.needs_approval,
                active: true,
                version: Version::FIRST,
                updated_at: work.now(),
            };
            let id = service.id;
            work.insert(service);
            Ok(id)
        })
        .await
    }

    /// Changes a service. Requests that were made before keep their price and whether they need approval.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field; [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn change_service(&self, id: ServiceId, change: ServiceChange) -> Result<Service> {
        self.edit_service(&("change_service", id, &change), id, &change).await
    }

    /// Changes a service by a command of that name.
    async fn edit_service(
        &self,
        command: &(impl Command + Sync),
        id: ServiceId,
        change: &ServiceChange,
    ) -> Result<Service> {
        self.run(command, Needs::keys([id.into()]), |work| {
            let mut service: Service = work.target(id)?;
            if let Some(text) = &change.name {
                service.name = name(text)?;
            }
            if let Some(text) = &change.description {
                service.description = description(text)?;
            }
            if let Some(text) = &change.category {
                service.category = category(text)?;
            }
            service.price = change.price.unwrap_or(service.price);
            service.needs_approval = change.needs_approval.unwrap_or(service.needs_approval);
            service.active = change.active.unwrap_or(service.active);
            work.update(service);
            Ok(id)
        })
        .await
    }

    /// Takes a service out of the catalogue: it can't be asked for any more, and its requests stay.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] if a version was expected.
    pub async fn retire_service(&self, id: ServiceId) -> Result<Service> {
        let change = ServiceChange { active: Some(false), ..ServiceChange::default() };
        self.edit_service(&("retire_service", id), id, &change).await
    }

    /// Deletes a service that nobody ever asked for or rated.
    ///
    /// # Errors
    /// [`Error::StillReferenced`] naming the foreign key; [`Error::NotFound`].
    pub async fn delete_service(&self, id: ServiceId) -> Result<()> {
        self.call()
            .run_deletion(&("delete_service", id), Needs::keys([id.into()]), |work| {
                let service: Service = work.target(id)?;
                work.delete(service.id);
                Ok(id)
            })
            .await
    }
}

fn by_status(counts: &[(Vec<String>, i128)]) -> BTreeMap<RequestStatus, u64> {
    let known = counts.iter().filter_map(|(words, count)| Some((words.first()?.parse().ok()?, *count)));
    known.map(|(status, count)| (status, u64::try_from(count).unwrap_or(0))).collect()
}

pub(super) fn by_stars(counts: &[(Vec<String>, i128)]) -> RatingFigures {
    let mut figures = RatingFigures::default();
    for (words, count) in counts {
        if let Some(stars) = words.first().and_then(|word| word.parse::<Stars>().ok()) {
            figures.add(stars, u64::try_from(*count).unwrap_or(0));
        }
    }
    figures
}

impl<R: StaffRole> Portal<R> {
    /// A service, retired or not.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn service(&self, id: ServiceId) -> Result<Service> {
        self.get(id).await
    }

    /// A page of the catalogue, retired services too unless the listing or the filter leaves them out.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit`; [`Error::InvalidCursor`].
    pub async fn services(&self, query: &Query<ServiceListing>) -> Result<Page<Service>> {
        self.list("services", query, Entity::Service).await
    }

    /// A page of the catalogue with how much each service is used: its requests by status, and its ratings.
    ///
    /// Two reads: the page, and the counters of its services a moment later. Costs O(log n + page), whatever the number
    /// of requests.
    ///
    /// # Errors
    /// [`Error::Invalid`] of field `limit` (at most [`limits::USAGE_BATCH_MAX`]); [`Error::InvalidCursor`].
    pub async fn service_usage(&self, query: &Query<ServiceListing>) -> Result<Page<ServiceUsage>> {
        if query.limit > limits::USAGE_BATCH_MAX {
            let max = limits::USAGE_BATCH_MAX.to_string();
            return Err(Error::invalid("limit", Reason::OutOfRange { min: "1".to_owned(), max }));
        }
        let page = self.services(query).await?;
        let families = [Counter::ServiceUsage, Counter::ServiceRatings];
        let of_service =
            |service: &Service| families.map(|counter| CountQuery { counter, prefix: vec![service.id.into()] });
        let counts = page.rows.iter().flat_map(of_service).collect();
        let counts = self.read(ReadSet { counts, ..ReadSet::default() }).await?.counts;
        let mut counts = counts.into_iter();
        Ok(page.map(|service| {
            let (requests, ratings) = (counts.next().unwrap_or_default(), counts.next().unwrap_or_default());
            ServiceUsage { service, requests: by_status(&requests), ratings: by_stars(&ratings) }
        }))
    }
}
