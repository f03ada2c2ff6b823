use super::*;
use crate::reach::tests::package::directory;

/// A lock file with one package.
fn lock(name: &str, version: &str) -> String {
    format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
}

/// The workspace, below a directory with these files, in which the package `demo` of version 1.0.0
/// in `own` is compiled.
#[track_caller]
fn workspace(files: &[(&str, &str)], compilation: impl FnOnce(&Path) -> Compilation) -> Option<String> {
    let dir = directory(files);
    let project = Project::of(&Compilation {
        package: Some(dir.path().join("own")),
        version: "1.0.0".to_owned(),
        ..compilation(dir.path())
    });
    assert_eq!(project.lock.is_some(), project.workspace.is_some());
    let below = |workspace: PathBuf| workspace.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
    project.workspace.map(below)
}

#[test]
fn the_lock_file_is_that_of_the_workspace_in_which_the_compiler_runs() {
    let (right, wrong) = (lock("demo", "1.0.0"), lock("demo", "0.9.0"));
    let files = [
        ("own/Cargo.toml", "[package]\nname = \"demo\""),
        ("own/src/lib.rs", ""),
        ("own/Cargo.lock", &wrong),
        ("app/Cargo.lock", &right),
    ];
    let root = |dir: &Path| Some(dir.join("own/src/lib.rs"));
    // The package stands in the workspace.
    let inside = |dir: &Path| Compilation {
        workspace: Some(dir.join("app")),
        root: root(dir),
        ..Compilation::default()
    };
    assert_eq!(workspace(&files, inside).as_deref(), Some("app"));
    // It stands elsewhere, and what it is compiled to tells for what.
    let writes = |out_dir: &'static str| {
        move |dir: &Path| Compilation {
            root: root(dir),
            out_dir: Some(dir.join(out_dir)),
            ..Compilation::default()
        }
    };
    assert_eq!(workspace(&files, writes("app/target/debug/deps")).as_deref(), Some("app"));
    assert_eq!(workspace(&files, writes("shared/debug/deps")), None);
    // A lock file without the package is not the one.
    assert_eq!(workspace(&files, writes("own/target/debug/deps")), None);
}

#[test]
fn where_the_compiler_tells_no_root_the_manifest_tells_the_workspace() {
    let lock = lock("demo", "1.0.0");
    let files = [
        ("Cargo.toml", "[workspace]\nmembers = [\"own\"]"),
        ("Cargo.lock", &lock),
        ("own/Cargo.toml", "[package]\nname = \"demo\""),
    ];
    assert_eq!(workspace(&files, |_| Compilation::default()).as_deref(), Some(""));
    assert_eq!(workspace(&files[2..], |_| Compilation::default()), None);
}
