//! Walking a list to its end, page by page: what a program does that wants all of it.

use bsm::Result;
use bsm::view::{Listing, Page, Query};

/// All rows of a list, in its order: asks for page after page until there is none.
///
/// Costs a call for each page, and the memory of all rows. What is made meanwhile may or may not be among them.
///
/// # Errors
/// What `page` says; what was read by then is given up.
///
/// ```
/// use bsm::model::Role;
/// use bsm::view::{Query, UserListing};
/// use bsm::NewUser;
/// use bsm_examples::paging::all;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> bsm::Result<()> {
/// let desk = bsm::open("memory:").await?;
/// let root = desk.bootstrap(NewUser::new("Grace Hopper", "grace@example.org", Role::Admin)).await?;
/// let admin = desk.admin(root.id);
/// let users = all(Query::of(UserListing::All).limit(1), async |query| admin.users(query).await).await?;
/// assert_eq!(users, [root]);
/// # Ok(())
/// # }
/// ```
pub async fn all<T, L: Listing>(
    mut query: Query<L>,
    page: impl AsyncFn(&Query<L>) -> Result<Page<T>>,
) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    loop {
        let Page { rows: more, next, .. } = page(&query).await?;
        rows.extend(more);
        match next {
            Some(next) => query = query.cursor(next),
            None => return Ok(rows),
        }
    }
}
