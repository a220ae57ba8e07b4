//! What the commands say about themselves.

use crate::support::Cli;

#[test]
fn every_command_explains_itself() {
    let cli = Cli::local();
    let mut all = String::new();
    for group in ["experiments", "runs", "artifacts"] {
        let help = cli.ok(&[group, "--help"]);
        let commands: Vec<String> = commands(&help);
        assert!(commands.len() > 3, "{help}");
        all.push_str(&format!("$ modelyard {group} --help\n{help}\n"));
        for command in commands {
            let help = cli.ok(&[group, &command, "--help"]);
            all.push_str(&format!("$ modelyard {group} {command} --help\n{help}\n"));
        }
    }
    insta::assert_snapshot!("help", all);
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
fn shells_complete_the_commands() {
    let cli = Cli::local();
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.ok(&["completions", shell]);
        for word in ["experiments", "log-artifacts", "describe", "artifact-uri"] {
            assert!(script.contains(word), "{word} in {shell}");
        }
    }
}
