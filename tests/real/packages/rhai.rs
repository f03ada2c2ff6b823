//@ rhai = "=1.27.0"

use rhai::{Array, Dynamic, Engine, EvalAltResult, INT, Scope};

fn run<T: Clone + 'static>(script: &str, seed: u64) -> Result<T, Box<EvalAltResult>> {
    let mut scope = Scope::new();
    scope.push("seed", seed as INT);
    Engine::new().eval_with_scope(&mut scope, script)
}

#[memo]
fn arithmetic(seed: u64) -> i64 {
    run("let x = seed * 3 + 4; x = x % 17 - (x << 2); x * x + 1", seed).unwrap()
}

#[memo]
fn fibonacci(seed: u64) -> i64 {
    run("fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } } fib(5 + seed % 4)", seed).unwrap()
}

#[memo]
fn floats(seed: u64) -> f64 {
    run("let x = seed.to_float() / 7.0; (x.sin() + x.sqrt()) * 2.5", seed).unwrap()
}

#[memo]
fn texts(seed: u64) -> String {
    run(r#"let t = "a-b-c"; t += seed; t.replace("-", "+"); t.to_upper() + t.len + t.sub_string(1, 2)"#, seed)
        .unwrap()
}

#[memo]
fn arrays(seed: u64) -> Vec<i64> {
    let script = "let a = []; for n in 0..10 { a.push((n * seed) % 11); } a.sort(); a.filter(|x| x > 2).map(|x| x * 2)";
    run::<Array>(script, seed).unwrap().into_iter().map(|it| it.as_int().unwrap()).collect()
}

#[memo]
fn maps(seed: u64) -> String {
    run::<Dynamic>(
        "let m = #{ a: 1, b: seed }; m.c = m.a + m.b; m.remove(\"a\"); m.c.to_string() + m.len()",
        seed,
    )
    .unwrap()
    .to_string()
}

#[memo]
fn branches(seed: u64) -> String {
    let script = r#"switch seed { 1 => "one", 2..10 => "few", _ => "some" }"#;
    run(script, seed).unwrap()
}

#[memo]
fn registered(seed: u64) -> i64 {
    let mut engine = Engine::new();
    engine.register_fn("twice", |x: INT| x * 2);
    engine.register_fn("join", |x: INT, y: INT| x * 100 + y);
    engine.eval(&format!("join(twice({seed}), twice(3))")).unwrap()
}

#[memo]
fn optimized(seed: u64) -> i64 {
    let mut engine = Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::Full);
    let tree =
        engine.compile(format!("let x = 3 * 4 + {seed}; if true {{ x + 1 }} else {{ x - 1 }}")).unwrap();
    engine.eval_ast(&tree).unwrap()
}

#[memo]
fn wrong(seed: u64) -> String {
    let scripts = ["let x = ;", "1 + nothing", "throw \"thrown\""];
    run::<Dynamic>(scripts[seed as usize % 3], seed).unwrap_err().to_string()
}

#[memo]
fn looped(seed: u64) -> i64 {
    run("let sum = 0; let n = seed; while n > 0 { n -= 1; if n % 3 == 0 { continue; } sum += n; } sum", seed)
        .unwrap()
}
