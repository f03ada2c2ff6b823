use super::*;

/// The messages of all errors, in order; none if the function can be memoized.
fn messages(options: &str, item: &str) -> Vec<String> {
    let options = Options::parse(options.parse().unwrap()).unwrap();
    let result = function(item.parse().unwrap())
        .and_then(|function| Memoized::new(&function, Standing::Unknown, &options).map(|_| ()));
    result.err().into_iter().flatten().map(|error| error.to_string()).collect()
}

#[track_caller]
fn refused(item: &str, message: &str) {
    let messages = messages("", item);
    assert!(messages.len() == 1 && messages[0].contains(message), "{item}: {messages:?}");
}

#[track_caller]
fn accepted(options: &str, item: &str) {
    assert_eq!(messages(options, item), [""; 0], "{item}");
}

#[test]
fn what_is_not_a_function_is_named() {
    for (item, kind) in [
        ("struct A;", "a struct"),
        ("enum A {}", "an enum"),
        ("impl A { fn f(&self) -> u8 { 1 } }", "an impl block"),
        ("trait A {}", "a trait"),
        ("const A: u8 = 1;", "a constant"),
        ("static A: u8 = 1;", "a static"),
        ("mod a {}", "a module"),
        ("type A = u8;", "a type alias"),
        ("use a::b;", "an import"),
        ("macro_rules! a { () => {}; }", "a macro"),
    ] {
        refused(item, &format!("takes a function, not {kind}"));
    }
    refused(r#"#[doc = "D"] pub fn f(&self) -> u8;"#, "takes a function with a body");
}

#[test]
fn qualifiers_are_refused() {
    for (item, message) in [
        ("unsafe fn f() -> u8 { 1 }", "cannot be `unsafe`"),
        ("const fn f() -> u8 { 1 }", "cannot be `const`"),
        ("async fn f() -> u8 { 1 }", "cannot be `async`"),
        (r#"extern "C" fn f() -> u8 { 1 }"#, "cannot be `extern`"),
        ("fn f(...) -> u8 { 1 }", "cannot be variadic"),
    ] {
        refused(item, message);
    }
}

#[test]
fn only_a_shared_receiver_is_taken() {
    for item in [
        "fn f(self) -> u8 { 1 }",
        "fn f(mut self) -> u8 { 1 }",
        "fn f(&mut self) -> u8 { 1 }",
        "fn f(&'a mut self) -> u8 { 1 }",
        "fn f(self: Box<Self>) -> u8 { 1 }",
        "fn f(self: &Self) -> u8 { 1 }",
    ] {
        refused(item, "a memoized method takes `&self`");
    }
    accepted("", "fn f(&self, x: Self) -> Self { Self::g(x) }");
    accepted("", "fn f<'a>(&'a self) -> u8 { 1 }");
}

/// Whether a function that stands there is a member of an impl block; the messages if it is refused.
fn associated(standing: Standing, options: &str, item: &str) -> Result<bool, Vec<String>> {
    let options = Options::parse(options.parse().unwrap()).unwrap();
    let function = function(item.parse().unwrap()).unwrap();
    let memoized = Memoized::new(&function, standing, &options);
    memoized
        .map(|memoized| memoized.is_associated)
        .map_err(|errors| errors.into_iter().map(|error| error.to_string()).collect())
}

#[test]
fn a_function_is_a_member_where_it_stands_in_an_impl_block() {
    let plain = "fn f(x: u8) -> u8 { 1 }";
    assert_eq!(associated(Standing::Inherent, "", plain), Ok(true));
    assert_eq!(associated(Standing::Free, "", plain), Ok(false));
    let refused = |standing, options| associated(standing, options, plain).unwrap_err().concat();
    assert!(refused(Standing::OfTrait, "").contains("in the impl block of a trait"));
    assert!(refused(Standing::InTrait, "").contains("in a trait"));
    assert!(refused(Standing::Free, "associated").contains("remove `associated`"));
}

#[test]
fn without_a_source_a_receiver_or_self_or_an_option_says_so() {
    let unknown = |options, item| associated(Standing::Unknown, options, item).unwrap();
    for item in [
        "fn f(&self) -> u8 { 1 }",
        "fn f(x: Self) -> u8 { 1 }",
        "fn f(x: u8) -> Vec<Self> { todo!() }",
        "fn f(x: u8) -> u8 { Self::g(x) }",
        "fn f(x: u8) -> <Self as A>::B { g(x) }",
    ] {
        assert!(unknown("", item), "{item}");
    }
    let plain = "fn f() -> u8 { impl A { fn g() -> Self { Self } } 1 }";
    assert!(!unknown("", plain) && unknown("associated", plain));
}

#[test]
fn a_free_function_hides_no_primitive_type_and_no_crate_that_it_uses() {
    for name in ["f64", "str", "bool", "usize"] {
        let item = format!("fn {name}(x: u8) -> u8 {{ 1 }}");
        refused(&item, "the name of a primitive type");
        assert_eq!(associated(Standing::Inherent, "", &item), Ok(true));
    }
    for body in ["std::mem::take(x)", "g!(x, [std::A; 2])", "{ use std::{a, b}; 1 }", "std::r#type::A"] {
        refused(&format!("fn std(x: u8) -> u8 {{ {body} }}"), "write `::std::`");
    }
    for body in
        ["std::uncached(x)", "::std::mem::take(x)", "a::std::b(x)", "other::A", "std(x)", "std :: info()"]
    {
        accepted("", &format!("fn std(x: u8) -> u8 {{ {body} }}"));
    }
    accepted("", "fn not_a_crate(x: u8) -> u8 { not_a_crate::new(x) }");
}

#[test]
fn a_mutable_reference_is_refused_wherever_it_stands() {
    for item in [
        "fn f(x: &mut u8) -> u8 { 1 }",
        "fn f(x: Vec<(u8, &mut u8)>) -> u8 { 1 }",
        "fn f(x: &[Option<&'a mut u8>]) -> u8 { 1 }",
    ] {
        refused(item, "a change made through `&mut` would not happen on a hit");
        assert_eq!(messages("ignore(x)", item).len(), 1);
    }
    accepted("ignore(x)", "fn f(x: &dyn Fn(&mut u8)) -> u8 { 1 }");
}

#[test]
fn types_without_a_key_are_refused_unless_ignored() {
    for (item, message) in [
        ("fn f(x: &HashSet<u8>) -> u8 { 1 }", "use `BTreeSet`"),
        ("fn f(x: Vec<std::collections::HashSet<u8>>) -> u8 { 1 }", "use `BTreeSet`"),
        ("fn f(x: rustc_hash::FxHashSet<u8>) -> u8 { 1 }", "use `BTreeSet`"),
        ("fn f(x: *const u8) -> u8 { 1 }", "a raw pointer has no key"),
        ("fn f(x: [*mut u8; 2]) -> u8 { 1 }", "a raw pointer has no key"),
        ("fn f(x: fn(&mut u8) -> u8) -> u8 { 1 }", "a function pointer has no key"),
        ("fn f(x: Box<dyn Shape>) -> u8 { 1 }", "a trait object has no key"),
        ("fn f(x: &dyn Fn(u8)) -> u8 { 1 }", "a trait object has no key"),
        ("fn f<F: Fn(u8) -> u8>(x: F) -> u8 { 1 }", "a closure has no key"),
        ("fn f<F>(x: F) -> u8 where F: Send + std::ops::FnOnce(u8) { 1 }", "a closure has no key"),
    ] {
        refused(item, message);
        accepted("ignore(x)", item);
    }
    accepted("", "fn f(x: HashMap<u8, BTreeSet<u8>>) -> HashSet<u8> { g(x) }");
}

#[test]
fn an_anonymous_parameter_type_is_refused() {
    refused("fn f(x: impl Shape) -> u8 { 1 }", "declare a type parameter");
    refused("fn f(x: &impl Shape) -> u8 { 1 }", "declare a type parameter");
    refused("fn f(x: impl Fn(u8) -> u8) -> u8 { 1 }", "a closure has no key");
    let ignored = messages("ignore(x)", "fn f(x: impl Fn(u8) -> u8) -> u8 { 1 }");
    assert!(ignored[0].contains("declare a type parameter"), "{ignored:?}");
}

#[test]
fn a_parameter_needs_a_name() {
    for item in [
        "fn f(_: u8) -> u8 { 1 }",
        "fn f((a, b): (u8, u8)) -> u8 { 1 }",
        "fn f(Point { x }: Point) -> u8 { 1 }",
        "fn f(&x: &u8) -> u8 { 1 }",
    ] {
        refused(item, "needs a name");
    }
    refused("fn f(ref x: u8) -> u8 { 1 }", "cannot be `ref`: write `x: &…`");
    refused("fn f(x @ (a, b): (u8, u8)) -> u8 { 1 }", "needs a name");
    refused("fn f(#[cfg(unix)] x: u8) -> u8 { 1 }", "cannot depend on `cfg`");
    accepted("", "fn f(mut x: u8, #[allow(unused)] y: u8) -> u8 { x += y; x }");
}

#[test]
fn ignore_names_parameters_each_once() {
    let function = "fn f(seed: u64, r#type: u8) -> u8 { 1 }";
    accepted("ignore(seed, r#type)", function);
    assert_eq!(
        messages("ignore(sead, seed, seed)", function),
        [
            "there is no parameter `sead` to ignore: the parameters are `seed`, `r#type`",
            "parameter `seed` is ignored twice: keep one"
        ]
    );
    assert_eq!(
        messages("ignore(x)", "fn f() -> u8 { 1 }"),
        ["there is no parameter `x` to ignore: the function has none, so remove `ignore`"]
    );
    let ignored = messages("ignore(self)", "fn f(&self) -> u8 { 1 }");
    assert!(ignored[0].starts_with("`self` cannot be ignored"), "{ignored:?}");
}

#[test]
fn an_output_that_cannot_be_kept_is_refused() {
    for (item, message) in [
        ("fn f(x: &str) -> &str { x }", "return an owned value"),
        (r#"fn f() -> &'static str { "" }"#, "return an owned value"),
        ("fn f() -> Vec<&'static str> { g() }", "return an owned value"),
        ("fn f(x: &str) -> Cow<'_, str> { g(x) }", "return an owned value"),
        ("fn f<'a>(x: &'a str) -> Parsed<'a> { g(x) }", "return an owned value"),
        ("fn f() -> impl Iterator<Item = u8> { g() }", "name the type that is returned"),
        ("fn f() -> ! { loop {} }", "never returns"),
        ("fn f() {}", "return what it computes"),
    ] {
        refused(item, message);
    }
    accepted("", "fn f() -> () {}");
    accepted("", "fn f() -> Cow<'static, str> { g() }");
}

#[test]
fn ordinary_functions_are_accepted() {
    for item in [
        "pub(crate) fn f<'a, T: Shape, const N: usize>(x: [T; N], y: &'a str) -> T::Area where T: Copy { g() }",
        "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8, q: u8) -> Result<u8, Error> { h() }",
    ] {
        accepted("", item);
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let function = "unsafe fn f(self, _: &HashSet<u8>, x: &mut u8) {}";
    assert_eq!(messages("", function).len(), 6);
}
