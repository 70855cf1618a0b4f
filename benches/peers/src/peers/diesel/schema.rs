//! The tables, as `diesel print-schema` would write them down.

diesel::table! {
    users (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        full_name -> Text,
        email -> Text,
        role -> Text,
        active -> Bool,
        external_ref -> Nullable<Text>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    customer_services (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        name -> Text,
        description -> Text,
        category -> Text,
        price -> Numeric,
        currency -> Text,
        needs_approval -> Bool,
        active -> Bool,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    customer_ratings (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        service_id -> Uuid,
        customer_id -> Uuid,
        rating -> Int2,
        review -> Text,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    customer_service_requests (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        number -> Int8,
        service_id -> Uuid,
        customer_id -> Uuid,
        details -> Text,
        status -> Text,
        phase -> Text,
        needs_approval -> Bool,
        price -> Numeric,
        currency -> Text,
        scheduled_for -> Nullable<Timestamptz>,
        fulfilled_at -> Nullable<Timestamptz>,
        ticket_id -> Nullable<Uuid>,
        rating_id -> Nullable<Uuid>,
        rated -> Bool,
        external_ref -> Nullable<Text>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tickets (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        number -> Int8,
        title -> Text,
        description -> Text,
        status -> Text,
        phase -> Text,
        impact -> Text,
        urgency -> Text,
        priority -> Text,
        priority_overridden -> Bool,
        category -> Nullable<Text>,
        subcategory -> Nullable<Text>,
        channel -> Text,
        assignment_group -> Nullable<Text>,
        assigned_to -> Nullable<Uuid>,
        created_by -> Uuid,
        requested_for -> Nullable<Uuid>,
        request_id -> Nullable<Uuid>,
        follow_up_of -> Nullable<Uuid>,
        reopen_count -> Int8,
        resolved_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        external_ref -> Nullable<Text>,
        version -> Int8,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    history (entity, row_id, version) {
        entity -> Text,
        row_id -> Uuid,
        version -> Int8,
        action -> Text,
        actor -> Nullable<Uuid>,
        occurred_at -> Timestamptz,
        recorded_at -> Timestamptz,
        subject -> Nullable<Uuid>,
        changes -> Jsonb,
    }
}

diesel::table! {
    feed (id) {
        id -> Int8,
        recorded_at -> Timestamptz,
        changes -> Jsonb,
        subjects -> Array<Uuid>,
    }
}

diesel::table! {
    counters (family, names, shard) {
        family -> Text,
        names -> Array<Text>,
        shard -> Int2,
        amount -> Numeric,
        scale -> Int2,
    }
}

diesel::table! {
    unified_tickets_view (id) {
        source -> Text,
        id -> Uuid,
        ticket_id -> Nullable<Uuid>,
        request_id -> Nullable<Uuid>,
        number -> Text,
        title -> Nullable<Text>,
        status -> Text,
        phase -> Text,
        priority -> Nullable<Text>,
        category -> Nullable<Text>,
        customer_id -> Nullable<Uuid>,
        customer_name -> Nullable<Text>,
        customer_email -> Nullable<Text>,
        assigned_to -> Nullable<Uuid>,
        assignee_name -> Nullable<Text>,
        assignee_email -> Nullable<Text>,
        service_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tickets, users);
diesel::allow_tables_to_appear_in_same_query!(customer_services, customer_service_requests);
