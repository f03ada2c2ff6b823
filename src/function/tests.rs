use std::marker::PhantomData;

use super::*;

fn function(types: &'static str) -> Function {
    let definition = Definition {
        types: types.as_bytes(),
        name: Some("shop::price"),
        ..Function::by_name("a pattern").definition().clone()
    };
    let function = Function::new(definition);
    assert!(function.name.set(function.settle("shop::price".to_owned(), String::new())).is_ok());
    function
}

fn instance<T>() -> Instance {
    fn instance<T>() {}
    Instance::new::<_, (PhantomData<T>,), u64>(&Parameters::of(&instance::<T>))
}

/// Two types of one name.
fn twins() -> [Instance; 2] {
    let first = {
        struct Local;
        instance::<Local>()
    };
    let second = {
        struct Local;
        instance::<Local>()
    };
    [first, second]
}

#[test]
fn types_of_one_name_are_told_apart_unless_it_is_said_to_mean_one() {
    let [first, second] = twins();
    let function = function("");
    let [one, other] = [&first, &second].map(|instance| function.source_identity(instance).unwrap());
    assert_ne!(one, other);
    assert_eq!(function.source_identity(&first), Ok(one));
    assert_eq!(
        function.source_identity(&instance::<u64>()),
        self::function("any::*").source_identity(&instance::<u64>())
    );
}

/// The list of the macro may be wrong. Then this is all there is between two types and one entry.
#[test]
fn a_process_that_meets_two_types_of_one_name_remembers_neither() {
    let [first, second] = twins();
    let function = function("rememo::function::tests::twins::Local");
    assert!(function.source_identity(&first).is_ok() && function.source_identity(&instance::<u8>()).is_ok());
    assert_eq!(function.source_identity(&second), Err(Unknown::Twin));
    assert_eq!(function.source_identity(&first), Err(Unknown::Twin));
    assert!(function.source_identity(&instance::<u8>()).is_ok(), "others are as before");
    // Another record of the same function, as each copy of a generic one in another crate would be.
    let copy = self::function("rememo::function::tests::twins::Local");
    assert_eq!(copy.source_identity(&first), Err(Unknown::Twin));
}

#[test]
fn records_of_one_function_with_the_same_types_are_one() {
    struct Local;
    let known = "rememo::function::tests::records_of_one_function_with_the_same_types_are_one::Local";
    let (one, other) = (function(known), function(known));
    assert_eq!(one.source_identity(&instance::<Local>()), other.source_identity(&instance::<Local>()));
    assert!(one.source_identity(&instance::<Local>()).is_ok());
}

#[test]
fn an_instance_of_a_closure_is_unknown_and_one_of_a_type_in_a_closure_is_not() {
    fn of<T>(_: &T) -> Instance {
        instance::<T>()
    }
    let function = function("");
    let closure = || {
        struct Local;
        of(&Local)
    };
    assert_eq!(function.source_identity(&of(&closure)), Err(Unknown::Closure));
    assert_eq!(function.source_identity(&of(&Some(async {}))), Err(Unknown::Closure));
    assert!(function.source_identity(&closure()).is_ok());
}

impl Function {
    /// The identity of an instance where machine code does not count.
    fn source_identity(&self, instance: &Instance) -> Result<Identity, Unknown> {
        self.identity_in(instance, self.fingerprint())
    }
}
