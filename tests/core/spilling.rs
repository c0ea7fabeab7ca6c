//! Rows on disk give the same models as rows in memory, to the bit, and budgets are kept or refused.

use std::fmt::Write;
use std::sync::Arc;

use yosoku::ml::observe::{Observer, Stage};
use yosoku::ml::pipeline::memory::{Memory, Program, RowsIn};
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{MemoryPlan, PipelineError, TrainRequest, Trained, train};
use yosoku::ml::split::Split;
use yosoku::spill::Folder;

use crate::support::request;

/// What was said while it trained.
#[derive(Default)]
struct Listener(Vec<String>);

impl Observer for Listener {
    fn report(&mut self, _: Stage, _: u64, _: u64) -> std::ops::ControlFlow<()> {
        std::ops::ControlFlow::Continue(())
    }

    fn note(&mut self, what: &str) {
        self.0.push(what.to_owned());
    }
}

fn memory(budget: u64, disk: bool) -> Memory {
    Memory {
        budget,
        program: Program::Known(0),
        disk: disk.then(|| Arc::new(Folder::new(None)) as _),
        is_told: false,
    }
}

/// Visits with a category of many values, one of few, a number, and a target of three classes or a number.
fn visits(rows: u64, is_number: bool) -> MemoryTable {
    let mut text = String::from("shop,device,price,answer\n");
    let mut state = 3u64;
    for row in 0..rows {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (shop, device, noise) = ((state >> 33) % 500, (state >> 45) % 7, (state >> 52) % 5);
        let price = (row * 37 % 1009) as f64 / 10.0;
        let answer = if is_number {
            format!("{}", price * 0.25 + (shop % 13) as f64 + noise as f64)
        } else {
            format!("c{}", (shop % 13 + device + noise) % 3)
        };
        writeln!(text, "s{shop},d{device},{price},{answer}").unwrap();
    }
    MemoryTable::new(text)
}

fn on_threads(threads: usize, table: &MemoryTable, request: &TrainRequest) -> Result<Trained, PipelineError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| train(table, request, &mut Listener::default()))
}

fn plan(trained: &Trained) -> &MemoryPlan {
    trained.memory.as_ref().unwrap()
}

/// One byte less than it takes with all rows in memory and none of them kept from the first pass: those go first.
fn just_too_little(plan: &MemoryPlan) -> u64 {
    plan.planned_bytes - plan.before_weights_bytes - 1
}

#[test]
fn models_are_the_same_to_the_bit_wherever_the_rows_are() {
    for is_number in [false, true] {
        let table = visits(90_000, is_number);
        let mut request = request("answer", Split::all());
        let unlimited = on_threads(2, &table, &request).unwrap();
        assert_eq!(unlimited.memory, None);
        for threads in [1, 2, 7] {
            request.memory = Some(memory(1 << 40, true));
            let fits = on_threads(threads, &table, &request).unwrap();
            assert_eq!(plan(&fits).rows_in, RowsIn::Memory);
            request.memory = Some(memory(just_too_little(plan(&fits)), true));
            let spilled = on_threads(threads, &table, &request).unwrap();
            assert_eq!(plan(&spilled).rows_in, RowsIn::Disk, "{threads} threads");
            request.memory = Some(memory(just_too_little(plan(&fits)) + 1, true));
            let read_again = on_threads(threads, &table, &request).unwrap();
            assert_eq!(plan(&read_again).rows_in, RowsIn::Memory, "{threads} threads");
            assert_eq!(
                read_again.bundle.hash(),
                unlimited.bundle.hash(),
                "{threads} threads"
            );
            assert_eq!(fits.bundle.hash(), unlimited.bundle.hash(), "{threads} threads");
            assert_eq!(
                spilled.bundle.hash(),
                unlimited.bundle.hash(),
                "{threads} threads"
            );
        }
    }
}

/// Small tables try several recipes, each with rows of its own.
#[test]
fn recipes_are_chosen_alike_wherever_the_rows_are() {
    let table = visits(19_000, true);
    let mut request = request("answer", Split::all());
    let plain = on_threads(1, &table, &request).unwrap();
    assert!(plain.recipes.len() > 1);
    request.memory = Some(memory(1 << 40, true));
    let fits = on_threads(1, &table, &request).unwrap();
    request.memory = Some(memory(just_too_little(plan(&fits)), true));
    let spilled = on_threads(1, &table, &request).unwrap();
    assert_eq!(plan(&spilled).rows_in, RowsIn::Disk);
    assert_eq!(spilled.recipes, plain.recipes);
    assert_eq!(spilled.bundle.hash(), plain.bundle.hash());
}

#[test]
fn the_plan_is_told_before_the_work_where_rows_leave_memory() {
    let table = visits(90_000, false);
    let mut request = request("answer", Split::all());
    request.memory = Some(memory(1 << 40, true));
    let mut silent = Listener::default();
    let fits = train(&table, &request, &mut silent).unwrap();
    assert!(silent.0.is_empty());
    request.memory = Some(memory(just_too_little(plan(&fits)), true));
    let mut listener = Listener::default();
    train(&table, &request, &mut listener).unwrap();
    let [said] = listener.0.as_slice() else {
        panic!("{:?}", listener.0)
    };
    assert!(
        said.contains("go to disk") && said.contains("MiB allowed"),
        "{said}"
    );
}

#[test]
fn what_cannot_fit_is_refused_with_numbers_and_remedies() {
    let table = visits(90_000, false);
    let mut request = request("answer", Split::all());
    request.memory = Some(memory(1 << 40, true));
    let fits = on_threads(2, &table, &request).unwrap();
    request.memory = Some(memory(just_too_little(plan(&fits)), false));
    let error = on_threads(2, &table, &request).unwrap_err().to_string();
    assert!(
        error.contains("for the rows") && error.contains("--memory"),
        "{error}"
    );
    request.memory = Some(memory(18 << 20, true));
    let error = on_threads(2, &table, &request).unwrap_err();
    assert_eq!(error.code(), "not_enough_memory");
    let error = error.to_string();
    assert!(
        error.contains("the rows on disk") && error.contains("18 MiB are allowed"),
        "{error}"
    );
    request.memory = Some(Memory {
        disk: Some(Arc::new(Folder::new(Some("/nowhere/at/all".into())))),
        ..memory(just_too_little(plan(&fits)), true)
    });
    let error = on_threads(2, &table, &request).unwrap_err();
    assert_eq!(error.code(), "spill_failed");
    assert!(error.to_string().contains("`/nowhere/at/all`"), "{error}");
}
