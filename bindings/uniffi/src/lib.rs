//! The library that Kotlin, Swift and Python load: the scaffolding of `chat_api`.

chat_api::uniffi_reexport_scaffolding!();
