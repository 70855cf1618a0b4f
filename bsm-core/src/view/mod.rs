//! What portals show: lists with their listings, filters and pages, and the rows and figures of the four views.

mod choice;
mod cursor;
mod feedback;
mod listing;
mod own;
mod page;
mod rows;
mod summary;

pub use cursor::Cursor;
pub use feedback::RatingFigures;
pub use listing::{
    ArticleFilter, ArticleListing, Listing, NoFilter, RatingListing, ServiceFilter, ServiceListing, Source,
    UserListing, WorkFilter, WorkListing,
};
pub use own::{CatalogueListing, OwnListing, OwnRatings, Published};
pub use page::{Page, Query};
pub(crate) use page::{Walk, page_size};
pub use rows::{Person, RatingRow, RequestRow, ServiceUsage, UnifiedTicket, WorkStatus};
pub(crate) use rows::{Related, UNIFIED};
pub use summary::{Revenue, Summary};
