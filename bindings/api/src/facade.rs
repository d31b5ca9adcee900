//! The list of methods, told once and made into each language's own.
//!
//! A method's arguments are the facade's types; in its body they are the core's, and what the body returns is the
//! core's too. `paging: Option<Paging> = None` may be left out by a caller.

/// Makes a list of methods into the scaffolding, the Node methods and the TypeScript declarations.
macro_rules! facade {
    ($($list:tt)*) => {
        #[cfg(feature = "uniffi")]
        scaffolding! { $($list)* }
        #[cfg(feature = "napi")]
        node_methods! { $($list)* }
        #[cfg(test)]
        declarations! { $($list)* }
    };
}

#[cfg(feature = "uniffi")]
macro_rules! scaffolding {
    (impl $object:ident($this:ident) { $(
        $(#[doc = $doc:literal])+
        async fn $name:ident($($arg:ident: $ty:ty $(= $default:tt)?),*) -> $ok:ty $body:block
    )* }) => {
        #[uniffi::export]
        impl $object { $(
            $(#[doc = $doc])+
            #[uniffi::method(default($($($arg = $default,)?)*))]
            pub async fn $name(&self, $($arg: $ty),*) -> Result<$ok, crate::ChatError> {
                $(let $arg = crate::carry::Carried::into_core($arg, stringify!($arg))?;)*
                let $this = self.core.clone();
                crate::carry::carry(&crate::runtime::run(async move $body).await?)
            }
        )* }
    };
}

#[cfg(feature = "napi")]
macro_rules! node_methods {
    (impl $object:ident($this:ident) { $(
        $(#[doc = $doc:literal])+
        async fn $name:ident($($arg:ident: $ty:ty $(= $default:tt)?),*) -> $ok:ty $body:block
    )* }) => {
        // In a module of its own, where the class of the addon bears the name.
        mod in_node {
            use super::*;
            use crate::node::$object;

            #[napi_derive::napi]
            impl $object { $(
                $(#[doc = $doc])+
                #[napi]
                #[allow(unused_mut, unused_variables, reason = "some take no arguments")]
                pub fn $name<'env>(
                    &self,
                    env: &'env napi::Env,
                    args: String,
                ) -> napi::Result<napi::bindgen_prelude::Object<'env>> {
                    let $this = self.0.core.clone();
                    crate::node::promise(env, async move {
                        let mut args = crate::node::Args::parse(&args)?;
                        $(let $arg = args.next::<<$ty as crate::carry::Carried>::Core>(stringify!($arg))?;)*
                        crate::carry::write(&crate::runtime::run(async move $body).await?)
                    })
                }
            )* }
        }
    };
}

#[cfg(test)]
macro_rules! declarations {
    (impl $object:ident($this:ident) { $(
        $(#[doc = $doc:literal])+
        async fn $name:ident($($arg:ident: $ty:ty $(= $default:tt)?),*) -> $ok:ty $body:block
    )* }) => {
        /// The methods, for TypeScript.
        pub(crate) fn declarations() -> Vec<crate::tests::Method> {
            vec![$(crate::tests::Method {
                docs: vec![$($doc),+],
                name: stringify!($name),
                args: vec![$((stringify!($arg), crate::tests::type_of::<$ty>())),*],
                returns: crate::tests::type_of::<$ok>(),
            }),*]
        }
    };
}
