//! Signed bearer tokens (JWT, RFC 7519).

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::request::Parts;
use bsm_core::model::{Role, Timestamp, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{AuthError, Authenticate, Principal, bearer};

/// The least length of a shared secret: the size of the hash (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// The most that clocks may differ by.
const LEEWAY_SECONDS: u64 = 24 * 60 * 60;

/// The secret is shorter than 32 bytes, and could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is shorter than 32 bytes")]
pub struct WeakSecret;

/// What is read of a token. Who signed it, for whom, and when it begins, the library checks in whatever form it is written.
#[derive(Deserialize)]
struct Said {
    sub: UserId,
    role: Role,
    exp: f64,
}

/// What a token of ours says.
#[derive(Serialize)]
struct Claims {
    /// The user's id.
    sub: UserId,
    /// The role.
    role: Role,
    /// When it ends, in seconds since 1970.
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
}

/// Bearer tokens that are signed: `sub` is the user's id, `role` the role, `exp` the end.
///
/// One algorithm is accepted, whatever a token's header says. A token without an end, or behind it, is refused; so is one
/// before its `nbf`, or of another issuer or audience where one is [set](Self::issuer).
///
/// ```
/// use std::time::Duration;
///
/// use bsm_core::model::{Role, UserId};
/// use bsm_http::auth::{Jwt, Principal};
///
/// let jwt = Jwt::hs256(b"thirty-two bytes or more of chance")?;
/// let ada = UserId::from_uuid(bsm_core::uuid::Uuid::nil());
/// let token = jwt.issue(Principal::new(ada, Role::Customer), Duration::from_secs(3600));
/// assert!(token.is_some_and(|token| token.starts_with("ey")));
/// # Ok::<(), bsm_http::auth::WeakSecret>(())
/// ```
#[derive(Clone)]
pub struct Jwt {
    algorithm: Algorithm,
    checks: DecodingKey,
    signs: Option<EncodingKey>,
    validation: Validation,
    issuer: Option<String>,
    audience: Option<String>,
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Jwt {
    /// Tokens signed by HMAC-SHA-256 with a secret that the application keeps.
    ///
    /// # Errors
    /// [`WeakSecret`] under 32 bytes.
    pub fn hs256(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < SECRET_BYTES {
            return Err(WeakSecret);
        }
        let mut jwt = Self::checked_by(Algorithm::HS256, DecodingKey::from_secret(secret));
        jwt.signs = Some(EncodingKey::from_secret(secret));
        Ok(jwt)
    }

    /// Tokens that somebody else signs: by the public key of an identity provider, and the one algorithm that it uses.
    pub fn checked_by(algorithm: Algorithm, key: DecodingKey) -> Self {
        // Where the application has the library's other back end too, it would choose neither. One that was chosen before stays.
        let _ = jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER.install_default();
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.validate_nbf = true;
        validation.validate_aud = false;
        Self { algorithm, checks: key, signs: None, validation, issuer: None, audience: None }
    }

    /// Only tokens of this issuer (`iss`).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        self.validation.set_issuer(&[&issuer]);
        self.validation.required_spec_claims.insert("iss".to_owned());
        self.issuer = Some(issuer);
        self
    }

    /// Only tokens for this audience (`aud`).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        let audience = audience.into();
        self.validation.set_audience(&[&audience]);
        self.validation.validate_aud = true;
        self.validation.required_spec_claims.insert("aud".to_owned());
        self.audience = Some(audience);
        self
    }

    /// How far clocks may differ at a token's end and beginning: 60 s unless told, a day at most.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.validation.leeway = leeway.as_secs().min(LEEWAY_SECONDS);
        self
    }

    /// A token for somebody, from now on for so long; `None` where the keys are somebody else's.
    pub fn issue(&self, principal: Principal, lasts: Duration) -> Option<String> {
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            sub: principal.user,
            role: principal.role,
            exp: Timestamp::now().micros().div_euclid(1_000_000).saturating_add(seconds),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        encode(&Header::new(self.algorithm), &claims, self.signs.as_ref()?).ok()
    }
}

#[async_trait]
impl Authenticate for Jwt {
    async fn principal(&self, parts: &Parts) -> Result<Principal, AuthError> {
        let token = bearer(parts)?;
        let said = decode::<Said>(token, &self.checks, &self.validation).map_err(|_| AuthError::Refused)?.claims;
        // It was checked to be a moment to come; one that no calendar holds is no end.
        let end =
            Duration::try_from_secs_f64(said.exp).ok().map(|end| end.as_secs().saturating_add(self.validation.leeway));
        let end = end.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
        let principal = Principal::new(said.sub, said.role);
        Ok(match end.and_then(|micros| Timestamp::from_micros(micros).ok()) {
            Some(end) => principal.until(end),
            None => principal,
        })
    }
}
