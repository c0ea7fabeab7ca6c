//! Precedence, defaults, cross-field rules and masking, all without the process environment.

use std::io::Write;

use super::*;

fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| {
        pairs
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn defaults_are_safe() {
    let config = ServeConfig::load(&Flags::default(), &env(&[])).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert!(config.http.listen.ip().is_loopback() && config.http.keys.is_none() && !config.http.behind_proxy);
    assert_eq!(config.http.upload_limit, 53_687_091_200);
    assert_eq!(config.store.home, PathBuf::from("yosoku-home"));
    assert_eq!((config.log.json, config.log.filter.as_str()), (false, "info"));
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_the_default() {
    let source = env(&[
        ("YOSOKU_LISTEN", "127.0.0.1:1"),
        ("YOSOKU_HOME", "/from-env"),
        ("YOSOKU_WORKERS", "3"),
    ]);
    let flags = Flags {
        listen: Some("localhost:2".into()),
        ..Flags::default()
    };
    let config = ServeConfig::load(&flags, &source).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:2");
    assert_eq!(config.store.home, PathBuf::from("/from-env"));
    assert_eq!(config.work.workers, 3);
}

#[test]
fn memory_and_its_overflow_are_said_by_flag_or_environment() {
    let source = env(&[("YOSOKU_MEMORY", "2GiB"), ("YOSOKU_SPILL", "/from-env")]);
    let flags = Flags {
        memory: Some("512MiB".into()),
        ..Flags::default()
    };
    let work = ServeConfig::load(&flags, &source).unwrap().work;
    assert_eq!(
        (work.memory, work.spill),
        (Some(512 << 20), Some("/from-env".into()))
    );
    let given = training(None, Some("/flag".into()), &source).unwrap();
    assert_eq!(given, (Some(2 << 30), Some("/flag".into())));
    let work = ServeConfig::load(&Flags::default(), &env(&[])).unwrap().work;
    assert_eq!(work.memory, machine::memory().map(half));
    let wrong = training(None, None, &env(&[("YOSOKU_MEMORY", "much")])).unwrap_err();
    assert!(wrong.to_string().starts_with("YOSOKU_MEMORY: "), "{wrong}");
}

#[test]
fn the_filter_prefers_our_own_variable() {
    let both = env(&[("YOSOKU_LOG", "debug"), ("RUST_LOG", "trace")]);
    assert_eq!(LogConfig::load(&Flags::default(), &both).unwrap().filter, "debug");
    assert_eq!(
        LogConfig::load(&Flags::default(), &env(&[("RUST_LOG", "trace")]))
            .unwrap()
            .filter,
        "trace"
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let source = env(&[
        ("YOSOKU_WORKERS", "many"),
        ("YOSOKU_UPLOAD_LIMIT", "5 elephants"),
        ("YOSOKU_BEHIND_PROXY", "perhaps"),
        ("YOSOKU_DATABASE_URL", "mysql://x"),
        ("YOSOKU_MAX_REQUESTS", "0"),
    ]);
    let flags = Flags {
        listen: Some("8080".into()),
        tls_cert: Some("cert.pem".into()),
        log_format: Some("xml".into()),
        ..Flags::default()
    };
    let errors = ServeConfig::load(&flags, &source).unwrap_err();
    let text = errors.to_string();
    assert_eq!(errors.0.len(), 8, "{text}");
    let named = [
        "--listen",
        "--tls-key",
        "YOSOKU_BEHIND_PROXY",
        "YOSOKU_UPLOAD_LIMIT",
        "YOSOKU_MAX_REQUESTS",
        "YOSOKU_WORKERS",
        "YOSOKU_DATABASE_URL",
        "--log-format",
    ];
    for name in named {
        assert!(text.contains(name), "{name} is not in: {text}");
    }
}

#[test]
fn secrets_are_masked_and_may_come_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "postgres://user:hunter2@db/yosoku").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let source = move |name: &str| (name == "YOSOKU_DATABASE_URL_FILE").then(|| path.clone());
    let config = ServeConfig::load(&Flags::default(), &source).unwrap();
    assert_eq!(
        config.store.database_url.as_ref().unwrap().expose(),
        "postgres://user:hunter2@db/yosoku"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}
