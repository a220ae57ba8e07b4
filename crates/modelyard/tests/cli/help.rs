//! What the commands say about themselves.

use crate::support::Cli;

#[test]
fn every_command_explains_itself() {
    let cli = Cli::local();
    let mut all = String::new();
    for group in
        ["experiments", "runs", "artifacts", "registry", "models", "webhooks", "trash", "db"]
    {
        let before = all.lines().count();
        explain(&cli, &[group], &mut all);
        assert!(all.lines().count() > before + 10, "{group} has commands");
    }
    for command in ["gc", "backup", "verify", "restore"] {
        all.push_str(&format!("$ modelyard {command} --help\n{}\n", cli.ok(&[command, "--help"])));
    }
    insta::assert_snapshot!("help", all);
}

/// Adds what a command says about itself, and what those below it say.
fn explain(cli: &Cli, command: &[&str], all: &mut String) {
    let help = cli.ok(&[command, &["--help"]].concat());
    all.push_str(&format!("$ modelyard {} --help\n{help}\n", command.join(" ")));
    for below in commands(&help) {
        explain(cli, &[command, &[&below]].concat(), all);
    }
}

/// The names under `Commands:`.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed.take_while(|line| !line.is_empty()).filter_map(|line| {
        line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?.split_whitespace().next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn what_is_about_traces_is_known_by_name() {
    let cli = Cli::local();
    for (name, args) in [
        ("experiments update", &["experiments", "update", "-x", "1", "--trace-archive-now"][..]),
        ("runs link-traces", &["runs", "link-traces", "--run-id", "r", "-t", "tr-1"]),
        (
            "--trace-archival-retention",
            &["experiments", "create", "-n", "e", "--trace-archival-retention", "30d"],
        ),
    ] {
        let text = cli.fails(2, args);
        assert!(text.contains(&format!("{name}: this is about traces")), "{text}");
    }
    assert_eq!(std::fs::read_dir(cli.path()).expect("the folder").count(), 0);
}

/// `head` closes our stdout early: no error; a full disk is one, and no panic.
#[test]
fn a_stdout_that_takes_nothing_is_no_reason_to_panic() {
    let cli = Cli::local();
    for args in [&["completions", "bash"][..], &["version"], &["openapi"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let mut command = cli.command(args);
        let output = command.stdout(full).output().expect("run the binary");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("cannot write to stdout"), "{args:?}: {said}");

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = cli.command(args);
        let output = command.stdout(writer).output().expect("run the binary");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
}

#[test]
fn shells_complete_the_commands() {
    let cli = Cli::local();
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.ok(&["completions", shell]);
        for word in ["experiments", "log-artifacts", "describe", "artifact-uri"] {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
}
