//! How the compiler was asked to make code: what must be equal for machine code of two builds to be
//! comparable.
//!
//! Names of builds and of places are left out. If an option were forgotten here, the machine code
//! would differ on one platform and be a new state: a needless miss. If there were one too many,
//! the source alone would carry over.

use std::env;
use std::sync::LazyLock;

/// The digest of the options that change code, in hexadecimal digits; never empty.
pub(crate) fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let arguments: Vec<String> =
            env::args_os().filter_map(|argument| argument.into_string().ok()).collect();
        let options = options(&arguments).join("\n");
        blake3::hash(options.as_bytes()).to_hex()[..16].to_owned()
    });
    &DIGEST
}

/// Options of code generation that leave the code as it is, or name this build.
const WITHOUT_EFFECT: [&str; 15] = [
    "ar",
    "default-linker-libraries",
    "dwarf-version",
    "embed-bitcode",
    "extra-filename",
    "link-arg",
    "link-args",
    "link-dead-code",
    "link-self-contained",
    "linker",
    "metadata",
    "rpath",
    "save-temps",
    "split-debuginfo",
    "strip",
];

/// Without debug information.
const NO_DEBUG: [&str; 2] = ["debuginfo=0", "debuginfo=none"];

/// The options of a command line that change code, sorted.
fn options(arguments: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut debug = None;
    let mut arguments = arguments.iter().skip(1).peekable();
    while let Some(argument) = arguments.next() {
        let mut value = |short: &str, long: &str| {
            if argument == short || argument == long {
                return arguments.next().cloned();
            }
            let joined = argument.strip_prefix(long).and_then(|rest| rest.strip_prefix('='));
            joined.or_else(|| argument.strip_prefix(short)).map(str::to_owned)
        };
        if argument == "-O" {
            found.push("opt-level=3".to_owned());
        } else if argument == "-g" {
            debug = Some("debuginfo=2".to_owned());
        } else if let Some(target) = value("--target", "--target") {
            found.push(format!("target={}", target.trim_start_matches('=')));
        } else if let Some(option) = value("-Z", "-Z") {
            found.push(format!("Z {option}"));
        } else if let Some(option) = value("-C", "--codegen") {
            match option.split('=').next().unwrap_or_default() {
                // How many pieces the code is cut into depends on it.
                "incremental" => found.push("incremental".to_owned()),
                // Without optimization, variables are kept where a debugger finds them.
                "debuginfo" => debug = Some(option).filter(|it| !NO_DEBUG.contains(&it.as_str())),
                name if WITHOUT_EFFECT.contains(&name) => {}
                _ => found.push(option),
            }
        }
    }
    let is_optimized = found.iter().any(|option| option.starts_with("opt-level=") && option != "opt-level=0");
    found.extend(debug.filter(|_| !is_optimized));
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    fn options(line: &str) -> Vec<String> {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        super::options(&arguments)
    }

    #[test]
    fn what_changes_code_counts_however_it_is_written() {
        let expected = ["opt-level=3", "panic=abort"];
        assert_eq!(options("rustc -C opt-level=3 -Cpanic=abort src/lib.rs"), expected);
        assert_eq!(options("rustc --codegen=panic=abort -O src/lib.rs"), expected);
        assert_eq!(options("rustc --codegen panic=abort --codegen opt-level=3"), expected);
        assert_eq!(
            options("rustc --target=x -Z y -Zy -C target-cpu=native"),
            ["Z y", "Z y", "target-cpu=native", "target=x"]
        );
    }

    #[test]
    fn what_names_the_build_or_its_place_does_not() {
        let line = "rustc --crate-name a --edition=2024 src/lib.rs -C metadata=0123 -C extra-filename=-45 -C strip=debuginfo \
             --out-dir /tmp/target -L dependency=/tmp --extern b=/tmp/b.rlib --cfg feature -Clinker=cc";
        assert_eq!(options(line), Vec::<String>::new());
        let here = options("rustc -C incremental=/tmp/here");
        assert_eq!(here, options("rustc -C incremental=/tmp/there"));
        assert_ne!(here, options("rustc"));
    }

    #[test]
    fn debug_information_changes_code_that_is_not_optimized() {
        for (line, counts) in [
            ("rustc -g", true),
            ("rustc -C debuginfo=2", true),
            ("rustc -C debuginfo=2 -C opt-level=0", true),
            ("rustc -C debuginfo=0", false),
            ("rustc -C debuginfo=2 -C opt-level=s", false),
            ("rustc -O -g", false),
        ] {
            let found = options(line).iter().any(|option| option == "debuginfo=2");
            assert_eq!(found, counts, "{line}");
        }
    }
}
