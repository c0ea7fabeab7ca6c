//! Which recipe is taken when none is given.

use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::memory::{Memory, Program};
use yosoku::ml::pipeline::{TrainRequest, Trained, train};
use yosoku::ml::recipe::Recipe;
use yosoku::ml::split::Split;

use crate::support::{MadeTable, request};

/// Two numbers that move the target in a straight line, beside one that moves it only between two bounds.
fn table(rows: usize) -> String {
    let mut text = String::from("a,b,c,y\n");
    for row in 0..rows {
        let at = |times: usize| (row * times % 97) as f64 / 97.0;
        let (a, b, c) = (at(31), at(59), at(71));
        let wave = if (0.3..0.6).contains(&a) { 2.0 } else { 0.0 };
        text.push_str(&format!(
            "{a:.4},{b:.4},{c:.4},{:.4}\n",
            wave + b - c + 0.1 * at(13)
        ));
    }
    text
}

fn made(text: &str) -> MadeTable<impl Fn() -> std::io::Cursor<Vec<u8>>> {
    MadeTable {
        make: || std::io::Cursor::new(text.as_bytes().to_vec()),
        options: Options {
            header: HeaderMode::Yes,
            ..Options::default()
        },
    }
}

fn trained(text: &str, request: &TrainRequest) -> Trained {
    train(&made(text), request, &mut Silent).unwrap()
}

#[test]
fn small_tables_try_recipes_and_take_the_best() {
    let trained = trained(&table(600), &request("y", Split::all()));
    let tried = &trained.recipes;
    assert_eq!(tried[0].name, "suggested");
    assert!(tried.len() >= 3, "{tried:?}");
    let chosen: Vec<_> = tried.iter().filter(|one| one.chosen).collect();
    assert_eq!(chosen.len(), 1);
    // A straight line cannot follow the wave.
    let plain = tried.iter().find(|one| one.name == "plain").unwrap();
    assert!(chosen[0].loss < 0.5 * plain.loss, "{tried:?}");
    let least = tried.iter().map(|one| one.loss).fold(f64::INFINITY, f64::min);
    assert!(chosen[0].loss <= tried[0].loss && least <= chosen[0].loss);
}

/// What tells messages apart stands inside words that never come twice.
#[test]
fn words_are_cut_at_punctuation_where_that_tells_more() {
    let messages = |link: &str| {
        let mut text = String::from("note,y\n");
        for row in 0..600usize {
            let (is_linked, code) = (row * 7919 % 11 < 5, row * 7907 % 9973);
            let rest = ["see you there", "so long and thanks", "what a day"][row % 3];
            let word = if is_linked { link } else { "ticket" };
            let is_true = is_linked != (row % 10 == 3);
            text.push_str(&format!("{rest} {word}{code},{is_true}\n"));
        }
        text
    };
    let chosen = |text: &str| {
        let tried = trained(text, &request("y", Split::all())).recipes;
        tried.into_iter().find(|one| one.chosen).unwrap()
    };
    let best = chosen(&messages("https://a.b/"));
    assert_eq!(best.name, "word_parts");
    assert!(best.loss < 0.5, "{best:?}");
    assert_ne!(chosen(&messages("plain")).name, "word_parts");
}

/// What happens along a curve of time is followed by bins of it, beside the calendar's parts.
#[test]
fn a_curve_of_time_is_followed() {
    let mut text = String::from("day,y\n");
    for row in 0..1500usize {
        let (year, month, day) = (2001 + row / 336, 1 + row / 28 % 12, 1 + row % 28);
        let wave = hill(row as f64 / 1500.0);
        let noise = (row * 7919 % 1013) as f64 / 1013.0;
        text.push_str(&format!(
            "{year}-{month:02}-{day:02},{:.4}\n",
            10.0 * wave + noise
        ));
    }
    let trained = trained(&text, &request("y", Split::all()));
    let outputs = &trained.bundle.document.recipe.outputs;
    let bins = outputs
        .iter()
        .find(|output| output.text.starts_with("quantile_bin(timestamp(day), "));
    assert!(bins.is_some(), "{outputs:?}");
    let dates = trained.statistics.columns[0].dates.as_ref().unwrap();
    assert!(dates.bins.is_some_and(|bins| bins >= 10), "{dates:?}");
}

/// Up and down once, from 0 to 1.
fn hill(at: f64) -> f64 {
    4.0 * at * (1.0 - at)
}

#[test]
fn a_recipe_or_a_penalty_that_is_given_is_taken() {
    let text = table(600);
    let mut given = request("y", Split::all());
    given.recipe = Some(Recipe::from_json(r#"{"groups": {}, "assignments": {}, "outputs": ["b"]}"#).unwrap());
    let by_recipe = trained(&text, &given);
    assert!(by_recipe.recipes.is_empty());
    assert_eq!(by_recipe.bundle.document.recipe, given.recipe.unwrap());
    let mut given = request("y", Split::all());
    given.params.l2 = Some(0.1);
    assert!(trained(&text, &given).recipes.is_empty());
}

#[test]
fn the_same_model_comes_of_the_recipe_that_was_chosen() {
    let text = table(600);
    let chosen = trained(&text, &request("y", Split::all()));
    let mut again = request("y", Split::all());
    again.recipe = Some(chosen.bundle.document.recipe.clone());
    assert_eq!(trained(&text, &again).bundle.hash(), chosen.bundle.hash());
}

/// The widest recipes need the most memory; with what is just enough for the suggested one there is a model.
#[test]
fn a_recipe_that_does_not_fit_is_passed_over() {
    let text = table(600);
    let all = trained(&text, &request("y", Split::all())).recipes.len();
    let with = |budget: u64| {
        let mut given = request("y", Split::all());
        given.memory = Some(Memory {
            budget,
            program: Program::Known(0),
            disk: None,
            is_told: true,
        });
        train(&made(&text), &given, &mut Silent)
    };
    // Too little, and more than enough.
    let (mut little, mut enough) = (1, 1 << 32);
    while enough - little > 1 {
        let middle = little + (enough - little) / 2;
        match with(middle) {
            Ok(_) => enough = middle,
            Err(error) => {
                assert_eq!(error.code(), "not_enough_memory");
                little = middle;
            }
        }
    }
    let tried = with(enough).unwrap().recipes.len();
    assert!(tried < all, "{tried} of {all} with {enough} bytes");
    assert_eq!(with(2 * enough).unwrap().recipes.len(), all);
}

/// Days to come lie beyond every span of the days so far.
#[test]
fn a_split_by_time_has_no_spans_of_time() {
    let mut text = String::from("day,y\n");
    for row in 0..1500usize {
        let (year, month, day) = (2001 + row / 336, 1 + row / 28 % 12, 1 + row % 28);
        text.push_str(&format!(
            "{year}-{month:02}-{day:02},{:.4}\n",
            10.0 * hill(row as f64 / 1500.0)
        ));
    }
    let by_time: Split = serde_json::from_value(serde_json::json!({
        "strategy": "time", "column": "day", "percent_end": 70.0,
    }))
    .unwrap();
    let trained = trained(&text, &request("y", by_time));
    let outputs = &trained.bundle.document.recipe.outputs;
    assert!(
        outputs.iter().all(|output| !output.text.contains("quantile_bin")),
        "{outputs:?}"
    );
}
