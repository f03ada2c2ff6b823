//! The script that each copy of the program is started by.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Set for tasks: the process id, and the folder. What a task starts inherits it, has another id, and is none.
pub(super) const VARIABLE: &str = "REMEMO_TASK";

/// A script that runs `setup` in a directory, if the machine has it, then the program in the folder, as a task of it. `exec` keeps
/// the process id.
pub(super) fn text(folder: &Path, directory: &Path, setup: &[String], arguments: &[&str]) -> Vec<u8> {
    let mut script = b"#!/bin/sh\ncd ".to_vec();
    quote(directory.as_os_str().as_bytes(), &mut script);
    script.extend_from_slice(b" 2>/dev/null\n");
    for line in setup {
        script.extend_from_slice(line.as_bytes());
        script.push(b'\n');
    }
    script.extend_from_slice(format!("{VARIABLE}=$$:").as_bytes());
    quote(folder.as_os_str().as_bytes(), &mut script);
    script.extend_from_slice(format!("\nexport {VARIABLE}\nexec ").as_bytes());
    quote(folder.join("program").as_os_str().as_bytes(), &mut script);
    for argument in arguments {
        script.push(b' ');
        quote(argument.as_bytes(), &mut script);
    }
    script.push(b'\n');
    script
}

/// A word of the shell.
fn quote(word: &[u8], to: &mut Vec<u8>) {
    to.push(b'\'');
    for &byte in word {
        match byte {
            b'\'' => to.extend_from_slice(br"'\''"),
            byte => to.push(byte),
        }
    }
    to.push(b'\'');
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_path_with_all_that_a_shell_reads_arrives_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("it's $HOME `x` \"y\" \\ \n z");
        fs::create_dir(&folder).unwrap();
        let program = folder.join("program");
        fs::write(&program, "#!/bin/sh\nprintf '%s' \"$REMEMO_TASK|$$|$SET|$1\"\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let script = dir.path().join("script");
        fs::write(&script, text(&folder, &folder, &["export SET=$(pwd)".into()], &["a b'c"])).unwrap();
        let output = Command::new("sh").arg(&script).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let (task, rest) = output.split_once(':').unwrap();
        let folder = folder.display();
        assert_eq!(rest, format!("{folder}|{task}|{folder}|a b'c"));
    }
}
