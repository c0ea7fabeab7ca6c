//! Made-up tables: the same on every machine, and large enough that work on them can be interrupted.

use std::fmt::Write;
use std::sync::OnceLock;

use crate::support::{run, yosoku};

/// What the last column of a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Two labels.
    Two,
    /// So many labels that finding the weights takes seconds, several times as long as progress takes to be seen.
    Many,
}

/// A table of visits to shops with the columns shop, item, device, hour, price and answer.
pub fn visits(rows: usize, answers: Answers) -> Vec<u8> {
    let mut state = 1u64;
    let mut random = move |below: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut text = String::from("shop,item,device,hour,price,answer\n");
    for _ in 0..rows {
        let (shop, item, device) = (random(2000), random(5000), random(300));
        let (hour, price, noise) = (random(24), random(10_000), random(20));
        let answer = match answers {
            Answers::Two => (shop % 7 + item % 11 + noise > 18).to_string(),
            // Something to learn, so that the search for the penalty has a long way to go.
            Answers::Many => format!("c{}", if noise < 10 { shop % 32 } else { item % 32 }),
        };
        let price = price as f64 / 100.0;
        writeln!(text, "s{shop},i{item},d{device},h{hour},{price},{answer}").unwrap();
    }
    text.into_bytes()
}

/// A table on which training takes seconds, made once for all tests.
pub fn slow() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| visits(400_000, Answers::Many))
}

/// The hash of the model that an undisturbed `yosoku train` makes of [`slow`]; trained once for all tests.
pub fn slow_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("slow.csv"), slow()).unwrap();
        let mut command = yosoku(["train", "slow.csv", "--target", "answer", "--json"]);
        let trained = run(command.current_dir(folder.path())).json();
        trained["model"]["hash"].as_str().unwrap().to_owned()
    })
}
