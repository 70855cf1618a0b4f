//! For tests: whoever the request says.

use async_trait::async_trait;
use axum::http::request::Parts;

use super::{AuthError, Authenticate, Principal, bearer};

/// Believes everybody: `Authorization: Bearer customer:0190163d-…` is that customer. For tests, and for nothing else.
///
/// ```
/// use bsm_core::model::{Role, UserId};
/// use bsm_http::auth::{Principal, Unchecked};
///
/// let ada = UserId::from_uuid(bsm_core::uuid::Uuid::nil());
/// let token = Unchecked::token(Principal::new(ada, Role::Customer));
/// assert_eq!(token, "customer:00000000-0000-0000-0000-000000000000");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Unchecked;

impl Unchecked {
    /// What such a request has as its bearer token.
    pub fn token(principal: Principal) -> String {
        format!("{}:{}", principal.role, principal.user)
    }
}

#[async_trait]
impl Authenticate for Unchecked {
    async fn principal(&self, parts: &Parts) -> Result<Principal, AuthError> {
        let (role, user) = bearer(parts)?.split_once(':').ok_or(AuthError::Refused)?;
        let role = role.parse().map_err(|_| AuthError::Refused)?;
        Ok(Principal::new(user.parse().map_err(|_| AuthError::Refused)?, role))
    }
}
