//! Puts weights, spread and errors together for people.

use super::{Estimate, Intercept, Weight, Weights, WeightsError, WeightsWish};
use crate::ml::Task;
use crate::ml::distributions::{normal_two_sided, student_95, student_two_sided};
use crate::ml::evaluate::interval::Z;
use crate::ml::features::{FeatureName, TermState};
use crate::ml::learn::errors::StandardErrors;
use crate::ml::model::Bundle;
use crate::ml::model::facts::WeightFacts;
use crate::ml::schema::nearest;
use crate::ml::target::Target;

/// An error per deviation beyond which the rows say next to nothing of a weight: odds within a factor of 10⁸.
const WIDE: f64 = 5.0;
/// Standard errors from the optimum that are worth a remark.
const FAR: f64 = 0.1;
/// What a row has that no weight adds to.
const REFERENCE: &str = "numbers at 0 or at their means, as stated; no other feature active, as for values that training did not see";
/// Why files without facts have no errors.
const OLD: &str =
    "there are no standard errors: the model was made before they were worked out; train it again";

/// One margin of the model as it is shown.
#[derive(Debug, Clone, Copy)]
struct Side<'a> {
    output: usize,
    /// −1 for the first of two classes, whose log-odds are those of the second turned round.
    sign: f64,
    class: Option<&'a str>,
}

/// A model and the wish.
pub(super) struct View<'a> {
    bundle: &'a Bundle,
    wish: &'a WeightsWish,
    facts: WeightFacts,
    sides: Vec<Side<'a>>,
    /// What a unit of each dense feature is in units of its number; 0 for constant columns.
    scales: Vec<f64>,
    /// How many of its units the mean of each dense feature is from 0.
    shifts: Vec<f64>,
    /// What half an interval is of an error.
    reach: f64,
    /// Degrees of freedom of the errors; none for classes, whose weights are about normal.
    freedom: Option<f64>,
}

impl<'a> View<'a> {
    /// Fails where the class is not known.
    pub(super) fn new(bundle: &'a Bundle, wish: &'a WeightsWish) -> Result<Self, WeightsError> {
        let facts = bundle.provenance.weights.clone().unwrap_or_else(|| WeightFacts {
            why_none: Some(OLD.into()),
            ..WeightFacts::default()
        });
        let of_numbers = bundle.document.target.task() == Task::Regression;
        let errors = facts.errors.as_ref().filter(|_| of_numbers);
        let freedom = errors.map(|errors| errors.rows as f64 - errors.effective);
        let terms = &bundle.document.featurizer.terms;
        let numbers = |of: fn(f64, f64) -> f64| -> Vec<f64> {
            let scaling = terms.iter().filter_map(TermState::scaling);
            scaling.map(|(mean, scale)| of(mean, scale)).collect()
        };
        Ok(Self {
            bundle,
            wish,
            sides: sides(&bundle.document.target, wish.class.as_deref())?,
            scales: numbers(|_, scale| scale),
            shifts: numbers(|mean, scale| if scale > 0.0 { mean / scale } else { 0.0 }),
            reach: freedom.map_or(Z, student_95),
            freedom,
            facts,
        })
    }

    fn errors(&self) -> Option<&StandardErrors> {
        let errors = self.facts.errors.as_ref()?;
        Some(match self.wish.robust {
            true => &errors.robust,
            false => &errors.classical,
        })
    }

    /// The weights that are wished for. Fails where the attribute is not known.
    pub(super) fn show(&self) -> Result<Weights, WeightsError> {
        let document = &self.bundle.document;
        let spread = &self.facts.spread;
        let deviations = spread.deviations(&document.featurizer, document.training.rows);
        let mut found = self.ranked(&deviations)?;
        let total = found.len();
        found = found.split_off(self.wish.offset.min(total));
        found.truncate(self.wish.limit);
        let features = found.iter().map(|&(feature, _)| feature);
        let names = document.featurizer.names_of(features, &document.schema);
        let weights: Vec<Weight> = found
            .into_iter()
            .zip(names)
            .map(|((feature, side), name)| self.weight(feature, &side, deviations[feature], name))
            .collect();
        let errors = self.facts.errors.as_ref();
        Ok(Weights {
            task: document.target.task(),
            target: document.schema.target.clone().unwrap_or_default(),
            scale: match (&document.target, document.outputs) {
                (Target::Regression, _) => "number",
                (_, 1) => "log_odds",
                _ => "score",
            },
            l2: document.solver.l2,
            errors: match errors {
                None => "none",
                Some(_) if self.wish.robust => "robust",
                Some(_) => "classical",
            },
            rows: document.training.rows,
            effective_weights: errors.map(|errors| errors.effective),
            residual_deviation: errors.and_then(|errors| errors.residual),
            reference: REFERENCE,
            intercepts: self.sides.iter().map(|side| self.intercept(side)).collect(),
            total,
            notes: self.notes(&weights),
            weights,
        })
    }

