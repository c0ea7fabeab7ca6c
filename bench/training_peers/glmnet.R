# glmnet, see training_peers/__init__.py: fread, a sparse one-hot matrix, ridge along a path of penalties, of which the
# last, which suits the workload, is used. Workloads with texts are left out: glmnet brings no words.
#
#   Rscript bench/training_peers/glmnet.R train WORKLOAD tuned TRAIN.csv MODEL
#   Rscript bench/training_peers/glmnet.R predict WORKLOAD tuned TEST.csv MODEL OUT.csv
suppressMessages({
  library(data.table)
  library(Matrix)
  library(glmnet)
})

workloads <- list(
  sales = list(
    target = "units_sold", family = "gaussian", penalties = 10^seq(2, -2, length.out = 12),
    categories = c("store_id", "product_id", "category", "region", "weekday", "month", "promo", "holiday"),
    numbers = c("price", "discount_pct", "competitor_price", "temperature", "stock", "ad_spend", "footfall")
  ),
  faces = list(
    target = "is_smiling", family = "binomial", penalties = 10^seq(2, -1, length.out = 10),
    categories = character(0), numbers = paste0("p", 0:4095)
  )
)

read_table <- function(path) fread(path, showProgress = FALSE, na.strings = "")

# What the encoding needs to know of the rows to learn from.
facts_of <- function(workload, rows) {
  levels <- lapply(workload$categories, function(name) sort(unique(as.character(rows[[name]]))))
  names(levels) <- workload$categories
  list(levels = levels, medians = sapply(workload$numbers, function(name) median(rows[[name]], na.rm = TRUE)))
}

encode <- function(workload, facts, rows) {
  numbers <- as.matrix(rows[, workload$numbers, with = FALSE])
  storage.mode(numbers) <- "double"
  for (column in seq_along(workload$numbers)) {
    numbers[is.na(numbers[, column]), column] <- facts$medians[column]
  }
  if (!length(workload$categories)) return(numbers)
  one_hot <- lapply(workload$categories, function(name) {
    level <- match(as.character(rows[[name]]), facts$levels[[name]])
    known <- which(!is.na(level))
    sparseMatrix(i = known, j = level[known], x = 1, dims = c(nrow(rows), length(facts$levels[[name]])))
  })
  do.call(cbind, c(list(Matrix(numbers, sparse = TRUE)), one_hot))
}

main <- function(step, name, configuration, data, model, out = NULL) {
  setDTthreads(2)
  dir.create(model, showWarnings = FALSE, recursive = TRUE)
  workload <- workloads[[name]]
  rows <- read_table(data)
  file <- file.path(model, "glmnet.rds")
  if (step == "train") {
    facts <- facts_of(workload, rows)
    fit <- glmnet(
      encode(workload, facts, rows), rows[[workload$target]],
      family = workload$family, alpha = 0, lambda = workload$penalties
    )
    saveRDS(list(facts = facts, fit = fit), file)
  } else {
    saved <- readRDS(file)
    inputs <- encode(workload, saved$facts, rows)
    answers <- predict(saved$fit, inputs, s = min(workload$penalties), type = "response")[, 1]
    fwrite(data.table(prediction = answers), out)
  }
}

do.call(main, as.list(commandArgs(TRUE)))
