use crate::reach::tests::package::Package;

/// The fingerprint of `demo::f`, a generic function in a package with this code beside it.
fn fingerprint(code: &str) -> [u8; 32] {
    let library = format!("pub trait Kind {{}} fn f<T: Kind>() -> u8 {{ 1 }} {code}");
    Package::new(&[("src/lib.rs", &library)]).fingerprint("demo::f").digest
}

const FIRST: &str = "{ use one::HERE; struct Local; impl Kind for Local {} HERE; }";
const SECOND: &str = "{ struct Local; impl Kind for Local {} HERE; }";

#[test]
fn blocks_with_types_of_one_name_belong_to_these() {
    let function =
        |name: &str, first: &str, second: &str| fingerprint(&format!("fn {name}() {{ {first} {second} }}"));
    assert_ne!(function("g", FIRST, SECOND), function("g", SECOND, FIRST));
    assert_ne!(
        function("g", FIRST, SECOND),
        function("g", FIRST, "{ struct Local; impl Kind for Local {} 7; }")
    );
    // Where each has a name of its own, what is around them does not matter.
    let other = SECOND.replace("Local", "Other");
    assert_eq!(function("g", FIRST, &other), function("g", &other, FIRST));
}

#[test]
fn so_do_those_of_inner_functions_modules_constants_and_methods() {
    for around in [
        "fn g() { { fn h() { A } } { fn h() { B } } }",
        "const _: () = A; const _: () = B;",
        "struct S; impl S { fn g() { A B } }",
        "fn g() { { struct S; impl S { fn h() A } } { struct S; impl S { fn h() B } } }",
        "fn g() { || A; || B; }",
    ] {
        let with = |first: &str, second: &str| fingerprint(&around.replace('A', first).replace('B', second));
        assert_ne!(with(FIRST, SECOND), with(SECOND, FIRST), "{around}");
    }
}

#[test]
fn so_do_those_of_modules_in_blocks() {
    let block = |import: &str| {
        format!("{{ mod m {{ {import} struct Local; impl Kind for Local {{}} const A: u8 = HERE; }} }}")
    };
    let with =
        |first: &str, second: &str| fingerprint(&format!("fn g() {{ {} {} }}", block(first), block(second)));
    assert_ne!(with("use one::HERE;", ""), with("", "use one::HERE;"));
}

#[test]
fn types_that_macros_make_in_bodies_have_no_names_that_are_known() {
    let make = "macro_rules! make { ($name:ident) => { struct $name; impl Kind for $name {} } }";
    let with =
        |first: &str, second: &str| fingerprint(&format!("{make} fn g() {{ {{ {first} }} {{ {second} }} }}"));
    assert_ne!(with("make!(A); 1;", "make!(A); 2;"), with("make!(A); 2;", "make!(A); 1;"));
}

#[test]
fn methods_of_several_types_share_nothing() {
    let methods = |a: &str, b: &str| {
        format!("struct A; struct B; impl A {{ fn g() {{ {a} }} }} impl B {{ fn g() {{ {b} }} }}")
    };
    let local = |text: &str| format!("struct Local; impl Kind for Local {{}} {text}");
    assert_eq!(
        fingerprint(&methods(&local("1;"), &local("2;"))),
        fingerprint(&methods(&local("3;"), &local("2;")))
    );
}

#[test]
fn a_memoized_function_with_a_namesake_has_all_that_is_around_it() {
    let around = |second: &str| {
        let library = format!("fn g() {{ {{ fn f() -> u8 {{ 1 }} }} {{ {second} }} }}");
        Package::new(&[("src/lib.rs", &library)])
    };
    let digest = |second: &str| around(second).fingerprint("demo::g::f").digest;
    assert_ne!(digest("fn f() -> u8 { 1 } 7;"), digest("fn f() -> u8 { 1 } 8;"));
    assert_eq!(digest("fn h() -> u8 { 1 } 7;"), digest("fn h() -> u8 { 1 } 8;"));
    assert!(around("fn f() -> u8 { 1 }").reached("demo::g::f").contains("around demo::g"));
}
