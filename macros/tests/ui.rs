//! What the compiler says of a misused `#[memo]`, and of a misused library.
//!
//! The messages of the compiler change between releases: the expected ones are those of the pinned toolchain. After a
//! change, `TRYBUILD=overwrite cargo test -p rememo-macros --test ui` writes them anew, to be read before they are kept.

#[test]
fn every_misuse_is_a_compile_error_that_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn what_the_library_refuses_is_a_compile_error_that_says_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/library/*.rs");
}

#[test]
fn what_is_written_compiles_whatever_surrounds_it() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

/// The library is compiled without features for this.
#[test]
fn compression_without_its_feature_is_a_compile_error_that_names_it() {
    trybuild::TestCases::new().compile_fail("tests/ui/without_zstd/*.rs");
}
