//! How a portal lists: from a query to a page of what the actor may see.

use crate::Result;
use crate::model::{Entity, Row};
use crate::schema::Relation;
use crate::store::ReadSet;
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

    /// A page of rows that `turn` makes of what stands in the list and of what that names by `include`.
    pub(super) async fn page<T, L: Listing>(
        &self,
        name: &'static str,
        query: &Query<L>,
        sources: &[Entity],
        include: &[Relation],
        turn: impl Fn(&Related, Row) -> Option<T>,
    ) -> Result<Page<T>> {
        let (walk, scan) = Walk::begin(name, self.actor(), query, sources, include)?;
        let answers = self.read(ReadSet { scan: Some(scan), ..ReadSet::default() }).await?;
        let mut scanned = answers.scanned.unwrap_or_default();
        let scope = self.scope();
        // What a row names is not always the actor's to see: a customer is not told who works on their ticket.
        let related = std::mem::take(&mut scanned.related).into_iter().filter(|row| scope.sees(row));
        let related = Related::new(related);
        let Page { rows, next, previous } = walk.end(scanned);
        // The listing of a portal never holds what its actor may not see; this makes sure of it.
        let seen = rows.into_iter().filter(|row| scope.sees(row));
        Ok(Page { rows: seen.filter_map(|row| turn(&related, row)).collect(), next, previous })
    }
}
