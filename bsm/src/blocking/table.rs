//! How the tables of methods become methods: one line each, `name(arguments) -> answer;`, under the type that has them and
//! the async one that they are taken from. `tests.rs` compares the tables with the source of bsm-core.

/// Methods that wait for the async one of the same name.
macro_rules! mirror {
    ($(impl $($owner:ident),+ as $core:ident $methods:tt)+) => {$($(
        mirror!(@ $owner $core $methods);
    )+)+};
    (@ $owner:ident $core:ident { $($name:ident($($given:ident: $type:ty),*) -> $answer:ty;)+ }) => {
        impl $owner {$(
            #[doc = as_of!($core $name "waits for its answer. Errors and costs are the same.")]
            pub fn $name(&self, $($given: $type),*) -> $answer {
                self.runtime.wait(self.inner.$name($($given),*))
            }
        )+}
    };
}

/// Methods that wait for a watch to begin.
macro_rules! watches {
    ($(impl $($owner:ident),+ as $core:ident $methods:tt)+) => {$($(
        watches!(@ $owner $core $methods);
    )+)+};
    (@ $owner:ident $core:ident { $($name:ident($($given:ident: $type:ty),*) -> $answer:ty;)+ }) => {
        impl $owner {$(
            #[doc = as_of!($core $name "gives a watch that is an iterator. Errors and costs are the same.")]
            pub fn $name(&self, $($given: $type),*) -> $answer {
                let watch = self.runtime.wait(self.inner.$name($($given),*))?;
                Ok(Watch::on(watch, self.runtime.clone()))
            }
        )+}
    };
}

/// Methods that wait for nothing, and give another handle.
macro_rules! handles {
    ($(impl $($owner:ident),+ as $core:ident $methods:tt)+) => {$($(
        handles!(@ $owner $core $methods);
    )+)+};
    (@ $owner:ident $core:ident { $($name:ident($($given:ident: $type:ty),*) -> $answer:ident;)+ }) => {
        impl $owner {$(
            #[doc = as_of!($core $name "waits for nothing.")]
            pub fn $name(&self, $($given: $type),*) -> $answer {
                $answer { inner: self.inner.$name($($given),*), runtime: self.runtime.clone() }
            }
        )+}
    };
}

/// The documentation of a method: which one it is as.
macro_rules! as_of {
    ($core:ident $name:ident $what:literal) => {
        concat!(
            "As [`",
            stringify!($core),
            "::",
            stringify!($name),
            "`](crate::",
            stringify!($core),
            "::",
            stringify!($name),
            "), and ",
            $what
        )
    };
}

pub(super) use {as_of, handles, mirror, watches};
