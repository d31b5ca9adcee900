//! Writes the Kotlin, Swift and Python code that belongs to the library.

fn main() {
    uniffi::uniffi_bindgen_main();
}
