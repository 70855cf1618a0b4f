//! What commands on the catalogue and on articles do to the plain desk.

use super::ground::Ground;
use crate::model::{Article, ArticleId, ArticleStatus, Entity, Service, ServiceId, Version};
use crate::rules::limits;
use crate::schema::{Field, Relation};
use crate::{ArticleChange, Error, NewArticle, NewService, Patch, ServiceChange};

impl Ground<'_> {
    pub(super) fn create_service(&mut self, new: &NewService) {
        let faults = &mut self.faults;
        let service = Service {
            id: ServiceId::from_uuid(self.fresh),
            name: faults.line(Entity::Service, Field::Name, &new.name, limits::TITLE_CHARS),
            description: faults.lines(Entity::Service, Field::Description, &new.description, limits::DESCRIPTION_CHARS),
            category: faults.line(Entity::Service, Field::Category, &new.category, limits::CATEGORY_CHARS),
            price: new.price,
            needs_approval: new.needs_approval,
            active: true,
            version: Version::FIRST,
            updated_at: self.now,
        };
        self.insert(service, self.occurred());
    }

    pub(super) fn change_service(&mut self, id: ServiceId, change: &ServiceChange) {
        let Some(mut service) = self.target::<Service>(id) else { return };
        let faults = &mut self.faults;
        if let Some(name) = &change.name {
            service.name = faults.line(Entity::Service, Field::Name, name, limits::TITLE_CHARS);
        }
        if let Some(text) = &change.description {
            service.description = faults.lines(Entity::Service, Field::Description, text, limits::DESCRIPTION_CHARS);
        }
        if let Some(category) = &change.category {
            service.category = faults.line(Entity::Service, Field::Category, category, limits::CATEGORY_CHARS);
        }
        if let Some(price) = change.price {
            service.price = price;
        }
        if let Some(needs_approval) = change.needs_approval {
            service.needs_approval = needs_approval;
        }
        if let Some(active) = change.active {
            service.active = active;
        }
        self.answer_with(service);
    }

    pub(super) fn delete_service(&mut self, id: ServiceId) {
        if self.target::<Service>(id).is_none() {
            return;
        }
        if self.plain.requests.values().any(|request| request.service_id == id) {
            self.faults.add(&Error::StillReferenced { key: id.into(), relation: Relation::RequestService });
        }
        if self.plain.ratings.values().any(|rating| rating.service_id == id) {
            self.faults.add(&Error::StillReferenced { key: id.into(), relation: Relation::RatingService });
        }
        self.delete(id);
    }

    pub(super) fn create_article(&mut self, new: &NewArticle) {
        let faults = &mut self.faults;
        let article = Article {
            id: ArticleId::from_uuid(self.fresh),
            title: faults.line(Entity::Article, Field::Title, &new.title, limits::TITLE_CHARS),
            body: faults.some_lines(Entity::Article, Field::Body, &new.body, limits::BODY_CHARS),
            category: faults.maybe(Entity::Article, Field::Category, new.category.as_ref(), limits::CATEGORY_CHARS),
            status: ArticleStatus::Draft,
            author_id: self.call.actor,
            published_at: None,
            version: Version::FIRST,
            updated_at: self.now,
        };
        self.insert(article, self.occurred());
    }

    pub(super) fn change_article(&mut self, id: ArticleId, change: &ArticleChange) {
        let Some(mut article) = self.target::<Article>(id) else { return };
        let faults = &mut self.faults;
        if let Some(title) = &change.title {
            article.title = faults.line(Entity::Article, Field::Title, title, limits::TITLE_CHARS);
        }
        if let Some(body) = &change.body {
            article.body = faults.some_lines(Entity::Article, Field::Body, body, limits::BODY_CHARS);
        }
        match &change.category {
            Patch::Keep => {}
            Patch::Clear => article.category = None,
            Patch::Set(text) => {
                article.category = Some(faults.line(Entity::Article, Field::Category, text, limits::CATEGORY_CHARS));
            }
        }
        self.answer_with(article);
    }

    pub(super) fn set_article(&mut self, id: ArticleId, status: ArticleStatus) {
        let Some(mut article) = self.target::<Article>(id) else { return };
        if status == ArticleStatus::Published && article.status != ArticleStatus::Published {
            article.published_at = Some(self.occurred());
        }
        article.status = status;
        self.answer_with(article);
    }
}
