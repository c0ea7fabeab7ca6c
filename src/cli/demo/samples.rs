//! The sample data of the demo, part of the program so that it works from any directory.

/// One table and the question put to it.
pub struct Sample {
    /// Name of the problem and of its resources.
    pub name: &'static str,
    /// What is asked, in words.
    pub question: &'static str,
    /// File name of the table.
    pub file: &'static str,
    /// The table.
    pub bytes: &'static [u8],
    /// The column to predict.
    pub target: &'static str,
}

/// One binary, one multiclass and one regression problem.
pub const SAMPLES: [Sample; 3] = [
    Sample {
        name: "breast-cancer",
        question: "is this tumour malignant, given 30 measurements of cell nuclei?",
        file: "breast_cancer.csv",
        bytes: include_bytes!("../../../datasets/breast_cancer.csv"),
        target: "target",
    },
    Sample {
        name: "digits",
        question: "which digit is this, given 64 grey pixels?",
        file: "digits.csv",
        bytes: include_bytes!("../../../datasets/digits.csv"),
        target: "target",
    },
    Sample {
        name: "diabetes",
        question: "how far will the disease progress within a year, given ten measurements?",
        file: "diabetes.csv",
        bytes: include_bytes!("../../../datasets/diabetes.csv"),
        target: "target",
    },
];
