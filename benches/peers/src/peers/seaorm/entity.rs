//! The tables as entities, as `sea-orm-cli generate entity` would write them down.

/// A user.
pub mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub created_at: DateTimeUtc,
        pub full_name: String,
        pub email: String,
        pub role: String,
        pub active: bool,
        pub external_ref: Option<String>,
        pub version: i64,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A service.
pub mod service {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "customer_services")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub created_at: DateTimeUtc,
        pub name: String,
        pub description: String,
        pub category: String,
        pub price: Decimal,
        pub currency: String,
        pub needs_approval: bool,
        pub active: bool,
        pub version: i64,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A rating.
pub mod rating {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "customer_ratings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub created_at: DateTimeUtc,
        pub service_id: Uuid,
        pub customer_id: Uuid,
        pub rating: i16,
        pub review: String,
        pub version: i64,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A request.
pub mod request {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "customer_service_requests")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub created_at: DateTimeUtc,
        pub number: i64,
        pub service_id: Uuid,
        pub customer_id: Uuid,
        pub details: String,
        pub status: String,
        pub phase: String,
        pub needs_approval: bool,
        pub price: Decimal,
        pub currency: String,
        pub scheduled_for: Option<DateTimeUtc>,
        pub fulfilled_at: Option<DateTimeUtc>,
        pub ticket_id: Option<Uuid>,
        pub rating_id: Option<Uuid>,
        pub rated: bool,
        pub external_ref: Option<String>,
        pub version: i64,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A ticket.
pub mod ticket {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tickets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub created_at: DateTimeUtc,
        pub number: i64,
        pub title: String,
        pub description: String,
        pub status: String,
        pub phase: String,
        pub impact: String,
        pub urgency: String,
        pub priority: String,
        pub priority_overridden: bool,
        pub category: Option<String>,
        pub subcategory: Option<String>,
        pub channel: String,
        pub assignment_group: Option<String>,
        pub assigned_to: Option<Uuid>,
        pub created_by: Uuid,
        pub requested_for: Option<Uuid>,
        pub request_id: Option<Uuid>,
        pub follow_up_of: Option<Uuid>,
        pub reopen_count: i64,
        pub resolved_at: Option<DateTimeUtc>,
        pub closed_at: Option<DateTimeUtc>,
        pub external_ref: Option<String>,
        pub version: i64,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::RequestedFor", to = "super::user::Column::Id")]
        Customer,
        #[sea_orm(belongs_to = "super::user::Entity", from = "Column::AssignedTo", to = "super::user::Column::Id")]
        Assignee,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An entry of history.
pub mod history {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "history")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub entity: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub row_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        pub action: String,
        pub actor: Option<Uuid>,
        pub occurred_at: DateTimeUtc,
        pub recorded_at: DateTimeUtc,
        pub subject: Option<Uuid>,
        #[sea_orm(column_type = "JsonBinary")]
        pub changes: Json,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An event of the feed.
pub mod event {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "feed")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub recorded_at: DateTimeUtc,
        #[sea_orm(column_type = "JsonBinary")]
        pub changes: Json,
        pub subjects: Vec<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A shard of a counter.
pub mod counter {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "counters")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub family: String,
        // Of the key too, but an entity's key has no arrays.
        pub names: Vec<String>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub shard: i16,
        pub amount: Decimal,
        pub scale: i16,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A row of the view of everything.
pub mod listed {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "unified_tickets_view")]
    pub struct Model {
        pub source: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub ticket_id: Option<Uuid>,
        pub request_id: Option<Uuid>,
        pub number: String,
        pub title: Option<String>,
        pub status: String,
        pub phase: String,
        pub priority: Option<String>,
        pub category: Option<String>,
        pub customer_id: Option<Uuid>,
        pub customer_name: Option<String>,
        pub customer_email: Option<String>,
        pub assigned_to: Option<Uuid>,
        pub assignee_name: Option<String>,
        pub assignee_email: Option<String>,
        pub service_id: Option<Uuid>,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
