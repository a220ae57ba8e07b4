#!/usr/bin/env python3
"""Fills a running server with experiments that look like a team's real work.

    seed.py URL [--runs N]

Speaks MLflow's REST API with the standard library alone. The same call gives the same data, but for times,
which end at the present, and ids.
"""

import argparse
import json
import math
import random
import struct
import time
import urllib.request
import zlib

DAY_MS = 86_400_000
ADJECTIVES = "brave calm dapper eager fancy gentle happy keen lively mellow nimble proud quick rustic vivid witty".split()
ANIMALS = "ant bear crane deer eel fox goat hare ibis jay koi lynx moth newt owl perch quail ray".split()
USERS = ["mina", "jonas", "priya", "ci-nightly"]
COMMITS = ["4b1f0c92d7a84f6c8f3a1e5d9b7c6a5040302010", "a9e8d7c6b5a4938271605f4e3d2c1b0a99887766"]


class Api:
    """MLflow's REST API at one address."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def upload(self, run: dict, path: str, data: bytes) -> None:
        """Puts a file under a run whose artifacts go through the server."""
        root = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
        url = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{root}/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT")):
            pass

    def experiment(self, name: str, tags: dict) -> str:
        return self.post("experiments/create", {"name": name, "tags": pairs(tags)})["experiment_id"]

    def run(self, experiment_id: str, name: str, start: int, tags: dict) -> dict:
        body = {"experiment_id": experiment_id, "run_name": name, "start_time": start, "tags": pairs(tags)}
        return self.post("runs/create", body | {"user_id": tags["mlflow.user"]})["run"]["info"]

    def log(self, run: dict, metrics: list, params: dict) -> None:
        """Logs params and `(key, value, time, step)` points, in requests of the size MLflow allows."""
        self.post("runs/log-batch", {"run_id": run["run_id"], "params": pairs(params)})
        for at in range(0, len(metrics), 1000):
            names = ("key", "value", "timestamp", "step")
            points = [dict(zip(names, metric)) for metric in metrics[at : at + 1000]]
            self.post("runs/log-batch", {"run_id": run["run_id"], "metrics": points})

    def finish(self, run: dict, status: str, end: int) -> None:
        self.post("runs/update", {"run_id": run["run_id"], "status": status, "end_time": end})


def pairs(values: dict) -> list:
    return [{"key": key, "value": str(value)} for key, value in values.items()]


def source_tags(rng: random.Random, script: str) -> dict:
    return {
        "mlflow.user": rng.choice(USERS),
        "mlflow.source.name": f"/home/team/work/{script}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": rng.choice(COMMITS),
        "mlflow.source.git.branch": rng.choice(["main", "main", "wider-trees"]),
        "mlflow.source.git.repoURL": "git@github.com:acme/risk.git",
    }


def run_name(rng: random.Random) -> str:
    return f"{rng.choice(ADJECTIVES)}-{rng.choice(ANIMALS)}-{rng.randrange(1000)}"


def fraud(api: Api, rng: random.Random, count: int, now: int) -> None:
    """Boosted trees: many short runs, one value for each metric."""
    experiment = api.experiment(
        "fraud-detection",
        {"team": "risk", "owner": "mina", "mlflow.note.content": "Boosted trees on the 2026 card data."},
    )
    for i in range(count, 0, -1):
        start = now - int(i * 30 * DAY_MS / count) - rng.randrange(3_600_000)
        depth, rate, trees = rng.randint(3, 12), rng.choice([0.3, 0.1, 0.03, 0.01]), rng.choice([100, 200, 400, 800])
        skill = 1 - math.exp(-depth * rate * trees / 60)
        auc = 0.74 + 0.22 * skill + rng.gauss(0, 0.008)
        tags = source_tags(rng, "train_fraud.py") | {"stage": rng.choice(["dev", "dev", "candidate"])}
        run = api.run(experiment, run_name(rng), start, tags)
        values = {
            "auc": auc,
            "f1": auc - 0.11 + rng.gauss(0, 0.01),
            "log_loss": 0.9 - 0.7 * auc + abs(rng.gauss(0, 0.02)),
            "precision": min(0.999, auc - 0.04 + rng.gauss(0, 0.012)),
            "recall": auc - 0.16 + rng.gauss(0, 0.015),
            "train_seconds": trees * depth * rng.uniform(0.02, 0.05),
        }
        params = {"model": rng.choice(["xgboost", "lightgbm"]), "max_depth": depth, "learning_rate": rate,
                  "n_estimators": trees, "subsample": rng.choice([0.7, 0.8, 1.0]), "features": rng.choice(["v6", "v7"]),
                  "early_stopping": rng.choice([True, False]), "seed": i}  # fmt: skip
        end = start + int(values["train_seconds"] * 1000)
        api.log(run, [(key, value, end, 0) for key, value in values.items()], params)
        status = "FAILED" if rng.random() < 0.05 else "KILLED" if rng.random() < 0.03 else "FINISHED"
        api.finish(run, status, end)


def vision(api: Api, rng: random.Random, count: int, now: int) -> None:
    """Deep learning: long curves, some that diverge, one that still runs."""
    experiment = api.experiment("resnet50/imagenet-ablation", {"team": "vision"})
    for i in range(count, 0, -1):
        start = now - i * 7 * DAY_MS // count - (0 if i > 1 else 600_000)
        rate = rng.choice([0.4, 0.1, 0.03])
        diverges = rate == 0.4 and i > 1
        run = api.run(experiment, run_name(rng), start, source_tags(rng, "train_resnet.py"))
        metrics, steps = [], 400
        for step in range(steps if i > 1 else 260):
            when = start + step * 21_000
            loss = 6.2 * math.exp(-step / (40 + 3 / rate)) + 0.9 + rng.gauss(0, 0.05)
            if diverges and step > 140:
                loss = float("nan") if step % 3 else loss * (step - 139)
            metrics.append(("train/loss", finite(loss), when, step))
            metrics.append(("train/learning_rate", rate * 0.5 * (1 + math.cos(math.pi * step / steps)), when, step))
            metrics.append(("system/gpu_0_utilization_percentage", 92 + rng.gauss(0, 3), when, step))
            if step % 10 == 0:
                metrics.append(("val/loss", finite(loss * 1.08 + rng.gauss(0, 0.03)), when, step))
                metrics.append(("val/top1", 0.76 * (1 - math.exp(-step / 90)) + rng.gauss(0, 0.006), when, step))
        params = {"batch_size": rng.choice([256, 512, 1024]), "optimizer": rng.choice(["sgd", "lamb"]), "lr": rate,
                  "label_smoothing": rng.choice([0.0, 0.1]), "mixup": rng.choice([True, False]), "epochs": 90}  # fmt: skip
        api.log(run, metrics, params)
        if i > 1:
            api.finish(run, "FAILED" if diverges else "FINISHED", start + steps * 21_000)


def finite(value: float) -> float | str:
    """JSON has no word for NaN; MLflow's API takes it as text."""
    return "NaN" if math.isnan(value) else value


