"""The tools that training is measured beside. Each is a program of its own, from a CSV on disk to a model on disk:

    train WORKLOAD default|tuned TRAIN.csv MODEL        MODEL is a folder
    predict WORKLOAD default|tuned TEST.csv MODEL OUT.csv

OUT.csv has one line for each row of TEST.csv: a probability of 1 (binary), one of each class under the classes' names
(multiclass), or a number (regression). `default` is what the first tutorial of the tool shows; `tuned` what a competent
user arrives at, with a penalty that suits the data.
"""
