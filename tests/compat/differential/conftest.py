"""Starts the servers once per profile and hands out recorded scenarios."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from differential import corpus, tolerance
from differential.normalise import Normaliser
from differential.replay import ScriptError, play
from harness.servers import LOCAL_STORES, Server, launch, wait_until_healthy

# The flags of a scenario's `server`; both servers get the same.
PROFILES = {
    "default": LOCAL_STORES,
    "no-artifact-proxy": (
        *("--backend-store-uri", "sqlite:///{data}/tracking.db"),
        *("--no-serve-artifacts", "--default-artifact-root", "{data}/root"),
    ),
    "artifacts-only": ("--artifacts-only", "--artifacts-destination", "{data}/artifacts"),
    "static-prefix": (*LOCAL_STORES, "--static-prefix", "/lab"),
}

SCENARIOS = corpus.load()
# What webhooks' secrets are encrypted with.
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def pytest_addoption(parser):
    parser.addoption(
        "--subject",
        choices=("modelyard", "mlflow"),
        default="modelyard",
        help="the server compared with MLflow; `mlflow` checks the corpus and the normaliser",
    )
    parser.addoption(
        "--subject-store",
        metavar="URI",
        help="an empty database for that server, such as postgresql://user@host/name",
    )


class Replays:
    """Plays each scenario once against both servers, when it is first asked for."""

    def __init__(self, subject: str, store: str | None, folder: Path):
        self.subject = subject
        self.store = store
        self.folder = folder
        self.entries = tolerance.load() if subject == "modelyard" else []
        self.servers: dict[str, tuple[Server, Server]] = {}
        self.results: dict[str, dict | ScriptError] = {}

    def result(self, scenario: corpus.Scenario) -> dict:
        """The normalised answers of both servers by step name."""
        if scenario.id not in self.results:
            self.results[scenario.id] = self._play(scenario)
        result = self.results[scenario.id]
        if isinstance(result, Exception):
            raise result
        return result

    def _play(self, scenario: corpus.Scenario) -> dict | Exception:
        servers = self._pair(scenario.server)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(normalised, scenario, server) for server in servers]
        failures = [job.exception() for job in jobs if job.exception()]
        if failures:
            return failures[0]
        mlflow, modelyard = (job.result() for job in jobs)
        return {name: (mlflow[name], modelyard[name]) for name in mlflow}

    def _pair(self, profile: str) -> tuple[Server, Server]:
        if profile not in self.servers:
            pair = (
                launch("mlflow", self.folder / profile / "mlflow", PROFILES[profile]),
                launch(
                    self.subject,
                    self.folder / profile / "subject",
                    self._flags(profile),
                    # Without a file of the database no key can lie beside it.
                    {"MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": KEY} if self.store else None,
                ),
            )
            self.servers[profile] = pair
            for server in pair:
                wait_until_healthy(server)
        return self.servers[profile]

    def _flags(self, profile: str) -> tuple[str, ...]:
        """The profile's flags, with the subject's own database for the default one."""
        flags = PROFILES[profile]
        if profile == "default" and self.store:
            return tuple(self.store if flag.startswith("sqlite:") else flag for flag in flags)
        return flags

    def stop(self) -> None:
        threads = [
            threading.Thread(target=server.stop)
            for pair in self.servers.values()
            for server in pair
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def normalised(scenario: corpus.Scenario, server: Server) -> dict:
    try:
        recording = play(scenario, server)
    except ScriptError as error:
        raise ScriptError(f"{server.kind}: {error}") from None
    normaliser = Normaliser(recording)
    return {step.name: normaliser.answer(step) for step in scenario.steps if step.sort is None}


@pytest.fixture(scope="session")
def replays(request, tmp_path_factory):
    options = request.config.option
    folder = tmp_path_factory.mktemp("replay")
    replays = Replays(options.subject, options.subject_store, folder)
    yield replays
    replays.stop()


def pytest_terminal_summary(terminalreporter):
    """How many cases of each area were compared, and how many were equal or explained."""
    passed, total = Counter(), Counter()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "differential_area" and report.when == "call":
                    total[value] += 1
                    passed[value] += outcome == "passed"
    if not total:
        return
    terminalreporter.section("differential cases")
    for area in sorted(total):
        terminalreporter.line(f"{area:<20} {passed[area]:>4} of {total[area]:>4} agree")
    terminalreporter.line(f"{'all':<20} {passed.total():>4} of {total.total():>4} agree")