    /// The features that are wished for with each score, those that matter most first; of equal ones the first.
    fn ranked(&self, deviations: &[Option<f64>]) -> Result<Vec<(usize, Side<'a>)>, WeightsError> {
        let mut found: Vec<(usize, Side<'_>, f64)> = Vec::new();
        for feature in self.features()? {
            for side in &self.sides {
                let weight = self.bundle.beta[feature * self.bundle.document.outputs + side.output];
                // What is not known comes last.
                let effect = deviations[feature].map_or(-1.0, |deviation| deviation * weight.abs());
                found.push((feature, *side, effect));
            }
        }
        found.sort_by(|a, b| b.2.total_cmp(&a.2));
        Ok(found
            .into_iter()
            .map(|(feature, side, _)| (feature, side))
            .collect())
    }

    /// The features that are wished for.
    fn features(&self) -> Result<Vec<usize>, WeightsError> {
        let document = &self.bundle.document;
        let terms = document.featurizer.term_of_features();
        let Some(name) = &self.wish.attribute else {
            return Ok((0..terms.len()).collect());
        };
        let Some(wanted) = document.schema.index_of(name) else {
            let names = document.schema.attributes.iter();
            return Err(WeightsError::UnknownAttribute {
                name: name.clone(),
                hint: hint(name, names.map(|attribute| attribute.name.as_str())),
            });
        };
        let recipe = document.featurizer.recipe_terms();
        let reads: Vec<bool> = recipe
            .iter()
            .map(|term| term.attributes().contains(&wanted))
            .collect();
        Ok((0..terms.len())
            .filter(|&feature| reads[terms[feature] as usize])
            .collect())
    }

    fn weight(&self, feature: usize, side: &Side<'_>, deviation: Option<f64>, name: FeatureName) -> Weight {
        let scale = self.scales.get(feature).copied().unwrap_or(1.0);
        let place = feature * self.bundle.document.outputs + side.output;
        let weight = side.sign * self.bundle.beta[place];
        let error = self.errors().and_then(|errors| at(&errors.weights, place));
        let times = |factor: f64| self.estimate(weight * factor, error.map(|error| error * factor));
        Weight {
            class: side.class.map(str::to_owned),
            attribute: name.attribute,
            part: name.part,
            deviation: deviation.map(|deviation| deviation * scale),
            effect: deviation.map(|deviation| (weight * deviation).abs()),
            per_unit: (scale > 0.0).then(|| times(1.0 / scale)),
            per_deviation: deviation.map(times),
            p_value: error.and_then(|error| self.chance(weight, error)),
        }
    }

    fn estimate(&self, weight: f64, error: Option<f64>) -> Estimate {
        let of_classes = self.bundle.document.target.task() != Task::Regression;
        let odds = |log: f64| Some(libm::exp(log)).filter(|odds| of_classes && odds.is_finite());
        let low = error.map(|error| weight - self.reach * error);
        let high = error.map(|error| weight + self.reach * error);
        Estimate {
            weight,
            error,
            low,
            high,
            odds_ratio: odds(weight),
            odds_low: low.and_then(odds),
            odds_high: high.and_then(odds),
        }
    }

    fn chance(&self, weight: f64, error: f64) -> Option<f64> {
        let ratio = weight / error;
        let chance = match self.freedom {
            Some(freedom) => student_two_sided(ratio, freedom),
            None => normal_two_sided(ratio),
        };
        Some(chance).filter(|chance| chance.is_finite())
    }

    fn intercept(&self, side: &Side<'_>) -> Intercept {
        let (beta, outputs) = (&self.bundle.beta, self.bundle.document.outputs);
        let place = beta.len() - outputs + side.output;
        let at_means = side.sign * beta[place];
        let shifts = self.shifts.iter().enumerate();
        let moved: f64 = shifts
            .map(|(feature, shift)| side.sign * beta[feature * outputs + side.output] * shift)
            .sum();
        let errors = self.errors();
        let of_means = errors.and_then(|errors| at(&errors.weights, place));
        let of_zero = errors.and_then(|errors| at(&errors.origins, side.output));
        Intercept {
            class: side.class.map(str::to_owned),
            at_means: self.estimate(at_means, of_means),
            at_zero: self.estimate(at_means - moved, of_zero),
        }
    }

    fn notes(&self, weights: &[Weight]) -> Vec<String> {
        let mut notes: Vec<String> = self.facts.why_none.iter().cloned().collect();
        let solver = &self.bundle.document.solver;
        let Some(errors) = &self.facts.errors else {
            return notes;
        };
        if solver.l2 > 0.0 {
            notes.push("the penalty shrinks the weights towards 0; errors, intervals and p-values are those of the shrunken weights and leave the shrinkage itself out, so they are no test of unpenalised weights".into());
        }
        let line = solver
            .search
            .as_ref()
            .and_then(|search| search.calibration.as_ref());
        if let Some(line) = line.filter(|line| line.applied) {
            notes.push(format!(
                "all weights were multiplied by {:.3} after the fit, which held-back rows asked for; their errors too, as if that number was known exactly",
                line.slope
            ));
        }
        if errors.separated {
            notes.push("the weights tell the classes of all training rows perfectly; only the penalty keeps them finite, and intervals say little".into());
        }
        if errors.distance > FAR {
            notes.push(format!(
                "the fit ended a little before the optimum: a weight may be {:.1} standard errors from it",
                errors.distance
            ));
        }
        let is_wide = |weight: &&Weight| {
            let error = weight.per_deviation.and_then(|estimate| estimate.error);
            self.freedom.is_none() && error.is_some_and(|error| error > WIDE)
        };
        let wide = weights.iter().filter(is_wide).count();
        if wide > 0 {
            notes.push(format!(
                "the rows hardly determine {wide} of the weights shown: the error per deviation is above {WIDE}, as where a feature tells a class perfectly (separation) or nearly copies others; do not read anything into their size"
            ));
        }
        notes
    }
}

/// The error at a place, where it is known.
fn at(errors: &[Option<f64>], place: usize) -> Option<f64> {
    errors.get(place).copied().flatten()
}

/// The margins to show. The one margin of two classes belongs to the second.
fn sides<'a>(target: &'a Target, class: Option<&str>) -> Result<Vec<Side<'a>>, WeightsError> {
    let labels = target.labels();
    let side = |output: usize, sign: f64, class: usize| Side {
        output,
        sign,
        class: labels.get(class).copied(),
    };
    let wanted = match class {
        None => None,
        Some(name) => match labels.iter().position(|label| *label == name) {
            Some(at) => Some(at),
            None => {
                return Err(WeightsError::UnknownClass {
                    name: name.into(),
                    hint: match labels.is_empty() {
                        true => ": it predicts a number; leave the class out".into(),
                        false => hint(name, labels.iter().copied()),
                    },
                });
            }
        },
    };
    Ok(match (labels.len(), wanted) {
        (0, _) => vec![side(0, 1.0, 0)],
        (1 | 2, Some(0)) => vec![side(0, -1.0, 0)],
        (1 | 2, _) => vec![side(0, 1.0, 1)],
        (_, Some(class)) => vec![side(class, 1.0, class)],
        (count, None) => (0..count).map(|class| side(class, 1.0, class)).collect(),
    })
}

/// The name that may be meant, or some of those that there are.
fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 10;
    match nearest(name, known.clone()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => {
            let first: Vec<String> = known.clone().take(SHOWN).map(|one| format!("`{one}`")).collect();
            let more = if known.count() > SHOWN { ", …" } else { "" };
            format!("; there are {}{more}", first.join(", "))
        }
    }
}
