"""Logs markup wherever a user can put text, through the client."""

import mlflow

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = "<img src=x onerror='window.hacked = 2'>"

mlflow.set_experiment(f"{SCRIPT} experiment")
mlflow.set_experiment_tag("mlflow.note.content", f"{IMAGE} note")
with mlflow.start_run(run_name=f"{IMAGE} run", description=f"{SCRIPT} [x](javascript:window.hacked=3) **bold**") as run:
    mlflow.log_param("param", f"{SCRIPT} value")
    mlflow.set_tag("tag", f"{IMAGE} value")
    mlflow.log_metric("metric", 1.5)
    mlflow.log_text(f"first line\n{SCRIPT}\n{IMAGE}\n", "plain.txt")
    mlflow.log_text(f"<!doctype html><html><body>{SCRIPT}{IMAGE}</body></html>", "page.html")
    mlflow.log_text(f"# {SCRIPT}\n\n{IMAGE}\n\n[x](javascript:window.hacked=4)\n", "notes.md")
    mlflow.log_table({"question": [SCRIPT], "answer": [IMAGE]}, "table.json")
    mlflow.log_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">{SCRIPT}<rect width="40" height="40"/></svg>', "drawing.svg")
print(run.info.experiment_id, run.info.run_id)
