//! One spelling for every enum: the same word in JSON, SQL, Python and HTTP, and one byte in keys and values.
//!
//! The macros here are the only place that turns an enum of the model into text or bytes and back. Codes are part of
//! the storage format: they are appended to, never renumbered.

/// Implements text and serde forms for a type that already has `ALL`, `as_str`, `code` and `NAME`.
macro_rules! spelled_impls {
    ($name:ident) => {
        impl $name {
            /// The value that [`Self::code`] stands for, if there is one.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::Error;

            /// Reads the one spelling; anything else is [`Error::Invalid`](crate::Error::Invalid) naming the field.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    $crate::Error::invalid(
                        Self::NAME,
                        $crate::Reason::UnknownWord { legal: Self::ALL.iter().map(|value| value.as_str()).collect() },
                    )
                })
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(self.as_str())
                } else {
                    serializer.serialize_u8(self.code())
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use ::serde::de::Error as _;
                if deserializer.is_human_readable() {
                    let text = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    let code = u8::deserialize(deserializer)?;
                    Self::from_code(code).ok_or_else(|| D::Error::custom(format_args!("{code} is no {}", Self::NAME)))
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::model::openapi::words(Self::ALL.iter().map(|value| value.as_str()))
            }
        }

        #[cfg(feature = "openapi")]
        impl ::utoipa::ToSchema for $name {}

        impl From<$name> for $crate::model::Value<'static> {
            fn from(value: $name) -> Self {
                $crate::model::Value::Token { code: value.code(), text: value.as_str() }
            }
        }
    };
}

/// Declares an enum of bare words: `Variant = code => "spelling"`.
macro_rules! spelled {
    (
        $(#[$meta:meta])*
        pub enum $name:ident as $field:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $code:literal => $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// The name of the field that holds it.
            pub const NAME: &'static str = $field;
            /// Every value, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The one spelling of the value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The byte that stands for the value in keys and stored values. Never changes.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }
        }

        $crate::model::spelled::spelled_impls!($name);
    };
}

pub(crate) use {spelled, spelled_impls};
