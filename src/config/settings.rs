//! Every setting that `serve` and `work` read, for people to look up: the page of configuration is made from this
//! table, and a test holds it against what is really read.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable.
    pub variable: &'static str,
    /// The flag that comes first, if there is one.
    pub flag: Option<&'static str>,
    /// The value without either.
    pub default: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

const fn row(
    variable: &'static str,
    flag: Option<&'static str>,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting {
        variable,
        flag,
        default,
        meaning,
    }
}

/// All settings by what they are about. One line each, so that it reads as a table.
#[rustfmt::skip]
pub const SETTINGS: &[(&str, &[Setting])] = &[
    ("Where things are kept", &[
        row("YOSOKU_HOME", Some("--home"), "yosoku-home", "folder of the installation: database, datasets, models, results, keys"),
        row("YOSOKU_DATABASE_URL", None, "", "PostgreSQL for the catalogue instead of `yosoku.db` in the home, as `postgres://user:password@host/database`"),
        row("YOSOKU_DATABASE_URL_FILE", None, "", "a file that holds this address, so that the password is in no environment; not together with `YOSOKU_DATABASE_URL`"),
        row("YOSOKU_CONNECTIONS", None, "", "file of connections, such as databases that queries may be sent to; without it `connections.toml` in the home, if that is there"),
    ]),
    ("Who is let in", &[
        row("YOSOKU_LISTEN", Some("--listen"), "127.0.0.1:8080", "address and port; port 0 takes a free one. Any address but loopback needs keys, and TLS or a proxy"),
        row("YOSOKU_S3_LISTEN", Some("--s3-listen"), "", "address and port of the S3 door, at which clients of S3 reach the buckets on this machine; see [storage.md](../storage.md)"),
        row("YOSOKU_SOCKET", Some("--socket"), "", "socket in the file system to listen on as well; owner and group may call"),
        row("YOSOKU_KEYS", Some("--keys"), "", "file of hashed keys; without it `keys.json` in the home, if that is there"),
        row("YOSOKU_TLS_CERT", Some("--tls-cert"), "", "certificate chain, PEM; together with the key"),
        row("YOSOKU_TLS_KEY", Some("--tls-key"), "", "private key, PEM; together with the certificate"),
        row("YOSOKU_BEHIND_PROXY", Some("--behind-proxy"), "no", "a proxy in front of the server speaks TLS: `yes` or `no`"),
    ]),
    ("How much is taken on", &[
        row("YOSOKU_UPLOAD_LIMIT", Some("--upload-limit"), "50GiB", "largest upload, such as `10GiB`"),
        row("YOSOKU_REQUEST_TIMEOUT", None, "30s", "how long an ordinary request may take, such as `30s` or `2m`; uploads and downloads are not ordinary"),
        row("YOSOKU_MAX_REQUESTS", None, "512", "requests that are answered at once; further ones get `overloaded`"),
        row("YOSOKU_STOP_GRACE", None, "0s", "how long to go on accepting after a stop was asked for, while `/readyz` already says no"),
        row("YOSOKU_STOP_DRAIN", None, "20s", "how long open requests may take to end after that"),
    ]),
    ("Work", &[
        row("YOSOKU_WORKERS", Some("--workers"), "1", "jobs at the same time in this process; with 0 a server only takes jobs in, and `yosoku work` elsewhere does them"),
        row("YOSOKU_MEMORY", Some("--memory"), "", "memory that training may take, such as `8GiB`, all jobs of the process together; without it half of the machine's, or of the container's. See [memory.md](../memory.md)"),
        row("YOSOKU_SPILL", Some("--spill"), "", "folder on a disk for training rows that do not fit into memory; without it the system's for temporary files (`TMPDIR`, else `/tmp`)"),
    ]),
    ("Answers in other protocols", &[
        row("YOSOKU_MODEL", Some("--model"), "", "model that `/invocations` and `/ping` speak for: an identifier, a family, or one of its versions such as `fraud@3`; see [protocols.md](../protocols.md)"),
    ]),
    ("The log", &[
        row("YOSOKU_LOG_FORMAT", Some("--log-format"), "compact", "`compact` for people or `json` for programs, on standard error"),
        row("YOSOKU_LOG", None, "info", "which events, such as `info,yosoku=debug`; without it `RUST_LOG` counts"),
        row("RUST_LOG", None, "", "the same, where `YOSOKU_LOG` is not set"),
        row("NO_COLOR", None, "", "anything: no colours, even on a terminal"),
    ]),
];

/// Settings of single commands.
#[rustfmt::skip]
pub const OF_COMMANDS: &[(&str, Setting)] = &[
    ("yosoku query", row("YOSOKU_DATABASE_PASSWORD", None, "", "password of the user in the address, so that it is not seen among the processes")),
];

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use crate::config::{Flags, ServeConfig};

    use super::*;

    fn all() -> impl Iterator<Item = &'static Setting> {
        SETTINGS.iter().flat_map(|(_, settings)| settings.iter())
    }

    #[test]
    fn the_table_has_what_is_read_and_nothing_else() {
        let read = RefCell::new(BTreeSet::new());
        ServeConfig::load(&Flags::default(), &|name| {
            read.borrow_mut().insert(name.to_owned());
            None
        })
        .unwrap();
        let listed: BTreeSet<String> = all().map(|setting| setting.variable.to_owned()).collect();
        assert_eq!(listed, read.into_inner());
    }

    /// Every name of a variable that stands in quotes in the sources.
    fn named(folder: &std::path::Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, found);
            } else {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let quoted = text
                    .split("\"YOSOKU_")
                    .skip(1)
                    .filter_map(|rest| rest.split_once('"'));
                let is_name = |name: &&str| {
                    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                };
                let names = quoted.map(|(name, _)| name).filter(is_name);
                found.extend(
                    names
                        .filter(|name| !name.starts_with("TEST_"))
                        .map(|name| format!("YOSOKU_{name}")),
                );
            }
        }
    }

    #[test]
    fn no_variable_of_any_command_is_left_out() {
        let mut found = BTreeSet::new();
        named(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        let single = OF_COMMANDS.iter().map(|(_, setting)| setting);
        let listed: BTreeSet<String> = all()
            .chain(single)
            .map(|setting| setting.variable.to_owned())
            .collect();
        let missing: Vec<&String> = found.difference(&listed).collect();
        assert!(missing.is_empty(), "without a row: {missing:?}");
        assert!(found.contains("YOSOKU_LISTEN"), "{found:?}");
    }

    #[test]
    fn a_default_means_what_its_absence_means() {
        let absent = format!("{:?}", ServeConfig::load(&Flags::default(), &|_| None).unwrap());
        for setting in all().filter(|setting| !setting.default.is_empty()) {
            let given = |name: &str| (name == setting.variable).then(|| setting.default.to_owned());
            let config = ServeConfig::load(&Flags::default(), &given).unwrap();
            assert_eq!(format!("{config:?}"), absent, "{}", setting.variable);
        }
    }
}
