//! By what customers list: what is theirs, and what is for everyone. Each is one of the desk's listings, narrowed; none
//! can be widened by what a caller puts into its query.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::model::{ArticleStatus, Entity, Phase, UserId};
use crate::store::Branch;

use super::listing::{
    ArticleFilter, ArticleListing, Listing, NoFilter, RatingListing, ServiceFilter, ServiceListing, WorkFilter,
    WorkListing,
};

/// By what customers list what is theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OwnListing {
    /// All of it.
    #[default]
    All,
    /// What is of a phase.
    Phase(Phase),
}

impl Listing for OwnListing {
    type Filter = WorkFilter;

    fn branches(&self, filter: &WorkFilter, sources: &[Entity], actor: UserId) -> Result<Vec<Branch>> {
        let listing = match self {
            Self::All => WorkListing::Customer(actor),
            Self::Phase(phase) => WorkListing::CustomerPhase(actor, *phase),
        };
        listing.branches(filter, sources, actor)
    }
}

/// By what customers list services: those that can be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CatalogueListing {
    /// All of them.
    #[default]
    All,
    /// Those of a category.
    Category(String),
}

impl Listing for CatalogueListing {
    type Filter = NoFilter;

    fn branches(&self, _: &NoFilter, sources: &[Entity], actor: UserId) -> Result<Vec<Branch>> {
        let listing = match self {
            Self::All => ServiceListing::Active(true),
            Self::Category(category) => ServiceListing::Category(category.clone()),
        };
        listing.branches(&ServiceFilter { active: Some(true) }, sources, actor)
    }
}

/// The ratings that a customer gave, as a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnRatings;

impl Listing for OwnRatings {
    type Filter = NoFilter;

    fn branches(&self, filter: &NoFilter, sources: &[Entity], actor: UserId) -> Result<Vec<Branch>> {
        RatingListing::Customer(actor).branches(filter, sources, actor)
    }
}

/// The published articles, as a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Published;

impl Listing for Published {
    type Filter = ArticleFilter;

    fn branches(&self, filter: &ArticleFilter, sources: &[Entity], actor: UserId) -> Result<Vec<Branch>> {
        ArticleListing::Status(ArticleStatus::Published).branches(filter, sources, actor)
    }
}