def churn(api: Api, rng: random.Random, now: int) -> None:
    """A grid search: one parent, its children, and artifacts of every kind the preview knows."""
    experiment = api.experiment("churn-forest", {"team": "growth"})
    start = now - 3 * 3_600_000
    note = "Grid over depth and leaves.\n\n- best: **depth 8**\n- worst: depth 2, as `expected`\n\nSee [the notes](https://example.org/churn)."
    tags = source_tags(rng, "grid.py") | {"mlflow.note.content": note, "release": "2026.11"}
    parent = api.run(experiment, "grid-search", start, tags)
    rows = []
    for n, depth in enumerate([2, 4, 8, 12, 16, 24]):
        child_tags = source_tags(rng, "grid.py") | {"mlflow.parentRunId": parent["run_id"]}
        child = api.run(experiment, f"depth-{depth}", start + n * 60_000, child_tags)
        score = 0.9 - 0.02 * abs(depth - 8) ** 0.7 + rng.gauss(0, 0.004)
        api.log(child, [("cv_score", score, start + n * 61_000, 0)], {"max_depth": depth})
        api.finish(child, "FINISHED", start + (n + 1) * 60_000)
        rows.append([depth, round(score, 4), f"depth {depth}, all data"])
    api.log(parent, [("best_cv_score", max(row[1] for row in rows), start + 400_000, 0)], {"cv": 5, "estimator": "RandomForestClassifier"})
    dataset = {"name": "customers", "digest": "f7e5a261", "source_type": "local", "source": '{"uri": "customers.parquet"}',
               "schema": '{"mlflow_colspec": [{"type": "long", "name": "tenure"}, {"type": "double", "name": "spend"}]}',
               "profile": '{"num_rows": 48210, "num_elements": 96420}'}  # fmt: skip
    inputs = [{"dataset": dataset, "tags": pairs({"mlflow.data.context": "train"})}]
    api.post("runs/log-inputs", {"run_id": parent["run_id"], "datasets": inputs})
    api.upload(parent, "results.csv", ("depth,score,comment\n" + "".join(f'{d},{s},"{c}"\n' for d, s, c in rows)).encode())
    api.upload(parent, "results.json", json.dumps({"columns": ["depth", "score", "comment"], "data": rows}).encode())
    api.upload(parent, "plots/importance.png", gradient_png(320, 200))
    api.upload(parent, "notes.md", ("# Grid\n\n" + note).encode())
    api.upload(parent, "config/grid.yaml", b"cv: 5\nscoring: roc_auc\ngrid:\n  max_depth: [2, 4, 8]\n  bootstrap: true\n")
    api.upload(parent, "logs/train.log", "".join(f"{i:05d} fold {i % 5} score {0.8 + i / 99999:.5f}\n" for i in range(2000)).encode())
    api.finish(parent, "FINISHED", start + 420_000)


def gradient_png(width: int, height: int) -> bytes:
    """A small picture, written without a library."""
    rows = b"".join(
        b"\0" + bytes(channel for x in range(width) for channel in (40 + 180 * x // width, 90 + 90 * y // height, 200))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("url")
    arguments.add_argument("--runs", type=int, default=300, help="runs of the largest experiment")
    options = arguments.parse_args()
    api, rng, now = Api(options.url), random.Random(7), int(time.time() * 1000)
    fraud(api, rng, options.runs, now)
    vision(api, rng, 12, now)
    churn(api, rng, now)
    for name in ["forecast-weekly-demand", "llm-eval"]:
        api.experiment(name, {})


if __name__ == "__main__":
    main()
