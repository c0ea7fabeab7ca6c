//! Tells somebody whose processor is too old for how the program was built, before it runs into an instruction that is not
//! there.

use std::io::Read;

/// What `.cargo/config.toml` asks for, as Linux calls it.
const NEEDED: [&str; 8] = ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"];
/// The description of the first processor is within so many bytes.
const FIRST: u64 = 16 << 10;

/// What to do about a processor that lacks something; nothing where it has all, or where nobody knows.
pub fn complaint() -> Option<String> {
    if !cfg!(all(target_arch = "x86_64", target_feature = "avx2")) {
        return None;
    }
    let mut text = String::new();
    let file = std::fs::File::open("/proc/cpuinfo").ok()?;
    file.take(FIRST).read_to_string(&mut text).ok()?;
    let missing = missing(&text);
    (!missing.is_empty()).then(|| {
        format!(
            "this processor lacks {}, for which the program was built; build it again on this machine with \
             `RUSTFLAGS=\"-C target-cpu=native\" cargo build --release`",
            missing.join(", ")
        )
    })
}

/// What the first processor of such a description lacks; nothing where it does not say what it has.
fn missing(description: &str) -> Vec<&'static str> {
    let flags = description.lines().find_map(|line| line.strip_prefix("flags"));
    let Some((_, flags)) = flags.and_then(|rest| rest.split_once(':')) else {
        return Vec::new();
    };
    let has = |needed: &&str| !flags.split_whitespace().any(|flag| flag == *needed);
    NEEDED.into_iter().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_among_the_flags_is_missing() {
        let description =
            |flags: &str| format!("processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\nbugs\t\t:\n");
        let all = "fpu abm avx avx2 bmi1 bmi2 f16c fma movbe sse4_2";
        assert!(missing(&description(all)).is_empty());
        assert_eq!(missing(&description(&all.replace("avx2 ", ""))), ["avx2"]);
        assert_eq!(missing(&description(&all.replace("avx ", ""))), ["avx"]);
        assert_eq!(missing(&description("fpu")).len(), NEEDED.len());
        assert!(missing("Features : fp asimd").is_empty(), "not such a processor");
        assert_eq!(complaint(), None, "the tests run");
    }
}
