//! What the benchmarks share: a desk that has something on it.

use bsm::model::{Money, Role, Service, ServiceRequest};
use bsm::{Admin, Customer, Desk, NewService, NewUser, Result, SubmitRequest};

/// A desk with an admin, a customer and a service, ready to be worked on.
#[derive(Debug)]
pub struct Bench {
    /// The desk.
    pub desk: Desk,
    /// The admin's portal.
    pub admin: Admin,
    /// The customer's portal.
    pub customer: Customer,
    /// Something to ask for.
    pub service: Service,
}

impl Bench {
    /// Sets the desk of `address` up. It must be empty.
    ///
    /// # Errors
    /// What the store says.
    pub async fn on(address: &str) -> Result<Self> {
        let desk = bsm::open(address).await?;
        let root = desk.bootstrap(NewUser::new("Admin", "admin@example.org", Role::Admin)).await?;
        let admin = desk.admin(root.id);
        let customer = admin.create_user(NewUser::new("Customer", "customer@example.org", Role::Customer)).await?;
        let price: Money = "10.00 EUR".parse()?;
        let service = admin.create_service(NewService::new("Service", "Bench", price)).await?;
        let customer = desk.customer(customer.id);
        Ok(Self { desk, admin, customer, service })
    }

    /// Submits `count` requests.
    ///
    /// # Errors
    /// What the store says.
    pub async fn fill(&self, count: usize) -> Result<Vec<ServiceRequest>> {
        let mut requests = Vec::with_capacity(count);
        for _ in 0..count {
            requests.push(self.customer.submit_request(SubmitRequest::new(self.service.id)).await?);
        }
        Ok(requests)
    }
}
