//! The page of configuration: every variable with its flag, default and meaning.

use super::{MADE, head, row};
use crate::config::settings::{OF_COMMANDS, SETTINGS, Setting};

/// The page.
pub fn page() -> String {
    let mut text = format!(
        "# Configuration\n\n{MADE}\nA flag comes first, then the variable, then the default. Only what lies outside \
         the home has a file of its own, `connections.toml`. \
         An empty variable counts as absent. All mistakes are reported at the start, together. `yosoku serve` reads all of \
         it, `yosoku work` what is about storage, work and the log; other commands read `YOSOKU_HOME`, `YOSOKU_MEMORY` and \
         `YOSOKU_SPILL` where they have a use for them. [Commands](cli.md) has the flags of each.\n"
    );
    for (about, settings) in SETTINGS {
        text += &format!("\n## {about}\n\n");
        text += &head(&["variable", "flag", "default", "meaning"]);
        text += &settings.iter().map(line).collect::<String>();
    }
    text += &format!(
        "\n## Single commands\n\n{}",
        head(&["variable", "command", "meaning"])
    );
    for (command, setting) in OF_COMMANDS {
        let name = format!("`{}`", setting.variable);
        text += &row([&name, &format!("`{command}`"), setting.meaning]);
    }
    text += "\nSizes: `512`, `64KiB`, `1.5GB`, `50GiB`; `K`, `M`, `G` and `T` alone count in 1024s. Durations: `500ms`, `30s`, \
             `2m`, `1.5h`, `1d`; a bare number is in seconds.\n";
    text
}

fn line(setting: &Setting) -> String {
    let code = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("`{text}`")
        }
    };
    row([
        code(setting.variable),
        code(setting.flag.unwrap_or_default()),
        code(setting.default),
        setting.meaning.to_owned(),
    ])
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_flag_is_one_of_serve() {
        let program = Cli::command();
        let serve = program.find_subcommand("serve").unwrap();
        let flags: Vec<String> = serve
            .get_arguments()
            .filter_map(|argument| argument.get_long().map(|name| format!("--{name}")))
            .collect();
        let mut listed: Vec<&str> = Vec::new();
        for setting in SETTINGS.iter().flat_map(|(_, settings)| *settings) {
            listed.extend(setting.flag);
        }
        let unknown: Vec<&&str> = listed
            .iter()
            .filter(|flag| !flags.iter().any(|known| known == *flag))
            .collect();
        assert!(unknown.is_empty(), "no flags of serve: {unknown:?}");
        let missing: Vec<&String> = flags
            .iter()
            .filter(|flag| !listed.contains(&flag.as_str()))
            .collect();
        assert!(missing.is_empty(), "without a row: {missing:?}");
    }
}
