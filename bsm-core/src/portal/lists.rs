//! How a portal lists: from a query to a page of what the actor may see.

use crate::Result;
use crate::model::{Entity, Row};
use crate::schema::Relation;
use crate::store::{Answers, ReadSet};
use crate::view::{Listing, Page, Query, Related, Walk};

use super::{Portal, PortalRole};

impl<R: PortalRole> Portal<R> {
    /// A page of rows of one entity, as they are.
    pub(super) async fn list<T: TryFrom<Row>, L: Listing>(
        &self,
        name: &'static str,
        query: &Query<L>,
        source: Entity,
    ) -> Result<Page<T>> {
        self.page(name, query, &[source], &[], |_, row| T::try_from(row).ok()).await
    }

    /// A page of rows that `turn` makes of what stands in the list and of what that names by `follow`.
    pub(super) async fn page<T, L: Listing>(
        &self,
        name: &'static str,
        query: &Query<L>,
        sources: &[Entity],
        follow: &[Relation],
        turn: impl Fn(&Related, Row) -> Option<T>,
    ) -> Result<Page<T>> {
        let (walk, scan) = Walk::begin(name, self.actor(), query, sources)?;
        let set = ReadSet { scan: Some(scan), follow: follow.to_vec(), ..ReadSet::default() };
        let Answers { scanned, followed, .. } = self.read(set).await?;
        let scope = self.scope();
        // What a row names is not always the actor's to see: a customer is not told who works on their ticket.
        let related = Related::new(followed.into_iter().filter(|row| scope.sees(row)));
        let Page { rows, next, previous } = walk.end(scanned.unwrap_or_default());
        // The listing of a portal never holds what its actor may not see; this makes sure of it.
        let seen = rows.into_iter().filter(|row| scope.sees(row));
        Ok(Page { rows: seen.filter_map(|row| turn(&related, row)).collect(), next, previous })
    }
}
