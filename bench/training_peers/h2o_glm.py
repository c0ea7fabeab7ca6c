"""H2O's generalised linear models, see `training_peers`. Each run starts a server of its own and ends it.

default: everything automatic.
tuned: types of the columns given; ridge by L-BFGS with a penalty that suits the workload.
"""

import os
import socket
import tempfile

import h2o
from h2o.estimators import H2OGeneralizedLinearEstimator

from training_peers.task import task

FAMILIES = {"binary": "binomial", "multiclass": "multinomial", "regression": "gaussian"}
TUNED = {
    "clicks": {"lambda_": 1e-5, "max_iterations": 200, "objective_epsilon": 1e-6},
    "sales": {"lambda_": 1e-5, "max_iterations": 100},
    "faces": {"lambda_": 1.0, "max_iterations": 100},
}


def start(folder):
    """A server on a free port, with half of the machine's memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**21
    processors = len(os.sched_getaffinity(0))
    h2o.init(port=port, nthreads=processors, max_mem_size=f"{memory}M", ice_root=folder, log_dir=folder, verbose=False)
    h2o.no_progress()


def stop():
    """Ends the server and waits for it, so that its processor time counts."""
    server = h2o.connection().local_server._process
    h2o.cluster().shutdown()
    server.wait()


def types(asked):
    workload = asked.workload
    of_target = {workload.target: "numeric" if workload.task == "regression" else "enum"}
    if not asked.tuned:
        return of_target
    numbers, categories = dict.fromkeys(workload.numbers, "numeric"), dict.fromkeys(workload.categories, "enum")
    return {**numbers, **categories, **of_target}


def train(asked):
    workload = asked.workload
    frame = h2o.import_file(str(asked.data), col_types=types(asked))
    options = {"solver": "L_BFGS", "alpha": 0, **TUNED[asked.name]} if asked.tuned else {}
    learner = H2OGeneralizedLinearEstimator(family=FAMILIES[workload.task], seed=1, **options)
    # A text is one more category to H2O, of as many values as there are rows.
    inputs = [*workload.numbers, *workload.categories] if asked.tuned else workload.inputs
    learner.train(x=inputs, y=workload.target, training_frame=frame)
    h2o.save_model(learner, path=str(asked.model), filename="glm", force=True)
    (asked.model / "types.txt").write_text("\n".join(f"{name}\t{kind}" for name, kind in frame.types.items()))


def predict(asked):
    learner = h2o.load_model(str(asked.model / "glm"))
    kinds = dict(line.split("\t") for line in (asked.model / "types.txt").read_text().splitlines())
    frame = h2o.import_file(str(asked.data), col_types=kinds)
    answers = learner.predict(frame).as_data_frame(use_multi_thread=False)
    asked.write((answers["predict"] if asked.workload.task == "regression" else answers.iloc[:, 2]).to_numpy())


if __name__ == "__main__":
    given = task(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        start(folder)
        try:
            {"train": train, "predict": predict}[given.step](given)
        finally:
            stop()
